package skep.c.pp;

import java.util.List;
import java.util.Optional;
import skep.c.lex.Token;

/**
 * A macro definition.
 *
 * @param parameters of a function-like macro; empty for an object-like one
 * @param variadic name of the parameter that takes the rest ({@code __VA_ARGS__} unless named), or empty
 */
public record Macro(String name, Optional<List<String>> parameters, String variadic, List<Token> body) {
    public Macro {
        parameters = parameters.map(List::copyOf);
        body = List.copyOf(body);
    }

    boolean isFunctionLike() {
        return parameters.isPresent();
    }

    /** Whether both say the same, which makes a second definition harmless (C11 6.10.3). */
    boolean sameAs(Macro other) {
        return parameters.equals(other.parameters)
                && variadic.equals(other.variadic)
                && body.stream()
                        .map(Token::text)
                        .toList()
                        .equals(other.body.stream().map(Token::text).toList());
    }
}
