package skep.session.bcc;

import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import skep.c.bcc.AttachHint;
import skep.c.bcc.BccFunction;
import skep.c.bcc.BccTable;
import skep.c.bcc.CTypeInfo;
import skep.c.pp.IncludeProvider;
import skep.session.Targets;
import skep.source.Source;
import skep.target.TargetException;
import skep.target.ToolCommand;

/**
 * {@code run FILE.c}: a C file alone. Its functions are attached where their names or sections say, its events are printed
 * as they come, its tables at the end.
 */
public final class CProgramCommand implements ToolCommand {
    private static final int POLL_MILLIS = 100;
    private static final int BUFFER_BYTES = 1 << 16;
    private static final long STOP_SECONDS = 3;

    @Override
    public String name() {
        return "run";
    }

    @Override
    public String summary() {
        return """
                compiles and runs a C program: BCC's dialect, or libbpf's sections and maps
                  run [--target SPEC] [--duration 3s] [-DNAME[=VALUE]] FILE.c""";
    }

    @Override
    public boolean accepts(List<String> arguments) {
        return arguments.stream().anyMatch(a -> a.endsWith(".c"));
    }

    /** The command line taken apart. */
    private record Order(String target, Optional<Duration> duration, List<String> flags, String file) {
        static Optional<Order> read(List<String> arguments) {
            var target = Targets.LIVE;
            Optional<Duration> duration = Optional.empty();
            var flags = new ArrayList<String>();
            var file = "";
            for (int i = 0; i < arguments.size(); i++) {
                var argument = arguments.get(i);
                boolean last = i + 1 == arguments.size();
                if (argument.equals("--target") && !last) {
                    target = arguments.get(++i);
                } else if (argument.equals("--duration") && !last) {
                    duration = lasting(arguments.get(++i));
                    if (duration.isEmpty()) {
                        return Optional.empty();
                    }
                } else if (argument.startsWith("-D") || argument.startsWith("-U")) {
                    flags.add(argument);
                } else if (file.isEmpty() && !argument.startsWith("-")) {
                    file = argument;
                } else {
                    return Optional.empty();
                }
            }
            return file.isEmpty() ? Optional.empty() : Optional.of(new Order(target, duration, flags, file));
        }
    }

    private static Optional<Duration> lasting(String text) {
        var match = Pattern.compile("([0-9]{1,9})(ms|s|m)").matcher(text);
        if (!match.matches()) {
            return Optional.empty();
        }
        long number = Long.parseLong(match.group(1));
        return Optional.of(
                switch (match.group(2)) {
                    case "ms" -> Duration.ofMillis(number);
                    case "s" -> Duration.ofSeconds(number);
                    default -> Duration.ofMinutes(number);
                });
    }

    @Override
    public int run(List<String> arguments, InputStream in, PrintStream out, PrintStream err) {
        var order = Order.read(arguments);
        if (order.isEmpty()) {
            err.println("usage: run [--target SPEC] [--duration 500ms|3s|1m] [-DNAME[=VALUE]] FILE.c");
            return 2;
        }
        try {
            return run(order.get(), out, err);
        } catch (IOException unreadable) {
            err.println("ERROR: cannot read " + order.get().file + ": " + unreadable.getMessage());
        } catch (BccException | TargetException | IllegalArgumentException failure) {
            err.println(failure.getMessage());
        }
        return 1;
    }

    private static int run(Order order, PrintStream out, PrintStream err) throws IOException {
        var text = Files.readString(Path.of(order.file));
        try (var target = Targets.open(order.target);
                var host = new BccHost(target, order.duration, err::println)) {
            var session = host.open(text, order.file, order.flags, List.of(), beside(Path.of(order.file)));
            session.warnings().forEach(err::print);
            int attached = 0;
            for (var function : session.program().functions()) {
                attached += attach(session, function, err) ? 1 : 0;
            }
            if (attached == 0) {
                err.println("ERROR: no function says where it is to be attached: name it kprobe__…, tracepoint__…__…, "
                        + "or give it a section");
                return 1;
            }
            host.startIfNeeded();
            listen(order, session, target::ended, target.isLive(), out);
            new TableText(out).print(session);
        }
        return 0;
    }

    /** Files that the program includes lie beside it. */
    private static IncludeProvider beside(Path file) {
        return (name, angled, includer) -> {
            var path = file.resolveSibling(name);
            try {
                return Files.isRegularFile(path)
                        ? Optional.of(new Source(name, Files.readString(path)))
                        : Optional.empty();
            } catch (IOException unreadable) {
                return Optional.empty();
            }
        };
    }

    // Attaching

    private static boolean attach(BccSession session, BccFunction function, PrintStream err) {
        var name = function.name();
        switch (function.hint()) {
            case AttachHint.None h -> {
                err.println("WARNING: nothing says where " + name + " is to be attached");
                return false;
            }
            case AttachHint.Kprobe h -> session.attachKprobe(name, false, h.function(), 0);
            case AttachHint.Kretprobe h -> session.attachKprobe(name, true, h.function(), 0);
            case AttachHint.Tracepoint h -> session.attachTracepoint(name, h.category(), h.event());
            case AttachHint.RawTracepoint h -> session.attachRawTracepoint(name, h.event());
            case AttachHint.Kfunc h -> session.attachTyped("kfunc", name, h.function());
            case AttachHint.Kretfunc h -> session.attachTyped("kretfunc", name, h.function());
            case AttachHint.KmodRet h -> session.attachTyped("fmod_ret", name, h.function());
            case AttachHint.Lsm h -> session.attachTyped("lsm", name, h.hook());
            case AttachHint.Iterator h -> session.attachTyped("iter", name, h.target());
            case AttachHint.Section h -> {
                return attachSection(session, name, h.section(), err);
            }
        }
        return true;
    }

    private static boolean attachSection(BccSession session, String name, String section, PrintStream err) {
        var parts = section.split("/", 3);
        var event = parts.length > 1 ? parts[1] : "";
        switch (parts[0]) {
            case "kprobe" -> session.attachKprobe(name, false, event, 0);
            case "kretprobe" -> session.attachKprobe(name, true, event, 0);
            case "tp", "tracepoint" -> session.attachTracepoint(name, event, parts.length > 2 ? parts[2] : "");
            case "raw_tp", "raw_tracepoint" -> session.attachRawTracepoint(name, event);
            case "fentry" -> session.attachTyped("kfunc", name, event);
            case "fexit" -> session.attachTyped("kretfunc", name, event);
            case "fmod_ret", "lsm" -> session.attachTyped(parts[0], name, event);
            default -> {
                err.println("WARNING: " + name + " is not attached: section \"" + section + "\" is not supported here");
                return false;
            }
        }
        return true;
    }

    // Events

    private interface Ended {
        boolean check();
    }

    private static void listen(Order order, BccSession session, Ended ended, boolean live, PrintStream out) {
        Map<BccTable, EventBuffer> buffers = new LinkedHashMap<>();
        for (var table : session.program().tables()) {
            if (table.event().isPresent()) {
                buffers.put(table, session.openBuffer(table.name(), BUFFER_BYTES));
            }
        }
        var done = new CountDownLatch(1);
        var stop = new CountDownLatch(1);
        var hook = new Thread(() -> {
            stop.countDown();
            try {
                done.await(STOP_SECONDS, TimeUnit.SECONDS);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        });
        Runtime.getRuntime().addShutdownHook(hook);
        long end = order.duration.map(d -> System.nanoTime() + d.toNanos()).orElse(Long.MAX_VALUE);
        boolean more = true;
        while (more) {
            more = stop.getCount() > 0 && !ended.check() && !(live && System.nanoTime() > end);
            int events = 0;
            for (var entry : buffers.entrySet()) {
                events += poll(entry.getKey(), entry.getValue(), out);
            }
            if (buffers.isEmpty() && more) {
                sleep();
            }
            more |= events > 0 && stop.getCount() > 0;
        }
        buffers.forEach((table, buffer) -> {
            buffer.close();
            tellLost(table, buffer, out);
        });
        done.countDown();
        if (stop.getCount() > 0) {
            Runtime.getRuntime().removeShutdownHook(hook);
        }
    }

    private static int poll(BccTable table, EventBuffer buffer, PrintStream out) {
        var type = table.event().orElseThrow();
        int count = buffer.poll(POLL_MILLIS, values -> {
            var bytes = buffer.currentBytes().getBytes(StandardCharsets.ISO_8859_1);
            out.println(table.name() + ": " + ValueText.of(type, bytes, 0));
        });
        tellLost(table, buffer, out);
        return count;
    }

    private static void tellLost(BccTable table, EventBuffer buffer, PrintStream out) {
        long lost = buffer.newlyLost();
        if (lost > 0) {
            out.println(table.name() + ": lost " + lost + " events");
        }
    }

    private static void sleep() {
        try {
            Thread.sleep(POLL_MILLIS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** What tables hold, as text. */
    private record TableText(PrintStream out) {
        private static final int BAR = 40;

        void print(BccSession session) {
            for (var table : session.program().tables()) {
                switch (table.type()) {
                    case HASH, ARRAY, LRU_HASH, PERCPU_HASH, PERCPU_ARRAY, LRU_PERCPU_HASH -> entries(session, table);
                    default -> {}
                }
            }
        }

        private void entries(BccSession session, BccTable table) {
            var map = session.table(table.name());
            int stride = (table.leaf().sizeBytes() + 7) / 8 * 8;
            var counts = new LinkedHashMap<Integer, Long>();
            for (var entry : map.entries()) {
                if (isZero(entry.value()) && table.type().name().endsWith("ARRAY")) {
                    continue;
                }
                if (table.histogram() && table.key() instanceof CTypeInfo.IntegerType) {
                    counts.put(
                            (int) ValueText.number(entry.key(), 0, 4, true),
                            ValueText.number(entry.value(), 0, 8, false));
                    continue;
                }
                var key = ValueText.of(table.key(), entry.key(), 0);
                var value = map.spec().perCpu()
                        ? perCpu(table, entry.value(), stride)
                        : ValueText.of(table.leaf(), entry.value(), 0);
                out.println(table.name() + "[" + key + "]: " + value);
            }
            histogram(table, counts);
        }

        private static boolean isZero(byte[] bytes) {
            for (byte b : bytes) {
                if (b != 0) {
                    return false;
                }
            }
            return true;
        }

        /** Numbers of all CPUs are added up. */
        private static String perCpu(BccTable table, byte[] values, int stride) {
            if (table.leaf() instanceof CTypeInfo.IntegerType i && i.sizeBytes() <= 8) {
                long sum = 0;
                for (int at = 0; at < values.length; at += stride) {
                    sum += ValueText.number(values, at, i.sizeBytes(), i.signed());
                }
                return Long.toString(sum);
            }
            var list = new ArrayList<String>();
            for (int at = 0; at < values.length; at += stride) {
                list.add(ValueText.of(table.leaf(), values, at));
            }
            return list.toString();
        }

        private void histogram(BccTable table, Map<Integer, Long> counts) {
            if (counts.isEmpty()) {
                return;
            }
            out.println(table.name() + ":");
            long most =
                    counts.values().stream().mapToLong(Long::longValue).max().orElse(1);
            int last =
                    counts.keySet().stream().mapToInt(Integer::intValue).max().orElse(0);
            for (int slot = counts.keySet().stream()
                            .mapToInt(Integer::intValue)
                            .min()
                            .orElse(0);
                    slot <= last;
                    slot++) {
                long count = counts.getOrDefault(slot, 0L);
                long low = slot <= 1 ? slot : 1L << (slot - 1);
                long high = slot == 0 ? 0 : (1L << slot) - 1;
                int bar = (int) (count * BAR / Math.max(1, most));
                out.printf("%12d -> %-12d : %-8d |%s|%n", low, high, count, "*".repeat(bar) + " ".repeat(BAR - bar));
            }
        }
    }
}
