package skep.dsl.lower;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import skep.c.bcc.FunctionLibrary;
import skep.dsl.Action;
import skep.dsl.CompileOptions;
import skep.dsl.MapView;
import skep.dsl.RuntimeFault;
import skep.dsl.ScriptProgram;
import skep.dsl.check.Checker;
import skep.dsl.check.Typed;
import skep.dsl.parse.ThreadLocals;
import skep.ir.Module;
import skep.ir.ProgramInfo;
import skep.isa.kernel.Helper;
import skep.isa.kernel.KernelInfo;
import skep.isa.kernel.ProbeKind;
import skep.isa.kernel.ProbeSpec;
import skep.isa.kernel.ProgramType;
import skep.source.Source;

/** The last phase of the front end: a typed script becomes a module and a plan. */
public final class Lowering {
    private Lowering() {}

    /** What comes out: the module, and what user space has to know. */
    public record Lowered(
            Module module,
            List<ScriptProgram> programs,
            List<MapView> maps,
            List<Action> actions,
            List<RuntimeFault> faults,
            boolean usesRingBuffer,
            boolean usesCounters,
            boolean usesUserSymbols) {}

    public static Lowered lower(
            Typed.Script script, Checker.Result checked, Source source, KernelInfo kernel, CompileOptions options) {
        var plan = new ScriptPlan(
                kernel,
                options.helperErrorReports(),
                checked.maxMapEntries(),
                checked.config().ringBufferPages(),
                checked.measuresStacks());
        var programs = new ArrayList<ScriptProgram>();
        for (var subprogram : script.subprograms()) {
            FunctionLowering.subprogram(plan, subprogram);
        }
        for (var program : script.programs()) {
            FunctionLowering.program(plan, program, checked.license());
            programs.add(new ScriptProgram(
                    program.name(), program.role(), program.probes(), program.shownAs(), program.span()));
        }
        if (plan.usesElapsed()) {
            programs.addFirst(startClock(plan, source, checked.license()));
        }
        plan.addMaps(script.maps());
        var views = script.maps().stream()
                .map(plan::view)
                .map(v -> shown(v, checked))
                .toList();
        return new Lowered(
                with(checked.libraries(), plan.module.build()),
                programs,
                views,
                plan.actions(),
                plan.faults(),
                plan.usesRingBuffer(),
                plan.usesCounters(),
                plan.usesUserSymbols());
    }

    /** The module with the C functions that it may call. */
    private static Module with(List<FunctionLibrary> libraries, Module module) {
        var functions = new ArrayList<>(module.functions());
        var maps = new ArrayList<>(module.maps());
        for (var library : libraries) {
            functions.addAll(library.module().functions());
            maps.addAll(library.module().maps());
        }
        return new Module(functions, maps);
    }

    private static MapView shown(MapView view, Checker.Result checked) {
        return new MapView(
                view.name(),
                view.mapName(),
                view.key(),
                view.value(),
                view.storage(),
                view.perCpu(),
                checked.config().printMapsAtExit() && !view.isHidden(),
                view.generation(),
                view.span());
    }

    /** A program that runs before all others and remembers the time. */
    private static ScriptProgram startClock(ScriptPlan plan, Source source, String license) {
        // No part of the script, so that it is not counted among its probes.
        var span = new Source(ThreadLocals.SOURCE, "").span(0, 0);
        var info = new ProgramInfo(ProgramType.RAW_TRACEPOINT, Optional.empty(), "", license);
        var f = plan.module.program("start_clock", info, span);
        f.store(f.mapValueRef(ScriptPlan.STARTED_MAP, 0), 0, f.helper(skep.ir.Type.I64, Helper.KTIME_GET_BOOT_NS));
        f.ret(f.i64(0));
        return new ScriptProgram(
                "start_clock",
                ScriptProgram.Role.BEGIN,
                List.of(ProbeSpec.of(ProbeKind.BEGIN, "")),
                List.of("begin"),
                span);
    }
}
