package skep.dsl;

import java.util.List;
import skep.isa.kernel.ProbeSpec;
import skep.source.Span;

/**
 * A program of a script and where it goes.
 *
 * @param program its name in the object
 * @param role when it runs
 * @param probes the attach points, wildcards resolved; for {@link Role#BEGIN} and the like the one that names it. A
 *     probe of the script may have become several programs, and a tracepoint may be attached as a raw tracepoint: then
 *     this is the raw one, and {@code shownAs} is what the script wrote
 * @param shownAs names of the attach points as the script and the builtin {@code probe} see them
 * @param span the probe in the script
 */
public record ScriptProgram(String program, Role role, List<ProbeSpec> probes, List<String> shownAs, Span span) {
    public ScriptProgram {
        probes = List.copyOf(probes);
        shownAs = List.copyOf(shownAs);
    }

    /** When a program runs. */
    public enum Role {
        /** Once, before the others are attached. In script order when there are several. */
        BEGIN,
        /** Whenever its probes fire. */
        PROBE,
        /** When the tracer itself gets the signal named by the probe's target. */
        SELF,
        /** Once, by name, in test mode. */
        TEST,
        /** Repeatedly, by name, in benchmark mode. */
        BENCH,
        /** Once, after the others are detached. */
        END
    }
}
