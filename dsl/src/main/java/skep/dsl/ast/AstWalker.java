package skep.dsl.ast;

import java.util.function.Consumer;

/** Visits every expression below a node, outer before inner. */
public final class AstWalker {
    private final Consumer<Expr> visitor;
    private final Consumer<Stmt> statementVisitor;

    private AstWalker(Consumer<Expr> visitor, Consumer<Stmt> statementVisitor) {
        this.visitor = visitor;
        this.statementVisitor = statementVisitor;
    }

    public static void walk(Stmt statement, Consumer<Expr> visitor) {
        walk(statement, visitor, _ -> {});
    }

    /** Visits the statements below it too. */
    public static void walk(Stmt statement, Consumer<Expr> visitor, Consumer<Stmt> statementVisitor) {
        new AstWalker(visitor, statementVisitor).statement(statement);
    }

    public static void walk(Expr expr, Consumer<Expr> visitor) {
        new AstWalker(visitor, _ -> {}).expr(expr);
    }

    private void statement(Stmt statement) {
        statementVisitor.accept(statement);
        switch (statement) {
            case Stmt.ExprStmt s -> expr(s.expr());
            case Stmt.Assign s -> {
                expr(s.target());
                expr(s.value());
            }
            case Stmt.DeleteAssign s -> expr(s.target());
            case Stmt.Let s -> s.value().ifPresent(this::expr);
            case Stmt.Discard s -> expr(s.expr());
            case Stmt.If s -> {
                expr(s.condition());
                statement(s.then());
                s.otherwise().ifPresent(this::statement);
            }
            case Stmt.While s -> {
                expr(s.condition());
                statement(s.body());
            }
            case Stmt.Unroll s -> {
                expr(s.count());
                statement(s.body());
            }
            case Stmt.ForMap s -> {
                expr(s.map());
                statement(s.body());
            }
            case Stmt.ForRange s -> {
                expr(s.from());
                expr(s.to());
                statement(s.body());
            }
            case Stmt.Return s -> s.value().ifPresent(this::expr);
            case Stmt.Break _, Stmt.Continue _ -> {}
            case Stmt.Block s -> s.statements().forEach(this::statement);
        }
    }

    private void expr(Expr expr) {
        visitor.accept(expr);
        switch (expr) {
            case Expr.IntLit _,
                    Expr.BoolLit _,
                    Expr.StrLit _,
                    Expr.Ident _,
                    Expr.Positional _,
                    Expr.PositionalCount _,
                    Expr.Var _ -> {}
            case Expr.MapRef e -> e.key().ifPresent(this::expr);
            case Expr.Call e -> e.arguments().forEach(this::expr);
            case Expr.Unary e -> expr(e.operand());
            case Expr.Increment e -> expr(e.target());
            case Expr.Binary e -> {
                expr(e.left());
                expr(e.right());
            }
            case Expr.Conditional e -> {
                expr(e.condition());
                e.then().ifPresent(this::expr);
                expr(e.otherwise());
            }
            case Expr.Field e -> expr(e.object());
            case Expr.TupleElement e -> expr(e.object());
            case Expr.Index e -> {
                expr(e.object());
                expr(e.index());
            }
            case Expr.Cast e -> {
                type(e.type());
                expr(e.operand());
            }
            case Expr.Sizeof e -> subject(e.subject());
            case Expr.Offsetof e -> subject(e.subject());
            case Expr.Typeinfo e -> subject(e.subject());
            case Expr.TypeArgument e -> type(e.type());
            case Expr.Tuple e -> e.elements().forEach(this::expr);
            case Expr.RecordLit e -> e.members().forEach(m -> expr(m.value()));
            case Expr.BlockValue e -> {
                e.statements().forEach(this::statement);
                e.value().ifPresent(this::expr);
            }
            case Expr.Comptime e -> expr(e.operand());
        }
    }

    private void subject(Expr.TypeOrExpr subject) {
        switch (subject) {
            case Expr.OfType t -> type(t.type());
            case Expr.OfExpr e -> expr(e.expr());
        }
    }

    private void type(TypeRef type) {
        switch (type) {
            case TypeRef.Name _ -> {}
            case TypeRef.PointerTo t -> type(t.target());
            case TypeRef.ArrayOf t -> {
                type(t.element());
                t.length().ifPresent(this::expr);
            }
            case TypeRef.TypeOf t -> subject(t.subject());
        }
    }
}
