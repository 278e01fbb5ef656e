package skep.dsl.lower;

import java.util.List;
import java.util.Set;
import java.util.function.Consumer;
import skep.dsl.check.LocalVariable;
import skep.dsl.check.Typed;

/** Visits every expression of typed code. */
final class TypedWalker {
    private final Consumer<Typed.Expr> visitor;
    private final Consumer<Typed.Stmt> statementVisitor;

    private TypedWalker(Consumer<Typed.Expr> visitor, Consumer<Typed.Stmt> statementVisitor) {
        this.visitor = visitor;
        this.statementVisitor = statementVisitor;
    }

    static void walk(Typed.Expr expr, Consumer<Typed.Expr> visitor) {
        new TypedWalker(visitor, _ -> {}).expr(expr);
    }

    /** The variables that code mentions. */
    static void variables(List<Typed.Stmt> body, Set<LocalVariable> used, Set<LocalVariable> written) {
        var walker = new TypedWalker(
                e -> {
                    switch (e) {
                        case Typed.Local l -> used.add(l.variable());
                        case Typed.LocalIncrement l -> used.add(l.variable());
                        case Typed.AddressOfLocal l -> used.add(l.variable());
                        case Typed.Find f -> used.add(f.variable());
                        default -> {}
                    }
                },
                s -> {
                    switch (s) {
                        case Typed.SetLocal l -> {
                            used.add(l.variable());
                            written.add(l.variable());
                        }
                        case Typed.ClearLocal l -> {
                            used.add(l.variable());
                            written.add(l.variable());
                        }
                        default -> {}
                    }
                });
        walker.statements(body);
    }

    /** The variables that may be read before they are assigned. */
    static List<LocalVariable> hoisted(List<Typed.Stmt> body) {
        var used = new java.util.LinkedHashSet<LocalVariable>();
        variables(body, used, new java.util.HashSet<>());
        return used.stream().filter(LocalVariable::hoisted).toList();
    }

    private void statements(List<Typed.Stmt> statements) {
        statements.forEach(this::statement);
    }

    private void statement(Typed.Stmt statement) {
        statementVisitor.accept(statement);
        switch (statement) {
            case Typed.Evaluate s -> expr(s.expr());
            case Typed.SetLocal s -> expr(s.value());
            case Typed.ClearLocal _, Typed.Break _, Typed.Continue _, Typed.Ending _ -> {}
            case Typed.SetMap s -> {
                s.key().ifPresent(this::expr);
                expr(s.value());
            }
            case Typed.UpdateMap s -> {
                s.key().ifPresent(this::expr);
                expr(s.value());
            }
            case Typed.Aggregate s -> {
                s.key().ifPresent(this::expr);
                s.arguments().forEach(this::expr);
            }
            case Typed.If s -> {
                expr(s.condition());
                statements(s.then());
                statements(s.otherwise());
            }
            case Typed.While s -> {
                expr(s.condition());
                statements(s.body());
            }
            case Typed.ForMap s -> statements(s.body());
            case Typed.ForRange s -> {
                expr(s.from());
                expr(s.to());
                statements(s.body());
            }
            case Typed.Return s -> s.value().ifPresent(this::expr);
            case Typed.Sequence s -> statements(s.statements());
            case Typed.SystemCalls s -> {
                expr(s.number());
                for (var one : s.cases()) {
                    one.predicate().ifPresent(this::expr);
                    statements(one.body());
                }
            }
        }
    }

    private void expr(Typed.Expr expr) {
        visitor.accept(expr);
        switch (expr) {
            case Typed.IntConst _,
                    Typed.Text _,
                    Typed.Local _,
                    Typed.MapLength _,
                    Typed.NextGeneration _,
                    Typed.LocalIncrement _,
                    Typed.AddressOfLocal _,
                    Typed.ContextLoad _,
                    Typed.RegisterLoad _,
                    Typed.ContextBytes _,
                    Typed.ContextAddress _,
                    Typed.HelperValue _,
                    Typed.CommandName _,
                    Typed.Elapsed _,
                    Typed.Stack _,
                    Typed.Nothing _ -> {}
            case Typed.MapGet e -> e.key().ifPresent(this::expr);
            case Typed.HasKey e -> e.key().ifPresent(this::expr);
            case Typed.Find e -> expr(e.key());
            case Typed.Arithmetic e -> {
                expr(e.left());
                expr(e.right());
            }
            case Typed.Compare e -> {
                expr(e.left());
                expr(e.right());
            }
            case Typed.TextCompare e -> {
                expr(e.left());
                expr(e.right());
            }
            case Typed.BytesCompare e -> {
                expr(e.left());
                expr(e.right());
            }
            case Typed.Logic e -> {
                expr(e.left());
                expr(e.right());
            }
            case Typed.Not e -> expr(e.operand());
            case Typed.Negate e -> expr(e.operand());
            case Typed.Complement e -> expr(e.operand());
            case Typed.Conditional e -> {
                expr(e.condition());
                expr(e.then());
                expr(e.otherwise());
            }
            case Typed.Convert e -> expr(e.operand());
            case Typed.MapIncrement e -> e.key().ifPresent(this::expr);
            case Typed.Compose e -> e.parts().forEach(this::expr);
            case Typed.Part e -> expr(e.whole());
            case Typed.Element e -> {
                expr(e.array());
                expr(e.index());
            }
            case Typed.Dereference e -> expr(e.pointer());
            case Typed.PointerMove e -> {
                expr(e.pointer());
                expr(e.index());
            }
            case Typed.AddressOfMap e -> e.key().ifPresent(this::expr);
            case Typed.Call e -> e.arguments().forEach(this::expr);
            case Typed.Invoke e -> e.arguments().forEach(this::expr);
            case Typed.Block e -> {
                statements(e.statements());
                expr(e.value());
            }
            case Typed.Emit e -> {
                e.arguments().forEach(this::expr);
                e.speculation().ifPresent(this::expr);
            }
            case Typed.Delete e -> e.key().ifPresent(this::expr);
        }
    }
}
