package skep.dsl.parse;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import skep.dsl.ast.Expr;
import skep.dsl.ast.TypeRef;
import skep.source.Source;

/** Expressions and types, by precedence climbing. */
final class ExpressionParser {
    /** Deeper nesting is refused, so that no input overflows the stack. */
    static final int MAX_DEPTH = 160;

    private static final Expr.BinaryOp[] BINARY_OPS = Expr.BinaryOp.values();

    private final TokenCursor cursor;
    private final Parser statements;
    private final Source source;
    /** Inside a predicate a {@code /} before a body ends the expression. */
    private boolean inPredicate;

    private int depth;

    ExpressionParser(TokenCursor cursor, Parser statements) {
        this.cursor = cursor;
        this.statements = statements;
        this.source = cursor.source();
    }

    /** {@code expression = binary [ "?" expression ":" expression | "?:" expression ]}. */
    Expr expression() {
        if (++depth > MAX_DEPTH) {
            throw new SyntaxError(cursor.tokenSpan(), "nested too deeply");
        }
        try {
            int from = cursor.token().start();
            var condition = binary(1);
            if (cursor.accept("?:")) {
                var otherwise = expression();
                return new Expr.Conditional(condition, Optional.empty(), otherwise, statements.span(from));
            }
            if (!cursor.accept("?")) {
                return condition;
            }
            if (cursor.accept(":")) {
                var otherwise = expression();
                return new Expr.Conditional(condition, Optional.empty(), otherwise, statements.span(from));
            }
            var then = expression();
            cursor.expect(":");
            var otherwise = expression();
            return new Expr.Conditional(condition, Optional.of(then), otherwise, statements.span(from));
        } finally {
            depth--;
        }
    }

    Expr predicate() {
        inPredicate = true;
        try {
            return expression();
        } finally {
            inPredicate = false;
        }
    }

    /** The condition of {@code if} and {@code while}: parentheses are optional. */
    Expr condition() {
        return expression();
    }

    static Optional<Expr.BinaryOp> binary(String text) {
        for (var op : BINARY_OPS) {
            if (op.text().equals(text)) {
                return Optional.of(op);
            }
        }
        return Optional.empty();
    }

    /** {@code binary = unary { operator unary }}, operators of higher precedence bound first. */
    private Expr binary(int minPrecedence) {
        int from = cursor.token().start();
        var left = unary();
        while (true) {
            var token = cursor.token();
            if (token.kind() != Token.Kind.OPERATOR || inPredicate && token.is("/") && endsPredicate(token)) {
                return left;
            }
            var op = binary(token.text());
            if (op.isEmpty()
                    || op.get().precedence() < minPrecedence
                    || op.get() == Expr.BinaryOp.GT && closesBody(token)) {
                return left;
            }
            cursor.advance();
            var right = binary(op.get().precedence() + 1);
            left = new Expr.Binary(op.get(), left, right, cursor.spanOf(token), statements.span(from));
        }
    }

    /** A {@code >} that cannot be followed by an operand closes a body in angle brackets. */
    private boolean closesBody(Token token) {
        var next = cursor.peek();
        return next.kind() == Token.Kind.END && !token.is(">=");
    }

    private boolean endsPredicate(Token slash) {
        var next = cursor.peek();
        return next.is("{") || next.is("<");
    }

    /** {@code unary = ( "-" | "!" | "~" | "*" | "&" | "+" ) unary | ( "++" | "--" ) unary | cast | postfix}. */
    Expr unary() {
        if (++depth > MAX_DEPTH) {
            throw new SyntaxError(cursor.tokenSpan(), "nested too deeply");
        }
        try {
            var token = cursor.token();
            if (token.kind() == Token.Kind.NAME && token.text().equals("comptime")) {
                cursor.advance();
                var operand = unary();
                return new Expr.Comptime(operand, operand.span());
            }
            if (token.kind() != Token.Kind.OPERATOR) {
                return postfix();
            }
            return switch (token.text()) {
                case "-" -> prefix(Expr.UnaryOp.NEGATE);
                case "!" -> prefix(Expr.UnaryOp.NOT);
                case "~" -> prefix(Expr.UnaryOp.COMPLEMENT);
                case "*" -> prefix(Expr.UnaryOp.DEREFERENCE);
                case "&" -> prefix(Expr.UnaryOp.ADDRESS_OF);
                case "+" -> prefix(Expr.UnaryOp.PLUS);
                case "++", "--" -> {
                    cursor.advance();
                    var target = cursor.token();
                    if (target.kind() != Token.Kind.VARIABLE && target.kind() != Token.Kind.MAP) {
                        throw new SyntaxError(cursor.tokenSpan(), "increment/decrement requires a variable or map");
                    }
                    var operand = primary();
                    yield new Expr.Increment(operand, token.is("++"), true, statements.span(token.start()));
                }
                default -> postfix();
            };
        } finally {
            depth--;
        }
    }

    private Expr prefix(Expr.UnaryOp op) {
        int from = cursor.advance().start();
        var operand = unary();
        return new Expr.Unary(op, operand, statements.span(from));
    }

    /**
     * <pre>
     * postfix = primary { "." name | "." digits | "->" name | "[" expression { "," expression } "]" | "++" | "--" }
     * </pre>
     */
    private Expr postfix() {
        int from = cursor.token().start();
        var expr = primary();
        while (true) {
            var token = cursor.token();
            if (token.is(".") || token.is("->")) {
                expr = member(from, expr);
            } else if (token.is("[")) {
                cursor.advance();
                var index = keyList("]");
                cursor.expect("]");
                expr = new Expr.Index(expr, index, statements.span(from));
            } else if (token.is("++") || token.is("--")) {
                if (!(expr instanceof Expr.Var) && !(expr instanceof Expr.MapRef)) {
                    throw new SyntaxError(cursor.tokenSpan(), "increment/decrement requires a variable or map");
                }
                cursor.advance();
                expr = new Expr.Increment(expr, token.is("++"), false, statements.span(from));
            } else {
                return expr;
            }
        }
    }

    private Expr member(int from, Expr object) {
        boolean arrow = cursor.token().is("->");
        int at = cursor.token().end();
        var text = source.text();
        int end = at;
        while (end < text.length() && Lexer.isDigit(text.charAt(end))) {
            end++;
        }
        if (!arrow && end > at) {
            cursor.moveTo(end);
            long index = end - at > 18 ? Long.MAX_VALUE : Long.parseLong(text.substring(at, end));
            return new Expr.TupleElement(object, index, statements.span(from));
        }
        cursor.advance();
        var name = cursor.expectName();
        return new Expr.Field(object, name.text(), arrow, cursor.spanOf(name), statements.span(from));
    }

    /** {@code key = expression { "," expression }}: several make a tuple. */
    private Expr keyList(String end) {
        int from = cursor.token().start();
        var parts = new ArrayList<Expr>();
        do {
            if (cursor.token().is(end) && !parts.isEmpty()) {
                break;
            }
            parts.add(expression());
        } while (cursor.accept(","));
        return parts.size() == 1 ? parts.getFirst() : new Expr.Tuple(parts, statements.span(from));
    }

    Expr.Var variable() {
        var token = cursor.token();
        if (token.kind() != Token.Kind.VARIABLE) {
            throw new SyntaxError(cursor.tokenSpan(), "expected variable");
        }
        cursor.advance();
        return new Expr.Var(token.text(), cursor.spanOf(token));
    }

    /**
     * <pre>
     * primary = integer | string | "true" | "false" | positional | "$#" | variable | map [ "[" key "]" ] | name | call
     *         | "self->" name | "(" … ")" | block-value | sizeof | offsetof | typeof | typeinfo
     * </pre>
     */
    private Expr primary() {
        var token = cursor.token();
        var span = cursor.tokenSpan();
        return switch (token.kind()) {
            case INTEGER -> {
                cursor.advance();
                yield new Expr.IntLit(
                        token.value(),
                        (token.flags() & Token.UNSIGNED) != 0,
                        (token.flags() & Token.PINNED) != 0,
                        span);
            }
            case STRING -> {
                cursor.advance();
                yield new Expr.StrLit(token.text(), span);
            }
            case POSITIONAL -> {
                cursor.advance();
                yield new Expr.Positional(token.value(), span);
            }
            case PARAM_COUNT -> {
                cursor.advance();
                yield new Expr.PositionalCount(span);
            }
            case VARIABLE -> variable();
            case MAP -> map();
            case NAME -> named();
            case OPERATOR -> {
                if (token.is("(")) {
                    yield parenthesised();
                }
                if (token.is("{")) {
                    yield statements.blockValue();
                }
                throw new SyntaxError(span, "expected expression");
            }
            case END, UNKNOWN -> throw new SyntaxError(span, "expected expression");
        };
    }

    private Expr map() {
        var token = cursor.advance();
        Optional<Expr> key = Optional.empty();
        if (cursor.accept("[")) {
            key = Optional.of(keyList("]"));
            cursor.expect("]");
        }
        return new Expr.MapRef(token.text(), key, statements.span(token.start()));
    }

    private Expr named() {
        var token = cursor.token();
        var span = cursor.tokenSpan();
        switch (token.text()) {
            case "true", "false" -> {
                cursor.advance();
                return new Expr.BoolLit(token.text().equals("true"), span);
            }
            case "sizeof" -> {
                cursor.advance();
                var subject = subject(")");
                cursor.expect(")");
                return new Expr.Sizeof(subject, statements.span(token.start()));
            }
            case "typeinfo" -> {
                cursor.advance();
                var subject = subject(")");
                cursor.expect(")");
                return new Expr.Typeinfo(subject, statements.span(token.start()));
            }
            case "offsetof" -> {
                return offsetof();
            }
            case "container_of" -> {
                if (cursor.peek().is("(")) {
                    return containerOf();
                }
                cursor.advance();
                return new Expr.Ident(token.text(), span);
            }
            case "typeof" -> {
                var type = type();
                return new Expr.TypeArgument(type, statements.span(token.start()));
            }
            case "if" -> {
                return ifValue();
            }
            case "struct", "union", "enum", "else", "while", "for", "let", "return" ->
                throw new SyntaxError(span, "expected expression");
            default -> {
                cursor.advance();
                if (token.text().equals("self") && cursor.token().is("->")) {
                    return threadLocal(token);
                }
                if (cursor.token().is("!") && cursor.peek().is("(")) {
                    // The early spelling of macro calls: name!(…).
                    cursor.advance();
                }
                return cursor.token().is("(") ? call(token) : new Expr.Ident(token.text(), span);
            }
        }
    }

    /** {@code thread-local = "self" "->" name}: an entry for the current thread of a map of its own. */
    private Expr threadLocal(Token self) {
        cursor.advance();
        var name = cursor.expectName();
        var span = statements.span(self.start());
        return new Expr.MapRef(ThreadLocals.PREFIX + name.text(), Optional.of(new Expr.Ident("tid", span)), span);
    }

    /** {@code if-value = "if" expression block-value "else" ( if-value | block-value )}. */
    private Expr ifValue() {
        int from = cursor.advance().start();
        var condition = condition();
        var then = statements.blockValue();
        if (!cursor.token().isName("else")) {
            throw new SyntaxError(cursor.tokenSpan(), "expected 'else': an if that is a value needs both branches");
        }
        cursor.advance();
        Expr otherwise = cursor.token().isName("if") ? ifValue() : statements.blockValue();
        return new Expr.Conditional(condition, Optional.of(then), otherwise, statements.span(from));
    }

    /** {@code call = name "(" [ expression { "," expression } [ "," ] ] ")"}. */
    private Expr call(Token name) {
        cursor.advance();
        var arguments = new ArrayList<Expr>();
        while (!cursor.token().is(")")) {
            arguments.add(expression());
            if (!cursor.token().is(")")) {
                if (!cursor.token().is(",")) {
                    throw new SyntaxError(cursor.tokenSpan(), "expected ')'");
                }
                cursor.advance();
            }
        }
        cursor.expect(")");
        return new Expr.Call(name.text(), arguments, cursor.spanOf(name), statements.span(name.start()));
    }

    /** {@code offsetof = "offsetof" "(" ( type | expression ) "," name { "." name } ")"}. */
    private Expr offsetof() {
        int from = cursor.advance().start();
        var subject = subject(",");
        var path = path();
        return new Expr.Offsetof(subject, path, statements.span(from));
    }

    /**
     * {@code container-of = "container_of" "(" expression "," type "," name { "." name } ")"}: the structure of this type
     * whose member is at the address, as address arithmetic.
     */
    private Expr containerOf() {
        int from = cursor.advance().start();
        cursor.expect("(");
        var member = expression();
        cursor.expect(",");
        int at = cursor.token().start();
        var type = type();
        var typeSpan = statements.span(at);
        var path = path();
        var span = statements.span(from);
        var number = new Expr.Cast(new TypeRef.Name("uint64", typeSpan), member, typeSpan, member.span());
        var offset = new Expr.Offsetof(new Expr.OfType(type), path, span);
        var address = new Expr.Binary(Expr.BinaryOp.SUB, number, offset, span, span);
        return new Expr.Cast(new TypeRef.PointerTo(type, typeSpan), address, typeSpan, span);
    }

    /** {@code path = "," name { "." name } ")"}. */
    private List<String> path() {
        cursor.expect(",");
        var path = new ArrayList<String>();
        do {
            path.add(cursor.expectName().text());
            if (cursor.token().is("(")) {
                throw new SyntaxError(
                        cursor.tokenSpan(),
                        "FieldAccess expressions must be made up entirely of idents (e.g. a.b.c) to replace the second"
                                + " argument in `offsetof`");
            }
        } while (cursor.accept("."));
        cursor.expect(")");
        return path;
    }

    /** {@code subject = "(" ( type | expression )}: a bare name that is no builtin counts as a type. */
    private Expr.TypeOrExpr subject(String end) {
        cursor.expect("(");
        int at = cursor.token().start();
        var type = tryType();
        if (type.isPresent() && cursor.token().is(end) && !isBuiltinName(type.get())) {
            return new Expr.OfType(type.get());
        }
        cursor.moveTo(at);
        return new Expr.OfExpr(expression());
    }

    private static boolean isBuiltinName(TypeRef type) {
        return switch (type) {
            case TypeRef.Name n -> Words.isBuiltin(n.name());
            case TypeRef.ArrayOf a -> isBuiltinName(a.element());
            default -> false;
        };
    }

    /**
     * <pre>
     * parenthesised = "(" type ")" unary | "(" expression ")" | "(" ")" | "(" expression "," [ … ] ")"
     *               | "(" name "=" expression { "," name "=" expression } [ "," ] ")"
     * </pre>
     */
    private Expr parenthesised() {
        int from = cursor.advance().start();
        if (cursor.accept(")")) {
            return new Expr.Tuple(List.of(), statements.span(from));
        }
        var cast = tryCast(from);
        if (cast.isPresent()) {
            return cast.get();
        }
        if (cursor.token().kind() == Token.Kind.NAME && cursor.peek().is("=")) {
            return recordLiteral(from);
        }
        boolean outer = inPredicate;
        inPredicate = false;
        try {
            var elements = new ArrayList<Expr>();
            elements.add(expression());
            if (cursor.accept(")")) {
                return elements.getFirst();
            }
            while (cursor.token().is(",")) {
                cursor.advance();
                if (cursor.token().is(")")) {
                    break;
                }
                elements.add(expression());
            }
            cursor.expect(")");
            return new Expr.Tuple(elements, statements.span(from));
        } finally {
            inPredicate = outer;
        }
    }

    private Expr recordLiteral(int from) {
        var members = new ArrayList<Expr.Named>();
        while (!cursor.token().is(")")) {
            var name = cursor.expectName();
            cursor.expect("=");
            var value = expression();
            var span = statements.span(name.start());
            if (members.stream().anyMatch(m -> m.name().equals(name.text()))) {
                throw new SyntaxError(span, "Named argument list already contains name: " + name.text());
            }
            members.add(new Expr.Named(name.text(), value, span));
            if (!cursor.token().is(")")) {
                cursor.expect(",");
            }
        }
        cursor.expect(")");
        return new Expr.RecordLit(members, statements.span(from));
    }

    private Optional<Expr> tryCast(int from) {
        int at = cursor.token().start();
        var type = tryType();
        if (type.isPresent() && cursor.token().is(")")) {
            int typeEnd = cursor.previousEnd();
            cursor.advance();
            if (isCast(type.get())) {
                var operand = unary();
                return Optional.of(
                        new Expr.Cast(type.get(), operand, source.span(from, typeEnd + 1), statements.span(from)));
            }
        }
        cursor.moveTo(at);
        return Optional.empty();
    }

    /** Whether a parenthesised type is a cast, judged by its form and, for a bare name, by what follows. */
    private boolean isCast(TypeRef type) {
        return switch (type) {
            case TypeRef.PointerTo _, TypeRef.TypeOf _ -> true;
            case TypeRef.ArrayOf a -> baseIsType(a) || startsOperand(false);
            case TypeRef.Name n ->
                Words.isType(n.name())
                        || n.name().indexOf(' ') > 0
                        || !Words.isBuiltin(n.name()) && startsOperand(true);
        };
    }

    private static boolean baseIsType(TypeRef type) {
        return switch (type) {
            case TypeRef.Name n -> Words.isType(n.name()) || n.name().indexOf(' ') > 0;
            case TypeRef.ArrayOf a -> baseIsType(a.element());
            case TypeRef.PointerTo _, TypeRef.TypeOf _ -> true;
        };
    }

    private boolean startsOperand(boolean alsoStar) {
        var token = cursor.token();
        return switch (token.kind()) {
            case NAME -> !token.isName("else");
            case VARIABLE, MAP, INTEGER, STRING, POSITIONAL, PARAM_COUNT -> true;
            case OPERATOR -> token.is("(") || token.is("~") || token.is("!") || alsoStar && token.is("*");
            case END, UNKNOWN -> false;
        };
    }

    private Optional<TypeRef> tryType() {
        var token = cursor.token();
        if (token.kind() != Token.Kind.NAME) {
            return Optional.empty();
        }
        if (!token.isName("typeof") && cursor.peek().is("(")) {
            return Optional.empty();
        }
        try {
            return Optional.of(type());
        } catch (SyntaxError error) {
            return Optional.empty();
        }
    }

    /**
     * <pre>
     * type = ( name | ( "struct" | "union" | "enum" ) name | "unsigned" name … | "typeof" "(" … ")" ) { "*" | "[" [ expression ] "]" }
     * </pre>
     */
    TypeRef type() {
        int from = cursor.token().start();
        TypeRef type = typeHead(from);
        while (true) {
            if (cursor.accept("*")) {
                type = new TypeRef.PointerTo(type, statements.span(from));
            } else if (cursor.token().is("[")) {
                cursor.advance();
                Optional<Expr> length = cursor.token().is("]") ? Optional.empty() : Optional.of(expression());
                cursor.expect("]");
                type = new TypeRef.ArrayOf(type, length, statements.span(from));
            } else {
                return type;
            }
        }
    }

    private TypeRef typeHead(int from) {
        var name = cursor.expectName();
        switch (name.text()) {
            case "typeof" -> {
                var subject = subject(")");
                cursor.expect(")");
                return new TypeRef.TypeOf(subject, statements.span(from));
            }
            case "struct", "union", "enum" -> {
                var tag = cursor.expectName();
                return new TypeRef.Name(name.text() + " " + tag.text(), statements.span(from));
            }
            case "unsigned", "signed", "long", "short", "const", "volatile" -> {
                var text = new StringBuilder(name.text());
                while (cursor.token().kind() == Token.Kind.NAME
                        && isCWord(cursor.token().text())) {
                    text.append(' ').append(cursor.advance().text());
                }
                return new TypeRef.Name(text.toString(), statements.span(from));
            }
            default -> {
                return new TypeRef.Name(name.text(), statements.span(from));
            }
        }
    }

    private static boolean isCWord(String word) {
        return switch (word) {
            case "unsigned", "signed", "long", "short", "int", "char" -> true;
            default -> false;
        };
    }
}
