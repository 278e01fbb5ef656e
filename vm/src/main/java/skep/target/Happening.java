package skep.target;

import java.util.Map;

/**
 * One thing that truly happened in a simulated kernel, as the model itself has it: no program ran for it, nothing was
 * compiled, verified or kept in a map.
 *
 * @param nanos when, by the target's monotonic clock
 * @param elapsedNanos for the return of a function, how long it ran; else 0
 * @param values what is known of it by name: {@code cpu}, {@code pid}, {@code tid}, {@code comm}; the parameters of a function
 *     as they were at its entry, or its {@code argN}; its {@code result} at its return, with the {@code file} it worked
 *     on; the fields of a tracepoint; the {@code argN} of a static probe. Numbers in decimal; pointers to text in user
 *     memory as that text
 */
public record Happening(long nanos, long elapsedNanos, Map<String, String> values) {
    public Happening {
        values = Map.copyOf(values);
    }
}
