package skep.linux;

import skep.linux.sys.Block;
import skep.linux.sys.Errno;
import skep.linux.sys.Sys;
import skep.target.TargetException;

/** Waits for any of a few descriptors, or to be woken by another thread. */
final class Waiter implements AutoCloseable {
    private static final short POLLIN = 1;
    private static final int POLL_BYTES = 8;
    private static final int EFD_CLOEXEC = 0x80000;
    private static final int EFD_NONBLOCK = 0x800;

    private final Host host;
    private final int[] fds;
    private final int wake;
    /** pollfd[n + 1] (fd 4, events 2, revents 2), then a timespec, then the eventfd's word. */
    private final Block waiting;

    private final int time;
    /** Separate from {@link #waiting}, since another thread wakes. */
    private final Block waking;

    private boolean closed;

    Waiter(Host host, int... fds) {
        this.host = host;
        this.fds = fds.clone();
        long eventfd = host.syscalls().call(Sys.EVENTFD2, 0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (Errno.isError(eventfd)) {
            throw new TargetException("eventfd failed: " + Errno.name(-eventfd));
        }
        this.wake = (int) eventfd;
        this.time = (fds.length + 1) * POLL_BYTES;
        this.waiting = host.syscalls().allocateShared(time + 24);
        this.waking = host.syscalls().allocateShared(8);
        waking.putLong(0, 1);
    }

    /** Waits; a negative time is for ever. */
    void await(int timeoutMillis) {
        for (int i = 0; i <= fds.length; i++) {
            waiting.putInt((long) i * POLL_BYTES, i < fds.length ? fds[i] : wake)
                    .putInt(i * 8L + 4, POLLIN);
        }
        poll(0, timeoutMillis);
    }

    /** Waits for nothing but the time to pass, or to be woken. */
    void pause(int millis) {
        waiting.putInt((long) fds.length * POLL_BYTES, wake).putInt(fds.length * 8L + 4, POLLIN);
        poll(fds.length, millis);
    }

    /** Polls the descriptors from one on; the last of them is the one that wakes. */
    private void poll(int first, int timeoutMillis) {
        waiting.putLong(time, timeoutMillis / 1000).putLong(time + 8, timeoutMillis % 1000 * 1_000_000L);
        long at = waiting.pushed(time + 24);
        long from = at + (long) first * POLL_BYTES;
        long ready =
                host.syscalls().call(Sys.PPOLL, from, fds.length + 1 - first, timeoutMillis < 0 ? 0 : at + time, 0, 0);
        if (ready > 0) {
            waiting.pulled(0, time);
            if (waiting.getInt(fds.length * 8L + 4) >>> 16 != 0) {
                host.syscalls().call(Sys.READ, wake, waiting.address() + time + 16, 8);
            }
        }
    }

    synchronized void wakeUp() {
        if (!closed) {
            host.syscalls().call(Sys.WRITE, wake, waking.pushed(8), 8);
        }
    }

    /** Called by the owner once nobody waits. */
    @Override
    public synchronized void close() {
        if (!closed) {
            closed = true;
            host.close(wake);
        }
    }
}
