package skep.isa.classic;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.ArrayList;
import java.util.List;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ClassicTextTest {
    private static final String IP6_OR_TCP = """
            (000) ldh      [12]
            (001) jeq      #0x86dd          jt 2	jf 4
            (002) ldb      [20]
            (003) ja       6
            (004) jeq      #0x800           jt 5	jf 8
            (005) ldb      [23]
            (006) jeq      #0x6             jt 7	jf 8
            (007) ret      #262144
            (008) ret      #0
            """;

    @Test
    void theNotationOfTcpdumpIsReadAndWritten() {
        var program = ClassicText.read(IP6_OR_TCP);
        assertEquals(IP6_OR_TCP, ClassicText.print(program));
        assertEquals("""
                9
                40 0 0 12
                21 0 2 34525
                48 0 0 20
                5 0 0 2
                21 0 3 2048
                48 0 0 23
                21 0 1 6
                6 0 0 262144
                6 0 0 0
                """, ClassicText.printNumbers(program));
    }

    @Property(seed = "20261130")
    void allNotationsAndTheBytesAreReadBack(@ForAll("programs") ClassicProgram program) {
        assertEquals(program, ClassicText.read(ClassicText.print(program)), () -> ClassicText.print(program));
        assertEquals(program, ClassicText.read(ClassicText.printNumbers(program)));
        assertEquals(program, ClassicProgram.ofBytes(program.toBytes()));
    }

    @Test
    void ancillaryDataHaveNames() {
        var text = """
                (000) ld       [ifidx]
                (001) ldb      [vlanp]
                (002) ret      #1
                """;
        assertEquals(text, ClassicText.print(ClassicText.read(text)));
        assertEquals(ClassicText.read(text), ClassicText.read("3\n32 0 0 4294963208\n48 0 0 4294963248\n6 0 0 1"));
    }

    @Test
    void initialisersOfCAreRead() {
        assertEquals(
                ClassicText.read("ldh [12]\nret #1"), ClassicText.read("{ 0x28, 0, 0, 0x0000000c },\n{ 6, 0, 0, 1 },"));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            ret #1 ! ld [0]               | (001) the last instruction is no ret
            div #0 ! ret #1               | (000) division by zero
            lsh #32 ! ret #1              | (000) shift by 32 bits or more
            st M[16] ! ret #1             | (000) there is no M[16]
            ld M[1] ! ret #1              | (000) M[1] is read before it is written
            jeq #1 jt 1 jf 2 ! st M[0] ! ld M[0] ! ret #0 | (002) M[0] is read before it is written
            ld [-4032] ! ret #1           | (000) there is no ancillary data at -4032
            ja 9 ! ret #1                 | (000) jump over 8 instructions leaves the program
            jeq #1 jt 1 jf 9 ! ret #1     | (000) jump over 8 instructions leaves the program
            frob [1] ! ret #1             | line 1: no such instruction: frob [1]
            3 ! 6 0 0 1                   | the first line announces 3 instructions, 1 follow
            6 0 0 ! ret #1                | line 1: expected code, jt, jf and k: 6 0 0
            255 0 0 0 ! 6 0 0 1           | (000) unknown code 0xff
            """)
    void whatBreaksARuleIsRefused(String text, String message) {
        var refused = assertThrows(InvalidClassicException.class, () -> ClassicText.read(text.replace(" ! ", "\n")));
        assertEquals(message, refused.getMessage());
    }

    @Provide
    Arbitrary<ClassicProgram> programs() {
        return insn().list().ofMaxSize(40).map(ClassicTextTest::mended);
    }

    private static Arbitrary<ClassicInsn> insn() {
        var bytes = Arbitraries.integers().between(0, 255);
        return Combinators.combine(Arbitraries.of(ClassicOp.values()), bytes, bytes, Arbitraries.integers())
                .as((op, jt, jf, k) -> new ClassicInsn(op.code(), jt, jf, k));
    }

    /** Keeps the rules: writes all of M first, bends jumps and constants into range, ends with a return. */
    private static ClassicProgram mended(List<ClassicInsn> drawn) {
        var insns = new ArrayList<ClassicInsn>();
        for (int i = 0; i < ClassicProgram.MEMORY_WORDS; i++) {
            insns.add(new ClassicInsn(ClassicOp.ST, i));
        }
        for (int i = 0; i < drawn.size(); i++) {
            var insn = drawn.get(i);
            int left = drawn.size() - i;
            insns.add(mended(ClassicOp.ofCode(insn.code()).orElseThrow(), insn, left));
        }
        insns.add(new ClassicInsn(ClassicOp.RET_A, 0));
        return new ClassicProgram(insns);
    }

    private static ClassicInsn mended(ClassicOp op, ClassicInsn insn, int left) {
        int positive = insn.k() & 0xffff;
        return switch (op.shape()) {
            case BRANCH -> new ClassicInsn(op.code(), insn.jt() % left, insn.jf() % left, insn.k());
            case BRANCH_X -> new ClassicInsn(op.code(), insn.jt() % left, insn.jf() % left, 0);
            case TARGET -> new ClassicInsn(op, positive % left);
            case MEMORY -> new ClassicInsn(op, positive % ClassicProgram.MEMORY_WORDS);
            case PACKET -> new ClassicInsn(op, positive);
            case NONE, X, LENGTH -> new ClassicInsn(op, 0);
            case DECIMAL -> new ClassicInsn(op, 1 + positive % 31);
            case HEX, PACKET_X, HEADER_LENGTH -> new ClassicInsn(op, insn.k());
        };
    }
}
