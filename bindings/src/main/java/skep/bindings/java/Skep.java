package skep.bindings.java;

import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import skep.session.Listing;
import skep.session.SessionOptions;
import skep.session.Targets;
import skep.target.LoadOptions;
import skep.target.Target;

/**
 * A kernel to trace: the live one, the embedded one, or one far away. Closing it ends its traces.
 *
 * {@snippet :
 * try (var skep = Skep.open("embedded:scenario=disk-saturated,seed=7")) {
 *     skep.probes("kprobe:vfs_*").forEach(System.out::println);
 * }
 * }
 */
public final class Skep implements AutoCloseable {
    private final String spec;
    private final Target target;
    private final List<Trace> traces = new ArrayList<>();

    private Skep(String spec) {
        this.spec = spec;
        this.target = Targets.open(spec);
    }

    /** The simulated kernel with its default scenario, as fast as it can go: no privileges, the same result each time. */
    public static Skep embedded() {
        return open("embedded:speed=max");
    }

    /** The kernel that this machine runs; most of it wants privileges. */
    public static Skep linux() {
        return open(Targets.LIVE);
    }

    /**
     * A target by its spec, as {@code --target} takes it.
     *
     * @throws skep.target.TargetException if it cannot be opened
     * @throws IllegalArgumentException if there is no such target, or its options are malformed
     */
    public static Skep open(String spec) {
        return new Skep(spec);
    }

    public String spec() {
        return spec;
    }

    /** One line for people about the kernel. */
    public String description() {
        return Targets.describe(target);
    }

    /** The probes that match a pattern such as {@code tracepoint:sched:*}, each with its kind. */
    public List<String> probes(String pattern) {
        var lines = new ArrayList<String>();
        Listing.list(target, pattern, false, lines::add);
        return List.copyOf(lines);
    }

    /** The probes that match a pattern with the types of their arguments, as {@code -lv} prints them. */
    public List<String> describe(String pattern) {
        var lines = new ArrayList<String>();
        Listing.list(target, pattern, true, lines::add);
        return List.copyOf(lines);
    }

    /** A script ready to run; shorthand for {@code script(text).prepare()}. */
    public Trace trace(String text) {
        return script(text).prepare();
    }

    /** A script and how to run it. */
    public Script script(String text) {
        return new Script(text);
    }

    @Override
    public void close() {
        List<Trace> open;
        synchronized (traces) {
            open = List.copyOf(traces);
            traces.clear();
        }
        open.forEach(Trace::close);
        target.close();
    }

    /** A script with its options; each method changes it and returns it. Not thread-safe. */
    public final class Script {
        private final String text;
        private final List<String> positional = new ArrayList<>();
        private final Map<String, String> named = new LinkedHashMap<>();
        private String name = "script";
        private Optional<String> command = Optional.empty();
        private OptionalInt pid = OptionalInt.empty();
        private Optional<Duration> duration = Optional.empty();
        private boolean unsafe;
        private Loss loss = Loss.WAIT;
        private int queueEvents = Trace.DEFAULT_QUEUE_EVENTS;

        private Script(String text) {
            this.text = text;
        }

        /** Its name in messages. */
        public Script named(String newName) {
            name = newName;
            return this;
        }

        /** The next of {@code $1}, {@code $2}, … */
        public Script argument(Object value) {
            positional.add(String.valueOf(value));
            return this;
        }

        /** A named parameter, read with {@code getopt}. */
        public Script parameter(String key, Object value) {
            named.put(key, String.valueOf(value));
            return this;
        }

        /** A command to start once all probes are attached; the trace ends with it. {@code cpid} is its process. */
        public Script command(String line) {
            command = Optional.of(line);
            return this;
        }

        /** Ends the trace with this process. */
        public Script pid(int process) {
            pid = OptionalInt.of(process);
            return this;
        }

        /** How long it runs, in the target's own time. */
        public Script duration(Duration time) {
            duration = Optional.of(time);
            return this;
        }

        /** Permits functions that change the system. */
        public Script unsafe() {
            unsafe = true;
            return this;
        }

        /**
         * What happens when events come faster than they are taken.
         *
         * @param capacity events that wait at most
         */
        public Script events(Loss policy, int capacity) {
            if (capacity < 1) {
                throw new IllegalArgumentException("a queue for " + capacity + " events");
            }
            loss = policy;
            queueEvents = capacity;
            return this;
        }

        /**
         * Compiles.
         *
         * @throws skep.session.ScriptException with all diagnostics if it does not compile
         */
        public Trace prepare() {
            var options = new SessionOptions(
                    positional,
                    named,
                    Map.of(),
                    command,
                    pid,
                    duration,
                    unsafe,
                    0,
                    List.of(),
                    Set.of(),
                    false,
                    false,
                    false,
                    Optional.empty(),
                    LoadOptions.DEFAULT,
                    true);
            var trace = new Trace(target, name, text, options, loss, queueEvents);
            synchronized (traces) {
                traces.add(trace);
            }
            return trace;
        }

        /** Compiles and runs to the end, in the caller's thread. */
        public Trace run() {
            var trace = prepare();
            trace.run();
            return trace;
        }

        /** Compiles and runs in the background. */
        public Trace start() {
            return prepare().start();
        }
    }
}
