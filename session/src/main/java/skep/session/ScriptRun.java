package skep.session;

import java.lang.foreign.ValueLayout;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import skep.dsl.CompiledScript;
import skep.dsl.MapView;
import skep.dsl.RuntimeFault;
import skep.dsl.ScriptProgram;
import skep.dsl.parse.ThreadLocals;
import skep.isa.kernel.ProbeKind;
import skep.session.view.View;
import skep.source.Source;
import skep.target.AttachException;
import skep.target.Link;
import skep.target.LoadedObject;
import skep.target.OutputReader;
import skep.target.Target;
import skep.target.TargetException;
import skep.target.TracedProcess;

/** The life of a loaded script: attach, drain, detach, print. One thread runs it; others ask through a queue. */
final class ScriptRun implements AutoCloseable {
    /** How long a wait for records may last: bounds how late the end of a child or a deadline is seen. */
    private static final int POLL_MILLIS = 50;

    /** How often counters of faults and lost records are read while the script runs. */
    private static final long COUNTERS_NANOS = 1_000_000_000L;

    /** How long each {@code bench:} probe is run. */
    private static final long BENCHMARK_NANOS = 200_000_000L;

    /** After the end was asked for, records that keep coming are drained for at most this long. */
    private static final long LAST_DRAIN_NANOS = 400_000_000L;

    private final Target target;
    private final Source source;
    private final CompiledScript script;
    private final Optional<TracedProcess> child;
    private final SessionOptions options;
    private final ViewSink sink;
    private final ConcurrentLinkedQueue<Runnable> requests = new ConcurrentLinkedQueue<>();
    private final Object idle = new Object();
    private final List<Link> links = new ArrayList<>();
    private volatile @Nullable LoadedObject object;
    private volatile @Nullable OutputReader reader;
    private Optional<Duration> duration;
    private volatile boolean stopped;
    private volatile boolean finished;
    private @Nullable Actions actions;
    private @Nullable MapReader mapReader;
    private OptionalLong exit = OptionalLong.empty();
    private long[] countersSeen = new long[0];

    ScriptRun(
            Target target,
            Source source,
            CompiledScript script,
            Optional<TracedProcess> child,
            SessionOptions options,
            ViewSink sink) {
        this.target = target;
        this.source = source;
        this.script = script;
        this.child = child;
        this.options = options;
        this.duration = options.duration();
        this.sink = sink;
    }

    /** Bounds the run to a time; before it begins. */
    void setDuration(Duration time) {
        duration = Optional.of(time);
    }

    /** Loads ahead of the run. */
    void loadNow() {
        try {
            load();
        } catch (TargetException failure) {
            close();
            throw Failures.inScript(failure, script, source, options.load().verifierLogLevel() > 0);
        }
    }

    int run() {
        try {
            if (object == null) {
                load();
            }
            // What BEGIN says is shown once all probes are attached, as the peer has it.
            for (var program : programs(ScriptProgram.Role.BEGIN)) {
                loaded().runOnce(program.program(), new byte[0]);
            }
            attach();
            announce();
            if (!options.attachOnly()) {
                drainWhatIsThere();
                runTests();
                runBenchmarks();
                if (exit.isEmpty()) {
                    child.ifPresent(TracedProcess::start);
                    target.start(duration);
                    drainUntilTheEnd();
                }
                finish();
            }
            return (int) exit.orElse(0);
        } catch (TargetException failure) {
            throw Failures.inScript(failure, script, source, options.load().verifierLogLevel() > 0);
        } finally {
            close();
        }
    }

    private void load() {
        if (script.usesUserSymbols()) {
            target.rememberProcesses();
        }
        var loaded = target.load(script.object(), options.load());
        object = loaded;
        var symbols = new Symbols(target, script.config().showDebugInfo());
        var values = new ValueReader(symbols, loaded::map, script.config().stringTruncationTrailer());
        var origin = target.isLive() ? "" : target.kernel().description();
        mapReader = new MapReader(loaded, values, symbols, MapLabels.of(source.text(), origin));
        actions = new Actions(
                script, values, mapReader, symbols, sink, this::unwatch, unwoundProcesses(), options.files());
        if (script.usesRingBuffer()) {
            reader = loaded.openRingBuffer(CompiledScript.EVENTS_MAP);
        }
    }

    private Set<Integer> unwoundProcesses() {
        var named = options.environment().getOrDefault(SessionOptions.UNWOUND_VARIABLE, "");
        return named.isEmpty()
                ? Set.of()
                : Stream.of(named.split(",")).map(Integer::valueOf).collect(Collectors.toUnmodifiableSet());
    }

    private List<ScriptProgram> programs(ScriptProgram.Role role) {
        return script.programs().stream()
                .filter(program -> program.role() == role)
                .toList();
    }

    private void runOnce(ScriptProgram program) {
        if (exit.isEmpty()) {
            loaded().runOnce(program.program(), new byte[0]);
            drainWhatIsThere();
        }
    }

    private void attach() {
        var requests = new ArrayList<LoadedObject.AttachRequest>();
        for (var program : programs(ScriptProgram.Role.PROBE)) {
            program.probes().forEach(probe -> requests.add(new LoadedObject.AttachRequest(program.program(), probe)));
        }
        if (requests.isEmpty()) {
            return;
        }
        if (script.config().missingProbes().equals("error")) {
            links.addAll(loaded().attachAll(requests));
            return;
        }
        for (var request : requests) {
            try {
                links.add(loaded().attach(request.program(), request.probe()));
            } catch (AttachException failure) {
                if (script.config().missingProbes().equals("warn")) {
                    sink.accept(new View.Note("WARNING: " + failure.getMessage()));
                }
            }
        }
    }

    /** Detaches the watchpoints of an address. */
    private void unwatch(long address) {
        for (var link : List.copyOf(links)) {
            var probe = link.probe();
            if (probe.kind() == ProbeKind.WATCHPOINT && address(probe.target()) == address) {
                link.close();
                links.remove(link);
            }
        }
    }

    private static long address(String text) {
        return text.startsWith("0x") ? Long.parseUnsignedLong(text.substring(2), 16) : Long.parseUnsignedLong(text);
    }

    private void announce() {
        int probes = 0;
        for (var program : script.programs()) {
            boolean ofScript = !program.span().source().name().equals(ThreadLocals.SOURCE);
            // A static probe that stands at several places of a program is as many probes.
            int places = (int) program.probes().stream()
                    .filter(probe -> probe.kind() == ProbeKind.USDT)
                    .count();
            probes += ofScript ? Math.max(Math.max(1, places), program.shownAs().size()) : 0;
        }
        sink.accept(new View.Attached(
                probes,
                target.isLive() ? Optional.empty() : Optional.of(target.kernel().description())));
        target.remarks().forEach(remark -> sink.accept(new View.Note("NOTE: " + remark)));
        if (options.load().verifierLogLevel() > 0) {
            for (var link : links) {
                sink.accept(new View.Note("  " + link.probe().displayName() + ": " + link.mechanism()));
            }
        }
        sink.batchEnds();
    }

    private void runTests() {
        for (var program : programs(ScriptProgram.Role.TEST)) {
            boolean passed = loaded().runOnce(program.program(), new byte[0]) == 0;
            drainWhatIsThere();
            sink.accept(new View.TestResult(name(program), passed));
            if (!passed) {
                exit = OptionalLong.of(1);
            }
        }
    }

    private void runBenchmarks() {
        var results = new ArrayList<View.Benchmark>();
        for (var program : programs(ScriptProgram.Role.BENCH)) {
            long start = System.nanoTime();
            long runs = 0;
            do {
                loaded().runOnce(program.program(), new byte[0]);
                runs++;
                drainWhatIsThere();
            } while (System.nanoTime() - start < BENCHMARK_NANOS && !stopped);
            results.add(new View.Benchmark(name(program), (System.nanoTime() - start) / runs, runs));
        }
        if (!results.isEmpty()) {
            sink.accept(new View.Benchmarks(results));
        }
    }

    /** The name of a probe behind its provider: {@code a} of {@code bench:a}. */
    private static String name(ScriptProgram program) {
        var probe = program.shownAs().isEmpty()
                ? program.program()
                : program.shownAs().getFirst();
        return probe.substring(probe.indexOf(':') + 1);
    }

    private void drainUntilTheEnd() {
        // A script of BEGIN and END alone has nothing to wait for.
        if (links.isEmpty() && programs(ScriptProgram.Role.SELF).isEmpty()) {
            return;
        }
        // Iterators ran to their end when they were attached.
        if (child.isEmpty() && links.stream().allMatch(link -> link.probe().kind() == ProbeKind.ITER)) {
            drainWhatIsThere();
            return;
        }
        long start = System.nanoTime();
        long deadline =
                target.isLive() ? duration.map(time -> start + time.toNanos()).orElse(Long.MAX_VALUE) : Long.MAX_VALUE;
        long countersDue = start + COUNTERS_NANOS;
        while (exit.isEmpty() && !stopped) {
            boolean last = isOver(deadline);
            int records = drain(last ? 0 : waitMillis(deadline));
            answerRequests();
            // A shell or a notebook interrupts the thread that runs the script: that is Ctrl-C for it.
            stopped |= Thread.currentThread().isInterrupted();
            if (last && records == 0) {
                return;
            }
            if (System.nanoTime() >= countersDue) {
                reportCounters();
                countersDue = System.nanoTime() + COUNTERS_NANOS;
            }
        }
    }

    private boolean isOver(long deadline) {
        return target.ended()
                || deadline != Long.MAX_VALUE && System.nanoTime() - deadline >= 0
                || child.isPresent() && child.get().exitStatus().isPresent()
                || options.pid().isPresent() && !target.isAlive(options.pid().getAsInt());
    }

    private static int waitMillis(long deadline) {
        if (deadline == Long.MAX_VALUE) {
            return POLL_MILLIS;
        }
        return Math.clamp((deadline - System.nanoTime()) / 1_000_000 + 1, 1, POLL_MILLIS);
    }

    /** Waits up to a time for records and does what they ask for, up to the one that ends the script. */
    private int drain(int timeoutMillis) {
        var records = reader;
        if (records == null) {
            pause(timeoutMillis);
            return 0;
        }
        int count = records.poll(timeoutMillis, record -> {
            var status = actions().perform(record.toArray(ValueLayout.JAVA_BYTE));
            if (status.isPresent()) {
                exit = status;
            }
            return status.isEmpty() && !stopped;
        });
        if (count > 0) {
            sink.batchEnds();
        }
        return count;
    }

    private void drainWhatIsThere() {
        long giveUp = System.nanoTime() + LAST_DRAIN_NANOS;
        while (reader != null && exit.isEmpty() && drain(0) > 0 && System.nanoTime() - giveUp < 0) {
            continue;
        }
    }

    private void pause(int millis) {
        synchronized (idle) {
            if (requests.isEmpty() && !stopped && millis > 0) {
                try {
                    idle.wait(millis);
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                    stopped = true;
                }
            }
        }
    }

    private void finish() {
        if (!links.isEmpty()) {
            loaded().detachAll(links);
            links.clear();
        }
        // Records from before exit() are shown; what came between the request to end and detaching is shown too.
        if (exit.isEmpty()) {
            stopped = false;
            drainWhatIsThere();
        }
        var status = exit;
        for (var program : programs(ScriptProgram.Role.END)) {
            exit = OptionalLong.empty();
            stopped = false;
            discardUntilEmpty(status.isPresent());
            loaded().runOnce(program.program(), new byte[0]);
            drainWhatIsThere();
            status = exit.isPresent() ? exit : status;
        }
        exit = status;
        reportCounters();
        reportMissedRuns();
        actions().finish();
        reportTotals();
        showMaps();
        sink.batchEnds();
    }

    private void showMaps() {
        var kept = new LinkedHashMap<String, View.MapView>();
        if (sink.keepsMaps()) {
            for (var view : byName()) {
                if (!view.isHidden()) {
                    kept.put(view.name(), maps0().readNow(view, false));
                }
            }
        }
        sink.accept(new View.Ending(List.copyOf(kept.values())));
        if (script.config().printMapsAtExit()) {
            for (var view : byName()) {
                if (view.printAtExit()) {
                    var map = kept.containsKey(view.name()) ? kept.get(view.name()) : maps0().readNow(view, false);
                    if (!map.rows().isEmpty()) {
                        sink.accept(map);
                    }
                }
            }
        }
    }

    // What programs wrote after exit() was asked for is not shown, as the peer has it.
    private void discardUntilEmpty(boolean wanted) {
        var records = reader;
        if (wanted && records != null) {
            long giveUp = System.nanoTime() + LAST_DRAIN_NANOS;
            while (records.poll(0, record -> true) > 0 && System.nanoTime() - giveUp < 0) {
                continue;
            }
        }
    }

    private List<MapView> byName() {
        return script.maps().stream()
                .sorted(java.util.Comparator.comparing(MapView::name))
                .toList();
    }

    private void reportMissedRuns() {
        loaded().missedRuns()
                .forEach((name, times) -> script.programs().stream()
                        .filter(program -> program.program().equals(name))
                        .findFirst()
                        .ifPresent(program -> sink.accept(new View.RuntimeError(
                                Failures.firstLine(program.span()),
                                "This probe fired while it ran already on the same processor; such runs are missed, and what"
                                        + " they would have counted is missing",
                                times))));
    }

    /** What was lost in all, with what helps against it. */
    private void reportTotals() {
        if (countersSeen.length == 0) {
            return;
        }
        long lost = countersSeen[CompiledScript.LOST_EVENTS_COUNTER];
        if (lost > 0) {
            sink.accept(
                    new View.Note(
                            "HINT: " + lost
                                    + " events were lost in all, because they came faster than they were printed."
                                    + " Print less often, count in a map instead, or give the buffer more pages: config = { perf_rb_pages = 1024 }"));
        }
        var failed = new java.util.TreeMap<String, Long>();
        for (var fault : script.faults()) {
            if (fault.kind() == RuntimeFault.Kind.MAP_FULL) {
                failed.merge(fault.map(), countersSeen[fault.counter()], Long::sum);
            }
        }
        failed.forEach((map, times) -> {
            if (times > 0) {
                sink.accept(new View.Note("HINT: " + times + " updates of " + map
                        + " failed in all, because it is full. Give it room: let " + map
                        + " = hash(100000); or let old keys go: let " + map + " = lruhash(10000);"));
            }
        });
    }

    private void reportCounters() {
        if (!script.usesCounters()) {
            return;
        }
        var bytes = loaded().map(CompiledScript.COUNTERS_MAP).lookup(new byte[4]);
        if (bytes.isEmpty()) {
            return;
        }
        var now = new long[bytes.get().length / 8];
        for (int i = 0; i < now.length; i++) {
            now[i] = ValueReader.word(bytes.get(), 8 * i, 8);
        }
        if (countersSeen.length != now.length) {
            countersSeen = new long[now.length];
        }
        long lost = now[CompiledScript.LOST_EVENTS_COUNTER] - countersSeen[CompiledScript.LOST_EVENTS_COUNTER];
        if (lost > 0) {
            sink.accept(new View.LostEvents(lost));
        }
        for (RuntimeFault fault : script.faults()) {
            long times = now[fault.counter()] - countersSeen[fault.counter()];
            if (times > 0) {
                sink.accept(new View.RuntimeError(fault.span(), fault.kind().message(), times));
            }
        }
        countersSeen = now;
    }

    // --- from other threads ---

    void stop() {
        stopped = true;
        wake();
    }

    void signal(String name) {
        ask(() -> {
            for (var program : programs(ScriptProgram.Role.SELF)) {
                if (program.probes().stream().anyMatch(probe -> probe.target().equals(name))) {
                    runOnce(program);
                }
            }
        });
    }

    List<String> signals() {
        return programs(ScriptProgram.Role.SELF).stream()
                .flatMap(program -> program.probes().stream())
                .map(probe -> probe.target())
                .distinct()
                .toList();
    }

    List<View.MapView> maps() {
        if (object == null || finished) {
            return List.of();
        }
        var answer = new FutureTask<List<View.MapView>>(() -> byName().stream()
                .filter(view -> !view.isHidden())
                .map(view -> maps0().readNow(view, false))
                .toList());
        ask(answer);
        while (true) {
            try {
                return answer.get(POLL_MILLIS, TimeUnit.MILLISECONDS);
            } catch (TimeoutException e) {
                if (finished) {
                    return List.of();
                }
            } catch (ExecutionException e) {
                throw new IllegalStateException(e.getCause());
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return List.of();
            }
        }
    }

    private void ask(Runnable request) {
        requests.add(request);
        wake();
    }

    private void wake() {
        synchronized (idle) {
            idle.notifyAll();
        }
        var records = reader;
        if (records != null) {
            records.wakeUp();
        }
    }

    private void answerRequests() {
        for (var request = requests.poll(); request != null; request = requests.poll()) {
            request.run();
        }
    }

    // --- the end ---

    @Override
    public void close() {
        finished = true;
        links.forEach(Link::close);
        links.clear();
        var records = reader;
        reader = null;
        if (records != null) {
            records.close();
        }
        var loaded = object;
        object = null;
        if (loaded != null) {
            loaded.close();
        }
        child.ifPresent(TracedProcess::close);
    }

    private LoadedObject loaded() {
        var loaded = object;
        assert loaded != null : "not loaded";
        return loaded;
    }

    private Actions actions() {
        assert actions != null : "not loaded";
        return actions;
    }

    private MapReader maps0() {
        assert mapReader != null : "not loaded";
        return mapReader;
    }
}
