package skep.c.lower;

import java.util.HashSet;
import java.util.Optional;
import java.util.Set;
import skep.c.parse.Expr;
import skep.c.parse.Initializer;
import skep.c.parse.Stmt;
import skep.c.parse.TranslationUnit.FunctionDefinition;

/** The names that a function assigns to or takes the address of: they need memory of their own. */
final class ChangedNames {
    private final Set<String> names = new HashSet<>();
    private boolean jumps;

    private ChangedNames() {}

    static Set<String> of(FunctionDefinition function) {
        var changed = new ChangedNames();
        changed.statement(function.body());
        return changed.names;
    }

    /** The names that a statement changes; empty if it has labels or jumps that keep it from being repeated. */
    static Optional<Set<String>> ofRepeatable(Stmt statement) {
        var changed = new ChangedNames();
        changed.statement(statement);
        return changed.jumps ? Optional.empty() : Optional.of(changed.names);
    }

    private void statement(Stmt statement) {
        switch (statement) {
            case Stmt.Block s -> s.statements().forEach(this::statement);
            case Stmt.Declare s ->
                s.declaration().declarators().forEach(d -> d.initializer().ifPresent(this::initializer));
            case Stmt.Evaluate s -> expression(s.expr());
            case Stmt.If s -> {
                expression(s.condition());
                statement(s.then());
                s.otherwise().ifPresent(this::statement);
            }
            case Stmt.While s -> {
                expression(s.condition());
                statement(s.body());
            }
            case Stmt.DoWhile s -> {
                expression(s.condition());
                statement(s.body());
            }
            case Stmt.For s -> {
                s.start().ifPresent(this::statement);
                s.condition().ifPresent(this::expression);
                s.step().ifPresent(this::expression);
                statement(s.body());
            }
            case Stmt.Switch s -> {
                expression(s.value());
                statement(s.body());
            }
            case Stmt.Case s -> statement(s.statement());
            case Stmt.Default s -> statement(s.statement());
            case Stmt.Label s -> {
                jumps = true;
                statement(s.statement());
            }
            case Stmt.Return s -> s.value().ifPresent(this::expression);
            case Stmt.Asm s -> names.addAll(s.tokens());
            case Stmt.Goto s -> jumps |= s.label().isEmpty();
            case Stmt.Empty s -> {}
            case Stmt.Continue s -> {}
            case Stmt.Break s -> {}
        }
    }

    private void initializer(Initializer initializer) {
        switch (initializer) {
            case Initializer.Value v -> expression(v.expr());
            case Initializer.Braces b -> b.items().forEach(i -> initializer(i.value()));
        }
    }

    private void changes(Expr target) {
        switch (target) {
            case Expr.Name n -> names.add(n.name());
            case Expr.Member m when !m.arrow() -> changes(m.base());
            case Expr.Index i -> {
                changes(i.array());
                expression(i.index());
            }
            default -> {}
        }
        expression(target);
    }

    private void expression(Expr expr) {
        switch (expr) {
            case Expr.Unary u
            when u.op().equals("&") || u.op().equals("++") || u.op().equals("--") -> changes(u.operand());
            case Expr.Unary u -> expression(u.operand());
            case Expr.Postfix p -> changes(p.operand());
            case Expr.Binary b -> {
                expression(b.left());
                expression(b.right());
            }
            case Expr.Assign a -> {
                changes(a.target());
                expression(a.value());
            }
            case Expr.Conditional c -> {
                expression(c.condition());
                c.then().ifPresent(this::expression);
                expression(c.otherwise());
            }
            case Expr.Cast c -> expression(c.operand());
            case Expr.Index i -> {
                expression(i.array());
                expression(i.index());
            }
            case Expr.Call c -> {
                expression(c.function());
                c.args().forEach(this::expression);
                // Methods of tables and some builtins take variables by name and give their address away.
                c.args().forEach(a -> {
                    if (a instanceof Expr.Name n && c.function() instanceof Expr.Member) {
                        names.add(n.name());
                    }
                });
            }
            case Expr.Member m -> expression(m.base());
            case Expr.CompoundLiteral c -> initializer(c.value());
            case Expr.Statements s -> statement(s.block());
            case Expr.SizeOf s -> {}
            case Expr.IntLiteral i -> {}
            case Expr.CharLiteral c -> {}
            case Expr.StringLiteral s -> {}
            case Expr.Name n -> {}
            case Expr.SizeOfType s -> {}
            case Expr.AlignOf a -> {}
            case Expr.OffsetOf o -> {}
            case Expr.TypesCompatible t -> {}
            case Expr.TypeArgument t -> {}
            case Expr.Missing m -> {}
        }
    }
}
