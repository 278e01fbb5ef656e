package skep.events.embedded;

/** Sleeping locks, and a driver that has one: what lock tools watch. */
final class Mutexes {
    /** Numbers of the driver's {@code ioctl} commands. */
    static final int POST = 0xac01;

    static final int BUFFER = 0xac02;
    /** Of this many buffers that the driver hands out, it forgets one. */
    private static final int LEAK_ONE_IN = 16;

    private final EmbeddedKernel kernel;
    private final Routine mutexLock;
    private final Routine mutexLockSlow;
    private final Routine mutexUnlock;
    final Routine ioctl;
    private final Routine ledgerIoctl;
    private final Routine ledgerPost;
    private final Routine ledgerGetBuffer;
    private final Mutex ledger;
    /** One writes to the terminal at a time. */
    private final Mutex terminal;

    final GroundTruth.Distribution waits;
    final GroundTruth.Distribution holds;

    /** A lock with those that wait for it. */
    static final class Mutex {
        final long address;
        final WaitQueue waiters = new WaitQueue();
        boolean held;
        long takenNanos;

        Mutex(long address) {
            this.address = address;
        }
    }

    Mutexes(EmbeddedKernel kernel) {
        this.kernel = kernel;
        waits = kernel.truth.distribution("mutex wait");
        holds = kernel.truth.distribution("mutex hold");
        ledger = new Mutex(kernel.objects.make("mutex"));
        kernel.symbols.addData("ledger_lock", ledger.address);
        terminal = new Mutex(kernel.objects.make("mutex"));
        mutexLock = kernel.function("void mutex_lock(struct mutex *lock)", this::mutexLock);
        mutexLockSlow = kernel.function("void __mutex_lock_slowpath(struct mutex *lock)", this::mutexLockSlow);
        mutexUnlock = kernel.function("void mutex_unlock(struct mutex *lock)", this::mutexUnlock);
        ioctl = kernel.function("long vfs_ioctl(unsigned int fd, unsigned int cmd, unsigned long arg)", this::ioctl);
        ledgerIoctl = kernel.function(
                "long ledger_ioctl(struct file *file, unsigned int cmd, unsigned long arg)", this::ledgerIoctl);
        ledgerPost = kernel.function("int ledger_post(unsigned long amount)", this::ledgerPost);
        ledgerGetBuffer = kernel.function("void *ledger_get_buffer(size_t size)", this::ledgerGetBuffer);
    }

    void callLockTerminal(Task task) {
        task.call(mutexLock, terminal.address).object = terminal;
    }

    void callUnlockTerminal(Task task) {
        task.call(mutexUnlock, terminal.address).object = terminal;
    }

    private void mutexLock(Task task, Frame frame) {
        var mutex = (Mutex) frame.object();
        switch (frame.next()) {
            case 0 -> {
                frame.v0 = kernel.clockNanos();
                task.work(18);
            }
            case 1 -> {
                if (mutex.held) {
                    task.call(mutexLockSlow, mutex.address).object = mutex;
                } else {
                    mutex.held = true;
                }
            }
            default -> {
                mutex.takenNanos = kernel.clockNanos();
                waits.add(mutex.takenNanos - frame.v0);
                task.ret(0);
            }
        }
    }

    /** Sleeps until the one who unlocks hands the mutex over. */
    private void mutexLockSlow(Task task, Frame frame) {
        var mutex = (Mutex) frame.object();
        switch (frame.next()) {
            case 0 -> task.work(120);
            case 1 -> {
                if (!mutex.held) {
                    mutex.held = true;
                    task.ret(0);
                    return;
                }
                mutex.waiters.add(task);
                frame.v0 = 1;
                kernel.scheduler.callSleep(task, Task.State.UNINTERRUPTIBLE);
            }
            default -> task.ret(0);
        }
    }

    private void mutexUnlock(Task task, Frame frame) {
        var mutex = (Mutex) frame.object();
        switch (frame.next()) {
            case 0 -> {
                holds.add(kernel.clockNanos() - mutex.takenNanos);
                task.work(15);
            }
            case 1 -> {
                if (mutex.waiters.isEmpty()) {
                    mutex.held = false;
                } else {
                    // handed over: it stays held, by the first that waits
                    var next = mutex.waiters.first();
                    mutex.waiters.remove(next);
                    kernel.scheduler.callWakeup(task, next);
                }
            }
            default -> task.ret(0);
        }
    }

    private void ioctl(Task task, Frame frame) {
        switch (frame.next()) {
            case 0 -> {
                if (frame.a1 == VirtualMachines.KVM_RUN) {
                    task.call(kernel.machines.ioctl, 0, frame.a1, frame.a2);
                } else if (frame.a1 == POST || frame.a1 == BUFFER) {
                    task.call(ledgerIoctl, 0, frame.a1, frame.a2);
                } else {
                    task.spend(160);
                }
            }
            default -> task.ret(0);
        }
    }

    private void ledgerIoctl(Task task, Frame frame) {
        switch (frame.next()) {
            case 0 -> {
                if (frame.a1 == POST) {
                    task.call(ledgerPost, frame.a2);
                } else {
                    task.call(ledgerGetBuffer, frame.a2);
                }
            }
            case 1 -> {
                frame.v0 = task.result;
                if (frame.a1 == BUFFER && !kernel.rng.oneIn(LEAK_ONE_IN)) {
                    kernel.slab.callKfree(task, frame.v0);
                } else if (frame.a1 == BUFFER) {
                    kernel.truth.count("kernel objects leaked", 1);
                }
            }
            default -> task.ret(0);
        }
    }

    private void ledgerGetBuffer(Task task, Frame frame) {
        switch (frame.next()) {
            case 0 -> kernel.slab.callKmalloc(task, frame.a0);
            case 1 -> {
                frame.v0 = task.result;
                task.spend(400);
            }
            default -> task.ret(frame.v0);
        }
    }

    private void ledgerPost(Task task, Frame frame) {
        switch (frame.next()) {
            case 0 -> task.call(mutexLock, ledger.address).object = ledger;
            case 1 -> task.work(20_000 + kernel.rng.exponential(30_000));
            case 2 -> task.call(mutexUnlock, ledger.address).object = ledger;
            default -> task.ret(0);
        }
    }
}
