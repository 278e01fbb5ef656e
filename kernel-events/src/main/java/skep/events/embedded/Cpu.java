package skep.events.embedded;

import java.util.ArrayDeque;
import java.util.ArrayList;
import org.jspecify.annotations.Nullable;

/** A processor: its clock, the task on it, the tasks that wait for it, and interrupts that are held back. */
final class Cpu {
    /** When the next step of the current task begins; {@code Long.MAX_VALUE} while halted. */
    long timeNanos;

    final int id;
    private @Nullable Task idle;
    private @Nullable Task current;
    /** Runnable tasks but the current one. */
    final ArrayList<Task> runQueue = new ArrayList<>();
    /** Since when the queue is as long as it is. */
    long queueSinceNanos = EmbeddedKernel.BOOT_NANOS;
    /** The smallest virtual time that a newly woken task may have. */
    long minVirtualNanos;

    boolean needResched;
    int interruptDepth;
    /** Interrupts that came while another was being served, at most {@link Interrupts#MAX_PENDING}. */
    final ArrayDeque<Interrupts.Source> pendingInterrupts = new ArrayDeque<>();
    /** Soft interrupts raised and not yet served, a bit each. */
    int softirqs;
    /** The task that was switched away from, until {@code finish_task_switch}. */
    @Nullable
    Task previous;

    Cpu(int id) {
        this.id = id;
    }

    void boot(Task idle, long now) {
        this.idle = idle;
        this.current = idle;
        this.timeNanos = now;
    }

    Task current() {
        return java.util.Objects.requireNonNull(current);
    }

    void setCurrent(Task task) {
        current = task;
    }

    Task idleTask() {
        return java.util.Objects.requireNonNull(idle);
    }

    boolean idling() {
        return current == idle;
    }

    boolean halted() {
        return timeNanos == Long.MAX_VALUE;
    }
}
