package skep.cli;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.ServiceLoader;
import java.util.concurrent.atomic.AtomicReference;
import org.jline.reader.Candidate;
import org.jline.reader.CompletingParsedLine;
import org.jline.reader.EOFError;
import org.jline.reader.EndOfFileException;
import org.jline.reader.LineReader;
import org.jline.reader.LineReaderBuilder;
import org.jline.reader.ParsedLine;
import org.jline.reader.Parser;
import org.jline.reader.UserInterruptException;
import org.jline.terminal.Terminal.Signal;
import org.jline.terminal.TerminalBuilder;
import org.jspecify.annotations.Nullable;
import skep.cli.Arguments.Format;
import skep.cli.Arguments.UsageException;
import skep.session.Completion;
import skep.session.Listing;
import skep.session.PromptLanguages;
import skep.session.ScriptException;
import skep.session.Session;
import skep.session.Targets;
import skep.session.ViewSink;
import skep.session.view.JsonRenderer;
import skep.session.view.TextRenderer;
import skep.session.view.View;
import skep.target.Target;
import skep.target.TargetException;

/**
 * A prompt: scripts are typed over as many lines as they have open brackets, run, and stopped with Ctrl-C, which ends the
 * trace and not the prompt. Lines that start with a colon are commands.
 */
final class Repl {
    private static final String HELP = """
            A script runs as soon as its brackets are closed; a bare statement runs once, as if in begin.
            Ctrl-C ends a trace and prints its maps; Ctrl-D leaves. Tab completes probes, fields, functions, maps.
              :list PATTERN     probes that match         :fields PROBE     the arguments of a probe
              :type struct X    a type of the kernel      :info             what the kernel allows
              :target SPEC      trace somewhere else      :json, :text      the form of results
              :load FILE        run a script file         :save FILE        keep the last script, laid out
              :maps             the last script's maps    :quit
            """;

    private static final String LANGUAGES_HELP = """
              :py, :js, :java, :bpf, :skep   the language from now on; with a text behind it, for that text only
              :vars             variables, which all languages share; maps of scripts are among them
            """;

    private static final List<String> COMMANDS = List.of(
            ":fields", ":help", ":info", ":json", ":list", ":load", ":maps", ":quit", ":save", ":target", ":text",
            ":type");

    private final Arguments arguments;
    private final AtomicReference<@Nullable Session> running = new AtomicReference<>();
    private final List<View.MapView> lastMaps = new ArrayList<>();
    private String lastScript = "";
    private Format format;
    private Target target;
    private String spec = "";
    private boolean used;

    /** The languages beside the tracing language, in {@code skep repl}. */
    private final Optional<PromptLanguages> languages;

    /** The one that is typed in; empty for the tracing language. */
    private String language = "";

    private boolean failed;

    private Repl(Arguments arguments, Optional<PromptLanguages> languages) {
        this.arguments = arguments;
        this.languages = languages;
        this.format = arguments.format();
        this.target = ScriptCommand.openTarget(arguments);
    }

    /** Runs the prompt to its end. Without a terminal there is nobody to prompt. */
    static int run(Arguments arguments, PrintStream out, PrintStream err) {
        if (System.console() == null || !System.console().isTerminal()) {
            err.print(CommandLineParser.help());
            return 1;
        }
        // Asking the terminal what it can do would swallow what is typed meanwhile.
        System.setProperty("org.jline.terminal.probe.timeout", "0");
        System.setProperty("org.jline.terminal.drain.timeout", "0");
        return new Repl(arguments, Optional.empty()).prompt(out, err);
    }

    /** The prompt with all languages; without a terminal it obeys what it reads, and fails if any of it fails. */
    static int runWithLanguages(List<String> args, InputStream in, PrintStream out, PrintStream err) {
        var arguments = CommandLineParser.parse(args);
        if (arguments.mode() != Arguments.Mode.REPL) {
            throw new UsageException("skep repl takes options such as --target, and no script");
        }
        var languages = ServiceLoader.load(PromptLanguages.class).findFirst();
        if (languages.isEmpty()) {
            throw new UsageException("the libraries of the other languages are missing: start it with ./skep repl");
        }
        try (var open = languages.get()) {
            open.open(arguments.target().orElse(Targets.LIVE), out, err);
            var repl = new Repl(arguments, languages);
            boolean talks = System.console() != null && System.console().isTerminal();
            if (talks) {
                System.setProperty("org.jline.terminal.probe.timeout", "0");
                System.setProperty("org.jline.terminal.drain.timeout", "0");
            }
            return talks ? repl.prompt(out, err) : repl.obeyAll(in, out, err);
        }
    }

    private int obeyAll(InputStream in, PrintStream out, PrintStream err) {
        try (var reader = new BufferedReader(new InputStreamReader(in, StandardCharsets.UTF_8))) {
            var typed = new StringBuilder();
            for (var line = reader.readLine(); line != null; line = reader.readLine()) {
                typed.append(line);
                if (isComplete(typed.toString() + (line.isBlank() ? "\n" : ""))) {
                    var text = typed.toString().strip();
                    typed.setLength(0);
                    if (text.equals(":quit") || text.equals(":q")) {
                        break;
                    }
                    obey(text, out, err);
                    out.flush();
                } else {
                    typed.append('\n');
                }
            }
            if (!typed.toString().isBlank()) {
                obey(typed.toString().strip(), out, err);
            }
            return failed ? 1 : 0;
        } catch (IOException e) {
            throw new UsageException("cannot read what is to be run: " + e.getMessage());
        } finally {
            target.close();
        }
    }

    /** Whether what was typed can be run. */
    private boolean isComplete(String text) {
        var to = addressee(text);
        return to.language.isEmpty()
                ? openBrackets(text) <= 0
                : languages.orElseThrow().isComplete(to.language, to.text);
    }

    /** A text, and the language that is meant; empty for the tracing language and commands. */
    private record Addressed(String language, String text) {}

    private Addressed addressee(String line) {
        if (languages.isEmpty()) {
            return new Addressed("", line);
        }
        if (!line.startsWith(":")) {
            return new Addressed(language, line);
        }
        int end = 1;
        while (end < line.length() && Character.isLetter(line.charAt(end))) {
            end++;
        }
        var word = line.substring(1, end);
        return languages.get().names().contains(word)
                ? new Addressed(word, line.substring(end).stripLeading())
                : new Addressed("", line);
    }

    private int prompt(PrintStream out, PrintStream err) {
        try (var terminal = TerminalBuilder.builder()
                .system(true)
                .encoding(StandardCharsets.UTF_8)
                // Whether the terminal has it would be asked, and a late answer read as if it were typed.
                .graphemeCluster(false)
                .build()) {
            var reader = LineReaderBuilder.builder()
                    .terminal(terminal)
                    .appName("skep")
                    .parser(new BracketParser())
                    .completer(this::complete)
                    .variable(LineReader.HISTORY_FILE, historyFile())
                    .variable(LineReader.SECONDARY_PROMPT_PATTERN, "....> ")
                    .option(LineReader.Option.DISABLE_EVENT_EXPANSION, true)
                    .build();
            terminal.handle(Signal.INT, _ -> stopRunning());
            out.println("skep " + Main.VERSION + " on " + Targets.describe(target) + ". :help, Ctrl-D to leave.");
            out.flush();
            while (true) {
                try {
                    var line = reader.readLine((language.isEmpty() ? "skep" : language) + "> ")
                            .strip();
                    if (line.equals(":quit") || line.equals(":q")) {
                        return 0;
                    }
                    obey(line, out, err);
                } catch (UserInterruptException e) {
                    continue;
                } catch (EndOfFileException e) {
                    return 0;
                } finally {
                    out.flush();
                    err.flush();
                }
            }
        } catch (IOException e) {
            throw new UsageException("no terminal: " + e.getMessage());
        } finally {
            target.close();
        }
    }

    private static Path historyFile() {
        var state = System.getenv("XDG_STATE_HOME");
        var home = Path.of(System.getProperty("user.home"));
        return (state == null || state.isEmpty() ? home.resolve(".local/state") : Path.of(state))
                .resolve("skep/history");
    }

    private void obey(String line, PrintStream out, PrintStream err) {
        try {
            var to = addressee(line);
            if (!to.language.isEmpty() && to.text.isEmpty()) {
                language = line.isEmpty() ? language : to.language;
            } else if (!to.language.isEmpty()) {
                failed |= !languages.orElseThrow().run(to.language, to.text);
            } else if (line.startsWith(":")) {
                command(line, out, err);
            } else if (!line.isEmpty()) {
                var script = asScript(line);
                trace("stdin", script, !script.equals(line), out, err);
            }
        } catch (UsageException | TargetException e) {
            failed = true;
            err.println("ERROR: " + e.getMessage());
        } catch (ScriptException e) {
            failed = true;
            err.println(e.getMessage());
        } catch (RuntimeException e) {
            failed = true;
            // A fault of Skep's own ends the trace, not the prompt.
            err.println("ERROR: internal: " + e);
        }
    }

    /** A line without a body is a statement or an expression. */
    static String asScript(String line) {
        if (line.contains("{") || line.startsWith("config") || line.startsWith("#")) {
            return line;
        }
        boolean statement = line.endsWith(";")
                || line.matches("(print|printf|time|cat|system|clear|zero|delete|join|exit)\\s*\\(.*");
        return statement ? "begin { " + line + " }" : "begin { print((" + line + ")); }";
    }

    private void command(String line, PrintStream out, PrintStream err) {
        int space = line.indexOf(' ');
        var word = space < 0 ? line : line.substring(0, space);
        var rest = space < 0 ? "" : line.substring(space + 1).strip();
        switch (word) {
            case ":help" -> out.print(languages.isEmpty() ? HELP : HELP + LANGUAGES_HELP);
            case ":skep" -> {
                if (rest.isEmpty()) {
                    language = "";
                } else {
                    trace("stdin", asScript(rest), !asScript(rest).equals(rest), out, err);
                }
            }
            case ":vars" -> {
                if (languages.isEmpty()) {
                    throw new UsageException(":vars and other languages are in the prompt of ./skep repl");
                }
                languages.get().variables().forEach(out::println);
            }
            case ":py", ":js", ":java", ":bpf" ->
                throw new UsageException(word + " is known in ./skep repl, the prompt with all languages");
            case ":list", ":l" -> Listing.list(target, rest, false, out::println);
            case ":fields", ":type", ":lv" -> Listing.list(target, rest, true, out::println);
            case ":info" -> Listing.features(target, Main.VERSION, out::println);
            case ":maps" -> {
                var renderer = format == Format.JSON ? new JsonRenderer() : new TextRenderer();
                lastMaps.forEach(map -> out.print(renderer.render(map)));
            }
            case ":save" -> save(rest, out);
            case ":json" -> format = Format.JSON;
            case ":text" -> format = Format.TEXT;
            case ":load" -> {
                var script = ScriptCommand.read(arguments.withFile(rest), System.in);
                trace(script.name(), script.text(), false, out, err);
            }
            case ":target" -> {
                var opened = ScriptCommand.openTarget(arguments.withTarget(rest));
                target.close();
                target = opened;
                spec = rest;
                used = false;
                languages.ifPresent(open -> open.setTarget(rest));
                out.println(Targets.describe(target));
            }
            default -> throw new UsageException("no command " + word + "; :help tells which there are");
        }
    }

    /** @param bare whether the user typed a statement only: then nothing but its output is shown */
    private void trace(String name, String text, boolean bare, PrintStream out, PrintStream err) {
        if (used && !target.isLive()) {
            // A simulated kernel runs once; the next script gets it from its beginning.
            target.close();
            target = ScriptCommand.openTarget(spec.isEmpty() ? arguments : arguments.withTarget(spec));
        }
        var renderer = format == Format.JSON ? new JsonRenderer() : new TextRenderer();
        var terminal = new Terminal(renderer, out, err, arguments);
        var ending = new boolean[1];
        ViewSink sink = new ViewSink() {
            @Override
            public void accept(View view) {
                ending[0] |= view instanceof View.Ending;
                if (ending[0] && view instanceof View.MapView map) {
                    lastMaps.add(map);
                }
                if (!bare || !(view instanceof View.Attached)) {
                    terminal.accept(view);
                }
            }

            @Override
            public void batchEnds() {
                terminal.batchEnds();
            }
        };
        if (languages.isPresent()) {
            lastScript = text;
            lastMaps.clear();
            failed |= !languages.get().trace(name, text, ScriptCommand.options(arguments), sink);
            return;
        }
        try (var session = Session.prepare(target, name, text, ScriptCommand.options(arguments), sink)) {
            session.warnings().forEach(err::print);
            lastScript = text;
            lastMaps.clear();
            running.set(session);
            used = true;
            session.run();
        } finally {
            running.set(null);
        }
    }

    private void save(String file, PrintStream out) {
        if (file.isEmpty()) {
            throw new UsageException(":save wants a file name");
        }
        if (lastScript.isEmpty()) {
            throw new UsageException("there is no script to keep yet");
        }
        try {
            Files.writeString(Path.of(file), Session.formatted("stdin", lastScript));
            out.println("Wrote " + file);
        } catch (IOException e) {
            throw new UsageException("cannot write " + file + ": " + ScriptCommand.reason(e));
        }
    }

    private void stopRunning() {
        var session = running.get();
        if (session != null) {
            session.stop();
        }
        // Waits for the language to notice, which the terminal's thread must not.
        languages.ifPresent(open -> Thread.ofVirtual().start(open::stop));
    }

    private void complete(LineReader reader, ParsedLine line, List<Candidate> candidates) {
        var text = line.line();
        var to = addressee(text);
        if (!to.language.isEmpty()) {
            int start = line.cursor();
            while (start > 0 && Character.isJavaIdentifierPart(text.charAt(start - 1))) {
                start--;
            }
            languages
                    .orElseThrow()
                    .complete(to.language, text.substring(start, line.cursor()))
                    .forEach(word -> candidates.add(new Candidate(word)));
            return;
        }
        if (text.startsWith(":") && text.indexOf(' ') < 0) {
            COMMANDS.forEach(word -> candidates.add(new Candidate(word)));
            languages.ifPresent(open -> open.names().forEach(word -> candidates.add(new Candidate(":" + word))));
            return;
        }
        var completion = new Completion(target);
        for (var word : completion.candidates(text, line.cursor())) {
            boolean complete = !word.endsWith(":");
            var meaning = Completion.meaning(word).orElse(null);
            candidates.add(new Candidate(word, word, null, meaning, null, null, complete));
        }
    }

    /** The whole input is one thing; it goes on while brackets are open. */
    private final class BracketParser implements Parser {
        @Override
        public ParsedLine parse(String line, int cursor, ParseContext context) {
            if (context == ParseContext.ACCEPT_LINE && !isComplete(line)) {
                throw new EOFError(-1, cursor, "open bracket", "}");
            }
            int start = line.startsWith(":") && line.indexOf(' ') < 0 ? 0 : wordStart(line, cursor);
            var word = line.substring(start, cursor);
            return new CompletingParsedLine() {
                @Override
                public String word() {
                    return word;
                }

                @Override
                public int wordCursor() {
                    return word.length();
                }

                @Override
                public CharSequence escape(CharSequence candidate, boolean complete) {
                    return candidate;
                }

                @Override
                public int rawWordCursor() {
                    return word.length();
                }

                @Override
                public int rawWordLength() {
                    return word.length();
                }

                @Override
                public int wordIndex() {
                    return 0;
                }

                @Override
                public List<String> words() {
                    return List.of(word);
                }

                @Override
                public String line() {
                    return line;
                }

                @Override
                public int cursor() {
                    return cursor;
                }
            };
        }
    }

    private int wordStart(String line, int cursor) {
        if (addressee(line).language.isEmpty()) {
            return Completion.wordStart(line, cursor);
        }
        int start = cursor;
        while (start > 0 && Character.isJavaIdentifierPart(line.charAt(start - 1))) {
            start--;
        }
        return start;
    }

    /** Brackets that are open at the end of a text; those in strings and comments do not count. */
    static int openBrackets(String text) {
        int depth = 0;
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c == '"') {
                i++;
                while (i < text.length() && text.charAt(i) != '"') {
                    i += text.charAt(i) == '\\' ? 2 : 1;
                }
            } else if (c == '/' && text.startsWith("//", i)) {
                while (i < text.length() && text.charAt(i) != '\n') {
                    i++;
                }
            } else if (c == '/' && text.startsWith("/*", i)) {
                int end = text.indexOf("*/", i + 2);
                i = end < 0 ? text.length() : end + 1;
            } else {
                depth += c == '{' || c == '(' || c == '[' ? 1 : c == '}' || c == ')' || c == ']' ? -1 : 0;
            }
        }
        return depth;
    }
}
