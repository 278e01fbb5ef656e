package skep.events.embedded;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import skep.target.TargetException;
import skep.vm.maps.RingBuffer;

/**
 * Runs a kernel on a thread of its own, in real time or as fast as it can, in slices between which others may change
 * what is attached.
 *
 * <p>In real time a ring buffer that nobody drains loses records, as on a real kernel. At full speed the kernel waits for
 * the readers instead: its time is virtual, so that nothing is lost and nothing can be noticed.
 */
final class Clockwork implements AutoCloseable {
    private static final long SLICE_NANOS = 2_000_000;
    private static final long NAP_NANOS = 500_000;

    private final EmbeddedKernel kernel;
    private final double speed;
    /** Fair, so that whoever wants to attach does not wait longer than a slice. */
    private final ReentrantLock lock = new ReentrantLock(true);

    private final List<RingBuffer> readRings = new CopyOnWriteArrayList<>();
    private volatile boolean closed;
    private volatile boolean ended;
    private volatile long nowNanos;
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

    /** From now on the kernel waits, at full speed, for whoever reads this ring buffer. */
    void addReader(RingBuffer ring) {
        readRings.add(ring);
    }

    void removeReader(RingBuffer ring) {
        readRings.remove(ring);
    }

    /** Asked after each run of a program: stops the slice when a reader lags behind. */
    void minds(RingBuffer[] rings) {
        for (var ring : rings) {
            if (unread(ring) > size(ring) / 2 && readRings.contains(ring)) {
                kernel.pause();
            }
        }
    }

    private static long unread(RingBuffer ring) {
        return ring.query(0);
    }

    private static long size(RingBuffer ring) {
        return ring.query(1);
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
                due = Math.min(due, endNanos);
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
        while (!closed && readRings.stream().anyMatch(ring -> unread(ring) > size(ring) / 8)) {
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
