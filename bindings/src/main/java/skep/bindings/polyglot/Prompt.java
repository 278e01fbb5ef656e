package skep.bindings.polyglot;

import java.io.PrintStream;
import java.util.List;
import java.util.Map;
import org.graalvm.polyglot.PolyglotException;
import org.graalvm.polyglot.Value;
import org.jspecify.annotations.Nullable;
import skep.bindings.java.Variables;
import skep.bindings.polyglot.PolyglotSession.Language;
import skep.bindings.polyglot.PolyglotSession.Outcome;
import skep.session.PromptLanguages;
import skep.session.SessionOptions;
import skep.session.ViewSink;

/** The languages of the prompt {@code skep repl}. */
public final class Prompt implements PromptLanguages {
    private static final Map<String, Language> LANGUAGES =
            Map.of("py", Language.PYTHON, "js", Language.JS, "java", Language.JAVA, "bpf", Language.BPF);

    private @Nullable PolyglotSession session;
    private @Nullable PrintStream out;
    private @Nullable PrintStream err;

    @Override
    public List<String> names() {
        return List.of("bpf", "java", "js", "py");
    }

    @Override
    public String title(String language) {
        return language(language).title();
    }

    private static Language language(String name) {
        var found = LANGUAGES.get(name);
        if (found == null) {
            throw new IllegalArgumentException("no language " + name);
        }
        return found;
    }

    @Override
    public void open(String target, PrintStream newOut, PrintStream newErr) {
        out = newOut;
        err = newErr;
        session = new PolyglotSession(target, false, newOut, newErr);
    }

    private PolyglotSession session() {
        return java.util.Objects.requireNonNull(session, "open was not called");
    }

    private static PrintStream opened(@Nullable PrintStream stream) {
        return java.util.Objects.requireNonNull(stream, "open was not called");
    }

    @Override
    public void setTarget(String spec) {
        session().setTarget(spec);
    }

    @Override
    public boolean run(String language, String text) {
        var outcome = session().run(language(language), "prompt", text);
        switch (outcome) {
            case Outcome.Done done -> {
                if (!done.text().isEmpty()) {
                    opened(out).println(done.text().stripTrailing());
                }
            }
            case Outcome.Failed failed -> failed.lines().forEach(opened(err)::println);
            case Outcome.Exit exit -> opened(err).println("exit " + exit.status() + ": leave the prompt with :quit");
        }
        return outcome instanceof Outcome.Done;
    }

    @Override
    public boolean trace(String name, String text, SessionOptions options, ViewSink sink) {
        try {
            session().trace(name, text, options, sink);
            return true;
        } catch (PolyglotException failure) {
            if (!failure.isInterrupted() && !failure.isCancelled()) {
                opened(err).println(String.valueOf(failure.getMessage()).stripTrailing());
            }
            return false;
        }
    }

    @Override
    public boolean isComplete(String language, String text) {
        return switch (language(language)) {
            case PYTHON -> Typed.isCompletePython(text);
            case JAVA ->
                session()
                        .snippets()
                        .map(snippets -> snippets.completeness(text).isComplete())
                        .orElseGet(() -> Typed.openBrackets(text, "//") <= 0);
            case JS, BPF, SKEP -> Typed.openBrackets(text, "//") <= 0;
        };
    }

    @Override
    public List<String> complete(String language, String word) {
        return session().complete(language(language), word);
    }

    @Override
    public List<String> variables() {
        return Variables.shared().values().entrySet().stream()
                .map(entry -> entry.getKey() + ": " + kind(entry.getValue()))
                .toList();
    }

    private static String kind(Object value) {
        if (value instanceof Value guest) {
            var kind = guest.getMetaObject();
            return kind != null && kind.isMetaObject() ? kind.getMetaQualifiedName() : "object";
        }
        return value.getClass().getSimpleName();
    }

    @Override
    public void stop() {
        if (session != null) {
            session.stop();
        }
    }

    @Override
    public void close() {
        if (session != null) {
            session.close();
        }
    }
}
