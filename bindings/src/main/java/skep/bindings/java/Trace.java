package skep.bindings.java;

import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.Objects;
import java.util.Optional;
import java.util.Spliterators;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.jspecify.annotations.Nullable;
import skep.session.Session;
import skep.session.SessionOptions;
import skep.session.view.TextRenderer;
import skep.session.view.View;
import skep.target.Target;

/**
 * One run of a script. {@link #run()} runs it in the caller's thread, {@link #start()} in the background. While it runs
 * {@link #map} reads the maps as they are; afterwards, as they were at the end. Closing stops it and frees all.
 *
 * {@snippet :
 * try (var trace = skep.script("tracepoint:sched:sched_switch { @[cpu] = count(); }").start()) {
 *     Thread.sleep(1000);
 *     System.out.println(trace.map("@"));
 *     trace.stop().await();
 * }
 * }
 */
public final class Trace implements AutoCloseable {
    /** Events that wait for a reader unless the script says otherwise. */
    public static final int DEFAULT_QUEUE_EVENTS = 65_536;

    private static final int NOT_STARTED = 0;
    private static final int RUNNING = 1;
    private static final int ENDED = 2;

    private final Target target;
    private final String name;
    private final String text;
    private SessionOptions options;
    private final EventQueue events;
    private final TextRenderer renderer = new TextRenderer();
    private final List<Consumer<Event>> listeners = new CopyOnWriteArrayList<>();
    private final Map<String, View.MapView> lastMaps = new LinkedHashMap<>();
    private final StringBuilder output = new StringBuilder();
    private final CompletableFuture<Integer> end = new CompletableFuture<>();
    private @Nullable Session session;
    private int state = NOT_STARTED;
    private boolean ending;
    private long lost;

    Trace(Target target, String name, String text, SessionOptions options, Loss loss, int queueEvents) {
        this.target = target;
        this.name = name;
        this.text = text;
        this.options = options;
        this.events = new EventQueue(loss, queueEvents);
        // What is wrong with a script is said when it is made, not when it runs. A command starts with the run.
        this.session = options.command().isEmpty() ? prepare() : null;
    }

    private Session prepare() {
        return Session.prepare(target, name, text, options, this::accept);
    }

    /** Runs for a time, in the caller's thread. */
    public Trace run(Duration time) {
        synchronized (this) {
            if (state != NOT_STARTED) {
                throw new IllegalStateException("a trace runs once; prepare another");
            }
            options = options.withDuration(time);
            if (session != null) {
                session.close();
            }
            session = null;
        }
        return run();
    }

    /** Runs to its end, in the caller's thread; an interrupt of the thread stops it. */
    public Trace run() {
        Session own;
        synchronized (this) {
            if (state != NOT_STARTED) {
                throw new IllegalStateException("a trace runs once; prepare another");
            }
            if (session == null) {
                session = prepare();
            }
            own = session;
            state = RUNNING;
        }
        try {
            int status = own.run();
            end(() -> end.complete(status));
        } catch (RuntimeException | Error e) {
            end(() -> end.completeExceptionally(e));
            throw e;
        } finally {
            own.close();
        }
        return this;
    }

    private void end(Runnable completion) {
        synchronized (this) {
            state = ENDED;
        }
        events.end();
        completion.run();
    }

    /** Runs in the background; {@link #await} waits for the end. */
    public Trace start() {
        Thread.ofPlatform().daemon().name("skep-trace-" + name).start(() -> {
            try {
                run();
            } catch (RuntimeException | Error e) {
                // Whoever awaits the end is told.
                assert end.isCompletedExceptionally();
            }
        });
        return this;
    }

    /** Asks the run to end: probes are detached, {@code end} probes run, maps are read a last time. Returns at once. */
    public Trace stop() {
        Session running;
        synchronized (this) {
            running = session;
        }
        if (running != null) {
            running.stop();
        }
        return this;
    }

    /**
     * Waits for the end.
     *
     * @return the status that the script asked for with {@code exit(N)}, or 0
     * @throws skep.session.ScriptException if the target refused a program or probe
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

    // --- results ------------------------------------------------------------------------------------------------

    /**
     * A map by its name, with or without {@code @}.
     *
     * @throws NoSuchElementException if the script has no such map; the message names those that it has
     */
    public TraceMap map(String map) {
        var wanted = map.startsWith("@") ? map : "@" + map;
        var all = views();
        var found = all.get(wanted);
        if (found == null) {
            throw new NoSuchElementException("no map " + wanted
                    + (all.isEmpty() ? " has been read yet" : "; there are " + String.join(", ", all.keySet())));
        }
        return new TraceMap(found);
    }

    /** All maps, by name. */
    public Map<String, TraceMap> maps() {
        var maps = new LinkedHashMap<String, TraceMap>();
        views().forEach((key, view) -> maps.put(key, new TraceMap(view)));
        return maps;
    }

    /** The views behind {@link #maps}, for whoever draws them. */
    public Map<String, View.MapView> views() {
        Session running;
        synchronized (this) {
            running = state == RUNNING && !ending ? session : null;
        }
        var live = running == null ? List.<View.MapView>of() : running.maps();
        synchronized (this) {
            if (!ending) {
                live.forEach(view -> lastMaps.put(view.name(), view));
            }
            return new LinkedHashMap<>(lastMaps);
        }
    }

    /**
     * The histogram of a map without keys.
     *
     * @throws IllegalStateException if the map holds something else
     */
    public Histogram histogram(String map) {
        var entries = map(map).entries();
        if (entries.size() != 1) {
            throw new IllegalStateException(
                    map + " holds " + entries.size() + " entries; take map(\"" + map + "\") and choose one");
        }
        return entries.getFirst().asHistogram();
    }

    /** The number in a map without keys; 0 if nothing was counted. */
    public long number(String map) {
        var entries = map(map).entries();
        return entries.isEmpty() ? 0 : entries.getFirst().asLong();
    }

    /** All text that the script has printed so far, up to the first million characters. */
    public String output() {
        synchronized (output) {
            return output.toString();
        }
    }

    // --- events -------------------------------------------------------------------------------------------------

    /** Calls back for each event, on the thread that runs the trace: a slow listener slows it down. */
    public Trace on(Consumer<Event> listener) {
        listeners.add(listener);
        return this;
    }

    /** Calls back for each event of a kind, {@code printf} for example. */
    public Trace on(String kind, Consumer<Event> listener) {
        return on(event -> {
            if (event.kind().equals(kind)) {
                listener.accept(event);
            }
        });
    }

    /**
     * The events as they come, from the first that still waits to the last of the run; blocks for the next. Close the stream
     * if you leave before its end: then the trace waits for nobody.
     */
    public Stream<Event> events() {
        events.setRead(true);
        var iterator = new java.util.Iterator<Event>() {
            private Optional<Event> next = Optional.empty();

            @Override
            public boolean hasNext() {
                if (next.isEmpty()) {
                    try {
                        next = events.take();
                    } catch (InterruptedException e) {
                        Thread.currentThread().interrupt();
                    }
                }
                return next.isPresent();
            }

            @Override
            public Event next() {
                if (!hasNext()) {
                    throw new NoSuchElementException();
                }
                var event = next.orElseThrow();
                next = Optional.empty();
                return event;
            }
        };
        return StreamSupport.stream(Spliterators.spliteratorUnknownSize(iterator, 0), false)
                .onClose(() -> events.setRead(false));
    }

    /** Events that were dropped on the way to the reader, by the policy chosen. */
    public long dropped() {
        return events.dropped();
    }

    /** Records that the kernel could not write because its ring buffer was full. */
    public synchronized long lost() {
        return lost;
    }

    private static final int MAX_OUTPUT_CHARS = 1_000_000;

    private void accept(View view) {
        switch (view) {
            case View.Ending _ -> {
                synchronized (this) {
                    ending = true;
                    lastMaps.clear();
                }
            }
            case View.LostEvents l -> {
                synchronized (this) {
                    lost += l.count();
                }
            }
            case View.MapView map -> {
                synchronized (this) {
                    lastMaps.put(map.name(), map);
                    if (ending) {
                        return;
                    }
                }
                emit("map", view, Optional.of(new TraceMap(map)));
            }
            case View.Printed printed -> emit("print", view, Optional.of(Values.toJava(printed.value())));
            case View.Text t -> emit(t.kind().name().toLowerCase(java.util.Locale.ROOT), view, Optional.empty());
            case View.Located _, View.RuntimeError _, View.HelperError _ -> emit("error", view, Optional.empty());
            case View.Attached _ -> emit("attached", view, Optional.empty());
            default -> emit("note", view, Optional.empty());
        }
    }

    private void emit(String kind, View view, Optional<Object> value) {
        var shown = renderer.render(view);
        if (!view.isMessage()) {
            synchronized (output) {
                if (output.length() < MAX_OUTPUT_CHARS) {
                    output.append(shown);
                }
            }
        }
        var event = new Event(kind, shown, value);
        listeners.forEach(listener -> listener.accept(event));
        events.put(event);
    }

    /** Names of all maps seen so far. */
    public List<String> mapNames() {
        return new ArrayList<>(views().keySet());
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
            running = state == RUNNING;
            own = session;
        }
        if (running) {
            stop();
            end.exceptionally(_ -> 0).join();
        } else if (own != null && state == NOT_STARTED) {
            own.close();
            end(() -> end.complete(0));
        }
        Objects.requireNonNull(events).end();
    }
}
