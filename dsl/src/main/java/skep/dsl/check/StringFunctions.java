package skep.dsl.check;

import java.util.List;
import skep.dsl.Type;
import skep.dsl.ast.Expr;

/** Functions on strings and buffers, and those that name a number: str, buf, strncmp, memcmp, strerror. */
final class StringFunctions {
    private final Checking checking;
    private final ExpressionChecker expressions;
    private final CallArguments args;

    StringFunctions(Checking checking, ExpressionChecker expressions, CallArguments args) {
        this.checking = checking;
        this.expressions = expressions;
        this.args = args;
    }

    Typed.Expr str(Expr.Call c) {
        args.arity(c, 1, 2);
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
        var pointer = args.argument(c, 0);
        if (pointer instanceof Typed.Text) {
            return pointer;
        }
        if (pointer.type() instanceof Type.Str s) {
            if (c.arguments().size() == 2 && args.argument(c, 1) instanceof Typed.IntConst n && n.value() >= 0) {
                return new Typed.Convert(pointer, new Type.Str((int) Math.min(n.value() + 1, s.sizeBytes())), c.span());
            }
            return pointer;
        }
        if (!(pointer.type().isInteger()
                || pointer.type() instanceof Type.Pointer
                || pointer.type() instanceof Type.Array
                || args.unknown(pointer.type()))) {
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
        var length = args.argument(c, 1);
        if (!length.type().isInteger() && !args.unknown(length.type())) {
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

    Typed.Expr buf(Expr.Call c) {
        args.arity(c, 1, 2);
        var pointer = args.argument(c, 0);
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
                || args.unknown(pointer.type()))) {
            throw new CheckError(
                    "type-mismatch",
                    c.span(),
                    "buf() only supports integer, pointer, string or array arguments ("
                            + ExpressionChecker.family(pointer.type()) + " provided)");
        }
        var length = args.argument(c, 1);
        if (!length.type().isInteger() && !args.unknown(length.type())) {
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

    Typed.Expr strncmp(Expr.Call c) {
        args.arity(c, 3, 3);
        var a = args.string(c, 0);
        var b = args.string(c, 1);
        if (!(args.argument(c, 2) instanceof Typed.IntConst n) || n.value() < 0) {
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

    Typed.Expr memcmp(Expr.Call c) {
        args.arity(c, 3, 3);
        if (!(args.argument(c, 2) instanceof Typed.IntConst n) || n.value() < 0) {
            throw new CheckError("range", c.span(), "memcmp() requires a non-negative literal length");
        }
        return new Typed.Call(
                Typed.Fn.MEMCMP, List.of(args.argument(c, 0), args.argument(c, 1), n), Type.INT64, c.span());
    }

    Typed.Expr symbolic(Expr.Call c, Type.Symbols symbols) {
        args.arity(c, 1, 1);
        var value = args.argument(c, 0);
        if (!value.type().isInteger() && !args.unknown(value.type())) {
            throw new CheckError(
                    "type-mismatch",
                    c.span(),
                    c.name() + "() only supports integer arguments (" + ExpressionChecker.family(value.type())
                            + " provided)");
        }
        return new Typed.Convert(expressions.to64(value), new Type.Symbolic(symbols), c.span());
    }
}
