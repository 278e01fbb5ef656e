package skep.bindings.java;

import java.util.Optional;

/**
 * Something that a script said while it ran.
 *
 * @param kind what said it: {@code printf}, {@code print}, {@code time}, {@code join}, {@code cat}, {@code map}, {@code error}, …
 * @param text as the terminal would show it, line end included
 * @param value the data, if it was printed with {@code print}; see {@link Values} for its Java form
 */
public record Event(String kind, String text, Optional<Object> value) {}
