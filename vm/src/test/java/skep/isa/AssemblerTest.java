package skep.isa;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class AssemblerTest {
    @Test
    void labelsCommentsAndSlotNumbersMayBeWritten() {
        var code = Assembler.assemble("""
                ; counts down from ten
                0: (b7) r1 = 10
                r2 = 0x1 ll       // two slots
                again: r1 -= 1    # one
                if r1 != 0 goto again
                call double
                exit
                double:
                r0 += r0
                exit
                """);
        assertEquals(Assembler.assemble("""
                r1 = 10
                r2 = 0x1
                r1 -= 1
                if r1 != 0x0 goto pc-2
                call pc+1
                exit
                r0 += r0
                exit
                """), code);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            r1 = r11           | 1:9: there is no register 11
            r1 = w2            | 1:8: operands differ in width
            frob r1            | 1:1: unknown instruction frob r1
            r1 += 4294967296   | 1:17: 4294967296 does not fit 32 bits
            goto nowhere       | 1:13: label nowhere is not defined
            r1 = *(u24 *)(r2 +0) | 1:9: expected 8, 16, 32 or 64
            r1 = 5 6           | 1:8: unexpected 6
            r2 = load_acquire((u8 *)(r1 +40000)) | 1:35: 40000 does not fit 16 bits
            """)
    void mistakesAreNamedWithTheirPlace(String text, String message) {
        var error = assertThrows(AssemblyException.class, () -> Assembler.assemble(text));
        assertEquals(message, error.getMessage());
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            r0 = 0                        | insn 0: last instruction of a function is neither an exit nor a jump: r0 = 0
            goto pc+1                     | insn 0: jump to slot 2 leaves the program
            r1 = 0 ! exit                 | insn 0: the program does nothing: it neither sets r0 nor touches memory
            goto pc+1 ! r1 = 0x0 ! exit   | insn 0: jump into the middle of the 64-bit immediate load at 1
            call pc+9 ! exit              | insn 0: call to slot 10, where no instruction begins
            r0 = 1 ! call pc+0 ! exit     | insn 1: last instruction of a function is neither an exit nor a jump: call pc+0
            goto pc+2 ! call pc+1 ! goto pc-2 ! exit | insn 0: jump to slot 3 leaves its function at slot 0
            """)
    void programsThatCouldLeaveThemselvesAreRefused(String text, String message) {
        var code = Assembler.assemble(text.replace('!', '\n'));
        var error = assertThrows(InvalidInsnException.class, () -> DecodedProgram.of(code));
        assertEquals(message, error.getMessage());
    }
}
