package skep.cli;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * What the command line asks for.
 *
 * @param program text of {@code -e}
 * @param file script to run, {@code -} for standard input; absent with {@code -e}
 * @param positional {@code $1}, {@code $2}, …
 * @param named parameters given after {@code --} as {@code --name=value}; a bare {@code --name} is {@code true}
 * @param stages stages of {@code -d}, empty for none
 * @param exports files that the maps are written to at the end, each {@code FILE} or {@code FORM:FILE}
 * @param object file that the compiled object is written to, instead of running it
 * @param unwound processes whose stacks are unwound by their debugging information
 * @param target spec of {@code --target}, absent for the live kernel
 */
record Arguments(
        Mode mode,
        Optional<String> program,
        Optional<String> file,
        List<String> positional,
        Map<String, String> named,
        Optional<String> command,
        OptionalInt pid,
        Optional<Path> output,
        Format format,
        Buffering buffering,
        boolean quiet,
        boolean verbose,
        List<String> stages,
        int helperErrors,
        List<String> includeDirs,
        List<String> includes,
        boolean unsafe,
        boolean warnings,
        boolean dryRun,
        Optional<String> probeFilter,
        Optional<String> target,
        Optional<Duration> duration,
        String backend,
        Optional<String> language,
        Optional<Duration> watch,
        List<String> exports,
        Optional<Path> object,
        List<Integer> unwound) {

    Arguments {
        positional = List.copyOf(positional);
        named = Map.copyOf(named);
        stages = List.copyOf(stages);
        includeDirs = List.copyOf(includeDirs);
        includes = List.copyOf(includes);
        exports = List.copyOf(exports);
        unwound = List.copyOf(unwound);
    }

    Arguments withFile(String value) {
        return new Arguments(
                mode,
                Optional.empty(),
                Optional.of(value),
                positional,
                named,
                command,
                pid,
                output,
                format,
                buffering,
                quiet,
                verbose,
                stages,
                helperErrors,
                includeDirs,
                includes,
                unsafe,
                warnings,
                dryRun,
                probeFilter,
                target,
                duration,
                backend,
                language,
                watch,
                exports,
                object,
                unwound);
    }

    Arguments withTarget(String value) {
        return new Arguments(
                mode,
                program,
                file,
                positional,
                named,
                command,
                pid,
                output,
                format,
                buffering,
                quiet,
                verbose,
                stages,
                helperErrors,
                includeDirs,
                includes,
                unsafe,
                warnings,
                dryRun,
                probeFilter,
                Optional.of(value),
                duration,
                backend,
                language,
                watch,
                exports,
                object,
                unwound);
    }

    /** What is done with the script, or instead of one. */
    enum Mode {
        RUN,
        LIST,
        FORMAT,
        TEST,
        BENCH,
        INFO,
        VERSION,
        HELP,
        REPL
    }

    /** How results are written. */
    enum Format {
        TEXT,
        JSON
    }

    /** When standard output is flushed: after each line, at the end of each batch of records, or at once. */
    enum Buffering {
        LINE,
        FULL,
        NONE
    }

    /** The arguments are wrong; the message is one sentence. */
    static final class UsageException extends RuntimeException {
        private static final long serialVersionUID = 1;

        UsageException(String message) {
            super(message);
        }
    }
}
