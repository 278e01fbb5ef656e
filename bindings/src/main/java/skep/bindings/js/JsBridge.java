package skep.bindings.js;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.stream.Stream;
import org.graalvm.polyglot.HostAccess;
import org.graalvm.polyglot.Value;
import org.jspecify.annotations.Nullable;
import skep.bindings.java.Event;
import skep.bindings.java.Histogram;
import skep.bindings.java.Skep;
import skep.bindings.java.Trace;
import skep.session.ScriptException;
import skep.target.TargetException;

/** What the module {@code skep} may call. Everything else of the JVM is out of a script's reach. */
public final class JsBridge implements AutoCloseable {
    private final List<JsTrace> traces = new ArrayList<>();
    private String spec;

    JsBridge(String spec) {
        this.spec = spec;
    }

    /** The target of traces that name none. */
    @HostAccess.Export
    public String target() {
        return spec;
    }

    @HostAccess.Export
    public void setTarget(String newSpec) {
        spec = newSpec;
    }

    /**
     * Prepares a trace.
     *
     * @param options members {@code target, duration} (seconds), {@code command, pid, args, name}, all of which may be missing
     */
    @HostAccess.Export
    public JsTrace prepare(String script, Value options) {
        var own = options.hasMember("target") ? options.getMember("target").asString() : spec;
        var skep = Skep.open(own);
        try {
            var described = skep.script(script);
            if (options.hasMember("name")) {
                described.named(options.getMember("name").asString());
            }
            if (options.hasMember("duration")) {
                described.duration(
                        Duration.ofNanos((long) (options.getMember("duration").asDouble() * 1e9)));
            }
            if (options.hasMember("command")) {
                described.command(options.getMember("command").asString());
            }
            if (options.hasMember("pid")) {
                described.pid(options.getMember("pid").asInt());
            }
            if (options.hasMember("args")) {
                var arguments = options.getMember("args");
                for (long i = 0; i < arguments.getArraySize(); i++) {
                    described.argument(arguments.getArrayElement(i).toString());
                }
            }
            var trace = new JsTrace(skep, described.prepare());
            traces.add(trace);
            return trace;
        } catch (ScriptException | TargetException | IllegalArgumentException e) {
            skep.close();
            throw e;
        }
    }

    /** The names of probes that match a pattern, one a line. */
    @HostAccess.Export
    public String probes(String pattern) {
        try (var skep = Skep.open(spec)) {
            return String.join("\n", skep.probes(pattern));
        }
    }

    @HostAccess.Export
    public void sleep(double millis) throws InterruptedException {
        Thread.sleep((long) millis);
    }

    @Override
    public void close() {
        traces.forEach(JsTrace::close);
    }

    /** One trace. */
    public static final class JsTrace {
        private final Skep skep;
        private final Trace trace;
        private final List<Histogram> histograms = new ArrayList<>();
        private @Nullable Stream<Event> stream;
        private @Nullable Iterator<Event> events;

        JsTrace(Skep skep, Trace trace) {
            this.skep = skep;
            this.trace = trace;
        }

        /** Calls back on the thread of the script, which {@link #run} must then use. */
        @HostAccess.Export
        public void on(String kind, Value callback) {
            trace.on(event -> {
                if (kind.equals("event") || kind.equals(event.kind())) {
                    callback.executeVoid(json(event));
                }
            });
        }

        @HostAccess.Export
        public int run() {
            trace.run();
            return trace.await();
        }

        @HostAccess.Export
        public void start() {
            trace.start();
        }

        @HostAccess.Export
        public void stop() {
            trace.stop();
        }

        @HostAccess.Export
        public int await() {
            return trace.await();
        }

        @HostAccess.Export
        public boolean ended() {
            return trace.ended();
        }

        @HostAccess.Export
        public String output() {
            return trace.output();
        }

        @HostAccess.Export
        public String mapNames() {
            return String.join("\n", trace.mapNames());
        }

        /** The entries of a map: {@code [[key, value], …]}. */
        @HostAccess.Export
        public String entries(String map) {
            var text = new JsonText(this::handle).raw("[");
            boolean first = true;
            for (var entry : trace.map(map)) {
                text.raw(first ? "[" : ",[")
                        .value(entry.key())
                        .raw(",")
                        .value(entry.value())
                        .raw("]");
                first = false;
            }
            return text.raw("]").toString();
        }

        /** A map as the terminal shows it. */
        @HostAccess.Export
        public String show(String map) {
            return trace.map(map).toString();
        }

        private int handle(Histogram histogram) {
            histograms.add(histogram);
            return histograms.size() - 1;
        }

        @HostAccess.Export
        public double percentile(int histogram, double percent) {
            return histograms.get(histogram).percentile(percent);
        }

        @HostAccess.Export
        public String histogramText(int histogram) {
            return histograms.get(histogram).toString();
        }

        /** The next event as JSON; blocks. Null at the end. */
        @HostAccess.Export
        public @Nullable String nextEvent() {
            if (events == null) {
                stream = trace.events();
                events = stream.iterator();
            }
            return events.hasNext() ? json(events.next()) : null;
        }

        private String json(Event event) {
            var text = new JsonText(this::handle)
                    .raw("{\"kind\":")
                    .value(event.kind())
                    .raw(",\"text\":")
                    .value(event.text());
            event.value().ifPresent(value -> text.raw(",\"value\":").value(value));
            return text.raw("}").toString();
        }

        @HostAccess.Export
        public double lost() {
            return trace.lost();
        }

        @HostAccess.Export
        public double dropped() {
            return trace.dropped();
        }

        /** Ends it and frees its target. */
        @HostAccess.Export
        public void close() {
            if (stream != null) {
                stream.close();
            }
            trace.close();
            skep.close();
        }
    }
}
