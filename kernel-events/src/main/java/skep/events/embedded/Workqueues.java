package skep.events.embedded;

import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;

/** Work queues: a kernel thread a CPU that runs functions which others queue; statistics and writeback use it. */
final class Workqueues {
    private static final byte[] EVENTS = "events".getBytes(StandardCharsets.US_ASCII);
    private static final long PERIOD_NANOS = 1_000_000_000;

    private final EmbeddedKernel kernel;
    private final Worker[] workers;
    private final Routine queueWorkOn;
    private final Routine workerThread;
    private final Routine processOneWork;
    private final Routine timerFunction;

    private final Tracepoint queueWork;
    private final Tracepoint activateWork;
    private final Tracepoint executeStart;
    private final Tracepoint executeEnd;

    /** A piece of work: a function with the address of its {@code struct work_struct}. */
    static final class Work {
        final long address;
        final Routine function;
        boolean pending;
        long queuedNanos;

        Work(long address, Routine function) {
            this.address = address;
            this.function = function;
        }
    }

    private static final class Worker {
        final ArrayDeque<Work> queue = new ArrayDeque<>();
        final WaitQueue idle = new WaitQueue();
    }

    final GroundTruth.Distribution latency;

    Workqueues(EmbeddedKernel kernel) {
        this.kernel = kernel;
        latency = kernel.truth.distribution("work queue latency");
        queueWork = kernel.tracepoint(
                "workqueue",
                "workqueue_queue_work",
                "void *work; void *function; __data_loc char[] workqueue; int req_cpu; int cpu",
                "int req_cpu, struct pool_workqueue *pwq, struct work_struct *work");
        activateWork = kernel.tracepoint(
                "workqueue", "workqueue_activate_work", "void *work; void *function", "struct work_struct *work");
        executeStart = kernel.tracepoint(
                "workqueue", "workqueue_execute_start", "void *work; void *function", "struct work_struct *work");
        executeEnd = kernel.tracepoint(
                "workqueue",
                "workqueue_execute_end",
                "void *work; void *function",
                "struct work_struct *work, work_func_t function");
        queueWorkOn = kernel.function(
                "bool queue_work_on(int cpu, struct workqueue_struct *wq, struct work_struct *work)",
                this::queueWorkOn);
        workerThread = kernel.function("int worker_thread(void *__worker)", this::workerThread);
        processOneWork = kernel.function(
                "void process_one_work(struct worker *worker, struct work_struct *work)", this::processOneWork);
        timerFunction = kernel.function("void delayed_work_timer_fn(struct timer_list *t)", this::timerFunction);
        workers = new Worker[kernel.cpus.length];
        for (int i = 0; i < workers.length; i++) {
            workers[i] = new Worker();
        }
    }

    /** The threads, and the statistics that every CPU updates once a second. */
    void boot() {
        var update = kernel.leaf("void vmstat_update(struct work_struct *w)", 1_800);
        for (var cpu : kernel.cpus) {
            kernel.processes.bootKernelThread("kworker/" + cpu.id + ":1", workerThread, workers[cpu.id], cpu.id);
            var work = new Work(kernel.objects.make("work_struct"), update);
            new Delayed(cpu, work).arm(PERIOD_NANOS * (cpu.id + 1L) / kernel.cpus.length);
        }
    }

    /** Queues a piece of work each period, from the timer interrupt. */
    private final class Delayed extends Event implements Interrupts.Expiry {
        private final Cpu cpu;
        private final Work work;

        Delayed(Cpu cpu, Work work) {
            this.cpu = cpu;
            this.work = work;
        }

        void arm(long nanos) {
            kernel.post(this, kernel.nowNanos() + nanos);
        }

        @Override
        void happen() {
            kernel.post(this, timeNanos + PERIOD_NANOS);
            kernel.interrupts.raise(cpu, this);
        }

        @Override
        public void expire(Task task) {
            task.call(timerFunction, work.address - 0x20).object = work;
        }
    }

    private void timerFunction(Task task, Frame frame) {
        switch (frame.next()) {
            case 0 -> callQueueWork(task, (Work) frame.object());
            default -> task.ret(0);
        }
    }

    /** Queues work for this CPU; nothing happens if it is queued already. */
    void callQueueWork(Task task, Work work) {
        task.call(queueWorkOn, task.cpu.id, 0, work.address).object = work;
    }

    private void queueWorkOn(Task task, Frame frame) {
        var work = (Work) frame.object();
        var worker = workers[(int) frame.a0];
        switch (frame.next()) {
            case 0 -> task.work(70);
            case 1 -> {
                if (work.pending) {
                    task.ret(0);
                    return;
                }
                work.pending = true;
                work.queuedNanos = kernel.clockNanos();
                worker.queue.add(work);
                if (queueWork.active()) {
                    kernel.tracer.raw(queueWork, task, frame.a0, 0, work.address);
                    kernel.tracer
                            .begin(queueWork, task)
                            .num(work.address)
                            .num(work.function.address)
                            .bytes(EVENTS)
                            .num(frame.a0)
                            .num(frame.a0)
                            .fire();
                }
                fire(activateWork, task, work);
                task.work(30);
            }
            case 2 -> kernel.channels.callWakeUpOne(task, worker.idle);
            default -> task.ret(1);
        }
    }

    private void fire(Tracepoint point, Task task, Work work) {
        if (point.active()) {
            kernel.tracer.raw(point, task, work.address, work.function.address);
            kernel.tracer
                    .begin(point, task)
                    .num(work.address)
                    .num(work.function.address)
                    .fire();
        }
    }

    private void workerThread(Task task, Frame frame) {
        var worker = (Worker) frame.object();
        switch (frame.next()) {
            case 0 -> task.work(60);
            default -> {
                frame.pc = 0;
                var work = worker.queue.poll();
                if (work == null) {
                    worker.idle.add(task);
                    kernel.scheduler.callSleep(task, Task.State.IDLE_KTHREAD);
                } else {
                    task.call(processOneWork, 0, work.address).object = work;
                }
            }
        }
    }

    private void processOneWork(Task task, Frame frame) {
        var work = (Work) frame.object();
        switch (frame.next()) {
            case 0 -> {
                work.pending = false;
                latency.add(kernel.clockNanos() - work.queuedNanos);
                fire(executeStart, task, work);
                task.work(40);
            }
            case 1 -> task.call(work.function, work.address);
            case 2 -> {
                fire(executeEnd, task, work);
                task.work(40);
            }
            default -> task.ret(0);
        }
    }
}
