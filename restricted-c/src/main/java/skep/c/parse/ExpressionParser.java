package skep.c.parse;

import java.io.ByteArrayOutputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import skep.c.lex.Literals;
import skep.c.lex.Token;
import skep.c.parse.Parser.SyntaxError;
import skep.source.Span;

/** Expressions, by precedence climbing. */
final class ExpressionParser {
    private static final Map<String, Integer> PRECEDENCE = Map.ofEntries(
            Map.entry("||", 1),
            Map.entry("&&", 2),
            Map.entry("|", 3),
            Map.entry("^", 4),
            Map.entry("&", 5),
            Map.entry("==", 6),
            Map.entry("!=", 6),
            Map.entry("<", 7),
            Map.entry(">", 7),
            Map.entry("<=", 7),
            Map.entry(">=", 7),
            Map.entry("<<", 8),
            Map.entry(">>", 8),
            Map.entry("+", 9),
            Map.entry("-", 9),
            Map.entry("*", 10),
            Map.entry("/", 10),
            Map.entry("%", 10));
    private static final Set<String> ASSIGNMENTS =
            Set.of("=", "+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=", "<<=", ">>=");

    /** Deeper nesting is refused rather than left to the stack. */
    private static final int MAX_DEPTH = 200;

    private final Parser parser;
    private final TokenCursor cursor;
    private int depth;

    ExpressionParser(Parser parser) {
        this.parser = parser;
        this.cursor = parser.cursor;
    }

    // expression = assignment { "," assignment }
    Expr expression() {
        var left = assignment();
        while (cursor.accept(",")) {
            var right = assignment();
            left = new Expr.Binary(join(left, right), ",", left, right);
        }
        return left;
    }

    // assignment = conditional [ assignment-operator assignment ]
    Expr assignment() {
        if (depth++ > MAX_DEPTH) {
            depth = 0;
            throw parser.error("expression is nested too deeply");
        }
        var target = conditional();
        if (cursor.peek().kind() == Token.Kind.PUNCTUATOR
                && ASSIGNMENTS.contains(cursor.peek().text())) {
            var op = cursor.next().text();
            var value = assignment();
            target = new Expr.Assign(join(target, value), op.substring(0, op.length() - 1), target, value);
        }
        depth--;
        return target;
    }

    // conditional = binary [ "?" [ expression ] ":" conditional ]
    Expr conditional() {
        var condition = binary(1);
        if (!cursor.accept("?")) {
            return condition;
        }
        Optional<Expr> then = cursor.peek().is(":") ? Optional.empty() : Optional.of(expression());
        parser.expect(":", "expected ':'");
        var otherwise = conditional();
        return new Expr.Conditional(join(condition, otherwise), condition, then, otherwise);
    }

    private Expr binary(int lowest) {
        var left = unary();
        while (true) {
            var op = cursor.peek();
            int precedence = op.kind() == Token.Kind.PUNCTUATOR ? PRECEDENCE.getOrDefault(op.text(), 0) : 0;
            if (precedence < lowest) {
                return left;
            }
            cursor.next();
            var right = binary(precedence + 1);
            left = new Expr.Binary(join(left, right), op.text(), left, right);
        }
    }

    private static Span join(Expr a, Expr b) {
        return a.span().source() == b.span().source() ? a.span().to(b.span()) : a.span();
    }

    // unary = prefix-operator unary | "sizeof" … | "(" type ")" unary | postfix
    private Expr unary() {
        var first = cursor.peek();
        if (first.kind() == Token.Kind.PUNCTUATOR) {
            switch (first.text()) {
                case "-", "+", "!", "~", "*", "&", "++", "--" -> {
                    cursor.next();
                    if (depth++ > MAX_DEPTH) {
                        depth = 0;
                        throw parser.error("expression is nested too deeply");
                    }
                    var operand = unary();
                    depth--;
                    return new Expr.Unary(cursor.spanFrom(first), first.text(), operand);
                }
                case "(" -> {
                    if (parser.startsType(cursor.peek(1))) {
                        return castOrLiteral();
                    }
                }
                default -> {}
            }
        }
        return switch (first.kind() == Token.Kind.IDENTIFIER ? first.text() : "") {
            case "sizeof" -> sizeOf();
            case "_Alignof", "__alignof__" -> {
                cursor.next();
                parser.expect("(", "expected '('");
                var type = parser.typeName();
                parser.expect(")", "expected ')'");
                yield new Expr.AlignOf(cursor.spanFrom(first), type);
            }
            case "__extension__" -> {
                cursor.next();
                yield unary();
            }
            default -> postfix(primary());
        };
    }

    private Expr castOrLiteral() {
        var open = cursor.next();
        var type = parser.typeName();
        parser.expect(")", "expected ')'");
        if (cursor.peek().is("{")) {
            var braces = parser.braces();
            return postfix(new Expr.CompoundLiteral(cursor.spanFrom(open), type, braces));
        }
        var operand = unary();
        return new Expr.Cast(cursor.spanFrom(open), type, operand);
    }

    private Expr sizeOf() {
        var word = cursor.next();
        if (cursor.peek().is("(") && parser.startsType(cursor.peek(1))) {
            cursor.next();
            var type = parser.typeName();
            parser.expect(")", "expected ')'");
            return new Expr.SizeOfType(cursor.spanFrom(word), type);
        }
        var operand = unary();
        return new Expr.SizeOf(cursor.spanFrom(word), operand);
    }

    private Expr postfix(Expr start) {
        var expr = start;
        while (true) {
            var token = cursor.peek();
            if (token.kind() != Token.Kind.PUNCTUATOR) {
                return expr;
            }
            switch (token.text()) {
                case "[" -> {
                    cursor.next();
                    var index = expression();
                    parser.expect("]", "expected ']'");
                    expr = new Expr.Index(spanTo(expr), expr, index);
                }
                case "(" -> {
                    var args = callArguments();
                    expr = new Expr.Call(spanTo(expr), expr, args);
                }
                case ".", "->" -> {
                    cursor.next();
                    var name = cursor.peek();
                    if (name.kind() != Token.Kind.IDENTIFIER) {
                        throw parser.error("expected identifier");
                    }
                    cursor.next();
                    expr = new Expr.Member(spanTo(expr), expr, name.text(), token.is("->"));
                }
                case "++", "--" -> {
                    cursor.next();
                    expr = new Expr.Postfix(spanTo(expr), token.text(), expr);
                }
                default -> {
                    return expr;
                }
            }
        }
    }

    /** From the start of an expression to the last token read. */
    private Span spanTo(Expr first) {
        var end = cursor.behindPrevious();
        return end.source() == first.span().source()
                        && end.start() >= first.span().start()
                ? end.source().span(first.span().start(), end.start())
                : first.span();
    }

    private List<Expr> callArguments() {
        cursor.next();
        var args = new ArrayList<Expr>();
        while (!cursor.accept(")")) {
            var first = cursor.peek();
            if (parser.startsType(first)) {
                var type = parser.typeName();
                args.add(new Expr.TypeArgument(cursor.spanFrom(first), type));
            } else {
                args.add(assignment());
            }
            if (!cursor.accept(",") && !cursor.peek().is(")")) {
                throw parser.error("expected ',' or ')' in call");
            }
        }
        return args;
    }

    private Expr primary() {
        var token = cursor.peek();
        switch (token.kind()) {
            case NUMBER -> {
                cursor.next();
                var number = Literals.integer(token.text()).or(() -> Literals.wholeNumber(token.text()));
                if (number.isEmpty()) {
                    throw parser.error(token.span(), "'" + token.text() + "' is no integer; BPF has no floating point");
                }
                var n = number.get();
                return new Expr.IntLiteral(token.span(), n.value(), n.unsigned(), n.longs(), n.decimal());
            }
            case CHARACTER -> {
                cursor.next();
                return new Expr.CharLiteral(token.span(), Literals.character(token.text()));
            }
            case STRING -> {
                var bytes = new ByteArrayOutputStream();
                while (cursor.peek().kind() == Token.Kind.STRING) {
                    bytes.writeBytes(Literals.string(cursor.next().text()));
                }
                return new Expr.StringLiteral(cursor.spanFrom(token), bytes.toByteArray());
            }
            case IDENTIFIER -> {
                return named(token);
            }
            default -> {
                return parenthesis(token);
            }
        }
    }

    private Expr parenthesis(Token token) {
        if (!token.is("(")) {
            throw parser.error("expected expression");
        }
        cursor.next();
        if (cursor.peek().is("{")) {
            var block = parser.block();
            parser.expect(")", "expected ')'");
            return new Expr.Statements(cursor.spanFrom(token), block);
        }
        var inner = expression();
        parser.expect(")", "expected ')'");
        return inner;
    }

    private Expr named(Token token) {
        switch (token.text()) {
            case "__builtin_offsetof", "offsetof" -> {
                if (cursor.peek(1).is("(")) {
                    return offsetOf(token);
                }
            }
            case "__builtin_types_compatible_p" -> {
                cursor.next();
                parser.expect("(", "expected '('");
                var a = parser.typeName();
                parser.expect(",", "expected ','");
                var b = parser.typeName();
                parser.expect(")", "expected ')'");
                return new Expr.TypesCompatible(cursor.spanFrom(token), a, b);
            }
            default -> {}
        }
        var name = parser.identifier();
        return new Expr.Name(name.span(), name.text());
    }

    private Expr offsetOf(Token word) throws SyntaxError {
        cursor.next();
        parser.expect("(", "expected '('");
        var type = parser.typeName();
        parser.expect(",", "expected ','");
        var member = postfix(named(cursor.peek()));
        parser.expect(")", "expected ')'");
        return new Expr.OffsetOf(cursor.spanFrom(word), type, member);
    }
}
