package skep.dsl.check;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import skep.dsl.CompileOptions;
import skep.dsl.CompileResult;
import skep.dsl.Compiler;
import skep.dsl.FakeKernel;
import skep.dsl.ScriptProgram;
import skep.source.Source;

/** {@code -p}: a condition where the kernel attaches to all processes, a process where it can attach to one. */
class ProcessFilterTest {
    private static final int PID = 4711;

    private static CompileResult compile(String script) {
        var options = new CompileOptions(
                List.of(),
                Map.of(),
                OptionalInt.empty(),
                OptionalInt.of(PID),
                Map.of(),
                false,
                0,
                List.of(),
                Set.of(CompileOptions.Stage.IR),
                false,
                false,
                true);
        return Compiler.compile(new Source("test", script), FakeKernel.X86, options);
    }

    private static boolean comparesPid(String script) {
        return compile(script).stages().get(CompileOptions.Stage.IR).contains(String.valueOf(PID));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "kprobe:vfs_read { @ = count(); }",
                "kretprobe:vfs_read /retval > 0/ { @ = count(); }",
                "tracepoint:sched:sched_switch { @ = count(); }",
                "t:sched:sched_switch /args.prev_pid == 1 || args.prev_pid == 2/ { @ = count(); }",
                "rawtracepoint:sched_switch { @ = count(); }",
                "interval:s:1, kprobe:vfs_read { @ = count(); }"
            })
    void what_runs_for_all_processes_asks_for_the_process(String script) {
        assertEquals(List.of(), compile(script).diagnostics());
        assertEquals(true, comparesPid(script), script);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "begin { @ = count(); }",
                "interval:s:1 { @ = count(); }",
                "profile:hz:99 { @ = count(); }",
                "software:faults:1 { @ = count(); }"
            })
    void what_belongs_to_a_process_or_to_nobody_does_not(String script) {
        assertEquals(List.of(), compile(script).diagnostics());
        assertEquals(false, comparesPid(script), script);
    }

    @Test
    void what_can_be_attached_to_a_process_is() {
        var script = compile("profile:hz:99, software:faults:1, interval:s:1 { @ = count(); }")
                .script()
                .orElseThrow();
        var pids = script.programs().stream()
                .map(ScriptProgram::probes)
                .flatMap(List::stream)
                .map(probe -> probe.kind() + " " + probe.pid().orElse(0))
                .sorted()
                .toList();
        assertEquals(List.of("INTERVAL 0", "PROFILE " + PID, "SOFTWARE " + PID), pids);
    }
}
