package skep.cli;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.regex.Pattern;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Model.PositionalParamSpec;
import picocli.CommandLine.ParseResult;
import skep.cli.Arguments.Buffering;
import skep.cli.Arguments.Format;
import skep.cli.Arguments.Mode;
import skep.cli.Arguments.UsageException;

/** Turns the arguments into {@link Arguments}. The options are declared here once; the help text is made from them. */
final class CommandLineParser {
    private static final Pattern DURATION = Pattern.compile("(\\d+)(ns|us|ms|s|m|h|d)?");

    private CommandLineParser() {}

    /**
     * Parses.
     *
     * @throws UsageException if an option is unknown, lacks its value or contradicts another
     */
    static Arguments parse(List<String> args) {
        // What follows "--" belongs to the script: positional parameters and --name=value.
        int split = args.indexOf("--");
        var own = split < 0 ? args : args.subList(0, split);
        var forScript = split < 0 ? List.<String>of() : args.subList(split + 1, args.size());
        ParseResult parsed;
        try {
            parsed = commandLine().parseArgs(own.toArray(String[]::new));
        } catch (CommandLine.ParameterException e) {
            throw new UsageException(e.getMessage());
        }
        var words = new ArrayList<String>(parsed.matchedPositionalValue(0, List.<String>of()));
        Optional<String> program = Optional.ofNullable(parsed.matchedOptionValue("-e", (String) null));
        var mode = mode(parsed, program.isPresent() || !words.isEmpty());
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
        Optional<String> command = Optional.ofNullable(parsed.matchedOptionValue("-c", (String) null));
        var pid = pid(parsed.matchedOptionValue("-p", ""));
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
                Optional.ofNullable(parsed.matchedOptionValue("-o", (String) null))
                        .map(Path::of),
                format(parsed.matchedOptionValue("-f", "text")),
                buffering(parsed.matchedOptionValue("-B", "line")),
                parsed.hasMatchedOption("-q"),
                parsed.hasMatchedOption("-v"),
                stages(parsed.matchedOptionValue("-d", List.<String>of())),
                parsed.matchedOptionValue("-k", new boolean[0]).length,
                parsed.matchedOptionValue("-I", List.<String>of()),
                parsed.matchedOptionValue("--include", List.<String>of()),
                parsed.hasMatchedOption("--unsafe"),
                !parsed.hasMatchedOption("--no-warnings"),
                parsed.hasMatchedOption("--dry-run"),
                Optional.ofNullable(parsed.matchedOptionValue("--probe-filter", (String) null)),
                Optional.ofNullable(parsed.matchedOptionValue("--target", (String) null)),
                Optional.ofNullable(parsed.matchedOptionValue("--duration", (String) null))
                        .map(text -> duration("--duration", text)),
                parsed.matchedOptionValue("--backend", ""),
                Optional.ofNullable(parsed.matchedOptionValue("--lang", (String) null)),
                Optional.ofNullable(parsed.matchedOptionValue("--watch", (String) null))
                        .map(text -> duration("--watch", text)));
    }

    /** The help text, made from the declarations below. */
    static String help() {
        var command = commandLine();
        command.setUsageHelpWidth(100);
        return command.getUsageMessage();
    }

    private static Mode mode(ParseResult parsed, boolean hasScript) {
        if (parsed.hasMatchedOption("-h")) {
            return Mode.HELP;
        }
        if (parsed.hasMatchedOption("-V")) {
            return Mode.VERSION;
        }
        if (parsed.hasMatchedOption("--info")) {
            return Mode.INFO;
        }
        if (parsed.hasMatchedOption("-l")) {
            return Mode.LIST;
        }
        if (parsed.hasMatchedOption("--fmt")) {
            return Mode.FORMAT;
        }
        if (parsed.hasMatchedOption("--test")) {
            return Mode.TEST;
        }
        if (parsed.hasMatchedOption("--bench")) {
            return Mode.BENCH;
        }
        var mode = parsed.matchedOptionValue("--mode", "");
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
                .map(stage -> stage.toLowerCase(Locale.ROOT))
                .toList();
    }

    private static Duration duration(String option, String text) {
        var matcher = DURATION.matcher(text);
        if (!matcher.matches()) {
            throw new UsageException(option + " wants a duration such as 500ms, 3s or 1m, not " + text);
        }
        long number = Long.parseLong(matcher.group(1));
        return switch (matcher.group(2) == null ? "s" : matcher.group(2)) {
            case "ns" -> Duration.ofNanos(number);
            case "us" -> Duration.ofNanos(number * 1_000);
            case "ms" -> Duration.ofMillis(number);
            case "m" -> Duration.ofMinutes(number);
            case "h" -> Duration.ofHours(number);
            case "d" -> Duration.ofDays(number);
            default -> Duration.ofSeconds(number);
        };
    }

    // Declared by hand rather than by annotations: reflection over an annotated class costs a third of the start.
    private static CommandLine commandLine() {
        var spec = CommandSpec.create().name("skep");
        spec.usageMessage()
                .customSynopsis(
                        "skep [options] -e PROGRAM [parameters] [-- --name=value …]",
                        "       skep [options] FILE [parameters] [-- --name=value …]",
                        "       skep -l [PATTERN] | -lv 'struct X'",
                        "       skep                                  (a prompt, on a terminal)")
                .description("%nTraces the kernel and programs with scripts in the bpftrace language.%n")
                .optionListHeading("")
                .sortOptions(false)
                .autoWidth(false);
        text(spec, "PROGRAM", "run this program", "-e");
        text(spec, "SPEC", "where to trace: linux (default), embedded[:arch=,seed=,speed=], …", "--target");
        text(spec, "CMD", "run this command and trace until it ends; cpid is its process", "-c", "--cmd");
        text(spec, "PID", "trace this process", "-p", "--pid");
        text(spec, "TIME", "end after this time (500ms, 3s, 1m)", "--duration");
        flag(spec, "list probes that match a pattern; with -v their arguments, or a type", "-l", "--list");
        text(spec, "text|json", "format of the output", "-f", "--format");
        text(spec, "FILE", "write the script's output to a file", "-o", "--output");
        text(spec, "line|full|none", "buffering of the output", "-B", "--buffering");
        flag(spec, "be quiet: no messages but errors", "-q", "--quiet");
        flag(spec, "say more: how probes are attached, the verifier's log", "-v", "--verbose");
        list(spec, "STAGE", "print stages and stop: ast, typed, ir, asm, object, all", "-d", "--debug");
        flag(spec, "compile, load and attach, then end", "--dry-run");
        spec.addOption(OptionSpec.builder("-k")
                .type(boolean[].class)
                .arity("0")
                .description("report errors of helpers (-kk: of reads too)")
                .build());
        list(spec, "DIR", "search headers here", "-I");
        list(spec, "FILE", "include this header", "--include");
        flag(spec, "allow functions that change the system", "--unsafe");
        flag(spec, "no warnings", "--no-warnings");
        text(spec, "REGEX", "only probes that match", "--probe-filter");
        text(spec, "NAME", "how the embedded kernel runs programs: interp, jvm, …", "--backend");
        text(spec, "VERSION", "level of the language: 0.17 … 0.26", "--lang");
        text(spec, "TIME", "show the maps again and again at this interval", "--watch");
        flag(spec, "print the script formatted", "--fmt");
        flag(spec, "run the script's test probes", "--test");
        flag(spec, "run the script's bench probes", "--bench");
        text(spec, "MODE", "format, test or bench", "--mode");
        flag(spec, "say what this kernel allows, and why not", "--info");
        flag(spec, "version", "-V", "--version");
        flag(spec, "this help", "-h", "--help");
        for (var ignored : List.of("--verify-llvm-ir", "--usdt-file-activation", "--no-debuginfo")) {
            spec.addOption(OptionSpec.builder(ignored)
                    .type(boolean.class)
                    .arity("0")
                    .hidden(true)
                    .build());
        }
        spec.addOption(OptionSpec.builder("--no-feature")
                .type(String.class)
                .arity("1")
                .hidden(true)
                .build());
        spec.addPositional(PositionalParamSpec.builder()
                .paramLabel("FILE")
                .type(List.class)
                .auxiliaryTypes(String.class)
                .arity("0..*")
                .hidden(true)
                .build());
        return new CommandLine(spec)
                .setUnmatchedOptionsArePositionalParams(false)
                .setOverwrittenOptionsAllowed(true);
    }

    private static void text(CommandSpec spec, String label, String description, String... names) {
        spec.addOption(OptionSpec.builder(names)
                .type(String.class)
                .arity("1")
                .paramLabel(label)
                .description(description)
                .build());
    }

    private static void list(CommandSpec spec, String label, String description, String... names) {
        spec.addOption(OptionSpec.builder(names)
                .type(List.class)
                .auxiliaryTypes(String.class)
                .arity("1")
                .paramLabel(label)
                .description(description)
                .build());
    }

    private static void flag(CommandSpec spec, String description, String... names) {
        spec.addOption(OptionSpec.builder(names)
                .type(boolean.class)
                .arity("0")
                .description(description)
                .build());
    }
}
