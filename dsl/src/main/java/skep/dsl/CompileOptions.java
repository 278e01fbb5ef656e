package skep.dsl;

import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;

/**
 * What a compilation depends on besides the source and the kernel.
 *
 * @param positional {@code $1}, {@code $2}, …
 * @param named values of {@code getopt} parameters given after {@code --}
 * @param childPid the process started with {@code -c}: builtin {@code cpid}
 * @param pidFilter the process of {@code -p}: probes that can be bound to a process are
 * @param environment the variables that matter: {@code BPFTRACE_…}, {@code SKEP_…}
 * @param unsafe whether {@code system}, {@code signal}, {@code override} and the like are allowed
 * @param helperErrorReports which failing helpers are reported: 0 none, 1 ({@code -k}) those that change something, 2
 *     ({@code -kk}) those that read memory too
 * @param includeFolders where {@code #include "x"} and {@code import} look, first to last
 * @param stages stages whose text the result carries
 * @param test {@code test:} probes are compiled instead of the others
 * @param bench {@code bench:} probes are compiled instead of the others
 * @param files whether {@code #include} and {@code import} may read files of this machine
 */
public record CompileOptions(
        List<String> positional,
        Map<String, String> named,
        OptionalInt childPid,
        OptionalInt pidFilter,
        Map<String, String> environment,
        boolean unsafe,
        int helperErrorReports,
        List<String> includeFolders,
        Set<Stage> stages,
        boolean test,
        boolean bench,
        boolean files) {
    /** A regular expression of the probes that are compiled, by their names; none for all: {@code --probe-filter}. */
    public static final String PROBE_FILTER_VARIABLE = "SKEP_PROBE_FILTER";

    public static final CompileOptions DEFAULT = new CompileOptions(
            List.of(),
            Map.of(),
            OptionalInt.empty(),
            OptionalInt.empty(),
            Map.of(),
            false,
            0,
            List.of(),
            Set.of(),
            false,
            false,
            true);

    public CompileOptions {
        positional = List.copyOf(positional);
        named = Map.copyOf(named);
        environment = Map.copyOf(environment);
        includeFolders = List.copyOf(includeFolders);
        stages = Set.copyOf(stages);
    }

    /** A stage of compilation with a text form. */
    public enum Stage {
        AST,
        TYPED,
        IR,
        ASM,
        OBJECT
    }
}
