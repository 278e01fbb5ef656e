package skep.session;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.regex.Pattern;
import skep.target.LoadOptions;

/**
 * How a script is run.
 *
 * @param positional {@code $1}, {@code $2}, …
 * @param named parameters of {@code getopt}
 * @param environment variables that the language heeds ({@code BPFTRACE_…}, {@code SKEP_…})
 * @param command a command that is started once all probes are attached; the session ends with it
 * @param pid the process to trace; the session ends with it
 * @param duration after which the session ends, in the target's own time
 * @param unsafe whether functions that change the system are allowed
 * @param helperErrorReports which failing helpers are reported: 0 none, 1 all but reads, 2 reads too
 * @param includeFolders where headers and imports are looked for
 * @param stages names of the compiler's stages whose text is wanted
 * @param test whether {@code test:} probes are compiled instead of the others
 * @param bench whether {@code bench:} probes are compiled instead of the others
 * @param attachOnly end as soon as all probes are attached
 * @param probeFilter only probes whose name it finds are attached
 * @param load how programs are loaded
 * @param files whether the script may read and write files of this machine; those of a simulated one it may in any case
 */
public record SessionOptions(
        List<String> positional,
        Map<String, String> named,
        Map<String, String> environment,
        Optional<String> command,
        OptionalInt pid,
        Optional<Duration> duration,
        boolean unsafe,
        int helperErrorReports,
        List<String> includeFolders,
        Set<String> stages,
        boolean test,
        boolean bench,
        boolean attachOnly,
        Optional<Pattern> probeFilter,
        LoadOptions load,
        boolean files) {
    /** Numbers of the processes whose stacks {@code dw_ustack} unwinds, with commas between; all without it. */
    public static final String UNWOUND_VARIABLE = "SKEP_UNWOUND";

    public static final SessionOptions DEFAULT = new SessionOptions(
            List.of(),
            Map.of(),
            Map.of(),
            Optional.empty(),
            OptionalInt.empty(),
            Optional.empty(),
            false,
            0,
            List.of(),
            Set.of(),
            false,
            false,
            false,
            Optional.empty(),
            LoadOptions.DEFAULT,
            true);

    public SessionOptions {
        positional = List.copyOf(positional);
        named = Map.copyOf(named);
        environment = Map.copyOf(environment);
        includeFolders = List.copyOf(includeFolders);
        stages = Set.copyOf(stages);
    }

    public SessionOptions withDuration(Duration time) {
        return new SessionOptions(
                positional,
                named,
                environment,
                command,
                pid,
                Optional.of(time),
                unsafe,
                helperErrorReports,
                includeFolders,
                stages,
                test,
                bench,
                attachOnly,
                probeFilter,
                load,
                files);
    }

    /** On a backend of the VM; live kernels ignore it. */
    public SessionOptions withBackend(String name) {
        return new SessionOptions(
                positional,
                named,
                environment,
                command,
                pid,
                duration,
                unsafe,
                helperErrorReports,
                includeFolders,
                stages,
                test,
                bench,
                attachOnly,
                probeFilter,
                new LoadOptions(load.verifierLogLevel(), name),
                files);
    }

    public SessionOptions withCommand(String line) {
        return new SessionOptions(
                positional,
                named,
                environment,
                Optional.of(line),
                pid,
                duration,
                unsafe,
                helperErrorReports,
                includeFolders,
                stages,
                test,
                bench,
                attachOnly,
                probeFilter,
                load,
                files);
    }

    /** For a script that is kept from the files of this machine. */
    public SessionOptions withoutFiles() {
        return new SessionOptions(
                positional,
                named,
                environment,
                command,
                pid,
                duration,
                unsafe,
                helperErrorReports,
                includeFolders,
                stages,
                test,
                bench,
                attachOnly,
                probeFilter,
                load,
                false);
    }
}
