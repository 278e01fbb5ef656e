package skep.cli;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.ServiceLoader;
import skep.cli.Arguments.Buffering;
import skep.cli.Arguments.Format;
import skep.cli.Arguments.Mode;
import skep.cli.Arguments.UsageException;
import skep.target.MachineListing;

/**
 * Turns the arguments into {@link Arguments}, as getopt reads them: options anywhere, short ones in clusters ({@code -lv}),
 * values in the same word or the next.
 */
final class CommandLineParser {
    private static final List<String> STAGES = List.of("ast", "typed", "ir", "asm", "object", "all");

    private final Map<Option, List<String>> given = new EnumMap<>(Option.class);
    private final List<String> words = new ArrayList<>();

    private CommandLineParser() {}

    /**
     * Parses.
     *
     * @throws UsageException if an option is unknown, lacks its value or contradicts another
     */
    static Arguments parse(List<String> args) {
        // What follows "--" belongs to the script: positional parameters and --name=value.
        int split = args.indexOf("--");
        var parser = new CommandLineParser();
        parser.read(split < 0 ? args : args.subList(0, split));
        return parser.arguments(split < 0 ? List.of() : args.subList(split + 1, args.size()));
    }

    /** The help text, made from the table of options. */
    static String help() {
        return """
                Usage: skep [options] -e PROGRAM [parameters] [-- --name=value …]
                       skep [options] FILE [parameters] [-- --name=value …]
                       skep -l [PATTERN] | -lv 'struct X'
                       skep                              (a prompt, on a terminal)

                Traces the kernel and programs with scripts in the bpftrace language.

                """ + Option.helpLines();
    }

    /** What the launcher builds at first use, and what is not on this command's class path until then. */
    static String languageHelp() {
        return """

                Languages and notebooks (built at their first use):
                  bcc TOOL             run a Python tool of BCC, unchanged
                  py FILE              run a Python script
                  js FILE              run a JavaScript file
                  repl                 a prompt that changes language: :bpf :py :js :java
                  jshell               Java's shell, with Skep imported
                  jupyter install      a Jupyter kernel whose cells are traces
                  notebook             an installed Jupyter, with the gallery of notebooks
                """;
    }

    private void read(List<String> args) {
        for (int i = 0; i < args.size(); i++) {
            var word = args.get(i);
            if (word.equals("-") || !word.startsWith("-")) {
                words.add(word);
            } else if (word.startsWith("--")) {
                i = readLong(word, args, i);
            } else {
                i = readCluster(word, args, i);
            }
        }
    }

    /** Returns the index of the last word that was read. */
    private int readLong(String word, List<String> args, int at) {
        int equals = word.indexOf('=');
        var option = option(equals < 0 ? word : word.substring(0, equals));
        if (!option.takesValue()) {
            if (equals >= 0) {
                throw new UsageException("option " + word.substring(0, equals) + " takes no value");
            }
            add(option, "");
            return at;
        }
        if (equals >= 0) {
            add(option, word.substring(equals + 1));
            return at;
        }
        add(option, next(word, args, at));
        return at + 1;
    }

    private int readCluster(String word, List<String> args, int at) {
        for (int i = 1; i < word.length(); i++) {
            var name = "-" + word.charAt(i);
            var option = option(name);
            if (!option.takesValue()) {
                add(option, "");
            } else if (i + 1 < word.length()) {
                add(option, word.substring(i + 1));
                return at;
            } else {
                add(option, next(name, args, at));
                return at + 1;
            }
        }
        return at;
    }

    private static String next(String name, List<String> args, int at) {
        if (at + 1 >= args.size()) {
            throw new UsageException("option " + name + " wants a value");
        }
        return args.get(at + 1);
    }

    private static Option option(String name) {
        for (var option : Option.values()) {
            if (option.isNamed(name)) {
                return option;
            }
        }
        throw new UsageException("unknown option " + name + "; --help lists them");
    }

    private void add(Option option, String value) {
        given.computeIfAbsent(option, _ -> new ArrayList<>()).add(value);
    }

    private boolean has(Option option) {
        return given.containsKey(option);
    }

    private List<String> all(Option option) {
        return given.getOrDefault(option, List.of());
    }

    /** The last of a repeated option counts. */
    private Optional<String> last(Option option) {
        var values = all(option);
        return values.isEmpty() ? Optional.empty() : Optional.of(values.getLast());
    }

    private Arguments arguments(List<String> forScript) {
        var program = last(Option.PROGRAM);
        var mode = mode(program.isPresent() || !words.isEmpty());
        Optional<String> file = Optional.empty();
        if (program.isEmpty() && !words.isEmpty()) {
            file = Optional.of(words.removeFirst());
        }
        Map<String, String> named = new LinkedHashMap<>();
        for (var word : forScript) {
            if (word.startsWith("--")) {
                int equals = word.indexOf('=');
                named.put(
                        equals < 0 ? word.substring(2) : word.substring(2, equals),
                        equals < 0 ? "true" : word.substring(equals + 1));
            } else {
                words.add(word);
            }
        }
        refuse(
                Option.AOT,
                "--aot is not needed: a script compiles in milliseconds\nHINT: --emit-elf FILE writes the object, which `skep run FILE.o` loads");
        refuse(
                Option.EMIT_LLVM,
                "--emit-llvm: there is no LLVM in this compiler\nHINT: -d ir prints its own intermediate form, --emit-elf FILE writes the object");
        var command = last(Option.COMMAND);
        var pid = pid(last(Option.PID).orElse(""));
        if (command.isPresent() && pid.isPresent()) {
            throw new UsageException("cannot use both -c and -p: one starts a process, the other names one");
        }
        return new Arguments(
                mode,
                program,
                file,
                words,
                named,
                command,
                pid,
                last(Option.OUTPUT).map(Path::of),
                format(last(Option.FORMAT).orElse("text")),
                buffering(last(Option.BUFFERING).orElse("line")),
                has(Option.QUIET),
                has(Option.VERBOSE),
                stages(all(Option.STAGES)),
                all(Option.HELPER_ERRORS).size(),
                all(Option.INCLUDE_DIR),
                all(Option.INCLUDE),
                has(Option.UNSAFE),
                !has(Option.NO_WARNINGS),
                has(Option.DRY_RUN),
                last(Option.PROBE_FILTER),
                target(),
                last(Option.DURATION).map(text -> duration("--duration", text)),
                last(Option.BACKEND).orElse(""),
                last(Option.LANGUAGE).map(CommandLineParser::language),
                last(Option.WATCH).map(text -> duration("--watch", text)),
                all(Option.EXPORT),
                last(Option.EMIT_ELF).map(Path::of),
                all(Option.DWARF_PID).stream()
                        .map(CommandLineParser::pid)
                        .map(OptionalInt::getAsInt)
                        .toList());
    }

    /** A kernel that was written down is a target that compiles and runs nothing. */
    private Optional<String> target() {
        var recorded = last(Option.KERNEL_INFO).map(file -> "kernel:" + file);
        if (recorded.isPresent() && has(Option.TARGET)) {
            throw new UsageException("cannot use both --target and --kernel-info: each names a kernel");
        }
        var settings = new ArrayList<String>();
        last(Option.DEBUG_FOLDER)
                .ifPresent(folder -> settings.add("debuginfo=" + Path.of(folder).toAbsolutePath()));
        last(Option.FUNCTIONS)
                .ifPresent(file -> settings.add("functions=" + Path.of(file).toAbsolutePath()));
        var target = recorded.or(() -> last(Option.TARGET));
        if (settings.isEmpty() || target.isPresent() && !target.get().equals("linux")) {
            return target;
        }
        return Optional.of("linux:" + String.join(",", settings));
    }

    private void refuse(Option option, String instead) {
        if (has(option)) {
            throw new UsageException(instead);
        }
    }

    private Mode mode(boolean hasScript) {
        if (has(Option.HELP)) {
            return Mode.HELP;
        }
        if (has(Option.VERSION)) {
            return Mode.VERSION;
        }
        if (has(Option.INFO)) {
            return Mode.INFO;
        }
        if (has(Option.LIST)) {
            return Mode.LIST;
        }
        if (has(Option.FMT)) {
            return Mode.FORMAT;
        }
        if (has(Option.TEST)) {
            return Mode.TEST;
        }
        if (has(Option.BENCH)) {
            return Mode.BENCH;
        }
        var mode = last(Option.MODE).orElse("");
        return switch (mode) {
            case "" -> hasScript ? Mode.RUN : Mode.REPL;
            case "format" -> Mode.FORMAT;
            case "test" -> Mode.TEST;
            case "bench" -> Mode.BENCH;
            default -> throw new UsageException("invalid mode \"" + mode + "\": format, test or bench");
        };
    }

    private static OptionalInt pid(String text) {
        if (text.isEmpty()) {
            return OptionalInt.empty();
        }
        int digits = 0;
        while (digits < text.length() && Character.isDigit(text.charAt(digits))) {
            digits++;
        }
        if (digits == 0 || digits > 9) {
            throw new UsageException("Failed to parse pid: invalid integer: " + text);
        }
        if (digits < text.length()) {
            throw new UsageException("Failed to parse pid: invalid trailing bytes: " + text);
        }
        return OptionalInt.of(Integer.parseInt(text));
    }

    private static Format format(String text) {
        return switch (text) {
            case "text" -> Format.TEXT;
            case "json" -> Format.JSON;
            default -> throw new UsageException("Invalid output format \"" + text + "\"\nHINT: use text or json");
        };
    }

    private static Buffering buffering(String text) {
        return switch (text) {
            case "line" -> Buffering.LINE;
            case "full" -> Buffering.FULL;
            case "none" -> Buffering.NONE;
            default ->
                throw new UsageException("Invalid buffering mode \"" + text + "\"\nHINT: use line, full or none");
        };
    }

    private static List<String> stages(List<String> values) {
        return values.stream()
                .flatMap(value -> Arrays.stream(value.split(",")))
                .map(CommandLineParser::stage)
                .toList();
    }

    private static String language(String text) {
        if (!text.matches("0\\.(1[7-9]|2[0-6])")) {
            throw new UsageException("there is no level \"" + text + "\" of the language\nHINT: use 0.17 to 0.26");
        }
        return text;
    }

    private static String stage(String text) {
        var stage = text.toLowerCase(Locale.ROOT);
        if (STAGES.contains(stage)) {
            return stage;
        }
        var all = new ArrayList<>(STAGES);
        ServiceLoader.load(MachineListing.class).forEach(listing -> all.add(listing.stage()));
        if (!all.contains(stage)) {
            throw new UsageException("there is no stage \"" + text + "\"\nHINT: use " + String.join(", ", all));
        }
        return stage;
    }

    private static Duration duration(String option, String text) {
        int digits = 0;
        while (digits < text.length() && digits < 12 && Character.isDigit(text.charAt(digits))) {
            digits++;
        }
        if (digits > 0) {
            long number = Long.parseLong(text.substring(0, digits));
            switch (text.substring(digits)) {
                case "ns" -> {
                    return Duration.ofNanos(number);
                }
                case "us" -> {
                    return Duration.ofNanos(number * 1_000);
                }
                case "ms" -> {
                    return Duration.ofMillis(number);
                }
                case "", "s" -> {
                    return Duration.ofSeconds(number);
                }
                case "m" -> {
                    return Duration.ofMinutes(number);
                }
                case "h" -> {
                    return Duration.ofHours(number);
                }
                case "d" -> {
                    return Duration.ofDays(number);
                }
                default -> {
                    // told below
                }
            }
        }
        throw new UsageException(option + " wants a duration such as 500ms, 3s or 1m, not " + text);
    }
}
