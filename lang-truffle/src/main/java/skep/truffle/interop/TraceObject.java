package skep.truffle.interop;

import com.oracle.truffle.api.CompilerDirectives.TruffleBoundary;
import com.oracle.truffle.api.exception.AbstractTruffleException;
import com.oracle.truffle.api.interop.InteropException;
import com.oracle.truffle.api.interop.InteropLibrary;
import com.oracle.truffle.api.library.ExportLibrary;
import com.oracle.truffle.api.library.ExportMessage;
import com.oracle.truffle.api.source.Source;
import com.oracle.truffle.api.source.SourceSection;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.Optional;
import skep.session.RunningScript;
import skep.session.ScriptEvent;
import skep.session.ScriptException;
import skep.session.view.View;

/**
 * One run of a script, what evaluating it returns. It runs on a thread of its own; callbacks run on the thread that evaluates,
 * while it is in {@code run}, {@code wait}, {@code poll} or goes through the events.
 */
@ExportLibrary(InteropLibrary.class)
public final class TraceObject extends GuestObject implements AutoCloseable {
    private static final Members<TraceObject> MEMBERS = new Members<TraceObject>()
            .property("name", trace -> trace.script.name())
            .property("source", trace -> trace.script.text())
            .property("ended", trace -> trace.script.ended())
            .property("started", trace -> trace.script.started())
            .property("status", TraceObject::status)
            .property("output", trace -> trace.script.output())
            .property("lost", trace -> trace.script.lost())
            .property("dropped", trace -> trace.script.dropped())
            .property("warnings", trace -> new ArrayObject(trace.script.warnings()))
            .property(
                    "mapNames",
                    trace -> new ArrayObject(List.copyOf(trace.script.views().keySet())))
            .property("maps", TraceObject::maps)
            .method("run", 0, 1, TraceObject::run)
            .method("start", 0, 0, (trace, _) -> trace.start())
            .method("stop", 0, 0, (trace, _) -> trace.stop())
            .method("wait", 0, 0, (trace, _) -> trace.await())
            .method("poll", 0, 1, TraceObject::poll)
            .method("on", 2, 2, TraceObject::on)
            .method("map", 1, 1, (trace, a) -> trace.map(Guest.string(a[0])))
            .method("value", 1, 1, (trace, a) -> trace.value(Guest.string(a[0])))
            .method("histogram", 1, 1, (trace, a) -> trace.histogram(Guest.string(a[0])))
            .method("close", 0, 0, (trace, _) -> trace.closed())
            .method("toString", 0, 0, (trace, _) -> trace.text())
            .method("handle", 0, 0, (trace, _) -> Handover.give(trace.script));

    private static final String ANY_EVENT = "event";

    private final RunningScript script;
    private final Source source;
    private final Runnable whenClosed;
    private final List<Listener> listeners = new ArrayList<>();

    private record Listener(String kind, Object function) {}

    /**
     * @param source of the script
     * @param whenClosed frees what the script runs on
     */
    public TraceObject(RunningScript script, Source source, Runnable whenClosed) {
        this.script = script;
        this.source = source;
        this.whenClosed = whenClosed;
    }

    @Override
    Members<?> table() {
        return MEMBERS;
    }

    @Override
    String kind() {
        return "Trace";
    }

    @Override
    String text() {
        return script.toString();
    }

    /** Maps by their names, {@code @} included. */
    @Override
    List<String> ownNames() {
        return List.copyOf(script.views().keySet());
    }

    @Override
    Optional<Object> own(String name) {
        return name.startsWith("@")
                ? Optional.ofNullable(script.views().get(name)).map(MapObject::new)
                : Optional.empty();
    }

    // --- running ---

    private Object run(Object[] arguments) {
        if (arguments.length == 1 && !Guest.isNull(arguments[0])) {
            double seconds = Guest.number(arguments[0]);
            if (!(seconds > 0)) {
                throw new IllegalArgumentException("a trace of " + seconds + " seconds");
            }
            script.setDuration(Duration.ofNanos((long) (seconds * 1e9)));
        }
        return runToEnd();
    }

    Object runToEnd() {
        start();
        return await();
    }

    Object start() {
        if (script.started()) {
            throw new IllegalStateException("a trace runs once; evaluate the script again");
        }
        script.events().setRead(!listeners.isEmpty());
        script.start();
        return this;
    }

    private Object stop() {
        script.stop();
        return this;
    }

    /** Waits for the end, calling back meanwhile. Whoever is thrown out of it stops the script. */
    private Object await() {
        if (!script.started()) {
            start();
        }
        try {
            // Without listeners the events stay for whoever goes through them later.
            if (listeners.isEmpty()) {
                Waiting.end(script);
            }
            while (!listeners.isEmpty() && !script.events().isAtEnd()) {
                deliver(Waiting.events(script, -1));
            }
        } catch (Throwable thrownOut) {
            script.close();
            throw thrownOut;
        }
        check();
        return this;
    }

    private Object poll(Object[] arguments) {
        long millis = arguments.length == 0 ? 0 : (long) Guest.number(arguments[0]);
        if (!script.started()) {
            start();
        }
        var events = Waiting.events(script, Math.max(0, millis));
        deliver(events);
        if (events.isEmpty() && script.events().isAtEnd()) {
            check();
        }
        return events.size();
    }

    private void deliver(List<ScriptEvent> events) {
        if (listeners.isEmpty()) {
            return;
        }
        var interop = InteropLibrary.getUncached();
        for (var event : events) {
            Object shown = null;
            for (var listener : listeners) {
                if (listener.kind.equals(ANY_EVENT) || listener.kind.equals(event.kind())) {
                    shown = shown == null ? new EventObject(event) : shown;
                    try {
                        interop.execute(listener.function, shown);
                    } catch (InteropException e) {
                        throw GuestException.plain("a callback for " + listener.kind
                                + " cannot be called with an event: " + e.getMessage());
                    }
                }
            }
        }
    }

    private Object on(Object[] arguments) {
        listeners.add(new Listener(Guest.string(arguments[0]), Guest.function(arguments[1])));
        script.events().setRead(true);
        return this;
    }

    /** What the target refused is said to whoever asks for results. */
    private void check() {
        try {
            script.await();
        } catch (ScriptException refused) {
            throw GuestException.of(refused, source, false);
        }
    }

    private Object status() {
        if (!script.ended()) {
            return Nothing.NOTHING;
        }
        check();
        return script.await();
    }

    private Object closed() {
        close();
        return Nothing.NOTHING;
    }

    /** Stops it and frees all; what was read stays. */
    @Override
    public void close() {
        script.close();
        whenClosed.run();
    }

    // --- results ---

    private Object maps() {
        var maps = new LinkedHashMap<String, Object>();
        script.views().forEach((name, view) -> maps.put(name, new MapObject(view)));
        return new RecordObject("Maps", maps);
    }

    private View.MapView view(String name) {
        if (script.ended()) {
            check();
        }
        var wanted = name.startsWith("@") ? name : "@" + name;
        var views = script.views();
        var found = views.get(wanted);
        if (found == null) {
            throw new NoSuchElementException("no map " + wanted
                    + (views.isEmpty() ? " has been read yet" : "; there are " + String.join(", ", views.keySet())));
        }
        return found;
    }

    private Object map(String name) {
        return new MapObject(view(name));
    }

    private Object value(String name) {
        var rows = view(name).rows();
        return rows.isEmpty() ? Nothing.NOTHING : Guest.of(rows.getFirst().value());
    }

    private Object histogram(String name) {
        var rows = view(name).rows();
        if (rows.size() == 1 && Guest.of(rows.getFirst().value()) instanceof HistogramObject histogram) {
            return histogram;
        }
        throw new IllegalStateException(
                name + " holds " + rows.size() + " entries; take map(\"" + name + "\") and choose one");
    }

    // --- events ---

    @ExportMessage
    boolean hasIterator() {
        return true;
    }

    /** Goes through the events as they come; starts the script if it has not begun. */
    @ExportMessage
    @TruffleBoundary
    Object getIterator() {
        try {
            script.events().setRead(true);
            if (!script.started()) {
                script.start();
            }
            return new IteratorObject("events of " + script.name(), new Events());
        } catch (RuntimeException failure) {
            throw GuestException.of(failure);
        }
    }

    private final class Events implements Iterator<Object> {
        private final Deque<ScriptEvent> taken = new ArrayDeque<>();

        @Override
        public boolean hasNext() {
            while (taken.isEmpty() && !script.events().isAtEnd()) {
                var events = waitFor();
                deliver(events);
                taken.addAll(events);
            }
            if (taken.isEmpty()) {
                check();
            }
            return !taken.isEmpty();
        }

        private List<ScriptEvent> waitFor() {
            try {
                return Waiting.events(script, -1);
            } catch (AbstractTruffleException ofGuest) {
                throw ofGuest;
            } catch (Throwable thrownOut) {
                script.close();
                throw thrownOut;
            }
        }

        @Override
        public Object next() {
            return new EventObject(taken.removeFirst());
        }
    }

    @ExportMessage
    boolean hasSourceLocation() {
        return true;
    }

    @ExportMessage
    @TruffleBoundary
    SourceSection getSourceLocation() {
        return source.createSection(0, source.getLength());
    }
}
