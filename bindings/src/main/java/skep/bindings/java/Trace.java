package skep.bindings.java;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.Optional;
import java.util.Spliterators;
import java.util.function.Consumer;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import skep.session.Overflow;
import skep.session.RunningScript;
import skep.session.ScriptEvent;
import skep.session.SessionOptions;
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
    public static final int DEFAULT_QUEUE_EVENTS = RunningScript.DEFAULT_QUEUE_EVENTS;

    private static final int EVENTS_AT_ONCE = 256;

    private final RunningScript script;

    Trace(Target target, String name, String text, SessionOptions options, Loss loss, int queueEvents) {
        this(new RunningScript(target, name, text, options, Overflow.valueOf(loss.name()), queueEvents));
    }

    private Trace(RunningScript script) {
        this.script = script;
    }

    /** The Java face of a script that another language of the session started. */
    public static Trace of(RunningScript script) {
        return new Trace(script);
    }

    /** What runs behind it. */
    public RunningScript script() {
        return script;
    }

    /** Runs for a time, in the caller's thread. */
    public Trace run(Duration time) {
        script.setDuration(time);
        return run();
    }

    /** Runs to its end, in the caller's thread; an interrupt of the thread stops it. */
    public Trace run() {
        script.run();
        return this;
    }

    /** Runs in the background; {@link #await} waits for the end. */
    public Trace start() {
        script.start();
        return this;
    }

    /** Asks the run to end: probes are detached, {@code end} probes run, maps are read a last time. Returns at once. */
    public Trace stop() {
        script.stop();
        return this;
    }

    /**
     * Waits for the end.
     *
     * @return the status that the script asked for with {@code exit(N)}, or 0
     * @throws skep.session.ScriptException if the target refused a program or probe
     */
    public int await() {
        return script.await();
    }

    /** Whether it has ended, well or not. */
    public boolean ended() {
        return script.ended();
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
        return script.views();
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
        return script.output();
    }

    // --- events -------------------------------------------------------------------------------------------------

    /** Calls back for each event, on the thread that runs the trace: a slow listener slows it down. */
    public Trace on(Consumer<Event> listener) {
        script.listen(event -> listener.accept(event(event)));
        return this;
    }

    /** Calls back for each event of a kind, {@code printf} for example; {@code event} means all. */
    public Trace on(String kind, Consumer<Event> listener) {
        return on(event -> {
            if (kind.equals("event") || event.kind().equals(kind)) {
                listener.accept(event);
            }
        });
    }

    private static Event event(ScriptEvent event) {
        Optional<Object> value = switch (event.view()) {
            case View.Printed printed -> Optional.of(Values.toJava(printed.value()));
            case View.MapView map -> Optional.of(new TraceMap(map));
            default -> Optional.empty();
        };
        return new Event(event.kind(), event.text(), value);
    }

    /**
     * The events as they come, from the first that still waits to the last of the run; blocks for the next. Close the stream
     * if you leave before its end: then the trace waits for nobody.
     */
    public Stream<Event> events() {
        script.events().setRead(true);
        var iterator = new EventIterator();
        return StreamSupport.stream(Spliterators.spliteratorUnknownSize(iterator, 0), false)
                .onClose(() -> script.events().setRead(false));
    }

    private final class EventIterator implements Iterator<Event> {
        private final Deque<ScriptEvent> taken = new ArrayDeque<>();

        @Override
        public boolean hasNext() {
            try {
                while (taken.isEmpty() && !script.events().isAtEnd()) {
                    taken.addAll(script.events().take(EVENTS_AT_ONCE, -1));
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
            return !taken.isEmpty();
        }

        @Override
        public Event next() {
            if (!hasNext()) {
                throw new NoSuchElementException();
            }
            return event(taken.removeFirst());
        }
    }

    /** Events that were dropped on the way to the reader, by the policy chosen. */
    public long dropped() {
        return script.dropped();
    }

    /** Records that the kernel could not write because its ring buffer was full. */
    public long lost() {
        return script.lost();
    }

    /** Names of all maps seen so far. */
    public List<String> mapNames() {
        return new ArrayList<>(views().keySet());
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Trace trace && trace.script == script;
    }

    @Override
    public int hashCode() {
        return System.identityHashCode(script);
    }

    @Override
    public String toString() {
        return script.toString();
    }

    @Override
    public void close() {
        script.close();
    }
}
