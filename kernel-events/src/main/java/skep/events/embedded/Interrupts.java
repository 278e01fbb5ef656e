package skep.events.embedded;

import java.util.ArrayDeque;
import java.util.Arrays;
import skep.isa.kernel.Arch;

/** Interrupts of devices, timers and other CPUs, and the soft interrupts that follow them. */
final class Interrupts {
    static final int MAX_PENDING = 1024;
    static final long TICK_NANOS = 4_000_000;

    static final byte[][] SOFTIRQ_NAMES = Arrays.stream(new String[] {
                "HI", "TIMER", "NET_TX", "NET_RX", "BLOCK", "IRQ_POLL", "TASKLET", "SCHED", "HRTIMER", "RCU"
            })
            .map(String::getBytes)
            .toArray(byte[][]::new);
    static final int TIMER_SOFTIRQ = 1;
    static final int NET_TX_SOFTIRQ = 2;
    static final int NET_RX_SOFTIRQ = 3;
    static final int BLOCK_SOFTIRQ = 4;
    static final int SCHED_SOFTIRQ = 7;
    static final int RCU_SOFTIRQ = 9;

    private final EmbeddedKernel kernel;
    final InterruptCounts counts;
    private final Routine entry;
    private final Routine handleSoftirqs;
    private final Routine[] softirqActions = new Routine[SOFTIRQ_NAMES.length];
    private final Routine hrtimerInterrupt;
    private final Routine tickHandler;
    private final Routine updateProcessTimes;
    private final Routine schedulerTick;
    private final Routine hrtimerWakeup;
    private final Routine intervalHandler;
    private final Routine schedulerIpi;

    private final Tracepoint handlerEntry;
    private final Tracepoint handlerExit;
    private final Tracepoint softirqRaise;
    private final Tracepoint softirqEntry;
    private final Tracepoint softirqExit;
    private final Tracepoint hrtimerExpireEntry;
    private final Tracepoint hrtimerExpireExit;

    private final TimerSource[] timers;
    private final Source[] reschedules;
    private final Tick[] ticks;
    private final RcuQueue[] rcu;

    /** Something that interrupts a CPU. */
    static class Source {
        final Routine handler;
        /** The interrupt's number in tracepoints, or -1 for those that have no handler entry there. */
        final int number;

        final byte[] name;
        /** How often each CPU has served it; empty until it is served first. */
        long[] served = {};

        Source(Routine handler, int number, String name) {
            this.handler = handler;
            this.number = number;
            this.name = name.getBytes(java.nio.charset.StandardCharsets.US_ASCII);
        }
    }

    /** The timer of a CPU, with what has expired and was not handled yet. */
    private static final class TimerSource extends Source {
        final ArrayDeque<Object> expired = new ArrayDeque<>();
        boolean raised;

        TimerSource(Routine handler, int number, String name) {
            super(handler, number, name);
        }
    }

    /** Runs in the timer interrupt of a CPU: how interval and profile probes are fired. */
    interface Expiry {
        void expire(Task task);
    }

    private final class Tick extends Event {
        final Cpu cpu;

        Tick(Cpu cpu) {
            this.cpu = cpu;
        }

        @Override
        void happen() {
            if (!cpu.halted() || !rcuIdle(cpu)) {
                kernel.post(this, timeNanos + TICK_NANOS);
                raise(cpu, this);
            }
        }
    }

    Interrupts(EmbeddedKernel kernel) {
        this.kernel = kernel;
        counts = new InterruptCounts(kernel.cpus.length);
        boolean arm = kernel.arch == Arch.ARM64;
        handlerEntry = kernel.tracepoint(
                "irq", "irq_handler_entry", "int irq; __data_loc char[] name", "int irq, struct irqaction *action");
        handlerExit = kernel.tracepoint(
                "irq", "irq_handler_exit", "int irq; int ret", "int irq, struct irqaction *action, int ret");
        softirqRaise = kernel.tracepoint("irq", "softirq_raise", "unsigned int vec", "unsigned int vec_nr");
        softirqEntry = kernel.tracepoint("irq", "softirq_entry", "unsigned int vec", "unsigned int vec_nr");
        softirqExit = kernel.tracepoint("irq", "softirq_exit", "unsigned int vec", "unsigned int vec_nr");
        hrtimerExpireEntry = kernel.tracepoint(
                "timer",
                "hrtimer_expire_entry",
                "void *hrtimer; s64 now; void *function",
                "struct hrtimer *hrtimer, ktime_t *now");
        hrtimerExpireExit =
                kernel.tracepoint("timer", "hrtimer_expire_exit", "void *hrtimer", "struct hrtimer *hrtimer");

        entry = kernel.entryCode(arm ? "el1h_64_irq" : "asm_common_interrupt", this::entry);
        handleSoftirqs = kernel.function("void handle_softirqs(bool ksirqd)", this::handleSoftirqs);
        Routine irqExit = kernel.entryCode("irq_exit_rcu", (task, frame) -> {});
        handleSoftirqs.callers = new Routine[] {irqExit};
        for (int i = 0; i < softirqActions.length; i++) {
            softirqActions[i] = switch (i) {
                case TIMER_SOFTIRQ -> kernel.leaf("void run_timer_softirq(void)", 180);
                case NET_TX_SOFTIRQ -> kernel.leaf("void net_tx_action(void)", 200);
                case BLOCK_SOFTIRQ -> kernel.leaf("void blk_done_softirq(void)", 200);
                case SCHED_SOFTIRQ -> kernel.leaf("void sched_balance_softirq(void)", 900);
                case RCU_SOFTIRQ -> kernel.function("void rcu_core_si(void)", this::rcuCore);
                case NET_RX_SOFTIRQ -> Routine.NONE;
                default -> Routine.NONE;
            };
        }
        hrtimerInterrupt =
                kernel.function("void hrtimer_interrupt(struct clock_event_device *dev)", this::hrtimerInterrupt);
        hrtimerInterrupt.callers = callers(
                arm
                        ? new String[] {
                            "arch_timer_handler_virt",
                            "handle_percpu_devid_irq",
                            "generic_handle_domain_irq",
                            "gic_handle_irq"
                        }
                        : new String[] {"__sysvec_apic_timer_interrupt", "sysvec_apic_timer_interrupt"});
        tickHandler =
                kernel.function("enum hrtimer_restart tick_nohz_handler(struct hrtimer *timer)", this::tickHandler);
        updateProcessTimes = kernel.function("void update_process_times(int user_tick)", this::updateProcessTimes);
        schedulerTick = kernel.function("void sched_tick(void)", this::schedulerTick);
        hrtimerWakeup =
                kernel.function("enum hrtimer_restart hrtimer_wakeup(struct hrtimer *timer)", this::hrtimerWakeup);
        intervalHandler = kernel.function(
                "enum hrtimer_restart perf_swevent_hrtimer(struct hrtimer *hrtimer)", this::intervalHandler);
        schedulerIpi = kernel.leaf("void scheduler_ipi(void)", 60);
        rcu = new RcuQueue[kernel.cpus.length];
        timers = new TimerSource[kernel.cpus.length];
        reschedules = new Source[kernel.cpus.length];
        ticks = new Tick[kernel.cpus.length];
        for (int i = 0; i < kernel.cpus.length; i++) {
            rcu[i] = new RcuQueue();
            timers[i] = new TimerSource(hrtimerInterrupt, arm ? 13 : -1, "arch_timer");
            reschedules[i] = new Source(schedulerIpi, -1, "reschedule");
            ticks[i] = new Tick(kernel.cpus[i]);
        }
    }

    private Routine[] callers(String... names) {
        return Arrays.stream(names)
                .map(name -> kernel.entryCode(name, (task, frame) -> {}))
                .toArray(Routine[]::new);
    }

    /** What serves a soft interrupt; set by the subsystem that owns it. */
    void softirqAction(int number, Routine action) {
        softirqActions[number] = action;
    }

    /** A CPU leaves idleness: its tick runs again. */
    void startTick(Cpu cpu) {
        var tick = ticks[cpu.id];
        if (!tick.pending()) {
            // ticks of the CPUs are apart from each other, as the kernel skews them
            long phase = TICK_NANOS * cpu.id / kernel.cpus.length;
            long now = kernel.clockNanos();
            kernel.post(tick, now - Math.floorMod(now - phase, TICK_NANOS) + TICK_NANOS);
        }
    }

    void stopTick(Cpu cpu) {
        kernel.events.cancel(ticks[cpu.id]);
    }

    /** A task's sleep is over. */
    void raiseTimer(Task task) {
        raise(task.cpu, task);
    }

    void raise(Cpu cpu, Object expired) {
        var timer = timers[cpu.id];
        timer.expired.add(expired);
        if (!timer.raised) {
            timer.raised = true;
            deliver(cpu, timer);
        }
    }

    /** Makes another CPU look at its run queue. */
    void reschedule(Cpu cpu) {
        cpu.needResched = true;
        if (cpu != kernel.activeCpu() && cpu.idling()) {
            kernel.post(
                    new Event() {
                        @Override
                        void happen() {
                            deliver(cpu, reschedules[cpu.id]);
                        }
                    },
                    kernel.clockNanos() + 700);
        }
    }

    /** Interrupts a CPU now, or after the interrupt that it is serving. */
    void deliver(Cpu cpu, Source source) {
        if (cpu.interruptDepth > 0) {
            if (cpu.pendingInterrupts.size() >= MAX_PENDING) {
                throw new IllegalStateException("CPU " + cpu.id + " drowns in interrupts");
            }
            cpu.pendingInterrupts.add(source);
            return;
        }
        long now = kernel.nowNanos();
        var frame = cpu.current().push(entry);
        frame.interrupt = true;
        frame.remainingNanos = cpu.halted() ? 0 : Math.max(0, cpu.timeNanos - now);
        frame.object = source;
        // the interrupted routine finds the result of its last call as it was
        frame.v2 = cpu.current().result;
        frame.other = cpu.current().resultObject;
        cpu.timeNanos = now;
        cpu.interruptDepth++;
    }

    private void entry(Task task, Frame frame) {
        var cpu = task.cpu;
        switch (frame.next()) {
            case 0 -> task.work(110);
            case 1 -> {
                var source = (Source) frame.object();
                counts.interrupt(source, cpu);
                if (source.number >= 0) {
                    kernel.truth.hardInterrupts++;
                }
                if (source.number >= 0 && handlerEntry.active()) {
                    kernel.tracer.raw(handlerEntry, task, source.number);
                    kernel.tracer
                            .begin(handlerEntry, task)
                            .num(source.number)
                            .bytes(source.name)
                            .fire();
                }
                task.call(source.handler, source.number).object = source;
            }
            case 2 -> {
                var source = (Source) frame.object();
                if (source.number >= 0 && handlerExit.active()) {
                    kernel.tracer.raw(handlerExit, task, source.number, 0, 1);
                    kernel.tracer
                            .begin(handlerExit, task)
                            .num(source.number)
                            .num(1)
                            .fire();
                }
                task.work(60);
            }
            case 3 -> {
                if (cpu.softirqs != 0) {
                    task.call(handleSoftirqs, 0);
                }
            }
            case 4 -> {
                var next = cpu.pendingInterrupts.poll();
                if (next != null) {
                    frame.object = next;
                    frame.pc = 0;
                    return;
                }
                cpu.interruptDepth--;
                if (cpu.needResched && !cpu.idling() && task.caller().routine.user()) {
                    kernel.scheduler.callSchedule(task);
                }
            }
            case 5 -> {
                if (!cpu.idling() && task.caller().routine.user() && task.signalled()) {
                    kernel.signals.callDeliver(task);
                }
            }
            default -> {
                task.resultObject = frame.other;
                if (task.handling != null) {
                    long rest = frame.remainingNanos;
                    frame.remainingNanos = 0;
                    task.ret(frame.v2);
                    kernel.signals.afterInterrupt(task, rest);
                } else {
                    task.ret(frame.v2);
                }
            }
        }
    }

    // Soft interrupts

    void raiseSoftirq(Cpu cpu, int number) {
        if (softirqRaise.active()) {
            kernel.tracer.raw(softirqRaise, cpu.current(), number);
            kernel.tracer.begin(softirqRaise, cpu.current()).num(number).fire();
        }
        cpu.softirqs |= 1 << number;
    }

    private void handleSoftirqs(Task task, Frame frame) {
        var cpu = task.cpu;
        switch (frame.next()) {
            case 0 -> task.work(50);
            case 1 -> {
                if (cpu.softirqs == 0) {
                    task.ret(0);
                    return;
                }
                int number = Integer.numberOfTrailingZeros(cpu.softirqs);
                cpu.softirqs &= ~(1 << number);
                counts.softirq(number, cpu);
                frame.v0 = number;
                kernel.truth.softInterrupts++;
                if (softirqEntry.active()) {
                    kernel.tracer.raw(softirqEntry, task, number);
                    kernel.tracer.begin(softirqEntry, task).num(number).fire();
                }
                task.call(softirqActions[number]);
            }
            default -> {
                frame.pc = 1;
                if (softirqExit.active()) {
                    kernel.tracer.raw(softirqExit, task, frame.v0);
                    kernel.tracer.begin(softirqExit, task).num(frame.v0).fire();
                }
                task.work(30);
            }
        }
    }

    // Callbacks after a grace period

    private static final class RcuQueue {
        final ArrayDeque<Routine> functions = new ArrayDeque<>();
        final ArrayDeque<Object> objects = new ArrayDeque<>();
        final ArrayDeque<Long> times = new ArrayDeque<>();
    }

    /** Calls a function in a soft interrupt of this CPU once a grace period (at least a tick) is over. */
    void callRcu(Cpu cpu, Routine function, Object object) {
        var queue = rcu[cpu.id];
        queue.functions.add(function);
        queue.objects.add(object);
        queue.times.add(kernel.clockNanos() + TICK_NANOS);
    }

    private void rcuCore(Task task, Frame frame) {
        var queue = rcu[task.cpu.id];
        switch (frame.next()) {
            case 0 -> task.work(90);
            default -> {
                if (frame.pc > 33 || queue.times.isEmpty() || queue.times.peek() > kernel.clockNanos()) {
                    task.ret(0);
                    return;
                }
                queue.times.poll();
                task.call(queue.functions.remove()).object = queue.objects.remove();
            }
        }
    }

    boolean rcuReady(Cpu cpu) {
        var times = rcu[cpu.id].times;
        return !times.isEmpty() && times.peek() <= kernel.clockNanos();
    }

    boolean rcuIdle(Cpu cpu) {
        return rcu[cpu.id].times.isEmpty();
    }

    // Timers

    private void hrtimerInterrupt(Task task, Frame frame) {
        var timer = timers[task.cpu.id];
        switch (frame.next()) {
            case 0 -> task.work(90);
            case 1 -> {
                var expired = timer.expired.poll();
                if (expired == null) {
                    timer.raised = false;
                    task.ret(0);
                    return;
                }
                var function = expired instanceof Tick
                        ? tickHandler
                        : expired instanceof Task ? hrtimerWakeup : intervalHandler;
                long address =
                        expired instanceof Task sleeper ? sleeper.local(0x900) : 0xffff_0000L + 64L * task.cpu.id;
                frame.v0 = address;
                if (hrtimerExpireEntry.active()) {
                    kernel.tracer.raw(hrtimerExpireEntry, task, address, kernel.clockNanos());
                    kernel.tracer
                            .begin(hrtimerExpireEntry, task)
                            .num(address)
                            .num(kernel.clockNanos())
                            .num(function.address)
                            .fire();
                }
                task.call(function, address).object = expired;
            }
            default -> {
                frame.pc = 1;
                if (hrtimerExpireExit.active()) {
                    kernel.tracer.raw(hrtimerExpireExit, task, frame.v0);
                    kernel.tracer.begin(hrtimerExpireExit, task).num(frame.v0).fire();
                }
                task.work(20);
            }
        }
    }

    private void tickHandler(Task task, Frame frame) {
        switch (frame.next()) {
            case 0 -> task.call(updateProcessTimes, task.caller().routine.user() ? 1 : 0);
            default -> task.ret(1);
        }
    }

    private void updateProcessTimes(Task task, Frame frame) {
        switch (frame.next()) {
            case 0 -> task.spend(140);
            case 1 -> task.call(schedulerTick);
            case 2 -> {
                if (rcuReady(task.cpu)) {
                    raiseSoftirq(task.cpu, RCU_SOFTIRQ);
                }
                if (kernel.rng.oneIn(4)) {
                    raiseSoftirq(task.cpu, TIMER_SOFTIRQ);
                }
                if (kernel.rng.oneIn(6)) {
                    raiseSoftirq(task.cpu, SCHED_SOFTIRQ);
                }
                task.work(20);
            }
            default -> task.ret(0);
        }
    }

    private void schedulerTick(Task task, Frame frame) {
        switch (frame.next()) {
            case 0 -> task.spend(160);
            default -> {
                kernel.scheduler.tick(task.cpu);
                task.ret(0);
            }
        }
    }

    private void hrtimerWakeup(Task task, Frame frame) {
        switch (frame.next()) {
            case 0 -> {
                var sleeper = (Task) frame.object();
                sleeper.timerExpired = true;
                kernel.scheduler.callWakeup(task, sleeper);
            }
            default -> task.ret(0);
        }
    }

    private void intervalHandler(Task task, Frame frame) {
        switch (frame.next()) {
            case 0 -> ((Expiry) frame.object()).expire(task);
            default -> task.ret(0);
        }
    }
}
