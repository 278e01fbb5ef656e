package skep.dsl.check;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import skep.btf.BtfKind;
import skep.dsl.Action;
import skep.dsl.Type;
import skep.dsl.ast.Expr;

/**
 * The functions of the language: which one a call means. Each kind of function is checked in its own class; what all of
 * them ask of their arguments is in {@link CallArguments}.
 */
final class CallChecker {
    private static final String[] NAMES = {
        "assert",
        "avg",
        "bswap",
        "buf",
        "cat",
        "cgroup_path",
        "cgroupid",
        "clear",
        "commit",
        "container_of",
        "count",
        "debugf",
        "delete",
        "discard",
        "dw_ustack",
        "errorf",
        "exit",
        "fail",
        "find",
        "getopt",
        "has_key",
        "hist",
        "is_array",
        "is_err",
        "is_integer",
        "is_literal",
        "is_ptr",
        "is_scalar",
        "is_str",
        "is_unsigned_integer",
        "join",
        "kaddr",
        "kfunc_allowed",
        "kfunc_exist",
        "kptr",
        "kstack",
        "ksym",
        "len",
        "lhist",
        "llhist",
        "macaddr",
        "max",
        "memcmp",
        "min",
        "nsecs",
        "ntop",
        "offsetof",
        "override",
        "p50",
        "p90",
        "p95",
        "p99",
        "p999",
        "path",
        "pcomm",
        "percpu_kaddr",
        "pid",
        "ppid",
        "print",
        "printa",
        "printf",
        "pton",
        "quantiles",
        "reg",
        "signal",
        "signal_name",
        "signal_thread",
        "sizeof",
        "skboutput",
        "socket_cookie",
        "speculate",
        "speculation",
        "static_assert",
        "stats",
        "str",
        "str_concat",
        "strcap",
        "strcontains",
        "strerror",
        "strftime",
        "strlen",
        "strncmp",
        "strstr",
        "sum",
        "syscall_name",
        "system",
        "tid",
        "time",
        "tseries",
        "uaddr",
        "unwatch",
        "uptr",
        "ustack",
        "usym",
        "warnf",
        "write_user",
        "zero"
    };

    /** Functions that do nothing but give a value. */
    private static final Set<String> ONLY_COMPUTE = Set.of(
            "bswap",
            "buf",
            "cgroup_path",
            "cgroupid",
            "comm",
            "dw_ustack",
            "has_key",
            "kaddr",
            "kptr",
            "kstack",
            "ksym",
            "len",
            "macaddr",
            "memcmp",
            "nsecs",
            "ntop",
            "path",
            "pcomm",
            "percpu_kaddr",
            "pid",
            "ppid",
            "pton",
            "reg",
            "signal_name",
            "socket_cookie",
            "str",
            "str_concat",
            "strcap",
            "strcontains",
            "strerror",
            "strftime",
            "strlen",
            "strncmp",
            "strstr",
            "syscall_name",
            "tid",
            "uaddr",
            "uptr",
            "ustack",
            "usym");

    private final Checking checking;
    private final ExpressionChecker expressions;
    private final BuiltinChecker builtins;
    private final CallArguments args;
    private final ActionEmitter actions;
    private final PrintingFunctions printing;
    private final StackFunctions stacks;
    private final MapFunctions maps;
    private final StringFunctions strings;
    private final AddressFunctions addresses;
    private final NetworkFunctions network;
    private final TimeFunctions times;
    private final ProcessFunctions processes;
    private final CompileTimeFunctions comptime;
    private final LibraryCalls libraryCalls;

    CallChecker(
            Checking checking,
            ProbeContext probe,
            Scope scope,
            ExpressionChecker expressions,
            BuiltinChecker builtins) {
        this.checking = checking;
        this.expressions = expressions;
        this.builtins = builtins;
        this.args = new CallArguments(checking, expressions);
        this.actions = new ActionEmitter(scope, expressions, args);
        this.printing = new PrintingFunctions(checking, expressions, args, actions);
        this.stacks = new StackFunctions(checking, expressions, builtins);
        this.maps = new MapFunctions(checking, scope, expressions, args, actions, stacks);
        this.strings = new StringFunctions(checking, expressions, args);
        this.addresses = new AddressFunctions(checking, probe, args);
        this.network = new NetworkFunctions(checking, probe, expressions, builtins, args, actions);
        this.times = new TimeFunctions(expressions, args, actions);
        this.processes = new ProcessFunctions(checking, probe, expressions, builtins, args);
        this.libraryCalls = new LibraryCalls(checking, expressions);
        this.comptime = new CompileTimeFunctions(checking, expressions, args, actions, printing);
    }

    /** Names of all functions, for hints and the reference. */
    static Stream<String> names() {
        return Stream.of(NAMES);
    }

    /** Whether a call is of no use as a statement. */
    static boolean onlyComputes(String name) {
        return ONLY_COMPUTE.contains(Uses.plain(name));
    }

    Typed.Expr call(Expr.Call c) {
        if (Aggregations.isAggregation(c.name())) {
            throw new CheckError("aggregation", c.span(), c.name() + "() must be assigned directly to a map");
        }
        var name = Uses.plain(c.name());
        return switch (name) {
            case "printf" -> printing.formatted(c, Action.Channel.PRINTF);
            case "errorf" -> printing.formatted(c, Action.Channel.ERRORF);
            case "warnf" -> printing.formatted(c, Action.Channel.WARNF);
            case "debugf" -> printing.debugf(c);
            case "print" -> printing.print(c);
            case "printa" -> ShowChecker.check(c, checking);
            case "clear", "zero" -> maps.mapAction(c);
            case "delete" -> maps.delete(c);
            case "exit" -> printing.exit(c);
            case "speculation" -> actions.newSpeculation(c);
            case "speculate" -> actions.speculate(c);
            case "commit", "discard" -> {
                args.arity(c, 1, 1);
                boolean commit = name.equals("commit");
                yield new Typed.Emit(
                        List.of(args.number(c, 0)),
                        a -> commit
                                ? new Action.Commit(a.getFirst(), c.span())
                                : new Action.Discard(a.getFirst(), c.span()),
                        c.span());
            }
            case "has_key" -> maps.hasKey(c);
            case "find" -> maps.find(c);
            case "len" -> maps.len(c);
            case "str" -> strings.str(c);
            case "buf" -> strings.buf(c);
            case "kstack", "ustack" -> stacks.stack(c, name.equals("ustack"), false);
            case "dw_ustack" -> stacks.stack(c, true, true);
            case "ksym" -> {
                args.arity(c, 1, 1);
                yield new Typed.Convert(args.number(c, 0), new Type.Symbolic(Type.Symbols.KERNEL_SYMBOL), c.span());
            }
            case "usym" -> {
                args.arity(c, 1, 1);
                yield new Typed.Call(Typed.Fn.USYM, List.of(args.number(c, 0)), new Type.UserSymbol(), c.span());
            }
            case "kaddr" -> addresses.kaddr(c);
            case "uaddr" -> addresses.uaddr(c);
            case "percpu_kaddr" -> addresses.percpuKaddr(c);
            case "reg" -> addresses.reg(c);
            case "ntop" -> network.ntop(c);
            case "pton" -> network.pton(c);
            case "macaddr" -> network.macaddr(c);
            case "bswap" -> network.bswap(c);
            case "kptr" -> addresses.space(c, Type.AddressSpace.KERNEL);
            case "uptr" -> addresses.space(c, Type.AddressSpace.USER);
            case "strncmp" -> strings.strncmp(c);
            case "strcontains" -> {
                args.arity(c, 2, 2);
                yield new Typed.Call(
                        Typed.Fn.STRCONTAINS, List.of(args.string(c, 0), args.string(c, 1)), Type.BOOL, c.span());
            }
            case "strlen" -> {
                args.arity(c, 1, 1);
                var text = args.string(c, 0);
                yield text instanceof Typed.Text t
                        ? new Typed.IntConst(Type.UINT64, Strings.bytes(t.value()).length, c.span())
                        : new Typed.Call(Typed.Fn.STRLEN, List.of(text), Type.UINT64, c.span());
            }
            case "strcap" -> {
                args.arity(c, 1, 1);
                yield new Typed.IntConst(Type.UINT64, args.string(c, 0).type().sizeBytes(), c.span());
            }
            case "strstr" -> {
                args.arity(c, 2, 2);
                yield new Typed.Call(
                        Typed.Fn.STRSTR, List.of(args.string(c, 0), args.string(c, 1)), Type.INT64, c.span());
            }
            case "str_concat" -> {
                args.arity(c, 2, 2);
                var a = args.string(c, 0);
                var b = args.string(c, 1);
                var type = new Type.Str(a.type().sizeBytes() + b.type().sizeBytes() - 1);
                yield new Typed.Call(Typed.Fn.STR_CONCAT, List.of(a, b), type, c.span());
            }
            case "memcmp" -> strings.memcmp(c);
            case "strerror" -> strings.symbolic(c, Type.Symbols.ERROR_TEXT);
            case "signal_name" -> strings.symbolic(c, Type.Symbols.SIGNAL_NAME);
            case "syscall_name" -> strings.symbolic(c, Type.Symbols.SYSCALL_NAME);
            case "strftime" -> times.strftime(c);
            case "time" -> times.time(c);
            case "cat" -> printing.pathAction(c, Action.Cat::new);
            case "system" -> {
                args.requireUnsafe(c);
                yield printing.pathAction(c, Action.System::new);
            }
            case "join" -> printing.join(c);
            case "cgroupid" -> processes.cgroupid(c);
            case "cgroup_path" -> processes.cgroupPath(c);
            case "path" -> processes.path(c);
            case "signal", "signal_thread" -> processes.signal(c);
            case "override" -> processes.override(c);
            case "write_user" -> processes.writeUser(c);
            case "skboutput" -> network.skboutput(c);
            case "socket_cookie" -> network.socketCookie(c);
            case "nsecs" -> times.nsecs(c);
            case "pid", "tid" -> processes.namespacePid(c);
            case "comm" -> processes.comm(c);
            case "ppid", "pcomm" -> processes.parent(c, name);
            case "getopt" -> comptime.getopt(c);
            case "config" -> comptime.config(c);
            case "fail" -> comptime.fail(c);
            case "assert", "static_assert" -> comptime.assertion(c);
            case "is_err" -> addresses.isErr(c);
            case "is_ptr" -> comptime.predicate(c, v -> v.type() instanceof Type.Pointer);
            case "is_str" -> comptime.predicate(c, v -> v.type() instanceof Type.Str);
            case "is_array" -> comptime.predicate(c, v -> v.type() instanceof Type.Array);
            case "is_integer" -> comptime.predicate(c, v -> v.type() instanceof Type.Int);
            case "is_unsigned_integer" -> comptime.predicate(c, v -> v.type() instanceof Type.Int i && !i.signed());
            case "is_literal" -> comptime.predicate(c, v -> v instanceof Typed.IntConst || v instanceof Typed.Text);
            case "is_scalar" -> maps.isScalar(c);
            case "kfunc_exist", "kfunc_allowed" -> {
                args.arity(c, 1, 1);
                var function = args.literal(c, 0);
                boolean there = checking.kernel.hasFunction("", function)
                        || checking.kernel
                                .types()
                                .filter(t -> t.find(function, BtfKind.FUNC).isPresent())
                                .isPresent();
                yield new Typed.IntConst(Type.BOOL, there ? 1 : 0, c.span());
            }
            case "unwatch" -> {
                args.arity(c, 1, 1);
                yield actions.emit(
                        List.of(args.number(c, 0)), a -> new Action.Unwatch(a.getFirst(), c.span()), c.span());
            }
            default -> otherCall(c, name);
        };
    }

    /** A subprogram of the script, or a builtin written as a call. */
    private Typed.Expr otherCall(Expr.Call c, String name) {
        var subprogram = checking.subprograms.get(c.name());
        if (subprogram != null) {
            int wanted = subprogram.parameters().size();
            if (c.arguments().size() != wanted) {
                throw new CheckError(
                        "arity",
                        c.span(),
                        "Function `" + c.name() + "` requires " + wanted + " arguments, got "
                                + (c.arguments().size() < wanted ? "only " : "")
                                + c.arguments().size());
            }
            var arguments = new ArrayList<Typed.Expr>();
            for (int i = 0; i < wanted; i++) {
                var type = expressions.types.type(subprogram.parameters().get(i).type());
                var value = expressions.expr(c.arguments().get(i));
                if (!(type.isInteger() && value.type().isInteger())
                        && !Conversions.fits(value.type(), type, Literal.isNonNegative(value))) {
                    throw new CheckError(
                            "type-mismatch",
                            value.span(),
                            "Expected " + type.display() + " for argument `"
                                    + subprogram.parameters().get(i).variable().name() + "` got "
                                    + value.type().display());
                }
                arguments.add(expressions.convert(value, type));
            }
            return new Typed.Invoke(c.name(), arguments, expressions.types.type(subprogram.result()), c.span());
        }
        for (var library : checking.libraries) {
            var function = library.function(c.name());
            if (function.isPresent()) {
                return libraryCalls.call(c, function.get());
            }
        }
        if (c.arguments().isEmpty()) {
            var builtin = builtins.value(name, c.span());
            if (builtin.isPresent()) {
                return builtin.get();
            }
        }
        throw new CheckError(
                "unknown-function", c.span(), "Unknown function: '" + c.name() + "'", NearestNames.hint(name, names()));
    }
}
