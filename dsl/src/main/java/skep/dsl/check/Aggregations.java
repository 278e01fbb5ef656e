package skep.dsl.check;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import skep.dsl.Histograms;
import skep.dsl.Type;
import skep.dsl.ast.Expr;

/** The functions that only make sense as {@code @m = f(…)}. */
final class Aggregations {
    private Aggregations() {}

    private static final Set<String> NAMES = Set.of(
            "count",
            "sum",
            "min",
            "max",
            "avg",
            "stats",
            "hist",
            "lhist",
            "llhist",
            "tseries",
            "quantiles",
            "p50",
            "p90",
            "p95",
            "p99",
            "p999");

    private static final long MAX_SERIES = 1_000_000;

    static boolean isAggregation(String name) {
        return NAMES.contains(name);
    }

    /** Checks the arguments; those that are values at run time go into {@code values}. */
    static Type check(Expr.Call call, ExpressionChecker expressions, List<Typed.Expr> values) {
        int given = call.arguments().size();
        switch (call.name()) {
            case "count" -> {
                if (given != 0) {
                    throw arity(call, "count() requires no arguments (" + given + " provided)");
                }
                return new Type.Count();
            }
            case "sum", "min", "max", "avg", "stats" -> {
                if (given != 1) {
                    throw arity(call, call.name() + "() requires one argument (" + given + " provided)");
                }
                var value = number(call, expressions);
                values.add(expressions.to64(value));
                boolean signed = value.type().isSigned();
                return switch (call.name()) {
                    case "sum" -> new Type.Sum(signed);
                    case "min" -> new Type.Min(signed);
                    case "max" -> new Type.Max(signed);
                    case "avg" -> new Type.Avg(signed);
                    default -> new Type.Stats(signed);
                };
            }
            case "hist" -> {
                return hist(call, expressions, values);
            }
            case "llhist" -> {
                return logLinear(call, expressions, values);
            }
            case "quantiles", "p50", "p90", "p95", "p99", "p999" -> {
                return quantiles(call, expressions, values);
            }
            case "lhist" -> {
                return linear(call, expressions, values);
            }
            default -> {
                return series(call, expressions, values);
            }
        }
    }

    private static CheckError arity(Expr.Call call, String message) {
        return new CheckError("arity", call.span(), message);
    }

    private static Typed.Expr number(Expr.Call call, ExpressionChecker expressions) {
        var value = expressions.expr(call.arguments().getFirst());
        if (!value.type().isInteger()
                && !(value.type() instanceof Type.Void)
                && !(value.type() instanceof Type.Pointer)) {
            throw new CheckError(
                    "type-mismatch",
                    call.span(),
                    call.name() + "() only supports integer arguments ("
                            + value.type().display() + " provided)");
        }
        return value;
    }

    private static Type hist(Expr.Call call, ExpressionChecker expressions, List<Typed.Expr> values) {
        int given = call.arguments().size();
        if (given < 1) {
            throw arity(call, "hist() requires at least one argument (0 provided)");
        }
        if (given > 2) {
            throw arity(call, "hist() takes up to 2 arguments (" + given + " provided)");
        }
        values.add(expressions.to64(number(call, expressions)));
        if (given == 1) {
            return new Type.Hist(0);
        }
        if (!(expressions.expr(call.arguments().get(1)) instanceof Typed.IntConst bits)) {
            throw new CheckError("arity", call.span(), "hist: invalid bits value, need non-negative literal");
        }
        if (bits.value() < 0 || bits.value() > Histograms.MAX_LOG2_BITS) {
            throw new CheckError(
                    "range", call.span(), "hist: bits " + bits.value() + " must be 0.." + Histograms.MAX_LOG2_BITS);
        }
        return new Type.Hist((int) bits.value());
    }

    private static Type linear(Expr.Call call, ExpressionChecker expressions, List<Typed.Expr> values) {
        int given = call.arguments().size();
        if (given != 4) {
            throw arity(call, "lhist() requires 4 arguments (" + given + " provided)");
        }
        values.add(expressions.to64(number(call, expressions)));
        long min = bound(call, expressions, 1, "min");
        long max = bound(call, expressions, 2, "max");
        long step = bound(call, expressions, 3, "step");
        if (step <= 0) {
            throw new CheckError("range", call.span(), "lhist() step must be >= 1 (" + step + " provided)");
        }
        if (min > max) {
            throw new CheckError(
                    "range",
                    call.span(),
                    "lhist() min must be less than max (provided min " + min + " and max " + max + ")");
        }
        if (max - min < step) {
            throw new CheckError(
                    "range",
                    call.span(),
                    "lhist() step is too large for the given range (provided step " + step + " for range " + (max - min)
                            + ")");
        }
        if ((max - min + step - 1) / step > Histograms.MAX_LINEAR_BUCKETS) {
            throw new CheckError(
                    "range",
                    call.span(),
                    "lhist() too many buckets, must be <= " + Histograms.MAX_LINEAR_BUCKETS + " (would need "
                            + (max - min) / step + ")");
        }
        return new Type.LinearHist(min, max, step);
    }

    private static Type logLinear(Expr.Call call, ExpressionChecker expressions, List<Typed.Expr> values) {
        int given = call.arguments().size();
        if (given != 5) {
            throw new CheckError(
                    "arity",
                    call.span(),
                    "llhist() requires 5 arguments (" + given + " provided)",
                    "llhist(value, factor, low, high, steps): llhist(ns, 10, 3, 8, 10) has ten steps from 10^3 up to 10^9");
        }
        values.add(expressions.to64(number(call, expressions)));
        long factor = bound(call, expressions, 1, "factor");
        long low = bound(call, expressions, 2, "low");
        long high = bound(call, expressions, 3, "high");
        long steps = bound(call, expressions, 4, "steps");
        if (factor < 2 || factor > 1000) {
            throw new CheckError("range", call.span(), "llhist() factor must be 2 to 1000 (" + factor + " provided)");
        }
        if (low > high) {
            throw new CheckError(
                    "range",
                    call.span(),
                    "llhist() low must not be above high (" + low + " and " + high + " provided)");
        }
        if (high > 61 || Histograms.power(factor, (int) high + 1) >= 1L << 62) {
            throw new CheckError(
                    "range", call.span(), "llhist() " + factor + "^" + (high + 1) + " does not fit into 62 bits");
        }
        if (steps < 2 || steps > Histograms.MAX_LOG_LINEAR_BOUNDS) {
            throw new CheckError(
                    "range",
                    call.span(),
                    "llhist() steps must be 2 to " + Histograms.MAX_LOG_LINEAR_BOUNDS + " (" + steps + " provided)");
        }
        var type = new Type.LogLinearHist((int) factor, (int) low, (int) high, (int) steps);
        if (type.bounds().length > Histograms.MAX_LOG_LINEAR_BOUNDS) {
            throw new CheckError(
                    "range",
                    call.span(),
                    "llhist() too many buckets, must be <= " + Histograms.MAX_LOG_LINEAR_BOUNDS,
                    "fewer steps, or a smaller range");
        }
        return type;
    }

    /** {@code quantiles(n, 50, 99, …)} and the short forms of one level. */
    private static Type quantiles(Expr.Call call, ExpressionChecker expressions, List<Typed.Expr> values) {
        int given = call.arguments().size();
        boolean several = call.name().equals("quantiles");
        if (given < 1 || given > 1 && !several) {
            throw arity(
                    call,
                    call.name() + (several ? "() requires at least one argument (" : "() requires one argument (")
                            + given + " provided)");
        }
        values.add(expressions.to64(number(call, expressions)));
        if (!several) {
            return new Type.Quantiles(List.of(Integer.parseInt(call.name().substring(1))));
        }
        var levels = new ArrayList<Integer>();
        for (int i = 1; i < given; i++) {
            long level = bound(call, expressions, i, "level");
            if (level < 1 || level > 99_999) {
                throw new CheckError(
                        "range",
                        call.span(),
                        "quantiles() level must be 1 to 99999 (" + level + " provided)",
                        "50 is the median, 99 is 99 %, 999 is 99.9 %, 100 the greatest value");
            }
            levels.add((int) level);
        }
        return new Type.Quantiles(levels.isEmpty() ? List.of(50, 90, 99) : levels);
    }

    private static long bound(Expr.Call call, ExpressionChecker expressions, int index, String what) {
        if (expressions.expr(call.arguments().get(index)) instanceof Typed.IntConst constant) {
            if (constant.value() < 0) {
                throw new CheckError(
                        "range",
                        call.span(),
                        call.name() + ": invalid " + what + " value (must be non-negative literal)");
            }
            return constant.value();
        }
        throw new CheckError(
                "range", call.span(), call.name() + ": invalid " + what + " value (must be non-negative literal)");
    }

    private static Type series(Expr.Call call, ExpressionChecker expressions, List<Typed.Expr> values) {
        int given = call.arguments().size();
        if (given < 3) {
            throw arity(call, "tseries() requires at least 3 arguments (" + given + " provided)");
        }
        if (given > 4) {
            throw arity(call, "tseries() takes up to 4 arguments (" + given + " provided)");
        }
        var value = number(call, expressions);
        values.add(expressions.to64(value));
        long interval = seriesBound(call, expressions, 1, "interval_ns");
        long count = seriesBound(call, expressions, 2, "num_intervals");
        if (interval < 1) {
            throw new CheckError(
                    "range", call.span(), "tseries() interval_ns must be >= 1 (" + interval + " provided)");
        }
        if (count < 1) {
            throw new CheckError("range", call.span(), "tseries() num_intervals must be >= 1 (" + count + " provided)");
        }
        if (count >= MAX_SERIES) {
            throw new CheckError(
                    "range",
                    call.span(),
                    "tseries() num_intervals must be < " + MAX_SERIES + " (" + count + " provided)");
        }
        var kind = Type.SeriesKind.NONE;
        if (given == 4) {
            if (!(expressions.expr(call.arguments().get(3)) instanceof Typed.Text text)) {
                throw new CheckError("range", call.span(), "tseries() expects a literal string as its last argument");
            }
            kind = switch (text.value()) {
                case "avg" -> Type.SeriesKind.AVG;
                case "max" -> Type.SeriesKind.MAX;
                case "min" -> Type.SeriesKind.MIN;
                case "sum" -> Type.SeriesKind.SUM;
                default ->
                    throw new CheckError(
                            "range",
                            call.span(),
                            "tseries() expects one of the following aggregation functions: avg, max, min, sum (\""
                                    + text.value() + "\" provided)");
            };
        }
        return new Type.TimeSeries(
                interval,
                (int) count,
                kind,
                value.type().isSigned(),
                expressions.checking().clockMap());
    }

    private static long seriesBound(Expr.Call call, ExpressionChecker expressions, int index, String what) {
        if (expressions.expr(call.arguments().get(index)) instanceof Typed.IntConst constant && constant.value() >= 0) {
            return constant.value();
        }
        throw new CheckError(
                "range", call.span(), "tseries: invalid " + what + " value (must be non-negative literal)");
    }
}
