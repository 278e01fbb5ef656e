package skep.dsl.parse;

/**
 * A token.
 *
 * @param start offset of its first character
 * @param end offset behind its last one
 * @param text the text of names and operators, the value of strings
 * @param value the value of integers and positional parameters
 * @param flags {@link #UNSIGNED}, {@link #PINNED}
 */
record Token(Kind kind, int start, int end, String text, long value, int flags) {
    static final int UNSIGNED = 1;
    static final int PINNED = 2;

    enum Kind {
        END,
        NAME,
        /** {@code $x}; the text is the name with its sign. */
        VARIABLE,
        /** {@code @x}. */
        MAP,
        INTEGER,
        STRING,
        POSITIONAL,
        PARAM_COUNT,
        OPERATOR,
        /** A character that starts no token. */
        UNKNOWN
    }

    boolean is(String operator) {
        return kind == Kind.OPERATOR && text.equals(operator);
    }

    boolean isName(String name) {
        return kind == Kind.NAME && text.equals(name);
    }
}
