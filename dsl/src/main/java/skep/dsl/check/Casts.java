package skep.dsl.check;

import skep.dsl.Type;
import skep.source.Span;

/** What {@code (T)e} may do. */
final class Casts {
    private Casts() {}

    static Typed.Expr cast(Typed.Expr value, Type type, Span typeSpan, Span span, ExpressionChecker expressions) {
        var from = value.type();
        if (from.equals(type)) {
            return value;
        }
        boolean fromNumber = from.isInteger() || from instanceof Type.Pointer || from instanceof Type.Symbolic;
        return switch (type) {
            case Type.Int to
            when value instanceof Typed.IntConst c && from.isInteger() ->
                new Typed.IntConst(to, truncate(c.value(), to), span);
            case Type.Int _
            when fromNumber || from instanceof Type.CgroupPath || from instanceof Type.Timestamp ->
                new Typed.Convert(value, type, span);
            case Type.Int to
            when from instanceof Type.Array a && a.element().isInteger() -> {
                if (a.sizeBytes() > to.sizeBytes()) {
                    throw refused(from, type, typeSpan);
                }
                yield new Typed.Convert(value, type, span);
            }
            case Type.Int _
            when from instanceof Type.MacAddress || from instanceof Type.Inet -> throw refused(from, type, typeSpan);
            case Type.Bool _ when fromNumber || value instanceof Typed.Text -> expressions.truth(value, span);
            case Type.Bool _ when from instanceof Type.Str -> refuse(from, type, typeSpan);
            case Type.Enum e
            when value instanceof Typed.IntConst c && from.isInteger() -> new Typed.IntConst(e, c.value(), span);
            case Type.Enum _ when from.isInteger() -> new Typed.Convert(value, type, span);
            case Type.Pointer _ when fromNumber -> new Typed.Convert(value, type, span);
            case Type.Array to
            when from.isInteger() && to.element().isInteger() -> {
                var sized = sized(to, from.sizeBytes(), value);
                yield new Typed.Convert(value, sized, span);
            }
            case Type.Array to
            when from instanceof Type.Array && to.element().isInteger() ->
                new Typed.Convert(value, sized(to, from.sizeBytes(), value), span);
            case Type.Array to
            when from instanceof Type.Str
                    && to.element().isInteger()
                    && to.element().sizeBytes() == 1 -> {
                int length = to.length() == 0 ? from.sizeBytes() : to.length();
                if (length < from.sizeBytes() && value instanceof Typed.Text) {
                    throw refused(from, type, typeSpan);
                }
                yield new Typed.Convert(value, new Type.Array(to.element(), length), span);
            }
            case Type.Str _ when from instanceof Type.Str -> new Typed.Convert(value, type, span);
            case Type.Str to
            when from instanceof Type.Pointer || from instanceof Type.Int && !(value instanceof Typed.IntConst) ->
                expressions.stringAt(value, to.sizeBytes(), span);
            case Type.Buffer _ when from instanceof Type.Buffer -> new Typed.Convert(value, type, span);
            case Type.Symbolic _ when from.isInteger() -> new Typed.Convert(value, type, span);
            case Type.CgroupPath _, Type.Timestamp _ when from.isInteger() -> new Typed.Convert(value, type, span);
            case Type.Struct _ when from.isInteger() || from instanceof Type.Pointer -> refuse(from, type, typeSpan);
            default -> refuse(from, type, typeSpan);
        };
    }

    /** An array type without a length takes the size of the value. */
    private static Type.Array sized(Type.Array to, int bytes, Typed.Expr value) {
        int length = to.length() == 0 ? Math.max(1, bytes / to.element().sizeBytes()) : to.length();
        var sized = new Type.Array(to.element(), length);
        if (sized.sizeBytes() > 8 && value.type().isInteger()) {
            throw new CheckError(
                    "type-mismatch",
                    value.span(),
                    "Cannot cast from \"" + value.type().display() + "\" to \"" + sized.display() + "\"");
        }
        return sized;
    }

    static long truncate(long value, Type.Int type) {
        int shift = 64 - 8 * type.sizeBytes();
        return type.signed() ? value << shift >> shift : value << shift >>> shift;
    }

    private static Typed.Expr refuse(Type from, Type to, Span span) {
        throw refused(from, to, span);
    }

    private static CheckError refused(Type from, Type to, Span span) {
        if (from instanceof Type.Struct) {
            return new CheckError("type-mismatch", span, "Cannot cast from C type \"" + from.display() + "\"");
        }
        if (to instanceof Type.Struct) {
            return new CheckError("type-mismatch", span, "Cannot cast to C type \"" + to.display() + "\"");
        }
        return new CheckError(
                "type-mismatch", span, "Cannot cast from \"" + from.display() + "\" to \"" + to.display() + "\"");
    }
}
