package skep.dsl;

import skep.source.Span;

/**
 * Something that went wrong inside a program at one place of the script, counted there in
 * {@link CompiledScript#COUNTERS_MAP}.
 *
 * @param counter index of its {@code u64} in the value of the counters map
 * @param kind what happened
 * @param map the map it happened to, as the script names it, or empty
 * @param span where
 */
public record RuntimeFault(int counter, Kind kind, String map, Span span) {
    /** What can go wrong. */
    public enum Kind {
        MAP_FULL(
                "Map full; can't update element. Try increasing max_map_keys config or manually setting the max entries"
                        + " in a map declaration e.g. `let @a = hash(5000)`"),
        DIVIDE_BY_ZERO(
                "Divide or modulo by 0 detected. This can lead to unexpected results. 1 is being used as the result."),
        OUT_OF_BOUNDS("Array access out of bounds. This can lead to unexpected results.");

        private final String message;

        Kind(String message) {
            this.message = message;
        }

        /** The sentence shown to the user. */
        public String message() {
            return message;
        }
    }
}
