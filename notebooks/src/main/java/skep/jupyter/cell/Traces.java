package skep.jupyter.cell;

import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import skep.jupyter.protocol.CellOutput;
import skep.session.RunningScript;
import skep.session.ScriptException;
import skep.session.Targets;
import skep.session.ViewSink;
import skep.target.TargetException;

/**
 * The traces of a notebook, whichever language started them: each draws itself in the cell that started it, also after the end
 * of that cell, and all end with the kernel.
 */
final class Traces implements AutoCloseable {
    private final Workspace workspace;
    private final Set<RunningScript> running = new LinkedHashSet<>();
    private volatile @Nullable CellOutput output;

    Traces(Workspace workspace) {
        this.workspace = workspace;
        RunningScript.setAudience(this::seat);
    }

    /** The cell that runs now: what it starts is drawn there. */
    void setOutput(@Nullable CellOutput cell) {
        output = cell;
    }

    private Optional<ViewSink> seat(RunningScript script) {
        var cell = output;
        synchronized (running) {
            running.add(script);
        }
        var screen = cell == null
                ? Optional.<TraceScreen>empty()
                : Optional.of(new TraceScreen(
                        cell,
                        Targets.describe(script.target()),
                        script.target().isLive(),
                        script.duration(),
                        script::views));
        script.whenEnded(() -> {
            synchronized (running) {
                running.remove(script);
            }
            var truth = script.target().groundTruth();
            if (!truth.isEmpty()) {
                workspace.setGroundTruth(truth);
            }
            screen.ifPresent(shown -> shown.end(ending(script)));
        });
        return screen.map(ViewSink.class::cast);
    }

    private static String ending(RunningScript script) {
        try {
            script.await();
            return script.wasStopped() ? "stopped" : "done";
        } catch (ScriptException | TargetException failure) {
            var message = String.valueOf(failure.getMessage());
            return "failed: " + message.lines().findFirst().orElse("");
        }
    }

    /** Those that run. */
    List<RunningScript> running() {
        synchronized (running) {
            return List.copyOf(running);
        }
    }

    @Override
    public void close() {
        RunningScript.setAudience(_ -> Optional.empty());
        running().forEach(RunningScript::close);
    }
}
