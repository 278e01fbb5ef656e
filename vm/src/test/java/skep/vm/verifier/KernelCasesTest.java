package skep.vm.verifier;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import skep.isa.Assembler;
import skep.isa.kernel.ProgramType;

/**
 * Programs that were once judged unlike a Linux 6.18 kernel, most of them found by comparing random programs: what the
 * kernel's log says of them must be in ours.
 */
class KernelCasesTest {
    /** A program, and a line of the kernel's log at level 2. */
    private enum Case {
        A_SUM_WITH_A_NEGATIVE_CONSTANT_STAYS_LINKED(
                """
                call bpf_get_prandom_u32
                r6 = r0
                r6 += -1
                if r6 > 7 goto pc+1
                r7 = r0
                r0 = 0
                exit""", "4: (bf) r7 = r0                       ; R0=scalar(id=1,smin=umin=smin32=umin32=1,"),
        A_DIFFERENCE_STAYS_LINKED("""
                call bpf_get_prandom_u32
                r6 = r0
                r6 -= 2
                r0 = 0
                exit""", "2: (17) r6 -= 2                       ; R6=scalar(id=1-2)"),
        A_SUM_IN_32_BITS_OF_MORE_THAN_32_BITS_IS_NOT_LINKED(
                """
                call bpf_get_prandom_u32
                r9 = r0
                w9 += 1
                r0 = 0
                exit""",
                "2: (04) w9 += 1                       ; R9=scalar(smin=0,smax=umax=0xffffffff,var_off=(0x0; 0xffffffff))"),
        A_CONSTANT_DISTANCE_DIES_WITH_ITS_LINK("""
                call bpf_get_prandom_u32
                r6 = r0
                r6 += 5
                r6 ^= 0
                r8 = r6
                r8 += 3
                r9 = r6
                if r9 != 0xa goto pc+1
                r7 = r8
                r0 = 0
                exit""", "8: (bf) r7 = r8                       ; R7=13 R8=13"),
        A_MASK_OF_ALL_ONES_OR_NONE_FORKS("""
                call bpf_get_prandom_u32
                r7 = r0
                r7 s>>= 63
                r7 &= 8
                r0 = r7
                exit""", "from 3 to 3: R0=scalar(id=1) R7=0 R10=fp0"),
        A_NARROW_MASK_FORKS_TOO("""
                call bpf_get_prandom_u32
                r7 = r0
                w7 s>>= 31
                w7 |= 8
                r0 = r7
                exit""", "3: (44) w7 |= 8                       ; R7=0xffffffff"),
        THE_ONLY_NUMBER_THAT_BITS_AND_RANGE_ALLOW_IS_KNOWN("""
                call bpf_get_prandom_u32
                r6 = r0
                r6 &= 8
                if r6 > 0 goto pc+2
                r0 = 0
                exit
                r0 = r6
                exit""", "6: (bf) r0 = r6                       ; R0=8 R6=8"),
        A_CUT_TO_LITTLE_ENDIAN_KEEPS_A_RANGE_THAT_FITS(
                """
                call bpf_get_prandom_u32
                r6 = r0
                if r6 > 54 goto pc+1
                r6 = le16 r6
                r0 = 0
                exit""", "3: (d4) r6 = le16 r6                  ; R6=scalar(smin=smin32=0,smax=umax=smax32=umax32=54,"),
        A_FILL_OF_AN_UNLINKED_NUMBER_LINKS_NOTHING(
                """
                call bpf_get_prandom_u32
                *(u64 *)(r10 -8) = r0
                r1 = r0
                r2 = r0
                r3 = r0
                r4 = r0
                if r1 >= r0 goto pc+1
                r7 = r1
                r5 = *(u64 *)(r10 -8)
                r6 = r2
                r7 = r3
                r8 = r4
                r0 = 0
                exit""", "8: (79) r5 = *(u64 *)(r10 -8)         ; R5=scalar() R10=fp0 fp-8=scalar()"),
        A_STORE_SOMEWHERE_OVER_A_SPILL_LEAVES_NO_SPILL("""
                call bpf_get_prandom_u32
                r6 = r0
                r6 &= 7
                *(u64 *)(r10 -8) = 5
                r7 = r10
                r7 += -8
                r7 += r6
                *(u8 *)(r7 +0) = 1
                r0 = 0
                exit""", "fp-8=mmmmmmmm"),
        A_SHIFT_BY_MORE_THAN_THE_NARROW_HALF_IS_UNKNOWN(
                """
                call bpf_get_prandom_u32
                r6 = 0x800000000000 ll
                w0 >>= w6
                r0 = 0
                exit""", "3: (7c) w0 >>= w6                     ; R0=scalar() R6=0x800000000000");

        private final String text;
        private final String line;

        Case(String text, String line) {
            this.text = text;
            this.line = line;
        }
    }

    @ParameterizedTest
    @EnumSource(Case.class)
    void itIsBelievedWhatTheKernelBelieves(Case c) {
        var verdict = Verifier.verify(VerifierInput.of(Assembler.assemble(c.text), ProgramType.TRACEPOINT)
                .logLevel(2)
                .build());
        assertInstanceOf(Verdict.Accepted.class, verdict, verdict::log);
        assertTrue(verdict.log().contains(c.line), verdict::log);
    }

    @ParameterizedTest
    @EnumSource(RejectedCase.class)
    void itIsRefusedAsByTheKernel(RejectedCase c) {
        var verdict = Verifier.verify(
                VerifierInput.of(Assembler.assemble(c.text), c.type).logLevel(2).build());
        assertEquals(
                c.message,
                assertInstanceOf(Verdict.Rejected.class, verdict, verdict::log).message());
    }

    /** A program that the kernel refuses, and its last line. */
    private enum RejectedCase {
        THE_DISTANCE_OF_A_LINKED_NUMBER_COUNTS_AS_AN_OFFSET(
                ProgramType.TRACEPOINT, """
                call bpf_get_prandom_u32
                r6 = r0
                r6 += 1337051687
                if r6 > 30 goto pc+2
                r1 = r10
                r1 += r6
                r0 = 0
                exit""", "fp pointer offset 1337051687 is not allowed"),
        A_PACKET_LOAD_MAY_END_ITS_FUNCTION_WITH_ZERO(ProgramType.SOCKET_FILTER, """
                r6 = r1
                r1 = r6
                call pc+3
                if r0 == 7 goto pc+1
                r0 = *(u8 *)(r0 +0)
                exit
                r6 = r1
                r0 = *(u8 *)skb[0]
                r0 = 7
                exit""", "R0 invalid mem access 'scalar'");

        private final ProgramType type;
        private final String text;
        private final String message;

        RejectedCase(ProgramType type, String text, String message) {
            this.type = type;
            this.text = text;
            this.message = message;
        }
    }
}
