package skep.jupyter.cell;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.TreeMap;
import java.util.UUID;
import org.graalvm.polyglot.Value;
import org.graalvm.polyglot.proxy.ProxyExecutable;
import org.jspecify.annotations.Nullable;
import skep.bindings.polyglot.PolyglotSession;
import skep.jupyter.protocol.CellOutput;
import skep.jupyter.protocol.Kernel;
import skep.jupyter.protocol.MimeBundle;
import skep.session.Targets;
import skep.session.view.Value.Int;
import skep.session.view.View;

/**
 * {@code %%bpf-c [--as NAME] [--duration TIME]}: a C program as BCC has it. It is attached by the names of its functions; its
 * events are printed as they come and its tables drawn. Other languages see it as {@code program}, or by its name.
 */
public final class BpfCLanguage implements CellLanguage {
    private static final int POLL_MILLIS = 50;

    private static final long REFRESH_NANOS = 250_000_000;

    private static final List<String> EVENT_TABLES = List.of("PERF_EVENT_ARRAY", "RINGBUF");

    private static final List<String> SHOWN_TABLES =
            List.of("HASH", "ARRAY", "LRU_HASH", "PERCPU_HASH", "PERCPU_ARRAY", "LRU_PERCPU_HASH");

    private @Nullable Workspace workspace;
    private volatile boolean stopped;
    private volatile boolean running;

    @Override
    public String name() {
        return "bpf-c";
    }

    @Override
    public String title() {
        return "C as BCC has it; attached by names such as kprobe__vfs_read, its tables are drawn";
    }

    @Override
    public void open(Workspace shared) {
        workspace = shared;
    }

    private Workspace workspace() {
        return java.util.Objects.requireNonNull(workspace, "open was not called");
    }

    @Override
    public Kernel.Outcome run(Cell cell, CellOutput output) {
        stopped = false;
        var name = "program";
        var duration = workspace().duration();
        var words = cell.arguments();
        for (int i = 0; i < words.size(); i += 2) {
            var value = i + 1 < words.size() ? words.get(i + 1) : "";
            switch (words.get(i)) {
                case "--as" -> name = value;
                case "--duration" -> {
                    duration = value.equals("none") ? Optional.empty() : Durations.parse(value);
                    if (duration.isEmpty() && !value.equals("none")) {
                        return Errors.of(
                                "OptionError", "%%bpf-c: --duration " + value + ": write 500ms, 3s, 2m or none");
                    }
                }
                default -> {
                    return Errors.of("OptionError", "%%bpf-c has --as NAME and --duration TIME, not " + words.get(i));
                }
            }
        }
        if (!name.matches("[A-Za-z_]\\w*")) {
            return Errors.of("OptionError", "%%bpf-c: --as " + name + ": a name is letters, digits and _");
        }
        running = true;
        try {
            return run(cell.body(), name, duration, output);
        } finally {
            running = false;
        }
    }

    private Kernel.Outcome run(String body, String name, Optional<Duration> duration, CellOutput output) {
        var guests = workspace().guests().open(output);
        // The clock of a simulated kernel stops by itself, to the nanosecond; a live one is stopped from here.
        var outcome = duration.map(time -> guests.program("cell", body, time))
                .orElseGet(() -> guests.run(PolyglotSession.Language.BPF, "cell", body));
        return switch (outcome) {
            case PolyglotSession.Outcome.Failed failed -> {
                var lines = new ArrayList<String>();
                failed.lines().forEach(line -> lines.add(Errors.colour(line)));
                yield new Kernel.Outcome.Failed(failed.kind(), failed.message(), lines);
            }
            case PolyglotSession.Outcome.Exit exit -> Errors.of("Exit", "exit status " + exit.status());
            case PolyglotSession.Outcome.Done done -> {
                var shared = workspace().variables().get("program");
                if (shared instanceof Value program) {
                    workspace().variables().put(name, program);
                    follow(program, body, duration, output);
                }
                yield Kernel.Outcome.Done.PLAIN;
            }
        };
    }

    private void follow(Value program, String body, Optional<Duration> duration, CellOutput output) {
        var page = new Page(
                program,
                output,
                Targets.describe(workspace().target()),
                workspace().target().isLive());
        for (long i = 0; i < program.getMember("warnings").getArraySize(); i++) {
            output.stderr(program.getMember("warnings").getArrayElement(i).asString() + "\n");
        }
        for (var table : page.tables()) {
            if (EVENT_TABLES.contains(
                    program.invokeMember("table", table).getMember("type").asString())) {
                program.invokeMember("on", table, (ProxyExecutable) a -> {
                    page.event(table, a[0], a.length > 2 ? a[2].asLong() : 0);
                    return null;
                });
            }
        }
        boolean prints = body.contains("bpf_trace_printk");
        long start = program.getMember("nsecs").asLong();
        long due = System.nanoTime();
        boolean over = false;
        while (!over) {
            program.invokeMember("poll", POLL_MILLIS);
            for (var line = prints ? program.invokeMember("traceLine") : null;
                    line != null && !line.isNull() && !stopped;
                    line = program.invokeMember("traceLine")) {
                output.stdout(line.asString().stripTrailing() + "\n");
                page.count();
            }
            long nanos = program.getMember("nsecs").asLong() - start;
            over = stopped
                    || program.getMember("ended").asBoolean()
                    || duration.isPresent() && nanos >= duration.get().toNanos();
            if (!over && System.nanoTime() >= due) {
                page.refresh("running", false);
                due = System.nanoTime() + REFRESH_NANOS;
            }
        }
        program.invokeMember("detachAll");
        page.refresh(stopped ? "stopped" : "done", true);
    }

    /** What a program shows in its cell. */
    private static final class Page {
        private final Value program;
        private final CellOutput output;
        private final String kernel;
        private final boolean live;
        private final String id = UUID.randomUUID().toString();
        private final List<String> shown = new ArrayList<>();
        private final long startNanos = System.nanoTime();
        private long events;
        private long lost;

        Page(Value program, CellOutput output, String kernel, boolean live) {
            this.program = program;
            this.output = output;
            this.kernel = kernel;
            this.live = live;
        }

        List<String> tables() {
            var names = new ArrayList<String>();
            var all = program.getMember("tables");
            for (long i = 0; i < all.getArraySize(); i++) {
                names.add(all.getArrayElement(i).asString());
            }
            return names;
        }

        void count() {
            events++;
        }

        void event(String table, Value event, long newlyLost) {
            events++;
            lost += newlyLost;
            output.stdout(table + ": " + event + "\n");
        }

        void refresh(String state, boolean last) {
            var elapsed = Durations.show(Duration.ofMillis((System.nanoTime() - startNanos) / 100_000_000 * 100));
            var line = state + " · " + program.getMember("functions").getArraySize() + " functions · " + elapsed + " · "
                    + events + " events · " + lost + " lost · " + kernel;
            put(id, MimeBundle.plain(line).with(MimeBundle.HTML, "<small>" + Html.escape(line) + "</small>"));
            for (var name : tables()) {
                var table = program.invokeMember("table", name);
                if (SHOWN_TABLES.contains(table.getMember("type").asString())) {
                    table(name, table, last);
                }
            }
        }

        private void table(String name, Value table, boolean last) {
            var rows = new ArrayList<View.Row>();
            var slots = new TreeMap<Long, Long>();
            var all = table.invokeMember("rows");
            boolean array = table.getMember("type").asString().endsWith("ARRAY");
            boolean numbers = true;
            for (long i = 0; i < all.getArraySize(); i++) {
                var key = GuestValues.view(all.getArrayElement(i).getArrayElement(0));
                var value = GuestValues.summed(
                        all.getArrayElement(i).getArrayElement(1),
                        table.getMember("type").asString().contains("PERCPU"));
                if (array && value instanceof Int zero && zero.value() == 0) {
                    continue;
                }
                numbers &= value instanceof Int;
                if (key instanceof Int slot && value instanceof Int count) {
                    slots.put(slot.value(), count.value());
                }
                rows.add(new View.Row(List.of(key), value));
            }
            if (rows.isEmpty()) {
                return;
            }
            var origin = live ? "" : kernel;
            if (table.getMember("isHistogram").asBoolean() && slots.size() == rows.size()) {
                put(id + name, MapBundles.of(GuestValues.log2Bars(name, slots), origin));
            } else {
                var map = View.MapView.sorted(name, true, numbers ? View.Shape.NUMBER : View.Shape.OTHER, rows)
                        .labelled(new View.Labels("", "", origin));
                put(id + name, MapBundles.of(map, last));
            }
        }

        private void put(String place, MimeBundle bundle) {
            if (shown.contains(place)) {
                output.update(bundle, place);
            } else {
                shown.add(place);
                output.display(bundle, place);
            }
        }
    }

    @Override
    public Kernel.Completions complete(String body, int cursor) {
        return BpfCWords.complete(body, cursor);
    }

    @Override
    public Optional<MimeBundle> inspect(String body, int cursor, int detail) {
        return BpfCWords.meaning(body, cursor).map(MimeBundle::plain);
    }

    @Override
    public Kernel.Completeness isComplete(String body) {
        int open = GuestLanguage.open(body, false);
        return open < 0
                ? new Kernel.Completeness.Invalid()
                : open > 0
                        ? new Kernel.Completeness.Incomplete("    ".repeat(open))
                        : new Kernel.Completeness.Complete();
    }

    @Override
    public void interrupt() {
        stopped = running;
        if (running) {
            workspace().guests().interrupt();
        }
    }

    @Override
    public void close() {
        stopped = true;
    }
}
