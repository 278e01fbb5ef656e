package skep.dsl.check;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import skep.dsl.Type;
import skep.dsl.ast.AstWalker;
import skep.dsl.ast.Script;
import skep.isa.kernel.Arch;
import skep.isa.kernel.AttachType;
import skep.isa.kernel.Feature;
import skep.isa.kernel.ProbeKind;
import skep.isa.kernel.ProbeSpec;
import skep.isa.kernel.ProgramType;
import skep.isa.kernel.Registers;
import skep.isa.kernel.SystemCall;
import skep.isa.kernel.TracepointFormat;
import skep.source.Diagnostics;

/**
 * Makes one program of a probe that names many system call tracepoints: it sits on the tracepoint that every system call
 * passes and branches by number. To attach and, above all, to close hundreds of tracepoints one by one takes the kernel
 * up to a tenth of a second each. What the script sees is the same: its arguments come from the registers.
 */
final class SystemCallPrograms {
    /** As many tracepoints as it takes for this to pay: below, a call that is not asked for would pay for the others. */
    private static final int MIN_TRACEPOINTS = 8;

    /** Conditional jumps reach 32767 instructions: programs stay below, estimated. */
    private static final int MAX_INSNS = 20_000;

    private static final int INSNS_OF_EXPRESSION = 10;
    private static final int INSNS_OF_CASE = 12;

    /** Fields of the records of these tracepoints. */
    static final String RESULT = "ret";

    static final String NUMBER = "__syscall_nr";
    private static final String ENTER = "sys_enter_";
    private static final String EXIT = "sys_exit_";
    /** Where the arguments begin in the record, eight bytes each. */
    private static final int FIRST_ARGUMENT_OFFSET = 16;

    /** {@code TS_COMPAT} (arch/x86/include/asm/thread_info.h). */
    private static final int X86_COMPAT = 2;
    /** {@code _TIF_32BIT} (arch/arm64/include/asm/thread_info.h). */
    private static final int ARM_COMPAT = 1 << 22;

    private final Checking checking;

    SystemCallPrograms(Checking checking) {
        this.checking = checking;
    }

    /** What a probe at the function of a system call has that the tracepoint all calls pass has not. */
    private static final List<String> ONLY_AT_FUNCTIONS = List.of(
            "arg1",
            "arg2",
            "arg3",
            "arg4",
            "arg5",
            "arg6",
            "arg7",
            "arg8",
            "arg9",
            "reg",
            "func",
            "ctx",
            "kstack",
            "caller",
            "usermode",
            "args",
            "override",
            "sarg0",
            "sarg1",
            "sarg2",
            "sarg3",
            "sarg4",
            "sarg5");

    /**
     * Where a kernel has no kprobes, probes at functions of system calls become programs at the tracepoint that all calls
     * pass: the function's only argument, the caller's registers, is the tracepoint's too, and so is the result. Stacks and
     * registers of the kernel differ; a probe that looks at them stays what it was, and is refused.
     */
    List<Checker.Instance> substituted(Script.Probe probe, List<Checker.Instance> instances, Diagnostics diagnostics) {
        // Asking the kernel what it allows costs more than compiling a short script.
        if (instances.stream().noneMatch(one -> isAtFunction(one.context().kind()))) {
            return instances;
        }
        var refusal = checking.kernel.unsupported(Feature.KPROBE);
        if (refusal.isEmpty()) {
            return instances;
        }
        var uses = Uses.of(probe);
        var programs = new ArrayList<Checker.Instance>();
        for (var one : instances) {
            var kind = one.context().kind();
            var prefix = kind == ProbeKind.KRETPROBE ? EXIT : ENTER;
            boolean possible = isAtFunction(kind)
                    && one.type() == ProgramType.KPROBE
                    && one.specs().stream().allMatch(this::isSystemCallFunction)
                    && ONLY_AT_FUNCTIONS.stream().noneMatch(uses::uses)
                    && isPossible(prefix);
            var mapped = possible ? mapped(one) : Optional.<Checker.Instance>empty();
            if (mapped.isEmpty()) {
                programs.add(one);
                continue;
            }
            diagnostics.warning(
                    "substituted",
                    probe.span(),
                    String.join(", ", one.shownAs()) + " is traced at the tracepoint of system calls instead: "
                            + refusal.get().reason(),
                    "");
            programs.add(program(probe, prefix, List.of(mapped.get())));
        }
        return programs;
    }

    private static boolean isAtFunction(ProbeKind kind) {
        return kind == ProbeKind.KPROBE || kind == ProbeKind.KRETPROBE;
    }

    private boolean isSystemCallFunction(ProbeSpec spec) {
        return spec.offset() == 0
                && afterPrefix(checking.kernel.arch(), spec.target()).isPresent()
                && number(checking.kernel.arch(), spec.target()).isPresent();
    }

    /** {@code openat} of {@code __x64_sys_openat}, the function that every call of it runs. */
    private static Optional<String> afterPrefix(Arch arch, String function) {
        var prefix = arch == Arch.X86_64 ? "__x64_sys_" : "__arm64_sys_";
        return function.startsWith(prefix) ? Optional.of(function.substring(prefix.length())) : Optional.empty();
    }

    /** The programs of a probe, those for many system calls made into few. */
    List<Checker.Instance> gathered(Script.Probe probe, List<Checker.Instance> instances) {
        var kept = new ArrayList<Checker.Instance>();
        for (var one : instances) {
            if (!(isOfSystemCall(one, ENTER) || isOfSystemCall(one, EXIT))) {
                kept.add(one);
            }
        }
        // A kernel stack taken there would begin with the frames of the program itself.
        if (instances.stream().mapToInt(i -> i.specs().size()).sum() < MIN_TRACEPOINTS
                || Uses.of(probe).uses("kstack")) {
            return instances;
        }
        for (var prefix : List.of(ENTER, EXIT)) {
            var many = instances.stream().filter(i -> isOfSystemCall(i, prefix)).toList();
            int tracepoints = many.stream().mapToInt(i -> i.specs().size()).sum();
            if (tracepoints < MIN_TRACEPOINTS || !isPossible(prefix)) {
                kept.addAll(many);
                continue;
            }
            gather(probe, prefix, many, kept);
        }
        return kept;
    }

    private void gather(
            Script.Probe probe, String prefix, List<Checker.Instance> many, List<Checker.Instance> programs) {
        var group = new ArrayList<Checker.Instance>();
        int each = estimate(probe);
        int insns = 0;
        for (var one : many) {
            var mapped = mapped(one);
            if (mapped.isEmpty() || !readsRegistersOnly(one)) {
                programs.add(one);
                continue;
            }
            if (insns + each > MAX_INSNS) {
                programs.add(program(probe, prefix, group));
                group = new ArrayList<>();
                insns = 0;
            }
            insns += each;
            group.add(mapped.get());
        }
        if (!group.isEmpty()) {
            programs.add(program(probe, prefix, group));
        }
    }

    private static int estimate(Script.Probe probe) {
        var expressions = new int[1];
        AstWalker.walk(probe.body(), e -> expressions[0]++);
        probe.predicate().ifPresent(p -> AstWalker.walk(p, e -> expressions[0]++));
        return INSNS_OF_CASE + INSNS_OF_EXPRESSION * expressions[0];
    }

    private boolean isOfSystemCall(Checker.Instance instance, String prefix) {
        var context = instance.context();
        return context.kind() == ProbeKind.TRACEPOINT
                && context.category().equals("syscalls")
                && instance.specs().stream().allMatch(s -> s.target().startsWith(prefix));
    }

    /** Whether this kernel hands over its registers with their types, and tells which calls are of another word size. */
    private boolean isPossible(String prefix) {
        var event = prefix.substring(0, prefix.length() - 1);
        return checking.kernel.unsupported(Feature.BTF_TRACEPOINT).isEmpty()
                && checking.types.tracepoint(event).isPresent()
                && foreign().isPresent();
    }

    private Optional<Typed.SystemCalls.TaskBits> foreign() {
        var task = checking.namedType("struct task_struct");
        if (task.isEmpty() || !(task.get() instanceof Type.Struct struct)) {
            return Optional.empty();
        }
        var info = CTypes.field(struct, "thread_info");
        if (info.isEmpty() || !(info.get().type() instanceof Type.Struct fields)) {
            return Optional.empty();
        }
        boolean x86 = checking.kernel.arch() == Arch.X86_64;
        return CTypes.field(fields, x86 ? "status" : "flags")
                .map(f -> new Typed.SystemCalls.TaskBits(
                        info.get().offsetBytes() + f.offsetBytes(), x86 ? X86_COMPAT : ARM_COMPAT));
    }

    /** The number of the call that a tracepoint such as {@code sys_enter_openat}, or a call's own function, is for. */
    static OptionalLong number(Arch arch, String tracepoint) {
        int start = tracepoint.startsWith(ENTER) ? ENTER.length() : EXIT.length();
        return SystemCall.numberOfTracepoint(
                arch, afterPrefix(arch, tracepoint).orElseGet(() -> tracepoint.substring(start)));
    }

    List<Long> numbers(Checker.Instance instance) {
        return instance.specs().stream()
                .map(s -> number(checking.kernel.arch(), s.target()).orElseThrow())
                .toList();
    }

    /** The same for a program that reads registers; empty if some number is not known. */
    private Optional<Checker.Instance> mapped(Checker.Instance i) {
        var arch = checking.kernel.arch();
        if (i.specs().stream().anyMatch(s -> number(arch, s.target()).isEmpty())) {
            return Optional.empty();
        }
        var c = i.context();
        var context = new ProbeContext(
                c.kind(),
                c.name(),
                c.function(),
                c.category(),
                c.offset(),
                c.arch(),
                c.format(),
                false,
                true,
                c.parameters(),
                List.of(),
                c.result(),
                Optional.empty());
        return Optional.of(new Checker.Instance(
                i.probe(),
                context,
                i.type(),
                i.attachType(),
                i.attachTo(),
                i.role(),
                i.specs(),
                i.shownAs(),
                List.of(),
                i.scope()));
    }

    private boolean readsRegistersOnly(Checker.Instance instance) {
        var fields = instance.context().format().map(TracepointFormat::fields).orElse(List.of());
        return fields.stream()
                .filter(f -> !f.name().startsWith("common_")
                        && !f.name().equals(NUMBER)
                        && !f.name().equals(RESULT))
                .allMatch(f -> f.sizeBytes() == 8
                        && f.arrayLength() == 0
                        && !f.dataLoc()
                        && f.offsetBytes() % 8 == 0
                        && Registers.systemCallArgument(checking.kernel.arch(), index(f))
                                .isPresent());
    }

    /** Which argument of the system call a field is. */
    static int index(TracepointFormat.Field field) {
        return (field.offsetBytes() - FIRST_ARGUMENT_OFFSET) / 8;
    }

    private static Checker.Instance program(Script.Probe probe, String prefix, List<Checker.Instance> cases) {
        var first = cases.getFirst();
        var event = prefix.substring(0, prefix.length() - 1);
        var shown = new ArrayList<String>();
        cases.forEach(c -> shown.addAll(c.shownAs()));
        var c = first.context();
        var context = new ProbeContext(
                c.kind(),
                c.name(),
                event,
                c.category(),
                0,
                c.arch(),
                Optional.empty(),
                false,
                true,
                List.of(),
                List.of(),
                Optional.empty(),
                Optional.empty());
        return new Checker.Instance(
                probe,
                context,
                ProgramType.TRACING,
                Optional.of(AttachType.TRACE_RAW_TP),
                event,
                first.role(),
                List.of(new ProbeSpec(ProbeKind.RAWTRACEPOINT, "", event, 0, 0, OptionalInt.empty())),
                shown,
                cases,
                new Scope());
    }

    Typed.SystemCalls statement(Checker.Instance instance, List<Typed.SystemCalls.Case> cases) {
        var span = instance.probe().span();
        boolean atExit = instance.attachTo().equals("sys_exit");
        var arch = checking.kernel.arch();
        Typed.Expr number = atExit
                ? new Typed.RegisterLoad(
                        Registers.systemCallNumber(arch), arch == Arch.X86_64 ? Type.INT64 : Type.INT32, span)
                : new Typed.ContextLoad(8, Type.INT64, span);
        return new Typed.SystemCalls(cases, number, foreign().orElseThrow(), span);
    }
}
