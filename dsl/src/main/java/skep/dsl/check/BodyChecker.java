package skep.dsl.check;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import skep.dsl.Type;
import skep.dsl.ast.Expr;
import skep.dsl.ast.Stmt;
import skep.source.Span;

/** Statements of one program. Expressions are {@link ExpressionChecker}'s. */
final class BodyChecker {
    /** The most that {@code unroll} repeats. */
    private static final long MAX_UNROLL = 100;

    private final Checking checking;
    private final Scope scope;
    private final ExpressionChecker expressions;
    private final Optional<Type> functionResult;
    private final String functionName;
    private int loops;
    private int mapLoops;
    private int comptimeDepth;

    BodyChecker(
            Checking checking, ProbeContext probe, Scope scope, Optional<Type> functionResult, String functionName) {
        this.checking = checking;
        this.scope = scope;
        this.functionResult = functionResult;
        this.functionName = functionName;
        this.expressions = new ExpressionChecker(checking, probe, scope, this);
    }

    ExpressionChecker expressions() {
        return expressions;
    }

    /** Whether this place may run several times in one run of the program. */
    boolean insideLoop() {
        return loops > 0;
    }

    boolean insideLoopBody() {
        return mapLoops > 0;
    }

    /** A predicate as a truth value. */
    Optional<Typed.Expr> predicate(Expr predicate) {
        try {
            return Optional.of(expressions.condition(predicate));
        } catch (CheckError error) {
            error.report(checking.diagnostics);
            return Optional.empty();
        }
    }

    List<Typed.Stmt> block(Stmt.Block block) {
        scope.open();
        try {
            return statements(block.statements());
        } finally {
            scope.close();
        }
    }

    List<Typed.Stmt> statements(List<Stmt> statements) {
        var typed = new ArrayList<Typed.Stmt>();
        boolean left = false;
        for (var statement : statements) {
            if (left && checking.last) {
                checking.warn("unreachable", statement.span(), "Unreachable statement", "");
                left = false;
            }
            left |= leaves(statement);
            try {
                typed.add(statement(statement));
            } catch (CheckError error) {
                error.report(checking.diagnostics);
                recover(statement);
            }
        }
        return typed;
    }

    /** Whether what follows in the same block does not run. */
    private static boolean leaves(Stmt statement) {
        return switch (statement) {
            case Stmt.Return _, Stmt.Break _, Stmt.Continue _ -> true;
            case Stmt.ExprStmt s -> s.expr() instanceof Expr.Call c && c.name().equals("exit");
            default -> false;
        };
    }

    /** Declares what a broken statement would have declared, so that one mistake is not told twice. */
    private void recover(Stmt statement) {
        switch (statement) {
            case Stmt.Assign s
            when s.target() instanceof Expr.Var v && scope.find(v.name()).isEmpty() ->
                scope.declare(s, v.name(), v.span()).cell().join(Type.INT64, true);
            case Stmt.Let s
            when scope.find(s.variable().name()).isEmpty() ->
                scope.declare(s, s.variable().name(), s.variable().span())
                        .cell()
                        .join(Type.INT64, true);
            // The condition is wrong: what depends on it is checked all the same.
            case Stmt.If s
            when !(s.condition() instanceof Expr.Comptime) -> {
                block(s.then());
                s.otherwise().ifPresent(this::block);
            }
            case Stmt.While s -> loopBody(s.body());
            default -> {}
        }
    }

    private Typed.Stmt statement(Stmt statement) {
        return switch (statement) {
            case Stmt.ExprStmt s -> expressionStatement(s);
            case Stmt.Assign s -> assign(s);
            case Stmt.DeleteAssign s -> new Typed.Evaluate(expressions.delete(s.target(), s.span()), s.span());
            case Stmt.Let s -> let(s);
            case Stmt.Discard s -> new Typed.Evaluate(expressions.expr(s.expr()), s.span());
            case Stmt.If s -> ifStatement(s);
            case Stmt.While s -> {
                var condition = expressions.condition(s.condition());
                yield new Typed.While(condition, loopBody(s.body()), s.span());
            }
            case Stmt.Unroll s -> unroll(s);
            case Stmt.ForMap s -> forMap(s);
            case Stmt.ForRange s -> forRange(s);
            case Stmt.Return s -> returnStatement(s);
            case Stmt.Break s -> {
                requireLoop("break", s.span());
                yield new Typed.Break(s.span());
            }
            case Stmt.Continue s -> {
                requireLoop("continue", s.span());
                yield new Typed.Continue(s.span());
            }
            case Stmt.Block s -> new Typed.Sequence(block(s), s.span());
        };
    }

    private Typed.Stmt expressionStatement(Stmt.ExprStmt s) {
        if (s.expr() instanceof Expr.BlockValue block) {
            scope.open();
            try {
                var inner = new ArrayList<>(statements(block.statements()));
                if (block.value().isPresent()) {
                    var value = expressions.statementExpr(block.value().get());
                    inner.add(new Typed.Evaluate(value, value.span()));
                }
                return new Typed.Sequence(inner, s.span());
            } finally {
                scope.close();
            }
        }
        var value = expressions.statementExpr(s.expr());
        if (checking.last && s.expr() instanceof Expr.Call call && CallChecker.onlyComputes(call.name())) {
            checking.warn(
                    "discarded",
                    call.span(),
                    "Return value discarded",
                    "use the value, or say that it is not wanted: _ = " + call.name() + "(…)");
        }
        return new Typed.Evaluate(value, s.span());
    }

    private void requireLoop(String what, Span span) {
        if (loops == 0) {
            throw new CheckError("no-loop", span, what + " statement must be inside a loop");
        }
    }

    private List<Typed.Stmt> loopBody(Stmt.Block body) {
        loops++;
        try {
            return block(body);
        } finally {
            loops--;
        }
    }

    private Typed.Stmt assign(Stmt.Assign s) {
        return switch (s.target()) {
            case Expr.Var v -> assignVariable(s, v);
            case Expr.MapRef m -> assignMap(s, m);
            default -> throw new CheckError("assign", s.target().span(), "this cannot be assigned to");
        };
    }

    private Typed.Stmt assignVariable(Stmt.Assign s, Expr.Var v) {
        if (s.op().isPresent()) {
            var variable = expressions.variable(v);
            var current = new Typed.Local(variable, v.span());
            var value = expressions.binaries.binary(s.op().get(), current, expressions.expr(s.value()), s.span());
            return new Typed.SetLocal(variable, store(variable, value, false, s.span()), s.span());
        }
        var value = expressions.value(s.value());
        var variable = scope.find(v.name()).orElseGet(() -> scope.declare(s, v.name(), v.span()));
        return new Typed.SetLocal(variable, store(variable, value, Literal.isNonNegative(value), s.span()), s.span());
    }

    /** Makes the variable's type hold the value, and the value of the variable's type. */
    private Typed.Expr store(LocalVariable variable, Typed.Expr value, boolean literal, Span span) {
        if (value.type() instanceof Type.Aggregation a) {
            throw new CheckError(
                    "type-mismatch", span, "Value '" + a.display() + "' cannot be assigned to a scratch variable.");
        }
        if (checking.last && value.type() instanceof Type.Void && !(value instanceof Typed.Local)) {
            throw new CheckError("type-mismatch", span, "A value is needed here, and this has none");
        }
        var before = variable.type();
        var joined = variable.cell().join(value.type(), literal);
        if (joined.isEmpty() && variable.cell().isLocked()) {
            throw locked(variable.name(), value.type(), before, span);
        }
        if (joined.isEmpty()) {
            throw new CheckError(
                    "type-mismatch",
                    span,
                    "Type mismatch for " + variable.name() + ": trying to assign value of type '"
                            + value.type().display() + "' when variable already has a type '" + before.display() + "'");
        }
        return expressions.convert(value, variable.type());
    }

    /** A type that a decision at compile time rests on is used in a way that would change the decision. */
    static CheckError locked(String name, Type wanted, Type locked, Span span) {
        return new CheckError(
                "type-locked",
                span,
                "Type mismatch for " + name + ": this type has been locked because it was used in another part of the"
                        + " type graph that was already resolved (e.g. `sizeof`, `typeinfo`, etc.). The new type '"
                        + wanted.display() + "' doesn't fit into the locked type '" + locked.display() + "'",
                "give " + name + " the larger type where it is declared or first assigned");
    }

    private Typed.Stmt let(Stmt.Let s) {
        var v = s.variable();
        // "let $x", without the value.
        var declaration = new Span(
                v.span().source(), s.span().start(), v.span().end(), v.span().expandedFrom());
        var shadowed = scope.find(v.name());
        if (shadowed.isPresent()) {
            throw new CheckError(
                            "shadowing",
                            declaration,
                            "Variable " + v.name() + " was already declared. Variable shadowing is not allowed.")
                    .and(shadowed.get().span(), "This is the initial declaration.");
        }
        var value = s.value().map(expressions::value);
        var variable = scope.declare(s, v.name(), declaration);
        if (s.type().isPresent()) {
            var type = expressions.types.type(s.type().get());
            // The type of something else may still grow.
            if (!(type instanceof Type.Void)) {
                variable.cell().fix(type);
            }
        }
        if (value.isEmpty()) {
            return new Typed.ClearLocal(variable, s.span());
        }
        return new Typed.SetLocal(
                variable, store(variable, value.get(), Literal.isNonNegative(value.get()), s.span()), s.span());
    }

    private Typed.Stmt assignMap(Stmt.Assign s, Expr.MapRef m) {
        var map = checking.map(m.name(), m.key().isPresent(), m.span());
        var key = m.key().map(k -> expressions.key(map, k));
        if (s.op().isEmpty() && s.value() instanceof Expr.Call call && Aggregations.isAggregation(call.name())) {
            return aggregate(s, map, key, call);
        }
        if (s.op().isPresent()) {
            return updateMap(s, m, map, key);
        }
        var value = expressions.value(s.value());
        if (value.type() instanceof Type.Void && checking.last) {
            throw new CheckError("type-mismatch", s.span(), "A value is needed here, and this has none");
        }
        if (s.value() instanceof Expr.MapRef source) {
            refuseAggregationCopy(s, m, source);
        }
        return new Typed.SetMap(map, key, store(map, value, s.span()), s.span());
    }

    /** Histograms and statistics are more than a number: they cannot go from map to map. */
    private void refuseAggregationCopy(Stmt.Assign s, Expr.MapRef target, Expr.MapRef source) {
        var type = checking.map(source.name(), source.span()).value();
        var call = switch (type) {
            case Type.Min _ -> "min(retval)";
            case Type.Max _ -> "max(retval)";
            case Type.Avg _ -> "avg(retval)";
            case Type.Stats _ -> "stats(arg2)";
            case Type.Hist _ -> "hist(retval)";
            case Type.LinearHist _ -> "lhist(rand %10, 0, 10, 1)";
            case Type.LogLinearHist _ -> "llhist(retval, 10, 0, 6, 10)";
            case Type.Quantiles _ -> "quantiles(retval)";
            case Type.TimeSeries _ -> "tseries(rand %10, 10s, 1)";
            default -> "";
        };
        if (!call.isEmpty()) {
            throw new CheckError(
                    "type-mismatch",
                    s.span(),
                    "Map value '" + type.display() + "' cannot be assigned from one map to another. The function that"
                            + " returns this type must be called directly e.g. `" + target.name() + " = " + call
                            + ";`.");
        }
    }

    private Typed.Expr store(MapSymbol map, Typed.Expr value, Span span) {
        var before = map.value();
        var joined = map.valueCell().join(value.type(), Literal.isNonNegative(value));
        if (joined.isEmpty() && map.valueCell().isLocked()) {
            throw locked(map.name(), value.type(), before, span);
        }
        if (joined.isEmpty()) {
            throw new CheckError(
                    "type-mismatch",
                    span,
                    "Type mismatch for " + map.name() + ": trying to assign value of type '"
                            + value.type().display() + "' when map already has a type '" + before.display() + "'");
        }
        return expressions.convert(value, map.value());
    }

    private Typed.Stmt aggregate(Stmt.Assign s, MapSymbol map, Optional<Typed.Expr> key, Expr.Call call) {
        var arguments = new ArrayList<Typed.Expr>();
        var type = Aggregations.check(call, expressions, arguments);
        var before = map.value();
        if (map.valueCell().join(type, false).isEmpty()) {
            throw new CheckError(
                    "type-mismatch",
                    s.span(),
                    "Type mismatch for " + map.name() + ": trying to assign value of type '" + type.display()
                            + "' when map already has a type '" + before.display() + "'");
        }
        return new Typed.Aggregate(map, key, arguments, s.span());
    }

    private Typed.Stmt updateMap(Stmt.Assign s, Expr.MapRef m, MapSymbol map, Optional<Typed.Expr> key) {
        var op = s.op().orElseThrow();
        var right = expressions.value(s.value());
        if (map.value() instanceof Type.Void) {
            map.valueCell().join(right.type() instanceof Type.Int i && !i.signed() ? Type.UINT64 : Type.INT64, false);
        }
        if (map.value() instanceof Type.Aggregation a) {
            throw new CheckError(
                    "type-mismatch",
                    s.span(),
                    "Type mismatch for " + map.name() + ": trying to assign value of type '"
                            + (right.type().isSigned() && !Literal.isNonNegative(right) ? "int64" : "uint64")
                            + "' when map already has a type '" + a.display() + "'");
        }
        boolean atomic = map.value() instanceof Type.Int && right.type().isInteger();
        var joinable = switch (op) {
            case ADD, SUB, BIT_OR, BIT_AND, BIT_XOR -> atomic;
            default -> false;
        };
        if (joinable) {
            map.valueCell().join(widest(map.value()), false);
            var amount = expressions.to64(right);
            if (op == Expr.BinaryOp.SUB) {
                amount = expressions.unaries.negate(amount, s.span());
            }
            var plain = op == Expr.BinaryOp.SUB ? Expr.BinaryOp.ADD : op;
            return new Typed.UpdateMap(map, key, plain, amount, s.span());
        }
        var current = new Typed.MapGet(map, key, map.value(), m.span());
        var value = expressions.binaries.binary(op, current, right, s.span());
        return new Typed.SetMap(map, key, store(map, value, s.span()), s.span());
    }

    private static Type widest(Type type) {
        return type.isSigned() ? Type.INT64 : Type.UINT64;
    }

    private Typed.Stmt ifStatement(Stmt.If s) {
        if (s.condition() instanceof Expr.Comptime comptime) {
            return decided(s, comptime);
        }
        var condition = expressions.condition(s.condition());
        var then = block(s.then());
        var otherwise = s.otherwise().map(this::block).orElse(List.of());
        return new Typed.If(condition, then, otherwise, s.span());
    }

    /**
     * A condition of the compiler's. It is decided when the types of what lies outside of it are found; from then on those
     * that it asks for may not change, so that the decision stays right.
     */
    private Typed.Stmt decided(Stmt.If s, Expr.Comptime comptime) {
        if (comptimeDepth >= checking.decidedDepth) {
            checking.undecided = true;
            return new Typed.Sequence(List.of(), s.span());
        }
        checking.locking++;
        Typed.Expr condition;
        try {
            condition = expressions.condition(comptime);
        } finally {
            checking.locking--;
        }
        comptimeDepth++;
        try {
            if (condition instanceof Typed.IntConst constant) {
                if (constant.value() != 0) {
                    return new Typed.Sequence(block(s.then()), s.span());
                }
                return new Typed.Sequence(s.otherwise().map(this::block).orElse(List.of()), s.span());
            }
            throw new CheckError("comptime", comptime.span(), "Unable to resolve comptime expression");
        } finally {
            comptimeDepth--;
        }
    }

    private Typed.Stmt unroll(Stmt.Unroll s) {
        var count = expressions.expr(s.count());
        if (!(count instanceof Typed.IntConst constant)) {
            throw new CheckError("unroll", s.count().span(), "unroll expression must be a literal or a parameter");
        }
        if (constant.value() > MAX_UNROLL) {
            throw new CheckError("unroll", s.span(), "unroll maximum value is " + MAX_UNROLL);
        }
        if (constant.value() < 1) {
            throw new CheckError("unroll", s.span(), "unroll minimum value is 1");
        }
        var repeated = new ArrayList<Typed.Stmt>();
        for (long i = 0; i < constant.value(); i++) {
            repeated.add(new Typed.Sequence(block(s.body()), s.span()));
        }
        return new Typed.Sequence(repeated, s.span());
    }

    private void refuseShadowing(Expr.Var variable) {
        if (scope.find(variable.name()).isPresent()) {
            throw new CheckError(
                    "shadowing", variable.span(), "Loop declaration shadows existing variable: " + variable.name());
        }
    }

    private Typed.Stmt forMap(Stmt.ForMap s) {
        if (s.map().key().isPresent()) {
            throw new CheckError("for", s.map().span(), "a loop needs a whole map, without a key");
        }
        refuseShadowing(s.variable());
        var map = checking.definedMap(s.map().name(), s.map().span());
        if (map.keyednessKnown() && !map.keyed()) {
            throw new CheckError(
                    "for",
                    s.map().span(),
                    map.name() + " has no explicit keys (scalar map), and cannot be used for iteration");
        }
        switch (map.value()) {
            case Type.Hist _,
                    Type.LinearHist _,
                    Type.LogLinearHist _,
                    Type.Quantiles _,
                    Type.TimeSeries _,
                    Type.Stats _ ->
                throw new CheckError(
                        "for",
                        s.map().span(),
                        "Loop expression does not support type: " + map.value().display());
            default -> {}
        }
        scope.open();
        try {
            var variable = scope.declare(s, s.variable().name(), s.variable().span());
            var key = map.key().orElse(Type.VOID);
            if (!(key instanceof Type.Void) && !(map.value() instanceof Type.Void)) {
                variable.cell().join(new Type.Tuple(List.of(key, expressions.readType(map))), false);
            }
            mapLoops++;
            var body = loopBody(s.body());
            return new Typed.ForMap(map, variable, List.of(), body, s.span());
        } finally {
            mapLoops = Math.max(0, mapLoops - 1);
            scope.close();
        }
    }

    private Typed.Stmt forRange(Stmt.ForRange s) {
        refuseShadowing(s.variable());
        var from = expressions.expr(s.from());
        var to = expressions.expr(s.to());
        if (checking.last && !from.type().isInteger()) {
            throw new CheckError("for", s.headSpan(), "Loop range requires an integer for the start value");
        }
        if (checking.last && !to.type().isInteger()) {
            throw new CheckError("for", s.headSpan(), "Loop range requires an integer for the end value");
        }
        scope.open();
        try {
            var variable = scope.declare(s, s.variable().name(), s.variable().span());
            variable.cell().join(Type.INT64, false);
            mapLoops++;
            var body = loopBody(s.body());
            return new Typed.ForRange(variable, expressions.to64(from), expressions.to64(to), body, s.span());
        } finally {
            mapLoops = Math.max(0, mapLoops - 1);
            scope.close();
        }
    }

    private Typed.Stmt returnStatement(Stmt.Return s) {
        var value = s.value().map(expressions::expr);
        if (functionResult.isPresent()) {
            var wanted = functionResult.get();
            var actual = value.map(Typed.Expr::type).orElse(Type.VOID);
            boolean fits = wanted instanceof Type.Void
                    ? actual instanceof Type.Void
                    : !(actual instanceof Type.Void)
                            && (wanted.isInteger() && actual.isInteger()
                                    || Conversions.fits(actual, wanted, Literal.isNonNegative(value.get())));
            if (!fits) {
                throw new CheckError(
                        "type-mismatch",
                        s.span(),
                        "Function " + functionName + " is of type " + wanted.display() + ", cannot return "
                                + actual.display());
            }
            return new Typed.Return(value.map(v -> expressions.convert(v, wanted)), s.span());
        }
        if (value.isPresent() && checking.last && !value.get().type().isInteger()) {
            throw new CheckError("type-mismatch", s.span(), "a probe can only return an integer");
        }
        return new Typed.Return(value.map(expressions::to64), s.span());
    }
}
