package skep.vm.verifier;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import skep.isa.Assembler;
import skep.isa.Bytecode;
import skep.isa.kernel.MapType;
import skep.isa.kernel.ProgramType;
import skep.isa.object.LineTable;
import skep.vm.verifier.VerifierInput.Privilege;

/** The commonest causes of a rejection: what is said, and what to do about it. */
class RejectionTest {
    private static final int MAP = 5;

    private static final String LOOK_UP = """
            *(u32 *)(r10 -4) = 0
            r2 = r10
            r2 += -4
            r1 = 5 ll
            call bpf_map_lookup_elem
            """;

    /** A program, the kernel's sentence, and words of the hint. */
    private enum Cause {
        MISSING_NULL_CHECK(
                LOOK_UP + "r0 = *(u64 *)(r0 +0)\nexit",
                "R0 invalid mem access 'map_value_or_null'",
                "compare the pointer with null"),
        UNBOUNDED_INDEX(
                LOOK_UP
                        + "if r0 == 0 goto pc+4\nr6 = r0\nr7 = *(u32 *)(r6 +0)\nr6 += r7\nr7 = *(u8 *)(r6 +0)\nr0 = 0\nexit",
                "R6 unbounded memory access, make sure to bounds check any such access",
                "bound the index"),
        INDEX_ONE_TOO_FAR(
                LOOK_UP
                        + "if r0 == 0 goto pc+5\nr6 = r0\nr7 = *(u64 *)(r6 +0)\nif r7 > 16 goto pc+2\nr6 += r7\nr7 = *(u8 *)(r6 +0)\nr0 = 0\nexit",
                "R6 max value is outside of the allowed memory range",
                "test it against the size"),
        NEGATIVE_INDEX(
                LOOK_UP
                        + "if r0 == 0 goto pc+5\nr6 = r0\nr7 = *(s8 *)(r6 +0)\nif r7 s> 8 goto pc+2\nr6 += r7\nr7 = *(u8 *)(r6 +0)\nr0 = 0\nexit",
                "R6 min value is negative, either use unsigned index or do a if (index >=0) check.",
                "make it unsigned"),
        BEYOND_THE_VALUE(
                LOOK_UP + "if r0 == 0 goto pc+1\nr1 = *(u64 *)(r0 +16)\nr0 = 0\nexit",
                "R0 min value is outside of the allowed memory range",
                "beyond the end"),
        READ_THROUGH_A_NUMBER("r1 = 7\nr0 = *(u64 *)(r1 +0)\nexit", "R1 invalid mem access 'scalar'", "probe_read"),
        INDEX_OF_ANY_SIGN(
                LOOK_UP
                        + "if r0 == 0 goto pc+4\nr6 = r0\nr7 = *(u64 *)(r6 +0)\nr6 += r7\nr7 = *(u8 *)(r6 +0)\nr0 = 0\nexit",
                "math between map_value pointer and register with unbounded min value is not allowed",
                "on both sides"),
        NEVER_SET("r0 = r3\nexit", "R3 !read_ok", "has no value here"),
        LOST_IN_A_CALL(
                "r6 = r1\ncall bpf_get_prandom_u32\nr0 = *(u64 *)(r1 +0)\nexit", "R1 !read_ok", "a call destroyed it"),
        ENDLESS_LOOP("r0 = 0\nr1 = 1\nif r1 == 1 goto pc-2\nexit", null, "nothing that the loop tests changes"),
        STACK_TOO_SMALL(
                "*(u64 *)(r10 -520) = 0\nr0 = 0\nexit", "invalid write to stack R10 off=-520 size=8", "512 bytes"),
        STACK_NEVER_WRITTEN(
                Privilege.BPF_ONLY,
                "r0 = *(u64 *)(r10 -8)\nexit",
                "invalid read from stack R10 off=-8 size=8",
                "never written"),
        POINTER_LEAKED(Privilege.BPF_ONLY, "r0 = r10\nexit", "R0 leaks addr as return value", "CAP_PERFMON"),
        WRONG_CONTEXT_ACCESS(
                "r0 = *(u64 *)(r1 +30000)\nexit", "invalid bpf_context access off=30000 size=8", "no such field"),
        HELPER_OF_ANOTHER_TYPE(
                "call bpf_redirect\nexit",
                "program of this type cannot use helper bpf_redirect#23",
                "another program type"),
        NOT_RELEASED(
                "r1 = 6 ll\nr2 = 8\nr3 = 0\ncall bpf_ringbuf_reserve\nr0 = 0\nexit",
                "BPF_EXIT instruction in main prog would lead to reference leak",
                "released on every path"),
        LICENSE(
                "r1 = r10\nr1 += -8\nr2 = 8\nr3 = 0\ncall bpf_probe_read_kernel\nr0 = 0\nexit",
                "cannot call GPL-restricted function from non-GPL compatible program",
                "GPL-compatible"),
        UNREACHABLE("r0 = 0\nexit\nr0 = 1\nexit", "unreachable insn 2", "remove it"),
        POINTERS_ADDED(
                "r2 = r10\nr2 += r10\nr0 = 0\nexit", "R2 pointer += pointer prohibited", "keep a pointer usable"),
        MISALIGNED_STACK(
                "*(u64 *)(r10 -9) = 0\nr0 = 0\nexit",
                "misaligned stack access off 0+0+-9 size 8",
                "multiple of its size"),
        READ_ONLY_MAP(
                LOOK_UP.replace("5 ll", "7 ll") + "if r0 == 0 goto pc+1\n*(u64 *)(r0 +0) = 1\nr0 = 0\nexit",
                null,
                "for reading only"),
        WRONG_RESULT(
                ProgramType.CGROUP_SKB,
                "r0 = 7\nexit",
                "At program exit the register R0 has smin=7 smax=7 should have been in [0, 1]",
                "one of the values"),
        OUTSIDE_OF_THE_PACKET(
                ProgramType.XDP,
                "r2 = *(u32 *)(r1 +0)\nr0 = *(u8 *)(r2 +0)\nr0 = 0\nexit",
                "R2 offset is outside of the packet",
                "data_end"),
        ALL_STACKS_TOGETHER(
                "call pc+2\nr0 = 0\nexit\n*(u64 *)(r10 -400) = 0\ncall pc+2\nr0 = 0\nexit\n*(u64 *)(r10 -400) = 0\nr0 = 0\nexit",
                "combined stack size of 3 calls is 816. Too large",
                "share 512 bytes");

        private final ProgramType type;
        private final Privilege privilege;
        private final String text;
        private final Optional<String> message;
        private final String hint;

        Cause(String text, @org.jspecify.annotations.Nullable String message, String hint) {
            this(ProgramType.TRACEPOINT, Privilege.FULL, text, message, hint);
        }

        Cause(ProgramType type, String text, String message, String hint) {
            this(type, Privilege.FULL, text, message, hint);
        }

        Cause(Privilege privilege, String text, String message, String hint) {
            this(ProgramType.SOCKET_FILTER, privilege, text, message, hint);
        }

        Cause(
                ProgramType type,
                Privilege privilege,
                String text,
                @org.jspecify.annotations.Nullable String message,
                String hint) {
            this.type = type;
            this.privilege = privilege;
            this.text = text;
            this.message = Optional.ofNullable(message);
            this.hint = hint;
        }
    }

    private static Optional<MapDefinition> map(int fd) {
        return switch (fd) {
            case MAP -> Optional.of(MapDefinition.of(MAP, "values", MapType.HASH, 4, 16, 8, 0));
            case 6 -> Optional.of(MapDefinition.of(6, "ring", MapType.RINGBUF, 0, 0, 4096, 0));
            case 7 -> Optional.of(MapDefinition.of(7, "fixed", MapType.HASH, 4, 16, 8, MapDefinition.RDONLY_PROG));
            default -> Optional.empty();
        };
    }

    private static Verdict.Rejected rejected(Cause cause) {
        var slots = Assembler.assemble(cause.text).slots();
        for (int i = 0; i < slots.length; i++) {
            if ((slots[i] & 0xff) == 0x18) {
                slots[i++] |= 0x1000;
            }
        }
        var input = VerifierInput.of(Bytecode.of(slots), cause.type)
                .maps(RejectionTest::map)
                .privilege(cause.privilege)
                .license(cause == Cause.LICENSE ? "Proprietary" : "GPL")
                .lines(new LineTable(List.of(new LineTable.Entry(0, "x.bt", 0, 1, 1, "the line"))))
                .build();
        return assertInstanceOf(Verdict.Rejected.class, Verifier.verify(input));
    }

    @ParameterizedTest
    @EnumSource(Cause.class)
    void theCauseIsNamedWithWhatToDo(Cause cause) {
        var verdict = rejected(cause);
        cause.message.ifPresent(message -> assertEquals(message, verdict.message()));
        assertTrue(verdict.hint().orElse("no hint").contains(cause.hint), verdict::explanation);
        assertEquals("the line", verdict.source().orElseThrow().text());
        assertTrue(verdict.explanation().contains("HINT: "), verdict::explanation);
    }

    @Test
    void factsAndPathAreOfTheInstructionThatFailed() {
        var verdict = rejected(Cause.INDEX_ONE_TOO_FAR);
        assertEquals(11, verdict.insn());
        var fact = verdict.registers().stream()
                .filter(f -> f.register().equals("R6"))
                .findFirst()
                .orElseThrow()
                .fact();
        assertTrue(fact.startsWith("map_value(map=values,ks=4,vs=16,smin=smin32=0,smax=umax=smax32=umax32=16"), fact);
        assertEquals(
                List.of("6: (15) if r0 == 0x0 goto pc+5 -> 7", "9: (25) if r7 > 0x10 goto pc+2 -> 10"),
                verdict.path().stream()
                        .map(step -> step.insn() + ": " + step.text() + " -> " + step.target())
                        .toList());
    }
}
