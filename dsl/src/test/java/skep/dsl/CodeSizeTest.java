package skep.dsl;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import skep.source.Source;

/** One-liners on {@code raw_syscalls:sys_enter /pid == cpid/} against the instructions that bpftrace 0.17 loads for them. */
class CodeSizeTest {
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "{ @ = count(); } | 38",
                "{ @[args.id] = count(); } | 35",
                "{ @ = hist(args.id); } | 67",
                "{ @[comm] = count(); } | 39",
                "{ @[kstack] = count(); } | 39",
            })
    void programs_are_shorter_than_the_peers(String body, int peer) {
        var options = new CompileOptions(
                List.of(),
                Map.of(),
                OptionalInt.of(1234),
                OptionalInt.empty(),
                Map.of(),
                false,
                0,
                List.of(),
                Set.of(),
                false,
                false,
                true);
        var script = "tracepoint:raw_syscalls:sys_enter /pid == cpid/ " + body;
        var result = Compiler.compile(new Source("stdin", script), FakeKernel.X86, options);
        int size = result.script()
                .orElseThrow()
                .object()
                .programs()
                .getFirst()
                .code()
                .size();
        System.out.println(body + " " + size + " instructions, bpftrace " + peer);
        assertTrue(size < peer, size + " instructions");
    }
}
