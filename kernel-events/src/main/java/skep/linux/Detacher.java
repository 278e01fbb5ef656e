package skep.linux;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import skep.linux.sys.Errno;
import skep.linux.sys.Sys;
import skep.target.Link;

/**
 * Takes many programs off at once. For a program at a perf event the kernel waits until nobody can still be running it
 * (some 30 ms), and for the event of a tracepoint once more, one event after the other under one lock (Linux 6.18,
 * {@code perf_trace_destroy}). The first waits are shared by threads that wait together. The second cannot be: events that
 * no longer have a program are left to a child that ends at once, so that the kernel frees them while it buries the child,
 * and nobody waits.
 */
final class Detacher {
    /** Closing fewer than this alone costs less than the child and the threads. */
    private static final int MANY = 4;

    private static final int MAX_THREADS = 256;
    private static final int F_SETFD = 2;
    private static final int O_CLOEXEC = 0x80000;
    private static final long STACK_BYTES = 64 << 10;

    private final Host host;

    Detacher(Host host) {
        this.host = host;
    }

    void detach(List<? extends Link> links) {
        var programs = new ArrayList<Integer>();
        var events = new ArrayList<Integer>();
        for (var link : links) {
            var whole = link instanceof SharedLink shared ? shared.leave() : Optional.of(link);
            if (whole.isPresent() && whole.get() instanceof LinuxLink own) {
                own.surrender(programs::add, events::add);
            } else {
                whole.ifPresent(Link::close);
            }
        }
        closeTogether(programs);
        // A child of an agent would inherit its own gate.
        if (events.size() < MANY || !host.isLocal() || !leaveToChild(events)) {
            closeTogether(events);
        }
    }

    /** An agent makes one call at a time: there, threads gain nothing. */
    private void closeTogether(List<Integer> descriptors) {
        if (descriptors.size() < MANY || !host.isLocal()) {
            descriptors.forEach(host::close);
            return;
        }
        var next = new AtomicInteger();
        Runnable work = () -> {
            for (int i = next.getAndIncrement(); i < descriptors.size(); i = next.getAndIncrement()) {
                host.close(descriptors.get(i));
            }
        };
        var threads = new ArrayList<Thread>();
        for (int i = 0; i < Math.min(descriptors.size(), MAX_THREADS); i++) {
            var thread = new Thread(null, work, "detach", STACK_BYTES);
            thread.setDaemon(true);
            thread.start();
            threads.add(thread);
        }
        boolean interrupted = false;
        for (var thread : threads) {
            while (thread.isAlive()) {
                try {
                    thread.join();
                } catch (InterruptedException again) {
                    interrupted = true;
                }
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    /** Closes descriptors that a child has inherited, which then ends; false if it could not be started. */
    private boolean leaveToChild(List<Integer> descriptors) {
        int readEnd;
        int writeEnd;
        try (var ends = host.syscalls().allocate(8)) {
            if (Errno.isError(host.syscalls().call(Sys.PIPE2, ends.address(), O_CLOEXEC))) {
                return false;
            }
            ends.pulled(0, 8);
            readEnd = ends.getInt(0);
            writeEnd = ends.getInt(4);
        }
        descriptors.forEach(fd -> host.syscalls().call(Sys.FCNTL, fd, F_SETFD, 0));
        long child = host.syscalls().spawnGated(List.of("true"), readEnd);
        host.close(readEnd);
        if (!Errno.isError(child)) {
            descriptors.forEach(host::close);
        }
        // The gate closes without a byte, at which the child ends: after us, so that its references are the last.
        host.close(writeEnd);
        if (Errno.isError(child)) {
            return false;
        }
        Thread.ofPlatform().daemon().name("burial").start(() -> host.syscalls().call(Sys.WAIT4, child, 0, 0, 0));
        return true;
    }
}
