package skep.vm.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.ServiceLoader;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import skep.isa.Assembler;
import skep.isa.Bytecode;
import skep.isa.Disassembler;
import skep.isa.InvalidInsnException;
import skep.vm.Backend;
import skep.vm.conformance.RowRunner.Verdict;

/** The public suites, where their data is present, on every backend of this module. */
class ConformanceTest {
    /** Rows that say nothing of a program: tests of another machine's loader, or without a program. */
    private static final Set<String> NOT_OF_PROGRAMS = Set.of("reload", "ok", "nomatch-proto");

    /** The row's own expectation contradicts its program: the sum of its constants is 0xe6332c73. */
    private static final Set<String> CONTRADICTORY = Set.of("BPF_MAXINSNS: Run/add until end");

    static Stream<Backend> backends() {
        return ServiceLoader.load(Backend.class).stream()
                .map(ServiceLoader.Provider::get)
                .filter(b -> b.unavailableReason().isEmpty());
    }

    @ParameterizedTest
    @MethodSource("backends")
    void bpfConformanceComesOutRight(Backend backend) throws IOException {
        assertEquals(List.of(), wrong(backend, data("conformance.jsonl"), NOT_OF_PROGRAMS));
    }

    @ParameterizedTest
    @MethodSource("backends")
    void linuxTestBpfComesOutRight(Backend backend) throws IOException {
        assertEquals(List.of(), wrong(backend, data("test_bpf.jsonl.gz"), CONTRADICTORY));
    }

    @Test
    void everyProgramOfTheSuitesIsPrintedAndReadBack() throws IOException {
        int programs = 0;
        for (var file : List.of("conformance.jsonl", "test_bpf.jsonl.gz")) {
            for (var row : TestRow.read(data(file))) {
                programs += roundTrips(row) ? 1 : 0;
            }
        }
        assertTrue(programs > 600, programs + " programs");
    }

    private static boolean roundTrips(TestRow row) {
        var bytes = switch (row) {
            case TestRow.Conformance c -> c.code().orElse(new byte[0]);
            case TestRow.Kernel k -> k.classic() ? new byte[0] : k.code();
        };
        if (bytes.length == 0) {
            return false;
        }
        var code = Bytecode.ofBytes(bytes);
        try {
            var text = Disassembler.text(code);
            assertEquals(code, Assembler.assemble(text), row.name());
            return true;
        } catch (InvalidInsnException _) {
            return false;
        }
    }

    private static List<String> wrong(Backend backend, Path file, Set<String> except) throws IOException {
        var runner = new RowRunner(backend);
        var wrong = new ArrayList<String>();
        for (var row : TestRow.read(file)) {
            var outcome = runner.run(row);
            if (outcome.verdict() != Verdict.RIGHT && !except.contains(row.name())) {
                wrong.add(row.name() + ": " + outcome);
            }
        }
        return wrong;
    }

    private static Path data(String name) {
        var file = Path.of(System.getProperty("skep.root", "."), "../shared/data/isa", name);
        Assumptions.assumeTrue(Files.exists(file), () -> "no " + file);
        return file;
    }
}
