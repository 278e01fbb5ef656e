package skep.c.pp;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import skep.c.lex.Literals;
import skep.c.lex.Token;
import skep.source.Diagnostics;
import skep.source.Span;

/** The expression behind {@code #if} (C11 6.10.1): integers of 64 bits, names that remain are 0. */
final class ConditionEvaluator {
    private final Map<String, Macro> macros;
    private final MacroExpander expander;
    private final IncludeProvider includes;
    private final Diagnostics diagnostics;
    private final Span place;
    private List<Token> tokens = List.of();
    private int at;
    private boolean failed;

    /** A number, signed or not. */
    private record Num(long value, boolean unsigned) {
        static final Num ZERO = new Num(0, false);

        boolean isTrue() {
            return value != 0;
        }

        static Num of(boolean truth) {
            return new Num(truth ? 1 : 0, false);
        }
    }

    ConditionEvaluator(
            Map<String, Macro> macros,
            MacroExpander expander,
            IncludeProvider includes,
            Diagnostics diagnostics,
            Span place) {
        this.macros = macros;
        this.expander = expander;
        this.includes = includes;
        this.diagnostics = diagnostics;
        this.place = place;
    }

    boolean holds(List<Token> line) {
        tokens = expander.expand(withoutQueries(line));
        if (tokens.isEmpty()) {
            fail("expected value in expression");
            return false;
        }
        var value = conditional(true);
        if (!failed && at < tokens.size()) {
            fail("token is not a valid binary operator in a preprocessor subexpression");
        }
        return !failed && value.isTrue();
    }

    /** {@code defined X} and {@code __has_…(…)} are answered before macros are expanded. */
    private List<Token> withoutQueries(List<Token> line) {
        var out = new ArrayList<Token>();
        for (int i = 0; i < line.size(); i++) {
            var token = line.get(i);
            if (token.is("defined")) {
                boolean parenthesis = i + 1 < line.size() && line.get(i + 1).is("(");
                int name = i + (parenthesis ? 2 : 1);
                if (name >= line.size()) {
                    fail("macro name missing");
                    return List.of(token);
                }
                out.add(number(token, macros.containsKey(line.get(name).text())));
                i = name + (parenthesis ? 1 : 0);
            } else if (token.text().startsWith("__has_")
                    && i + 1 < line.size()
                    && line.get(i + 1).is("(")) {
                int close = i + 2;
                int nesting = 1;
                while (close < line.size() && nesting > 0) {
                    nesting += line.get(close).is("(") ? 1 : line.get(close).is(")") ? -1 : 0;
                    close++;
                }
                out.add(number(token, has(token, line.subList(i + 2, Math.max(i + 2, close - 1)))));
                i = close - 1;
            } else {
                out.add(token);
            }
        }
        return out;
    }

    private boolean has(Token query, List<Token> operand) {
        return query.text().startsWith("__has_include")
                && Preprocessor.HeaderName.read(operand)
                        .flatMap(h -> includes.find(
                                h.name(), h.angled(), query.span().source().name()))
                        .isPresent();
    }

    private static Token number(Token at, boolean truth) {
        return new Token(Token.Kind.NUMBER, truth ? "1" : "0", at.span(), at.spaceBefore(), false);
    }

    private void fail(String message) {
        if (!failed) {
            failed = true;
            var span = at < tokens.size() ? tokens.get(at).span() : place;
            diagnostics.error("preprocessor-expression", span, message);
        }
    }

    private boolean accept(String punctuator) {
        if (at < tokens.size() && tokens.get(at).is(punctuator)) {
            at++;
            return true;
        }
        return false;
    }

    // conditional = logical-or [ "?" expression ":" conditional ]
    private Num conditional(boolean evaluate) {
        var condition = binary(0, evaluate);
        if (!accept("?")) {
            return condition;
        }
        var then = conditional(evaluate && condition.isTrue());
        if (!accept(":")) {
            fail("expected ':'");
        }
        var otherwise = conditional(evaluate && !condition.isTrue());
        return condition.isTrue() ? then : otherwise;
    }

    private static final String[][] LEVELS = {
        {"||"},
        {"&&"},
        {"|"},
        {"^"},
        {"&"},
        {"==", "!="},
        {"<", ">", "<=", ">="},
        {"<<", ">>"},
        {"+", "-"},
        {"*", "/", "%"}
    };

    private Num binary(int level, boolean evaluate) {
        if (level == LEVELS.length) {
            return unary(evaluate);
        }
        var left = binary(level + 1, evaluate);
        while (!failed) {
            String found = "";
            for (var op : LEVELS[level]) {
                if (found.isEmpty() && accept(op)) {
                    found = op;
                }
            }
            if (found.isEmpty()) {
                return left;
            }
            boolean needed =
                    evaluate && !(found.equals("||") && left.isTrue()) && !(found.equals("&&") && !left.isTrue());
            left = apply(found, left, binary(level + 1, needed), needed);
        }
        return left;
    }

    private Num apply(String op, Num a, Num b, boolean evaluate) {
        boolean unsigned = a.unsigned || b.unsigned;
        long x = a.value;
        long y = b.value;
        return switch (op) {
            case "||" -> Num.of(x != 0 || y != 0);
            case "&&" -> Num.of(x != 0 && y != 0);
            case "|" -> new Num(x | y, unsigned);
            case "^" -> new Num(x ^ y, unsigned);
            case "&" -> new Num(x & y, unsigned);
            case "==" -> Num.of(x == y);
            case "!=" -> Num.of(x != y);
            case "<" -> Num.of(compare(x, y, unsigned) < 0);
            case ">" -> Num.of(compare(x, y, unsigned) > 0);
            case "<=" -> Num.of(compare(x, y, unsigned) <= 0);
            case ">=" -> Num.of(compare(x, y, unsigned) >= 0);
            case "<<" -> new Num(x << y, a.unsigned);
            case ">>" -> new Num(a.unsigned ? x >>> y : x >> y, a.unsigned);
            case "+" -> new Num(x + y, unsigned);
            case "-" -> new Num(x - y, unsigned);
            case "*" -> new Num(x * y, unsigned);
            default -> divide(op, x, y, unsigned, evaluate);
        };
    }

    private Num divide(String op, long x, long y, boolean unsigned, boolean evaluate) {
        if (y == 0) {
            if (evaluate) {
                fail("division by zero in preprocessor expression");
            }
            return Num.ZERO;
        }
        if (op.equals("/")) {
            return new Num(unsigned ? Long.divideUnsigned(x, y) : x / y, unsigned);
        }
        return new Num(unsigned ? Long.remainderUnsigned(x, y) : x % y, unsigned);
    }

    private static int compare(long x, long y, boolean unsigned) {
        return unsigned ? Long.compareUnsigned(x, y) : Long.compare(x, y);
    }

    private Num unary(boolean evaluate) {
        if (accept("!")) {
            return Num.of(!unary(evaluate).isTrue());
        }
        if (accept("-")) {
            var a = unary(evaluate);
            return new Num(-a.value, a.unsigned);
        }
        if (accept("~")) {
            var a = unary(evaluate);
            return new Num(~a.value, a.unsigned);
        }
        if (accept("+")) {
            return unary(evaluate);
        }
        if (accept("(")) {
            var inner = conditional(evaluate);
            if (!accept(")")) {
                fail("expected ')' in preprocessor expression");
            }
            return inner;
        }
        return primary();
    }

    private Num primary() {
        if (at >= tokens.size()) {
            fail("expected value in expression");
            return Num.ZERO;
        }
        var token = tokens.get(at++);
        switch (token.kind()) {
            case NUMBER -> {
                var number = Literals.integer(token.text());
                if (number.isEmpty()) {
                    at--;
                    fail("invalid integer in preprocessor expression");
                    return Num.ZERO;
                }
                return new Num(number.get().value(), number.get().unsigned());
            }
            case CHARACTER -> {
                return new Num(Literals.character(token.text()), false);
            }
            case IDENTIFIER -> {
                if (accept("(")) {
                    at -= 2;
                    fail("function-like macro '" + token.text() + "' is not defined");
                }
                return Num.ZERO;
            }
            default -> {
                at--;
                fail("invalid token at start of a preprocessor expression");
                return Num.ZERO;
            }
        }
    }
}
