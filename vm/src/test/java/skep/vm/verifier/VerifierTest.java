package skep.vm.verifier;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import skep.isa.Assembler;
import skep.isa.kernel.MapType;
import skep.isa.kernel.ProgramType;
import skep.isa.object.LineTable;
import skep.vm.verifier.InsnFact.Branch;
import skep.vm.verifier.InsnFact.PointerKind;

/** Programs that must be accepted, each with siblings that must not. */
class VerifierTest {
    private static final MapDefinition HASH = MapDefinition.of(1, "counts", MapType.HASH, 8, 16, 10, 0);
    private static final MapDefinition RING = MapDefinition.of(2, "events", MapType.RINGBUF, 0, 0, 4096, 0);

    private static VerifierInput.Builder input(ProgramType type, String text) {
        return VerifierInput.of(Assembler.assemble(text), type)
                .maps(fd -> fd == 1 ? Optional.of(HASH) : fd == 2 ? Optional.of(RING) : Optional.empty());
    }

    private static Verdict.Rejected rejected(ProgramType type, String text) {
        return assertInstanceOf(
                Verdict.Rejected.class, Verifier.verify(input(type, text).build()));
    }

    private static VerifiedProgram accepted(ProgramType type, String text) {
        var verdict = Verifier.verify(input(type, text).build());
        return assertInstanceOf(Verdict.Accepted.class, verdict, verdict::toString)
                .program();
    }

    private static final String LOOKUP = """
            *(u64 *)(r10 -8) = 0
            r2 = r10
            r2 += -8
            r1 = map[fd:1]
            call bpf_map_lookup_elem#1
            %s
            r0 = 0
            exit
            """;

    @Test
    void aLookedUpValueMayBeUsedOnceItIsKnownNotToBeNull() {
        var program = accepted(
                ProgramType.TRACEPOINT, LOOKUP.formatted("if r0 == 0x0 goto pc+2\nr1 = 1\nlock *(u64 *)(r0 +8) += r1"));
        assertEquals(PointerKind.MAP_VALUE, program.fact(8).pointer());
        assertEquals(Branch.BOTH, program.fact(6).branch());
        assertEquals(Optional.of(1), program.fact(5).mapFd());
    }

    @Test
    void withoutTheCheckItIsRefusedWithAHint() {
        var verdict = rejected(ProgramType.TRACEPOINT, LOOKUP.formatted("r1 = *(u64 *)(r0 +0)"));
        assertEquals("R0 invalid mem access 'map_value_or_null'", verdict.message());
        assertEquals(6, verdict.insn());
        assertTrue(verdict.hint().orElse("").contains("null"), verdict::toString);
        assertEquals("R0", verdict.registers().getFirst().register());
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            r0 = *(u64 *)(r0 +16)                      | R0 min value is outside of the allowed memory range
            r1 = *(u64 *)(r10 -16)                     | R1 !ok
            r0 += r10                                  | R0 pointer += pointer prohibited
            r0 *= 8                                    | R0 pointer arithmetic with *= operator prohibited
            w0 += 4                                    | R0 32-bit pointer arithmetic prohibited
            """)
    void misuseOfAValueIsNamedAsTheKernelNamesIt(String insn, String message) {
        var text = LOOKUP.formatted("if r0 == 0x0 goto pc+1\n" + insn);
        var verdict = Verifier.verify(input(ProgramType.TRACEPOINT, text).build());
        if (message.endsWith("!ok")) {
            // privileged programs may read what they never wrote
            assertInstanceOf(Verdict.Accepted.class, verdict);
        } else {
            assertEquals(
                    message, assertInstanceOf(Verdict.Rejected.class, verdict).message());
        }
    }

    @Test
    void aBoundedIndexIsAcceptedAndAnUnboundedOneIsNot() {
        var body = """
                if r0 == 0x0 goto pc+4
                r1 = *(u64 *)(r0 +0)
                %s
                r0 += r1
                r0 = *(u8 *)(r0 +0)
                """;
        accepted(ProgramType.TRACEPOINT, LOOKUP.formatted(body.formatted("r1 &= 15")));
        assertEquals(
                "R0 max value is outside of the allowed memory range",
                rejected(ProgramType.TRACEPOINT, LOOKUP.formatted(body.formatted("r1 &= 31")))
                        .message());
        assertEquals(
                "R0 min value is negative, either use unsigned index or do a if (index >=0) check.",
                rejected(ProgramType.TRACEPOINT, LOOKUP.formatted(body.formatted("r1 s>>= 40")))
                        .message());
    }

    @Test
    void aRecordThatWasReservedMustBeGivenBackOnEveryPath() {
        var text = """
                r1 = map[fd:2]
                r2 = 16
                r3 = 0
                call bpf_ringbuf_reserve#131
                if r0 == 0x0 goto pc+%d
                *(u64 *)(r0 +8) = 1
                r1 = r0
                r2 = 0
                %s
                r0 = 0
                exit
                """;
        accepted(ProgramType.KPROBE, text.formatted(4, "call bpf_ringbuf_submit#132"));
        assertEquals(
                "BPF_EXIT instruction in main prog would lead to reference leak",
                rejected(ProgramType.KPROBE, text.formatted(4, "r2 = 1")).message());
    }

    @Test
    void loopsEndOrAreRefused() {
        accepted(ProgramType.KPROBE, "r1 = 0\nr1 += 1\nif r1 != 0x64 goto pc-2\nr0 = 0\nexit");
        var verdict = rejected(ProgramType.KPROBE, "r1 = 0\ngoto pc-1\nr0 = 0\nexit");
        assertTrue(verdict.message().startsWith("unreachable insn"), verdict::message);
        var endless = rejected(ProgramType.KPROBE, "r0 = 0\nr1 = 1\nif r1 == 0x1 goto pc-2\nexit");
        assertTrue(endless.log().contains("infinite loop detected at insn"), endless::log);
        assertTrue(endless.hint().isPresent());
    }

    @Test
    void theSourceLineThatMadeTheInstructionIsNamed() {
        var lines = new LineTable(List.of(
                new LineTable.Entry(0, "x.bt", 0, 5, 1, "BEGIN {"),
                new LineTable.Entry(1, "x.bt", 9, 20, 2, "*0 = 1;")));
        var verdict = assertInstanceOf(
                Verdict.Rejected.class,
                Verifier.verify(input(ProgramType.KPROBE, "r1 = 0\n*(u64 *)(r1 +0) = 1\nr0 = 0\nexit")
                        .lines(lines)
                        .build()));
        assertEquals("R1 invalid mem access 'scalar'", verdict.message());
        assertEquals(2, verdict.source().orElseThrow().line());
        assertTrue(verdict.explanation().contains("x.bt:2: *0 = 1;"), verdict::explanation);
    }

    @Test
    void theLogReadsLikeTheKernels() {
        var verdict = Verifier.verify(input(ProgramType.SOCKET_FILTER, "call bpf_get_prandom_u32#7\nw0 &= 255\nexit")
                .logLevel(2)
                .build());
        assertEquals("""
                func#0 @0
                Live regs before insn:
                      0: .......... (85) call bpf_get_prandom_u32#7
                      1: 0......... (54) w0 &= 255
                      2: 0......... (95) exit
                0: R1=ctx() R10=fp0
                0: (85) call bpf_get_prandom_u32#7    ; R0=scalar()
                1: (54) w0 &= 255                     ; R0=scalar(smin=smin32=0,smax=umax=smax32=umax32=255,var_off=(0x0; 0xff))
                2: (95) exit
                processed 3 insns (limit 1000000) max_states_per_insn 0 total_states 0 peak_states 0 mark_read 0
                """, verdict.log());
    }

    @Test
    void ofAnAcceptedProgramLevel1TellsOnlyTheCost() {
        var verdict = Verifier.verify(
                input(ProgramType.SOCKET_FILTER, "r0 = 0\nexit").logLevel(1).build());
        assertEquals(
                "processed 2 insns (limit 1000000) max_states_per_insn 0 total_states 0 peak_states 0 mark_read 0\n",
                verdict.log());
    }

    @Test
    void withoutTheRightToSeeAddressesTheyMayNotLeak() {
        var text = "r0 = r10\nexit";
        assertInstanceOf(
                Verdict.Accepted.class,
                Verifier.verify(input(ProgramType.SOCKET_FILTER, text).build()));
        var verdict = Verifier.verify(input(ProgramType.SOCKET_FILTER, text)
                .privilege(VerifierInput.Privilege.BPF_ONLY)
                .build());
        assertEquals(
                "R0 leaks addr as return value",
                assertInstanceOf(Verdict.Rejected.class, verdict).message());
    }

    @Test
    void malformedCodeIsRefusedInTheKernelsWords() {
        var unknown = VerifierInput.of(skep.isa.Bytecode.of(0xffL, 0x95L), ProgramType.SOCKET_FILTER)
                .build();
        assertEquals(
                "unknown opcode ff",
                assertInstanceOf(Verdict.Rejected.class, Verifier.verify(unknown))
                        .message());
    }
}
