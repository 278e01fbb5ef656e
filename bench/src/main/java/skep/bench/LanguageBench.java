package skep.bench;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.atomic.AtomicLong;
import skep.bindings.java.Skep;
import skep.bindings.java.TraceMap;
import skep.bindings.polyglot.PolyglotSession;
import skep.bindings.polyglot.PolyglotSession.Language;
import skep.bindings.polyglot.PolyglotSession.Outcome;

/**
 * What the languages of a session cost beside each other: a callback for each event, reading a map of 100,000 entries, evaluating
 * a one-liner in a warm context, starting a command that only prints a line.
 *
 * <pre>java -cp … skep.bench.LanguageBench [--events N] [--rounds N]      in the project's folder, once ./skep js and ./skep py are built</pre>
 */
public final class LanguageBench {
    private static final int MAP_ENTRIES = 100_000;
    private static final String TARGET = "embedded:speed=max";

    private final int events;
    private final int rounds;
    private final PolyglotSession session;

    private LanguageBench(int events, int rounds) {
        this.events = events;
        this.rounds = rounds;
        this.session = new PolyglotSession(TARGET, false, OutputStream.nullOutputStream(), System.err);
    }

    public static void main(String[] arguments) throws IOException, InterruptedException {
        int events = 50_000;
        int rounds = 5;
        for (int i = 0; i + 1 < arguments.length; i += 2) {
            switch (arguments[i]) {
                case "--events" -> events = Integer.parseInt(arguments[i + 1]);
                case "--rounds" -> rounds = Integer.parseInt(arguments[i + 1]);
                default -> throw new IllegalArgumentException(arguments[i]);
            }
        }
        var bench = new LanguageBench(events, rounds);
        bench.callbacks();
        bench.maps();
        bench.evaluations();
        bench.session.close();
        bench.starts();
    }

    /** The best of some runs, in ns. */
    private long best(Runnable work) {
        long best = Long.MAX_VALUE;
        for (int round = 0; round < rounds; round++) {
            long start = System.nanoTime();
            work.run();
            best = Math.min(best, System.nanoTime() - start);
        }
        return best;
    }

    private void run(Language language, String text) {
        if (session.run(language, "bench", text) instanceof Outcome.Failed failed) {
            throw new IllegalStateException(String.join("\n", failed.lines()));
        }
    }

    /** The same script without and with a callback for each event; the difference is the callback's. */
    private void callbacks() {
        var seconds = events / 10_000.0;
        var script = "interval:us:100 { print((pid, nsecs)); }";
        var time = Duration.ofNanos((long) (seconds * 1e9));
        var calls = new AtomicLong();
        long none = best(() -> java(script, time, calls, false));
        long java = best(() -> java(script, time, calls, true));
        long perRun = calls.get() / rounds;
        run(Language.JS, "var sum = 0; var heard = e => { sum += e.value[0]; };");
        long js = best(() -> run(
                Language.JS,
                "new Trace('" + script + "', {duration: " + seconds + "}).on('print', heard).run().close()"));
        run(Language.PYTHON, "import skep\ntotal = 0\ndef hear(e):\n    global total\n    total += e.value[0]");
        long python = best(() -> run(
                Language.PYTHON,
                "skep.prepare('" + script + "', duration=" + seconds + ").on('print', hear).run().close()"));
        System.out.printf("callback for each of %d events, beyond the run without one (%.0f ms)%n", perRun, none / 1e6);
        perLanguage(
                (java - none) / (double) perRun,
                (js - none) / (double) perRun,
                (python - none) / (double) perRun,
                "ns");
    }

    private static void java(String script, Duration time, AtomicLong calls, boolean listens) {
        try (var skep = Skep.open(TARGET);
                var trace = skep.script(script).duration(time).prepare()) {
            if (listens) {
                trace.on(
                        "print",
                        event -> calls.addAndGet(((List<?>) event.value().orElseThrow()).size() / 2));
            }
            trace.run();
        }
    }

    /** All keys and values of a map, summed up. */
    private void maps() {
        run(
                Language.SKEP,
                "let @big = hash(" + MAP_ENTRIES + "); interval:us:10 { @big[nsecs] = 1; if (@n++ >= "
                        + (MAP_ENTRIES - 1) + ") { exit(); } }");
        run(Language.JS, "var trace1 = last; undefined");
        run(Language.PYTHON, "trace1 = last");
        var last =
                (skep.bindings.java.Trace) skep.bindings.java.Variables.shared().get("last");
        int size = last.map("@big").size();
        long java = best(() -> {
            long sum =
                    last.map("@big").stream().mapToLong(TraceMap.Entry::asLong).sum();
            assert sum > 0;
        });
        run(Language.JS, "var own = trace1; var bridge = skepBridge; undefined");
        long js = best(
                () -> run(
                        Language.JS,
                        "{ let sum = 0; for (const [k, v] of new Map(JSON.parse(skepBridge.entries(trace1, '@big')))) sum += v; }"));
        run(Language.PYTHON, "from skep import Map");
        long python = best(() -> run(Language.PYTHON, "sum(Map(trace1.map('@big')).values())"));
        System.out.printf("map of %d entries, read and summed up%n", size);
        perLanguage(java / 1e6, js / 1e6, python / 1e6, "ms");
    }

    private static void perLanguage(double java, double js, double python, String unit) {
        System.out.printf(
                Locale.ROOT,
                "  Java %.1f %s   JavaScript %.1f %s (%.1f times Java)   Python %.1f %s (%.1f times Java)%n",
                java,
                unit,
                js,
                unit,
                js / java,
                python,
                unit,
                python / java);
    }

    /** Compiling and verifying through Truffle, beside the same without it. */
    private void evaluations() {
        var script = "kprobe:vfs_read { @ = hist(arg2); }";
        var guests = session.context();
        try (var skep = Skep.open(TARGET)) {
            for (int i = 0; i < 100; i++) {
                guests.eval("skep", "warm", script + " // " + i).invokeMember("close");
                skep.trace(script).close();
            }
            int many = 40;
            long truffle = best(() -> {
                for (int i = 0; i < many; i++) {
                    guests.eval("skep", "one", script + " // " + System.nanoTime())
                            .invokeMember("close");
                }
            });
            long direct = best(() -> {
                for (int i = 0; i < many; i++) {
                    try (var own = Skep.open(TARGET);
                            var trace = own.trace(script)) {
                        trace.script().load();
                    }
                }
            });
            System.out.printf(
                    Locale.ROOT,
                    "one-liner evaluated, compiled, verified, closed, in a warm context: %.1f ms, %.2f times the same by the Java API (%.1f ms)%n",
                    truffle / 1e6 / many,
                    (double) truffle / direct,
                    direct / 1e6 / many);
        }
    }

    /** Whole processes. */
    private void starts() throws IOException, InterruptedException {
        var folder = Files.createTempDirectory("language-bench");
        var js = Files.writeString(folder.resolve("hello.mjs"), "console.log('hello');\n");
        var python = Files.writeString(folder.resolve("hello.py"), "print('hello')\n");
        var script = List.of("./skep", "--target", TARGET, "-e", "begin { printf(\"hello\\n\"); exit(); }");
        long own = process(script);
        System.out.printf(Locale.ROOT, "start to end of hello world, beside ./skep -e (%.0f ms)%n", own / 1e6);
        for (var command : List.of(
                List.of("./skep", "js", "--target", TARGET, js.toString()),
                List.of("./skep", "py", "--target", TARGET, python.toString()))) {
            long nanos = process(command);
            System.out.printf(
                    Locale.ROOT, "  skep %s %.0f ms (%.1f times)%n", command.get(1), nanos / 1e6, (double) nanos / own);
        }
    }

    private long process(List<String> command) throws IOException, InterruptedException {
        var times = new long[rounds + 1];
        for (int i = 0; i <= rounds; i++) {
            long start = System.nanoTime();
            var process = new ProcessBuilder(command)
                    .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                    .redirectError(ProcessBuilder.Redirect.DISCARD)
                    .start();
            if (process.waitFor() != 0) {
                throw new IllegalStateException(command + " failed");
            }
            times[i] = System.nanoTime() - start;
        }
        // The first one builds, or fills caches.
        return Arrays.stream(times, 1, times.length).min().orElseThrow();
    }
}
