package skep.dsl.check;

import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.TreeSet;
import skep.btf.BtfKind;
import skep.dsl.Type;
import skep.dsl.ast.Expr;
import skep.isa.kernel.ProbeKind;
import skep.isa.kernel.Signal;

/** Functions on the process at the probe: its ids, name, cgroup and files, and those that interfere with it. */
final class ProcessFunctions {
    /** Where a path can be looked up without a deadlock: {@code btf_allowlist_d_path} of kernel/trace/bpf_trace.c. */
    private static final Set<String> PATH_FUNCTIONS = new TreeSet<>(Set.of(
            "security_file_permission",
            "security_inode_getattr",
            "security_file_open",
            "security_path_truncate",
            "vfs_truncate",
            "vfs_fallocate",
            "dentry_open",
            "vfs_getattr",
            "filp_close"));

    private final Checking checking;
    private final ProbeContext probe;
    private final ExpressionChecker expressions;
    private final BuiltinChecker builtins;
    private final CallArguments args;

    ProcessFunctions(
            Checking checking,
            ProbeContext probe,
            ExpressionChecker expressions,
            BuiltinChecker builtins,
            CallArguments args) {
        this.checking = checking;
        this.probe = probe;
        this.expressions = expressions;
        this.builtins = builtins;
        this.args = args;
    }

    Typed.Expr namespacePid(Expr.Call c) {
        args.arity(c, 0, 1);
        var name = Uses.plain(c.name());
        var host = builtins.value(name, c.span()).orElseThrow();
        if (c.arguments().isEmpty()) {
            return host;
        }
        if (c.arguments().getFirst() instanceof Expr.Ident word) {
            if (word.name().equals("init")) {
                return builtins.hostId(name, c.span());
            }
            if (word.name().equals("curr_ns")) {
                return host;
            }
        }
        throw new CheckError("namespace", c.span(), name + "() only supports curr_ns and init as the argument");
    }

    Typed.Expr comm(Expr.Call c) {
        args.arity(c, 0, 1);
        if (c.arguments().isEmpty()) {
            return builtins.value("comm", c.span()).orElseThrow();
        }
        if (!checking.last) {
            return new Typed.CommandName(new Type.Str(BuiltinChecker.COMM_BYTES), c.span());
        }
        var process = args.number(c, 0);
        switch (probe.kind()) {
            case FENTRY, FEXIT, ITER, INTERVAL, PROFILE, SOFTWARE, HARDWARE, WATCHPOINT -> {}
            case TRACEPOINT, RAWTRACEPOINT -> {
                if (probe.raw()
                        || probe.kind() == ProbeKind.RAWTRACEPOINT
                                && probe.parameters().isEmpty()) {
                    throw noTasks(c);
                }
            }
            default -> throw noTasks(c);
        }
        var types = checking.kernel.types();
        var get = types.map(b -> b.find("bpf_task_from_pid", BtfKind.FUNC)).orElse(OptionalInt.empty());
        var release = types.map(b -> b.find("bpf_task_release", BtfKind.FUNC)).orElse(OptionalInt.empty());
        var name = checking.namedType("struct task_struct")
                .flatMap(t -> t instanceof Type.Struct s ? CTypes.field(s, "comm") : Optional.empty());
        if (get.isEmpty() || release.isEmpty() || name.isEmpty()) {
            throw new CheckError(
                    "kernel-function",
                    c.span(),
                    "comm() of a process needs bpf_task_from_pid, which this kernel lacks");
        }
        return new Typed.Call(
                Typed.Fn.COMMAND_OF,
                List.of(
                        process,
                        new Typed.IntConst(Type.INT64, get.getAsInt(), c.span()),
                        new Typed.IntConst(Type.INT64, release.getAsInt(), c.span()),
                        new Typed.IntConst(Type.INT64, name.get().offsetBytes(), c.span())),
                new Type.Str(BuiltinChecker.COMM_BYTES),
                c.span());
    }

    /** {@code ppid([task])} and {@code pcomm([task])}: of the current task, or of one that is given. */
    Typed.Expr parent(Expr.Call c, String name) {
        args.arity(c, 0, 1);
        return c.arguments().isEmpty()
                ? builtins.value(name, c.span()).orElseThrow()
                : builtins.parentOf(name, args.number(c, 0), c.span());
    }

    private CheckError noTasks(Expr.Call c) {
        return new CheckError(
                "probe-kind",
                c.span(),
                "comm() of a process can not be used with \"" + probe.kind().longName() + "\" probes",
                "the kernel lets fentry, iter, interval, profile and tracepoint probes look up processes");
    }

    Typed.Expr cgroupid(Expr.Call c) {
        args.arity(c, 1, 1);
        var path = args.literal(c, 0);
        var id = checking.kernel.cgroupId(path);
        if (id.isEmpty()) {
            throw new CheckError(
                    "cgroup",
                    c.span(),
                    "Failed to get `cgroupid` for path: \"" + path + "\"",
                    "give the path of a folder in /sys/fs/cgroup");
        }
        return new Typed.IntConst(Type.UINT64, id.getAsLong(), c.span());
    }

    Typed.Expr cgroupPath(Expr.Call c) {
        args.arity(c, 1, 2);
        var id = args.number(c, 0);
        var glob = c.arguments().size() == 2 ? args.literal(c, 1) : "";
        return new Typed.Convert(id, new Type.CgroupPath(glob), c.span());
    }

    Typed.Expr path(Expr.Call c) {
        args.arity(c, 1, 2);
        if (probe.kind() != ProbeKind.FENTRY && probe.kind() != ProbeKind.FEXIT && probe.kind() != ProbeKind.ITER) {
            throw new CheckError(
                    "probe-kind", c.span(), "The path function can only be used with 'fentry', 'fexit', 'iter' probes");
        }
        if (probe.kind() != ProbeKind.ITER
                && checking.last
                && !PATH_FUNCTIONS.contains(probe.function())
                && checking.types.function(probe.function()).isPresent()) {
            throw new CheckError(
                    "probe-kind",
                    c.span(),
                    "helper bpf_d_path not allowed in probe",
                    "the kernel allows it at " + String.join(", ", PATH_FUNCTIONS) + ", and in iterators");
        }
        int capacity = checking.settings.maxStringBytes();
        if (c.arguments().size() == 2) {
            if (!(args.argument(c, 1) instanceof Typed.IntConst n) || n.value() < 0) {
                throw new CheckError("range", c.span(), "path: invalid size value, need non-negative literal");
            }
            capacity = (int) n.value();
        }
        var value = args.argument(c, 0);
        return new Typed.Call(Typed.Fn.PATH, List.of(value), new Type.Str(capacity), c.span());
    }

    Typed.Expr signal(Expr.Call c) {
        args.requireUnsafe(c);
        args.arity(c, 1, 1);
        var value = args.argument(c, 0);
        var fn = c.name().equals("signal") ? Typed.Fn.SIGNAL : Typed.Fn.SIGNAL_THREAD;
        if (value instanceof Typed.Text t) {
            var number = Signal.number(t.value());
            if (number.isEmpty()) {
                throw new CheckError("signal", c.span(), t.value() + " is not a valid signal");
            }
            value = new Typed.IntConst(Type.INT32, number.getAsInt(), c.span());
        }
        if (value instanceof Typed.IntConst n && (n.value() < 1 || n.value() > 64)) {
            throw new CheckError("signal", c.span(), "signal number must be between 1 and 64, found " + n.value());
        }
        return new Typed.Call(fn, List.of(expressions.to64(value)), Type.VOID, c.span());
    }

    Typed.Expr override(Expr.Call c) {
        args.requireUnsafe(c);
        args.arity(c, 1, 1);
        if (probe.kind() != ProbeKind.KPROBE) {
            throw new CheckError(
                    "probe-kind",
                    c.span(),
                    "override can not be used with \"" + probe.kind().longName() + "\" probes");
        }
        return new Typed.Call(Typed.Fn.OVERRIDE, List.of(args.number(c, 0)), Type.VOID, c.span());
    }

    Typed.Expr writeUser(Expr.Call c) {
        if (!checking.options.unsafe()) {
            throw new CheckError(
                    "unsafe",
                    c.span(),
                    "write_user() is unsafe. To use you need the --unsafe flag",
                    "run with --unsafe");
        }
        args.arity(c, 3, 3);
        return new Typed.Call(
                Typed.Fn.WRITE_USER,
                List.of(args.number(c, 0), args.argument(c, 1), args.number(c, 2)),
                Type.BOOL,
                c.span());
    }
}
