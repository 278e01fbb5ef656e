package skep.vm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.Map;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import skep.isa.Assembler;

class LinkedProgramTest {
    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            r0 = 1 ! r10 = 0 ! exit       | insn 1: r10 is read-only: r10 = 0
            r0 = 1 ! goto pc-1            | insn 1: jump to itself never ends
            call 99 ! exit                | insn 0: there is no helper 99
            call kfunc#7 ! exit           | insn 0: there is no kernel function with BTF id 7
            r1 = map[fd:3] ! r0 = 0 ! exit | insn 0: descriptor 3 is no map
            r1 = btf[id:3] ! r0 = 0 ! exit | insn 0: there is no kernel variable with BTF id 3
            r0 = *(u8 *)skb[14] ! exit    | insn 0: packet loads need a program that is given a packet
            r0 = addr_space_cast(r1, 0, 1) ! exit | insn 0: address space casts need an arena, which this machine does not have
            r0 = 1                        | insn 0: last instruction of a function is neither an exit nor a jump: r0 = 1
            """)
    void whatCannotRunIsRefusedBeforeItRuns(String text, String message) {
        var program = new UnverifiedProgram("test", Assembler.assemble(text.replace('!', '\n')));
        var refused =
                assertThrows(RefusedProgramException.class, () -> LinkedProgram.of(program, VmRuntime.bare(Map.of())));
        assertEquals(message, refused.getMessage());
    }
}
