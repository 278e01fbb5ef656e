package skep.dsl.parse;

import skep.source.Diagnostics;
import skep.source.Source;

/** Reads one token at a place; keeps no place itself, so that the parser can look ahead and go back freely. */
final class Lexer {
    /** Longest first, so that the first match is the token. */
    private static final String[] OPERATORS = {
        "<<=", ">>=", "->", "++", "--", "<<", ">>", "<=", ">=", "==", "!=", "&&", "||", "+=", "-=", "*=", "/=", "%=",
        "&=", "|=", "^=", "..", "?:", "{", "}", "(", ")", "[", "]", ";", ",", ":", ".", "?", "+", "-", "*", "/", "%",
        "&", "|", "^", "~", "!", "<", ">", "="
    };

    private final Source source;
    private final String text;
    private final Diagnostics diagnostics;

    Lexer(Source source, Diagnostics diagnostics) {
        this.source = source;
        this.text = source.text();
        this.diagnostics = diagnostics;
    }

    /** The first offset at or behind {@code from} that is neither blank nor comment. */
    int skipBlank(int from) {
        int i = from;
        while (i < text.length()) {
            char c = text.charAt(i);
            if (c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f') {
                i++;
            } else if (c == '\\'
                    && i + 1 < text.length()
                    && (text.charAt(i + 1) == '\n' || text.charAt(i + 1) == '\r')) {
                i++;
            } else if (text.startsWith("//", i)) {
                int end = text.indexOf('\n', i);
                i = end < 0 ? text.length() : end;
            } else if (text.startsWith("/*", i)) {
                int end = text.indexOf("*/", i + 2);
                if (end < 0) {
                    error(i, i + 2, "unterminated comment");
                }
                i = end < 0 ? text.length() : end + 2;
            } else {
                break;
            }
        }
        return i;
    }

    /** The token at or behind {@code from}. */
    Token next(int from) {
        int start = skipBlank(from);
        if (start >= text.length()) {
            return new Token(Token.Kind.END, text.length(), text.length(), "", 0, 0);
        }
        char c = text.charAt(start);
        if (isNameStart(c)) {
            int end = nameEnd(start);
            return new Token(Token.Kind.NAME, start, end, text.substring(start, end), 0, 0);
        }
        if (isDigit(c)) {
            return integer(start);
        }
        return switch (c) {
            case '"' -> string(start);
            case '@' -> {
                int end = nameEnd(start + 1);
                yield new Token(Token.Kind.MAP, start, end, text.substring(start, end), 0, 0);
            }
            case '$' -> dollar(start);
            default -> operator(start);
        };
    }

    /** Whether a text is one operator. */
    static boolean isOperator(String text) {
        for (var operator : OPERATORS) {
            if (operator.equals(text)) {
                return true;
            }
        }
        return false;
    }

    private Token operator(int start) {
        for (var operator : OPERATORS) {
            if (text.startsWith(operator, start)) {
                return new Token(Token.Kind.OPERATOR, start, start + operator.length(), operator, 0, 0);
            }
        }
        return new Token(Token.Kind.UNKNOWN, start, start + 1, text.substring(start, start + 1), 0, 0);
    }

    private Token dollar(int start) {
        if (start + 1 < text.length() && text.charAt(start + 1) == '#') {
            return new Token(Token.Kind.PARAM_COUNT, start, start + 2, "$#", 0, 0);
        }
        int end = nameEnd(start + 1);
        if (end == start + 1) {
            error(start, start + 1, "expected identifier after '$'");
            return new Token(Token.Kind.UNKNOWN, start, end, "$", 0, 0);
        }
        var name = text.substring(start, end);
        if (!isDigit(name.charAt(1))) {
            return new Token(Token.Kind.VARIABLE, start, end, name, 0, 0);
        }
        long index = 0;
        boolean valid = true;
        for (int i = 1; i < name.length(); i++) {
            int digit = name.charAt(i) - '0';
            valid &= digit >= 0 && digit <= 9 && index <= (Long.MAX_VALUE - 9) / 10;
            index = valid ? index * 10 + digit : 1;
        }
        if (!valid || index == 0) {
            error(start, end, "param " + name + " is out of integer range [1, " + Long.MAX_VALUE + "]");
        }
        return new Token(Token.Kind.POSITIONAL, start, end, name, Math.max(index, 1), 0);
    }

    private Token integer(int start) {
        int end = nameEnd(start);
        var word = text.substring(start, end);
        var number = IntegerLiteral.parse(word);
        if (number.problem().isEmpty()) {
            return new Token(Token.Kind.INTEGER, start, end, word, number.value(), number.flags());
        }
        if (word.endsWith("_") && number.problem().startsWith("trailing underscore")) {
            error(end - 1, end, number.problem());
        } else {
            error(start, end, number.problem());
        }
        return new Token(Token.Kind.INTEGER, start, end, word, 0, 0);
    }

    private Token string(int start) {
        var value = new StringBuilder();
        int i = start + 1;
        while (i < text.length() && text.charAt(i) != '"') {
            char c = text.charAt(i);
            if (c == '\\' && i + 1 < text.length()) {
                i = escape(i, value);
            } else {
                value.append(c);
                i++;
            }
        }
        if (i >= text.length()) {
            error(text.length(), text.length(), "unterminated string");
            return new Token(Token.Kind.STRING, start, text.length(), value.toString(), 0, 0);
        }
        return new Token(Token.Kind.STRING, start, i + 1, value.toString(), 0, 0);
    }

    /** Appends what the escape at {@code backslash} stands for; the offset behind it. */
    private int escape(int backslash, StringBuilder value) {
        int i = backslash + 1;
        char c = text.charAt(i);
        switch (c) {
            case 'n' -> value.append('\n');
            case 't' -> value.append('\t');
            case 'r' -> value.append('\r');
            case 'a' -> value.append('\u0007');
            case 'b' -> value.append('\b');
            case 'f' -> value.append('\f');
            case 'v' -> value.append('\u000b');
            case 'e' -> value.append('\u001b');
            case '\\', '"', '\'' -> value.append(c);
            case '\n' -> {
                return i + 1;
            }
            case 'x' -> {
                int end = i + 1;
                while (end < text.length() && end < i + 3 && Character.digit(text.charAt(end), 16) >= 0) {
                    end++;
                }
                if (end == i + 1) {
                    error(backslash, end, "invalid escape sequence '\\x'");
                    return end;
                }
                value.append((char) Integer.parseInt(text, i + 1, end, 16));
                return end;
            }
            case '0', '1', '2', '3', '4', '5', '6', '7' -> {
                int end = i;
                while (end < text.length() && end < i + 3 && Character.digit(text.charAt(end), 8) >= 0) {
                    end++;
                }
                value.append((char) (Integer.parseInt(text, i, end, 8) & 0xff));
                return end;
            }
            default -> error(backslash, i + 1, "invalid escape character '\\" + c + "'");
        }
        return i + 1;
    }

    private void error(int start, int end, String message) {
        diagnostics.error("syntax", source.span(start, end), "syntax: " + message);
    }

    private int nameEnd(int from) {
        int i = from;
        while (i < text.length() && (isNameStart(text.charAt(i)) || isDigit(text.charAt(i)))) {
            i++;
        }
        return i;
    }

    static boolean isNameStart(char c) {
        return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_';
    }

    static boolean isDigit(char c) {
        return c >= '0' && c <= '9';
    }
}
