package skep.linux;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import skep.linux.sys.Errno;
import skep.target.OutputReader;
import skep.target.TargetException;

/**
 * Drains a perf buffer: a map from CPU to a perf event, with a ring each. Records of one CPU arrive in order, those of
 * several in no particular one. A CPU whose ring is full drops records and says how many in front of the next one that
 * fits, which may never come: so the events' own counts are read as well where the kernel keeps them, now and then and
 * before the end.
 */
final class PerfBufferReader implements OutputReader {
    /** As of {@link RingBufferReader}. */
    private static final int MANY_RECORDS = 64;

    private static final int GATHER_MILLIS = 2;
    private static final int SLICE_MILLIS = 20;

    /** Reading a count interrupts a CPU: of rings that had records, so often at most. */
    private static final long COUNT_NANOS = 100_000_000;

    private static final int RECORD_LOST = 2;
    private static final int RECORD_SAMPLE = 9;

    private final List<PerfRing> rings;
    private final int[] cpus;
    private final Waiter waiter;
    private final Object draining = new Object();
    private final boolean local;
    private volatile boolean closed;
    private volatile boolean woken;
    /** Of each ring: what its records told as lost, what its event counted, and where the ring was then. */
    private final long[] told;

    private final long[] counted;
    private final long[] countedAt;
    private long lastCount = System.nanoTime();
    private volatile long lost;
    private int cpu;
    private boolean busy;

    private PerfBufferReader(List<PerfRing> rings, int[] cpus, Waiter waiter, boolean local) {
        this.local = local;
        this.rings = rings;
        this.cpus = cpus;
        this.waiter = waiter;
        this.told = new long[cpus.length];
        this.counted = new long[cpus.length];
        this.countedAt = new long[cpus.length];
    }

    /** Opens an event on each CPU and puts it into the map; {@code bytes} a CPU, a power of two of pages. */
    static PerfBufferReader open(Host host, LinuxMap map, int[] cpus, long bytes) {
        var rings = new ArrayList<PerfRing>();
        try {
            for (int cpu : cpus) {
                long fd = host.perf().openOutput(cpu);
                if (Errno.isError(fd)) {
                    throw new TargetException(
                            "perf buffer " + map.spec().name() + ": perf_event_open failed: " + Errno.name(-fd));
                }
                rings.add(PerfRing.map(host, (int) fd, bytes));
                map.update(word(cpu), word((int) fd), 0);
                host.perf().enable((int) fd);
            }
            return new PerfBufferReader(
                    rings,
                    cpus,
                    new Waiter(host, rings.stream().mapToInt(PerfRing::fd).toArray()),
                    host.isLocal());
        } catch (RuntimeException failure) {
            rings.forEach(PerfRing::close);
            throw failure;
        }
    }

    static byte[] word(int value) {
        return new byte[] {(byte) value, (byte) (value >> 8), (byte) (value >> 16), (byte) (value >> 24)};
    }

    @Override
    public int poll(int timeoutMillis, Consumer sink) {
        synchronized (draining) {
            if (closed) {
                return 0;
            }
            if (timeoutMillis != 0 && busy) {
                waiter.pause(Math.min(timeoutMillis & Integer.MAX_VALUE, GATHER_MILLIS));
            }
            if (timeoutMillis != 0) {
                await(timeoutMillis);
            }
            int count = closed ? 0 : drain(sink);
            if (!closed && System.nanoTime() - lastCount >= COUNT_NANOS) {
                countDropped(false);
            }
            sumLost();
            busy = count >= MANY_RECORDS;
            return count;
        }
    }

    /** An agent does one thing at a time: waiting there is done in short slices, so that others get their turn. */
    private void await(int timeoutMillis) {
        long end = System.nanoTime() + Math.max(0, timeoutMillis) * 1_000_000L;
        while (!closed && !woken && rings.stream().noneMatch(PerfRing::hasData)) {
            if (local) {
                waiter.await(timeoutMillis);
                break;
            }
            waiter.await(SLICE_MILLIS);
            if (timeoutMillis >= 0 && System.nanoTime() >= end) {
                break;
            }
        }
        woken = false;
    }

    private int drain(Consumer sink) {
        var count = new int[1];
        for (int i = 0; i < rings.size(); i++) {
            var ring = rings.get(i);
            int at = i;
            cpu = cpus[i];
            boolean goOn = ring.drain((type, misc, content) -> {
                if (type == RECORD_LOST) {
                    told[at] += content.get(ValueLayout.JAVA_LONG_UNALIGNED, 8);
                } else if (type == RECORD_SAMPLE) {
                    count[0]++;
                    return sink.accept(sample(content));
                }
                return true;
            });
            if (!goOn) {
                break;
            }
        }
        return count[0];
    }

    /** A ring that had no record since it was last counted cannot have been full since. */
    private void countDropped(boolean all) {
        for (int i = 0; i < rings.size(); i++) {
            var ring = rings.get(i);
            if (all || ring.position() != countedAt[i]) {
                counted[i] = ring.dropped().orElse(counted[i]);
                countedAt[i] = ring.position();
            }
        }
        lastCount = System.nanoTime();
    }

    /** A count holds what records tell later as well: it is the same loss. */
    private void sumLost() {
        long sum = 0;
        for (int i = 0; i < told.length; i++) {
            sum += Math.max(told[i], counted[i]);
        }
        lost = sum;
    }

    /** A sample of raw data only: its length, then the data, padded at the end. */
    private MemorySegment sample(MemorySegment content) {
        long length = content.get(ValueLayout.JAVA_INT_UNALIGNED, 0) & 0xffff_ffffL;
        if (local) {
            return content.asSlice(4, length);
        }
        // Readers take words at multiples of eight, which is promised of native memory alone.
        var words = MemorySegment.ofArray(new long[(int) (length + 7) / 8]);
        MemorySegment.copy(content, 4, words, 0, length);
        return words.asSlice(0, length);
    }

    @Override
    public int cpu() {
        return cpu;
    }

    @Override
    public long lost() {
        return lost;
    }

    @Override
    public void wakeUp() {
        woken = true;
        if (local) {
            waiter.wakeUp();
        }
    }

    @Override
    public synchronized void close() {
        if (closed) {
            return;
        }
        closed = true;
        wakeUp();
        synchronized (draining) {
            try {
                countDropped(true);
                sumLost();
            } finally {
                rings.forEach(PerfRing::close);
                waiter.close();
            }
        }
    }
}
