package skep.dsl.ast;

import java.util.Optional;
import skep.source.Span;

/** A type as written. */
public sealed interface TypeRef {
    Span span();

    /** A name: {@code int64}, {@code string}, {@code struct task_struct}, a typedef, or a macro's type parameter. */
    record Name(String name, Span span) implements TypeRef {}

    record PointerTo(TypeRef target, Span span) implements TypeRef {}

    /** {@code T[n]}; without a size the value decides. */
    record ArrayOf(TypeRef element, Optional<Expr> length, Span span) implements TypeRef {}

    record TypeOf(Expr.TypeOrExpr subject, Span span) implements TypeRef {}
}
