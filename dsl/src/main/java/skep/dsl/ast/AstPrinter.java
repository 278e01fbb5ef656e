package skep.dsl.ast;

import java.util.List;
import java.util.Optional;

/** Prints a tree, one node a line, children indented by one space: the text of the stage {@code ast}. */
public final class AstPrinter {
    private final StringBuilder out = new StringBuilder();

    private AstPrinter() {}

    public static String print(Script script) {
        var printer = new AstPrinter();
        printer.script(script);
        return printer.out.toString();
    }

    private void line(int depth, String text) {
        out.append(" ".repeat(depth)).append(text).append('\n');
    }

    private void script(Script script) {
        line(0, "script");
        for (var c : script.preamble()) {
            line(1, "c: " + c.span().text().strip().replace("\n", "\\n"));
        }
        for (var setting : script.config()) {
            line(1, "config: " + setting.name());
            expr(2, setting.value());
        }
        for (var imported : script.imports()) {
            line(1, "import: " + imported.path());
        }
        for (var map : script.mapDeclarations()) {
            line(1, "map: " + map.map() + " " + map.kind());
            expr(2, map.entries());
        }
        for (var macro : script.macros()) {
            line(1, "macro: " + macro.name());
            macro.parameters().forEach(p -> expr(2, p));
            expr(2, macro.body());
        }
        for (var fn : script.subprograms()) {
            line(1, "fn: " + fn.name() + " -> " + type(fn.result()));
            for (var parameter : fn.parameters()) {
                line(2, "parameter: " + parameter.variable().name() + " : " + type(parameter.type()));
            }
            block(2, fn.body());
        }
        for (var probe : script.probes()) {
            line(1, "probe");
            for (var point : probe.attachPoints()) {
                line(2, "at: " + point.span().text().strip());
            }
            probe.predicate().ifPresent(p -> {
                line(2, "predicate");
                expr(3, p);
            });
            block(2, probe.body());
        }
    }

    private void block(int depth, Stmt.Block block) {
        line(depth, "block");
        block.statements().forEach(s -> statement(depth + 1, s));
    }

    private void statement(int depth, Stmt statement) {
        switch (statement) {
            case Stmt.ExprStmt s -> expr(depth, s.expr());
            case Stmt.Assign s -> {
                line(depth, s.op().map(o -> o.text()).orElse("") + "=");
                expr(depth + 1, s.target());
                expr(depth + 1, s.value());
            }
            case Stmt.DeleteAssign s -> {
                line(depth, "delete");
                expr(depth + 1, s.target());
            }
            case Stmt.Let s -> {
                line(
                        depth,
                        "let: " + s.variable().name()
                                + s.type().map(t -> " : " + type(t)).orElse(""));
                s.value().ifPresent(v -> expr(depth + 1, v));
            }
            case Stmt.Discard s -> {
                line(depth, "discard");
                expr(depth + 1, s.expr());
            }
            case Stmt.If s -> {
                line(depth, "if");
                expr(depth + 1, s.condition());
                block(depth + 1, s.then());
                s.otherwise().ifPresent(o -> block(depth + 1, o));
            }
            case Stmt.While s -> {
                line(depth, "while");
                expr(depth + 1, s.condition());
                block(depth + 1, s.body());
            }
            case Stmt.Unroll s -> {
                line(depth, "unroll");
                expr(depth + 1, s.count());
                block(depth + 1, s.body());
            }
            case Stmt.ForMap s -> {
                line(depth, "for: " + s.variable().name());
                expr(depth + 1, s.map());
                block(depth + 1, s.body());
            }
            case Stmt.ForRange s -> {
                line(depth, "for: " + s.variable().name());
                expr(depth + 1, s.from());
                expr(depth + 1, s.to());
                block(depth + 1, s.body());
            }
            case Stmt.Return s -> {
                line(depth, "return");
                s.value().ifPresent(v -> expr(depth + 1, v));
            }
            case Stmt.Break _ -> line(depth, "break");
            case Stmt.Continue _ -> line(depth, "continue");
            case Stmt.Block s -> block(depth, s);
        }
    }

    private void node(int depth, String text, List<Expr> children) {
        line(depth, text);
        children.forEach(c -> expr(depth + 1, c));
    }

    private void expr(int depth, Expr expr) {
        switch (expr) {
            case Expr.IntLit e ->
                line(depth, "int: " + (e.unsigned() ? Long.toUnsignedString(e.value()) : Long.toString(e.value())));
            case Expr.BoolLit e -> line(depth, "bool: " + e.value());
            case Expr.StrLit e -> line(depth, "string: " + escape(e.value()));
            case Expr.Ident e -> line(depth, "name: " + e.name());
            case Expr.Positional e -> line(depth, "param: $" + e.index());
            case Expr.PositionalCount _ -> line(depth, "param: $#");
            case Expr.Var e -> line(depth, "variable: " + e.name());
            case Expr.MapRef e -> node(depth, "map: " + e.name(), optional(e.key()));
            case Expr.Call e -> node(depth, "call: " + e.name(), e.arguments());
            case Expr.Unary e -> node(depth, e.op().text(), List.of(e.operand()));
            case Expr.Increment e -> {
                var op = e.up() ? "++" : "--";
                node(depth, e.prefix() ? op + "x" : "x" + op, List.of(e.target()));
            }
            case Expr.Binary e -> node(depth, e.op().text(), List.of(e.left(), e.right()));
            case Expr.Conditional e -> {
                line(depth, "?:");
                expr(depth + 1, e.condition());
                e.then().ifPresent(t -> expr(depth + 1, t));
                expr(depth + 1, e.otherwise());
            }
            case Expr.Field e -> node(depth, (e.arrow() ? "->" : ".") + e.name(), List.of(e.object()));
            case Expr.TupleElement e -> node(depth, "." + e.index(), List.of(e.object()));
            case Expr.Index e -> node(depth, "[]", List.of(e.object(), e.index()));
            case Expr.Cast e -> node(depth, "(" + type(e.type()) + ")", List.of(e.operand()));
            case Expr.Sizeof e -> subject(depth, "sizeof", e.subject());
            case Expr.Offsetof e -> subject(depth, "offsetof " + String.join(".", e.path()), e.subject());
            case Expr.Typeinfo e -> subject(depth, "typeinfo", e.subject());
            case Expr.TypeArgument e -> line(depth, "typeof: " + type(e.type()));
            case Expr.Tuple e -> node(depth, "tuple", e.elements());
            case Expr.RecordLit e -> {
                line(depth, "record");
                for (var member : e.members()) {
                    line(depth + 1, "." + member.name());
                    expr(depth + 2, member.value());
                }
            }
            case Expr.BlockValue e -> {
                line(depth, "block");
                e.statements().forEach(s -> statement(depth + 1, s));
                e.value().ifPresent(v -> node(depth + 1, "value", List.of(v)));
            }
            case Expr.Comptime e -> node(depth, "comptime", List.of(e.operand()));
        }
    }

    private static List<Expr> optional(Optional<Expr> expr) {
        return expr.map(List::of).orElse(List.of());
    }

    private void subject(int depth, String what, Expr.TypeOrExpr subject) {
        switch (subject) {
            case Expr.OfType t -> line(depth, what + ": " + type(t.type()));
            case Expr.OfExpr e -> node(depth, what, List.of(e.expr()));
        }
    }

    /** A type as the language writes it. */
    public static String type(TypeRef type) {
        return switch (type) {
            case TypeRef.Name t -> t.name();
            case TypeRef.PointerTo t -> type(t.target()) + " *";
            case TypeRef.ArrayOf t ->
                type(t.element()) + "[" + t.length().map(l -> l.span().text()).orElse("") + "]";
            case TypeRef.TypeOf t -> t.span().text();
        };
    }

    /** A string with its quotes, control characters escaped. */
    public static String escape(String value) {
        var text = new StringBuilder("\"");
        for (int i = 0; i < value.length(); i++) {
            char c = value.charAt(i);
            switch (c) {
                case '\n' -> text.append("\\n");
                case '\t' -> text.append("\\t");
                case '\r' -> text.append("\\r");
                case '"' -> text.append("\\\"");
                case '\\' -> text.append("\\\\");
                default -> {
                    if (c < 32 || c == 127) {
                        text.append("\\x")
                                .append(Character.forDigit(c >> 4, 16))
                                .append(Character.forDigit(c & 15, 16));
                    } else {
                        text.append(c);
                    }
                }
            }
        }
        return text.append('"').toString();
    }
}
