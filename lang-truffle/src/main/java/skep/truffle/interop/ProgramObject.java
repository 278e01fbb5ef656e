package skep.truffle.interop;

import com.oracle.truffle.api.interop.InteropException;
import com.oracle.truffle.api.interop.InteropLibrary;
import com.oracle.truffle.api.source.Source;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import skep.session.bcc.BccException;
import skep.session.bcc.BccHost;
import skep.session.bcc.BccSession;
import skep.session.bcc.EventBuffer;
import skep.session.bcc.TypedTable;
import skep.target.Target;
import skep.target.TargetException;
import skep.truffle.lang.Tracing;

/**
 * A C program: its tables are there, its functions are loaded when they are first attached. {@code attach…} return the number of
 * a link, which {@code detach} takes; callbacks of tables run in {@code poll}.
 */
public final class ProgramObject extends GuestObject implements AutoCloseable {
    /** A guest's thread is not kept longer than this without asking Truffle. */
    private static final int TURN_MILLIS = 50;

    private static final long DEFAULT_BUFFER_BYTES = 64L << 10;

    private static final Members<ProgramObject> MEMBERS = new Members<ProgramObject>()
            .property("name", program -> program.source.getName())
            .property("functions", program -> new ArrayObject(program.session.functionNames()))
            .property("tables", program -> new ArrayObject(program.session.tableNames()))
            .property("warnings", program -> new ArrayObject(program.session.warnings()))
            .property("notices", program -> new ArrayObject(program.notices))
            .property("ended", program -> program.target.ended())
            .property("lost", ProgramObject::lost)
            .property("machine", program -> program.target.kernel().arch().machine())
            .property("nsecs", program -> program.target.monotonicNanos())
            .method("table", 1, 1, (program, a) -> program.table(Guest.string(a[0])))
            .method("load", 2, 3, (program, a) -> program.load(a))
            .method("attachKprobe", 2, 3, (program, a) -> program.kprobe(false, a))
            .method("attachKretprobe", 2, 2, (program, a) -> program.kprobe(true, a))
            .method("attachTracepoint", 2, 2, (program, a) -> program.tracepoint(a))
            .method(
                    "attachRawTracepoint",
                    2,
                    2,
                    (program, a) -> program.session.attachRawTracepoint(Guest.string(a[1]), Guest.string(a[0])))
            .method("attachKfunc", 2, 2, (program, a) -> program.typed("kfunc", a))
            .method("attachKretfunc", 2, 2, (program, a) -> program.typed("kretfunc", a))
            .method("attachUprobe", 3, 4, (program, a) -> program.uprobe(false, a))
            .method("attachUretprobe", 3, 4, (program, a) -> program.uprobe(true, a))
            .method("attachPerfEvent", 3, 5, ProgramObject::perfEvent)
            .method("detach", 1, 1, (program, a) -> program.session.detach(Guest.integer32(a[0])))
            .method("detachAll", 0, 0, (program, _) -> program.detachAll())
            .method("on", 2, 3, ProgramObject::on)
            .method("poll", 0, 1, ProgramObject::poll)
            .method("sleep", 1, 1, (program, a) -> program.sleep(Guest.number(a[0])))
            .method("traceLine", 0, 0, (program, _) -> Guest.orNull(program.target.traceLine(TURN_MILLIS)))
            .method("symbol", 1, 1, (program, a) -> program.symbol(Guest.integer64(a[0])))
            .method("close", 0, 0, (program, _) -> program.closed());

    private final Tracing tracing;
    private final Source source;
    private final Target target;
    private final BccHost host;
    private final BccSession session;
    private final List<String> notices;
    private final List<Integer> attached = new ArrayList<>();
    private final Map<String, Listener> listeners = new LinkedHashMap<>();

    /** Losses of buffers that are no longer listened to. */
    private long lostBefore;

    private record Listener(TypedTable table, EventBuffer buffer, Object function) {}

    private ProgramObject(
            Tracing tracing, Source source, Target target, BccHost host, BccSession session, List<String> notices) {
        this.tracing = tracing;
        this.source = source;
        this.target = target;
        this.host = host;
        this.session = session;
        this.notices = notices;
    }

    public static ProgramObject compile(Tracing tracing, Source source) {
        return compile(tracing, source, ProgramOptions.NONE);
    }

    /** @throws GuestException with the place of what is wrong */
    static ProgramObject compile(Tracing tracing, Source source, ProgramOptions options) {
        var target = tracing.open(options.target().orElseGet(tracing::spec));
        var notices = new ArrayList<String>();
        var host = new BccHost(target, options.duration(), notices::add);
        try {
            var session = host.open(source.getCharacters().toString(), source.getName(), options.cflags());
            var program = new ProgramObject(tracing, source, target, host, session, notices);
            tracing.keep(program);
            return program;
        } catch (BccException mistake) {
            host.close();
            target.close();
            throw GuestException.of(mistake, source);
        } catch (TargetException refused) {
            host.close();
            target.close();
            throw GuestException.of(refused);
        }
    }

    /** Attaches what says by its name where it goes. */
    public ProgramObject attached() {
        try {
            attached.addAll(session.attachHinted());
            return this;
        } catch (BccException mistake) {
            close();
            throw GuestException.of(mistake, source);
        }
    }

    @Override
    Members<?> table() {
        return MEMBERS;
    }

    @Override
    String kind() {
        return "Program";
    }

    @Override
    String text() {
        return "program " + source.getName() + " with " + String.join(", ", session.functionNames());
    }

    /** With the place in the C text. */
    @Override
    RuntimeException guestForm(RuntimeException failure) {
        return failure instanceof BccException mistake ? GuestException.of(mistake, source) : super.guestForm(failure);
    }

    /** Detaches what was attached by its name; the tables stay as they are. */
    private Object detachAll() {
        attached.forEach(session::detach);
        attached.clear();
        return this;
    }

    /** A function, the type of its program, and of its attachment for types that must know it beforehand. */
    private Object load(Object[] arguments) {
        int attachType = arguments.length > 2 ? Guest.integer32(arguments[2]) : -1;
        return session.load(Guest.string(arguments[0]), Guest.integer32(arguments[1]), attachType);
    }

    private Object table(String name) {
        return new TableObject(session.typedTable(name));
    }

    private Object kprobe(boolean returns, Object[] a) {
        long offset = a.length > 2 ? Guest.integer64(a[2]) : 0;
        return session.attachKprobe(Guest.string(a[1]), returns, Guest.string(a[0]), offset);
    }

    private Object tracepoint(Object[] a) {
        var name = Guest.string(a[0]).split(":", 2);
        if (name.length < 2) {
            throw new IllegalArgumentException("a tracepoint is named category:event, not " + name[0]);
        }
        return session.attachTracepoint(Guest.string(a[1]), name[0], name[1]);
    }

    private Object typed(String kind, Object[] a) {
        return session.attachTyped(kind, Guest.string(a[1]), Guest.string(a[0]));
    }

    private Object uprobe(boolean returns, Object[] a) {
        int pid = a.length > 3 ? Guest.integer32(a[3]) : -1;
        return session.attachUprobe(Guest.string(a[2]), returns, Guest.string(a[0]), Guest.string(a[1]), 0, pid);
    }

    private Object perfEvent(Object[] a) {
        long period = a.length > 3 ? Guest.integer64(a[3]) : 0;
        long frequency = a.length > 4 ? Guest.integer64(a[4]) : 0;
        return session.attachPerfEvent(
                Guest.string(a[2]), Guest.integer32(a[0]), Guest.integer64(a[1]), period, frequency, -1);
    }

    private Object on(Object[] a) {
        var name = Guest.string(a[0]);
        var function = Guest.function(a[1]);
        long bytes = a.length > 2 ? Guest.integer64(a[2]) : DEFAULT_BUFFER_BYTES;
        var before = listeners.remove(name);
        if (before != null) {
            end(before);
        }
        listeners.put(name, new Listener(session.typedTable(name), session.openBuffer(name, bytes), function));
        return this;
    }

    private void end(Listener listener) {
        listener.buffer.close();
        lostBefore += listener.buffer.lost();
    }

    /** Records that no callback got, also when none came after them; 0 again only in another program. */
    private long lost() {
        return lostBefore
                + listeners.values().stream()
                        .mapToLong(listener -> listener.buffer.lost())
                        .sum();
    }

    /** Hands over what the tables' buffers hold, waiting for it up to a time in ms; how many records. */
    private Object poll(Object[] a) {
        long millis = a.length == 0 ? 0 : (long) Guest.number(a[0]);
        long deadline = System.nanoTime() + Math.max(0, millis) * 1_000_000;
        host.startIfNeeded();
        while (true) {
            int count = 0;
            for (var listener : List.copyOf(listeners.values())) {
                long left = (deadline - System.nanoTime()) / 1_000_000;
                int turn = Math.clamp(left / Math.max(1, listeners.size()), 0, TURN_MILLIS);
                count += listener.buffer.poll(count > 0 ? 0 : turn, values -> deliver(listener, values));
            }
            if (count > 0 || System.nanoTime() - deadline >= 0 || target.ended()) {
                return count;
            }
            Waiting.sleep(listeners.isEmpty() ? TURN_MILLIS : 0);
        }
    }

    private static void deliver(Listener listener, Object[] values) {
        var record = listener.buffer.currentBytes().getBytes(java.nio.charset.StandardCharsets.ISO_8859_1);
        try {
            InteropLibrary.getUncached()
                    .execute(
                            listener.function,
                            Guest.of(listener.table.event(record)),
                            values[0],
                            listener.buffer.newlyLost());
        } catch (InteropException e) {
            throw GuestException.plain(
                    "the callback of " + listener.table.name() + " cannot be called: " + e.getMessage());
        }
    }

    /** Waits in the target's time; whether it has not ended. */
    private Object sleep(double seconds) {
        host.startIfNeeded();
        long end = target.monotonicNanos() + (long) (seconds * 1e9);
        Waiting.sleepUntil(target, end);
        return !target.ended();
    }

    private Object symbol(long address) {
        return Guest.orNull(target.kernel()
                .symbolAt(address)
                .map(symbol -> symbol.offset() == 0 ? symbol.name() : symbol.name() + "+" + symbol.offset()));
    }

    private Object closed() {
        close();
        return Nothing.NOTHING;
    }

    /** Detaches and frees all. */
    @Override
    public void close() {
        listeners.values().forEach(this::end);
        listeners.clear();
        host.close();
        target.close();
        tracing.forget(this);
    }
}
