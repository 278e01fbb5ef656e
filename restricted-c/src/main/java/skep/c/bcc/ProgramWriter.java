package skep.c.bcc;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import skep.c.bcc.TableMacros.Declared;
import skep.c.lower.Lowering;
import skep.c.lower.Operand;
import skep.c.lower.Operand.Scalar;
import skep.c.lower.PointerOrigins;
import skep.c.lower.ProgramKind;
import skep.c.parse.CType;
import skep.c.parse.TranslationUnit.FunctionDefinition;
import skep.ir.BinaryOp;
import skep.ir.CompareOp;
import skep.ir.FunctionBuilder;
import skep.ir.Module;
import skep.ir.ModuleBuilder;
import skep.ir.ProgramInfo;
import skep.ir.Region;
import skep.ir.Type;
import skep.ir.Value;
import skep.isa.MemSize;
import skep.isa.kernel.Helper;
import skep.isa.kernel.KernelInfo;
import skep.isa.kernel.MapType;
import skep.isa.kernel.Registers;
import skep.isa.object.MapSpec;
import skep.source.Diagnostics;

/** Writes functions as programs: binds their parameters to what the kernel hands over, and lowers their bodies. */
final class ProgramWriter {
    /** The table of the task that left each CPU last. */
    private static final String SWITCHED = "skep_switched";

    private final Analysis analysis;
    private final BccRequest request;
    private final Diagnostics diagnostics;
    private final ModuleBuilder module = new ModuleBuilder();
    private final Map<String, ProgramKind> kinds = new HashMap<>();

    ProgramWriter(Analysis analysis, BccRequest request, Diagnostics diagnostics) {
        this.analysis = analysis;
        this.request = request;
        this.diagnostics = diagnostics;
        for (var table : analysis.dialect.tables().values()) {
            module.map(spec(table, request.kernel()));
        }
        for (var variable : analysis.variables) {
            module.map(spec(variable, request.kernel()));
        }
    }

    private MapSpec spec(Declared table, KernelInfo kernel) {
        var types = analysis.types;
        int entries = switch (table.type()) {
            case PERF_EVENT_ARRAY -> table.maxEntries() == 0 ? kernel.possibleCpus() : table.maxEntries();
            default -> table.maxEntries();
        };
        return new MapSpec(
                table.name(),
                table.type(),
                (int) types.size(table.key()),
                (int) types.size(table.leaf()),
                entries,
                table.flags());
    }

    // Checking

    /** Writes a function only to find its mistakes. */
    void check(FunctionDefinition function, boolean entry) {
        var builder = module.program(
                "check " + function.name(), ProgramInfo.of(skep.isa.kernel.ProgramType.KPROBE), function.span());
        analysis.dialect.arguments(request.usdt().stream()
                .filter(u -> u.function().equals(function.name()) && !u.places().isEmpty())
                .map(u -> u.places().getFirst())
                .findFirst()
                .orElse(List.of()));
        var lowering = new Lowering(builder, module, analysis.unit, analysis.dialect, diagnostics);
        List<Operand> parameters;
        if (entry) {
            parameters = parameters(lowering, function, builder.param(0), Optional.empty());
        } else {
            parameters = new ArrayList<>();
            for (var p : function.type().parameters()) {
                parameters.add(lowering.nothing(analysis.types.layout.idOf(p.type())));
            }
        }
        lowering.program(function, parameters);
    }

    // Programs

    void write(FunctionUse use) {
        var function = analysis.entries.get(use.function());
        if (function == null) {
            throw new IllegalArgumentException("no function " + use.function());
        }
        var info = new ProgramInfo(use.type(), use.attachType(), use.attachTo(), analysis.license());
        var builder = module.program(use.program(), info, function.span());
        kinds.put(use.program(), kind(use));
        analysis.dialect.arguments(use.form() instanceof FunctionUse.Form.StaticProbe p ? p.arguments() : List.of());
        var lowering = new Lowering(builder, module, analysis.unit, analysis.dialect, diagnostics);
        switch (use.form()) {
            case FunctionUse.Form.SyscallEntry e -> onlyFor(builder, e.numbers(), false);
            case FunctionUse.Form.SyscallExit e -> onlyFor(builder, e.numbers(), true);
            case FunctionUse.Form.Tracepoint t -> passed(lowering, function, t.words());
            case FunctionUse.Form.AfterSwitch a -> {
                var before = taskBefore(builder);
                lowering.program(function, parameters(lowering, function, builder.param(0), Optional.of(before)));
                return;
            }
            case FunctionUse.Form.SwitchNote n -> {
                noteSwitch(builder);
                return;
            }
            default -> {}
        }
        lowering.program(function, parameters(lowering, function, builder.param(0), Optional.empty()));
    }

    /** A parameter that the tracepoint does not pass has no value. */
    private static void passed(Lowering l, FunctionDefinition function, List<Integer> words) {
        var declared = function.type().parameters();
        for (int i = 1; i < declared.size(); i++) {
            if (i > words.size() || words.get(i - 1) < 0) {
                l.error(
                        declared.get(i).span(),
                        "this kernel has no kprobes, and the tracepoint in place of this one does not pass this argument");
            }
        }
    }

    /** Keeps the task that leaves the CPU: word 1 of {@code sched_switch(preempt, prev, next, prev_state)}. */
    private void noteSwitch(FunctionBuilder b) {
        switchMap();
        var task = b.load(Type.I64, b.opaque(b.param(0)), 8);
        var place = switchPlace(b);
        b.store(place, 0, task);
        b.ret(b.i64(0));
    }

    /** The task that {@link #noteSwitch} kept; the program ends if {@code sched_exit_tp(is_switch)} tells of no switch. */
    private Value taskBefore(FunctionBuilder b) {
        switchMap();
        var switched = b.load(Type.I64, b.opaque(b.param(0)), 0);
        endUnless(b, b.compare(CompareOp.NE, b.binary(BinaryOp.AND, switched, 0xff), 0));
        return b.load(Type.I64, switchPlace(b), 0);
    }

    private void switchMap() {
        if (!module.hasMap(SWITCHED)) {
            module.map(new MapSpec(SWITCHED, MapType.PERCPU_ARRAY, 4, 8, 1, 0));
        }
    }

    private Value switchPlace(FunctionBuilder b) {
        var key = b.slot(4, "key");
        b.zero(key, 0, 4);
        var place = b.lookup(SWITCHED, key);
        endUnless(b, b.isTrue(place));
        return b.nonNull(place);
    }

    private static void endUnless(FunctionBuilder b, Value condition) {
        var go = b.newBlock();
        var end = b.newBlock();
        b.branch(condition, go, end);
        b.enter(end);
        b.ret(b.i64(0));
        b.enter(go);
    }

    private ProgramKind kind(FunctionUse use) {
        var context = switch (use.form()) {
            case FunctionUse.Form.AsWritten f -> ProgramKind.Context.AS_WRITTEN;
            case FunctionUse.Form.StaticProbe f -> ProgramKind.Context.AS_WRITTEN;
            case FunctionUse.Form.SyscallEntry f -> ProgramKind.Context.SYSCALL_ENTRY;
            case FunctionUse.Form.SyscallExit f -> ProgramKind.Context.SYSCALL_EXIT;
            case FunctionUse.Form.TrampolineEntry f -> ProgramKind.Context.TRAMPOLINE_ENTRY;
            case FunctionUse.Form.TrampolineExit f -> ProgramKind.Context.TRAMPOLINE_EXIT;
            case FunctionUse.Form.Tracepoint f -> ProgramKind.Context.WORDS;
            case FunctionUse.Form.AfterSwitch f -> ProgramKind.Context.WORDS;
            case FunctionUse.Form.SwitchNote f -> ProgramKind.Context.AS_WRITTEN;
        };
        List<Integer> words = use.form() instanceof FunctionUse.Form.Tracepoint t ? t.words() : List.of();
        int arguments = analysis.prototype(use.attachTo())
                .map(p -> p.parameters().size())
                .orElse(0);
        return new ProgramKind(
                use.type(),
                use.attachType(),
                context,
                request.kernel().arch(),
                Analysis.hasWrappers(request),
                arguments,
                words);
    }

    /** Ends the program unless the system call is one of these. */
    private void onlyFor(FunctionBuilder b, List<Integer> numbers, boolean exit) {
        // Hidden from the pass that looks for registers in the context.
        var context = b.opaque(b.param(0));
        Value number;
        if (exit) {
            var registers = b.load(Type.I64, context, 0);
            var memory = b.slot(8, "number");
            b.helper(
                    Type.I64,
                    Helper.PROBE_READ_KERNEL,
                    memory,
                    b.i64(4),
                    b.binary(
                            BinaryOp.ADD,
                            registers,
                            Registers.systemCallNumber(request.kernel().arch())));
            number = b.zext(Type.I64, b.load(Type.I32, memory, 0));
        } else {
            number = b.load(Type.I64, context, 8);
        }
        var go = b.newBlock();
        for (int n : numbers) {
            var next = b.newBlock();
            b.branch(b.compare(CompareOp.EQ, number, n), go, next);
            b.enter(next);
        }
        b.ret(b.i64(0));
        b.enter(go);
    }

    // Parameters

    /** @param first the value of the first parameter behind the context, where it comes from elsewhere */
    private List<Operand> parameters(Lowering l, FunctionDefinition function, Value context, Optional<Value> first) {
        var types = analysis.types;
        var list = new ArrayList<Operand>();
        var declared = function.type().parameters();
        var source = source(function);
        Optional<Value> caller = Optional.empty();
        for (int i = 0; i < declared.size(); i++) {
            int type = types.layout.idOf(declared.get(i).type());
            if (i == 0) {
                list.add(types.isPointer(type) ? new Scalar(type, context) : l.nothing(type));
                continue;
            }
            if (!types.isScalar(type)) {
                l.error(
                        declared.get(i).span(),
                        "a parameter of type '" + types.name(type) + "' cannot be read from registers");
                list.add(l.nothing(type));
                continue;
            }
            if (source.equals("syscall") && caller.isEmpty()) {
                caller = Optional.of(callerRegisters(l, context));
            }
            if (first.isPresent()) {
                var word = i == 1 ? first.get() : l.b.i64(0);
                list.add(l.arithmeticConvert(new Scalar(types.unsignedLong, word), type));
                continue;
            }
            var word = switch (source) {
                case "words" -> l.b.load(Type.I64, context, 8 * (i - 1));
                case "result" ->
                    l.b.load(
                            Type.I64, context, Registers.result(request.kernel().arch()));
                case "syscall" -> syscallArgument(l, caller.orElseThrow(), i - 1);
                default -> register(l, context, i - 1, declared.get(i));
            };
            list.add(l.arithmeticConvert(new Scalar(types.unsignedLong, word), type));
        }
        return list;
    }

    private String source(FunctionDefinition function) {
        var attribute = function.attributes().stream()
                .filter(a -> a.name().equals("skep_parameters") && !a.args().isEmpty())
                .findFirst();
        if (attribute.isPresent()) {
            return attribute.get().args().getFirst().replace("\"", "");
        }
        var name = function.name();
        boolean syscall = name.startsWith("syscall__")
                || name.startsWith("kprobe____x64_sys_")
                || name.startsWith("kprobe____arm64_sys_");
        return syscall ? "syscall" : "registers";
    }

    private Value register(Lowering l, Value context, int index, CType.Parameter parameter) {
        var offset = Registers.argument(request.kernel().arch(), index);
        if (offset.isEmpty()) {
            l.error(parameter.span(), "too many arguments, bcc only supports in-register parameters");
            return l.b.i64(0);
        }
        return l.b.load(Type.I64, context, offset.getAsInt());
    }

    private Value callerRegisters(Lowering l, Value context) {
        if (!Analysis.hasWrappers(request)) {
            return context;
        }
        var first = Registers.argument(request.kernel().arch(), 0).orElseThrow();
        return l.b.intToPtr(Region.GENERIC, l.b.load(Type.I64, context, first));
    }

    private Value syscallArgument(Lowering l, Value registers, int index) {
        var offset = Registers.systemCallArgument(request.kernel().arch(), index);
        return l.b.load(Type.I64, MemSize.DW, false, registers, offset.orElse(0));
    }

    // The module

    /** What has been written. */
    Module finish() {
        return module.build();
    }

    /** The module with reads of foreign memory made explicit; it has been optimised once. */
    Module resolved(Module optimized) {
        var any = new ProgramKind(
                skep.isa.kernel.ProgramType.KPROBE,
                Optional.empty(),
                ProgramKind.Context.AS_WRITTEN,
                request.kernel().arch(),
                false,
                0,
                List.of());
        return optimized.mapFunctions(f -> PointerOrigins.resolve(f, kinds.getOrDefault(f.name(), any)));
    }
}
