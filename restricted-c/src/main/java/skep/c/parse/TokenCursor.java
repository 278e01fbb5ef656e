package skep.c.parse;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import skep.c.lex.Token;
import skep.source.Span;

/** A place in the tokens of a source. */
final class TokenCursor {
    private final List<Token> tokens;
    private int at;

    TokenCursor(List<Token> tokens) {
        this.tokens = tokens;
    }

    int position() {
        return at;
    }

    Token peek() {
        return tokens.get(at);
    }

    Token peek(int ahead) {
        return tokens.get(Math.min(at + ahead, tokens.size() - 1));
    }

    Token next() {
        var token = tokens.get(at);
        if (at < tokens.size() - 1) {
            at++;
        }
        return token;
    }

    boolean accept(String text) {
        if (peek().is(text)) {
            next();
            return true;
        }
        return false;
    }

    Optional<Token> acceptPragma() {
        return peek().kind() == Token.Kind.PRAGMA ? Optional.of(next()) : Optional.empty();
    }

    /** From a token up to the last one read, as far as both are of one source. */
    Span spanFrom(Token first) {
        var last = tokens.get(Math.max(at - 1, 0)).span();
        return last.source() == first.span().source() ? first.span().to(last) : first.span();
    }

    /** Where something is missing: the character behind the last token read. */
    Span behindPrevious() {
        var previous = tokens.get(Math.max(at - 1, 0)).span();
        int end = previous.source().text().length();
        return previous.source().span(Math.min(previous.end(), end), Math.min(previous.end() + 1, end));
    }

    /** The tokens between a pair of parentheses, read as a whole. */
    Optional<List<Token>> parenthesized() {
        if (!peek().is("(")) {
            return Optional.empty();
        }
        next();
        var inside = new ArrayList<Token>();
        int nesting = 1;
        while (!peek().isEnd()) {
            var token = next();
            nesting += opens(token) ? 1 : closes(token) ? -1 : 0;
            if (nesting == 0) {
                return Optional.of(inside);
            }
            inside.add(token);
        }
        return Optional.empty();
    }

    /** The same, split at the commas that are not nested; no arguments give an empty list. */
    Optional<List<List<Token>>> arguments() {
        return parenthesized().map(TokenCursor::split);
    }

    private static List<List<Token>> split(List<Token> inside) {
        var args = new ArrayList<List<Token>>();
        if (inside.isEmpty()) {
            return args;
        }
        var current = new ArrayList<Token>();
        int nesting = 0;
        for (var token : inside) {
            nesting += opens(token) ? 1 : closes(token) ? -1 : 0;
            if (nesting == 0 && token.is(",")) {
                args.add(current);
                current = new ArrayList<>();
            } else {
                current.add(token);
            }
        }
        args.add(current);
        return args;
    }

    void skipParentheses() {
        parenthesized();
    }

    private static boolean opens(Token token) {
        return token.is("(") || token.is("[") || token.is("{");
    }

    private static boolean closes(Token token) {
        return token.is(")") || token.is("]") || token.is("}");
    }

    /** Behind the declaration that begins at {@code start}: its semicolon or the brace that closes it. */
    void recover(int start) {
        at = start;
        int nesting = 0;
        do {
            var token = next();
            nesting += token.is("{") ? 1 : token.is("}") ? -1 : 0;
            if (nesting <= 0 && (token.is(";") || token.is("}"))) {
                return;
            }
        } while (!peek().isEnd());
    }

    /** Behind the statement that begins at {@code start}, inside its block. */
    void recoverInBlock(int start) {
        at = start;
        int nesting = 0;
        while (!peek().isEnd()) {
            if (nesting == 0 && peek().is("}")) {
                return;
            }
            var token = next();
            nesting += token.is("{") ? 1 : token.is("}") ? -1 : 0;
            if (nesting == 0 && (token.is(";") || token.is("}"))) {
                return;
            }
        }
    }
}
