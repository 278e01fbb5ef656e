package skep.events.embedded;

import java.util.Arrays;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import skep.target.TargetException;

/**
 * Runs a kernel on a thread of its own, in real time or as fast as it can, in slices between which others may change
 * what is attached.
 *
 * <p>In real time a ring buffer that nobody drains loses records, as on a real kernel. At full speed the kernel waits for
 * the readers instead: its time is virtual, so that nothing is lost and nothing can be noticed. It does not wait for a
 * reader that waits for it: one that sleeps until a time of the kernel, or that does nothing for long. Such a buffer fills
 * up and then loses records, as on a real kernel, until it is read again.
 */
final class Clockwork implements AutoCloseable {
    private static final long SLICE_NANOS = 2_000_000;
    private static final long NAP_NANOS = 500_000;
    /** Real time without any progress after which no reader is waited for. */
    private static final long PATIENCE_NANOS = 60_000_000_000L;
    /** The same for a buffer that was never read, while somebody sleeps until a time of the kernel. */
    private static final long FIRST_READ_NANOS = 2_000_000_000L;

    private final EmbeddedKernel kernel;
    private final double speed;
    /** Fair, so that whoever wants to attach does not wait longer than a slice. */
    private final ReentrantLock lock = new ReentrantLock(true);

    /** Buffers with a reader. Replaced, never changed: the kernel's thread walks it after each run of a program. */
    private volatile Unread[] read = {};

    /** Threads that sleep until a time of the kernel. */
    private final Set<Thread> sleepers = ConcurrentHashMap.newKeySet();

    private volatile boolean closed;
    private volatile boolean ended;
    private volatile long nowNanos;
    /** The clock goes no further until a later moment is named. */
    private volatile long holdNanos = Long.MAX_VALUE;

    private volatile @Nullable Throwable failure;
    private @Nullable Thread thread;

    Clockwork(EmbeddedKernel kernel, double speed) {
        this.kernel = kernel;
        this.speed = speed;
        nowNanos = kernel.nowNanos();
    }

    /** Does something to the kernel while it stands still. */
    <T> T locked(Supplier<T> action) {
        lock.lock();
        try {
            return action.get();
        } finally {
            lock.unlock();
        }
    }

    void locked(Runnable action) {
        lock.lock();
        try {
            action.run();
        } finally {
            lock.unlock();
        }
    }

    boolean atFullSpeed() {
        return Double.isInfinite(speed);
    }

    /** Starts the clock; it stops by itself at this virtual time. */
    synchronized void start(long endNanos) {
        if (thread != null) {
            throw new IllegalStateException("the embedded kernel runs already");
        }
        var started = new Thread(() -> run(endNanos), "embedded-kernel");
        started.setDaemon(true);
        thread = started;
        started.start();
    }

    void holdAt(long nanos) {
        holdNanos = nanos;
    }

    long nowNanos() {
        return nowNanos;
    }

    boolean ended() {
        var cause = failure;
        if (cause != null) {
            throw new TargetException("the embedded kernel failed at " + nowNanos + " ns: " + cause, cause);
        }
        return ended;
    }

    /** A buffer that somebody drains: how much of it is not read yet, and who reads it. */
    static final class Unread {
        private final Object buffer;
        private final LongSupplier unreadBytes;
        private final long sizeBytes;
        private volatile @Nullable Thread reader;
        private volatile long reads;
        /** It was waited for in vain; until it is read again. */
        private volatile boolean forsaken;

        Unread(Object buffer, LongSupplier unreadBytes, long sizeBytes) {
            this.buffer = buffer;
            this.unreadBytes = unreadBytes;
            this.sizeBytes = sizeBytes;
        }

        Object buffer() {
            return buffer;
        }

        /** The current thread is about to drain it; one thread at a time does. */
        void beginsRead() {
            reader = Thread.currentThread();
            reads = reads + 1;
            forsaken = false;
        }

        private boolean exceeds(int parts) {
            return unreadBytes.getAsLong() > sizeBytes / parts;
        }
    }

    /**
     * Lets the current thread sleep until a time of the kernel, or its end; meanwhile the kernel does not wait for buffers that
     * this thread reads.
     *
     * @param atMostNanos of real time
     * @return whether the time has come
     */
    boolean sleepUntil(long virtualNanos, long atMostNanos) throws InterruptedException {
        long end = System.nanoTime() + atMostNanos;
        var thread = Thread.currentThread();
        sleepers.add(thread);
        try {
            while (nowNanos < virtualNanos && !ended()) {
                if (System.nanoTime() >= end) {
                    return false;
                }
                Thread.sleep(1);
            }
            return true;
        } finally {
            sleepers.remove(thread);
        }
    }

    private boolean isAwaited(Unread buffer) {
        var reader = buffer.reader;
        return !buffer.forsaken && (reader == null || !sleepers.contains(reader));
    }

    /** From now on the kernel waits, at full speed, for whoever reads this buffer. */
    synchronized void addReader(Unread buffer) {
        var longer = Arrays.copyOf(read, read.length + 1);
        longer[read.length] = buffer;
        read = longer;
    }

    synchronized void removeReader(Object buffer) {
        read = Arrays.stream(read).filter(b -> b.buffer() != buffer).toArray(Unread[]::new);
    }

    /** Asked after each run of a program: stops the slice when a reader lags behind. */
    void mindsReaders() {
        for (var buffer : read) {
            if (buffer.exceeds(2) && isAwaited(buffer)) {
                kernel.pause();
            }
        }
    }

    private void run(long endNanos) {
        try {
            long startNanos = kernel.nowNanos();
            long wallStart = System.nanoTime();
            while (!closed && nowNanos < endNanos) {
                long due = atFullSpeed()
                        ? nowNanos + SLICE_NANOS
                        : Math.min(
                                nowNanos + SLICE_NANOS, startNanos + (long) ((System.nanoTime() - wallStart) * speed));
                due = Math.min(due, Math.min(endNanos, holdNanos));
                if (due <= nowNanos) {
                    LockSupport.parkNanos(NAP_NANOS);
                } else if (!slice(due)) {
                    awaitReaders();
                }
            }
        } catch (RuntimeException | Error bug) {
            failure = bug;
        } finally {
            ended = true;
        }
    }

    private boolean slice(long untilNanos) {
        lock.lock();
        try {
            boolean reached = kernel.runUntil(untilNanos);
            nowNanos = kernel.nowNanos();
            return reached;
        } finally {
            lock.unlock();
        }
    }

    private void awaitReaders() {
        long progress = -1;
        long sinceNanos = System.nanoTime();
        while (!closed) {
            var late = Arrays.stream(read)
                    .filter(buffer -> buffer.exceeds(8) && isAwaited(buffer))
                    .toList();
            if (late.isEmpty()) {
                return;
            }
            long seen = late.stream()
                    .mapToLong(buffer -> buffer.reads - buffer.unreadBytes.getAsLong())
                    .sum();
            if (seen != progress) {
                progress = seen;
                sinceNanos = System.nanoTime();
            }
            long waitedNanos = System.nanoTime() - sinceNanos;
            for (var buffer : late) {
                boolean unheard = buffer.reader == null && !sleepers.isEmpty();
                if (waitedNanos > (unheard ? FIRST_READ_NANOS : PATIENCE_NANOS)) {
                    buffer.forsaken = true;
                }
            }
            LockSupport.parkNanos(NAP_NANOS / 10);
        }
    }

    @Override
    public void close() {
        closed = true;
        Thread running;
        synchronized (this) {
            running = thread;
        }
        if (running != null) {
            boolean interrupted = false;
            while (running.isAlive()) {
                try {
                    running.join();
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }
}
