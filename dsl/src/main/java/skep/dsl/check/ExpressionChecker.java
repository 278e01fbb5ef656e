package skep.dsl.check;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import skep.dsl.Type;
import skep.dsl.ast.Expr;
import skep.dsl.ast.Expr.BinaryOp;
import skep.source.Span;

/**
 * Expressions of one program: their types, conversions and constants. Operators, names, parts of values and types have
 * classes of their own, which come back here for the expressions inside of theirs.
 */
final class ExpressionChecker {
    private final Checking checking;
    private final ProbeContext probe;
    private final Scope scope;
    private final BodyChecker bodies;
    private final BuiltinChecker builtins;
    private final CallChecker calls;
    private final NameResolver names;
    final UnaryOperators unaries;
    final BinaryOperators binaries;
    final ElementAccess elements;
    final TypeExpressions types;

    ExpressionChecker(Checking checking, ProbeContext probe, Scope scope, BodyChecker bodies) {
        this.checking = checking;
        this.probe = probe;
        this.scope = scope;
        this.bodies = bodies;
        this.builtins = new BuiltinChecker(checking, probe, bodies);
        this.calls = new CallChecker(checking, probe, scope, this, builtins);
        this.names = new NameResolver(this, checking, builtins);
        this.unaries = new UnaryOperators(this, checking, scope);
        this.binaries = new BinaryOperators(this, checking);
        this.elements = new ElementAccess(this, checking, probe, builtins);
        this.types = new TypeExpressions(this, checking, probe);
    }

    Checking checking() {
        return checking;
    }

    ProbeContext probe() {
        return probe;
    }

    // ---- entry points

    /** An expression as a statement: what only makes sense as a value is allowed too. */
    Typed.Expr statementExpr(Expr expr) {
        return expr instanceof Expr.Call call ? calls.call(call) : expr(expr);
    }

    /** An expression that must be a value. */
    Typed.Expr value(Expr expr) {
        return expr(expr);
    }

    Typed.Expr condition(Expr expr) {
        var value = expr(expr);
        return truth(value, expr.span());
    }

    Typed.Expr truth(Typed.Expr value, Span span) {
        return switch (value.type()) {
            case Type.Void _ when !checking.last -> new Typed.IntConst(Type.BOOL, 1, span);
            case Type.Bool _ -> value;
            case Type _
            when value instanceof Typed.IntConst c -> new Typed.IntConst(Type.BOOL, c.value() != 0 ? 1 : 0, span);
            case Type _
            when value instanceof Typed.Text t ->
                new Typed.IntConst(Type.BOOL, t.value().isEmpty() ? 0 : 1, span);
            case Type.Int _, Type.Enum _, Type.Pointer _, Type.Symbolic _ ->
                new Typed.Compare(BinaryOp.NE, to64(value), new Typed.IntConst(Type.INT64, 0, span), false, span);
            case Type t -> throw new CheckError("condition", span, "Invalid condition: " + family(t));
        };
    }

    /** The family name of a type, without sizes. */
    static String family(Type type) {
        return switch (type) {
            case Type.Str _ -> "string";
            case Type.Buffer _ -> "buffer";
            case Type.Void _ -> "none";
            default -> type.display();
        };
    }

    boolean insideLoop() {
        return bodies.insideLoop();
    }

    LocalVariable variable(Expr.Var v) {
        var variable = scope.find(v.name())
                .or(() -> checking.blockScope() ? Optional.empty() : scope.findLeft(v.name()))
                .orElseThrow(() -> new CheckError(
                        "undefined-variable",
                        v.span(),
                        "Undefined or undeclared variable: " + v.name(),
                        NearestNames.hint(v.name(), scope.names())));
        if (checking.locking > 0) {
            variable.cell().lock();
        }
        return variable;
    }

    /** The value of a map's key, converted to the type that holds all keys. */
    Typed.Expr key(MapSymbol map, Expr keyExpr) {
        var key = expr(keyExpr);
        if (key.type() instanceof Type.Aggregation || key.type() instanceof Type.Void && checking.last) {
            throw new CheckError(
                    "map-key", keyExpr.span(), "Value '" + key.type().display() + "' cannot be used as a map key.");
        }
        var before = map.keyCell().type();
        boolean fits =
                map.keyCell().join(key.type(), Literal.isNonNegative(key)).isPresent();
        if (!fits && map.keyCell().isLocked()) {
            throw BodyChecker.locked(map.name(), key.type(), before, keyExpr.span());
        }
        if (!fits) {
            throw new CheckError(
                    "map-key",
                    keyExpr.span(),
                    "Argument mismatch for " + map.name() + ": trying to access with arguments: '"
                            + key.type().display() + "' when map expects arguments: '" + before.display() + "'");
        }
        return convert(key, map.keyCell().type());
    }

    /** What reading a map gives: an aggregation is read as a number. */
    Type readType(MapSymbol map) {
        return switch (map.value()) {
            case Type.Count _ -> Type.UINT64;
            case Type.Sum t -> t.signed() ? Type.INT64 : Type.UINT64;
            case Type.Min t -> t.signed() ? Type.INT64 : Type.UINT64;
            case Type.Max t -> t.signed() ? Type.INT64 : Type.UINT64;
            case Type.Avg t -> t.signed() ? Type.INT64 : Type.UINT64;
            case Type t -> t;
        };
    }

    // ---- expressions

    Typed.Expr expr(Expr expr) {
        return switch (expr) {
            case Expr.IntLit e -> NameResolver.literal(e);
            case Expr.BoolLit e -> new Typed.IntConst(Type.BOOL, e.value() ? 1 : 0, e.span());
            case Expr.StrLit e -> text(e.value(), e.span());
            case Expr.Ident e -> names.name(e);
            case Expr.Positional e -> names.positional(e);
            case Expr.PositionalCount e ->
                new Typed.IntConst(
                        Literals.smallest(checking.positional().size()),
                        checking.positional().size(),
                        e.span());
            case Expr.Var e -> new Typed.Local(variable(e), e.span());
            case Expr.MapRef e -> mapRead(e);
            case Expr.Call e -> callValue(e);
            case Expr.Unary e -> unaries.unary(e);
            case Expr.Increment e -> unaries.increment(e);
            case Expr.Binary e -> binaries.binary(e);
            case Expr.Conditional e -> conditional(e);
            case Expr.Field e -> elements.field(e);
            case Expr.TupleElement e -> elements.tupleElement(expr(e.object()), e.index(), e.span());
            case Expr.Index e -> elements.index(e);
            case Expr.Cast e -> types.cast(e);
            case Expr.Sizeof e -> types.sizeof(e);
            case Expr.Offsetof e -> types.offsetof(e);
            case Expr.TypeArgument e ->
                throw new CheckError(
                        "typeof",
                        e.span(),
                        "When used as a call argument, `typeof` builtin only valid for macro calls that are expecting a"
                                + " type parameter");
            case Expr.Typeinfo e -> types.typeinfo(e);
            case Expr.Tuple e -> {
                var parts = new ArrayList<Typed.Expr>();
                for (var element : e.elements()) {
                    parts.add(part(element));
                }
                yield new Typed.Compose(
                        new Type.Tuple(parts.stream().map(Typed.Expr::type).toList()), parts, e.span());
            }
            case Expr.RecordLit e -> {
                var parts = new ArrayList<Typed.Expr>();
                var members = new ArrayList<Type.Member>();
                for (var member : e.members()) {
                    var value = part(member.value());
                    parts.add(value);
                    members.add(new Type.Member(member.name(), value.type()));
                }
                yield new Typed.Compose(new Type.Rec(members), parts, e.span());
            }
            case Expr.BlockValue e -> blockValue(e);
            case Expr.Comptime e -> {
                var value = expr(e.operand());
                if (!isConstant(value)) {
                    if (!checking.last) {
                        yield value;
                    }
                    throw new CheckError("comptime", e.operand().span(), "Unable to resolve comptime expression");
                }
                yield value;
            }
        };
    }

    static boolean isConstant(Typed.Expr value) {
        return switch (value) {
            case Typed.IntConst _, Typed.Text _ -> true;
            case Typed.Compose c -> c.parts().stream().allMatch(ExpressionChecker::isConstant);
            default -> false;
        };
    }

    private Typed.Expr callValue(Expr.Call call) {
        if (Aggregations.isAggregation(call.name())) {
            throw new CheckError("aggregation", call.span(), call.name() + "() must be assigned directly to a map");
        }
        var value = calls.call(call);
        if (value.type() instanceof Type.Void && value instanceof Typed.Emit && checking.last) {
            throw new CheckError(
                    "type-mismatch",
                    call.span(),
                    call.name() + "() should not be used in an assignment or as a map key");
        }
        return value;
    }

    /** An element of a tuple or record. */
    private Typed.Expr part(Expr element) {
        var value = expr(element);
        if (value.type() instanceof Type.Void && checking.last) {
            throw new CheckError("type-mismatch", element.span(), "A value is needed here, and this has none");
        }
        return value;
    }

    static Typed.Text text(String value, Span span) {
        return new Typed.Text(new Type.Str(Strings.bytes(value).length + 1), value, span);
    }

    Typed.Expr mapRead(Expr.MapRef e) {
        var map = checking.map(e.name(), e.key().isPresent(), e.span());
        var key = e.key().map(k -> key(map, k));
        checking.definedMap(e.name(), e.span());
        checking.lockIfDeciding(map);
        return new Typed.MapGet(map, key, readType(map), e.span());
    }

    private Typed.Expr blockValue(Expr.BlockValue e) {
        scope.open();
        try {
            var statements = bodies.statements(e.statements());
            if (e.value().isEmpty()) {
                return new Typed.Block(statements, new Typed.Nothing(e.span()), e.span());
            }
            var value = statementExpr(e.value().get());
            return statements.isEmpty() ? value : new Typed.Block(statements, value, e.span());
        } finally {
            scope.close();
        }
    }

    boolean unknown(Type type) {
        return type instanceof Type.Void && !checking.last;
    }

    Typed.Expr asPointer(Typed.Expr value, Type target, Span span) {
        return new Typed.Convert(value, new Type.Pointer(target, probe.defaultSpace()), span);
    }

    private Typed.Expr conditional(Expr.Conditional e) {
        var conditionValue = expr(e.condition());
        var condition = truth(conditionValue, e.condition().span());
        var then = e.then().isPresent() ? statementExpr(e.then().get()) : conditionValue;
        var otherwise = statementExpr(e.otherwise());
        if (condition instanceof Typed.IntConst constant && isConstant(then) && isConstant(otherwise)) {
            return constant.value() != 0 ? then : otherwise;
        }
        if (unknown(then.type())) {
            return otherwise;
        }
        if (unknown(otherwise.type())) {
            return then;
        }
        var joined = joined(then, otherwise);
        if (joined.isEmpty()) {
            throw new CheckError(
                    "type-mismatch",
                    e.span(),
                    "Branches must return the same type or compatible types: have '"
                            + then.type().display() + "' and '"
                            + otherwise.type().display() + "'");
        }
        return new Typed.Conditional(
                condition, convert(then, joined.get()), convert(otherwise, joined.get()), joined.get(), e.span());
    }

    private static Optional<Type> joined(Typed.Expr a, Typed.Expr b) {
        if (a.type() instanceof Type.Void != b.type() instanceof Type.Void) {
            return Optional.empty();
        }
        if (Literal.isNonNegative(a) && b.type() instanceof Type.Int i && !i.signed()) {
            return Optional.of(new Type.Int(Math.max(i.sizeBytes(), a.type().sizeBytes()), false));
        }
        if (Literal.isNonNegative(b) && a.type() instanceof Type.Int i && !i.signed()) {
            return Optional.of(new Type.Int(Math.max(i.sizeBytes(), b.type().sizeBytes()), false));
        }
        return Conversions.join(a.type(), b.type());
    }

    // ---- conversions

    /** The value as 64 bits, extended as its type says. */
    Typed.Expr to64(Typed.Expr value) {
        if (value instanceof Typed.IntConst c && c.type() instanceof Type.Int) {
            return new Typed.IntConst(widest(c.type()), c.value(), c.span());
        }
        if (value.type() instanceof Type.Int i && i.sizeBytes() == 8 || unknown(value.type())) {
            return value;
        }
        return new Typed.Convert(value, widest(value.type()), value.span());
    }

    static Type widest(Type type) {
        return type.isSigned() ? Type.INT64 : Type.UINT64;
    }

    /** The value as an address of something. */
    Typed.Expr pointerTo(Typed.Expr value, Type target, Span span) {
        return value.type() instanceof Type.Pointer ? value : asPointer(value, target, span);
    }

    /** The string at an address, read up to {@code capacityBytes} with its NUL. */
    Typed.Expr stringAt(Typed.Expr address, int capacityBytes, Span span) {
        var length = new Typed.IntConst(Type.UINT64, capacityBytes, span);
        return new Typed.Call(
                Typed.Fn.STR, List.of(pointerTo(address, Type.INT8, span), length), new Type.Str(capacityBytes), span);
    }

    /** The value as one of {@code type}, to which it is known to fit. */
    Typed.Expr convert(Typed.Expr value, Type type) {
        if (value.type().equals(type) || type instanceof Type.Void || unknown(value.type())) {
            return value;
        }
        if (value instanceof Typed.IntConst c && type instanceof Type.Int) {
            return new Typed.IntConst(type, c.value(), c.span());
        }
        if (value instanceof Typed.Compose c && type instanceof Type.Tuple t) {
            var parts = new ArrayList<Typed.Expr>();
            for (int i = 0; i < c.parts().size(); i++) {
                parts.add(convert(c.parts().get(i), t.elements().get(i)));
            }
            return new Typed.Compose(t, parts, c.span());
        }
        if (value instanceof Typed.Compose c && c.type() instanceof Type.Rec from && type instanceof Type.Rec to) {
            var parts = new ArrayList<Typed.Expr>();
            for (var member : to.members()) {
                for (int i = 0; i < from.members().size(); i++) {
                    if (from.members().get(i).name().equals(member.name())) {
                        parts.add(convert(c.parts().get(i), member.type()));
                    }
                }
            }
            return new Typed.Compose(to, parts, c.span());
        }
        return new Typed.Convert(value, type, value.span());
    }

    Typed.Expr delete(Expr.MapRef target, Span span) {
        var map = checking.map(target.name(), target.span());
        if (target.key().isEmpty() && map.keyednessKnown() && map.keyed()) {
            throw new CheckError(
                    "map-key",
                    span,
                    target.name() + " has keys: delete one of its entries, or clear(" + target.name() + ")");
        }
        checking.map(target.name(), target.key().isPresent(), target.span());
        var key = target.key().map(k -> key(map, k));
        if (map.value() instanceof Type.Void) {
            map.valueCell().join(Type.INT64, true);
        }
        return new Typed.Delete(map, key, span);
    }
}
