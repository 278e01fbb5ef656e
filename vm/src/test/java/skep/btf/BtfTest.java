package skep.btf;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;

class BtfTest {
    private static final int INT = 1;
    private static final int LONG = 2;
    private static final int CHAR = 3;
    private static final int ARRAY = 4;
    private static final int INNER = 5;
    private static final int OUTER = 6;

    /** {@code struct outer { int a; union { long b; struct { int c:3; int d:5; } }; char name[4]; struct outer *next; }}. */
    private static BtfBuilder example() {
        var builder = new BtfBuilder();
        builder.add(BtfType.Int.signed("int", 4));
        builder.add(BtfType.Int.signed("long int", 8));
        builder.add(BtfType.Int.unsigned("char", 1));
        builder.add(new BtfType.Array(CHAR, INT, 4));
        builder.add(new BtfType.Union("", 8, List.of(BtfType.Member.at("b", LONG, 0), BtfType.Member.at("", 7, 0))));
        builder.add(new BtfType.Struct(
                "outer",
                32,
                List.of(
                        BtfType.Member.at("a", INT, 0),
                        BtfType.Member.at("", INNER, 8),
                        BtfType.Member.at("name", ARRAY, 16),
                        BtfType.Member.at("next", 8, 24))));
        builder.add(new BtfType.Struct(
                "", 4, List.of(new BtfType.Member("c", INT, 0, 3), new BtfType.Member("d", INT, 3, 5))));
        builder.add(new BtfType.Pointer(OUTER));
        builder.add(new BtfType.Typedef("outer_t", OUTER));
        builder.add(new BtfType.Qualified(BtfKind.CONST, 9));
        builder.add(new BtfType.Enumeration(
                "colour",
                4,
                true,
                false,
                List.of(new BtfType.Enumerator("RED", -1), new BtfType.Enumerator("BLUE", 7))));
        builder.add(new BtfType.Enumeration(
                "wide", 8, false, true, List.of(new BtfType.Enumerator("HUGE_VALUE", 0x1_2345_6789L))));
        builder.add(new BtfType.Prototype(INT, List.of(new BtfType.Parameter("o", 8), new BtfType.Parameter("", 0))));
        builder.add(new BtfType.Function("work", 13, BtfType.Linkage.GLOBAL));
        builder.add(new BtfType.Pointer(13));
        builder.add(new BtfType.Variable("counter", LONG, BtfType.Linkage.GLOBAL));
        builder.add(new BtfType.DataSection(".data", 8, List.of(new BtfType.DataSection.Slot(16, 0, 8))));
        builder.add(new BtfType.Forward("later", false));
        builder.add(new BtfType.Float("double", 8));
        builder.add(new BtfType.DeclTag("note", OUTER, 1));
        builder.add(new BtfType.TypeTag("user", 9));
        return builder;
    }

    @Test
    void whatWasBuiltIsReadBack() {
        var builder = example();
        var btf = builder.build();
        assertEquals(builder.nextId(), btf.endId());
        var again = BtfBuilder.copyOf(btf).toBytes();
        assertEquals(
                java.util.HexFormat.of().formatHex(btf.bytes()),
                java.util.HexFormat.of().formatHex(again));
    }

    @Test
    void membersAreFoundThroughAnonymousOnesAndTypedefs() {
        var btf = example().build();
        assertEquals(Optional.of(new Btf.Place(LONG, 64, 0)), btf.member(OUTER, "b"));
        assertEquals(Optional.of(new Btf.Place(INT, 67, 5)), btf.member(10, "d"));
        assertEquals(Optional.of(new Btf.Place(CHAR, 18 * 8, 0)), btf.path(10, "name[2]"));
        assertEquals(Optional.empty(), btf.path(OUTER, "name[x]"));
        assertEquals(Optional.empty(), btf.path(OUTER, "a.b"));
        assertEquals(Optional.empty(), btf.member(OUTER, "nothing"));
    }

    @Test
    void sizesFollowTypedefsAndMultiplyArrays() {
        var btf = example().build();
        assertEquals(32, btf.sizeBytes(21));
        assertEquals(4, btf.sizeBytes(ARRAY));
        assertEquals(8, btf.sizeBytes(16));
        assertThrows(BtfException.class, () -> btf.sizeBytes(18), "incomplete");
        assertThrows(BtfException.class, () -> btf.sizeBytes(14), "function");
    }

    @Test
    void namesAreFoundByKindWithAndWithoutAnIndex() {
        var btf = example().build();
        for (int round = 0; round < 60; round++) {
            assertEquals(OptionalInt.of(OUTER), btf.find("outer", BtfKind.STRUCT), "round " + round);
            assertEquals(OptionalInt.empty(), btf.find("outer", BtfKind.UNION));
            assertEquals(OptionalInt.of(14), btf.find("work", BtfKind.FUNC));
            assertEquals(OptionalInt.empty(), btf.find("wor", BtfKind.FUNC));
        }
        assertEquals(Optional.of(-1L), btf.enumerator("RED"));
        assertEquals(Optional.of(0x1_2345_6789L), btf.enumerator("HUGE_VALUE"));
    }

    @Test
    void typesAreNamedAsCWritesThem() {
        var btf = example().build();
        assertEquals("struct outer *", btf.cName(8));
        assertEquals("char[4]", btf.cName(ARRAY));
        assertEquals("const outer_t", btf.cName(10));
        assertEquals("int (*)(struct outer *o, ...)", btf.cName(15));
        assertEquals("int (*fn)(struct outer *o, ...)", btf.cDeclaration(15, "fn"));
        assertEquals("int work(struct outer *o, ...)", btf.cName(14));
    }

    @Test
    void splitBtfContinuesIdsAndStringsOfItsBase() {
        var base = example().build();
        var builder = BtfBuilder.split(base);
        int struct = builder.add(new BtfType.Struct("module_data", 32, List.of(BtfType.Member.at("o", OUTER, 0))));
        var split = builder.build();
        assertEquals(base.endId(), struct);
        assertEquals(OptionalInt.of(struct), split.find("module_data", BtfKind.STRUCT));
        assertEquals(OptionalInt.of(OUTER), split.find("outer", BtfKind.STRUCT));
        assertEquals(Optional.of(new Btf.Place(INT, 0, 0)), split.path(struct, "o.a"));
        assertEquals(OptionalInt.empty(), base.find("module_data", BtfKind.STRUCT));
    }

    @Test
    void bigEndianIsReadToo() {
        var little = example().toBytes();
        var big = little.clone();
        swap(big, 0, 2);
        for (int at = 4; at < 24; at += 4) {
            swap(big, at, 4);
        }
        int typeBytes = java.nio.ByteBuffer.wrap(little)
                .order(java.nio.ByteOrder.LITTLE_ENDIAN)
                .getInt(12);
        for (int at = 24; at < 24 + typeBytes; at += 4) {
            swap(big, at, 4);
        }
        var btf = Btf.parse(big);
        assertEquals(Btf.parse(little).type(OUTER), btf.type(OUTER));
    }

    private static void swap(byte[] bytes, int at, int count) {
        for (int i = 0; i < count / 2; i++) {
            var low = bytes[at + i];
            bytes[at + i] = bytes[at + count - 1 - i];
            bytes[at + count - 1 - i] = low;
        }
    }

    @Test
    void cyclesEndInAnException() {
        var builder = new BtfBuilder();
        builder.add(new BtfType.Typedef("a", 2));
        builder.add(new BtfType.Typedef("b", 1));
        builder.add(new BtfType.Array(3, 1, 2));
        builder.add(new BtfType.Struct("s", 8, List.of(BtfType.Member.at("", 4, 0))));
        builder.add(new BtfType.Variable("v", 5, BtfType.Linkage.STATIC));
        var btf = builder.build();
        assertThrows(BtfException.class, () -> btf.resolve(1));
        assertThrows(BtfException.class, () -> btf.sizeBytes(3));
        assertThrows(BtfException.class, () -> btf.sizeBytes(5));
        assertEquals(Optional.empty(), btf.member(4, "x"));
    }

    /** Whatever the bytes: an answer or our exception. */
    @Property(seed = "20261130", tries = 3000)
    void hostileBytesNeverDoMoreThanThrowOurException(
            @ForAll @Size(min = 1, max = 6) List<@IntRange(min = 0, max = 1 << 20) Integer> edits) {
        var bytes = example().toBytes();
        for (int edit : edits) {
            bytes[(edit >> 8) % bytes.length] = (byte) edit;
        }
        try {
            var btf = Btf.parse(bytes);
            for (int id = 1; id < btf.endId(); id++) {
                ask(btf, id);
            }
        } catch (BtfException expected) {
            assertTrue(expected.getMessage().length() > 5);
        }
    }

    private static void ask(Btf btf, int id) {
        try {
            btf.type(id);
            btf.cName(id);
            btf.member(id, "d");
            btf.path(id, "name[1]");
            btf.sizeBytes(id);
        } catch (BtfException expected) {
            assertTrue(expected.getMessage().length() > 5);
        }
    }

    @Test
    void infoOfInstructionsIsReadBack() {
        var builder = example();
        var ext = new BtfExt(
                List.of(new BtfExt.FunctionInfo("kprobe/x", 0, 14)),
                List.of(
                        new BtfExt.LineInfo("kprobe/x", 0, "a.c", "int x;", 3, 5),
                        new BtfExt.LineInfo(".text", 16, "a.c", "return 0;", 9, 1),
                        new BtfExt.LineInfo("kprobe/x", 24, "a.c", "x = 1;", 4, 1)),
                List.of(new BtfExt.CoreRelocation(
                        "kprobe/x", 8, OUTER, "0:1:1", BtfExt.CoreRelocation.Kind.FIELD_EXISTS)));
        var bytes = ext.toBytes(builder);
        var again = BtfExt.parse(bytes, builder.build());
        assertEquals(ext.functions(), again.functions());
        assertEquals(ext.relocations(), again.relocations());
        assertEquals(java.util.Set.copyOf(ext.lines()), java.util.Set.copyOf(again.lines()));
        assertEquals(4, again.lineAt("kprobe/x", 32).orElseThrow().line());
        for (int cut = 0; cut < bytes.length; cut += 4) {
            var shortened = java.util.Arrays.copyOf(bytes, cut);
            assertThrows(BtfException.class, () -> BtfExt.parse(shortened, builder.build()));
        }
    }
}
