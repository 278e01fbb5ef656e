package skep.dsl.ast;

import java.util.List;
import java.util.Optional;
import skep.source.Span;

/** A statement. */
public sealed interface Stmt {
    Span span();

    record ExprStmt(Expr expr, Span span) implements Stmt {}

    /** {@code target = value}, or {@code target op= value}. The target is a variable or a map. */
    record Assign(Expr target, Optional<Expr.BinaryOp> op, Expr value, Span span) implements Stmt {}

    /** {@code @m[k] = delete}: removes the entry. */
    record DeleteAssign(Expr.MapRef target, Span span) implements Stmt {}

    record Let(Expr.Var variable, Optional<TypeRef> type, Optional<Expr> value, Span span) implements Stmt {}

    /** {@code _ = e}. */
    record Discard(Expr expr, Span span) implements Stmt {}

    record If(Expr condition, Block then, Optional<Block> otherwise, Span span) implements Stmt {}

    record While(Expr condition, Block body, Span span) implements Stmt {}

    record Unroll(Expr count, Block body, Span span) implements Stmt {}

    record ForMap(Expr.Var variable, Expr.MapRef map, Block body, Span headSpan, Span span) implements Stmt {}

    record ForRange(Expr.Var variable, Expr from, Expr to, Block body, Span headSpan, Span span) implements Stmt {}

    record Return(Optional<Expr> value, Span span) implements Stmt {}

    record Break(Span span) implements Stmt {}

    record Continue(Span span) implements Stmt {}

    record Block(List<Stmt> statements, Span span) implements Stmt {
        public Block {
            statements = List.copyOf(statements);
        }
    }
}
