package skep.c.lex;

import java.util.ArrayList;
import java.util.List;
import skep.source.Diagnostics;
import skep.source.Source;

/**
 * Splits C into preprocessing tokens: comments become white space, a backslash at the end of a line joins it with the
 * next. Every input gives tokens; what is wrong (an open comment or string) is a diagnostic.
 */
public final class Lexer {
    /** Longest first. */
    private static final String[] PUNCTUATORS = {
        "%:%:", "...", "<<=", ">>=", "->", "++", "--", "<<", ">>", "<=", ">=", "==", "!=", "&&", "||", "*=", "/=", "%=",
        "+=", "-=", "&=", "^=", "|=", "##", "[", "]", "(", ")", "{", "}", ".", "&", "*", "+", "-", "~", "!", "/", "%",
        "<", ">", "^", "|", "?", ":", ";", "=", ",", "#"
    };

    private final Source source;
    private final String text;
    private final Diagnostics diagnostics;
    private final List<Token> tokens = new ArrayList<>();
    private int at;
    private boolean space;
    private boolean startsLine = true;

    private Lexer(Source source, Diagnostics diagnostics) {
        this.source = source;
        this.text = source.text();
        this.diagnostics = diagnostics;
    }

    /** The tokens of a source, ended by one of kind {@code END}. */
    public static List<Token> tokens(Source source, Diagnostics diagnostics) {
        var lexer = new Lexer(source, diagnostics);
        while (lexer.skipSpace()) {
            lexer.token();
        }
        lexer.tokens.add(
                new Token(Token.Kind.END, "", source.span(lexer.text.length(), lexer.text.length()), true, true));
        return List.copyOf(lexer.tokens);
    }

    /** Whether a token follows. */
    private boolean skipSpace() {
        while (at < text.length()) {
            char c = text.charAt(at);
            int joined = continuation(at);
            if (joined > 0) {
                at += joined;
                space = true;
            } else if (c == '\n') {
                at++;
                space = true;
                startsLine = true;
            } else if (Character.isWhitespace(c)) {
                at++;
                space = true;
            } else if (text.startsWith("//", at)) {
                lineComment();
            } else if (text.startsWith("/*", at)) {
                blockComment();
            } else {
                return true;
            }
        }
        return false;
    }

    /** The length of a backslash and line end at this place, or 0. */
    private int continuation(int place) {
        if (text.charAt(place) != '\\') {
            return 0;
        }
        if (text.startsWith("\n", place + 1)) {
            return 2;
        }
        return text.startsWith("\r\n", place + 1) ? 3 : 0;
    }

    private void lineComment() {
        while (at < text.length() && text.charAt(at) != '\n') {
            at += Math.max(1, continuation(at));
        }
        space = true;
    }

    private void blockComment() {
        int end = text.indexOf("*/", at + 2);
        if (end < 0) {
            diagnostics.error("unterminated-comment", source.span(at, at + 2), "unterminated /* comment");
            at = text.length();
        } else {
            at = end + 2;
        }
        space = true;
    }

    private void token() {
        int start = at;
        char c = text.charAt(at);
        if (isIdentifierStart(c)) {
            int quote = prefixedQuote();
            if (quote > 0) {
                at += quote;
                quoted(start, text.charAt(at));
            } else {
                add(Token.Kind.IDENTIFIER, start, run(start, false));
            }
        } else if (Character.isDigit(c)
                || c == '.' && at + 1 < text.length() && Character.isDigit(text.charAt(at + 1))) {
            add(Token.Kind.NUMBER, start, run(start, true));
        } else if (c == '"' || c == '\'') {
            quoted(start, c);
        } else {
            punctuator(start);
        }
    }

    private static boolean isIdentifierStart(char c) {
        return Character.isLetter(c) || c == '_' || c == '$';
    }

    /** The length of an encoding prefix ({@code L u U u8}) in front of a quote, or 0. */
    private int prefixedQuote() {
        for (var prefix : new String[] {"u8", "L", "u", "U"}) {
            int behind = at + prefix.length();
            if (text.startsWith(prefix, at)
                    && behind < text.length()
                    && (text.charAt(behind) == '"' || text.charAt(behind) == '\'')) {
                return prefix.length();
            }
        }
        return 0;
    }

    /** An identifier, or a preprocessing number with its exponent signs. */
    private String run(int start, boolean number) {
        var word = new StringBuilder();
        at = start;
        while (at < text.length()) {
            char c = text.charAt(at);
            int joined = continuation(at);
            if (joined > 0) {
                at += joined;
                continue;
            }
            boolean exponentSign = number
                    && (c == '+' || c == '-')
                    && !word.isEmpty()
                    && "eEpP".indexOf(word.charAt(word.length() - 1)) >= 0
                    && !(word.length() > 1
                            && (word.charAt(1) == 'x' || word.charAt(1) == 'X')
                            && "eE".indexOf(word.charAt(word.length() - 1)) >= 0);
            if (!isIdentifierStart(c) && !Character.isDigit(c) && !(number && c == '.') && !exponentSign) {
                break;
            }
            word.append(c);
            at++;
        }
        return word.toString();
    }

    private void quoted(int start, char quote) {
        var word = new StringBuilder(text.substring(start, at)).append(quote);
        at++;
        while (true) {
            if (at >= text.length() || text.charAt(at) == '\n') {
                diagnostics.error(
                        "unterminated-literal",
                        source.span(start, Math.min(at, text.length())),
                        "missing terminating " + quote + " character");
                word.append(quote);
                break;
            }
            int joined = continuation(at);
            if (joined > 0) {
                at += joined;
                continue;
            }
            char c = text.charAt(at++);
            word.append(c);
            if (c == quote) {
                break;
            }
            if (c == '\\' && at < text.length() && text.charAt(at) != '\n') {
                word.append(text.charAt(at++));
            }
        }
        add(quote == '"' ? Token.Kind.STRING : Token.Kind.CHARACTER, start, word.toString());
    }

    private void punctuator(int start) {
        for (var punctuator : PUNCTUATORS) {
            if (text.startsWith(punctuator, at)) {
                at += punctuator.length();
                add(Token.Kind.PUNCTUATOR, start, punctuator);
                return;
            }
        }
        at++;
        add(Token.Kind.OTHER, start, text.substring(start, at));
    }

    private void add(Token.Kind kind, int start, String word) {
        tokens.add(new Token(kind, word, source.span(start, at), space, startsLine));
        space = false;
        startsLine = false;
    }
}
