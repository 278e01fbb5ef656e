package skep.linux;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.LockSupport;
import skep.linux.sys.Errno;
import skep.target.TargetException;

/**
 * Remembers what every process maps as code from now on, so that addresses of a process can still be named when it has
 * ended. The kernel tells it through the ring of a perf event on each CPU; a thread drains them.
 */
final class MappingRecorder implements AutoCloseable {
    private static final long RING_BYTES = 1 << 18;
    private static final int WAKEUP_BYTES = 1 << 14;
    private static final int POLL_MILLIS = 500;

    /** Processes that are remembered; the one that came first goes first. */
    private static final int MAX_PROCESSES = 20_000;

    private static final int RECORD_COMM = 3;
    private static final int RECORD_FORK = 7;
    private static final int RECORD_MMAP2 = 10;
    private static final int MISC_COMM_EXEC = 1 << 13;

    private final Host host;
    private final List<PerfRing> rings = new ArrayList<>();
    private final Waiter waiter;
    private final boolean local;
    private final Thread thread;
    private volatile boolean closed;

    /** Paths that are kept once, however many processes have them: most map the same libraries. */
    private static final int MAX_SHARED_PATHS = 4_096;

    private final Map<String, String> paths = new LinkedHashMap<>() {
        private static final long serialVersionUID = 1;

        @Override
        protected boolean removeEldestEntry(Map.Entry<String, String> eldest) {
            return size() > MAX_SHARED_PATHS;
        }
    };

    private final Map<Integer, List<Mapping>> processes = new LinkedHashMap<>() {
        private static final long serialVersionUID = 1;

        @Override
        protected boolean removeEldestEntry(Map.Entry<Integer, List<Mapping>> eldest) {
            return size() > MAX_PROCESSES;
        }
    };

    /** Part of a file in the memory of a process; {@code offset} is that of the first byte in the file. */
    record Mapping(long start, long end, long offset, String path) {
        boolean contains(long address) {
            return Long.compareUnsigned(address, start) >= 0 && Long.compareUnsigned(address, end) < 0;
        }
    }

    MappingRecorder(Host host, int[] cpus) {
        this.host = host;
        try {
            for (int cpu : cpus) {
                long fd = host.perf().openMappings(cpu, WAKEUP_BYTES);
                if (Errno.isError(fd)) {
                    throw new TargetException("mappings cannot be recorded: " + Errno.name(-fd));
                }
                rings.add(PerfRing.map(host, (int) fd, RING_BYTES));
            }
        } catch (TargetException failure) {
            rings.forEach(PerfRing::close);
            throw failure;
        }
        this.local = host.isLocal();
        this.waiter = new Waiter(host, rings.stream().mapToInt(PerfRing::fd).toArray());
        this.thread = Thread.ofPlatform().daemon().name("mappings").unstarted(this::run);
        thread.start();
    }

    private void run() {
        if (local) {
            writeDownThoseThatRun();
        }
        while (!closed) {
            if (local) {
                waiter.await(POLL_MILLIS);
            } else {
                // An agent that waits for this would do nothing else meanwhile.
                LockSupport.parkNanos(POLL_MILLIS * 1_000_000L);
            }
            drain();
        }
    }

    /** What processes had mapped before the recording began: they may end before anybody asks. */
    private void writeDownThoseThatRun() {
        for (var name : host.files().list("/proc")) {
            if (closed || !name.chars().allMatch(Character::isDigit)) {
                continue;
            }
            var mappings = host.files()
                    .text("/proc/" + name + "/maps")
                    .orElse("")
                    .lines()
                    .flatMap(line -> UserSymbols.parse(line).stream())
                    .map(this::shared)
                    .toList();
            synchronized (this) {
                processes
                        .computeIfAbsent(Integer.valueOf(name), pid -> new ArrayList<>())
                        .addAll(0, mappings);
            }
            // The rings go on filling meanwhile.
            drain();
        }
    }

    private synchronized void drain() {
        if (!closed) {
            var events = new ArrayList<Event>();
            rings.forEach(ring -> ring.drain((type, misc, content) ->
                    events.add(new Event(type, misc, MemorySegment.ofArray(content.toArray(ValueLayout.JAVA_BYTE))))));
            events.sort(Comparator.comparingLong(Event::nanos));
            events.forEach(event -> record(event.type, event.misc, event.content));
        }
    }

    /** What a ring tells; a process that moves to another CPU is told of in two rings, and only the time tells the order. */
    private record Event(int type, int misc, MemorySegment content) {
        /** The last word of every record is its time. */
        long nanos() {
            return content.get(ValueLayout.JAVA_LONG_UNALIGNED, content.byteSize() - 8);
        }
    }

    private void record(int type, int misc, MemorySegment content) {
        int pid = content.get(ValueLayout.JAVA_INT_UNALIGNED, 0);
        switch (type) {
            case RECORD_MMAP2 ->
                processes.computeIfAbsent(pid, p -> new ArrayList<>()).add(mapping(content));
            case RECORD_FORK -> {
                // pid, parent's pid: a new process has its parent's memory; a new thread changes nothing.
                int parent = content.get(ValueLayout.JAVA_INT_UNALIGNED, 4);
                if (parent != pid) {
                    processes.put(pid, new ArrayList<>(processes.getOrDefault(parent, List.of())));
                }
            }
            case RECORD_COMM -> {
                if ((misc & MISC_COMM_EXEC) != 0) {
                    processes.put(pid, new ArrayList<>());
                }
            }
            default -> {}
        }
    }

    /** pid 4, tid 4, address 8, length 8, file offset 8, device 8, inode 8, generation 8, prot 4, flags 4, name. */
    private Mapping mapping(MemorySegment content) {
        long start = content.get(ValueLayout.JAVA_LONG_UNALIGNED, 8);
        long length = content.get(ValueLayout.JAVA_LONG_UNALIGNED, 16);
        long offset = content.get(ValueLayout.JAVA_LONG_UNALIGNED, 24);
        var bytes = content.asSlice(64).toArray(ValueLayout.JAVA_BYTE);
        int end = 0;
        while (end < bytes.length && bytes[end] != 0) {
            end++;
        }
        return shared(new Mapping(start, start + length, offset, new String(bytes, 0, end, StandardCharsets.UTF_8)));
    }

    private synchronized Mapping shared(Mapping mapping) {
        var path = paths.computeIfAbsent(mapping.path(), own -> own);
        return new Mapping(mapping.start(), mapping.end(), mapping.offset(), path);
    }

    /** What a process had mapped as code, the latest first; empty if it was never seen. */
    synchronized List<Mapping> of(int pid) {
        drain();
        return List.copyOf(processes.getOrDefault(pid, List.of()).reversed());
    }

    @Override
    public void close() {
        if (closed) {
            return;
        }
        synchronized (this) {
            closed = true;
            rings.forEach(PerfRing::close);
        }
        LockSupport.unpark(thread);
        waiter.wakeUp();
        try {
            thread.join(POLL_MILLIS);
        } catch (InterruptedException again) {
            Thread.currentThread().interrupt();
        }
        waiter.close();
    }
}
