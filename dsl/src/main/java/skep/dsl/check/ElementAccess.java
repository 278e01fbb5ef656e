package skep.dsl.check;

import java.util.List;
import skep.dsl.Type;
import skep.dsl.ast.Expr;
import skep.source.Span;

/** Parts of compound values: members of structures and records, elements of tuples and arrays. */
final class ElementAccess {
    private final ExpressionChecker expressions;
    private final Checking checking;
    private final ProbeContext probe;
    private final BuiltinChecker builtins;

    ElementAccess(ExpressionChecker expressions, Checking checking, ProbeContext probe, BuiltinChecker builtins) {
        this.expressions = expressions;
        this.checking = checking;
        this.probe = probe;
        this.builtins = builtins;
    }

    Typed.Expr field(Expr.Field e) {
        if (e.object() instanceof Expr.Ident i && Uses.plain(i.name()).equals("args")) {
            return builtins.argument(e.name(), i.span(), e.span());
        }
        var object = e.object() instanceof Expr.Ident i && i.name().equals("config") && !e.arrow()
                ? expressions.expr(new Expr.Call("config", List.of(), i.span(), i.span()))
                : expressions.expr(e.object());
        return member(object, e.name(), e.nameSpan(), e.span());
    }

    Typed.Expr member(Typed.Expr object, String name, Span nameSpan, Span span) {
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
                        "Can not access field '" + name + "' on expression of type '" + ExpressionChecker.family(t)
                                + "'");
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
        return whole instanceof Typed.Compose c
                        && ExpressionChecker.isConstant(c.parts().get(index))
                ? c.parts().get(index)
                : new Typed.Part(whole, offset, type, 0, 0, span);
    }

    Typed.Expr tupleElement(Typed.Expr tuple, long index, Span span) {
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
                        "Can not access index '" + index + "' on expression of type '" + ExpressionChecker.family(t)
                                + "'");
        };
    }

    Typed.Expr index(Expr.Index e) {
        var object = expressions.expr(e.object());
        var index = expressions.expr(e.index());
        if (expressions.unknown(object.type()) || expressions.unknown(index.type())) {
            return object;
        }
        if (!index.type().isInteger()) {
            throw new CheckError(
                    "type-mismatch",
                    e.span(),
                    "The array index operator [] only accepts positive (unsigned) integer indices. Got: "
                            + ExpressionChecker.family(index.type()));
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
                var moved = new Typed.PointerMove(object, expressions.to64(index), false, p, e.span());
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
                        + ExpressionChecker.family(type) + ".");
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
            return new Typed.Element(array, expressions.to64(index), length, spaced(element, array), span);
        }
        return new Typed.Element(array, expressions.to64(index), length, spaced(element, array), span);
    }
}
