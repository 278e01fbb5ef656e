package skep.bindings.python;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.TreeSet;
import java.util.concurrent.CancellationException;
import java.util.concurrent.locks.LockSupport;
import java.util.regex.Pattern;
import org.graalvm.polyglot.Value;
import skep.session.SyscallNames;
import skep.session.bcc.BccException;
import skep.session.bcc.BccHost;
import skep.session.bcc.BccSession;
import skep.session.bcc.EventBuffer;
import skep.session.bcc.Inquiry;
import skep.target.LoadedMap;
import skep.target.Target;

/**
 * What Python calls: one object, numbers and strings in and out. Sessions, buffers and links are numbers. Failures are
 * told by {@link #failure} after a call has returned a negative number or nothing, so that no exception of Java's crosses
 * but those of callbacks, which come from Python.
 */
public final class Bridge implements AutoCloseable {
    /** A call into Java is not interrupted by Ctrl-C: none waits longer. */
    private static final int MAX_WAIT_MILLIS = 100;

    private static final int FAILED = -1;
    private static final long MAX_WARM_UP_NANOS = 120_000_000_000L;
    private static final long NAP_NANOS = 1_000_000;

    private final BccHost host;
    private final Target target;
    private final Inquiry inquiry;
    private final List<BccSession> sessions = new ArrayList<>();
    private final List<EventBuffer> buffers = new ArrayList<>();
    private final List<Value> callbacks = new ArrayList<>();
    private final Journal journal = new Journal();
    private volatile long stopAtNanos = Long.MAX_VALUE;
    private volatile boolean refused;
    private boolean lockstep;
    private long stopAfterNanos = Long.MAX_VALUE;
    private String failure = "";
    private String failedStep = "";

    Bridge(BccHost host) {
        this.host = host;
        this.target = host.target();
        this.inquiry = new Inquiry(host);
    }

    /** From this moment of {@link System#nanoTime} on the script is asked to end, as by Ctrl-C. */
    void stopAt(long nanos) {
        stopAtNanos = nanos;
    }

    /** The script is asked to end this long after it has attached its first program. */
    void stopAfterAttaching(long nanos) {
        stopAfterNanos = nanos;
    }

    /** Whether the script was asked to end longer ago than this. */
    boolean overdue(Duration grace) {
        return stopAtNanos != Long.MAX_VALUE && System.nanoTime() - stopAtNanos > grace.toNanos();
    }

    /** From now on calls that scripts make again and again end in an exception: for a script that does not end. */
    void refuse() {
        refused = true;
    }

    /**
     * A simulated kernel's time passes only while the script waits for it, so that whatever the script reads is of a moment
     * that it knows. Called before the script begins.
     */
    void lockstep() {
        lockstep = true;
        target.holdAt(target.monotonicNanos());
    }

    /**
     * Lets a simulated kernel run for a while before the script comes, so that every task has been switched to once.
     *
     * @return whether it came so far
     */
    boolean warmUp(Duration length) {
        long until = target.monotonicNanos() + length.toNanos();
        target.holdAt(until);
        host.startIfNeeded();
        long giveUp = System.nanoTime() + MAX_WARM_UP_NANOS;
        while (target.monotonicNanos() < until && !target.ended() && System.nanoTime() - giveUp < 0) {
            LockSupport.parkNanos(NAP_NANOS);
        }
        return target.monotonicNanos() >= until;
    }

    private void waitsUntil(long monotonicNanos) {
        if (lockstep) {
            target.holdAt(monotonicNanos);
        }
    }

    private void stillWanted() {
        if (refused) {
            throw new CancellationException("the script was told to end, and did not");
        }
    }

    Journal journal() {
        return journal;
    }

    List<BccSession> sessions() {
        return List.copyOf(sessions);
    }

    /** What a script prints, when its output is kept. */
    public void print(String text) {
        stillWanted();
        journal.print(text);
    }

    /** Why the last call failed; its first line says where: compile, load, attach, table. */
    public String failure() {
        return failure;
    }

    public String failedStep() {
        return failedStep;
    }

    private int failed(RuntimeException reason) {
        failure = reason instanceof BccException || reason instanceof skep.target.TargetException
                ? String.valueOf(reason.getMessage())
                : reason.toString();
        failedStep = reason instanceof BccException bcc ? bcc.step().name() : "TABLE";
        journal.failed(failedStep, failure);
        return FAILED;
    }

    @FunctionalInterface
    private interface Call {
        int make();
    }

    private int attaching(Call call) {
        int link = guarded(call);
        if (link != FAILED) {
            journal.attached();
            if (stopAfterNanos != Long.MAX_VALUE) {
                stopAtNanos = System.nanoTime() + stopAfterNanos;
            }
        }
        return link;
    }

    private int guarded(Call call) {
        try {
            return call.make();
        } catch (org.graalvm.polyglot.PolyglotException ofScript) {
            throw ofScript;
        } catch (RuntimeException refused) {
            return failed(refused);
        }
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.ISO_8859_1);
    }

    private static String text(byte[] bytes) {
        return new String(bytes, StandardCharsets.ISO_8859_1);
    }

    // ---- programs

    /**
     * Compiles a program; its number, or -1.
     *
     * @param flags of the compiler, separated by line ends
     * @param usdt lines {@code path TAB provider TAB name TAB function}
     * @param folder where {@code #include "…"} looks first, or empty
     */
    public int compile(String text, String file, String flags, String usdt, String folder) {
        return guarded(() -> {
            var session = host.open(
                    text,
                    file,
                    flags.lines().toList(),
                    inquiry.usdtArguments(usdt.lines().toList()),
                    inquiry.includes(folder));
            sessions.add(session);
            journal.compiled();
            return sessions.size() - 1;
        });
    }

    /** Tables and functions, as {@link BccSession#description} has them. */
    public String describe(int program) {
        return sessions.get(program).description();
    }

    public String warnings(int program) {
        return String.join("", sessions.get(program).warnings());
    }

    public int load(int program, String function, int type, int attachType) {
        return guarded(() -> sessions.get(program).load(function, type, attachType));
    }

    public int attachPacket(int program, String kind, String function, String target, long flags) {
        return attaching(() -> sessions.get(program).attachPacket(kind, function, target, flags));
    }

    public int socket(int program, int link) {
        return sessions.get(program).socket(link);
    }

    public void closeProgram(int program) {
        sessions.get(program).close();
    }

    public int attachKprobe(int program, String function, boolean returns, String event, long offset) {
        return attaching(() -> sessions.get(program).attachKprobe(function, returns, event, offset));
    }

    public int attachTracepoint(int program, String function, String category, String event) {
        return attaching(() -> sessions.get(program).attachTracepoint(function, category, event));
    }

    public int attachRawTracepoint(int program, String function, String event) {
        return attaching(() -> sessions.get(program).attachRawTracepoint(function, event));
    }

    public int attachTyped(int program, String kind, String function, String event) {
        return attaching(() -> sessions.get(program).attachTyped(kind, function, event));
    }

    public int attachUprobe(
            int program, String function, boolean returns, String path, String symbol, long offset, int pid) {
        return attaching(() -> sessions.get(program).attachUprobe(function, returns, path, symbol, offset, pid));
    }

    /** All places of a static probe; the numbers of the links, separated by blanks, or empty on failure. */
    public String attachUsdt(int program, String function, String path, String provider, String name, int pid) {
        var links = new StringBuilder();
        int result = attaching(() -> {
            for (var place : inquiry.staticPlaces(path, provider, name)) {
                int link = sessions.get(program)
                        .attachUsdt(
                                function,
                                path,
                                place.provider() + ":" + place.name(),
                                place.offset(),
                                place.arguments(),
                                pid);
                links.append(link).append(' ');
            }
            return 0;
        });
        return result == FAILED ? "" : links.toString().strip();
    }

    public int attachPerfEvent(
            int program, String function, int type, long config, long period, long frequency, int pid) {
        return attaching(() -> sessions.get(program).attachPerfEvent(function, type, config, period, frequency, pid));
    }

    public boolean detach(int program, int link) {
        return sessions.get(program).detach(link);
    }

    // ---- tables

    private LoadedMap table(int program, String name) {
        return sessions.get(program).table(name);
    }

    /** A value, or nothing. */
    public Object lookup(int program, String table, String key) {
        return table(program, table)
                .lookup(bytes(key))
                .<Object>map(Bridge::text)
                .orElse(false);
    }

    /** Takes a value out, or nothing. */
    public Object take(int program, String table, String key) {
        return table(program, table)
                .lookupAndDelete(bytes(key))
                .<Object>map(Bridge::text)
                .orElse(false);
    }

    public int update(int program, String table, String key, String value, long flags) {
        return guarded(() -> {
            table(program, table).update(bytes(key), bytes(value), flags);
            return 0;
        });
    }

    public boolean delete(int program, String table, String key) {
        return table(program, table).delete(bytes(key));
    }

    /** Keys and values of all entries, one behind the other. */
    public String entries(int program, String table) {
        return joined(table(program, table).entries());
    }

    /** The same, taken out. */
    public String takeAll(int program, String table) {
        return joined(table(program, table).takeAll());
    }

    private static String joined(List<LoadedMap.Entry> entries) {
        int size = entries.stream()
                .mapToInt(e -> e.key().length + e.value().length)
                .sum();
        var all = new byte[size];
        int at = 0;
        for (var entry : entries) {
            System.arraycopy(entry.key(), 0, all, at, entry.key().length);
            at += entry.key().length;
            System.arraycopy(entry.value(), 0, all, at, entry.value().length);
            at += entry.value().length;
        }
        return text(all);
    }

    public int updateAll(int program, String table, String entries, int keyBytes, int valueBytes) {
        return guarded(() -> {
            var list = new ArrayList<LoadedMap.Entry>();
            for (int at = 0; at < entries.length(); at += keyBytes + valueBytes) {
                list.add(new LoadedMap.Entry(
                        bytes(entries.substring(at, at + keyBytes)),
                        bytes(entries.substring(at + keyBytes, at + keyBytes + valueBytes))));
            }
            table(program, table).updateAll(list);
            return 0;
        });
    }

    public int deleteAll(int program, String table, String keys, int keyBytes) {
        return guarded(() -> {
            var list = new ArrayList<byte[]>();
            for (int at = 0; at < keys.length(); at += keyBytes) {
                list.add(bytes(keys.substring(at, at + keyBytes)));
            }
            table(program, table).deleteAll(list);
            return 0;
        });
    }

    public void clear(int program, String table) {
        table(program, table).clear();
    }

    /** What a map of maps holds for a table. */
    public int handle(int program, String table) {
        return table(program, table).handle();
    }

    // ---- events

    /** Opens a perf or ring buffer; its number, or -1. The callback gets CPU, size and the fields. */
    public int openBuffer(int program, String table, long bytesPerCpu, Value callback) {
        return guarded(() -> {
            buffers.add(sessions.get(program).openBuffer(table, bytesPerCpu));
            callbacks.add(callback);
            journal.opened();
            return buffers.size() - 1;
        });
    }

    /** Puts counters into a table of perf events; 0, or -1. */
    public int openCounters(int program, String table, int type, long config) {
        return guarded(() -> {
            sessions.get(program).openCounters(table, type, config);
            return 0;
        });
    }

    /** Polls the buffers of these numbers for at most a tenth of a second; how many records were handed over. */
    public int poll(int[] numbers, int timeoutMillis) {
        stillWanted();
        int wait = Math.clamp(timeoutMillis, 0, MAX_WAIT_MILLIS);
        long end = System.nanoTime() + wait * 1_000_000L;
        long held = target.monotonicNanos() + wait * 1_000_000L;
        waitsUntil(held);
        while (true) {
            int count = 0;
            boolean timeStands = lockstep && target.monotonicNanos() >= held;
            for (int i = 0; i < numbers.length; i++) {
                var callback = callbacks.get(numbers[i]);
                // The last one may wait alone; several take turns.
                int turn = timeStands ? 0 : lockstep || numbers.length > 1 ? i == 0 ? Math.min(wait, 5) : 0 : wait;
                count += buffers.get(numbers[i]).poll(turn, callback::executeVoid);
            }
            if (count > 0 || timeStands || System.nanoTime() >= end || ended()) {
                journal.records(count);
                return count;
            }
        }
    }

    /** All bytes of the record that the running callback has got. */
    public String record(int buffer) {
        return buffers.get(buffer).currentBytes();
    }

    public long newlyLost(int buffer) {
        return buffers.get(buffer).newlyLost();
    }

    public void closeBuffer(int buffer) {
        buffers.get(buffer).close();
    }

    // ---- what is asked of the target

    public String spec() {
        return target.spec();
    }

    public boolean live() {
        return target.isLive();
    }

    /** Whether the target has come to its end, or the script is to. */
    public boolean ended() {
        stillWanted();
        return target.ended() || stopping();
    }

    /** Whether the script is to end although there may be more to read. */
    public boolean stopping() {
        return stopAtNanos != Long.MAX_VALUE && System.nanoTime() - stopAtNanos >= 0;
    }

    public int possibleCpus() {
        return target.kernel().possibleCpus();
    }

    public String machine() {
        return target.kernel().arch().machine();
    }

    public String release() {
        return target.kernel().version().toString();
    }

    public long monotonicNanos() {
        return target.monotonicNanos();
    }

    public long wallNanos() {
        return target.monotonicNanos() + target.wallClockOffsetNanos();
    }

    /** Lets the clock of a simulated kernel run. */
    public void start() {
        host.startIfNeeded();
    }

    /** {@code offset TAB name TAB module}, or empty. */
    public String kernelSymbol(long address) {
        return target.kernel()
                .symbolAt(address)
                .map(symbol -> symbol.offset() + "\t" + symbol.name() + "\t" + symbol.module())
                .orElse("");
    }

    public String userSymbol(int pid, long address) {
        return target.userSymbol(pid, address)
                .map(symbol -> symbol.offset() + "\t" + symbol.name() + "\t" + symbol.module())
                .orElse("");
    }

    /** The address of a kernel symbol, or -1; kernels that hide addresses show 0. */
    public long kernelSymbolAddress(String name) {
        return target.kernel().symbolAddress(name).orElse(-1L);
    }

    public boolean hasFunction(String name) {
        return target.kernel().hasFunction("", name);
    }

    /** Kernel functions whose whole name matches, one a line. */
    public String kernelFunctions(String pattern) {
        return inquiry.kernelFunctions(Pattern.compile(pattern));
    }

    /** Tracepoints {@code category:event} whose whole name matches, one a line. */
    public String tracepoints(String pattern) {
        return inquiry.tracepoints(Pattern.compile(pattern));
    }

    public boolean hasTracepoint(String category, String event) {
        return target.kernel().tracepoint(category, event).isPresent();
    }

    /** 1, 0, or -1 if the kernel has no such structure or no types. */
    public int structHasField(String struct, String field) {
        return inquiry.structHasField(struct, field);
    }

    public boolean hasType(String kind, String name) {
        return inquiry.hasType(kind, name);
    }

    /** Whether the target allows a feature, by its name in {@link skep.isa.kernel.Feature}. */
    public boolean supports(String feature) {
        return inquiry.supports(feature);
    }

    /** The path of a library ({@code c}) or program, or empty. */
    public String findLibrary(String name) {
        return inquiry.library(name).orElse("");
    }

    public String findProgram(String name) {
        return inquiry.program(name).orElse("");
    }

    /** Functions of a binary whose whole name matches, one a line. */
    public String userFunctions(String path, String pattern) {
        return inquiry.userFunctions(path, Pattern.compile(pattern));
    }

    /** Static probes of a binary, a place each: see {@link Inquiry#staticProbes}. */
    public String staticProbes(String path) {
        return inquiry.staticProbes(path);
    }

    /** {@code number TAB name}, one a line. */
    public String syscalls() {
        var lines = new TreeSet<String>();
        SyscallNames.all(target.kernel().arch()).forEach((number, name) -> lines.add(number + "\t" + name));
        return String.join("\n", lines);
    }

    /** A file of a simulated system; nothing if the target has none of its own by this name. */
    public Object readFile(String path) {
        return target.readFile(path).<Object>map(Bridge::text).orElse(false);
    }

    /** The names in a folder of a simulated system, one a line. */
    public Object readLink(String path) {
        return target.readLink(path).<Object>map(link -> link).orElse(false);
    }

    /** Inode, mode, size and device of a file of a simulated system, with blanks between them; false if there is none. */
    public Object fileStatus(String path) {
        return target.fileStatus(path)
                .<Object>map(s -> s.inode() + " " + s.mode() + " " + s.sizeBytes() + " " + s.device())
                .orElse(false);
    }

    public Object listFolder(String path) {
        return target.listFolder(path)
                .<Object>map(names -> String.join("\n", names))
                .orElse(false);
    }

    /** The next line of the trace, or an empty string after a tenth of a second. */
    public String traceLine() {
        waitsUntil(target.monotonicNanos() + MAX_WAIT_MILLIS * 1_000_000L);
        return target.traceLine(MAX_WAIT_MILLIS).orElse("");
    }

    public boolean isAlive(int pid) {
        return target.isAlive(pid);
    }

    /** Starts a program of the target that the script asks for as a command; its pid. */
    public int spawn(String command) {
        return guarded(() -> {
            var process = target.spawn(command);
            process.start();
            return process.pid();
        });
    }

    /** Waits at most a tenth of a second of the target's time, until this moment; whether it has come. */
    public boolean sleepUntil(long monotonicNanos) {
        waitsUntil(monotonicNanos);
        try {
            return ended() || target.sleepUntil(monotonicNanos, Duration.ofMillis(MAX_WAIT_MILLIS));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    /** Text of a file of this machine, for includes and sources; empty if it cannot be read. */
    static Optional<String> file(Path path) {
        try {
            return Optional.of(Files.readString(path, StandardCharsets.ISO_8859_1));
        } catch (java.io.IOException e) {
            return Optional.empty();
        }
    }

    @Override
    public void close() {
        host.close();
    }
}
