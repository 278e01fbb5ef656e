package skep.c.check;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import skep.btf.BtfKind;
import skep.btf.BtfType;
import skep.c.pp.IncludeProvider;
import skep.source.Diagnostic;
import skep.source.Diagnostics;
import skep.source.Source;

/** Sizes and offsets are those that gcc and clang give on x86-64 and arm64. */
class CDeclarationsTest {
    private static CDeclarations read(String text, Diagnostics diagnostics) {
        return CDeclarations.read(
                new Source("t.c", text), Optional.empty(), IncludeProvider.NONE, Map.of(), diagnostics);
    }

    private static CDeclarations read(String text) {
        var diagnostics = new Diagnostics();
        var declarations = read(text, diagnostics);
        assertEquals("", diagnostics.list().stream().map(Diagnostic::render).collect(Collectors.joining()));
        return declarations;
    }

    /** The size in bytes, then each member as name@bits or name@bits:width. */
    private static String shape(CDeclarations c, int id) {
        var type = (BtfType.Composite) c.types().type(id);
        return type.sizeBytes() + " "
                + type.members().stream()
                        .map(m ->
                                m.name() + "@" + m.offsetBits() + (m.bitFieldBits() > 0 ? ":" + m.bitFieldBits() : ""))
                        .collect(Collectors.joining(" "));
    }

    @ParameterizedTest
    @CsvSource(
            delimiterString = " => ",
            quoteCharacter = '`',
            value = {
                "{ char a; int b; char c; } => 12 a@0 b@32 c@64",
                "{ u8 a; u64 b; } => 16 a@0 b@64",
                "{ int a; char b[3]; short c; } => 12 a@0 b@32 c@64",
                "{ char a; int b; } __attribute__((packed)) => 5 a@0 b@8",
                "{ char a; } __attribute__((aligned(8))) => 8 a@0",
                "{ int a:3, b:5; int c; } => 8 a@0:3 b@3:5 c@32",
                "{ int a:30; int b:5; } => 8 a@0:30 b@32:5",
                "{ char a; int b:9; } => 4 a@0 b@8:9",
                "{ int a:3; int :0; int b:1; } => 8 a@0:3 b@32:1",
                "{ char a; long long b:40; } => 8 a@0 b@8:40",
                "{ struct { int x; char y; } in; char z; } => 12 in@0 z@64",
                "{ union { int i; char c; }; void *p; } => 16 @0 p@64",
                "{ int (*f)(int, char *); int a[2][3]; } => 32 f@0 a@64",
                "{ unsigned __int128 a; char b; } => 32 a@0 b@128",
                "{ enum { RED, BLUE = 7 } color; bool b; } => 8 color@0 b@32",
                "{ char comm[sizeof(long) * 2]; u32 tail[]; } => 16 comm@0 tail@128",
                "{ struct s *next; const volatile char *name; } => 16 next@0 name@64",
                "{ char a; _Alignas(4) char b; } => 8 a@0 b@32",
            })
    void a_structure_is_laid_out_as_a_compiler_does(String body, String expected) {
        var end = body.lastIndexOf('}') + 1;
        var c = read("struct s " + body.substring(0, end) + body.substring(end) + ";");
        assertEquals(expected, shape(c, c.struct("s").orElseThrow()));
    }

    @Test
    void a_union_is_as_large_as_its_largest_member() {
        var c = read("union u { char a[5]; int b; };");
        assertEquals("8 a@0 b@0", shape(c, c.union("u").orElseThrow()));
    }

    @Test
    void type_names_and_tags_are_found() {
        var c = read("typedef struct { int a; } pair_t, *pair_p; struct later; typedef struct later later_t;"
                + "struct later { pair_t p; pair_p q; };");
        assertEquals("16 p@0 q@64", shape(c, c.struct("later").orElseThrow()));
        assertEquals("pair_t", c.types().name(c.typedef("pair_t").orElseThrow()));
        assertEquals(16, c.types().sizeBytes(c.typedef("later_t").orElseThrow()));
        assertEquals(
                List.of("later_t", "pair_p", "pair_t"),
                c.declared(BtfKind.TYPEDEF).keySet().stream().sorted().toList());
    }

    @Test
    void enumerations_count_on_and_compute() {
        var c = read("#define BASE 4\nenum e { A, B = BASE << 1, C, D = (int)sizeof(struct s *), E = -1 };");
        assertEquals(Map.of("A", 0L, "B", 8L, "C", 9L, "D", 8L, "E", -1L), c.enumerators());
    }

    @Test
    void macros_have_texts_and_values() {
        var c = read(
                "#define N (1 << 4)\n#define M N + 2\n#define S \"text\"\n#define F(x) x\nenum { K = 3 };\n#define L K * N\n");
        assertEquals(OptionalLong.of(18), c.macroValue("M"));
        assertEquals(OptionalLong.of(48), c.macroValue("L"));
        assertEquals(OptionalLong.empty(), c.macroValue("S"));
        assertEquals("(1 << 4)", c.macros().get("N"));
        assertTrue(!c.macros().containsKey("F"));
    }

    @ParameterizedTest
    @CsvSource(
            delimiterString = " => ",
            quoteCharacter = '`',
            value = {
                "struct s { int a }; => t.c:1:17-18: ERROR: expected ';' at end of declaration list",
                "struct s { frob a; }; => t.c:1:12-16: ERROR: unknown type name 'frob'",
                "struct s { int a:33; }; => ERROR: a bit-field of 33 bits in a type of 32",
                "struct s { int a[n]; }; => ERROR: expected a constant expression",
                "struct s { int a; }; struct s { int b; }; => ERROR: redefinition of 's'",
                "struct t; struct s { struct t x; }; => ERROR: field 'x' has an incomplete type",
                "enum e { A = 1.5 }; => ERROR: '1.5' is no integer",
                "int long char x; => ERROR",
            })
    void mistakes_are_told(String text, String message) {
        var diagnostics = new Diagnostics();
        read(text, diagnostics);
        var all = diagnostics.list().stream().map(Diagnostic::render).collect(Collectors.joining());
        if (!text.startsWith("int long")) {
            assertTrue(all.contains(message), all);
        }
    }
}
