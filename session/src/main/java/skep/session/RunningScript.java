package skep.session;

import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import skep.session.view.TextRenderer;
import skep.session.view.View;
import skep.target.Target;

/**
 * A {@link Session} as programs want it: it runs in the caller's thread or in one of its own, its events wait in a queue, its
 * maps can be read while it runs and as they were at its end. Runs once; closing stops it and frees all. Thread-safe.
 */
public final class RunningScript implements AutoCloseable {
    /** Events that wait for a reader unless the caller says otherwise. */
    public static final int DEFAULT_QUEUE_EVENTS = 65_536;

    private static final int MAX_OUTPUT_CHARS = 1_000_000;

    private enum State {
        NEW,
        RUNNING,
        ENDED
    }

    /** Shows scripts while they run; see {@link #setAudience}. */
    private static volatile Function<RunningScript, Optional<ViewSink>> audience = _ -> Optional.empty();

    private final Target target;
    private final String name;
    private final String text;
    private final EventQueue events;
    private final TextRenderer renderer = new TextRenderer();
    private final List<Consumer<ScriptEvent>> listeners = new CopyOnWriteArrayList<>();
    private final Map<String, View.MapView> lastMaps = new LinkedHashMap<>();
    private final StringBuilder output = new StringBuilder();
    private final CompletableFuture<Integer> end = new CompletableFuture<>();
    private SessionOptions options;
    private @Nullable Session session;
    private Optional<ViewSink> onlooker = Optional.empty();
    private boolean quiet;
    private State state = State.NEW;
    private boolean stopped;
    private boolean ending;
    private long lost;

    /**
     * Compiles.
     *
     * @param target where it runs; the caller closes it after this
     * @param queueEvents how many events wait for a reader at most
     * @throws ScriptException with all diagnostics if the script does not compile
     */
    public RunningScript(
            Target target, String name, String text, SessionOptions options, Overflow overflow, int queueEvents) {
        this.target = target;
        this.name = name;
        this.text = text;
        this.options = options;
        this.events = new EventQueue(overflow, queueEvents);
        // What is wrong with a script is said when it is made, not when it runs. A command starts with the run.
        this.session = options.command().isEmpty() ? prepare() : null;
    }

    private Session prepare() {
        return Session.prepare(target, name, text, options, new ViewSink() {
            @Override
            public void accept(View view) {
                RunningScript.this.accept(view);
            }

            @Override
            public void batchEnds() {
                onlooker().ifPresent(ViewSink::batchEnds);
            }

            @Override
            public boolean keepsMaps() {
                return true;
            }

            @Override
            public boolean drawsPictures() {
                return onlooker().map(ViewSink::drawsPictures).orElse(false);
            }
        });
    }

    public String name() {
        return name;
    }

    /**
     * Who watches the scripts of this process: asked once for each when it begins, on the thread that begins it. A notebook
     * draws what it is told there; elsewhere nobody looks.
     */
    public static void setAudience(Function<RunningScript, Optional<ViewSink>> newAudience) {
        audience = newAudience;
    }

    /** Shows it to this one instead of an audience; before it begins. */
    public synchronized void watch(ViewSink sink) {
        quiet = true;
        onlooker = Optional.of(sink);
    }

    /** Begins without an audience. */
    public synchronized void setQuiet(boolean isQuiet) {
        quiet = isQuiet;
    }

    private void seatAudience() {
        synchronized (this) {
            if (quiet) {
                return;
            }
        }
        var found = audience.apply(this);
        synchronized (this) {
            onlooker = found;
        }
    }

    private synchronized Optional<ViewSink> onlooker() {
        return onlooker;
    }

    /** What it traces. */
    public Target target() {
        return target;
    }

    /** How long it runs at most. */
    public synchronized Optional<Duration> duration() {
        return options.duration();
    }

    /** Calls back when it has ended, well or not, before whoever awaits that; at once if it has. */
    public void whenEnded(Runnable action) {
        end.whenComplete((_, _) -> action.run());
    }

    public String text() {
        return text;
    }

    /**
     * Loads the programs now, so that what the verifier refuses is said before the run.
     *
     * @throws ScriptException if the target refuses a program
     */
    public void load() {
        Session own;
        synchronized (this) {
            own = state == State.NEW ? session : null;
        }
        if (own != null) {
            own.load();
        }
    }

    /** What the compiler warned of, each as it is printed. */
    public synchronized List<String> warnings() {
        return session == null ? List.of() : session.warnings();
    }

    /** Bounds the run to a time of the target; before it begins. */
    public synchronized void setDuration(Duration time) {
        requireNew();
        options = options.withDuration(time);
        if (session != null) {
            session.setDuration(time);
        }
    }

    private void requireNew() {
        if (state != State.NEW) {
            throw new IllegalStateException("a trace runs once; prepare another");
        }
    }

    /** Runs to its end, in the caller's thread; an interrupt of the thread stops it. */
    public void run() {
        claim();
        seatAudience();
        runClaimed();
    }

    private synchronized void claim() {
        requireNew();
        state = State.RUNNING;
    }

    private void runClaimed() {
        Session own;
        try {
            own = claimed();
        } catch (RuntimeException | Error e) {
            end(() -> end.completeExceptionally(e));
            throw e;
        }
        int status;
        try (own) {
            status = own.run();
        } catch (RuntimeException | Error e) {
            end(() -> end.completeExceptionally(e));
            throw e;
        }
        // Whoever is told of the end may close the target: all of ours on it is closed by now.
        end(() -> end.complete(status));
    }

    private synchronized Session claimed() {
        var own = session == null ? prepare() : session;
        session = own;
        if (stopped) {
            own.stop();
        }
        return own;
    }

    private void end(Runnable completion) {
        synchronized (this) {
            state = State.ENDED;
        }
        // The end is known before the queue ends: whoever reads to the end finds the outcome.
        completion.run();
        events.end();
    }

    /** Runs in the background; {@link #await} waits for the end. */
    public void start() {
        claim();
        seatAudience();
        Thread.ofPlatform().daemon().name("skep-trace-" + name).start(() -> {
            try {
                runClaimed();
            } catch (RuntimeException | Error e) {
                // Whoever awaits the end is told.
                assert end.isCompletedExceptionally();
            }
        });
    }

    /** Asks the run to end: probes are detached, {@code end} probes run, maps are read a last time. Returns at once. */
    public void stop() {
        Session running;
        synchronized (this) {
            stopped = true;
            running = session;
        }
        if (running != null) {
            running.stop();
        }
    }

    /**
     * Waits for the end.
     *
     * @return the status that the script asked for with {@code exit(N)}, or 0
     * @throws ScriptException if the target refused a program or probe
     */
    public int await() {
        try {
            return end.join();
        } catch (CompletionException e) {
            if (e.getCause() instanceof RuntimeException cause) {
                throw cause;
            }
            throw e;
        }
    }

    /** Whether it has ended, well or not. */
    public boolean ended() {
        return end.isDone();
    }

    /** Whether it was asked to end before its time. */
    public synchronized boolean wasStopped() {
        return stopped;
    }

    /** Whether it has begun to run. */
    public synchronized boolean started() {
        return state != State.NEW;
    }

    /** All maps by name: as they are now while it runs, afterwards as they were at the end. */
    public Map<String, View.MapView> views() {
        Session running;
        synchronized (this) {
            running = state == State.RUNNING && !ending ? session : null;
        }
        var live = running == null ? List.<View.MapView>of() : running.maps();
        synchronized (this) {
            if (!ending) {
                live.forEach(view -> lastMaps.put(view.name(), view));
            }
            return new LinkedHashMap<>(lastMaps);
        }
    }

    /** All text that the script has printed so far, up to the first million characters. */
    public String output() {
        synchronized (output) {
            return output.toString();
        }
    }

    /** Calls back for each event, on the thread that runs the script: a slow listener slows it down. */
    public void listen(Consumer<ScriptEvent> listener) {
        listeners.add(listener);
    }

    public EventQueue events() {
        return events;
    }

    /** Events that were dropped on the way to the reader, by the policy chosen. */
    public long dropped() {
        return events.dropped();
    }

    /** Records that the kernel could not write because its ring buffer was full. */
    public synchronized long lost() {
        return lost;
    }

    private void accept(View view) {
        onlooker().ifPresent(sink -> sink.accept(view));
        switch (view) {
            case View.Ending last -> {
                synchronized (this) {
                    ending = true;
                    lastMaps.clear();
                    last.maps().forEach(map -> lastMaps.put(map.name(), map));
                }
            }
            case View.LostEvents l -> {
                synchronized (this) {
                    lost += l.count();
                }
            }
            case View.MapView map -> {
                synchronized (this) {
                    if (ending) {
                        return;
                    }
                    lastMaps.put(map.name(), map);
                }
                emit("map", view);
            }
            case View.Printed _ -> emit("print", view);
            case View.Text t -> emit(t.kind().name().toLowerCase(Locale.ROOT), view);
            case View.Located _, View.RuntimeError _, View.HelperError _ -> emit("error", view);
            case View.Attached _ -> emit("attached", view);
            default -> emit("note", view);
        }
    }

    private void emit(String kind, View view) {
        var shown = renderer.render(view);
        if (!view.isMessage()) {
            synchronized (output) {
                if (output.length() < MAX_OUTPUT_CHARS) {
                    output.append(shown);
                }
            }
        }
        var event = new ScriptEvent(kind, shown, view);
        listeners.forEach(listener -> listener.accept(event));
        events.put(event);
    }

    @Override
    public String toString() {
        return "trace of " + name + (ended() ? ", ended" : "");
    }

    @Override
    public void close() {
        events.setRead(false);
        boolean running;
        Session own;
        synchronized (this) {
            running = state == State.RUNNING;
            own = session;
        }
        if (running) {
            stop();
            end.exceptionally(_ -> 0).join();
        } else if (own != null && !ended()) {
            own.close();
            end(() -> end.complete(0));
        }
        events.end();
    }
}
