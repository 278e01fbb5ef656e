package skep.dsl.check;

import java.util.List;
import java.util.Optional;
import skep.dsl.Type;
import skep.dsl.ast.Expr;
import skep.dsl.ast.TypeRef;

/** Types that a script names, and expressions about types: sizeof, offsetof, typeinfo, casts. */
final class TypeExpressions {
    private final ExpressionChecker expressions;
    private final Checking checking;
    private final ProbeContext probe;

    TypeExpressions(ExpressionChecker expressions, Checking checking, ProbeContext probe) {
        this.expressions = expressions;
        this.checking = checking;
        this.probe = probe;
    }

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
        if (expressions.expr(expr) instanceof Typed.IntConst c && c.value() >= 0 && c.value() <= Integer.MAX_VALUE) {
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
                expressions.expr(new Expr.Ident(n.name(), n.span())).type();
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
            checking.lockIfDeciding(map);
            if (map.keyednessKnown() && map.keyed()) {
                // The map as a whole stands for its keys; its values are those of an entry.
                return new Typed.Convert(new Typed.Nothing(m.span()), map.key().orElse(Type.VOID), m.span());
            }
            return new Typed.MapGet(map, Optional.empty(), expressions.readType(map), m.span());
        }
        return expressions.expr(e);
    }

    Typed.Expr cast(Expr.Cast e) {
        var value = e.operand() instanceof Expr.MapRef m ? expressions.mapRead(m) : expressions.expr(e.operand());
        var type = type(e.type());
        if (type instanceof Type.Pointer p && p.space() == Type.AddressSpace.ANY) {
            type = new Type.Pointer(
                    p.target(),
                    value.type() instanceof Type.Pointer from && from.space() != Type.AddressSpace.ANY
                            ? from.space()
                            : probe.defaultSpace());
        }
        if (expressions.unknown(value.type())) {
            return new Typed.Convert(value, type, e.span());
        }
        return Casts.cast(value, type, e.typeSpan(), e.span(), expressions);
    }

    Typed.Expr sizeof(Expr.Sizeof e) {
        int size = subjectType(e.subject()).sizeBytes();
        return new Typed.IntConst(Type.UINT64, size, e.span());
    }

    Typed.Expr offsetof(Expr.Offsetof e) {
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

    Typed.Expr typeinfo(Expr.Typeinfo e) {
        var type = subjectType(e.subject());
        if (type instanceof Type.Void && !checking.last) {
            return new Typed.Nothing(e.span());
        }
        if (type instanceof Type.Void) {
            throw new CheckError("comptime", e.span(), "Unable to resolve comptime expression");
        }
        var base = ExpressionChecker.text(baseType(type), e.span());
        var full = ExpressionChecker.text(type.display(), e.span());
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
}
