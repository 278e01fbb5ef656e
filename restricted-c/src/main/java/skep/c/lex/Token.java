package skep.c.lex;

import skep.source.Span;

/**
 * A preprocessing token (C11 6.4).
 *
 * @param text as written, without line continuations
 * @param span where it stands; of a token out of a macro, where the macro was called
 * @param spaceBefore whether white space comes before it
 * @param startsLine whether it is the first of its line
 */
public record Token(Kind kind, String text, Span span, boolean spaceBefore, boolean startsLine) {
    /** What a token is. Keywords are identifiers here. */
    public enum Kind {
        IDENTIFIER,
        /** A preprocessing number: digits, letters, dots, signs behind an exponent. */
        NUMBER,
        CHARACTER,
        STRING,
        PUNCTUATOR,
        /** A character that begins no token. */
        OTHER,
        /** A {@code #pragma} line; the text is what follows the word. */
        PRAGMA,
        END
    }

    public boolean is(String punctuatorOrWord) {
        return text.equals(punctuatorOrWord) && (kind == Kind.PUNCTUATOR || kind == Kind.IDENTIFIER);
    }

    public boolean isEnd() {
        return kind == Kind.END;
    }

    public Token at(Span newSpan, boolean space) {
        return new Token(kind, text, newSpan, space, false);
    }

    @Override
    public String toString() {
        return text;
    }
}
