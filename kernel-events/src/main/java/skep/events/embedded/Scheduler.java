package skep.events.embedded;

import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A fair scheduler: each CPU has a queue, the task with the least virtual run time goes next; ticks and wake-ups
 * preempt; woken tasks prefer an idle CPU; an idle CPU takes from the longest queue.
 */
final class Scheduler {
    /** A task may run this long before a waiting one of less virtual time takes over. */
    private static final long SLICE_NANOS = 3_000_000;
    /** A woken task preempts one that is this far ahead of it. */
    private static final long WAKEUP_GRANULARITY_NANOS = 1_000_000;

    private final EmbeddedKernel kernel;
    final Routine schedule;
    private final Routine doSchedule;
    private final Routine pickNextTask;
    private final Routine finishTaskSwitch;
    private final Routine tryToWakeUp;
    private final Routine activate;
    private final Routine doWakeup;
    private final Routine wakeUpNewTask;
    private final Routine scheduleTail;
    private final Routine scheduleIdle;
    private final Routine doIdle;
    private final Routine cpuidleEnter;
    final Routine returnFromFork;
    final Routine idleStart;

    private final Tracepoint schedSwitch;
    private final Tracepoint waking;
    private final Tracepoint wakeup;
    private final Tracepoint wakeupNew;
    private final Tracepoint migrate;
    private final Tracepoint statRuntime;
    private final Tracepoint cpuIdle;

    Scheduler(EmbeddedKernel kernel) {
        this.kernel = kernel;
        schedSwitch = kernel.tracepoint(
                "sched",
                "sched_switch",
                "char prev_comm[16]; pid_t prev_pid; int prev_prio; long prev_state;"
                        + " char next_comm[16]; pid_t next_pid; int next_prio",
                "bool preempt, struct task_struct *prev, struct task_struct *next, unsigned int prev_state");
        var wakeupFields = "char comm[16]; pid_t pid; int prio; int target_cpu";
        waking = kernel.tracepoint("sched", "sched_waking", wakeupFields, "struct task_struct *p");
        wakeup = kernel.tracepoint("sched", "sched_wakeup", wakeupFields, "struct task_struct *p");
        wakeupNew = kernel.tracepoint("sched", "sched_wakeup_new", wakeupFields, "struct task_struct *p");
        migrate = kernel.tracepoint(
                "sched",
                "sched_migrate_task",
                "char comm[16]; pid_t pid; int prio; int orig_cpu; int dest_cpu",
                "struct task_struct *p, int dest_cpu");
        statRuntime = kernel.tracepoint(
                "sched",
                "sched_stat_runtime",
                "char comm[16]; pid_t pid; u64 runtime",
                "struct task_struct *tsk, u64 runtime");
        cpuIdle = kernel.tracepoint(
                "power", "cpu_idle", "u32 state; u32 cpu_id", "unsigned int state, unsigned int cpu_id");

        schedule = kernel.function("void schedule(void)", this::schedule);
        doSchedule = kernel.function("void __schedule(int sched_mode)", this::doSchedule);
        pickNextTask = kernel.leaf(
                "struct task_struct *pick_next_task_fair(struct rq *rq, struct task_struct *prev, struct rq_flags *rf)",
                120);
        finishTaskSwitch = kernel.leaf("struct rq *finish_task_switch.isra.0(struct task_struct *prev)", 90);
        tryToWakeUp = kernel.function(
                "int try_to_wake_up(struct task_struct *p, unsigned int state, int wake_flags)", this::tryToWakeUp);
        activate = kernel.function(
                "void ttwu_do_activate(struct rq *rq, struct task_struct *p, int wake_flags, struct rq_flags *rf)",
                this::activate);
        doWakeup = kernel.function(
                "void ttwu_do_wakeup(struct rq *rq, struct task_struct *p, int wake_flags, struct rq_flags *rf)",
                (task, frame) -> {
                    var sleeper = (Task) frame.object();
                    makeRunnable(sleeper);
                    fireWakeup(wakeup(), task, sleeper);
                    task.ret(0);
                });
        wakeUpNewTask = kernel.function("void wake_up_new_task(struct task_struct *p)", this::wakeUpNewTask);
        scheduleTail = kernel.function("void schedule_tail(struct task_struct *prev)", this::scheduleTail);
        scheduleIdle = kernel.function("void schedule_idle(void)", this::scheduleIdle);
        doIdle = kernel.entryCode("do_idle", this::doIdle);
        cpuidleEnter = kernel.entryCode("cpuidle_enter", this::cpuidleEnter);
        returnFromFork = kernel.entryCode("ret_from_fork", this::returnFromFork);
        idleStart = kernel.entryCode("cpu_startup_entry", (task, frame) -> task.call(doIdle));
    }

    // What other subsystems ask for

    /** The current task gives up its CPU; its state says whether it stays runnable. */
    void callSchedule(Task task) {
        task.call(schedule);
    }

    /** The current task sleeps in this state until it is woken. */
    void callSleep(Task task, Task.State state) {
        task.state = state;
        task.call(schedule);
    }

    void callWakeup(Task waker, Task sleeper) {
        waker.call(tryToWakeUp, sleeper.address, 3, 0).object = sleeper;
    }

    void callWakeUpNew(Task parent, Task child) {
        parent.call(wakeUpNewTask, child.address).object = child;
    }

    /** The timer tick of a CPU. */
    void tick(Cpu cpu) {
        if (cpu.idling()) {
            return;
        }
        account(cpu);
        if (cpu.runQueue.isEmpty()) {
            return;
        }
        var current = cpu.current();
        if (kernel.clockNanos() - current.switchedInNanos >= SLICE_NANOS) {
            cpu.needResched = true;
        }
    }

    /** Charges the current task for its time since the last account. */
    private void account(Cpu cpu) {
        var task = cpu.current();
        long now = kernel.clockNanos();
        long ran = now - task.switchedInNanos - (task.runNanos - task.accountedRunNanos);
        if (ran > 0 && !task.idle()) {
            task.runNanos += ran;
            task.virtualNanos += ran;
            cpu.minVirtualNanos = Math.max(cpu.minVirtualNanos, Math.min(task.virtualNanos, leastWaiting(cpu)));
            if (statRuntime.active()) {
                kernel.tracer.raw(statRuntime, task, task.address, ran);
                kernel.tracer
                        .begin(statRuntime, task)
                        .bytes(task.comm())
                        .num(task.tid)
                        .num(ran)
                        .fire();
            }
        }
    }

    private static long leastWaiting(Cpu cpu) {
        long least = Long.MAX_VALUE;
        for (int i = 0; i < cpu.runQueue.size(); i++) {
            least = Math.min(least, cpu.runQueue.get(i).virtualNanos);
        }
        return least;
    }

    // Switching

    private void schedule(Task task, Frame frame) {
        if (frame.next() == 0) {
            task.call(doSchedule, 0);
        } else {
            task.ret(0);
        }
    }

    private void scheduleIdle(Task task, Frame frame) {
        if (frame.next() == 0) {
            task.call(doSchedule, 0);
        } else {
            task.ret(0);
        }
    }

    private void doSchedule(Task task, Frame frame) {
        switch (frame.next()) {
            case 0 -> {
                kernel.sections.disable(task);
                task.spend(90);
            }
            case 1 -> task.call(pickNextTask, 0, task.address);
            case 2 -> switchAway(task, frame);
            case 3 -> {
                var previous = task.cpu.previous;
                task.cpu.previous = null;
                task.call(finishTaskSwitch, previous == null ? 0 : previous.address);
            }
            default -> {
                kernel.sections.enable(task);
                task.ret(0);
            }
        }
    }

    private void switchAway(Task task, Frame frame) {
        var cpu = task.cpu;
        account(cpu);
        cpu.needResched = false;
        boolean preempted = task.state == Task.State.RUNNING;
        if (preempted && !task.idle()) {
            enqueue(cpu, task);
        }
        var next = pick(cpu);
        if (next == null) {
            next = cpu.idleTask();
        }
        if (next == task) {
            task.accountedRunNanos = task.runNanos;
            task.switchedInNanos = kernel.clockNanos();
            frame.pc = 4;
            task.work(20);
            return;
        }
        if (schedSwitch.active()) {
            long state = preempted ? (task.idle() ? 0 : 0x100) : task.state.number;
            long shown = task.state == Task.State.IDLE_KTHREAD ? 0x80 : state;
            kernel.tracer.raw(schedSwitch, task, 0, task.address, next.address, preempted ? 0 : task.state.number);
            kernel.tracer
                    .begin(schedSwitch, task)
                    .bytes(task.comm())
                    .num(task.tid)
                    .num(task.priority)
                    .num(shown)
                    .bytes(next.comm())
                    .num(next.tid)
                    .num(next.priority)
                    .fire();
        }
        kernel.objects.state(task, preempted ? 0 : task.state.number);
        kernel.truth.switches++;
        kernel.counters.contextSwitch(task);
        long now = kernel.clockNanos();
        if (!next.idle()) {
            kernel.truth.runQueueLatency.add(now - next.runnableSinceNanos);
        }
        cpu.previous = task;
        cpu.setCurrent(next);
        kernel.objects.runnable(cpu, cpu.runQueue.size() + (next.idle() ? 0 : 1));
        next.cpu = cpu;
        next.switchedInNanos = now;
        next.accountedRunNanos = next.runNanos;
        if (next.idle()) {
            kernel.truth.toIdle++;
        } else if (task.idle()) {
            kernel.interrupts.startTick(cpu);
        }
        cpu.timeNanos += 550;
    }

    private void enqueue(Cpu cpu, Task task) {
        task.queued = true;
        task.cpu = cpu;
        task.runnableSinceNanos = kernel.clockNanos();
        queueChanges(cpu);
        cpu.runQueue.add(task);
    }

    /** Told before it happens. */
    private void queueChanges(Cpu cpu) {
        // another CPU may have been a little further in its step
        long now = Math.max(cpu.queueSinceNanos, kernel.clockNanos());
        kernel.truth.runQueueWas(cpu.runQueue.size(), now - cpu.queueSinceNanos);
        cpu.queueSinceNanos = now;
    }

    /** Takes the next task from the queue, or from the longest queue of another CPU if there is none. */
    private @Nullable Task pick(Cpu cpu) {
        var queue = cpu.runQueue;
        if (queue.isEmpty()) {
            return steal(cpu);
        }
        int best = 0;
        for (int i = 1; i < queue.size(); i++) {
            if (queue.get(i).virtualNanos < queue.get(best).virtualNanos) {
                best = i;
            }
        }
        queueChanges(cpu);
        var task = queue.remove(best);
        task.queued = false;
        return task;
    }

    private @Nullable Task steal(Cpu cpu) {
        Cpu busiest = null;
        for (var other : kernel.cpus) {
            if (other != cpu
                    && !other.runQueue.isEmpty()
                    && !other.idling()
                    && (busiest == null || other.runQueue.size() > busiest.runQueue.size())) {
                busiest = other;
            }
        }
        if (busiest == null) {
            return null;
        }
        for (int i = 0; i < busiest.runQueue.size(); i++) {
            var task = busiest.runQueue.get(i);
            if (!task.pinned) {
                queueChanges(busiest);
                busiest.runQueue.remove(i);
                task.queued = false;
                moved(task, busiest, cpu);
                return task;
            }
        }
        return null;
    }

    private void moved(Task task, Cpu from, Cpu to) {
        task.virtualNanos += to.minVirtualNanos - from.minVirtualNanos;
        kernel.truth.migrations++;
        kernel.counters.migration(task);
        if (migrate.active()) {
            var current = kernel.currentTask();
            kernel.tracer.raw(migrate, current, task.address, to.id);
            kernel.tracer
                    .begin(migrate, current)
                    .bytes(task.comm())
                    .num(task.tid)
                    .num(task.priority)
                    .num(from.id)
                    .num(to.id)
                    .fire();
        }
        task.cpu = to;
        kernel.objects.moved(task);
    }

    // Waking

    private void tryToWakeUp(Task task, Frame frame) {
        var sleeper = (Task) frame.object();
        switch (frame.next()) {
            case 0 -> task.work(40);
            case 1 -> {
                if (sleeper.state == Task.State.RUNNING || sleeper.exiting()) {
                    task.ret(0);
                    return;
                }
                fireWakeup(waking, task, sleeper);
                if (sleeper.waitingOn != null) {
                    sleeper.waitingOn.remove(sleeper);
                }
                kernel.events.cancel(sleeper.timer);
                if (sleeper.cpu.current() == sleeper) {
                    // it had not left its CPU yet
                    sleeper.state = Task.State.RUNNING;
                    fireWakeup(wakeup, task, sleeper);
                    kernel.truth.wakeupsOnCpu++;
                    frame.pc = 4;
                }
                task.spend(110);
            }
            case 2 -> {
                var target = selectCpu(task, sleeper);
                if (target != sleeper.cpu) {
                    moved(sleeper, sleeper.cpu, target);
                }
                task.call(activate, 0, sleeper.address, 0).object = sleeper;
            }
            default -> task.ret(1);
        }
    }

    private Cpu selectCpu(Task waker, Task sleeper) {
        var previous = sleeper.cpu;
        if (sleeper.pinned || free(previous)) {
            return previous;
        }
        Cpu least = previous;
        for (var cpu : kernel.cpus) {
            if (free(cpu)) {
                return cpu;
            }
            if (cpu.runQueue.size() < least.runQueue.size()) {
                least = cpu;
            }
        }
        return least.runQueue.size() + 1 < previous.runQueue.size() ? least : previous;
    }

    private static boolean free(Cpu cpu) {
        return cpu.idling() && cpu.runQueue.isEmpty();
    }

    private void activate(Task task, Frame frame) {
        var sleeper = (Task) frame.object();
        switch (frame.next()) {
            case 0 -> task.work(70);
            case 1 -> task.call(doWakeup, 0, sleeper.address, frame.a2, 0).object = sleeper;
            default -> task.ret(0);
        }
    }

    private Tracepoint wakeup() {
        return wakeup;
    }

    private void makeRunnable(Task task) {
        var cpu = task.cpu;
        task.state = Task.State.RUNNING;
        kernel.objects.state(task, 0);
        // a sleeper does not save up time, nor does it wait behind all others
        task.virtualNanos = Math.max(task.virtualNanos, cpu.minVirtualNanos - SLICE_NANOS / 2);
        enqueue(cpu, task);
        kernel.truth.wakeups++;
        if (cpu.idling() || cpu.current().virtualNanos - task.virtualNanos > WAKEUP_GRANULARITY_NANOS) {
            kernel.interrupts.reschedule(cpu);
        }
    }

    private void fireWakeup(Tracepoint point, Task waker, Task woken) {
        if (point.active()) {
            kernel.tracer.raw(point, waker, woken.address);
            kernel.tracer
                    .begin(point, waker)
                    .bytes(woken.comm())
                    .num(woken.tid)
                    .num(woken.priority)
                    .num(woken.cpu.id)
                    .fire();
        }
    }

    private void wakeUpNewTask(Task task, Frame frame) {
        switch (frame.next()) {
            case 0 -> task.spend(260);
            default -> {
                var child = (Task) frame.object();
                var target = selectCpu(task, child);
                child.cpu = target;
                child.virtualNanos = target.minVirtualNanos;
                kernel.objects.moved(child);
                makeRunnable(child);
                fireWakeup(wakeupNew, task, child);
                task.ret(0);
            }
        }
    }

    /** Puts a task that exists from the start onto its queue, without telling anybody. */
    void bootTask(Task task) {
        task.state = Task.State.RUNNING;
        enqueue(task.cpu, task);
        task.cpu.needResched = true;
    }

    private void returnFromFork(Task task, Frame frame) {
        switch (frame.next()) {
            case 0 -> task.call(scheduleTail, Objects.requireNonNull(task.cpu.previous).address);
            default -> task.ret(0);
        }
    }

    private void scheduleTail(Task task, Frame frame) {
        switch (frame.next()) {
            case 0 -> {
                var previous = task.cpu.previous;
                task.cpu.previous = null;
                task.call(finishTaskSwitch, previous == null ? 0 : previous.address);
            }
            default -> task.ret(0);
        }
    }

    // Idling

    private void doIdle(Task task, Frame frame) {
        var cpu = task.cpu;
        switch (frame.next()) {
            case 0 -> {
                if (cpu.needResched || !cpu.runQueue.isEmpty()) {
                    frame.pc = 3;
                    task.work(30);
                    return;
                }
                kernel.interrupts.stopTick(cpu);
                fireIdle(task, 1);
                task.call(cpuidleEnter);
            }
            case 1 -> {
                fireIdle(task, 0xffff_ffffL);
                task.work(120);
            }
            case 2 -> {
                if (!cpu.needResched && cpu.runQueue.isEmpty()) {
                    frame.pc = 0;
                }
                task.work(20);
            }
            case 3 -> task.call(scheduleIdle);
            default -> frame.pc = 0;
        }
    }

    private void fireIdle(Task task, long state) {
        if (cpuIdle.active()) {
            kernel.tracer.raw(cpuIdle, task, state, task.cpu.id);
            kernel.tracer.begin(cpuIdle, task).num(state).num(task.cpu.id).fire();
        }
    }

    private void cpuidleEnter(Task task, Frame frame) {
        switch (frame.next()) {
            case 0 -> {
                kernel.sections.yieldToHypervisor(task);
                task.work(200);
            }
            case 1 -> {
                if (!task.cpu.needResched && task.cpu.runQueue.isEmpty()) {
                    if (!kernel.interrupts.rcuIdle(task.cpu)) {
                        kernel.interrupts.startTick(task.cpu);
                    }
                    task.cpu.timeNanos = Long.MAX_VALUE;
                }
            }
            default -> task.ret(0);
        }
    }
}
