package skep.bindings.java;

import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import jdk.jshell.EvalException;
import jdk.jshell.JShell;
import jdk.jshell.JShellException;
import jdk.jshell.Snippet;
import jdk.jshell.SnippetEvent;
import jdk.jshell.SourceCodeAnalysis;
import jdk.jshell.VarSnippet;
import jdk.jshell.execution.LocalExecutionControlProvider;

/**
 * Java snippets one after the other, in this process, sharing the session's {@link Variables}: those of other languages are
 * there as Java variables, and every variable that a snippet declares is there for them. Belongs to one thread, except for
 * {@link #stop}, {@link #complete} and {@link #document}.
 */
public final class Snippets implements AutoCloseable {
    private final JShell shell;
    private final Map<String, Object> known = new HashMap<>();
    private final PrintStream ownOut;
    private final PrintStream ownErr;

    /** How a text of snippets ended. */
    public sealed interface Result {
        /** The value of the last expression, as its {@code toString} gives it; empty if there is none. */
        record Value(Optional<Object> value) implements Result {}

        /** Lines to show: what is wrong, the source line, {@code ^} below it; or a stack trace. */
        record Failed(String kind, String message, List<String> lines) implements Result {}
    }

    public Snippets() {
        this(_ -> {}, _ -> {});
    }

    /** With what snippets print to the process's streams going elsewhere while they run. */
    public Snippets(Consumer<String> out, Consumer<String> err) {
        ownOut = stream(out);
        ownErr = stream(err);
        shell = JShell.builder()
                .executionEngine(new LocalExecutionControlProvider(), Map.of())
                .build();
        shell.addToClasspath(System.getProperty("java.class.path"));
        JshellCommand.IMPORTS.forEach(shell::eval);
    }

    private static PrintStream stream(Consumer<String> sink) {
        return new PrintStream(
                new OutputStream() {
                    @Override
                    public void write(int b) {
                        sink.accept(String.valueOf((char) b));
                    }

                    @Override
                    public void write(byte[] bytes, int offset, int length) {
                        sink.accept(new String(bytes, offset, length, StandardCharsets.UTF_8));
                    }
                },
                true,
                StandardCharsets.UTF_8);
    }

    /** Runs all snippets of a text up to the first that fails. */
    public Result run(String text) {
        importVariables();
        var out = System.out;
        var err = System.err;
        System.setOut(ownOut);
        System.setErr(ownErr);
        try {
            return runAll(text);
        } finally {
            ownOut.flush();
            ownErr.flush();
            System.setOut(out);
            System.setErr(err);
            exportVariables();
        }
    }

    private Result runAll(String text) {
        var analysis = shell.sourceCodeAnalysis();
        var rest = text;
        Result last = new Result.Value(Optional.empty());
        while (!rest.isBlank()) {
            var info = analysis.analyzeCompletion(rest);
            var source = info.source() == null ? rest : info.source();
            for (var event : shell.eval(source)) {
                if (event.causeSnippet() == null) {
                    var failed = failure(event, source);
                    if (failed.isPresent()) {
                        return failed.get();
                    }
                    last = new Result.Value(value(event));
                }
            }
            rest = info.source() == null ? "" : info.remaining();
        }
        return last;
    }

    private Optional<Result.Failed> failure(SnippetEvent event, String source) {
        if (event.exception() != null) {
            return Optional.of(exception(event.exception()));
        }
        if (event.status() != Snippet.Status.REJECTED) {
            return Optional.empty();
        }
        var lines = new ArrayList<String>();
        var first = new String[] {"does not compile"};
        shell.diagnostics(event.snippet()).filter(jdk.jshell.Diag::isError).forEach(diagnostic -> {
            if (lines.isEmpty()) {
                first[0] = diagnostic.getMessage(Locale.ROOT);
            }
            lines.add("ERROR: " + diagnostic.getMessage(Locale.ROOT));
            int start = Math.clamp(diagnostic.getStartPosition(), 0, source.length());
            int lineStart = source.lastIndexOf('\n', Math.max(0, start - 1)) + 1;
            int lineEnd = source.indexOf('\n', start);
            lines.add(source.substring(lineStart, lineEnd < 0 ? source.length() : lineEnd));
            lines.add(" ".repeat(Math.max(0, start - lineStart))
                    + "~".repeat(Math.clamp(diagnostic.getEndPosition() - start, 1, 200)));
        });
        return Optional.of(new Result.Failed("CompileError", first[0], lines));
    }

    private static Result.Failed exception(JShellException exception) {
        var name = exception instanceof EvalException eval ? eval.getExceptionClassName() : exception.toString();
        var message = String.valueOf(exception.getMessage());
        var lines = new ArrayList<String>(List.of(name + ": " + message));
        for (var frame : exception.getStackTrace()) {
            lines.add("    at " + frame);
        }
        return new Result.Failed(name.substring(name.lastIndexOf('.') + 1), message, lines);
    }

    private Optional<Object> value(SnippetEvent event) {
        boolean isValue = event.snippet().kind() == Snippet.Kind.EXPRESSION
                || event.snippet().subKind() == Snippet.SubKind.TEMP_VAR_EXPRESSION_SUBKIND
                || event.snippet().subKind() == Snippet.SubKind.VAR_VALUE_SUBKIND;
        if (!isValue || event.value() == null || event.value().equals("null")) {
            return Optional.empty();
        }
        if (event.snippet() instanceof VarSnippet variable) {
            return reference(variable.name());
        }
        if (event.snippet() instanceof jdk.jshell.ExpressionSnippet expression && isName(expression.name())) {
            return reference(expression.name());
        }
        return Optional.of(event.value());
    }

    private static boolean isName(String name) {
        return !name.isEmpty() && name.chars().allMatch(Character::isJavaIdentifierPart);
    }

    /** The object behind a variable of the shell, by way of the shared ones. */
    private Optional<Object> reference(String variable) {
        var values = Variables.shared().values();
        var own = "$skep";
        values.remove(own);
        shell.eval("if ((Object) " + variable + " != null) skep.bindings.java.Variables.shared().put(\"" + own
                + "\", (Object) " + variable + ");");
        return Optional.ofNullable(values.remove(own));
    }

    private void exportVariables() {
        var values = Variables.shared().values();
        shell.variables().filter(variable -> !variable.name().startsWith("$")).forEach(variable -> {
            reference(variable.name()).ifPresent(value -> {
                known.put(variable.name(), value);
                values.put(variable.name(), value);
            });
        });
    }

    private void importVariables() {
        Variables.shared().values().forEach((name, value) -> {
            if (isName(name) && !Character.isDigit(name.charAt(0)) && known.get(name) != value) {
                known.put(name, value);
                shell.eval(type(value) + " " + name + " = (" + type(value)
                        + ") skep.bindings.java.Variables.shared().get(\"" + name + "\");");
            }
        });
    }

    /** The most useful type that a snippet may name: a public class on the class path, or an interface that all know. */
    private static String type(Object value) {
        if (value instanceof Map) {
            return "java.util.Map<Object, Object>";
        }
        if (value instanceof List) {
            return "java.util.List<Object>";
        }
        var type = value.getClass();
        boolean isPublic = java.lang.reflect.Modifier.isPublic(type.getModifiers())
                && type.getCanonicalName() != null
                && type.getTypeParameters().length == 0;
        boolean isReachable =
                type.getName().startsWith("java.") || type.getName().startsWith("skep.bindings.java.");
        return isPublic && isReachable ? type.getCanonicalName() : "Object";
    }

    /** Completions at a cursor: the words, and where what they replace starts. */
    public Completions complete(String text, int cursor) {
        var anchor = new int[] {cursor};
        var words = shell.sourceCodeAnalysis().completionSuggestions(text, cursor, anchor).stream()
                .map(SourceCodeAnalysis.Suggestion::continuation)
                .distinct()
                .toList();
        return new Completions(words, anchor[0]);
    }

    /** What may follow. */
    public record Completions(List<String> words, int start) {}

    /** Signatures and documentation at a cursor. */
    public List<String> document(String text, int cursor, boolean withJavadoc) {
        return shell.sourceCodeAnalysis().documentation(text, cursor, withJavadoc).stream()
                .map(found -> found.signature() + (found.javadoc() == null ? "" : "\n\n" + found.javadoc()))
                .toList();
    }

    /** Whether a text can be run, needs more, or is wrong. */
    public SourceCodeAnalysis.Completeness completeness(String text) {
        var analysis = shell.sourceCodeAnalysis();
        var info = analysis.analyzeCompletion(text);
        while (info.completeness().isComplete() && !info.remaining().isBlank()) {
            info = analysis.analyzeCompletion(info.remaining());
        }
        return info.completeness();
    }

    /** Stops what runs: its thread is interrupted, which a trace takes as Ctrl-C. From another thread. */
    public void stop() {
        shell.stop();
    }

    @Override
    public void close() {
        shell.close();
    }
}
