package skep.dsl.check;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.stream.Stream;
import skep.btf.BtfKind;
import skep.btf.BtfType;
import skep.dsl.Action;
import skep.dsl.Format;
import skep.dsl.Type;
import skep.dsl.ast.Expr;
import skep.isa.kernel.Helper;
import skep.isa.kernel.ProbeKind;
import skep.isa.kernel.Registers;
import skep.isa.kernel.Signal;
import skep.isa.kernel.UserBinary;
import skep.source.Span;

/** The functions of the language. */
final class CallChecker {
    /** The most conversions that the kernel's own trace buffer takes. */
    private static final int MAX_DEBUG_VERBS = 3;

    /** The most of a packet that is captured. */
    private static final int MAX_PACKET_BYTES = 2048;

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
    private final Scope scope;
    private final ExpressionChecker expressions;
    private final BuiltinChecker builtins;

    CallChecker(
            Checking checking,
            ProbeContext probe,
            Scope scope,
            ExpressionChecker expressions,
            BuiltinChecker builtins) {
        this.checking = checking;
        this.probe = probe;
        this.scope = scope;
        this.expressions = expressions;
        this.builtins = builtins;
    }

    /** The variable that holds the speculation of a block; scripts cannot name it. */
    private static final String SPECULATION = "$.speculation";

    private static final String SPECULATIONS = "@.speculations";

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
        "percpu_kaddr",
        "pid",
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

    /** Names of all functions, for hints and the reference. */
    static Stream<String> names() {
        return Stream.of(NAMES);
    }

    Optional<Typed.Expr> withoutArguments(String name, Expr.Ident e) {
        return switch (name) {
            case "exit" -> Optional.empty();
            default -> Optional.empty();
        };
    }

    Typed.Expr call(Expr.Call c) {
        if (Aggregations.isAggregation(c.name())) {
            throw new CheckError("aggregation", c.span(), c.name() + "() must be assigned directly to a map");
        }
        var name = Uses.plain(c.name());
        return switch (name) {
            case "printf" -> formatted(c, Action.Channel.PRINTF);
            case "errorf" -> formatted(c, Action.Channel.ERRORF);
            case "warnf" -> formatted(c, Action.Channel.WARNF);
            case "debugf" -> debugf(c);
            case "print" -> print(c);
            case "printa" -> ShowChecker.check(c, checking);
            case "clear", "zero" -> mapAction(c);
            case "delete" -> delete(c);
            case "exit" -> exit(c);
            case "speculation" -> newSpeculation(c);
            case "speculate" -> speculate(c);
            case "commit", "discard" -> {
                arity(c, 1, 1);
                boolean commit = name.equals("commit");
                yield new Typed.Emit(
                        List.of(number(c, 0)),
                        a -> commit
                                ? new Action.Commit(a.getFirst(), c.span())
                                : new Action.Discard(a.getFirst(), c.span()),
                        c.span());
            }
            case "has_key" -> hasKey(c);
            case "find" -> find(c);
            case "len" -> len(c);
            case "str" -> str(c);
            case "buf" -> buf(c);
            case "kstack", "ustack" -> stack(c, name.equals("ustack"), false);
            case "dw_ustack" -> stack(c, true, true);
            case "ksym" -> {
                arity(c, 1, 1);
                yield new Typed.Convert(number(c, 0), new Type.Symbolic(Type.Symbols.KERNEL_SYMBOL), c.span());
            }
            case "usym" -> {
                arity(c, 1, 1);
                yield new Typed.Call(Typed.Fn.USYM, List.of(number(c, 0)), new Type.UserSymbol(), c.span());
            }
            case "kaddr" -> kaddr(c);
            case "uaddr" -> uaddr(c);
            case "percpu_kaddr" -> percpuKaddr(c);
            case "reg" -> reg(c);
            case "ntop" -> ntop(c);
            case "pton" -> pton(c);
            case "macaddr" -> macaddr(c);
            case "bswap" -> bswap(c);
            case "kptr" -> space(c, Type.AddressSpace.KERNEL);
            case "uptr" -> space(c, Type.AddressSpace.USER);
            case "strncmp" -> strncmp(c);
            case "strcontains" -> {
                arity(c, 2, 2);
                yield new Typed.Call(Typed.Fn.STRCONTAINS, List.of(string(c, 0), string(c, 1)), Type.BOOL, c.span());
            }
            case "strlen" -> {
                arity(c, 1, 1);
                var text = string(c, 0);
                yield text instanceof Typed.Text t
                        ? new Typed.IntConst(Type.UINT64, Strings.bytes(t.value()).length, c.span())
                        : new Typed.Call(Typed.Fn.STRLEN, List.of(text), Type.UINT64, c.span());
            }
            case "strcap" -> {
                arity(c, 1, 1);
                yield new Typed.IntConst(Type.UINT64, string(c, 0).type().sizeBytes(), c.span());
            }
            case "strstr" -> {
                arity(c, 2, 2);
                yield new Typed.Call(Typed.Fn.STRSTR, List.of(string(c, 0), string(c, 1)), Type.INT64, c.span());
            }
            case "str_concat" -> {
                arity(c, 2, 2);
                var a = string(c, 0);
                var b = string(c, 1);
                var type = new Type.Str(a.type().sizeBytes() + b.type().sizeBytes() - 1);
                yield new Typed.Call(Typed.Fn.STR_CONCAT, List.of(a, b), type, c.span());
            }
            case "memcmp" -> memcmp(c);
            case "strerror" -> symbolic(c, Type.Symbols.ERROR_TEXT);
            case "signal_name" -> symbolic(c, Type.Symbols.SIGNAL_NAME);
            case "syscall_name" -> symbolic(c, Type.Symbols.SYSCALL_NAME);
            case "strftime" -> strftime(c);
            case "time" -> time(c);
            case "cat" -> pathAction(c, Action.Cat::new);
            case "system" -> {
                requireUnsafe(c);
                yield pathAction(c, Action.System::new);
            }
            case "join" -> join(c);
            case "cgroupid" -> cgroupid(c);
            case "cgroup_path" -> cgroupPath(c);
            case "path" -> path(c);
            case "signal", "signal_thread" -> signal(c);
            case "override" -> override(c);
            case "write_user" -> writeUser(c);
            case "skboutput" -> skboutput(c);
            case "socket_cookie" -> socketCookie(c);
            case "nsecs" -> nsecs(c);
            case "pid", "tid" -> namespacePid(c);
            case "comm" -> comm(c);
            case "getopt" -> getopt(c);
            case "config" -> config(c);
            case "fail" -> fail(c);
            case "assert", "static_assert" -> assertion(c);
            case "is_err" -> isErr(c);
            case "is_ptr" -> predicate(c, v -> v.type() instanceof Type.Pointer);
            case "is_str" -> predicate(c, v -> v.type() instanceof Type.Str);
            case "is_array" -> predicate(c, v -> v.type() instanceof Type.Array);
            case "is_integer" -> predicate(c, v -> v.type() instanceof Type.Int);
            case "is_unsigned_integer" -> predicate(c, v -> v.type() instanceof Type.Int i && !i.signed());
            case "is_literal" -> predicate(c, v -> v instanceof Typed.IntConst || v instanceof Typed.Text);
            case "is_scalar" -> isScalar(c);
            case "kfunc_exist", "kfunc_allowed" -> {
                arity(c, 1, 1);
                var function = literal(c, 0);
                yield new Typed.IntConst(Type.BOOL, checking.kernel.hasFunction("", function) ? 1 : 0, c.span());
            }
            case "unwatch" -> {
                arity(c, 1, 1);
                yield emit(List.of(number(c, 0)), a -> new Action.Unwatch(a.getFirst(), c.span()), c.span());
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
                var type = expressions.type(subprogram.parameters().get(i).type());
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
            return new Typed.Invoke(c.name(), arguments, expressions.type(subprogram.result()), c.span());
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

    // ---- arguments

    private void arity(Expr.Call c, int min, int max) {
        int given = c.arguments().size();
        if (min == max && given != min) {
            throw new CheckError(
                    "arity",
                    c.span(),
                    c.name() + "() requires "
                            + (min == 0 ? "no arguments" : min == 1 ? "one argument" : min + " arguments") + " ("
                            + given + " provided)");
        }
        if (given < min) {
            throw new CheckError(
                    "arity",
                    c.span(),
                    c.name() + "() requires at least " + (min == 1 ? "one argument" : min + " arguments") + " (" + given
                            + " provided)");
        }
        if (given > max) {
            throw new CheckError(
                    "arity",
                    c.span(),
                    c.name() + "() takes up to " + (max == 1 ? "one argument" : max + " arguments") + " (" + given
                            + " provided)");
        }
    }

    private Typed.Expr argument(Expr.Call c, int index) {
        return expressions.expr(c.arguments().get(index));
    }

    private boolean unknown(Type type) {
        return type instanceof Type.Void && !checking.last;
    }

    private Typed.Expr number(Expr.Call c, int index) {
        var value = argument(c, index);
        if (value.type().isInteger()
                || value.type() instanceof Type.Pointer
                || unknown(value.type())
                || value.type() instanceof Type.Symbolic) {
            return expressions.to64(value);
        }
        throw new CheckError(
                "type-mismatch",
                value.span(),
                c.name() + "() only supports integer or pointer arguments (" + ExpressionChecker.family(value.type())
                        + " provided)");
    }

    private Typed.Expr string(Expr.Call c, int index) {
        var value = argument(c, index);
        if (value.type() instanceof Type.Str || unknown(value.type())) {
            return value;
        }
        throw new CheckError(
                "type-mismatch",
                value.span(),
                c.name() + "() only supports string arguments (" + ExpressionChecker.family(value.type())
                        + " provided)");
    }

    private String literal(Expr.Call c, int index) {
        var value = argument(c, index);
        if (value instanceof Typed.Text text) {
            return text.value();
        }
        throw new CheckError(
                "type-mismatch",
                c.span(),
                c.name() + "() expects a string literal (" + ExpressionChecker.family(value.type()) + " provided)");
    }

    /** The map that an argument names, without a key. */
    private MapSymbol wholeMap(Expr.Call c, int index) {
        if (c.arguments().get(index) instanceof Expr.MapRef m && m.key().isEmpty()) {
            return checking.definedMap(m.name(), m.span());
        }
        throw new CheckError("type-mismatch", c.span(), c.name() + "() expects a map argument");
    }

    private Typed.Expr emit(List<Typed.Expr> arguments, Function<List<Action.Argument>, Action> action, Span span) {
        return new Typed.Emit(arguments, action, speculation(span), span);
    }

    /** The speculation that this place belongs to. */
    private Optional<Typed.Expr> speculation(Span span) {
        return scope.find(SPECULATION).map(variable -> new Typed.Local(variable, span));
    }

    /** {@code speculate(id)}: what is printed from here to the end of the block is held back. */
    private Typed.Expr speculate(Expr.Call c) {
        arity(c, 1, 1);
        var id = number(c, 0);
        var variable = scope.declare(c, SPECULATION, c.span());
        variable.cell().join(Type.UINT64, false);
        return new Typed.Block(
                List.of(new Typed.SetLocal(variable, id, c.span())), new Typed.Nothing(c.span()), c.span());
    }

    /** {@code speculation()}: a new number, counted up in a map that no script can name. */
    private Typed.Expr newSpeculation(Expr.Call c) {
        arity(c, 0, 0);
        var counter = new Expr.MapRef(SPECULATIONS, Optional.empty(), c.span());
        return expressions.expr(new Expr.Increment(counter, true, true, c.span()));
    }

    // ---- output

    private Typed.Expr formatted(Expr.Call c, Action.Channel channel) {
        var arguments = new ArrayList<Typed.Expr>();
        var format = format(c, arguments);
        return emit(arguments, a -> new Action.Print(channel, format, a, c.span()), c.span());
    }

    private Format format(Expr.Call c, List<Typed.Expr> arguments) {
        arity(c, 1, 128);
        var first = argument(c, 0);
        if (!(first instanceof Typed.Text text)) {
            throw new CheckError(
                    "format",
                    c.span(),
                    c.name() + "() expects a string literal (" + ExpressionChecker.family(first.type()) + " provided)");
        }
        var verbs = Format.parse(text.value()).verbs();
        for (int i = 1; i < c.arguments().size(); i++) {
            boolean fraction = i <= verbs.size() && FormatChecker.isFraction(verbs.get(i - 1));
            arguments.add(fraction ? quotient(c.arguments().get(i)) : argument(c, i));
        }
        return FormatChecker.check(c, text.value(), arguments, checking);
    }

    /** A quotient for {@code %f}: both numbers go to user space, which divides with a fraction. */
    private Typed.Expr quotient(Expr argument) {
        if (argument instanceof Expr.Binary b && b.op() == Expr.BinaryOp.DIV) {
            var left = expressions.expr(b.left());
            var right = expressions.expr(b.right());
            if (left.type() instanceof Type.Int && right.type() instanceof Type.Int) {
                var parts = List.of(expressions.to64(left), expressions.to64(right));
                return new Typed.Compose(
                        new Type.Tuple(parts.stream().map(Typed.Expr::type).toList()), parts, b.span());
            }
        }
        return expressions.expr(argument);
    }

    private Typed.Expr debugf(Expr.Call c) {
        var arguments = new ArrayList<Typed.Expr>();
        var format = format(c, arguments);
        if (format.verbs().size() > MAX_DEBUG_VERBS) {
            throw new CheckError(
                    "format", c.span(), "cannot use more than " + MAX_DEBUG_VERBS + " conversion specifiers");
        }
        var all = new ArrayList<Typed.Expr>();
        all.add(ExpressionChecker.text(format.text(), c.span()));
        all.addAll(arguments);
        return new Typed.Call(Typed.Fn.DEBUGF, all, Type.VOID, c.span());
    }

    private Typed.Expr print(Expr.Call c) {
        if (ShowChecker.asks(c, checking)) {
            return ShowChecker.check(c, checking);
        }
        arity(c, 1, 3);
        var subject = c.arguments().getFirst();
        if (subject instanceof Expr.MapRef m && m.key().isEmpty()) {
            var map = checking.definedMap(m.name(), m.span());
            long top = c.arguments().size() > 1 ? bound(c, 1, "top") : 0;
            long div = c.arguments().size() > 2 ? bound(c, 2, "div") : 0;
            return emit(List.of(), _ -> new Action.PrintMap(map.name(), top, div, c.span()), c.span());
        }
        if (c.arguments().size() > 1) {
            throw new CheckError(
                    "arity",
                    c.span(),
                    "Non-map print() only takes 1 argument, " + c.arguments().size() + " found");
        }
        if (subject instanceof Expr.MapRef m) {
            var map = checking.map(m.name(), true, m.span());
            var plainKey = expressions.key(map, m.key().orElseThrow());
            var key = plainKey.type() instanceof Type.Int ? expressions.to64(plainKey) : plainKey;
            checking.definedMap(m.name(), m.span());
            if (map.value() instanceof Type.Aggregation) {
                return emit(
                        List.of(key),
                        a -> new Action.PrintMapEntry(
                                map.name(), Optional.of(a.getFirst()), Optional.empty(), c.span()),
                        c.span());
            }
            var value = new Typed.MapGet(map, Optional.of(key), map.value(), m.span());
            return emit(
                    List.of(key, value),
                    a -> new Action.PrintMapEntry(
                            map.name(), Optional.of(a.getFirst()), Optional.of(a.get(1)), c.span()),
                    c.span());
        }
        var value = expressions.statementExpr(subject);
        if (value.type() instanceof Type.Void) {
            if (!checking.last) {
                return value;
            }
            throw new CheckError("type-mismatch", c.span(), "Unable to print: the expression has no value");
        }
        return emit(List.of(value), a -> new Action.PrintValue(a.getFirst(), c.span()), c.span());
    }

    private long bound(Expr.Call c, int index, String what) {
        if (argument(c, index) instanceof Typed.IntConst constant && constant.value() >= 0) {
            return constant.value();
        }
        throw new CheckError(
                "type-mismatch", c.span(), "print: invalid " + what + " value (must be non-negative literal)");
    }

    private Typed.Expr mapAction(Expr.Call c) {
        arity(c, 1, 1);
        var map = wholeMap(c, 0);
        if (c.name().equals("clear")) {
            return clear(map, c.span());
        }
        return emit(List.of(), _ -> new Action.ZeroMap(map.name(), c.span()), c.span());
    }

    /** Takes effect at once, but in a speculation: there it is held back with the rest. */
    private Typed.Expr clear(MapSymbol map, Span span) {
        // A made-up clock is read where it lies.
        boolean clock = map.name().equals(checking.clockMap());
        if (!clock) {
            map.markCleared();
        }
        if (clock || scope.find(SPECULATION).isPresent()) {
            return emit(List.of(), _ -> new Action.ClearMap(map.name(), Optional.empty(), span), span);
        }
        return emit(
                List.of(new Typed.NextGeneration(map, span)),
                a -> new Action.ClearMap(map.name(), Optional.of(a.getFirst()), span),
                span);
    }

    private Typed.Expr exit(Expr.Call c) {
        arity(c, 0, 1);
        if (c.arguments().isEmpty()) {
            return stopping(
                    new Typed.Emit(List.of(), _ -> new Action.Exit(Optional.empty(), c.span()), c.span()), c.span());
        }
        var code = argument(c, 0);
        if (!code.type().isInteger() && !unknown(code.type())) {
            throw new CheckError(
                    "type-mismatch",
                    c.span(),
                    "exit() only supports integer arguments (" + ExpressionChecker.family(code.type()) + " provided)");
        }
        var emitted = new Typed.Emit(
                List.of(expressions.to64(code)), a -> new Action.Exit(Optional.of(a.getFirst()), c.span()), c.span());
        return stopping(emitted, c.span());
    }

    /** What follows {@code exit()} in a probe does not run. */
    private static Typed.Expr stopping(Typed.Expr emitted, Span span) {
        return new Typed.Block(
                List.of(
                        new Typed.Ending(span),
                        new Typed.Evaluate(emitted, span),
                        new Typed.Return(Optional.empty(), span)),
                new Typed.Nothing(span),
                span);
    }

    private Typed.Expr pathAction(Expr.Call c, PathAction make) {
        var arguments = new ArrayList<Typed.Expr>();
        var format = format(c, arguments);
        return emit(arguments, a -> make.of(format, a, c.span()), c.span());
    }

    private interface PathAction {
        Action of(Format format, List<Action.Argument> arguments, Span span);
    }

    private Typed.Expr time(Expr.Call c) {
        arity(c, 0, 1);
        var format = c.arguments().isEmpty() ? "%H:%M:%S\n" : literal(c, 0);
        return emit(List.of(), _ -> new Action.Time(format, c.span()), c.span());
    }

    private Typed.Expr strftime(Expr.Call c) {
        arity(c, 2, 2);
        var format = literal(c, 0);
        var clock = c.arguments().get(1) instanceof Expr.Call n
                        && n.name().equals("nsecs")
                        && !n.arguments().isEmpty()
                ? clock(n)
                : Type.Clock.BOOT;
        if (clock == Type.Clock.MONOTONIC) {
            throw new CheckError("clock", c.span(), "strftime() can not take a monotonic timestamp");
        }
        var time = argument(c, 1);
        if (!time.type().isInteger() && !unknown(time.type())) {
            throw new CheckError(
                    "type-mismatch",
                    c.span(),
                    "strftime() only supports integer arguments (" + ExpressionChecker.family(time.type())
                            + " provided)");
        }
        return new Typed.Convert(expressions.to64(time), new Type.Timestamp(format, clock), c.span());
    }

    private Typed.Expr join(Expr.Call c) {
        arity(c, 1, 2);
        var argv = argument(c, 0);
        if (!argv.type().isInteger() && !(argv.type() instanceof Type.Pointer) && !unknown(argv.type())) {
            throw new CheckError(
                    "type-mismatch",
                    c.span(),
                    "join() only supports int or pointer arguments (" + ExpressionChecker.family(argv.type())
                            + " provided)");
        }
        var separator = c.arguments().size() > 1 ? literal(c, 1) : " ";
        int count = 16;
        int bytes = Math.min(checking.settings.maxStringBytes(), 1024);
        var type = new Type.Array(new Type.Str(bytes), count);
        var strings = new Typed.Call(
                Typed.Fn.JOIN,
                List.of(argv.type() instanceof Type.Pointer ? argv : expressions.asPointer(argv, Type.INT64, c.span())),
                type,
                c.span());
        return emit(List.of(strings), a -> new Action.Join(a.getFirst(), separator, c.span()), c.span());
    }

    private Typed.Expr fail(Expr.Call c) {
        var arguments = new ArrayList<Typed.Expr>();
        var format = format(c, arguments);
        if (checking.last) {
            throw new CheckError("fail", c.span(), FormatChecker.constantText(format, arguments));
        }
        return new Typed.Nothing(c.span());
    }

    private Typed.Expr assertion(Expr.Call c) {
        arity(c, 2, 2);
        var condition = expressions.condition(c.arguments().getFirst());
        var message = literal(c, 1);
        if (condition instanceof Typed.IntConst constant) {
            if (constant.value() == 0 && checking.last) {
                throw new CheckError("assertion", c.span(), message);
            }
            return new Typed.Nothing(c.span());
        }
        if (c.name().equals("static_assert")) {
            throw new CheckError("comptime", c.span(), "Unable to resolve comptime expression");
        }
        var report = emit(
                List.of(),
                a -> new Action.Print(
                        Action.Channel.ERRORF,
                        Format.parse("assert failed: " + message.replace("%", "%%") + "\n"),
                        a,
                        c.span()),
                c.span());
        var stop = emit(
                List.of(new Typed.IntConst(Type.INT64, 1, c.span())),
                a -> new Action.Exit(Optional.of(a.getFirst()), c.span()),
                c.span());
        var failing = List.<Typed.Stmt>of(
                new Typed.Evaluate(report, c.span()),
                new Typed.Evaluate(stop, c.span()),
                new Typed.Return(Optional.empty(), c.span()));
        return new Typed.Block(
                List.of(new Typed.If(condition, List.of(), failing, c.span())), new Typed.Nothing(c.span()), c.span());
    }

    // ---- maps

    private Typed.Expr delete(Expr.Call c) {
        if (c.arguments().isEmpty()) {
            throw new CheckError("arity", c.span(), "delete() requires at least one argument (0 provided)");
        }
        if (c.arguments().size() == 2
                && c.arguments().getFirst() instanceof Expr.MapRef m
                && m.key().isEmpty()
                && !(c.arguments().get(1) instanceof Expr.MapRef other
                        && checking.maps.containsKey(other.name())
                        && checking.map(m.name(), m.span()).keyednessKnown()
                        && !checking.map(m.name(), m.span()).keyed())) {
            var map = checking.map(m.name(), m.span());
            if (map.keyednessKnown() && !map.keyed()) {
                throw new CheckError(
                        "map-key",
                        c.span(),
                        "call to delete() with two arguments expects a map with explicit keys (non-scalar map)");
            }
            var keyed = new Expr.MapRef(m.name(), Optional.of(c.arguments().get(1)), m.span());
            return expressions.delete(keyed, c.span());
        }
        if (c.arguments().size() == 2
                && c.arguments().getFirst() instanceof Expr.MapRef m
                && m.key().isEmpty()) {
            throw new CheckError(
                    "map-key",
                    c.span(),
                    "call to delete() with two arguments expects a map with explicit keys (non-scalar map)");
        }
        var deletions = new ArrayList<Typed.Expr>();
        for (var argument : c.arguments()) {
            if (!(argument instanceof Expr.MapRef m)) {
                throw new CheckError("type-mismatch", c.span(), "delete() expects a map argument");
            }
            if (m.key().isEmpty()
                    && checking.map(m.name(), m.span()).keyednessKnown()
                    && checking.map(m.name(), m.span()).keyed()) {
                // Old scripts empty a map so.
                deletions.add(clear(checking.map(m.name(), m.span()), c.span()));
                continue;
            }
            deletions.add(expressions.delete(m, c.span()));
        }
        if (deletions.size() == 1) {
            return deletions.getFirst();
        }
        var statements = new ArrayList<Typed.Stmt>();
        deletions.subList(0, deletions.size() - 1).forEach(d -> statements.add(new Typed.Evaluate(d, d.span())));
        return new Typed.Block(statements, deletions.getLast(), c.span());
    }

    private Typed.Expr hasKey(Expr.Call c) {
        arity(c, 1, 2);
        if (!(c.arguments().getFirst() instanceof Expr.MapRef m) || m.key().isPresent()) {
            throw new CheckError("type-mismatch", c.span(), "has_key() expects a map argument");
        }
        boolean keyed = c.arguments().size() == 2;
        var named = checking.map(m.name(), m.span());
        if (!keyed && named.keyednessKnown() && named.keyed()) {
            throw new CheckError(
                    "map-key", c.span(), "call to has_key() expects a map without explicit keys (scalar map)");
        }
        if (keyed && named.keyednessKnown() && !named.keyed()) {
            throw new CheckError(
                    "map-key", c.span(), "call to has_key() expects a map with explicit keys (non-scalar map)");
        }
        var map = checking.map(m.name(), keyed, m.span());
        Optional<Typed.Expr> key =
                keyed ? Optional.of(expressions.key(map, c.arguments().get(1))) : Optional.empty();
        checking.definedMap(m.name(), m.span());
        return new Typed.HasKey(map, key, c.span());
    }

    private Typed.Expr find(Expr.Call c) {
        arity(c, 3, 3);
        if (!(c.arguments().getFirst() instanceof Expr.MapRef m) || m.key().isPresent()) {
            throw new CheckError("type-mismatch", c.span(), "find() expects a map argument");
        }
        if (!(c.arguments().get(2) instanceof Expr.Var v)) {
            throw new CheckError("type-mismatch", c.span(), "find() expects a variable as its third argument");
        }
        var map = checking.map(m.name(), true, m.span());
        var key = expressions.key(map, c.arguments().get(1));
        checking.definedMap(m.name(), m.span());
        var variable = scope.find(v.name()).orElseGet(() -> scope.declare(c, v.name(), v.span()));
        variable.cell().join(expressions.readType(map), false);
        return new Typed.Find(map, key, variable, c.span());
    }

    private Typed.Expr len(Expr.Call c) {
        arity(c, 1, 1);
        if (c.arguments().getFirst() instanceof Expr.MapRef m && !holdsStacks(m)) {
            if (m.key().isPresent()) {
                throw new CheckError("type-mismatch", c.span(), "len() expects a map argument");
            }
            return new Typed.MapLength(checking.definedMap(m.name(), m.span()), c.span());
        }
        var value = argument(c, 0);
        return switch (value.type()) {
            case Type.Void v when !checking.last -> value;
            case Type.KernelStack k -> stackLength(c, value, false, k.depth());
            case Type.UserStack u
            when u.unwound() ->
                throw new CheckError(
                        "stack",
                        c.span(),
                        "len() can not count the frames of a dw_ustack: they are found outside of the kernel",
                        "count those that frame pointers reach, with len(ustack)");
            case Type.UserStack u -> stackLength(c, value, true, u.depth());
            case Type.Array a -> new Typed.IntConst(Type.UINT64, a.length(), c.span());
            case Type.Str _ -> new Typed.Call(Typed.Fn.STRLEN, List.of(value), Type.UINT64, c.span());
            case Type t ->
                throw new CheckError(
                        "type-mismatch",
                        c.span(),
                        "len() expects a map or stack to be provided (" + ExpressionChecker.family(t) + " provided)");
        };
    }

    /** A stack in a map, rather than the map, is what such an argument means. */
    private boolean holdsStacks(Expr.MapRef m) {
        var map = checking.map(m.name(), m.span());
        boolean stacks = map.value() instanceof Type.KernelStack || map.value() instanceof Type.UserStack;
        return stacks && (m.key().isPresent() || !map.keyed());
    }

    /** The frames of a stack are counted where it is taken: programs cannot look into stored ones. */
    private Typed.Expr stackLength(Expr.Call c, Typed.Expr value, boolean user, int depth) {
        if (!(value instanceof Typed.Stack)) {
            checking.measuresStacks = true;
            return new Typed.Call(Typed.Fn.STORED_STACK_LENGTH, List.of(value), Type.UINT64, c.span());
        }
        return new Typed.Call(
                Typed.Fn.STACK_LENGTH,
                List.of(
                        new Typed.IntConst(Type.INT64, user ? 1 : 0, c.span()),
                        new Typed.IntConst(Type.INT64, depth, c.span())),
                Type.UINT64,
                c.span());
    }

    private Typed.Expr isScalar(Expr.Call c) {
        arity(c, 1, 1);
        var map = wholeMap(c, 0);
        return new Typed.IntConst(Type.BOOL, map.keyed() ? 0 : 1, c.span());
    }

    // ---- strings and bytes

    private Typed.Expr str(Expr.Call c) {
        arity(c, 1, 2);
        if (c.arguments().getFirst() instanceof Expr.Positional p) {
            return positionalText(p, c);
        }
        if (c.arguments().getFirst() instanceof Expr.Binary b
                && b.left() instanceof Expr.Positional p
                && b.op() == Expr.BinaryOp.ADD
                && expressions.expr(b.right()) instanceof Typed.IntConst skip) {
            var text = positionalText(p, c).value();
            return ExpressionChecker.text(
                    text.substring((int) Math.max(0, Math.min(skip.value(), text.length()))), c.span());
        }
        var pointer = argument(c, 0);
        if (pointer instanceof Typed.Text) {
            return pointer;
        }
        if (pointer.type() instanceof Type.Str s) {
            if (c.arguments().size() == 2 && argument(c, 1) instanceof Typed.IntConst n && n.value() >= 0) {
                return new Typed.Convert(pointer, new Type.Str((int) Math.min(n.value() + 1, s.sizeBytes())), c.span());
            }
            return pointer;
        }
        if (!(pointer.type().isInteger()
                || pointer.type() instanceof Type.Pointer
                || pointer.type() instanceof Type.Array
                || unknown(pointer.type()))) {
            throw new CheckError(
                    "type-mismatch",
                    c.span(),
                    "str() expects an integer or a pointer type as first argument ("
                            + ExpressionChecker.family(pointer.type()) + " provided)");
        }
        if (pointer.type() instanceof Type.Array a) {
            return new Typed.Convert(pointer, new Type.Str(a.sizeBytes()), c.span());
        }
        int capacity = checking.settings.maxStringBytes();
        if (c.arguments().size() == 1) {
            return expressions.stringAt(pointer, capacity, c.span());
        }
        var length = argument(c, 1);
        if (!length.type().isInteger() && !unknown(length.type())) {
            throw new CheckError(
                    "type-mismatch",
                    c.span(),
                    "str() only supports integer arguments (" + ExpressionChecker.family(length.type()) + " provided)");
        }
        if (length instanceof Typed.IntConst n) {
            if (n.value() < 0) {
                throw new CheckError("range", c.span(), "str cannot use negative length (" + n.value() + ")");
            }
            return expressions.stringAt(pointer, (int) Math.min(n.value() + 1, capacity), c.span());
        }
        return new Typed.Call(
                Typed.Fn.STR,
                List.of(expressions.pointerTo(pointer, Type.INT8, c.span()), expressions.to64(length)),
                new Type.Str(capacity),
                c.span());
    }

    private Typed.Text positionalText(Expr.Positional p, Expr.Call c) {
        var given = checking.positional();
        return ExpressionChecker.text(p.index() <= given.size() ? given.get((int) p.index() - 1) : "", c.span());
    }

    private Typed.Expr buf(Expr.Call c) {
        arity(c, 1, 2);
        var pointer = argument(c, 0);
        int capacity = checking.settings.maxStringBytes();
        if (c.arguments().size() == 1) {
            if (pointer.type() instanceof Type.Array a) {
                return new Typed.Call(
                        Typed.Fn.BUF,
                        List.of(pointer, new Typed.IntConst(Type.UINT64, a.sizeBytes(), c.span())),
                        new Type.Buffer(a.sizeBytes()),
                        c.span());
            }
            throw new CheckError(
                    "arity",
                    c.span(),
                    "buf() expects a length argument for non-array type " + ExpressionChecker.family(pointer.type()));
        }
        if (!(pointer.type().isInteger()
                || pointer.type() instanceof Type.Pointer
                || pointer.type() instanceof Type.Array
                || pointer.type() instanceof Type.Str
                || unknown(pointer.type()))) {
            throw new CheckError(
                    "type-mismatch",
                    c.span(),
                    "buf() only supports integer, pointer, string or array arguments ("
                            + ExpressionChecker.family(pointer.type()) + " provided)");
        }
        var length = argument(c, 1);
        if (!length.type().isInteger() && !unknown(length.type())) {
            throw new CheckError(
                    "type-mismatch",
                    c.span(),
                    "buf() only supports integer arguments (" + ExpressionChecker.family(length.type()) + " provided)");
        }
        if (length instanceof Typed.IntConst n) {
            if (n.value() < 0) {
                throw new CheckError("range", c.span(), "buf cannot use negative length (" + n.value() + ")");
            }
            capacity = (int) Math.min(n.value(), capacity);
        }
        boolean direct = pointer.type() instanceof Type.Array || pointer.type() instanceof Type.Str;
        var from = direct ? pointer : expressions.pointerTo(pointer, Type.INT8, c.span());
        return new Typed.Call(
                Typed.Fn.BUF, List.of(from, expressions.to64(length)), new Type.Buffer(capacity), c.span());
    }

    private Typed.Expr strncmp(Expr.Call c) {
        arity(c, 3, 3);
        var a = string(c, 0);
        var b = string(c, 1);
        if (!(argument(c, 2) instanceof Typed.IntConst n) || n.value() < 0) {
            throw new CheckError("range", c.span(), "Builtin strncmp requires a non-negative literal");
        }
        if (a instanceof Typed.Text x && b instanceof Typed.Text y) {
            boolean same = head(x.value(), n.value()).equals(head(y.value(), n.value()));
            return new Typed.IntConst(Type.UINT64, same ? 0 : 1, c.span());
        }
        int length = (int)
                Math.min(n.value(), Math.min(a.type().sizeBytes(), b.type().sizeBytes()));
        return new Typed.Convert(new Typed.TextCompare(a, b, length, false, c.span()), Type.UINT64, c.span());
    }

    private static String head(String text, long length) {
        return text.substring(0, (int) Math.min(length, text.length()));
    }

    private Typed.Expr memcmp(Expr.Call c) {
        arity(c, 3, 3);
        if (!(argument(c, 2) instanceof Typed.IntConst n) || n.value() < 0) {
            throw new CheckError("range", c.span(), "memcmp() requires a non-negative literal length");
        }
        return new Typed.Call(Typed.Fn.MEMCMP, List.of(argument(c, 0), argument(c, 1), n), Type.INT64, c.span());
    }

    private Typed.Expr symbolic(Expr.Call c, Type.Symbols symbols) {
        arity(c, 1, 1);
        var value = argument(c, 0);
        if (!value.type().isInteger() && !unknown(value.type())) {
            throw new CheckError(
                    "type-mismatch",
                    c.span(),
                    c.name() + "() only supports integer arguments (" + ExpressionChecker.family(value.type())
                            + " provided)");
        }
        return new Typed.Convert(expressions.to64(value), new Type.Symbolic(symbols), c.span());
    }

    // ---- addresses

    private Typed.Expr kaddr(Expr.Call c) {
        arity(c, 1, 1);
        var name = literal(c, 0);
        var address = checking.kernel.symbolAddress(name);
        if (address.isEmpty()) {
            throw new CheckError("symbol", c.span(), "Failed to resolve kernel symbol: " + name);
        }
        return new Typed.Convert(
                new Typed.IntConst(Type.UINT64, address.get(), c.span()),
                new Type.Pointer(Type.UINT64, Type.AddressSpace.KERNEL),
                c.span());
    }

    private Typed.Expr uaddr(Expr.Call c) {
        arity(c, 1, 1);
        if (probe.kind() != ProbeKind.UPROBE && probe.kind() != ProbeKind.URETPROBE && probe.kind() != ProbeKind.USDT) {
            throw new CheckError(
                    "probe-kind",
                    c.span(),
                    c.name() + " can not be used with \"" + probe.kind().longName() + "\" probes");
        }
        var name = literal(c, 0);
        if (name.isEmpty() || !name.matches("[A-Za-z_][A-Za-z0-9_.$@:]*")) {
            throw new CheckError("symbol", c.span(), c.name() + "() expects a string that is a valid symbol name");
        }
        var binary = checking.kernel.binary(probe.category());
        var symbol = binary.flatMap(b -> b.symbol(name));
        var function = binary.flatMap(b -> b.symbol(probe.function()));
        if (symbol.isEmpty() || function.isEmpty()) {
            throw new CheckError(
                    "symbol",
                    c.span(),
                    "Could not resolve symbol: " + probe.category() + ":"
                            + (symbol.isEmpty() ? name : probe.function()));
        }
        return userAddress(symbol.get(), function.get(), c.span());
    }

    /** How far the symbol lies from the probed function is the same wherever the binary was loaded. */
    private Typed.Expr userAddress(UserBinary.Symbol symbol, UserBinary.Symbol function, Span span) {
        boolean atReturn = probe.kind() == ProbeKind.URETPROBE;
        Typed.Expr here = atReturn
                ? new Typed.HelperValue(Helper.GET_FUNC_IP, List.of(), 0, false, Type.UINT64, span)
                : new Typed.ContextLoad(Registers.instructionPointer(probe.arch()), Type.UINT64, span);
        long distance = symbol.address() - function.address() - (atReturn ? 0 : probe.offset());
        var target = switch ((int) symbol.sizeBytes()) {
            case 1 -> Type.UINT8;
            case 2 -> Type.UINT16;
            case 4 -> Type.UINT32;
            default -> Type.UINT64;
        };
        return new Typed.Convert(
                new Typed.Arithmetic(
                        Expr.BinaryOp.ADD, here, new Typed.IntConst(Type.UINT64, distance, span), Type.UINT64, span),
                new Type.Pointer(target, Type.AddressSpace.USER),
                span);
    }

    private Typed.Expr percpuKaddr(Expr.Call c) {
        arity(c, 1, 2);
        var name = literal(c, 0);
        var id = checking.kernel.types().map(b -> b.find(name, BtfKind.VAR)).orElse(OptionalInt.empty());
        if (id.isEmpty()) {
            throw new CheckError("symbol", c.span(), "Could not resolve variable \"" + name + "\" from BTF");
        }
        var arguments = new ArrayList<Typed.Expr>();
        arguments.add(ExpressionChecker.text(name, c.span()));
        arguments.add(new Typed.IntConst(Type.INT64, id.getAsInt(), c.span()));
        if (c.arguments().size() == 2) {
            arguments.add(number(c, 1));
        }
        var variable = (BtfType.Variable) checking.kernel.types().orElseThrow().type(id.getAsInt());
        return new Typed.Call(
                Typed.Fn.PERCPU_KADDR,
                arguments,
                new Type.Pointer(checking.types.convert(variable.typeId()), Type.AddressSpace.KERNEL),
                c.span());
    }

    private Typed.Expr reg(Expr.Call c) {
        arity(c, 1, 1);
        var name = literal(c, 0);
        if (!probe.hasRegisters()) {
            throw new CheckError(
                    "probe-kind",
                    c.span(),
                    "reg can not be used with \"" + probe.kind().longName() + "\" probes");
        }
        var offset = Registers.named(probe.arch(), name);
        if (offset.isEmpty()) {
            throw new CheckError(
                    "register",
                    c.span(),
                    "'" + name + "' is not a valid register on this architecture ("
                            + probe.arch().machine() + ")");
        }
        return new Typed.ContextLoad(offset.getAsInt(), Type.UINT64, c.span());
    }

    private Typed.Expr space(Expr.Call c, Type.AddressSpace space) {
        arity(c, 1, 1);
        var value = argument(c, 0);
        return switch (value.type()) {
            case Type.Pointer p -> new Typed.Convert(value, new Type.Pointer(p.target(), space), c.span());
            case Type.Int _, Type.Void _ -> new Typed.Convert(value, new Type.Pointer(Type.UINT64, space), c.span());
            case Type t ->
                throw new CheckError(
                        "type-mismatch",
                        c.span(),
                        c.name() + "() only supports integer or pointer arguments (" + ExpressionChecker.family(t)
                                + " provided)");
        };
    }

    private Typed.Expr ntop(Expr.Call c) {
        arity(c, 1, 2);
        var arguments = new ArrayList<Typed.Expr>();
        for (int i = 0; i < c.arguments().size(); i++) {
            arguments.add(argument(c, i));
        }
        var address = arguments.getLast();
        boolean known = address.type().isInteger()
                || address.type() instanceof Type.Array a && (a.sizeBytes() == 4 || a.sizeBytes() == 16)
                || address.type() instanceof Type.Pointer
                || address.type() instanceof Type.Str s
                        && (s.sizeBytes() == 4 || s.sizeBytes() == 16)
                        && !(address instanceof Typed.Text)
                || unknown(address.type());
        if (!known || arguments.size() == 2 && !arguments.getFirst().type().isInteger()) {
            throw new CheckError(
                    "type-mismatch",
                    c.span(),
                    "ntop() does not support an address of type '"
                            + address.type().display() + "'",
                    "give a 32-bit number or an array of 4 or 16 bytes");
        }
        if (arguments.size() == 2) {
            arguments.set(0, expressions.to64(arguments.getFirst()));
        }
        return new Typed.Call(Typed.Fn.NTOP, arguments, new Type.Inet(), c.span());
    }

    private Typed.Expr pton(Expr.Call c) {
        arity(c, 1, 1);
        var text = literal(c, 0);
        var bytes = Addresses.parse(text);
        if (bytes.isEmpty()) {
            throw new CheckError("address", c.span(), "pton() expects an IPv4 or IPv6 address, found \"" + text + "\"");
        }
        var raw = new StringBuilder();
        for (var b : bytes.get()) {
            raw.append((char) (b & 0xff));
        }
        var value = new Typed.Text(new Type.Str(raw.length()), raw.toString(), c.span());
        return new Typed.Call(Typed.Fn.BYTES_OF, List.of(value), new Type.Array(Type.UINT8, raw.length()), c.span());
    }

    private Typed.Expr macaddr(Expr.Call c) {
        arity(c, 1, 1);
        var value = argument(c, 0);
        boolean known = value.type().isInteger()
                || value.type() instanceof Type.Pointer
                || unknown(value.type())
                || value.type() instanceof Type.Array
                || value.type() instanceof Type.Str && !(value instanceof Typed.Text);
        if (!known) {
            throw new CheckError(
                    "type-mismatch",
                    c.span(),
                    "macaddr() only supports array or pointer arguments (" + ExpressionChecker.family(value.type())
                            + " provided)");
        }
        return new Typed.Call(Typed.Fn.MACADDR, List.of(value), new Type.MacAddress(), c.span());
    }

    private Typed.Expr bswap(Expr.Call c) {
        arity(c, 1, 1);
        var value = argument(c, 0);
        if (!(value.type() instanceof Type.Int) && !unknown(value.type())) {
            throw new CheckError(
                    "type-mismatch",
                    c.span(),
                    "bswap() only supports integer arguments (" + ExpressionChecker.family(value.type())
                            + " provided)");
        }
        int size = value.type() instanceof Type.Int i ? i.sizeBytes() : 8;
        return new Typed.Call(Typed.Fn.BSWAP, List.of(value), new Type.Int(size, false), c.span());
    }

    private Typed.Expr isErr(Expr.Call c) {
        arity(c, 1, 1);
        // The last 4095 addresses are error numbers (include/linux/err.h).
        return new Typed.Compare(
                Expr.BinaryOp.GE, number(c, 0), new Typed.IntConst(Type.UINT64, -4095, c.span()), false, c.span());
    }

    private Typed.Expr predicate(Expr.Call c, java.util.function.Predicate<Typed.Expr> holds) {
        arity(c, 1, 1);
        return new Typed.IntConst(Type.BOOL, holds.test(argument(c, 0)) ? 1 : 0, c.span());
    }

    // ---- the world outside the program

    private Typed.Expr stack(Expr.Call c, boolean user, boolean unwound) {
        if (c.arguments().size() > 2) {
            throw new CheckError(
                    "arity",
                    c.span(),
                    c.name() + "() takes up to 2 arguments (" + c.arguments().size() + " provided)");
        }
        var mode = checking.settings.stackMode();
        int depth = BuiltinChecker.DEFAULT_STACK_DEPTH;
        for (int i = 0; i < c.arguments().size(); i++) {
            var argument = c.arguments().get(i);
            boolean mayBeMode = i == 0;
            if (mayBeMode
                    && argument instanceof Expr.Ident word
                    && Settings.stackMode(word.name()).isPresent()) {
                mode = Settings.stackMode(word.name()).get();
                continue;
            }
            if (argument instanceof Expr.Ident word
                    && mayBeMode
                    && !skep.dsl.parse.Words.isBuiltin(word.name())
                    && checking.types.declared().define(word.name()).isEmpty()) {
                throw new CheckError("stack", c.span(), "Unknown stack mode: '" + word.name() + "'");
            }
            var value = expressions.expr(argument);
            boolean literalDepth = value instanceof Typed.IntConst n
                    && n.value() >= 0
                    && (i == 1 || c.arguments().size() == 1);
            if (!literalDepth) {
                throw new CheckError("stack", c.span(), c.name() + ": invalid limit value, need non-negative literal");
            }
            long wanted = ((Typed.IntConst) value).value();
            if (wanted > 1024) {
                throw new CheckError(
                        "stack",
                        c.span(),
                        c.name() + "(" + wanted + ", ...): limit shouldn't exceed 1024, " + wanted + " given");
            }
            depth = (int) wanted;
        }
        return unwound
                ? builtins.unwoundStack(mode, Math.max(1, depth), c.span())
                : BuiltinChecker.stack(user, mode, Math.max(1, depth), c.span());
    }

    private Type.Clock clock(Expr.Call c) {
        var word = c.arguments().getFirst();
        if (word instanceof Expr.Ident i) {
            switch (i.name()) {
                case "monotonic" -> {
                    return Type.Clock.MONOTONIC;
                }
                case "boot" -> {
                    return Type.Clock.BOOT;
                }
                case "tai" -> {
                    return Type.Clock.TAI;
                }
                case "sw_tai" -> {
                    return Type.Clock.SW_TAI;
                }
                default -> {}
            }
        }
        throw new CheckError(
                "clock", word.span(), "Invalid timestamp mode: " + word.span().text());
    }

    private Typed.Expr nsecs(Expr.Call c) {
        arity(c, 0, 1);
        var clock = c.arguments().isEmpty() ? Type.Clock.BOOT : clock(c);
        var helper = switch (clock) {
            case BOOT -> Helper.KTIME_GET_BOOT_NS;
            case MONOTONIC -> Helper.KTIME_GET_NS;
            case TAI, SW_TAI -> Helper.KTIME_GET_TAI_NS;
        };
        return new Typed.HelperValue(helper, List.of(), 0, false, Type.UINT64, c.span());
    }

    private Typed.Expr namespacePid(Expr.Call c) {
        arity(c, 0, 1);
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

    private Typed.Expr comm(Expr.Call c) {
        arity(c, 0, 1);
        if (c.arguments().isEmpty()) {
            return builtins.value("comm", c.span()).orElseThrow();
        }
        if (!checking.last) {
            return new Typed.CommandName(new Type.Str(BuiltinChecker.COMM_BYTES), c.span());
        }
        var process = number(c, 0);
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

    private CheckError noTasks(Expr.Call c) {
        return new CheckError(
                "probe-kind",
                c.span(),
                "comm() of a process can not be used with \"" + probe.kind().longName() + "\" probes",
                "the kernel lets fentry, iter, interval, profile and tracepoint probes look up processes");
    }

    private Typed.Expr getopt(Expr.Call c) {
        arity(c, 1, 3);
        var name = literal(c, 0);
        var description = c.arguments().size() == 3 ? literal(c, 2) : "";
        checking.namedParameters.merge(name, description, (a, b) -> a.isEmpty() ? b : a);
        var given = Optional.ofNullable(checking.options.named().get(name));
        if (c.arguments().size() == 1) {
            boolean on = given.isPresent()
                    && !given.get().equals("false")
                    && !given.get().equals("0");
            return new Typed.IntConst(Type.BOOL, on ? 1 : 0, c.span());
        }
        var otherwise = argument(c, 1);
        if (given.isEmpty()) {
            return otherwise;
        }
        var text = given.get();
        if (otherwise.type() instanceof Type.Bool) {
            return new Typed.IntConst(Type.BOOL, text.equals("false") || text.equals("0") ? 0 : 1, c.span());
        }
        if (otherwise.type() instanceof Type.Int) {
            var number = Strings.number(text);
            if (number.isEmpty()) {
                throw new CheckError(
                        "parameter", c.span(), "Value for named parameter '" + name + "' is not a number: " + text);
            }
            return new Typed.IntConst(Literals.smallest(number.getAsLong()), number.getAsLong(), c.span());
        }
        return ExpressionChecker.text(text, c.span());
    }

    /** The configuration as a record of constants. */
    private Typed.Expr config(Expr.Call c) {
        arity(c, 0, 0);
        var settings = checking.settings;
        var user = settings.forUserSpace();
        var names = new ArrayList<String>();
        var values = new ArrayList<Typed.Expr>();
        java.util.function.BiConsumer<String, Typed.Expr> put = (name, value) -> {
            names.add(name);
            values.add(value);
        };
        put.accept("max_strlen", new Typed.IntConst(Type.UINT64, settings.maxStringBytes(), c.span()));
        put.accept("max_map_keys", new Typed.IntConst(Type.UINT64, settings.maxMapEntries(), c.span()));
        put.accept("on_stack_limit", new Typed.IntConst(Type.UINT64, settings.onStackBytes(), c.span()));
        put.accept("max_probes", new Typed.IntConst(Type.UINT64, user.maxProbes(), c.span()));
        put.accept("max_bpf_progs", new Typed.IntConst(Type.UINT64, user.maxPrograms(), c.span()));
        put.accept("max_cat_bytes", new Typed.IntConst(Type.UINT64, user.maxCatBytes(), c.span()));
        put.accept("print_maps_on_exit", new Typed.IntConst(Type.BOOL, user.printMapsAtExit() ? 1 : 0, c.span()));
        put.accept("cpp_demangle", new Typed.IntConst(Type.BOOL, user.demangle() ? 1 : 0, c.span()));
        put.accept("stack_mode", ExpressionChecker.text(settings.stackMode().title(), c.span()));
        put.accept("missing_probes", ExpressionChecker.text(user.missingProbes(), c.span()));
        put.accept("str_trunc_trailer", ExpressionChecker.text(user.stringTruncationTrailer(), c.span()));
        put.accept("license", ExpressionChecker.text(settings.license(), c.span()));
        var members = new ArrayList<Type.Member>();
        for (int i = 0; i < names.size(); i++) {
            members.add(new Type.Member(names.get(i), values.get(i).type()));
        }
        return new Typed.Compose(new Type.Rec(members), values, c.span());
    }

    private Typed.Expr cgroupid(Expr.Call c) {
        arity(c, 1, 1);
        var path = literal(c, 0);
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

    private Typed.Expr cgroupPath(Expr.Call c) {
        arity(c, 1, 2);
        var id = number(c, 0);
        var glob = c.arguments().size() == 2 ? literal(c, 1) : "";
        return new Typed.Convert(id, new Type.CgroupPath(glob), c.span());
    }

    private Typed.Expr path(Expr.Call c) {
        arity(c, 1, 2);
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
            if (!(argument(c, 1) instanceof Typed.IntConst n) || n.value() < 0) {
                throw new CheckError("range", c.span(), "path: invalid size value, need non-negative literal");
            }
            capacity = (int) n.value();
        }
        var value = argument(c, 0);
        return new Typed.Call(Typed.Fn.PATH, List.of(value), new Type.Str(capacity), c.span());
    }

    private void requireUnsafe(Expr.Call c) {
        if (!checking.options.unsafe()) {
            throw new CheckError(
                    "unsafe",
                    c.span(),
                    c.name() + "() is an unsafe function being used in safe mode",
                    "run with --unsafe");
        }
    }

    private Typed.Expr signal(Expr.Call c) {
        requireUnsafe(c);
        arity(c, 1, 1);
        var value = argument(c, 0);
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

    private Typed.Expr override(Expr.Call c) {
        requireUnsafe(c);
        arity(c, 1, 1);
        if (probe.kind() != ProbeKind.KPROBE) {
            throw new CheckError(
                    "probe-kind",
                    c.span(),
                    "override can not be used with \"" + probe.kind().longName() + "\" probes");
        }
        return new Typed.Call(Typed.Fn.OVERRIDE, List.of(number(c, 0)), Type.VOID, c.span());
    }

    private Typed.Expr writeUser(Expr.Call c) {
        if (!checking.options.unsafe()) {
            throw new CheckError(
                    "unsafe",
                    c.span(),
                    "write_user() is unsafe. To use you need the --unsafe flag",
                    "run with --unsafe");
        }
        arity(c, 3, 3);
        return new Typed.Call(
                Typed.Fn.WRITE_USER, List.of(number(c, 0), argument(c, 1), number(c, 2)), Type.BOOL, c.span());
    }

    private Typed.Expr skboutput(Expr.Call c) {
        arity(c, 4, 4);
        var path = literal(c, 0);
        var packet = argument(c, 1);
        var length = number(c, 2);
        if (!(argument(c, 3) instanceof Typed.IntConst skip) || skip.value() < 0) {
            throw new CheckError("range", c.span(), "skboutput: invalid offset value, need non-negative literal");
        }
        var buffer = checking.namedType("struct sk_buff");
        if (buffer.isEmpty() || !(buffer.get() instanceof Type.Struct struct)) {
            throw new CheckError("type", c.span(), "the kernel publishes no types (BTF), which skboutput() needs");
        }
        var data = CTypes.field(struct, "data").orElseThrow();
        var at = new Typed.Convert(
                expressions.to64(packet), new Type.Pointer(struct, Type.AddressSpace.KERNEL), c.span());
        var bytes = new Type.Pointer(Type.UINT8, Type.AddressSpace.KERNEL);
        var start = new Typed.PointerMove(
                new Typed.Part(new Typed.Dereference(at, struct, c.span()), data.offsetBytes(), bytes, 0, 0, c.span()),
                skip,
                false,
                bytes,
                c.span());
        var wanted = expressions.binary(Expr.BinaryOp.SUB, length, skip, c.span());
        int capacity =
                wanted instanceof Typed.IntConst n ? Math.clamp(n.value(), 0, MAX_PACKET_BYTES) : MAX_PACKET_BYTES;
        var time = builtins.value("nsecs", c.span()).orElseThrow();
        var copy = new Typed.Call(
                Typed.Fn.BUF, List.of(start, expressions.to64(wanted)), new Type.Buffer(capacity), c.span());
        var dump = emit(
                List.of(time, expressions.to64(wanted), copy),
                a -> new Action.PacketDump(path, a.get(0), a.get(1), a.get(2).offsetBytes() + 4, c.span()),
                c.span());
        return new Typed.Block(
                List.of(new Typed.Evaluate(dump, c.span())), new Typed.IntConst(Type.INT32, 0, c.span()), c.span());
    }

    private Typed.Expr socketCookie(Expr.Call c) {
        arity(c, 1, 1);
        if (probe.kind() != ProbeKind.FENTRY && probe.kind() != ProbeKind.FEXIT) {
            throw new CheckError(
                    "probe-kind",
                    c.span(),
                    "socket_cookie can not be used with \"" + probe.kind().longName() + "\" probes");
        }
        return new Typed.Call(Typed.Fn.SOCKET_COOKIE, List.of(number(c, 0)), Type.UINT64, c.span());
    }
}
