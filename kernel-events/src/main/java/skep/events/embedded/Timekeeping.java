package skep.events.embedded;

/** Sleeping for a time. */
final class Timekeeping {
    static final int EINTR = 4;

    private final EmbeddedKernel kernel;
    final Routine nanosleep;
    private final Routine doNanosleep;

    Timekeeping(EmbeddedKernel kernel) {
        this.kernel = kernel;
        nanosleep = kernel.function(
                "long hrtimer_nanosleep(ktime_t rqtp, const enum hrtimer_mode mode, const clockid_t clockid)",
                this::nanosleep);
        doNanosleep = kernel.function(
                "int do_nanosleep(struct hrtimer_sleeper *t, enum hrtimer_mode mode)", this::doNanosleep);
    }

    private void nanosleep(Task task, Frame frame) {
        switch (frame.next()) {
            case 0 -> task.spend(150);
            case 1 -> task.call(doNanosleep, task.local(0x900), frame.a1).v0 = frame.a0;
            default -> task.ret(task.result == 0 ? 0 : -EINTR);
        }
    }

    private void doNanosleep(Task task, Frame frame) {
        switch (frame.next()) {
            case 0 -> {
                task.timerExpired = false;
                kernel.post(task.timer, kernel.clockNanos() + Math.max(1, frame.v0));
                kernel.scheduler.callSleep(task, Task.State.INTERRUPTIBLE);
            }
            default -> {
                if (task.timerExpired) {
                    task.ret(0);
                } else if (task.signalled()) {
                    kernel.events.cancel(task.timer);
                    task.ret(1);
                } else {
                    frame.pc = 1;
                    kernel.scheduler.callSleep(task, Task.State.INTERRUPTIBLE);
                }
            }
        }
    }
}
