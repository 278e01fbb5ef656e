package skep.dsl.check;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import skep.dsl.Type;
import skep.isa.kernel.Arch;
import skep.isa.kernel.Feature;
import skep.isa.kernel.Helper;
import skep.isa.kernel.ProbeKind;
import skep.isa.kernel.Registers;
import skep.isa.kernel.TracepointFormat;
import skep.isa.kernel.UsdtArgument;
import skep.source.Span;

/** The builtins: what a bare name such as {@code pid} or {@code arg0} stands for in a probe. */
final class BuiltinChecker {
    /** How many frames a stack has when none are asked for ({@code kernel.perf_event_max_stack}). */
    static final int DEFAULT_STACK_DEPTH = 127;

    /** {@code TASK_COMM_LEN} of the kernel. */
    static final int COMM_BYTES = 16;

    private final Checking checking;
    private final ProbeContext probe;
    private final BodyChecker bodies;

    BuiltinChecker(Checking checking, ProbeContext probe, BodyChecker bodies) {
        this.checking = checking;
        this.probe = probe;
        this.bodies = bodies;
    }

    /** Names of all builtins, for hints and the reference. */
    Stream<String> names() {
        return Stream.of(
                "args",
                "arg0",
                "arg1",
                "arg2",
                "cgroup",
                "comm",
                "cpid",
                "has_cpid",
                "cpu",
                "ncpus",
                "curtask",
                "ctx",
                "elapsed",
                "func",
                "gid",
                "uid",
                "tid",
                "pid",
                "jiffies",
                "nsecs",
                "numaid",
                "ppid",
                "pcomm",
                "leader_tid",
                "leader_comm",
                "probe",
                "probetype",
                "rand",
                "retval",
                "usermode",
                "username",
                "kstack",
                "dw_ustack",
                "ustack");
    }

    /** The value of a builtin; empty if there is none of that name. */
    Optional<Typed.Expr> value(String name, Span span) {
        return Optional.ofNullable(
                switch (name) {
                    case "pid", "tid" -> idHere(name, span);
                    case "uid" -> helper(Helper.GET_CURRENT_UID_GID, 0, true, Type.UINT32, span);
                    case "gid" -> helper(Helper.GET_CURRENT_UID_GID, 32, false, Type.UINT32, span);
                    case "username" ->
                        helper(Helper.GET_CURRENT_UID_GID, 0, true, new Type.Symbolic(Type.Symbols.USER_NAME), span);
                    case "nsecs" -> helper(Helper.KTIME_GET_BOOT_NS, 0, false, Type.UINT64, span);
                    case "cpu" -> helper(Helper.GET_SMP_PROCESSOR_ID, 0, false, Type.UINT32, span);
                    case "ncpus" -> new Typed.IntConst(Type.UINT64, checking.kernel.possibleCpus(), span);
                    case "numaid" -> helper(Helper.GET_NUMA_NODE_ID, 0, false, Type.UINT32, span);
                    case "jiffies" -> helper(Helper.JIFFIES64, 0, false, Type.UINT64, span);
                    case "rand", "random" -> helper(Helper.GET_PRANDOM_U32, 0, false, Type.UINT32, span);
                    case "cgroup" -> helper(Helper.GET_CURRENT_CGROUP_ID, 0, false, Type.UINT64, span);
                    case "comm" -> new Typed.CommandName(new Type.Str(COMM_BYTES), span);
                    case "elapsed" -> new Typed.Elapsed(span);
                    case "curtask" ->
                        helper(
                                Helper.GET_CURRENT_TASK,
                                0,
                                false,
                                new Type.Pointer(
                                        checking.namedType("struct task_struct").orElse(Type.UINT64),
                                        Type.AddressSpace.KERNEL),
                                span);
                    case "cpid" -> childPid(span);
                    case "has_cpid" ->
                        new Typed.IntConst(
                                Type.BOOL, checking.options.childPid().isPresent() ? 1 : 0, span);
                    case "probe" -> ExpressionChecker.text(probe.name(), span);
                    case "probetype" -> ExpressionChecker.text(probe.kind().longName(), span);
                    case "kstack" -> stack(false, checking.settings.stackMode(), DEFAULT_STACK_DEPTH, span);
                    case "ustack" -> stack(true, checking.settings.stackMode(), DEFAULT_STACK_DEPTH, span);
                    case "dw_ustack" -> unwoundStack(checking.settings.stackMode(), DEFAULT_STACK_DEPTH, span);
                    case "func" -> function(span);
                    case "retval" -> result(span);
                    case "ctx" -> context(span);
                    case "args" -> allArguments(span);
                    case "usermode" -> userMode(span);
                    case "ppid" -> task(span, Type.UINT32, "real_parent", "tgid");
                    case "pcomm" -> task(span, Type.VOID, "real_parent", "comm");
                    case "leader_tid" -> task(span, Type.UINT32, "group_leader", "pid");
                    case "leader_comm" -> task(span, Type.VOID, "group_leader", "comm");
                    default -> numbered(name, span);
                });
    }

    /** A process or thread id as the tracer sees it: it may run in a namespace of its own. */
    private Typed.Expr idHere(String name, Span span) {
        var namespace = checking.kernel.pidNamespace();
        if (namespace.isEmpty()) {
            return hostId(name, span);
        }
        var both = new Typed.Call(
                Typed.Fn.NAMESPACE_PID,
                List.of(
                        new Typed.IntConst(Type.UINT64, namespace.get().device(), span),
                        new Typed.IntConst(Type.UINT64, namespace.get().inode(), span)),
                Type.UINT64,
                span);
        return new Typed.Convert(
                name.equals("tid")
                        ? both
                        : new Typed.Arithmetic(
                                skep.dsl.ast.Expr.BinaryOp.SHR,
                                both,
                                new Typed.IntConst(Type.UINT64, 32, span),
                                Type.UINT64,
                                span),
                Type.UINT32,
                span);
    }

    /** A process or thread id as the machine's first namespace sees it. */
    Typed.Expr hostId(String name, Span span) {
        boolean thread = name.equals("tid");
        return helper(Helper.GET_CURRENT_PID_TGID, thread ? 0 : 32, thread, Type.UINT32, span);
    }

    private static Typed.Expr helper(Helper helper, int shift, boolean lowHalf, Type type, Span span) {
        return new Typed.HelperValue(helper, List.of(), shift, lowHalf, type, span);
    }

    static Typed.Expr stack(boolean user, Type.StackMode mode, int depth, Span span) {
        var map = "stack_" + depth;
        Type type = user ? new Type.UserStack(mode, depth, "u" + map, false) : new Type.KernelStack(mode, depth, map);
        return new Typed.Stack(user, type, span);
    }

    /** A stack that user space unwinds; where the kernel cannot copy stacks, one by frame pointers. */
    Typed.Expr unwoundStack(Type.StackMode mode, int depth, Span span) {
        var refusal = checking.kernel.unsupported(Feature.USER_STACK_COPY);
        if (refusal.isPresent()) {
            checking.warn(
                    "unwind",
                    span,
                    "dw_ustack follows frame pointers, as ustack does: "
                            + refusal.get().reason(),
                    "");
            return stack(true, mode, depth, span);
        }
        return new Typed.Stack(true, new Type.UserStack(mode, depth, "", true), span);
    }

    private Typed.Expr childPid(Span span) {
        if (checking.options.childPid().isEmpty()) {
            throw new CheckError("cpid", span, "cpid cannot be used without child command", "give a command with -c");
        }
        return new Typed.IntConst(Type.UINT32, checking.options.childPid().getAsInt(), span);
    }

    /** {@code arg0} to {@code arg9}, {@code sarg0} to {@code sarg9}. */
    private Typed.@Nullable Expr numbered(String name, Span span) {
        boolean onStack = name.startsWith("sarg");
        var digits = onStack ? name.substring(4) : name.startsWith("arg") ? name.substring(3) : "";
        if (digits.isEmpty() || digits.length() > 3 || !digits.chars().allMatch(c -> c >= '0' && c <= '9')) {
            return null;
        }
        if (bodies.insideLoopBody()) {
            throw new CheckError("builtin", span, "'" + name + "' builtin is not allowed in a for-loop");
        }
        int index = Integer.parseInt(digits);
        if (onStack) {
            return stackArgument(index, name, span);
        }
        return switch (probe.kind()) {
            case KPROBE, UPROBE, USDT -> {
                if (probe.fromRegisters()) {
                    // The caller's registers: the only argument of a system call's function, and of the tracepoint.
                    yield new Typed.ContextLoad(0, Type.INT64, span);
                }
                if (probe.raw()) {
                    yield untyped(index, Type.INT64, span);
                }
                // A static probe that was found has a place, though it may have no arguments.
                if (!probe.staticArguments().isEmpty() || probe.kind() == ProbeKind.USDT && probe.offset() != 0) {
                    yield staticArgument(index, name, span);
                }
                if (index > 9 && probe.kind() != ProbeKind.USDT) {
                    throw new CheckError("builtin", span, "Unknown builtin: " + name);
                }
                var offset = Registers.argument(probe.arch(), index);
                if (offset.isEmpty()) {
                    yield behindRegisters(index, span);
                }
                yield new Typed.ContextLoad(offset.getAsInt(), Type.INT64, span);
            }
            case RAWTRACEPOINT -> new Typed.ContextLoad(8 * index, Type.INT64, span);
            case FENTRY, FEXIT -> new Typed.ContextLoad(8 * index, Type.INT64, span);
            default ->
                throw new CheckError(
                        "builtin",
                        span,
                        "The " + name + " builtin can only be used with 'kprobes', 'uprobes' and 'usdt' probes");
        };
    }

    /** An argument of a static probe: in a register or a constant, or in memory that these reach. */
    private Typed.Expr staticArgument(int index, String name, Span span) {
        var arguments = probe.staticArguments();
        if (index >= arguments.size()) {
            throw new CheckError(
                    "builtin",
                    span,
                    "The static probe " + probe.function() + " has no " + name + ": it has "
                            + switch (arguments.size()) {
                                case 0 -> "no arguments";
                                case 1 -> "1 argument";
                                default -> arguments.size() + " arguments";
                            });
        }
        var argument = arguments.get(index);
        var type = new Type.Int(argument.sizeBytes(), argument.signed());
        var value = switch (argument.place()) {
            case UsdtArgument.Place.Constant c -> new Typed.IntConst(type, cut(c.value(), type), span);
            case UsdtArgument.Place.Register r -> register(r.name(), name, span);
            case UsdtArgument.Place.Memory m -> {
                Typed.Expr address = register(m.base(), name, span);
                if (!m.index().isEmpty()) {
                    var scale = new Typed.IntConst(Type.UINT64, m.scale(), span);
                    var scaled = new Typed.Arithmetic(
                            skep.dsl.ast.Expr.BinaryOp.MUL, register(m.index(), name, span), scale, Type.UINT64, span);
                    address = new Typed.Arithmetic(skep.dsl.ast.Expr.BinaryOp.ADD, address, scaled, Type.UINT64, span);
                }
                if (m.offset() != 0) {
                    var offset = new Typed.IntConst(Type.UINT64, m.offset(), span);
                    address = new Typed.Arithmetic(skep.dsl.ast.Expr.BinaryOp.ADD, address, offset, Type.UINT64, span);
                }
                var pointer = new Type.Pointer(type, Type.AddressSpace.USER);
                yield new Typed.Dereference(new Typed.Convert(address, pointer, span), type, span);
            }
            case UsdtArgument.Place.Unreadable u ->
                throw new CheckError(
                        "builtin",
                        span,
                        name + " of " + probe.function() + " is at " + u.text() + ", which programs cannot read");
        };
        return value instanceof Typed.IntConst c
                ? new Typed.IntConst(Type.INT64, c.value(), span)
                : new Typed.Convert(new Typed.Convert(value, type, span), Type.INT64, span);
    }

    private static long cut(long value, Type.Int type) {
        int bits = 64 - 8 * type.sizeBytes();
        return type.signed() ? value << bits >> bits : value << bits >>> bits;
    }

    /** A register by the name that notes of static probes have it: {@code rax} is {@code ax} of the saved registers. */
    private Typed.Expr register(String register, String argument, Span span) {
        boolean wide = probe.arch() == Arch.X86_64
                && register.startsWith("r")
                && register.length() > 1
                && !Character.isDigit(register.charAt(1));
        var offset = Registers.named(probe.arch(), wide ? register.substring(1) : register);
        if (offset.isEmpty()) {
            throw new CheckError(
                    "builtin",
                    span,
                    argument + " of " + probe.function() + " is in register " + register + ", which is not saved");
        }
        return new Typed.ContextLoad(offset.getAsInt(), Type.UINT64, span);
    }

    /**
     * A word of a typed program's context, copied: the kernel takes the word itself for a pointer to what the function declares, which
     * is not to be calculated with.
     */
    private static Typed.Expr untyped(int word, Type type, Span span) {
        var pointer = new Type.Pointer(type, Type.AddressSpace.KERNEL);
        var start = new Typed.ContextAddress(pointer, span);
        var moved = new Typed.PointerMove(start, new Typed.IntConst(Type.INT64, word, span), false, pointer, span);
        return new Typed.Dereference(moved, type, span);
    }

    /** Arguments that do not fit into registers lie on the stack, behind the return address on x86-64. */
    private Typed.Expr behindRegisters(int index, Span span) {
        int inRegisters = probe.arch() == Arch.X86_64 ? 6 : 8;
        return stackWord(index - inRegisters + (probe.arch() == Arch.X86_64 ? 1 : 0), span);
    }

    private Typed.Expr stackArgument(int index, String name, Span span) {
        if (probe.kind() != ProbeKind.KPROBE && probe.kind() != ProbeKind.UPROBE) {
            throw new CheckError(
                    "builtin", span, "The " + name + " builtin can only be used with 'kprobes' and 'uprobes' probes");
        }
        return stackWord(index + (probe.arch() == Arch.X86_64 ? 1 : 0), span);
    }

    private Typed.Expr stackWord(int word, Span span) {
        var space = probe.kind() == ProbeKind.KPROBE ? Type.AddressSpace.KERNEL : Type.AddressSpace.USER;
        var pointer = new Type.Pointer(Type.INT64, space);
        var sp = new Typed.ContextLoad(Registers.stackPointer(probe.arch()), pointer, span);
        var moved = new Typed.PointerMove(sp, new Typed.IntConst(Type.INT64, word, span), false, pointer, span);
        return new Typed.Dereference(moved, Type.INT64, span);
    }

    private Typed.Expr function(Span span) {
        return switch (probe.kind()) {
            case KPROBE, KRETPROBE, FENTRY, FEXIT ->
                helper(Helper.GET_FUNC_IP, 0, false, new Type.Symbolic(Type.Symbols.KERNEL_SYMBOL), span);
            case UPROBE, URETPROBE ->
                new Typed.Call(
                        Typed.Fn.USYM,
                        List.of(new Typed.ContextLoad(Registers.instructionPointer(probe.arch()), Type.UINT64, span)),
                        new Type.UserSymbol(),
                        span);
            default ->
                throw new CheckError(
                        "builtin",
                        span,
                        "The func builtin can not be used with '" + probe.kind().longName() + "' probes");
        };
    }

    private Typed.Expr result(Span span) {
        if (bodies.insideLoopBody()) {
            throw new CheckError("builtin", span, "'" + span.text() + "' builtin is not allowed in a for-loop");
        }
        return switch (probe.kind()) {
            case KRETPROBE, URETPROBE -> {
                if (probe.raw()) {
                    yield untyped(probe.parameters().size(), Type.UINT64, span);
                }
                yield new Typed.ContextLoad(
                        probe.fromRegisters() ? 8 : Registers.result(probe.arch()), Type.UINT64, span);
            }
            case FEXIT -> {
                var type = probe.result().orElse(Type.INT64);
                if (type instanceof Type.Void) {
                    throw new CheckError("builtin", span, "Function " + probe.function() + " returns nothing");
                }
                yield new Typed.ContextLoad(
                        8 * probe.parameters().size(),
                        inKernel(type instanceof Type.Struct ? Type.UINT64 : type),
                        span);
            }
            default ->
                throw new CheckError(
                        "builtin",
                        span,
                        "The retval builtin can only be used with 'kretprobe' and 'uretprobe' and 'fentry' probes"
                                + (probe.kind() == ProbeKind.TRACEPOINT ? " (tracepoint used here)" : ""));
        };
    }

    private Type inKernel(Type type) {
        return type instanceof Type.Pointer p && p.space() == Type.AddressSpace.ANY
                ? new Type.Pointer(p.target(), probe.defaultSpace())
                : type;
    }

    private Typed.Expr context(Span span) {
        return switch (probe.kind()) {
            case TRACEPOINT -> throw new CheckError("builtin", span, "Use args instead of ctx in tracepoint");
            case ITER -> {
                var type = checking.namedType("struct bpf_iter__" + probe.function())
                        .orElse(Type.VOID);
                yield new Typed.ContextAddress(new Type.Pointer(type, Type.AddressSpace.BPF), span);
            }
            case KPROBE, KRETPROBE, UPROBE, URETPROBE, USDT, PROFILE, SOFTWARE, HARDWARE, INTERVAL, WATCHPOINT -> {
                var name = switch (probe.kind()) {
                    case PROFILE, SOFTWARE, HARDWARE, INTERVAL, WATCHPOINT -> "struct bpf_perf_event_data";
                    default -> "struct pt_regs";
                };
                yield new Typed.ContextAddress(
                        new Type.Pointer(checking.namedType(name).orElse(Type.UINT64), Type.AddressSpace.BPF), span);
            }
            default -> new Typed.ContextAddress(new Type.Pointer(Type.UINT64, Type.AddressSpace.BPF), span);
        };
    }

    private Typed.Expr userMode(Span span) {
        switch (probe.kind()) {
            case BEGIN, END, SELF, UPROBE, URETPROBE, USDT -> {
                return new Typed.IntConst(Type.UINT8, 1, span);
            }
            case KPROBE, KRETPROBE, FENTRY, FEXIT -> {
                return new Typed.IntConst(Type.UINT8, 0, span);
            }
            default -> {}
        }
        if (!probe.hasRegisters()) {
            throw new CheckError(
                    "builtin",
                    span,
                    "The usermode builtin can only be used with 'profile', 'interval', 'software' and 'hardware' probes");
        }
        int offset = probe.arch() == Arch.X86_64 ? 136 : 264;
        long mask = probe.arch() == Arch.X86_64 ? 3 : 0xf;
        long user = probe.arch() == Arch.X86_64 ? 3 : 0;
        var word = new Typed.ContextLoad(offset, Type.UINT64, span);
        var bits = new Typed.Arithmetic(
                skep.dsl.ast.Expr.BinaryOp.BIT_AND,
                word,
                new Typed.IntConst(Type.UINT64, mask, span),
                Type.UINT64,
                span);
        var in = new Typed.Compare(
                skep.dsl.ast.Expr.BinaryOp.EQ, bits, new Typed.IntConst(Type.UINT64, user, span), false, span);
        return new Typed.Convert(in, Type.UINT8, span);
    }

    /** A field reached from the current task through one pointer. */
    private Typed.Expr task(Span span, Type as, String pointer, String field) {
        return task(Optional.empty(), span, as, pointer, field);
    }

    private Typed.Expr task(Optional<Typed.Expr> of, Span span, Type as, String pointer, String field) {
        var type = checking.namedType("struct task_struct");
        if (type.isEmpty() || !(type.get() instanceof Type.Struct struct)) {
            throw new CheckError("builtin", span, "the kernel publishes no types (BTF), which this builtin needs");
        }
        var first = CTypes.field(struct, pointer);
        var second = CTypes.field(struct, field);
        if (first.isEmpty() || second.isEmpty()) {
            throw new CheckError("builtin", span, "'struct task_struct' of this kernel lacks '" + field + "'");
        }
        var toTask = new Type.Pointer(struct, Type.AddressSpace.KERNEL);
        var current = of.<Typed.Expr>map(task -> new Typed.Convert(task, toTask, span))
                .orElseGet(() -> helper(Helper.GET_CURRENT_TASK, 0, false, toTask, span));
        var other = new Typed.Part(
                new Typed.Dereference(current, struct, span),
                first.get().offsetBytes(),
                new Type.Pointer(struct, Type.AddressSpace.KERNEL),
                0,
                0,
                span);
        Typed.Expr value = new Typed.Part(
                new Typed.Dereference(other, struct, span),
                second.get().offsetBytes(),
                second.get().type(),
                0,
                0,
                span);
        return as instanceof Type.Void ? value : new Typed.Convert(value, as, span);
    }

    /** What {@code ppid} or {@code pcomm} says of another task than the current one. */
    Typed.Expr parentOf(String builtin, Typed.Expr task, Span span) {
        boolean name = builtin.equals("pcomm");
        return task(Optional.of(task), span, name ? Type.VOID : Type.UINT32, "real_parent", name ? "comm" : "tgid");
    }

    // ---- args

    /** {@code args.name}. */
    Typed.Expr argument(String name, Span argsSpan, Span span) {
        if (bodies.insideLoopBody()) {
            throw new CheckError("builtin", argsSpan, "'args' builtin is not allowed in a for-loop");
        }
        return switch (probe.kind()) {
            case TRACEPOINT -> {
                var format = probe.format();
                var field = format.flatMap(f -> f.field(name));
                if (field.isEmpty()) {
                    var names = format.stream()
                            .flatMap(f -> f.fields().stream())
                            .map(TracepointFormat.Field::name)
                            .filter(n -> !n.startsWith("common_"));
                    throw new CheckError(
                            "unknown-field",
                            span,
                            "'struct _tracepoint_" + probe.category() + "_" + probe.function()
                                    + "' has no field named '" + name + "'",
                            NearestNames.hint(name, names));
                }
                yield name.startsWith("common_") ? commonField(name, span) : tracepointField(field.get(), span);
            }
            case FENTRY, FEXIT, RAWTRACEPOINT, UPROBE -> {
                for (var parameter : probe.parameters()) {
                    if (parameter.name().equals(name)) {
                        yield parameter(parameter, span);
                    }
                }
                refuseIfRefused(span);
                throw new CheckError(
                        "unknown-field",
                        span,
                        "Can't find function parameter " + name,
                        NearestNames.hint(name, probe.parameters().stream().map(Type.Field::name)));
            }
            default -> throw noArguments(argsSpan);
        };
    }

    /** Where a kernel refuses typed probes as a whole, that is what there is to say. */
    private void refuseIfRefused(Span span) {
        if (probe.parameters().isEmpty() && (probe.kind() == ProbeKind.FENTRY || probe.kind() == ProbeKind.FEXIT)) {
            checking.kernel.unsupported(Feature.FENTRY).ifPresent(refusal -> {
                throw new CheckError("unsupported", span, refusal.reason(), refusal.instead());
            });
        }
    }

    /** The kernel lets no program read the head of a record; what is known otherwise serves. */
    private Typed.Expr commonField(String name, Span span) {
        if (name.equals("common_pid")) {
            return new Typed.Convert(value("tid", span).orElseThrow(), Type.INT32, span);
        }
        throw new CheckError(
                "unknown-field",
                span,
                "The kernel lets no program read '" + name + "' of a tracepoint's record",
                "the thread is tid, the processor cpu");
    }

    private CheckError noArguments(Span span) {
        return new CheckError(
                "builtin",
                span,
                "The args builtin can only be used with tracepoint, rawtracepoint, fentry/fexit, and uprobe probes ("
                        + probe.kind().longName() + " used here)");
    }

    private Typed.Expr parameter(Type.Field parameter, Span span) {
        var type = parameter.type() instanceof Type.Struct ? Type.UINT64 : inKernel(parameter.type());
        return new Typed.ContextLoad(parameter.offsetBytes(), type, span);
    }

    private Typed.Expr allArguments(Span span) {
        if (bodies.insideLoopBody()) {
            throw new CheckError("builtin", span, "'args' builtin is not allowed in a for-loop");
        }
        var parts = new ArrayList<Typed.Expr>();
        var members = new ArrayList<Type.Member>();
        switch (probe.kind()) {
            case TRACEPOINT -> {
                for (var field : probe.format().map(TracepointFormat::fields).orElse(List.of())) {
                    if (!field.name().startsWith("common_") && !field.name().equals("__syscall_nr")) {
                        parts.add(tracepointField(field, span));
                        members.add(
                                new Type.Member(field.name(), parts.getLast().type()));
                    }
                }
            }
            case FENTRY, FEXIT, RAWTRACEPOINT, UPROBE -> {
                for (var parameter : probe.parameters()) {
                    parts.add(parameter(parameter, span));
                    members.add(
                            new Type.Member(parameter.name(), parts.getLast().type()));
                }
            }
            default -> throw noArguments(span);
        }
        return new Typed.Compose(new Type.Rec(members), parts, span);
    }

    private Typed.Expr tracepointField(TracepointFormat.Field field, Span span) {
        if (probe.fromRegisters()) {
            return systemCallField(field, span);
        }
        if (probe.raw()) {
            // raw_syscalls only: the second word of sys_enter is the number, of sys_exit the result.
            return new Typed.ContextLoad(8, Type.INT64, span);
        }
        if (field.dataLoc()) {
            var type = new Type.Pointer(Type.INT8, Type.AddressSpace.KERNEL);
            return new Typed.ContextBytes(field.offsetBytes(), true, type, span);
        }
        if (field.arrayLength() > 0) {
            int elementBytes = Math.max(1, field.sizeBytes() / field.arrayLength());
            if (elementBytes == 1
                    && field.type().endsWith("char")
                    && !field.type().startsWith("unsigned")) {
                return new Typed.ContextBytes(field.offsetBytes(), false, new Type.Str(field.sizeBytes(), true), span);
            }
            Type element = validSize(elementBytes) ? new Type.Int(elementBytes, field.signed()) : Type.UINT8;
            int length = validSize(elementBytes) ? field.arrayLength() : field.sizeBytes();
            return new Typed.ContextBytes(field.offsetBytes(), false, new Type.Array(element, length), span);
        }
        if (!validSize(field.sizeBytes())) {
            var known = checking.namedType(field.type());
            Type type = known.filter(t -> t.sizeBytes() == field.sizeBytes())
                    .orElse(new Type.Array(Type.UINT8, field.sizeBytes()));
            return new Typed.ContextBytes(field.offsetBytes(), false, type, span);
        }
        return new Typed.ContextLoad(field.offsetBytes(), fieldType(field), span);
    }

    private Typed.Expr systemCallField(TracepointFormat.Field field, Span span) {
        if (field.name().equals(SystemCallPrograms.RESULT)) {
            return new Typed.ContextLoad(8, Type.INT64, span);
        }
        if (field.name().equals(SystemCallPrograms.NUMBER)) {
            long number =
                    SystemCallPrograms.number(probe.arch(), probe.function()).orElseThrow();
            return new Typed.IntConst(Type.INT32, number, span);
        }
        int offset = Registers.systemCallArgument(probe.arch(), SystemCallPrograms.index(field))
                .orElseThrow();
        return new Typed.RegisterLoad(offset, fieldType(field), span);
    }

    private static boolean validSize(int bytes) {
        return bytes == 1 || bytes == 2 || bytes == 4 || bytes == 8;
    }

    private Type fieldType(TracepointFormat.Field field) {
        if (!field.type().endsWith("*") || field.sizeBytes() != 8) {
            return new Type.Int(field.sizeBytes(), field.signed());
        }
        var target = field.type().substring(0, field.type().length() - 1).strip();
        int stars = 0;
        while (target.endsWith("*") || target.endsWith("const")) {
            stars += target.endsWith("*") ? 1 : 0;
            target = target.substring(0, target.length() - (target.endsWith("*") ? 1 : 5))
                    .strip();
        }
        if (target.startsWith("const ")) {
            target = target.substring(6).strip();
        }
        Type type = checking.namedType(target).orElse(Type.VOID);
        for (int i = 0; i < stars; i++) {
            type = new Type.Pointer(type, probe.defaultSpace());
        }
        return new Type.Pointer(type, probe.defaultSpace());
    }
}
