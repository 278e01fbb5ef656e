package skep.dsl.check;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import skep.dsl.Action;
import skep.dsl.Format;
import skep.dsl.Type;
import skep.dsl.ast.Expr;
import skep.source.Span;

/** Functions whose result is text or an order for user space: printf, print, cat, system, join, exit. */
final class PrintingFunctions {
    /** The most conversions that the kernel's own trace buffer takes. */
    private static final int MAX_DEBUG_VERBS = 3;

    private final Checking checking;
    private final ExpressionChecker expressions;
    private final CallArguments args;
    private final ActionEmitter actions;

    PrintingFunctions(Checking checking, ExpressionChecker expressions, CallArguments args, ActionEmitter actions) {
        this.checking = checking;
        this.expressions = expressions;
        this.args = args;
        this.actions = actions;
    }

    Typed.Expr formatted(Expr.Call c, Action.Channel channel) {
        var arguments = new ArrayList<Typed.Expr>();
        var format = format(c, arguments);
        return actions.emit(arguments, a -> new Action.Print(channel, format, a, c.span()), c.span());
    }

    Typed.Expr debugf(Expr.Call c) {
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

    Typed.Expr pathAction(Expr.Call c, PathAction make) {
        var arguments = new ArrayList<Typed.Expr>();
        var format = format(c, arguments);
        return actions.emit(arguments, a -> make.of(format, a, c.span()), c.span());
    }

    Format format(Expr.Call c, List<Typed.Expr> arguments) {
        args.arity(c, 1, 128);
        var first = args.argument(c, 0);
        if (!(first instanceof Typed.Text text)) {
            throw new CheckError(
                    "format",
                    c.span(),
                    c.name() + "() expects a string literal (" + ExpressionChecker.family(first.type()) + " provided)");
        }
        var verbs = Format.parse(text.value()).verbs();
        for (int i = 1; i < c.arguments().size(); i++) {
            boolean fraction = i <= verbs.size() && FormatChecker.isFraction(verbs.get(i - 1));
            arguments.add(fraction ? quotient(c.arguments().get(i)) : args.argument(c, i));
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

    Typed.Expr print(Expr.Call c) {
        if (ShowChecker.asks(c, checking)) {
            return ShowChecker.check(c, checking);
        }
        args.arity(c, 1, 3);
        var subject = c.arguments().getFirst();
        if (subject instanceof Expr.MapRef m && m.key().isEmpty()) {
            var map = checking.definedMap(m.name(), m.span());
            if (checking.last && expressions.insideLoop()) {
                checking.warn(
                        "print-in-loop",
                        c.span(),
                        "User space reads a map when it comes to it: 'print()' in a loop may show later values than"
                                + " those of this turn",
                        "print the value of one entry instead, which is taken at once: print(" + map.name()
                                + (map.keyed() ? "[…]" : "") + (map.keyed() ? ")" : " + 0)"));
            }
            long top = c.arguments().size() > 1 ? bound(c, 1, "top") : 0;
            long div = c.arguments().size() > 2 ? bound(c, 2, "div") : 0;
            return actions.emit(List.of(), _ -> new Action.PrintMap(map.name(), top, div, c.span()), c.span());
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
                return actions.emit(
                        List.of(key),
                        a -> new Action.PrintMapEntry(
                                map.name(), Optional.of(a.getFirst()), Optional.empty(), c.span()),
                        c.span());
            }
            var value = new Typed.MapGet(map, Optional.of(key), map.value(), m.span());
            return actions.emit(
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
        return actions.emit(List.of(value), a -> new Action.PrintValue(a.getFirst(), c.span()), c.span());
    }

    private long bound(Expr.Call c, int index, String what) {
        if (args.argument(c, index) instanceof Typed.IntConst constant && constant.value() >= 0) {
            return constant.value();
        }
        throw new CheckError(
                "type-mismatch", c.span(), "print: invalid " + what + " value (must be non-negative literal)");
    }

    Typed.Expr join(Expr.Call c) {
        args.arity(c, 1, 2);
        var argv = args.argument(c, 0);
        if (!argv.type().isInteger() && !(argv.type() instanceof Type.Pointer) && !args.unknown(argv.type())) {
            throw new CheckError(
                    "type-mismatch",
                    c.span(),
                    "join() only supports int or pointer arguments (" + ExpressionChecker.family(argv.type())
                            + " provided)");
        }
        var separator = c.arguments().size() > 1 ? args.literal(c, 1) : " ";
        int count = 16;
        int bytes = Math.min(checking.settings.maxStringBytes(), 1024);
        var type = new Type.Array(new Type.Str(bytes), count);
        var strings = new Typed.Call(
                Typed.Fn.JOIN,
                List.of(argv.type() instanceof Type.Pointer ? argv : expressions.asPointer(argv, Type.INT64, c.span())),
                type,
                c.span());
        return actions.emit(List.of(strings), a -> new Action.Join(a.getFirst(), separator, c.span()), c.span());
    }

    Typed.Expr exit(Expr.Call c) {
        args.arity(c, 0, 1);
        if (c.arguments().isEmpty()) {
            return stopping(
                    new Typed.Emit(List.of(), _ -> new Action.Exit(Optional.empty(), c.span()), c.span()), c.span());
        }
        var code = args.argument(c, 0);
        if (!code.type().isInteger() && !args.unknown(code.type())) {
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

    interface PathAction {
        Action of(Format format, List<Action.Argument> arguments, Span span);
    }
}
