package skep.dsl.check;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import skep.dsl.CompileOptions;
import skep.dsl.CompileResult;
import skep.dsl.Compiler;
import skep.dsl.FakeKernel;
import skep.isa.kernel.AttachType;
import skep.isa.kernel.Feature;
import skep.isa.kernel.KernelInfo;
import skep.isa.kernel.ProbeKind;
import skep.isa.kernel.ProgramType;
import skep.isa.kernel.Unsupported;
import skep.isa.object.ProgramSpec;
import skep.source.Source;

class TrampolineProgramsTest {
    /** A kernel with the types of this machine's, that refuses some features. */
    private static KernelInfo refusing(Set<Feature> features) {
        var types = FakeKernel.withLiveTypes();
        Assumptions.assumeTrue(types.types().isPresent(), "no types of a kernel here");
        return (KernelInfo) Proxy.newProxyInstance(
                KernelInfo.class.getClassLoader(), new Class<?>[] {KernelInfo.class}, (proxy, method, arguments) -> {
                    if (method.getName().equals("unsupported")) {
                        var feature = (Feature) arguments[0];
                        return features.contains(feature)
                                ? Optional.of(new Unsupported(feature, "it is refused here", ""))
                                : Optional.empty();
                    }
                    try {
                        return method.invoke(types, arguments);
                    } catch (InvocationTargetException thrown) {
                        throw thrown.getCause();
                    }
                });
    }

    private static CompileResult compile(Set<Feature> refused, String script) {
        return Compiler.compile(new Source("test", script), refusing(refused), CompileOptions.DEFAULT);
    }

    private static List<ProgramSpec> programs(Set<Feature> refused, String script) {
        var result = compile(refused, script);
        return result.script()
                .orElseThrow(() -> new AssertionError(result.diagnostics().toString()))
                .object()
                .programs();
    }

    @Test
    void withoutKprobesAFunctionIsTracedWithATrampolineAndThatIsSaid() {
        var script = "kprobe:vfs_read { @ = sum(arg2); @n[probe] = count(); } kretprobe:vfs_read { @r = sum(retval); }";
        var result = compile(EnumSet.of(Feature.KPROBE), script);
        var said = result.diagnostics().toString();
        assertTrue(said.contains("kprobe:vfs_read is traced with fentry instead: it is refused here"), said);
        assertTrue(said.contains("kretprobe:vfs_read is traced with fexit instead: it is refused here"), said);
        var programs = result.script().orElseThrow().object().programs();
        assertEquals(
                List.of(Optional.of(AttachType.TRACE_FENTRY), Optional.of(AttachType.TRACE_FEXIT)),
                programs.stream().map(ProgramSpec::attachType).toList());
        assertTrue(programs.stream()
                .allMatch(p -> p.type() == ProgramType.TRACING && p.attachTo().equals("vfs_read")));
        assertEquals(
                ProbeKind.KPROBE,
                result.script()
                        .orElseThrow()
                        .programs()
                        .getFirst()
                        .probes()
                        .getFirst()
                        .kind());
    }

    @Test
    void whereBothAreRefusedOrBothAllowedAKprobeStaysOne() {
        for (var refused : List.<Set<Feature>>of(Set.of(), EnumSet.of(Feature.KPROBE, Feature.FENTRY))) {
            var programs = programs(refused, "kprobe:vfs_read { @ = count(); }");
            assertEquals(ProgramType.KPROBE, programs.getFirst().type());
        }
    }

    @Test
    void whatATrampolineCannotTellStaysAKprobe() {
        for (var script : List.of(
                "kprobe:vfs_read { @ = reg(\"ip\"); }",
                "kprobe:vfs_read { @[kstack] = count(); }",
                "kprobe:vfs_read { @ = arg5; }",
                "kprobe:vfs_read { @ = sarg0; }",
                "kprobe:vfs_read+4 { @ = count(); }",
                "kretprobe:kfree { @ = retval; }",
                "kprobe:a_function_without_a_type { @ = count(); }")) {
            var programs = programs(EnumSet.of(Feature.KPROBE), script);
            assertEquals(ProgramType.KPROBE, programs.getFirst().type(), script);
        }
    }
}
