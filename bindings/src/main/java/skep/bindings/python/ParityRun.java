package skep.bindings.python;

import java.io.IOException;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.regex.Pattern;
import org.graalvm.polyglot.Context;
import skep.session.Targets;
import skep.session.bcc.BccException;
import skep.session.bcc.BccHost;
import skep.target.Target;
import skep.target.TargetException;

/** Runs tools one after the other in one process, each on a target of its own, and notes how far each came. */
final class ParityRun implements AutoCloseable {
    /** {@code BPF_PROG_TYPE_KPROBE}: what a function without a hint is loaded as when nothing was attached. */
    private static final int KPROBE = 2;

    private static final int FAILED = 1;

    /** Lines that a tool may print before it has seen anything. */
    private static final int HEADING = 4;

    private static final Pattern PROCESS = Pattern.compile("\\$PID_([\\w-]+)");

    /** How long a tool may take to end when it is asked to. */
    private static final Duration GRACE = Duration.ofSeconds(60);

    /** How long a forced end may take, step by step. */
    private static final Duration CLOSING = Duration.ofSeconds(10);

    /** When a tool that attaches nothing is asked to end. */
    private static final Duration IDLE = Duration.ofSeconds(60);

    /** When a tool is asked to end that has not used up its time on a simulated kernel. */
    private static final Duration SIMULATED = Duration.ofMinutes(3);

    /** How much longer a simulated kernel runs: what a tool prints at the end of its last second is printed. */
    private static final Duration TAIL = Duration.ofMillis(1);

    /** How long a simulated kernel has run when a tool comes whose output is compared. */
    private static final Duration WARM_UP = Duration.ofSeconds(1);

    private PythonHost host = new PythonHost();
    private final PrintStream err;
    private final Duration length;
    private final Map<String, String> names;
    private final Map<Path, Boolean> help = new HashMap<>();
    private final Map<String, Arguments> arguments;
    private final ParityRules rules = new ParityRules();

    ParityRun(PrintStream err, Optional<Path> table, Duration length, Map<String, String> names) throws IOException {
        this.arguments = arguments(table.isPresent() ? Files.readString(table.get()) : ownTable());
        this.err = err;
        this.length = length;
        this.names = names;
    }

    /** Arguments of a tool, and the scenario that gives it something to see. */
    private record Arguments(List<String> live, List<String> embedded, String scenario) {}

    /**
     * How far a tool came.
     *
     * @param help whether {@code -h} ended with status 0 and a usage text
     * @param output lines printed
     * @param check what comparing the output with the target's ground truth said; empty if there is no such comparison
     * @param why what stopped it, or empty
     */
    record Result(
            String tool,
            boolean help,
            boolean compiles,
            boolean loads,
            int attached,
            int output,
            int records,
            int status,
            String check,
            String why,
            String text) {
        boolean plausible() {
            return why.isEmpty() && output > 1;
        }

        boolean agrees() {
            return check.startsWith("yes");
        }

        /** @param account what the kernel did, kept behind the text for who looks into a difference */
        Result checked(String verdict, String account) {
            var whole =
                    text + "\n--- what the kernel did, in the words of the rule, with counts before them\n" + account;
            return new Result(
                    tool,
                    help,
                    compiles,
                    loads,
                    attached,
                    output,
                    records,
                    status,
                    verdict.replace('\n', ' '),
                    why,
                    whole);
        }

        Result because(String reason) {
            return new Result(
                    tool,
                    help,
                    compiles,
                    loads,
                    attached,
                    output,
                    records,
                    status,
                    check,
                    why.isEmpty() ? reason : why,
                    text);
        }
    }

    private static String ownTable() throws IOException {
        try (var in = ParityRun.class.getResourceAsStream("/skep/parity/arguments.tsv")) {
            if (in == null) {
                throw new IllegalStateException("the table of arguments is missing");
            }
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        }
    }

    private static Map<String, Arguments> arguments(String table) {
        var rows = new LinkedHashMap<String, Arguments>();
        for (var line : table.split("\n")) {
            if (!line.startsWith("#") && !line.isBlank()) {
                var cells = line.split("\t", -1);
                rows.put(cells[0], new Arguments(words(cells[1]), words(cells[2]), cells[3]));
            }
        }
        return rows;
    }

    /** Words are separated by blanks; a circumflex is a blank within a word. */
    private static List<String> words(String text) {
        return text.isBlank()
                ? List.of()
                : List.of(text.split(" ")).stream()
                        .map(word -> word.replace('^', ' '))
                        .toList();
    }

    static String toolName(Path file) {
        return file.getFileName().toString().replaceFirst("(-bpfcc|\\.py)$", "");
    }

    /** Runs a tool with {@code -h}, then for a while. */
    Result run(Path file, String spec) {
        var name = toolName(file);
        var row = arguments.getOrDefault(name, new Arguments(List.of(), List.of(), "mixed"));
        boolean live = !spec.startsWith("embedded");
        var target = !live && !spec.contains("scenario=") ? with(spec, "scenario=" + row.scenario()) : spec;
        if (!live && !spec.contains("speed=")) {
            target = with(target, "speed=max");
        }
        boolean helps = helps(file, target);
        var result = once(
                file, live ? row.live() : row.embedded(), target, length, live ? Optional.empty() : rules.of(name));
        return new Result(
                name,
                helps,
                result.compiles(),
                result.loads(),
                result.attached(),
                result.output(),
                result.records(),
                result.status(),
                result.check(),
                result.why(),
                result.text());
    }

    private static String with(String spec, String option) {
        return spec + (spec.contains(":") ? "," : ":") + option;
    }

    /** {@code $NAME} is what the workload says of it; {@code $PID_name} a process of the target by its name. */
    private String filledIn(String word, Target target) {
        var text = word;
        for (var entry : names.entrySet().stream()
                .sorted(Map.Entry.<String, String>comparingByKey().reversed())
                .toList()) {
            text = text.replace("$" + entry.getKey(), entry.getValue());
        }
        var wanted = PROCESS.matcher(text);
        return wanted.replaceAll(match -> process(target, match.group(1)));
    }

    private static String process(Target target, String name) {
        return target.listFolder("/proc").orElse(List.of()).stream()
                .filter(pid -> !pid.isEmpty() && pid.chars().allMatch(Character::isDigit))
                .filter(pid -> target.readFile("/proc/" + pid + "/comm")
                        .filter(comm -> new String(comm, StandardCharsets.ISO_8859_1)
                                .strip()
                                .equals(name))
                        .isPresent())
                .findFirst()
                .orElse("1");
    }

    /** Whether {@code -h} works; asked once a tool. */
    private boolean helps(Path file, String target) {
        return help.computeIfAbsent(file, _ -> {
            var result = once(file, List.of("-h"), target, Duration.ofSeconds(20), Optional.empty());
            return result.status() == 0
                    && result.text().toLowerCase(java.util.Locale.ROOT).contains("usage");
        });
    }

    private Result once(Path file, List<String> words, String spec, Duration time, Optional<ParityCheck> check) {
        try {
            var target = Targets.open(BccCommand.architectureOf(spec));
            boolean simulated = !target.isLive();
            var bridge = new Bridge(new BccHost(
                    target,
                    simulated
                            ? Optional.of(time.plus(TAIL).plus(check.isPresent() ? WARM_UP : Duration.ZERO))
                            : Optional.empty(),
                    _ -> {}));
            var command = new ArrayList<String>();
            command.add(file.toString());
            words.forEach(word -> command.add(filledIn(word, target)));
            bridge.stopAt(System.nanoTime() + (simulated ? SIMULATED : IDLE).toNanos());
            if (check.isPresent()) {
                // Its time is that of the script alone: what was printed can be compared exactly.
                bridge.lockstep();
                if (!bridge.warmUp(WARM_UP)) {
                    return new Result(
                            toolName(file), false, false, false, 0, 0, 0, 1, "", "the kernel did not run", "");
                }
            } else if (!simulated) {
                bridge.stopAfterAttaching(time.toNanos());
            }
            var unwatched = check.flatMap(own -> own.watch(target));
            var ended = ended(new PythonHost.Run(command, Optional.of(bridge), true, false), bridge);
            var result = judged(toolName(file), bridge, ended.status(), ended.how());
            if (check.isPresent()) {
                result = checked(result, check.get(), unwatched);
            }
            if (!inTime("close " + spec, CLOSING, () -> {
                bridge.close();
                target.close();
            })) {
                return result.because("its programs could not be closed in time");
            }
            return result;
        } catch (TargetException | IllegalArgumentException refused) {
            return new Result(
                    toolName(file), false, false, false, 0, 0, 0, 1, "", String.valueOf(refused.getMessage()), "");
        }
    }

    /** How a run came to its end. */
    enum Ending {
        /** By itself, or when it was asked to. */
        ASKED,
        /** Its calls were refused, or its context was closed under it. */
        FORCED,
        /** Not at all: its thread was left behind. */
        ABANDONED
    }

    private static Result checked(Result result, ParityCheck check, Optional<String> unwatched) {
        if (unwatched.isPresent()) {
            return result.checked("no: " + unwatched.get(), "");
        }
        try {
            return result.checked(check.verdict(result.text()), check.account());
        } catch (IllegalArgumentException wrong) {
            return result.checked("no: " + wrong.getMessage(), "");
        }
    }

    private record Ended(int status, Ending how) {}

    /** Runs a script on a thread of its own, and sees to it that it ends. */
    private Ended ended(PythonHost.Run run, Bridge bridge) {
        var status = new AtomicInteger(FAILED);
        var context = new AtomicReference<Context>();
        var host = this.host;
        var script =
                Thread.ofPlatform().daemon().name("script").start(() -> status.set(host.run(run, err, context::set)));
        while (!joined(script, 50)) {
            if (bridge.overdue(GRACE)) {
                break;
            }
        }
        if (!script.isAlive()) {
            return new Ended(status.get(), Ending.ASKED);
        }
        bridge.refuse();
        if (!joined(script, (int) CLOSING.toMillis()) && context.get() != null) {
            inTime("close a context", CLOSING, () -> context.get().close(true));
        }
        if (joined(script, (int) CLOSING.toMillis())) {
            return new Ended(status.get(), Ending.FORCED);
        }
        // Whatever holds it may hold the engine as well: the next one gets another.
        this.host = new PythonHost();
        return new Ended(FAILED, Ending.ABANDONED);
    }

    private static boolean joined(Thread thread, int millis) {
        try {
            return thread.join(Duration.ofMillis(millis));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    /** Does something that may hang on a thread of its own; whether it came to its end. */
    private static boolean inTime(String what, Duration limit, Runnable work) {
        var thread = Thread.ofPlatform().daemon().name(what).start(() -> {
            try {
                work.run();
            } catch (RuntimeException e) {
                // The run is over: what its end could not do is told by the result.
            }
        });
        return joined(thread, (int) limit.toMillis());
    }

    private static Result judged(String tool, Bridge bridge, int status, Ending how) {
        boolean killed = how != Ending.ASKED;
        var journal = bridge.journal();
        var text = journal.output();
        var failures = journal.failures();
        boolean compiles = journal.compiledPrograms() > 0 && failures.stream().noneMatch(f -> f.startsWith("COMPILE"));
        boolean refused = failures.stream().anyMatch(f -> f.startsWith("LOAD"));
        boolean loads = compiles && !refused && (journal.attachedProbes() > 0 || loadsAll(bridge));
        int lines = (int) text.lines().filter(line -> !line.isBlank()).count();
        var why = "";
        if (killed && (lines < 2 || journal.attachedProbes() == 0)) {
            why = how == Ending.ABANDONED ? "did not end, and was left behind" : "did not end when it was asked to";
        } else if (text.contains("Traceback (most recent call last)") && !text.contains("KeyboardInterrupt")) {
            why = failures.isEmpty()
                    ? text.lines().filter(line -> !line.isBlank()).reduce("", (_, last) -> last)
                    : failures.getLast();
        } else if (!failures.isEmpty() && journal.attachedProbes() == 0) {
            why = failures.getLast();
        } else if (status != 0 && status != 130 && !killed && !bridge.stopping() && (status > 1 || lines <= HEADING)) {
            why = "status " + status + ": "
                    + text.lines().filter(line -> !line.isBlank()).reduce("", (_, last) -> last);
        }
        if (why.isEmpty() && journal.compiledPrograms() > 0) {
            why = journal.attachedProbes() == 0
                    ? "attached nothing"
                    : journal.openedBuffers() > 0 && journal.recordsRead() == 0 && lines <= HEADING
                            ? "saw no event"
                            : "";
        } else if (why.isEmpty() && text.startsWith("ERROR")) {
            why = text;
        }
        return new Result(
                tool,
                false,
                compiles,
                loads,
                journal.attachedProbes(),
                lines,
                journal.recordsRead(),
                status,
                "",
                why.lines().findFirst().orElse(""),
                text);
    }

    /** Nothing could be attached: do the functions pass the verifier all the same? */
    private static boolean loadsAll(Bridge bridge) {
        try {
            for (var session : bridge.sessions()) {
                for (var function : session.functionNames()) {
                    session.load(function, KPROBE, -1);
                }
            }
            return !bridge.sessions().isEmpty();
        } catch (BccException | TargetException refused) {
            bridge.journal().failed("LOAD", String.valueOf(refused.getMessage()));
            return false;
        }
    }

    /** The Python tools among these files, by name. */
    static List<Path> tools(Path folder, boolean checkout) throws IOException {
        try (var files = Files.list(folder)) {
            return files.filter(Files::isRegularFile)
                    .filter(file -> checkout ? file.toString().endsWith(".py") : isInstalledTool(file))
                    .sorted()
                    .toList();
        }
    }

    private static boolean isInstalledTool(Path file) {
        var name = file.getFileName().toString();
        boolean wanted = name.endsWith("-bpfcc") || name.matches("u(calls|flow|gc|objnew|stat|threads)");
        if (!wanted) {
            return false;
        }
        try (var lines = Files.lines(file, StandardCharsets.ISO_8859_1)) {
            return lines.findFirst().orElse("").contains("python");
        } catch (IOException | UncheckedIOException e) {
            return false;
        }
    }

    @Override
    public void close() {
        inTime("close the engine", CLOSING, host::close);
    }
}
