package skep.dsl.check;

import java.util.ArrayList;
import skep.c.bcc.CTypeInfo;
import skep.c.bcc.FunctionLibrary;
import skep.dsl.Type;
import skep.dsl.ast.Expr;

/** Calls of C functions that the script imports: their types in the tracing language. */
final class LibraryCalls {
    private final Checking checking;
    private final ExpressionChecker expressions;

    LibraryCalls(Checking checking, ExpressionChecker expressions) {
        this.checking = checking;
        this.expressions = expressions;
    }

    /** Arguments and result travel in 64 bits; what comes back is cut to the function's type. */
    Typed.Expr call(Expr.Call c, FunctionLibrary.Signature function) {
        int wanted = function.parameters().size();
        if (c.arguments().size() != wanted) {
            throw new CheckError(
                    "arity",
                    c.span(),
                    "Function `" + c.name() + "` requires " + wanted + " arguments, got "
                            + c.arguments().size());
        }
        var arguments = new ArrayList<Typed.Expr>();
        for (int i = 0; i < wanted; i++) {
            arguments.add(argument(c.arguments().get(i), function.parameters().get(i), i));
        }
        var result = type(function.result());
        if (result instanceof Type.Void) {
            return new Typed.Invoke(c.name(), arguments, result, c.span());
        }
        return new Typed.Convert(new Typed.Invoke(c.name(), arguments, Type.UINT64, c.span()), result, c.span());
    }

    private Typed.Expr argument(Expr expr, FunctionLibrary.Parameter parameter, int index) {
        var value = expressions.expr(expr);
        var type = type(parameter.type());
        boolean fits = type.isInteger()
                ? value.type().isInteger()
                : value.type() instanceof Type.Pointer || value.type().isInteger();
        if (!fits && !expressions.unknown(value.type())) {
            throw new CheckError(
                    "type-mismatch",
                    value.span(),
                    "Expected " + parameter.type().name() + " for argument "
                            + (parameter.name().isEmpty() ? Integer.toString(index + 1) : "`" + parameter.name() + "`")
                            + " got " + value.type().display());
        }
        return expressions.to64(value);
    }

    private Type type(CTypeInfo type) {
        return switch (type) {
            case CTypeInfo.IntegerType i -> new Type.Int(Math.min(8, i.sizeBytes()), i.signed());
            case CTypeInfo.EnumType e -> new Type.Int(e.sizeBytes(), e.signed());
            case CTypeInfo.BoolType _ -> Type.BOOL;
            case CTypeInfo.PointerType p -> new Type.Pointer(pointee(p), Type.AddressSpace.KERNEL);
            case CTypeInfo.FloatType _, CTypeInfo.ArrayType _, CTypeInfo.CompositeType _, CTypeInfo.VoidType _ ->
                Type.VOID;
        };
    }

    private Type pointee(CTypeInfo.PointerType pointer) {
        var name = pointer.name().replace("const ", "").strip();
        var target = name.endsWith("*") ? name.substring(0, name.length() - 1).strip() : "";
        return checking.namedType(target).orElse(Type.VOID);
    }
}
