package skep.linux;

import java.util.concurrent.locks.LockSupport;
import skep.isa.kernel.ProbeSpec;
import skep.target.Link;

/**
 * An interval that a thread of ours keeps: it runs the program once a period. Unlike a perf event it needs no processor's
 * timer, is not tied to one CPU and closes at once. The period is kept from tick to tick; ticks that were missed are
 * skipped.
 */
final class TimerLink implements Link {
    private final Host host;
    private final ProbeSpec probe;
    private final int program;
    private final Thread thread;
    private volatile boolean closed;

    TimerLink(Host host, ProbeSpec probe, int program) {
        this.host = host;
        this.probe = probe;
        this.program = program;
        this.thread = Thread.ofPlatform().daemon().name("interval").unstarted(this::tick);
        thread.start();
    }

    private void tick() {
        long period = probe.value();
        long next = System.nanoTime() + period;
        while (!closed) {
            long rest = next - System.nanoTime();
            if (rest > 0) {
                LockSupport.parkNanos(rest);
                continue;
            }
            host.bpf().programRun(program, 0, 0);
            long missed = (System.nanoTime() - next) / period;
            next += (missed + 1) * period;
        }
    }

    @Override
    public ProbeSpec probe() {
        return probe;
    }

    @Override
    public String mechanism() {
        return "timer";
    }

    @Override
    public void close() {
        closed = true;
        LockSupport.unpark(thread);
        boolean interrupted = false;
        while (thread.isAlive() && Thread.currentThread() != thread) {
            try {
                thread.join();
            } catch (InterruptedException again) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
