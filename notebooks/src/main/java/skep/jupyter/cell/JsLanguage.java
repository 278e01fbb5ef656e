package skep.jupyter.cell;

import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.regex.Pattern;
import org.graalvm.polyglot.PolyglotException;
import org.graalvm.polyglot.Value;
import org.jspecify.annotations.Nullable;
import skep.bindings.js.JsCommand;
import skep.bindings.js.JsHost;
import skep.jupyter.protocol.CellOutput;
import skep.jupyter.protocol.Kernel;
import skep.jupyter.protocol.MimeBundle;

/** {@code %%js}: JavaScript; what the module {@code skep} exports is there, and {@code shared} holds the session's variables. */
public final class JsLanguage implements CellLanguage {
    private static final Pattern WORD = Pattern.compile("[A-Za-z_$][\\w$]*$");

    private @Nullable Workspace workspace;
    private @Nullable JsHost host;
    private volatile @Nullable CellOutput output;
    private volatile @Nullable Thread running;

    @Override
    public String name() {
        return "js";
    }

    @Override
    public String title() {
        return "JavaScript; trace(\"…\", {duration: 3}), start(\"…\"), shared.NAME";
    }

    @Override
    public void open(Workspace shared) {
        workspace = shared;
    }

    /** Its engine takes a second to start: at the first cell that wants it. */
    private JsHost host() {
        if (host == null) {
            var spec = workspace == null ? Workspace.DEFAULT_TARGET : workspace.spec();
            host = new JsHost(spec, List.of(), false, stream(false), stream(true));
            host.importAll();
        }
        return host;
    }

    private OutputStream stream(boolean error) {
        Consumer<String> sink = text -> {
            var cell = output;
            if (cell != null && error) {
                cell.stderr(text);
            } else if (cell != null) {
                cell.stdout(text);
            }
        };
        return new OutputStream() {
            @Override
            public void write(int b) {
                sink.accept(String.valueOf((char) b));
            }

            @Override
            public void write(byte[] bytes, int offset, int length) {
                sink.accept(new String(bytes, offset, length, StandardCharsets.UTF_8));
            }
        };
    }

    @Override
    public Kernel.Outcome run(Cell cell, CellOutput cellOutput) {
        output = cellOutput;
        running = Thread.currentThread();
        try {
            var context = host();
            if (workspace != null) {
                context.setTarget(workspace.spec());
            }
            show(context.eval("cell", cell.body()), cellOutput);
            return Kernel.Outcome.Done.PLAIN;
        } catch (PolyglotException e) {
            var lines = new ArrayList<String>();
            JsCommand.lines(e).forEach(line -> lines.add(Errors.colour(line)));
            return new Kernel.Outcome.Failed("JavaScriptError", String.valueOf(e.getMessage()), lines);
        } finally {
            running = null;
            // An interrupt that came too late must not hit the next cell.
            Thread.interrupted();
        }
    }

    private static void show(Value value, CellOutput output) {
        if (!value.isNull()) {
            Results.show(
                    value.isHostObject()
                            ? value.asHostObject()
                            : value.isString() ? value.asString() : value.toString(),
                    output);
        }
    }

    // The context belongs to the thread of the cells: while one runs nobody else may look into it.
    @Override
    public Kernel.Completions complete(String body, int cursor) {
        var match = WORD.matcher(body.substring(0, cursor));
        if (running != null || !match.find()) {
            return new Kernel.Completions(List.of(), cursor, cursor);
        }
        var word = match.group();
        var words = host().globals().getMemberKeys().stream()
                .filter(name -> name.startsWith(word))
                .sorted()
                .toList();
        return new Kernel.Completions(words, match.start(), cursor);
    }

    @Override
    public Optional<MimeBundle> inspect(String body, int cursor, int detail) {
        return Optional.empty();
    }

    @Override
    public Kernel.Completeness isComplete(String body) {
        return new Kernel.Completeness.Complete();
    }

    @Override
    public void interrupt() {
        var thread = running;
        var context = host;
        if (thread != null && context != null) {
            context.stop(thread);
        }
    }

    @Override
    public void close() {
        if (host != null) {
            host.close();
        }
    }
}
