package skep.dsl.check;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import skep.dsl.CompileOptions;
import skep.dsl.CompiledScript;
import skep.dsl.Compiler;
import skep.dsl.FakeKernel;
import skep.isa.kernel.Arch;
import skep.isa.kernel.ProbeKind;
import skep.isa.kernel.SystemCall;
import skep.source.Source;

class SystemCallProgramsTest {
    private static final List<String> CALLS =
            List.of("read", "write", "openat", "close", "newstat", "mmap", "futex", "sendfile64", "umount");

    private static CompiledScript compile(Stream<String> calls, String body) {
        var kernel = FakeKernel.withLiveTypes();
        Assumptions.assumeTrue(kernel.types().isPresent(), "no types of a kernel here");
        var points = calls.map(c -> "tracepoint:syscalls:sys_enter_" + c).collect(Collectors.joining(","));
        var result = Compiler.compile(new Source("test", points + body), kernel, CompileOptions.DEFAULT);
        assertTrue(result.script().isPresent(), result.diagnostics().toString());
        return result.script().get();
    }

    @Test
    void manyTracepointsOfSystemCallsAreOneProgramWhereAllOfThemPass() {
        var script = compile(CALLS.stream(), "{ @[probe] = count(); }");
        assertEquals(1, script.programs().size());
        var program = script.programs().getFirst();
        assertEquals(1, program.probes().size());
        assertEquals(ProbeKind.RAWTRACEPOINT, program.probes().getFirst().kind());
        assertEquals("sys_enter", program.probes().getFirst().target());
        assertEquals(CALLS.size(), program.shownAs().size());
    }

    @Test
    void fewStayProgramsOfTheirOwn() {
        var script = compile(CALLS.stream().limit(4), "{ @[probe] = count(); }");
        assertEquals(4, script.programs().size());
        assertTrue(
                script.programs().stream().allMatch(p -> p.probes().getFirst().kind() == ProbeKind.TRACEPOINT));
    }

    @Test
    void aBodyThatAsksNeitherForNameNorArgumentsIsThereOnce() {
        var each = compile(CALLS.stream(), "{ @[probe] = count(); }");
        var once = compile(CALLS.stream(), "{ @[comm] = count(); }");
        assertTrue(insns(once) * 3 < insns(each), insns(once) + " against " + insns(each));
    }

    @Test
    void bodiesTooLargeForOneProgramGoIntoSeveral() {
        var long_ = "{ " + "printf(\"%d %d %s\", args.fd, args.count, probe); ".repeat(60) + "}";
        var script = compile(CALLS.stream().filter(c -> !c.equals("openat")), long_);
        assertTrue(script.programs().size() > 1);
        assertEquals(
                CALLS.size() - 1,
                script.programs().stream().mapToInt(p -> p.shownAs().size()).sum());
    }

    @Test
    void tracepointsAreCalledAfterTheNewerFunctions() {
        assertEquals(4, SystemCall.numberOfTracepoint(Arch.X86_64, "newstat").orElseThrow());
        assertEquals(166, SystemCall.numberOfTracepoint(Arch.X86_64, "umount").orElseThrow());
        assertEquals(79, SystemCall.numberOfTracepoint(Arch.ARM64, "newfstatat").orElseThrow());
        assertTrue(SystemCall.numberOfTracepoint(Arch.X86_64, "no_such_call").isEmpty());
    }

    private static int insns(CompiledScript script) {
        return script.object().programs().getFirst().code().size();
    }
}
