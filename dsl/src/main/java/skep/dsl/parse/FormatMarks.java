package skep.dsl.parse;

import java.util.HashSet;
import java.util.Set;
import java.util.TreeMap;
import skep.dsl.ast.AstWalker;
import skep.dsl.ast.Expr;
import skep.dsl.ast.Script;
import skep.dsl.ast.Stmt;
import skep.source.Span;

/** What the {@link Formatter} has to know of a script beyond its tokens, by offset into the source. */
final class FormatMarks {
    /** Stretches that are kept as they are: attach points and C. The value is the end. */
    final TreeMap<Integer, Integer> verbatim = new TreeMap<>();

    /** Where C text starts. */
    final Set<Integer> c = new HashSet<>();

    /** Where infix operators start: the same characters as prefix operators and pointer types. */
    final Set<Integer> infix = new HashSet<>();

    /** Where brackets of bodies open, with a line for each statement. */
    final Set<Integer> opening = new HashSet<>();

    /** Where brackets of bodies close. */
    final Set<Integer> closing = new HashSet<>();

    /** Brackets of blocks that hold one value and stay in line. */
    final Set<Integer> inline = new HashSet<>();

    /** The slashes before and behind a predicate. */
    final Set<Integer> slashBefore = new HashSet<>();

    final Set<Integer> slashBehind = new HashSet<>();

    /** Where statements end that need no semicolon. */
    final Set<Integer> ends = new HashSet<>();

    /** Where a statement ends that may have a semicolon and lacks it. */
    final Set<Integer> semicolons = new HashSet<>();

    /** Where items end, and whether a blank line follows. */
    final TreeMap<Integer, Boolean> items = new TreeMap<>();

    /** Heads of probes: from the first attach point to the body. */
    final TreeMap<Integer, Integer> heads = new TreeMap<>();

    private final String text;
    private final Lexer lexer;
    private final TreeMap<Integer, Item> all = new TreeMap<>();

    private record Item(String kind, int end, boolean body) {}

    FormatMarks(Script script, Lexer lexer) {
        this.text = script.source().text();
        this.lexer = lexer;
        script.preamble().forEach(this::c);
        script.imports().forEach(i -> item("import", i.span(), false));
        script.mapDeclarations().forEach(m -> {
            item("map", m.span(), false);
            expr(m.entries());
        });
        config(script);
        for (var macro : script.macros()) {
            item("macro", macro.span(), true);
            ends.add(macro.span().end());
            expr(macro.body());
        }
        for (var fn : script.subprograms()) {
            item("fn", fn.span(), true);
            body(fn.body());
        }
        script.probes().forEach(this::probe);
        Item before = null;
        for (var item : all.values()) {
            if (before != null) {
                items.put(before.end, before.body || item.body || !before.kind.equals(item.kind));
            }
            before = item;
        }
        if (before != null) {
            items.put(before.end, false);
        }
    }

    private void item(String kind, Span span, boolean body) {
        all.put(span.start(), new Item(kind, behindSemicolon(span.end()), body));
    }

    private int behindSemicolon(int end) {
        var next = lexer.next(end);
        return next.is(";") ? next.end() : end;
    }

    private void c(Script.CText c) {
        int end = c.span().end();
        while (end > c.span().start() && Character.isWhitespace(text.charAt(end - 1))) {
            end--;
        }
        verbatim.put(c.span().start(), end);
        this.c.add(c.span().start());
        all.put(c.span().start(), new Item("c", end, false));
    }

    // The span of the block is not kept: its braces are around the first and the last setting.
    private void config(Script script) {
        for (int at = 0; at < text.length(); ) {
            var token = lexer.next(at);
            if (token.kind() == Token.Kind.END) {
                return;
            }
            var end = verbatim.get(token.start());
            at = end != null ? end : token.end();
            if (token.isName("config") && lexer.next(token.end()).is("=")) {
                int open = lexer.next(lexer.next(token.end()).end()).start();
                opening.add(open);
                int depth = 0;
                int from = open;
                Token brace;
                do {
                    brace = lexer.next(from);
                    from = brace.end();
                    depth += brace.is("{") ? 1 : brace.is("}") ? -1 : 0;
                } while (depth > 0 && brace.kind() != Token.Kind.END);
                closing.add(brace.start());
                ends.add(brace.end());
                all.put(token.start(), new Item("config", behindSemicolon(brace.end()), true));
                script.config().forEach(setting -> {
                    expr(setting.value());
                    semicolons.add(setting.span().end());
                });
                return;
            }
            if (script.probes().stream().anyMatch(p -> p.span().start() <= token.start())) {
                return;
            }
        }
    }

    private void probe(Script.Probe probe) {
        item("probe", probe.span(), true);
        for (var point : probe.attachPoints()) {
            verbatim.put(point.span().start(), point.span().end());
        }
        int bodyStart = probe.body().span().start();
        heads.put(probe.span().start(), bodyStart);
        if (probe.predicate().isPresent()) {
            int from = probe.attachPoints().getLast().span().end();
            var slash = lexer.next(from);
            slashBefore.add(slash.start());
            var last = slash;
            for (var token = slash; token.start() < bodyStart; token = lexer.next(token.end())) {
                last = token;
            }
            slashBehind.add(last.start());
            expr(probe.predicate().get());
        }
        body(probe.body());
    }

    private void body(Stmt.Block block) {
        statement(block, true);
        AstWalker.walk(block, this::visit);
    }

    private void expr(Expr expr) {
        AstWalker.walk(expr, this::visit);
    }

    private void visit(Expr expr) {
        switch (expr) {
            case Expr.Binary b -> infix.add(b.opSpan().start());
            case Expr.BlockValue b -> {
                if (b.statements().isEmpty() && b.value().isPresent()) {
                    inline.add(b.span().start());
                    inline.add(b.span().end() - 1);
                } else {
                    brackets(b.span());
                }
                b.statements().forEach(s -> statement(s, false));
            }
            default -> {}
        }
    }

    private void brackets(Span span) {
        opening.add(span.start());
        closing.add(span.end() - 1);
    }

    /** @param closes whether a missing semicolon behind its last statement may be added */
    private void statement(Stmt statement, boolean closes) {
        switch (statement) {
            case Stmt.If s -> {
                ends.add(s.span().end());
                statement(s.then(), true);
                s.otherwise().ifPresent(o -> statement(o, true));
            }
            case Stmt.While s -> {
                ends.add(s.span().end());
                statement(s.body(), true);
            }
            case Stmt.Unroll s -> {
                ends.add(s.span().end());
                statement(s.body(), true);
            }
            case Stmt.ForMap s -> {
                ends.add(s.span().end());
                statement(s.body(), true);
            }
            case Stmt.ForRange s -> {
                ends.add(s.span().end());
                statement(s.body(), true);
            }
            case Stmt.Block s -> block(s, closes);
            case Stmt.Let s -> s.type().ifPresent(type -> expr(new Expr.TypeArgument(type, s.span())));
            case Stmt.ExprStmt _,
                    Stmt.Assign _,
                    Stmt.DeleteAssign _,
                    Stmt.Discard _,
                    Stmt.Return _,
                    Stmt.Break _,
                    Stmt.Continue _ -> {}
        }
    }

    private void block(Stmt.Block block, boolean closes) {
        char first = text.charAt(block.span().start());
        if (first == '{' || first == '<') {
            brackets(block.span());
            ends.add(block.span().end());
            if (closes) {
                lastOf(block);
            }
        }
        block.statements().forEach(s -> statement(s, false));
    }

    private void lastOf(Stmt.Block block) {
        if (block.statements().isEmpty()) {
            return;
        }
        switch (block.statements().getLast()) {
            case Stmt.ExprStmt s when s.expr() instanceof Expr.BlockValue -> {}
            case Stmt.ExprStmt _,
                    Stmt.Assign _,
                    Stmt.DeleteAssign _,
                    Stmt.Let _,
                    Stmt.Discard _,
                    Stmt.Return _,
                    Stmt.Break _,
                    Stmt.Continue _ -> {
                // Spans of expressions leave out parentheses around them: the last token is found from the bracket.
                int end = block.statements().getLast().span().end();
                int close = block.span().end() - 1;
                for (var token = lexer.next(end); token.start() < close; token = lexer.next(end)) {
                    end = token.end();
                }
                semicolons.add(end);
            }
            case Stmt.If _, Stmt.While _, Stmt.Unroll _, Stmt.ForMap _, Stmt.ForRange _, Stmt.Block _ -> {}
        }
    }
}
