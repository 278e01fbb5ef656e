package skep.dsl.check;

import java.util.List;
import skep.dsl.Action;
import skep.dsl.Type;
import skep.dsl.ast.Expr;
import skep.isa.kernel.Helper;

/** Functions that read a clock, and those that print a time of it. */
final class TimeFunctions {
    private final ExpressionChecker expressions;
    private final CallArguments args;
    private final ActionEmitter actions;

    TimeFunctions(ExpressionChecker expressions, CallArguments args, ActionEmitter actions) {
        this.expressions = expressions;
        this.args = args;
        this.actions = actions;
    }

    Typed.Expr time(Expr.Call c) {
        args.arity(c, 0, 1);
        var format = c.arguments().isEmpty() ? "%H:%M:%S\n" : args.literal(c, 0);
        return actions.emit(List.of(), _ -> new Action.Time(format, c.span()), c.span());
    }

    Typed.Expr strftime(Expr.Call c) {
        args.arity(c, 2, 2);
        var format = args.literal(c, 0);
        var clock = c.arguments().get(1) instanceof Expr.Call n
                        && n.name().equals("nsecs")
                        && !n.arguments().isEmpty()
                ? clock(n)
                : Type.Clock.BOOT;
        if (clock == Type.Clock.MONOTONIC) {
            throw new CheckError("clock", c.span(), "strftime() can not take a monotonic timestamp");
        }
        var time = args.argument(c, 1);
        if (!time.type().isInteger() && !args.unknown(time.type())) {
            throw new CheckError(
                    "type-mismatch",
                    c.span(),
                    "strftime() only supports integer arguments (" + ExpressionChecker.family(time.type())
                            + " provided)");
        }
        return new Typed.Convert(expressions.to64(time), new Type.Timestamp(format, clock), c.span());
    }

    Typed.Expr nsecs(Expr.Call c) {
        args.arity(c, 0, 1);
        var clock = c.arguments().isEmpty() ? Type.Clock.BOOT : clock(c);
        var helper = switch (clock) {
            case BOOT -> Helper.KTIME_GET_BOOT_NS;
            case MONOTONIC -> Helper.KTIME_GET_NS;
            case TAI, SW_TAI -> Helper.KTIME_GET_TAI_NS;
        };
        return new Typed.HelperValue(helper, List.of(), 0, false, Type.UINT64, c.span());
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
}
