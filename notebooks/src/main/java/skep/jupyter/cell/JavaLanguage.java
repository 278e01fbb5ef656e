package skep.jupyter.cell;

import java.util.ArrayList;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import skep.bindings.java.Shell;
import skep.bindings.java.Snippets;
import skep.jupyter.protocol.CellOutput;
import skep.jupyter.protocol.Kernel;
import skep.jupyter.protocol.MimeBundle;

/** {@code %%java}: snippets as in JShell, with Skep imported; the last expression is the cell's value. */
public final class JavaLanguage implements CellLanguage {
    private @Nullable Workspace workspace;
    private @Nullable Snippets snippets;
    private volatile @Nullable CellOutput output;

    @Override
    public String name() {
        return "java";
    }

    @Override
    public String title() {
        return "Java snippets; trace(\"…\", seconds), start(\"…\"), skep() are imported";
    }

    @Override
    public void open(Workspace shared) {
        workspace = shared;
    }

    /** The shell takes half a second to start: at the first cell that wants it. */
    private synchronized Snippets snippets() {
        if (snippets == null) {
            snippets = new Snippets(text -> print(text, false), text -> print(text, true));
        }
        return snippets;
    }

    private void print(String text, boolean error) {
        var cell = output;
        if (cell != null && error) {
            cell.stderr(text);
        } else if (cell != null) {
            cell.stdout(text);
        }
    }

    @Override
    public Kernel.Outcome run(Cell cell, CellOutput cellOutput) {
        output = cellOutput;
        if (workspace != null) {
            Shell.setTarget(workspace.spec());
        }
        return switch (snippets().run(cell.body())) {
            case Snippets.Result.Value(var value) -> {
                value.ifPresent(object -> Results.show(object, cellOutput));
                yield Kernel.Outcome.Done.PLAIN;
            }
            case Snippets.Result.Failed failed -> {
                var lines = new ArrayList<String>();
                failed.lines().forEach(line -> lines.add(Errors.colour(line)));
                yield new Kernel.Outcome.Failed(failed.kind(), failed.message(), lines);
            }
        };
    }

    @Override
    public Kernel.Completions complete(String body, int cursor) {
        var found = snippets().complete(body, cursor);
        return new Kernel.Completions(found.words(), found.start(), cursor);
    }

    @Override
    public Optional<MimeBundle> inspect(String body, int cursor, int detail) {
        var found = snippets().document(body, cursor, detail > 0);
        return found.isEmpty() ? Optional.empty() : Optional.of(MimeBundle.plain(String.join("\n\n", found)));
    }

    @Override
    public Kernel.Completeness isComplete(String body) {
        return switch (snippets().completeness(body)) {
            case COMPLETE, CONSIDERED_INCOMPLETE, COMPLETE_WITH_SEMI, EMPTY -> new Kernel.Completeness.Complete();
            case DEFINITELY_INCOMPLETE -> new Kernel.Completeness.Incomplete("    ");
            case UNKNOWN -> new Kernel.Completeness.Invalid();
        };
    }

    @Override
    public void interrupt() {
        Snippets running;
        synchronized (this) {
            running = snippets;
        }
        if (running != null) {
            running.stop();
        }
    }

    @Override
    public synchronized void close() {
        if (snippets != null) {
            snippets.close();
        }
    }
}
