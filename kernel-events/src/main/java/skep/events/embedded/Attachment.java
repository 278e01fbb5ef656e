package skep.events.embedded;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** A program at an attach point. */
final class Attachment {
    /** What runs when the point is reached. The context is an address of the VM's memory, valid during the call. */
    @FunctionalInterface
    interface Runner {
        void run(int cpu, long context);
    }

    final Runner runner;
    /** Takes the arguments as an array of words ({@code fentry}, {@code fexit}) and not a {@code struct pt_regs}. */
    final boolean typed;
    /** Only in the threads of this process; -1 for all. */
    final int pid;
    /** What a run costs in virtual time, where that is asked for. */
    final long costNanos;

    Attachment(Runner runner, int pid) {
        this(runner, pid, false);
    }

    Attachment(Runner runner, int pid, boolean typed) {
        this(runner, pid, typed, 0);
    }

    Attachment(Runner runner, int pid, boolean typed, long costNanos) {
        this.costNanos = costNanos;
        this.runner = runner;
        this.typed = typed;
        this.pid = pid;
    }

    /** A list with one more; lists are never changed, so that one which is being walked stays as it is. */
    static Attachment[] with(Attachment @Nullable [] list, Attachment added) {
        if (list == null) {
            return new Attachment[] {added};
        }
        var longer = Arrays.copyOf(list, list.length + 1);
        longer[list.length] = added;
        return longer;
    }

    /** The list without one; null when nothing is left. */
    static Attachment @Nullable [] without(Attachment @Nullable [] list, Attachment removed) {
        if (list == null) {
            return null;
        }
        var rest = Arrays.stream(list).filter(a -> a != removed).toArray(Attachment[]::new);
        return rest.length == 0 ? null : rest;
    }
}
