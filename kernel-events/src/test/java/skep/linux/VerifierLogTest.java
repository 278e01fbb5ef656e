package skep.linux;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import skep.btf.Btf;
import skep.isa.Assembler;
import skep.isa.Bytecode;
import skep.isa.kernel.MapType;
import skep.isa.kernel.ProgramType;
import skep.isa.object.LineTable;
import skep.vm.conformance.VerifierRow;
import skep.vm.verifier.MapDefinition;
import skep.vm.verifier.Verdict;
import skep.vm.verifier.Verifier;
import skep.vm.verifier.VerifierInput;
import skep.vm.verifier.VerifierInput.Privilege;

/** Our verifier's log against the running kernel's, line by line; skipped where the kernel is not of the series that ours follows. */
class VerifierLogTest {
    /** A row in so many per cent must be the same to the last line. */
    private static final int IDENTICAL_PERCENT = 94;

    private static final int MAP = 5;

    @BeforeAll
    static void kernel() {
        var reason = LiveVerifier.unavailableReason();
        Assumptions.assumeTrue(reason.isEmpty(), () -> "Unsupported " + reason.orElse(""));
    }

    /** Programs whose logs hold each kind of line at least once. */
    private enum Program {
        STRAIGHT("""
                r0 = 7
                r0 *= 3
                exit"""),
        BRANCHES_AND_SPILLS("""
                call bpf_get_prandom_u32
                r6 = r0
                *(u64 *)(r10 -8) = r6
                if r6 > 10 goto pc+2
                r7 = *(u64 *)(r10 -8)
                r0 = r7
                r0 = 0
                exit"""),
        A_LOOP("""
                r6 = 0
                r6 += 1
                if r6 < 5 goto pc-2
                r0 = r6
                exit"""),
        A_FUNCTION("""
                call bpf_get_prandom_u32
                r1 = r0
                r1 &= 7
                call pc+2
                r0 = 0
                exit
                r2 = r10
                r2 += -16
                r2 += r1
                *(u8 *)(r2 +0) = 1
                r0 = r1
                exit"""),
        A_LOOK_UP("""
                *(u32 *)(r10 -4) = 0
                r2 = r10
                r2 += -4
                r1 = 5 ll
                call bpf_map_lookup_elem
                if r0 == 0 goto pc+2
                r1 = *(u64 *)(r0 +0)
                *(u64 *)(r0 +8) = r1
                r0 = 0
                exit"""),
        A_NULL_POINTER("""
                *(u32 *)(r10 -4) = 0
                r2 = r10
                r2 += -4
                r1 = 5 ll
                call bpf_map_lookup_elem
                r0 = *(u64 *)(r0 +0)
                exit"""),
        AN_ENDLESS_LOOP("""
                r0 = 0
                goto pc-1
                exit"""),
        AN_UNBOUNDED_STACK_ACCESS("""
                call bpf_get_prandom_u32
                r2 = r10
                r2 += r0
                *(u8 *)(r2 -8) = 1
                r0 = 0
                exit""");

        private final String text;

        Program(String text) {
            this.text = text;
        }

        VerifierInput input() {
            var slots = Assembler.assemble(text).slots();
            for (int i = 0; i < slots.length; i++) {
                if ((slots[i] & 0xff) == 0x18) {
                    slots[i++] |= 0x1000;
                }
            }
            var code = Bytecode.of(slots);
            var lines = new ArrayList<LineTable.Entry>();
            for (int i = 0; i < code.size(); i += 3) {
                lines.add(new LineTable.Entry(i, "dir/" + name() + ".c", 0, 0, 10 + i / 6, "  line of slot " + i / 6));
            }
            var functions = new ArrayList<VerifierInput.FunctionInfo>();
            functions.add(new VerifierInput.FunctionInfo(0, "main", false, true, List.of()));
            if (this == A_FUNCTION) {
                functions.add(new VerifierInput.FunctionInfo(6, "callee", false, true, List.of()));
                lines.clear();
                lines.add(new LineTable.Entry(0, "a.c", 0, 0, 1, "main"));
                lines.add(new LineTable.Entry(6, "a.c", 0, 0, 2, "callee"));
            }
            var map = MapDefinition.of(MAP, "counts", MapType.HASH, 4, 16, 8, 0);
            return VerifierInput.of(code, ProgramType.TRACEPOINT)
                    .name("judged")
                    .maps(fd -> fd == MAP ? Optional.of(map) : Optional.empty())
                    .functions(functions)
                    .lines(new LineTable(lines))
                    .build();
        }
    }

    @ParameterizedTest
    @EnumSource(Program.class)
    void theLogIsTheKernelsAtEveryLevel(Program program) {
        try (var live = new LiveVerifier(Optional.empty())) {
            for (int level : new int[] {1, 2, 4, 6}) {
                var input = program.input().withLogLevel(level);
                var kernels = live.judge(input, level).orElseThrow();
                var ours = Verifier.verify(input);
                assertEquals(kernels.accepted(), ours instanceof Verdict.Accepted);
                assertEquals(
                        String.join("\n", LogComparison.lines(kernels.log())),
                        String.join("\n", LogComparison.lines(ours.log())),
                        "level " + level);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 4})
    void theLogsOfTheRowsAreTheKernels(int level) throws IOException {
        var types = kernelTypes();
        var sum = LogComparison.NONE;
        int rows = 0;
        int identical = 0;
        try (var live = new LiveVerifier(types)) {
            for (var file : List.of("verifier.jsonl", "verifier_progs.jsonl")) {
                for (var row : VerifierRow.read(data(file), Privilege.FULL, types)) {
                    var compared = compare(live, row, level);
                    if (compared.isPresent()) {
                        sum = sum.plus(compared.get());
                        rows++;
                        identical += compared.get().identical() ? 1 : 0;
                    }
                }
            }
        }
        var figures = "level %d: %d of %d logs are the kernel's, %d of %d lines"
                .formatted(level, identical, rows, sum.same(), sum.lines());
        System.getLogger("skep.verifier").log(System.Logger.Level.INFO, figures);
        assertTrue(identical * 100L >= (long) rows * IDENTICAL_PERCENT, figures);
    }

    /** Rows whose log is megabytes are left out: at level 2 a million instructions are a gigabyte. */
    private static Optional<LogComparison> compare(LiveVerifier live, VerifierRow row, int level) {
        boolean judged = row.reference().isPresent() && row.reference().get().insnsProcessed() <= 4000;
        if (!judged) {
            return Optional.empty();
        }
        var input = live.numbered(row.input()).withLogLevel(level);
        var kernels = live.judge(input, level).filter(j -> !j.log().isEmpty());
        return kernels.map(j -> LogComparison.of(Verifier.verify(input).log(), j.log()));
    }

    private static Optional<Btf> kernelTypes() throws IOException {
        var file = Path.of("/sys/kernel/btf/vmlinux");
        return Files.isReadable(file) ? Optional.of(Btf.parse(Files.readAllBytes(file))) : Optional.empty();
    }

    private static Path data(String name) {
        var file = Path.of(System.getProperty("skep.root", "."), "../shared/data/verifier", name);
        Assumptions.assumeTrue(Files.exists(file), () -> "no " + file);
        return file;
    }
}
