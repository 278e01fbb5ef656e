package skep.c.parse;

import java.util.List;
import java.util.Optional;
import skep.source.Span;

/** A statement, or a declaration among statements (C11 6.8). */
public sealed interface Stmt {
    Span span();

    record Block(Span span, List<Stmt> statements) implements Stmt {
        public Block {
            statements = List.copyOf(statements);
        }
    }

    record Declare(Span span, Declaration declaration) implements Stmt {}

    record Evaluate(Span span, Expr expr) implements Stmt {}

    record Empty(Span span) implements Stmt {}

    record If(Span span, Expr condition, Stmt then, Optional<Stmt> otherwise) implements Stmt {}

    record While(Span span, Expr condition, Stmt body) implements Stmt {}

    record DoWhile(Span span, Stmt body, Expr condition) implements Stmt {}

    /** {@code unroll} is what a pragma in front asks for: 0 for nothing, -1 for as often as it runs. */
    record For(Span span, Optional<Stmt> start, Optional<Expr> condition, Optional<Expr> step, Stmt body, int unroll)
            implements Stmt {}

    record Switch(Span span, Expr value, Stmt body) implements Stmt {}

    /** {@code case first:} or GNU's {@code case first ... last:}. */
    record Case(Span span, Expr first, Optional<Expr> last, Stmt statement) implements Stmt {}

    record Default(Span span, Stmt statement) implements Stmt {}

    record Label(Span span, String name, Stmt statement) implements Stmt {}

    record Goto(Span span, String label) implements Stmt {}

    record Continue(Span span) implements Stmt {}

    record Break(Span span) implements Stmt {}

    record Return(Span span, Optional<Expr> value) implements Stmt {}

    /** Inline assembly, as its tokens between the parentheses. */
    record Asm(Span span, List<String> tokens) implements Stmt {
        public Asm {
            tokens = List.copyOf(tokens);
        }
    }
}
