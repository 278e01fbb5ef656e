package skep.arm64.lower;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import skep.arm64.a64.Disassembler;
import skep.isa.Assembler;
import skep.isa.DecodedProgram;

/** What A64 stands for an instruction, and that long code reaches everything. */
class LoweringTest {
    private static final LoweringOptions PLAIN = LoweringOptions.VERIFIED.withHints(LoweringOptions.Hints.NONE);

    /** Calls lead nowhere in particular. */
    private static final Calls NOWHERE = new Nowhere();

    private static class Nowhere implements Calls {
        @Override
        public CallTarget target(int slot) {
            return new CallTarget(0xffff_8000_0825_d7e0L, CallTarget.NO_NUMBER);
        }

        @Override
        public long throughRegister() {
            return 0;
        }

        @Override
        public long immediate(int slot) {
            return slot;
        }

        @Override
        public int stackBytes(int functionSlot) {
            return 32;
        }
    }

    private static MachineCode lower(String assembly, LoweringOptions options) {
        return Lowering.lower(DecodedProgram.of(Assembler.assemble(assembly)), options, NOWHERE);
    }

    private static String text(String assembly, LoweringOptions options) {
        return String.join(
                "\n",
                Arrays.stream(lower(assembly, options).words())
                        .mapToObj(Disassembler::disassemble)
                        .toList());
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource(delimiter = '|', textBlock = """
            if r1 == 0 goto pc+1               | cbz x0, #8
            if r1 != 0 goto pc+1               | cbnz x0, #8
            if r1 > 0 goto pc+1                | cbnz x0, #8
            if w1 < 1 goto pc+1                | cbz w0, #8
            if r1 s< 0 goto pc+1               | tbnz x0, #63, #8
            if w1 s>= 0 goto pc+1              | tbz w0, #31, #8
            if r1 s> -1 goto pc+1              | tbz x0, #63, #8
            if r1 & 64 goto pc+1               | tbnz w0, #6, #8
            if r1 & 0x80000000 goto pc+1       | tst x0, #0xffffffff80000000
            if r1 == 65536 goto pc+1           | cmp x0, #16, lsl #12
            if r1 == -5 goto pc+1              | cmn x0, #5
            """)
    void comparisonsWithAConstantAreShort(String branch, String expected) {
        assertTrue(
                text(branch + "\nr0 = 0\nexit", PLAIN).contains(expected),
                () -> text(branch + "\nr0 = 0\nexit", PLAIN));
    }

    @Test
    void whatIsStoredSideBySideIsStoredAtOnce() {
        var text = text("r6 = r1\n*(u64 *)(r10 -8) = r1\n*(u64 *)(r10 -16) = r6\nr0 = 0\nexit", PLAIN);
        assertTrue(text.contains("stp x19, x0, [sp, #48]"), text);
    }

    @Test
    void aJumpBetweenTwoStoresKeepsThemApart() {
        var text = text("""
                if r1 == 0 goto pc+1
                *(u64 *)(r10 -8) = r1
                *(u64 *)(r10 -16) = r1
                r0 = 0
                exit
                """, PLAIN);
        assertFalse(text.contains("stp x0"), text);
    }

    @Test
    void theAddressOfAStackSlotIsOneInstruction() {
        var text = text("r2 = r10\nr2 += -8\n*(u64 *)(r2 +0) = 0\nr0 = 0\nexit", PLAIN);
        assertTrue(text.contains("add x1, sp, #40"), text);
    }

    @Test
    void aTargetThatIsCalledTwiceHasAStub() {
        assertEquals(
                1, Collections.frequency(text("call 1\nexit", PLAIN).lines().toList(), "blr x16"));
        var twice = text("call 1\ncall 1\nexit", PLAIN);
        assertFalse(twice.contains("blr"), twice);
        assertEquals(2, twice.lines().filter(line -> line.startsWith("bl ")).count(), twice);
    }

    @Test
    void aTreeOfComparisonsIsATable() {
        var cases = new StringBuilder();
        for (int i = 0; i < 6; i++) {
            cases.append("if r1 == ")
                    .append(10 + i)
                    .append(" goto pc+")
                    .append(7 - i + i)
                    .append('\n');
        }
        var text = text(cases + "r0 = 0\nexit\nr0 = 1\nexit\nr0 = 2\nexit\nr0 = 3\nexit\nr0 = 4\nexit", PLAIN);
        assertTrue(text.contains("br x11"), text);
        assertFalse(text.contains("cmp x0, #12"), text);
    }

    @Test
    void anUntrustedConstantIsNotInTheCode() {
        int secret = 0x1a2b_3c4d;
        var program = "r0 = %1$d\nr1 = r10\n*(u64 *)(r10 -8) = %1$d\nif r0 == %1$d goto pc+1\nr0 ^= %1$d\nexit"
                .formatted(secret);
        var open = text(program, PLAIN);
        assertTrue(open.contains("#" + (secret & 0xffff)), open);
        var blinded = text(program, PLAIN.blinded(42));
        assertFalse(blinded.contains("#" + (secret & 0xffff)), blinded);
        assertFalse(blinded.contains("#" + (secret >>> 16)), blinded);
        assertFalse(blinded.equals(text(program, PLAIN.blinded(43))), "the key depends on the seed");
    }

    @Test
    void aBitIsTestedFartherThan32KibWithAJumpBetween() {
        var text = text("if r1 s< 0 goto pc+8200\n" + "r0 *= 3\n".repeat(8_200) + "exit", PLAIN);
        assertTrue(text.contains("tbz x0, #63, #8\nb #65604"), () -> text.substring(0, 300));
    }

    @Test
    void aComparisonLeadsFartherThanOneMibWithAJumpBetween() {
        // Each in a place of its own, so that no two share a stub.
        var calls = new Nowhere() {
            @Override
            public CallTarget target(int slot) {
                return new CallTarget(0xffff_8000_1234_5670L + slot, CallTarget.NO_NUMBER);
            }
        };
        var program = DecodedProgram.of(
                Assembler.assemble("if r1 == r2 goto pc+32000\n" + "call 12\n".repeat(32_000) + "exit"));
        var code = Lowering.lower(program, PLAIN, calls);
        assertTrue(code.wordOfSlot()[32_001] > 1 << 18, "a MiB of words");
        int at = code.wordOfSlot()[0];
        assertEquals("b.ne #8", Disassembler.disassemble(code.words()[at + 1]));
        assertEquals("b #" + 4 * (code.wordOfSlot()[32_001] - at - 2), Disassembler.disassemble(code.words()[at + 2]));
    }

    @Test
    void jumpsAndCallsBeyond128MibGoByWayOfRegisters() {
        var program = DecodedProgram.of(Assembler.assemble(
                "if r1 == 0 goto pc+22\n" + "r0 *= 3\n".repeat(20) + "call pc+2\ngoto pc+0\nexit\nr0 = 1\nexit"));
        var code = Lowering.lower(program, PLAIN, NOWHERE, () -> new skep.arm64.a64.Assembler(5, 5));
        var text =
                Arrays.stream(code.words()).mapToObj(Disassembler::disassemble).toList();
        int at = code.wordOfSlot()[0];
        assertEquals(List.of("cbnz x0, #24", "adr x16, #0"), text.subList(at, at + 2), "around what takes five words");
        assertEquals("ret x16", text.get(at + 5));
        // The distance counts from the adr.
        int distance = 4 * (code.wordOfSlot()[23] - at - 1);
        assertEquals("mov w17, #" + distance, text.get(at + 2));
        assertEquals("movk w17, #0, lsl #16", text.get(at + 3));
    }

    @Test
    void aProgramOfTheGreatestLengthIsLowered() {
        var code = lower("r0 = 1\n" + "r0 *= 12345\n".repeat(98_798) + "exit", PLAIN);
        assertTrue(code.sizeBytes() > 98_800 * 4);
        int last = code.wordOfSlot()[98_799];
        assertEquals(98_798, code.slotOfWord(last - 1));
    }

    @Test
    void aWordOfAPrologueBelongsToTheFunctionsFirstInstruction() {
        var code = lower("call pc+1\nexit\nr0 = 1\nexit", PLAIN);
        int second = code.functions().get(1).word();
        assertEquals(0, code.slotOfWord(0));
        assertEquals(2, code.slotOfWord(second));
        assertEquals(MachineCode.NO_SLOT, code.slotOfWord(second - 1));
    }

    @Test
    void linuxHasNothingForWhatItRefuses() {
        for (var newer : List.of("r0 = *(s8 *)(r1 +0)", "r0 s/= 3", "r0 = (s8)r1", "r0 = bswap16 r0", "gotol pc+0")) {
            var program = "r0 = 1\n" + newer + "\nexit";
            assertThrows(
                    UnsupportedInsnException.class,
                    () -> lower(program, PLAIN.withStyle(LoweringOptions.Style.LINUX_6_1)),
                    newer);
            lower(program, PLAIN.withStyle(LoweringOptions.Style.LINUX_6_12));
        }
    }

    @Test
    void aCallNearByIsOneWordOnceItIsKnownWhereTheCodeLies() {
        var calls = new Calls() {
            @Override
            public CallTarget target(int slot) {
                return new CallTarget(0x1000_0000, CallTarget.NO_NUMBER, true);
            }

            @Override
            public long throughRegister() {
                return 0;
            }

            @Override
            public long immediate(int slot) {
                return 0;
            }
        };
        var program = DecodedProgram.of(Assembler.assemble("call 1\nexit"));
        for (var style : List.of(LoweringOptions.Style.SKEP, LoweringOptions.Style.LINUX_6_12)) {
            var code = Lowering.lower(program, PLAIN.withStyle(style), calls);
            int at = code.wordOfSlot()[0];
            int word = code.placed(i -> 0x1000_4000L + 4L * i).words()[at];
            assertEquals("bl #" + (-0x4000 - 4 * at), Disassembler.disassemble(word), style.name());
            assertThrows(UnsupportedInsnException.class, () -> code.placed(i -> 0x2000_0000L + 4L * i));
        }
    }
}
