package skep.dsl.check;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import skep.dsl.Type;
import skep.dsl.ast.Expr;
import skep.dsl.ast.Expr.BinaryOp;
import skep.dsl.ast.TypeRef;
import skep.dsl.parse.Parser;
import skep.source.Diagnostics;
import skep.source.Span;

/** Expressions of one program: their types, conversions and constants. */
final class ExpressionChecker {
    private final Checking checking;
    private final ProbeContext probe;
    private final Scope scope;
    private final BodyChecker bodies;
    private final BuiltinChecker builtins;
    private final CallChecker calls;
    private final List<String> expanding = new ArrayList<>();

    ExpressionChecker(Checking checking, ProbeContext probe, Scope scope, BodyChecker bodies) {
        this.checking = checking;
        this.probe = probe;
        this.scope = scope;
        this.bodies = bodies;
        this.builtins = new BuiltinChecker(checking, probe, bodies);
        this.calls = new CallChecker(checking, probe, scope, this, builtins);
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

    LocalVariable variable(Expr.Var v) {
        return scope.find(v.name())
                .or(() -> scope.findLeft(v.name()))
                .orElseThrow(() -> new CheckError(
                        "undefined-variable",
                        v.span(),
                        "Undefined or undeclared variable: " + v.name(),
                        NearestNames.hint(v.name(), scope.names())));
    }

    /** The value of a map's key, converted to the type that holds all keys. */
    Typed.Expr key(MapSymbol map, Expr keyExpr) {
        var key = expr(keyExpr);
        if (key.type() instanceof Type.Aggregation || key.type() instanceof Type.Void && checking.last) {
            throw new CheckError(
                    "map-key", keyExpr.span(), "Value '" + key.type().display() + "' cannot be used as a map key.");
        }
        var before = map.keyCell().type();
        if (map.keyCell().join(key.type(), Literal.isNonNegative(key)).isEmpty()) {
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
            case Expr.IntLit e -> literal(e);
            case Expr.BoolLit e -> new Typed.IntConst(Type.BOOL, e.value() ? 1 : 0, e.span());
            case Expr.StrLit e -> text(e.value(), e.span());
            case Expr.Ident e -> name(e);
            case Expr.Positional e -> positional(e);
            case Expr.PositionalCount e ->
                new Typed.IntConst(
                        Literals.smallest(checking.positional().size()),
                        checking.positional().size(),
                        e.span());
            case Expr.Var e -> new Typed.Local(variable(e), e.span());
            case Expr.MapRef e -> mapRead(e);
            case Expr.Call e -> callValue(e);
            case Expr.Unary e -> unary(e);
            case Expr.Increment e -> increment(e);
            case Expr.Binary e -> binary(e);
            case Expr.Conditional e -> conditional(e);
            case Expr.Field e -> field(e);
            case Expr.TupleElement e -> tupleElement(expr(e.object()), e.index(), e.span());
            case Expr.Index e -> index(e);
            case Expr.Cast e -> cast(e);
            case Expr.Sizeof e -> sizeof(e);
            case Expr.Offsetof e -> offsetof(e);
            case Expr.TypeArgument e ->
                throw new CheckError(
                        "typeof",
                        e.span(),
                        "When used as a call argument, `typeof` builtin only valid for macro calls that are expecting a"
                                + " type parameter");
            case Expr.Typeinfo e -> typeinfo(e);
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

    private static boolean isConstant(Typed.Expr value) {
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

    private static Typed.IntConst literal(Expr.IntLit e) {
        Type type = e.unsigned() ? Type.UINT64 : e.pinned() ? Type.INT64 : Literals.smallest(e.value());
        return new Typed.IntConst(type, e.value(), e.span());
    }

    static Typed.Text text(String value, Span span) {
        return new Typed.Text(new Type.Str(Strings.bytes(value).length + 1), value, span);
    }

    private Typed.Expr name(Expr.Ident e) {
        var plain = Uses.plain(e.name());
        var builtin = builtins.value(plain, e.span());
        if (builtin.isPresent()) {
            return builtin.get();
        }
        var define = checking.types.declared().define(e.name());
        if (define.isPresent()) {
            return expand(e, define.get());
        }
        var enumerator = checking.enumerator(e.name(), e.span());
        if (enumerator.isPresent()) {
            return enumerator.get();
        }
        var error = SystemConstants.error(e.name());
        if (error.isPresent()) {
            return new Typed.IntConst(Type.INT32, error.getAsInt(), e.span());
        }
        var call = calls.withoutArguments(plain, e);
        if (call.isPresent()) {
            return call.get();
        }
        throw new CheckError(
                "unknown-name",
                e.span(),
                "Unknown identifier: '" + e.name() + "'",
                NearestNames.hint(e.name(), builtins.names()));
    }

    /** The value of a {@code #define}. */
    private Typed.Expr expand(Expr.Ident e, skep.source.Source replacement) {
        if (expanding.contains(e.name())) {
            throw new CheckError("macro", e.span(), "Macro recursion: " + e.name());
        }
        var parsed = Parser.parseExpression(replacement, new Diagnostics());
        if (parsed.isEmpty()) {
            throw new CheckError(
                    "macro",
                    e.span(),
                    "unable to expand macro as an expression: "
                            + replacement.text().replaceAll("\\s+", ""));
        }
        expanding.add(e.name());
        try {
            return expr(parsed.get());
        } finally {
            expanding.removeLast();
        }
    }

    private Typed.Expr positional(Expr.Positional e) {
        var given = checking.positional();
        if (e.index() > given.size()) {
            return new Typed.IntConst(Type.INT64, 0, e.span());
        }
        var text = given.get((int) e.index() - 1);
        var number = Strings.number(text);
        if (number.isPresent()) {
            long value = number.getAsLong();
            boolean unsigned = value < 0 && !text.startsWith("-");
            return new Typed.IntConst(unsigned ? Type.UINT64 : Literals.smallest(value), value, e.span());
        }
        return text(text, e.span());
    }

    private Typed.Expr mapRead(Expr.MapRef e) {
        var map = checking.map(e.name(), e.key().isPresent(), e.span());
        var key = e.key().map(k -> key(map, k));
        checking.definedMap(e.name(), e.span());
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

    // ---- operators

    private Typed.Expr unary(Expr.Unary e) {
        return switch (e.op()) {
            case NEGATE -> {
                if (e.operand() instanceof Expr.IntLit literal && literal.unsigned() && !literal.pinned()) {
                    if (literal.value() != Long.MIN_VALUE) {
                        throw new CheckError(
                                "overflow",
                                e.span(),
                                "underflow: -" + literal.span().text());
                    }
                    yield new Typed.IntConst(Type.INT64, Long.MIN_VALUE, e.span());
                }
                yield negate(integer(expr(e.operand()), "-", e.span()), e.span());
            }
            case PLUS -> integer(expr(e.operand()), "+", e.span());
            case NOT -> {
                var operand = truthOperand(expr(e.operand()), e.span());
                yield operand instanceof Typed.IntConst c
                        ? new Typed.IntConst(Type.BOOL, c.value() == 0 ? 1 : 0, e.span())
                        : new Typed.Not(operand, e.span());
            }
            case COMPLEMENT -> {
                var operand = expr(e.operand());
                if (operand.type() instanceof Type.Bool || !(operand.type().isInteger() || unknown(operand.type()))) {
                    throw new CheckError(
                            "type-mismatch",
                            e.span(),
                            "The ~ operator can not be used on expressions of type '" + family(operand.type()) + "'");
                }
                if (operand instanceof Typed.IntConst c) {
                    long value = ~c.value();
                    yield new Typed.IntConst(value < 0 ? Type.UINT64 : Literals.smallest(value), value, e.span());
                }
                yield new Typed.Complement(to64(operand), widest(operand.type()), e.span());
            }
            case DEREFERENCE -> dereference(expr(e.operand()), e.span());
            case ADDRESS_OF -> addressOf(e);
        };
    }

    private Typed.Expr truthOperand(Typed.Expr value, Span span) {
        if (value.type() instanceof Type.Pointer
                || value.type().isInteger()
                || value instanceof Typed.Text
                || unknown(value.type())) {
            return truth(value, span);
        }
        throw new CheckError(
                "type-mismatch",
                span,
                "The ! operator can not be used on expressions of type '" + family(value.type()) + "'");
    }

    private boolean unknown(Type type) {
        return type instanceof Type.Void && !checking.last;
    }

    private Typed.Expr integer(Typed.Expr value, String op, Span span) {
        if (value.type().isInteger() || unknown(value.type())) {
            return value;
        }
        throw new CheckError(
                "type-mismatch",
                span,
                "The " + op + " operator can not be used on expressions of type '" + family(value.type()) + "'");
    }

    Typed.Expr negate(Typed.Expr value, Span span) {
        if (value instanceof Typed.IntConst c) {
            long negated = -c.value();
            return new Typed.IntConst(
                    c.type() instanceof Type.Int i && i.sizeBytes() == 8 && !Literal.isNonNegative(c)
                            ? Type.INT64
                            : Literals.smallest(negated),
                    negated,
                    span);
        }
        return new Typed.Negate(to64(value), Type.INT64, span);
    }

    private Typed.Expr addressOf(Expr.Unary e) {
        return switch (e.operand()) {
            case Expr.Var v -> {
                var variable = variable(v);
                yield new Typed.AddressOfLocal(
                        variable, new Type.Pointer(variable.type(), Type.AddressSpace.BPF), e.span());
            }
            case Expr.MapRef m -> {
                var map = checking.map(m.name(), m.key().isPresent(), m.span());
                var key = m.key().map(k -> key(map, k));
                checking.definedMap(m.name(), m.span());
                yield new Typed.AddressOfMap(map, key, new Type.Pointer(map.value(), Type.AddressSpace.BPF), e.span());
            }
            default -> throw new CheckError("address", e.span(), "Can only take the address of variables and maps");
        };
    }

    Typed.Expr dereference(Typed.Expr pointer, Span span) {
        return switch (pointer.type()) {
            case Type.Pointer p -> {
                if (p.target() instanceof Type.Void) {
                    throw new CheckError(
                            "type-mismatch", span, "Can not dereference pointers of type '" + p.display() + "'");
                }
                yield new Typed.Dereference(pointer, p.target(), span);
            }
            case Type.Int _ -> new Typed.Dereference(asPointer(pointer, Type.INT64, span), Type.INT64, span);
            case Type.Void _ when !checking.last -> pointer;
            case Type t ->
                throw new CheckError(
                        "type-mismatch", span, "Can not dereference type '" + family(t) + "'. It's not a pointer.");
        };
    }

    Typed.Expr asPointer(Typed.Expr value, Type target, Span span) {
        return new Typed.Convert(value, new Type.Pointer(target, probe.defaultSpace()), span);
    }

    private Typed.Expr increment(Expr.Increment e) {
        long delta = e.up() ? 1 : -1;
        if (e.target() instanceof Expr.MapRef m) {
            var map = checking.map(m.name(), m.key().isPresent(), m.span());
            var key = m.key().map(k -> key(map, k));
            if (map.value() instanceof Type.Void) {
                map.valueCell().join(Type.INT64, false);
            }
            if (map.value() instanceof Type.Int i) {
                map.valueCell().join(i.signed() ? Type.INT64 : Type.UINT64, false);
            } else if (!(map.value() instanceof Type.Pointer)) {
                throw new CheckError(
                        "type-mismatch",
                        e.span(),
                        "The " + (e.up() ? "++" : "--") + " operator can not be used on a map of type '"
                                + family(map.value()) + "'");
            }
            return new Typed.MapIncrement(map, key, scale(map.value(), delta), e.prefix(), map.value(), e.span());
        }
        var v = (Expr.Var) e.target();
        var variable = scope.find(v.name()).orElseGet(() -> scope.declare(e, v.name(), v.span()));
        if (variable.type() instanceof Type.Void) {
            variable.cell().join(Type.INT64, false);
        }
        if (variable.type() instanceof Type.Int i && !variable.cell().isFixed()) {
            variable.cell().join(i.signed() ? Type.INT64 : Type.UINT64, false);
        } else if (!(variable.type() instanceof Type.Pointer) && !(variable.type() instanceof Type.Int)) {
            throw new CheckError(
                    "type-mismatch",
                    e.span(),
                    "The " + (e.up() ? "++" : "--") + " operator can not be used on a variable of type '"
                            + family(variable.type()) + "'");
        }
        return new Typed.LocalIncrement(variable, scale(variable.type(), delta), e.prefix(), variable.type(), e.span());
    }

    private static long scale(Type type, long delta) {
        return type instanceof Type.Pointer p ? delta * Math.max(1, p.target().sizeBytes()) : delta;
    }

    private Typed.Expr binary(Expr.Binary e) {
        if (e.op().isLogical()) {
            var left = truthOfOperand(expr(e.left()), e);
            var right = truthOfOperand(expr(e.right()), e);
            if (left instanceof Typed.IntConst l) {
                boolean decided = e.op() == BinaryOp.AND ? l.value() == 0 : l.value() != 0;
                if (decided) {
                    return new Typed.IntConst(Type.BOOL, l.value(), e.span());
                }
                return right instanceof Typed.IntConst r ? new Typed.IntConst(Type.BOOL, r.value(), e.span()) : right;
            }
            return new Typed.Logic(e.op() == BinaryOp.AND, left, right, e.span());
        }
        return binary(e.op(), expr(e.left()), expr(e.right()), e.span());
    }

    private Typed.Expr truthOfOperand(Typed.Expr value, Expr.Binary e) {
        if (value.type().isInteger()
                || value.type() instanceof Type.Pointer
                || value instanceof Typed.Text
                || value.type() instanceof Type.Symbolic
                || unknown(value.type())) {
            return truth(value, value.span());
        }
        throw new CheckError(
                "type-mismatch",
                value.span(),
                "The " + e.op().text() + " operator can not be used on expressions of type '" + family(value.type())
                        + "'");
    }

    /** Any operator but the logical ones. */
    Typed.Expr binary(BinaryOp op, Typed.Expr left, Typed.Expr right, Span span) {
        if (unknown(left.type()) || unknown(right.type())) {
            return op.isComparison()
                    ? new Typed.IntConst(Type.BOOL, 1, span)
                    : unknown(left.type())
                                    && !unknown(right.type())
                                    && right.type().isInteger()
                            ? new Typed.Convert(right, widest(right.type()), span)
                            : unknown(right.type()) && left.type().isInteger()
                                    ? new Typed.Convert(left, widest(left.type()), span)
                                    : new Typed.Nothing(span);
        }
        if (left instanceof Typed.IntConst l && right instanceof Typed.IntConst r) {
            var folded = ConstantFolding.fold(op, l, r, span);
            if (folded.isPresent()) {
                return folded.get();
            }
        }
        if (isText(left) || isText(right)) {
            return texts(op, left, right, span);
        }
        if (op.isComparison()) {
            return compare(op, left, right, span);
        }
        if (left.type() instanceof Type.Pointer || right.type() instanceof Type.Pointer) {
            return pointers(op, left, right, span);
        }
        if (!left.type().isInteger() || !right.type().isInteger()) {
            throw mismatch(op, left, right, span);
        }
        boolean signed = signed(left, right);
        if ((op == BinaryOp.DIV || op == BinaryOp.MOD) && signed(left) != signed(right)) {
            warnSigns("operations", op, left, right, span);
        }
        if (op == BinaryOp.SHL || op == BinaryOp.SHR) {
            signed = left.type().isSigned() && !Literal.isNonNegative(left)
                    || Literal.isNonNegative(left) && op == BinaryOp.SHL;
        }
        return new Typed.Arithmetic(op, to64(left), to64(right), signed ? Type.INT64 : Type.UINT64, span);
    }

    private void warnSigns(String what, BinaryOp op, Typed.Expr left, Typed.Expr right, Span span) {
        if (checking.last && !Literal.isNonNegative(left) && !Literal.isNonNegative(right)) {
            boolean bothFit = left.type().sizeBytes() < 8 && right.type().sizeBytes() < 8;
            if (!bothFit) {
                checking.warn(
                        "signs",
                        span,
                        op.isComparison()
                                ? "comparison of integers of different signs: '"
                                        + left.type().display() + "' and '"
                                        + right.type().display() + "' can lead to undefined behavior"
                                : "arithmetic on integers of different signs: '"
                                        + left.type().display() + "' and '"
                                        + right.type().display() + "' can lead to undefined behavior",
                        "cast one side, for example (int64)");
            }
        }
    }

    private static boolean signed(Typed.Expr value) {
        return value.type().isSigned();
    }

    /** Whether 64-bit arithmetic on both is signed: unsigned values below 64 bits fit into a signed 64-bit number. */
    private static boolean signed(Typed.Expr left, Typed.Expr right) {
        if (Literal.isNonNegative(left) && Literal.isNonNegative(right)) {
            return true;
        }
        if (Literal.isNonNegative(left)) {
            return right.type().isSigned();
        }
        if (Literal.isNonNegative(right)) {
            return left.type().isSigned();
        }
        boolean leftFits = left.type().isSigned() || left.type().sizeBytes() < 8;
        boolean rightFits = right.type().isSigned() || right.type().sizeBytes() < 8;
        return (left.type().isSigned() || right.type().isSigned()) && leftFits && rightFits;
    }

    private static boolean isText(Typed.Expr value) {
        return value.type() instanceof Type.Str;
    }

    private Typed.Expr texts(BinaryOp op, Typed.Expr left, Typed.Expr right, Span span) {
        if (left instanceof Typed.Text l && right instanceof Typed.Text r) {
            int order = l.value().compareTo(r.value());
            return switch (op) {
                case EQ -> new Typed.IntConst(Type.BOOL, order == 0 ? 1 : 0, span);
                case NE -> new Typed.IntConst(Type.BOOL, order != 0 ? 1 : 0, span);
                case LT -> new Typed.IntConst(Type.BOOL, order < 0 ? 1 : 0, span);
                case GT -> new Typed.IntConst(Type.BOOL, order > 0 ? 1 : 0, span);
                case LE -> new Typed.IntConst(Type.BOOL, order <= 0 ? 1 : 0, span);
                case GE -> new Typed.IntConst(Type.BOOL, order >= 0 ? 1 : 0, span);
                case ADD -> text(l.value() + r.value(), span);
                default -> throw mismatch(op, left, right, span);
            };
        }
        if (left instanceof Typed.Text l && right instanceof Typed.IntConst r && op == BinaryOp.ADD) {
            int from = (int) Math.max(0, Math.min(r.value(), l.value().length()));
            return text(l.value().substring(from), span);
        }
        if (isText(left) && isText(right) && (op == BinaryOp.EQ || op == BinaryOp.NE)) {
            int length = Math.min(left.type().sizeBytes(), right.type().sizeBytes());
            return new Typed.TextCompare(left, right, length, op == BinaryOp.EQ, span);
        }
        throw mismatch(op, left, right, span);
    }

    private CheckError mismatch(BinaryOp op, Typed.Expr left, Typed.Expr right, Span span) {
        if (left.type().equals(right.type()) || isText(left) && isText(right)) {
            return new CheckError(
                    "type-mismatch",
                    span,
                    "The " + op.text() + " operator can not be used on expressions of types '" + family(left.type())
                            + "' and '" + family(right.type()) + "'");
        }
        return new CheckError(
                "type-mismatch",
                span,
                "Type mismatch for '" + op.text() + "': comparing "
                        + left.type().display() + " with " + right.type().display());
    }

    private Typed.Expr compare(BinaryOp op, Typed.Expr left, Typed.Expr right, Span span) {
        boolean equality = op == BinaryOp.EQ || op == BinaryOp.NE;
        if (left.type().isInteger() && right.type().isInteger()) {
            if (signed(left) != signed(right)) {
                warnSigns("comparison", op, left, right, span);
            }
            return new Typed.Compare(op, to64(left), to64(right), signed(left, right), span);
        }
        if (comparable64(left.type()) && comparable64(right.type())) {
            return new Typed.Compare(op, to64(left), to64(right), false, span);
        }
        if (equality && left.type() instanceof Type.Tuple l && right.type() instanceof Type.Tuple r) {
            return tuples(op, left, l, right, r, span);
        }
        if (equality && left.type() instanceof Type.Array && left.type().equals(right.type())) {
            return new Typed.BytesCompare(left, right, op == BinaryOp.EQ, span);
        }
        if (equality
                && left.type().equals(right.type())
                && left.type().sizeBytes() > 0
                && (left.type() instanceof Type.Inet
                        || left.type() instanceof Type.MacAddress
                        || left.type() instanceof Type.UserSymbol
                        || left.type() instanceof Type.UserStack)) {
            return new Typed.BytesCompare(left, right, op == BinaryOp.EQ, span);
        }
        throw mismatch(op, left, right, span);
    }

    private static boolean comparable64(Type type) {
        return type.isInteger()
                || type instanceof Type.Pointer
                || type instanceof Type.Symbolic
                || type instanceof Type.KernelStack
                || type instanceof Type.CgroupPath
                || type instanceof Type.Timestamp;
    }

    private Typed.Expr tuples(BinaryOp op, Typed.Expr left, Type.Tuple l, Typed.Expr right, Type.Tuple r, Span span) {
        if (l.elements().size() != r.elements().size()) {
            if (op == BinaryOp.NE || op == BinaryOp.EQ) {
                return new Typed.IntConst(Type.BOOL, op == BinaryOp.NE ? 1 : 0, span);
            }
            throw mismatch(op, left, right, span);
        }
        Typed.Expr all = new Typed.IntConst(Type.BOOL, 1, span);
        boolean constant = true;
        for (int i = 0; i < l.elements().size(); i++) {
            var same =
                    binary(BinaryOp.EQ, tupleElement(left, i, left.span()), tupleElement(right, i, right.span()), span);
            if (same instanceof Typed.IntConst c) {
                if (c.value() == 0) {
                    return new Typed.IntConst(Type.BOOL, op == BinaryOp.NE ? 1 : 0, span);
                }
                continue;
            }
            all = constant ? same : new Typed.Logic(true, all, same, span);
            constant = false;
        }
        if (constant) {
            return new Typed.IntConst(Type.BOOL, op == BinaryOp.EQ ? 1 : 0, span);
        }
        return op == BinaryOp.EQ ? all : new Typed.Not(all, span);
    }

    private Typed.Expr pointers(BinaryOp op, Typed.Expr left, Typed.Expr right, Span span) {
        if (left.type() instanceof Type.Pointer
                && right.type().isInteger()
                && (op == BinaryOp.ADD || op == BinaryOp.SUB)) {
            return new Typed.PointerMove(left, to64(right), op == BinaryOp.SUB, left.type(), span);
        }
        if (right.type() instanceof Type.Pointer && left.type().isInteger() && op == BinaryOp.ADD) {
            return new Typed.PointerMove(right, to64(left), false, right.type(), span);
        }
        boolean bitwise =
                op == BinaryOp.BIT_AND || op == BinaryOp.BIT_OR || op == BinaryOp.BIT_XOR || op == BinaryOp.SHR;
        if (bitwise && left.type() instanceof Type.Pointer && right.type().isInteger()) {
            return new Typed.Arithmetic(op, to64(left), to64(right), Type.UINT64, span);
        }
        throw new CheckError(
                "type-mismatch",
                span,
                "The " + op.text() + " operator can not be used on expressions of types '"
                        + left.type().display() + "', '" + right.type().display() + "'");
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

    // ---- parts

    private Typed.Expr field(Expr.Field e) {
        if (e.object() instanceof Expr.Ident i && Uses.plain(i.name()).equals("args")) {
            return builtins.argument(e.name(), i.span(), e.span());
        }
        var object = expr(e.object());
        return member(object, e.name(), e.nameSpan(), e.span());
    }

    private Typed.Expr member(Typed.Expr object, String name, Span nameSpan, Span span) {
        return switch (object.type()) {
            case Type.Void _ when !checking.last -> object;
            case Type.Pointer p
            when p.target() instanceof Type.Struct ->
                member(new Typed.Dereference(object, p.target(), span), name, nameSpan, span);
            case Type.Pointer p
            when p.target() instanceof Type.Rec || p.target() instanceof Type.Tuple ->
                member(new Typed.Dereference(object, p.target(), span), name, nameSpan, span);
            case Type.Struct s -> {
                var field = CTypes.field(s, name);
                if (field.isEmpty()) {
                    throw new CheckError(
                            "unknown-field",
                            span,
                            "'" + s.name() + "' has no field named '" + name + "'",
                            NearestNames.hint(name, CTypes.fieldNames(s)));
                }
                var f = field.get();
                yield new Typed.Part(
                        object, f.offsetBytes(), spaced(f.type(), object), f.bitOffset(), f.bitWidth(), span);
            }
            case Type.Rec r -> {
                for (int i = 0; i < r.members().size(); i++) {
                    if (r.members().get(i).name().equals(name)) {
                        yield partOf(
                                object, i, r.offsetOf(i), r.members().get(i).type(), span);
                    }
                }
                throw new CheckError(
                        "unknown-field",
                        span,
                        "Record has no field named '" + name + "'",
                        NearestNames.hint(name, r.members().stream().map(Type.Member::name)));
            }
            case Type t ->
                throw new CheckError(
                        "type-mismatch",
                        span,
                        "Can not access field '" + name + "' on expression of type '" + family(t) + "'");
        };
    }

    /** Pointers found in user memory point into user memory, and so on. */
    private Type spaced(Type type, Typed.Expr object) {
        if (type instanceof Type.Pointer p && p.space() == Type.AddressSpace.ANY) {
            return new Type.Pointer(p.target(), spaceOf(object));
        }
        return type;
    }

    private Type.AddressSpace spaceOf(Typed.Expr place) {
        return switch (place) {
            case Typed.Dereference d
            when d.pointer().type() instanceof Type.Pointer p && p.space() != Type.AddressSpace.BPF -> p.space();
            case Typed.Part p -> spaceOf(p.whole());
            case Typed.Element e -> spaceOf(e.array());
            default -> probe.defaultSpace();
        };
    }

    private static Typed.Expr partOf(Typed.Expr whole, int index, int offset, Type type, Span span) {
        return whole instanceof Typed.Compose c && isConstant(c.parts().get(index))
                ? c.parts().get(index)
                : new Typed.Part(whole, offset, type, 0, 0, span);
    }

    private Typed.Expr tupleElement(Typed.Expr tuple, long index, Span span) {
        return switch (tuple.type()) {
            case Type.Void _ when !checking.last -> tuple;
            case Type.Tuple t -> {
                if (index < 0 || index >= t.elements().size()) {
                    throw new CheckError(
                            "range",
                            span,
                            "Invalid tuple index: " + index + ". Found "
                                    + t.elements().size() + " elements in tuple.");
                }
                int i = (int) index;
                yield partOf(tuple, i, t.offsetOf(i), t.elements().get(i), span);
            }
            case Type.Pointer p
            when p.target() instanceof Type.Tuple ->
                tupleElement(new Typed.Dereference(tuple, p.target(), span), index, span);
            case Type t ->
                throw new CheckError(
                        "type-mismatch",
                        span,
                        "Can not access index '" + index + "' on expression of type '" + family(t) + "'");
        };
    }

    private Typed.Expr index(Expr.Index e) {
        var object = expr(e.object());
        var index = expr(e.index());
        if (unknown(object.type()) || unknown(index.type())) {
            return object;
        }
        if (!index.type().isInteger()) {
            throw new CheckError(
                    "type-mismatch",
                    e.span(),
                    "The array index operator [] only accepts positive (unsigned) integer indices. Got: "
                            + family(index.type()));
        }
        boolean negative = index instanceof Typed.IntConst c ? c.value() < 0 : false;
        return switch (object.type()) {
            case Type.Tuple _ when index instanceof Typed.IntConst c -> tupleElement(object, c.value(), e.span());
            case Type.Array a -> element(object, a.element(), a.length(), index, negative, e.span());
            case Type.Str s -> {
                if (index.type().isSigned() && !Literal.isNonNegative(index)) {
                    throw new CheckError(
                            "type-mismatch",
                            e.span(),
                            "The array index operator [] only accepts positive (unsigned) integer indices. Got: "
                                    + index.type().display());
                }
                yield element(object, Type.INT8, s.sizeBytes(), index, negative, e.span());
            }
            case Type.Pointer p -> {
                if (p.target() instanceof Type.Void) {
                    throw new CheckError("type-mismatch", e.span(), "Can not index a pointer to void");
                }
                var moved = new Typed.PointerMove(object, to64(index), false, p, e.span());
                yield new Typed.Dereference(moved, p.target(), e.span());
            }
            case Type.Inet _, Type.MacAddress _, Type.Buffer _ -> throw notIndexable(object.type(), e.span());
            case Type t -> throw notIndexable(t, e.span());
        };
    }

    private static CheckError notIndexable(Type type, Span span) {
        return new CheckError(
                "type-mismatch",
                span,
                "The array index operator [] can only be used on arrays, strings, tuples and pointers, found "
                        + family(type) + ".");
    }

    private Typed.Expr element(
            Typed.Expr array, Type element, int length, Typed.Expr index, boolean negative, Span span) {
        if (negative) {
            throw new CheckError(
                    "range",
                    span,
                    "The array index operator [] only accepts positive (unsigned) integer indices. Got: "
                            + ((Typed.IntConst) index).value());
        }
        if (index instanceof Typed.IntConst c) {
            if (length > 0 && c.value() >= length) {
                throw new CheckError(
                        "range", span, "the index " + c.value() + " is out of bounds for array of size " + length);
            }
            return new Typed.Part(array, (int) (c.value() * element.sizeBytes()), spaced(element, array), 0, 0, span);
        }
        if (array.type() instanceof Type.Array
                && index.type().isSigned()
                && index.type().sizeBytes() < 8
                && index instanceof Typed.Local l
                && l.variable().cell().isFixed()) {
            return new Typed.Element(array, to64(index), length, spaced(element, array), span);
        }
        return new Typed.Element(array, to64(index), length, spaced(element, array), span);
    }

    // ---- types

    Type type(TypeRef ref) {
        return switch (ref) {
            case TypeRef.Name n ->
                namedType(n.name())
                        .orElseThrow(() -> new CheckError(
                                "unknown-type",
                                n.span(),
                                "Cannot resolve unknown type \"" + n.name() + "\"",
                                checking.last ? NearestNames.hint(n.name(), checking.types.names(n.name())) : ""));
            case TypeRef.PointerTo p -> new Type.Pointer(type(p.target()), Type.AddressSpace.ANY);
            case TypeRef.ArrayOf a -> {
                var length = a.length().map(l -> constant(l, "array size"));
                if (a.element() instanceof TypeRef.Name n && n.name().equals("string")) {
                    yield new Type.Str(length.map(Long::intValue).orElse(checking.settings.maxStringBytes()));
                }
                if (a.element() instanceof TypeRef.Name n && n.name().equals("buffer")) {
                    yield new Type.Buffer(length.map(Long::intValue).orElse(checking.settings.maxStringBytes()));
                }
                yield new Type.Array(
                        type(a.element()), length.map(Long::intValue).orElse(0));
            }
            case TypeRef.TypeOf t -> subjectType(t.subject());
        };
    }

    /** Behind the script's own types come those of the probed program, then the kernel's. */
    private Optional<Type> namedType(String name) {
        boolean ofKernel = checking.types.isKernelType(name);
        return ofKernel
                ? probe.binaryTypes()
                        .flatMap(types -> types.named(name, checking.settings.maxStringBytes()))
                        .or(() -> checking.namedType(name))
                : checking.namedType(name);
    }

    private long constant(Expr expr, String what) {
        if (expr(expr) instanceof Typed.IntConst c && c.value() >= 0 && c.value() <= Integer.MAX_VALUE) {
            return c.value();
        }
        throw new CheckError("type", expr.span(), what + " must be a non-negative literal");
    }

    private Type subjectType(Expr.TypeOrExpr subject) {
        return switch (subject) {
            case Expr.OfType t
            when t.type() instanceof TypeRef.Name n
                    && checking.namedType(n.name()).isEmpty()
                    && !n.name().contains(" ")
                    && (checking.types.declared().isDefined(n.name())
                            || checking.enumerator(n.name(), n.span()).isPresent()) ->
                expr(new Expr.Ident(n.name(), n.span())).type();
            case Expr.OfType t -> type(t.type());
            case Expr.OfExpr e -> withoutEffects(e.expr()).type();
        };
    }

    private Typed.Expr withoutEffects(Expr e) {
        if (e instanceof Expr.BlockValue block) {
            for (var statement : block.statements()) {
                if (statement instanceof skep.dsl.ast.Stmt.Assign a && a.target() instanceof Expr.MapRef) {
                    throw new CheckError(
                            "typeof", e.span(), "Map assignments not allowed inside of typeof or typeinfo");
                }
            }
        }
        if (e instanceof Expr.MapRef m && m.key().isEmpty()) {
            var map = checking.map(m.name(), m.span());
            return new Typed.MapGet(map, Optional.empty(), readType(map), m.span());
        }
        return expr(e);
    }

    private Typed.Expr sizeof(Expr.Sizeof e) {
        int size = subjectType(e.subject()).sizeBytes();
        return new Typed.IntConst(Type.UINT64, size, e.span());
    }

    private Typed.Expr offsetof(Expr.Offsetof e) {
        var type = subjectType(e.subject());
        int offset = 0;
        for (var name : e.path()) {
            if (!(type instanceof Type.Struct struct)) {
                throw new CheckError(
                        "unknown-field", e.span(), "'" + type.display() + "' is not of type struct or union.");
            }
            var field = CTypes.field(struct, name);
            if (field.isEmpty()) {
                throw new CheckError(
                        "unknown-field",
                        e.span(),
                        "'" + struct.name() + "' has no field named '" + name + "'",
                        NearestNames.hint(name, CTypes.fieldNames(struct)));
            }
            offset += field.get().offsetBytes();
            type = field.get().type();
        }
        return new Typed.IntConst(Type.UINT64, offset, e.span());
    }

    private Typed.Expr typeinfo(Expr.Typeinfo e) {
        var type = subjectType(e.subject());
        if (type instanceof Type.Void && !checking.last) {
            return new Typed.Nothing(e.span());
        }
        if (type instanceof Type.Void) {
            throw new CheckError("comptime", e.span(), "Unable to resolve comptime expression");
        }
        var base = text(baseType(type), e.span());
        var full = text(type.display(), e.span());
        var id = new Typed.IntConst(Type.UINT32, 0, e.span());
        var members = List.of(
                new Type.Member("btf_id", id.type()),
                new Type.Member("base_type", base.type()),
                new Type.Member("full_type", full.type()));
        return new Typed.Compose(new Type.Rec(members), List.of(id, base, full), e.span());
    }

    private static String baseType(Type type) {
        return switch (type) {
            case Type.Int _ -> "int";
            case Type.Bool _ -> "bool";
            case Type.Str _ -> "string";
            case Type.Buffer _ -> "buffer";
            case Type.Tuple _ -> "tuple";
            case Type.Rec _ -> "record";
            case Type.Array _ -> "array";
            case Type.Pointer _ -> "pointer";
            case Type.Struct _ -> "c_type";
            case Type.Enum _ -> "enum";
            case Type.KernelStack _ -> "kstack";
            case Type.UserStack _ -> "ustack";
            default -> type.display();
        };
    }

    private Typed.Expr cast(Expr.Cast e) {
        var value = e.operand() instanceof Expr.MapRef m ? mapRead(m) : expr(e.operand());
        var type = type(e.type());
        if (type instanceof Type.Pointer p && p.space() == Type.AddressSpace.ANY) {
            type = new Type.Pointer(
                    p.target(),
                    value.type() instanceof Type.Pointer from && from.space() != Type.AddressSpace.ANY
                            ? from.space()
                            : probe.defaultSpace());
        }
        if (unknown(value.type())) {
            return new Typed.Convert(value, type, e.span());
        }
        return Casts.cast(value, type, e.typeSpan(), e.span(), this);
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

    private static Type widest(Type type) {
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
