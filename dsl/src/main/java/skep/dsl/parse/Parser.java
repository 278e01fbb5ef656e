package skep.dsl.parse;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import skep.dsl.ast.Expr;
import skep.dsl.ast.Script;
import skep.dsl.ast.Stmt;
import skep.dsl.ast.TypeRef;
import skep.source.Diagnostics;
import skep.source.Source;
import skep.source.Span;

/** The parser of whole scripts: what stands at top level and statements. Expressions are {@link ExpressionParser}'s. */
public final class Parser {
    private final TokenCursor cursor;
    private final ExpressionParser expressions;
    private final Source source;
    private final Diagnostics diagnostics;
    /** How many bodies delimited by {@code < >} are open: there a {@code >} ends statements. */
    private boolean angled;

    private int depth;

    private Parser(Source source, Diagnostics diagnostics, int from) {
        this.source = source;
        this.diagnostics = diagnostics;
        this.cursor = new TokenCursor(source, diagnostics, from);
        this.expressions = new ExpressionParser(cursor, this);
    }

    /** Parses a script; what is wrong goes to {@code diagnostics}, and the rest is still there. */
    public static Script parse(Source source, Diagnostics diagnostics) {
        int from = interpreterLineEnd(source.text());
        return new Parser(source, diagnostics, from).script();
    }

    /** Parses text that must be one expression, such as the value of a {@code #define}; empty if it is none. */
    public static Optional<Expr> parseExpression(Source source, Diagnostics diagnostics) {
        var parser = new Parser(source, diagnostics, 0);
        try {
            var expr = parser.expressions.expression();
            return parser.cursor.token().kind() == Token.Kind.END ? Optional.of(expr) : Optional.empty();
        } catch (SyntaxError error) {
            return Optional.empty();
        }
    }

    private static int interpreterLineEnd(String text) {
        if (!text.startsWith("#!")) {
            return 0;
        }
        int end = text.indexOf('\n');
        return end < 0 ? text.length() : end;
    }

    /** {@code script = [ "#!" line ] { c-text | config | import | map-declaration | macro | subprogram | probe }}. */
    private Script script() {
        var top = new TopLevel();
        while (cursor.token().kind() != Token.Kind.END) {
            int before = cursor.token().start();
            try {
                item(top);
            } catch (SyntaxError error) {
                error.report(diagnostics);
                skipToItem();
            }
            if (cursor.token().start() == before && cursor.token().kind() != Token.Kind.END) {
                cursor.advance();
            }
        }
        var text = source.text();
        int lineEnd = interpreterLineEnd(text);
        return new Script(
                source,
                lineEnd > 0 ? Optional.of(text.substring(0, lineEnd)) : Optional.empty(),
                top.preamble,
                top.config,
                top.imports,
                top.maps,
                top.macros,
                top.subprograms,
                top.probes);
    }

    private static final class TopLevel {
        final List<Script.CText> preamble = new ArrayList<>();
        final List<Script.Setting> config = new ArrayList<>();
        final List<Script.Import> imports = new ArrayList<>();
        final List<Script.MapDeclaration> maps = new ArrayList<>();
        final List<Script.Macro> macros = new ArrayList<>();
        final List<Script.Subprogram> subprograms = new ArrayList<>();
        final List<Script.Probe> probes = new ArrayList<>();
        boolean pastPreamble;
    }

    private void item(TopLevel top) {
        var token = cursor.token();
        if (token.kind() == Token.Kind.UNKNOWN && token.text().equals("#") || startsC(token)) {
            var text = cText();
            if (top.pastPreamble || !top.config.isEmpty()) {
                throw new SyntaxError(text.span(), "C definitions must appear before probes and functions");
            }
            top.preamble.add(text);
            return;
        }
        var next = cursor.peek();
        if (token.isName("config") && next.is("=")) {
            config(top);
            return;
        }
        if (token.isName("import")) {
            top.imports.add(importItem());
            return;
        }
        if (token.isName("let")) {
            top.maps.add(mapDeclaration());
            return;
        }
        top.pastPreamble = true;
        if (token.isName("macro") && next.kind() == Token.Kind.NAME) {
            top.macros.add(macro());
        } else if (token.isName("fn") && next.kind() == Token.Kind.NAME) {
            top.subprograms.add(subprogram());
        } else {
            top.probes.add(probe());
        }
    }

    /** {@code struct}, {@code union}, {@code enum} and {@code typedef} begin C. */
    private static boolean startsC(Token token) {
        return token.isName("struct") || token.isName("union") || token.isName("enum") || token.isName("typedef");
    }

    /**
     * {@code c-text = "#" line | ( "struct" | "union" | "enum" | "typedef" ) … ( "}" { attribute } [ ";" ] | ";" )}.
     */
    private Script.CText cText() {
        var text = source.text();
        int from = cursor.token().start();
        if (text.charAt(from) == '#') {
            int end = from;
            do {
                end = text.indexOf('\n', end + 1);
            } while (end > 0 && text.charAt(end - 1) == '\\');
            end = end < 0 ? text.length() : end;
            cursor.moveTo(end);
            return new Script.CText(source.span(from, end));
        }
        boolean typedef = cursor.token().isName("typedef");
        int braces = 0;
        while (cursor.token().kind() != Token.Kind.END) {
            var token = cursor.advance();
            if (token.is("{")) {
                braces++;
            } else if (token.is("}") && --braces == 0 && !typedef) {
                attributes();
                break;
            } else if (token.is(";") && braces == 0) {
                break;
            }
        }
        int end = cursor.previousEnd();
        if (cursor.token().is(";")) {
            cursor.advance();
            end = cursor.previousEnd();
        }
        return new Script.CText(source.span(from, end));
    }

    /** {@code attribute = "__attribute__" "((" … "))"}. */
    private void attributes() {
        while (cursor.token().isName("__attribute__")) {
            cursor.advance();
            if (!cursor.token().is("(") || !cursor.peek().is("(")) {
                throw new SyntaxError(cursor.tokenSpan(), "__attribute__ syntax error, expected '(('");
            }
            int open = 0;
            do {
                var token = cursor.advance();
                open += token.is("(") ? 1 : token.is(")") ? -1 : 0;
            } while (open > 0 && cursor.token().kind() != Token.Kind.END);
        }
    }

    /** {@code config = "config" "=" "{" [ name "=" value { ";" name "=" value } [ ";" ] ] "}"}. */
    private void config(TopLevel top) {
        cursor.advance();
        cursor.expect("=");
        cursor.expect("{");
        while (!cursor.token().is("}") && cursor.token().kind() != Token.Kind.END) {
            var name = cursor.expectName();
            cursor.expect("=");
            var value = expressions.unary();
            top.config.add(new Script.Setting(name.text(), value, source.span(name.start(), cursor.previousEnd())));
            if (!cursor.token().is("}")) {
                cursor.expect(";");
            }
        }
        cursor.expect("}");
        cursor.accept(";");
    }

    /** {@code import = "import" string ";"}. */
    private Script.Import importItem() {
        int from = cursor.advance().start();
        if (cursor.token().kind() != Token.Kind.STRING) {
            throw new SyntaxError(cursor.tokenSpan(), "expected string after 'import'");
        }
        var path = cursor.advance();
        cursor.expect(";");
        return new Script.Import(path.text(), source.span(from, path.end()));
    }

    /** {@code map-declaration = "let" map "=" name "(" expression ")" ";"}. */
    private Script.MapDeclaration mapDeclaration() {
        int from = cursor.advance().start();
        if (cursor.token().kind() != Token.Kind.MAP) {
            throw new SyntaxError(cursor.tokenSpan(), "expected map name after 'let'");
        }
        var map = cursor.advance();
        cursor.expect("=");
        var kind = cursor.expectName();
        cursor.expect("(");
        var entries = expressions.expression();
        cursor.expect(")");
        var span = source.span(from, cursor.previousEnd());
        cursor.expect(";");
        return new Script.MapDeclaration(map.text(), kind.text(), entries, source.span(kind.start(), kind.end()), span);
    }

    /** {@code macro = "macro" name [ "(" [ parameter { "," parameter } ] ")" ] block-value}. */
    private Script.Macro macro() {
        int from = cursor.advance().start();
        var name = cursor.expectName();
        var parameters = new ArrayList<Expr>();
        boolean listed = cursor.accept("(");
        while (listed && !cursor.token().is(")")) {
            var token = cursor.advance();
            var span = source.span(token.start(), token.end());
            parameters.add(
                    switch (token.kind()) {
                        case NAME -> {
                            if (Words.isBuiltin(token.text())) {
                                throw new SyntaxError(
                                        span, "builtin '" + token.text() + "' can't be used as a macro argument");
                            }
                            yield new Expr.Ident(token.text(), span);
                        }
                        case VARIABLE -> new Expr.Var(token.text(), span);
                        case MAP -> new Expr.MapRef(token.text(), Optional.empty(), span);
                        default -> throw new SyntaxError(span, "expected macro parameter");
                    });
            if (!cursor.token().is(")")) {
                cursor.expect(",");
            }
        }
        if (listed) {
            cursor.expect(")");
        }
        var nameSpan = source.span(name.start(), name.end());
        var body = blockValue();
        return new Script.Macro(name.text(), parameters, body, nameSpan, source.span(from, cursor.previousEnd()));
    }

    /** {@code subprogram = "fn" name "(" [ variable ":" type { "," variable ":" type } ] ")" ":" type block}. */
    private Script.Subprogram subprogram() {
        int from = cursor.advance().start();
        var name = cursor.expectName();
        cursor.expect("(");
        var parameters = new ArrayList<Script.Parameter>();
        while (!cursor.token().is(")")) {
            var variable = expressions.variable();
            cursor.expect(":");
            parameters.add(new Script.Parameter(variable, expressions.type()));
            if (!cursor.token().is(")")) {
                cursor.expect(",");
            }
        }
        cursor.expect(")");
        TypeRef result = new TypeRef.Name("void", cursor.tokenSpan());
        if (cursor.accept(":")) {
            result = expressions.type();
        }
        var body = block();
        return new Script.Subprogram(
                name.text(),
                parameters,
                result,
                body,
                source.span(name.start(), name.end()),
                source.span(from, cursor.previousEnd()));
    }

    /** {@code probe = [ name "=" ] attach-point { "," attach-point } [ "/" expression "/" ] ( block | "<" … ">" )}. */
    private Script.Probe probe() {
        int from = cursor.token().start();
        Optional<String> name = Optional.empty();
        if (cursor.token().kind() == Token.Kind.NAME
                && cursor.peek().is("=")
                && !cursor.token().isName("config")) {
            name = Optional.of(cursor.advance().text());
            cursor.advance();
        }
        var points = new ArrayList<Script.AttachPoint>();
        do {
            int start = cursor.token().start();
            var point = AttachPointReader.read(source, start);
            if (point.span().start() == point.span().end()) {
                if (points.isEmpty() || !cursor.token().is("{")) {
                    throw new SyntaxError(cursor.tokenSpan(), "expected attach point");
                }
                break;
            }
            points.add(point);
            cursor.moveTo(point.span().end());
        } while (cursor.accept(","));
        Optional<Expr> predicate = Optional.empty();
        if (cursor.token().is("/")) {
            cursor.advance();
            predicate = Optional.of(expressions.predicate());
            cursor.expect("/");
        }
        var body = cursor.token().is("<") ? angledBody() : block();
        return new Script.Probe(name, points, predicate, body, source.span(from, cursor.previousEnd()));
    }

    /** A body in angle brackets; a {@code >} where a statement could begin closes it. */
    private Stmt.Block angledBody() {
        int from = cursor.advance().start();
        angled = true;
        try {
            var statements = new ArrayList<Stmt>();
            statements(statements, ">");
            cursor.expect(">");
            return new Stmt.Block(statements, source.span(from, cursor.previousEnd()));
        } finally {
            angled = false;
        }
    }

    /** {@code block = "{" { statement } "}"}. */
    Stmt.Block block() {
        int from = cursor.token().start();
        cursor.expect("{");
        boolean outer = angled;
        angled = false;
        var statements = new ArrayList<Stmt>();
        enter();
        var value = statements(statements, "}");
        depth--;
        angled = outer;
        value.ifPresent(v -> statements.add(new Stmt.ExprStmt(v, v.span())));
        cursor.expect("}");
        return new Stmt.Block(statements, source.span(from, cursor.previousEnd()));
    }

    /** {@code block-value = "{" { statement } [ expression ] "}"}. */
    Expr.BlockValue blockValue() {
        int from = cursor.token().start();
        cursor.expect("{");
        boolean outer = angled;
        angled = false;
        var statements = new ArrayList<Stmt>();
        enter();
        var value = statements(statements, "}");
        depth--;
        angled = outer;
        cursor.expect("}");
        return new Expr.BlockValue(statements, value, source.span(from, cursor.previousEnd()));
    }

    void enter() {
        if (++depth > ExpressionParser.MAX_DEPTH) {
            throw new SyntaxError(cursor.tokenSpan(), "nested too deeply");
        }
    }

    /** Statements up to {@code end}; the value is a last expression without a semicolon. */
    private Optional<Expr> statements(List<Stmt> into, String end) {
        while (true) {
            if (cursor.accept(";")) {
                continue;
            }
            if (cursor.token().is(end) || cursor.token().kind() == Token.Kind.END) {
                return Optional.empty();
            }
            int before = cursor.token().start();
            try {
                var statement = statement();
                boolean closed = endsItself(statement) || cursor.accept(";");
                if (!closed
                        && statement instanceof Stmt.ExprStmt e
                        && cursor.token().is(end)) {
                    if (end.equals(">")) {
                        into.add(statement);
                        return Optional.empty();
                    }
                    return Optional.of(e.expr());
                }
                into.add(statement);
                if (!closed && !cursor.token().is(end)) {
                    throw new SyntaxError(cursor.tokenSpan(), "expected ';'");
                }
            } catch (SyntaxError error) {
                error.report(diagnostics);
                skipToStatement(end);
                if (cursor.token().start() == before) {
                    cursor.advance();
                }
            }
        }
    }

    private static boolean endsItself(Stmt statement) {
        return switch (statement) {
            case Stmt.If _, Stmt.While _, Stmt.Unroll _, Stmt.ForMap _, Stmt.ForRange _, Stmt.Block _ -> true;
            default -> false;
        };
    }

    /**
     * <pre>
     * statement = block | if | while | unroll | for | let | "return" [ expression ] | "break" | "continue"
     *           | "_" "=" expression | expression [ assign-op ( expression | "delete" ) ]
     * </pre>
     */
    private Stmt statement() {
        var token = cursor.token();
        if (token.is("{")) {
            var value = blockValue();
            if (value.value().isPresent() && cursor.token().is("}")) {
                return new Stmt.ExprStmt(value, value.span());
            }
            var statements = new ArrayList<>(value.statements());
            value.value().ifPresent(v -> statements.add(new Stmt.ExprStmt(v, v.span())));
            return new Stmt.Block(statements, value.span());
        }
        if (token.kind() != Token.Kind.NAME) {
            return expressionStatement();
        }
        return switch (token.text()) {
            case "if" -> ifStatement();
            case "while" -> whileStatement();
            case "unroll" -> unroll();
            case "for" -> forStatement();
            case "let" -> let();
            case "return" -> returnStatement();
            case "break" -> new Stmt.Break(cursor.spanOf(cursor.advance()));
            case "continue" -> new Stmt.Continue(cursor.spanOf(cursor.advance()));
            case "_" -> {
                if (!cursor.peek().is("=")) {
                    yield expressionStatement();
                }
                cursor.advance();
                cursor.advance();
                var value = expressions.expression();
                yield new Stmt.Discard(value, source.span(token.start(), cursor.previousEnd()));
            }
            default -> expressionStatement();
        };
    }

    private Stmt expressionStatement() {
        int from = cursor.token().start();
        var target = expressions.expression();
        var token = cursor.token();
        boolean assignable = target instanceof Expr.Var || target instanceof Expr.MapRef;
        if (!assignable || token.kind() != Token.Kind.OPERATOR || !isAssignment(token.text())) {
            return new Stmt.ExprStmt(target, source.span(from, cursor.previousEnd()));
        }
        cursor.advance();
        if (token.is("=") && cursor.token().isName("delete") && !cursor.peek().is("(")) {
            cursor.advance();
            var span = source.span(from, cursor.previousEnd());
            if (target instanceof Expr.MapRef map) {
                return new Stmt.DeleteAssign(map, span);
            }
            throw new SyntaxError(span, "only a map entry can be deleted");
        }
        var value = expressions.expression();
        Optional<Expr.BinaryOp> op = token.is("=")
                ? Optional.empty()
                : ExpressionParser.binary(token.text().substring(0, token.text().length() - 1));
        return new Stmt.Assign(target, op, value, source.span(from, cursor.previousEnd()));
    }

    private static boolean isAssignment(String operator) {
        return switch (operator) {
            case "=", "+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=", "<<=", ">>=" -> true;
            default -> false;
        };
    }

    /** {@code if = "if" expression block [ "else" ( if | block ) ]}. */
    private Stmt ifStatement() {
        int from = cursor.advance().start();
        var condition = expressions.condition();
        var then = block();
        Optional<Stmt.Block> otherwise = Optional.empty();
        if (cursor.token().isName("else")) {
            cursor.advance();
            if (cursor.token().isName("if")) {
                enter();
                var nested = ifStatement();
                depth--;
                otherwise = Optional.of(new Stmt.Block(List.of(nested), nested.span()));
            } else {
                otherwise = Optional.of(block());
            }
        }
        return new Stmt.If(condition, then, otherwise, source.span(from, cursor.previousEnd()));
    }

    /** {@code while = "while" expression block}. */
    private Stmt whileStatement() {
        int from = cursor.advance().start();
        var condition = expressions.condition();
        var body = block();
        return new Stmt.While(condition, body, source.span(from, cursor.previousEnd()));
    }

    /** {@code unroll = "unroll" "(" expression ")" block}. */
    private Stmt unroll() {
        int from = cursor.advance().start();
        cursor.expect("(");
        var count = expressions.expression();
        cursor.expect(")");
        var body = block();
        return new Stmt.Unroll(count, body, source.span(from, cursor.previousEnd()));
    }

    /** {@code for = "for" [ "(" ] variable ":" ( map | unary ".." unary ) [ ")" ] block}. */
    private Stmt forStatement() {
        int from = cursor.advance().start();
        boolean parenthesised = cursor.accept("(");
        var variable = expressions.variable();
        cursor.expect(":");
        var first = expressions.unary();
        if (cursor.accept("..")) {
            var last = expressions.unary();
            if (parenthesised) {
                cursor.expect(")");
            }
            var head = source.span(from, cursor.previousEnd());
            var body = block();
            return new Stmt.ForRange(variable, first, last, body, head, source.span(from, cursor.previousEnd()));
        }
        if (parenthesised) {
            cursor.expect(")");
        }
        var head = source.span(from, cursor.previousEnd());
        if (!(first instanceof Expr.MapRef map)) {
            throw new SyntaxError(first.span(), "expected map or range to loop over");
        }
        var body = block();
        return new Stmt.ForMap(variable, map, body, head, source.span(from, cursor.previousEnd()));
    }

    /** {@code let = "let" variable [ ":" type ] [ "=" expression ]}. */
    private Stmt let() {
        int from = cursor.advance().start();
        var variable = expressions.variable();
        Optional<TypeRef> type = Optional.empty();
        if (cursor.accept(":")) {
            type = Optional.of(expressions.type());
        }
        Optional<Expr> value = Optional.empty();
        if (cursor.accept("=")) {
            value = Optional.of(expressions.expression());
        }
        return new Stmt.Let(variable, type, value, source.span(from, cursor.previousEnd()));
    }

    private Stmt returnStatement() {
        int from = cursor.advance().start();
        var token = cursor.token();
        Optional<Expr> value = Optional.empty();
        if (!token.is(";") && !token.is("}") && !(angled && token.is(">")) && token.kind() != Token.Kind.END) {
            value = Optional.of(expressions.expression());
        }
        return new Stmt.Return(value, source.span(from, cursor.previousEnd()));
    }

    /** Behind a mistake: goes to the next semicolon or closing brace of this block. */
    private void skipToStatement(String end) {
        int braces = 0;
        while (cursor.token().kind() != Token.Kind.END) {
            var token = cursor.token();
            if (braces == 0 && (token.is(";") || token.is("}") || token.is(end))) {
                return;
            }
            braces += token.is("{") ? 1 : token.is("}") ? -1 : 0;
            cursor.advance();
        }
    }

    /** Behind a mistake at top level: goes behind the closing brace of the item, or its semicolon. */
    private void skipToItem() {
        int braces = 0;
        while (cursor.token().kind() != Token.Kind.END) {
            var token = cursor.advance();
            if (token.is("{")) {
                braces++;
            } else if (token.is("}") && --braces <= 0 || token.is(";") && braces == 0) {
                return;
            }
        }
    }

    Span span(int from) {
        return source.span(from, cursor.previousEnd());
    }
}
