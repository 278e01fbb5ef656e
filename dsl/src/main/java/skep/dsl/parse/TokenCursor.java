package skep.dsl.parse;

import skep.source.Diagnostics;
import skep.source.Source;
import skep.source.Span;

/** A place in the tokens of a source: the token there, and ways to go on. */
final class TokenCursor {
    private final Source source;
    private final Lexer lexer;
    private Token token;
    private int previousEnd;

    TokenCursor(Source source, Diagnostics diagnostics, int from) {
        this.source = source;
        this.lexer = new Lexer(source, diagnostics);
        this.token = lexer.next(from);
        this.previousEnd = from;
    }

    Source source() {
        return source;
    }

    Token token() {
        return token;
    }

    /** The token behind the current one. */
    Token peek() {
        return lexer.next(token.end());
    }

    /** Moves on; returns the token that was current. */
    Token advance() {
        var passed = token;
        previousEnd = passed.end();
        token = lexer.next(passed.end());
        return passed;
    }

    void moveTo(int offset) {
        previousEnd = offset;
        token = lexer.next(offset);
    }

    /** Where {@link #advance} left the last token. */
    int previousEnd() {
        return previousEnd;
    }

    Span tokenSpan() {
        return spanOf(token);
    }

    Span spanOf(Token of) {
        return source.span(of.start(), of.end());
    }

    boolean accept(String operator) {
        if (token.is(operator)) {
            advance();
            return true;
        }
        return false;
    }

    void expect(String operator) {
        if (!accept(operator)) {
            throw new SyntaxError(tokenSpan(), "expected '" + operator + "'");
        }
    }

    Token expectName() {
        if (token.kind() != Token.Kind.NAME) {
            throw new SyntaxError(tokenSpan(), "expected identifier");
        }
        return advance();
    }
}
