package skep.events.embedded;

/** System calls of administrators: signals, mounts, shared memory, sync. They take their time and change little. */
final class Administration {
    private final EmbeddedKernel kernel;
    private final Routine capCapable;
    final Routine kill;
    final Routine mount;
    final Routine umount;
    final Routine statfs;
    final Routine sync;
    final Routine syncfs;
    final Routine shmget;
    final Routine shmat;
    final Routine shmdt;
    final Routine shmctl;
    final Routine renameat;
    private final Routine vfsRename;
    private final Routine sendSignal;
    private final Tracepoint signalGenerate;

    Administration(EmbeddedKernel kernel) {
        this.kernel = kernel;
        signalGenerate = kernel.tracepoint(
                "signal",
                "signal_generate",
                "int sig; int errno; int code; char comm[16]; pid_t pid; int group; int result",
                "int sig, struct kernel_siginfo *info, struct task_struct *task, int group, int result");
        capCapable = kernel.leaf(
                "int cap_capable(const struct cred *cred, struct user_namespace *targ_ns, int cap, unsigned int opts)",
                30);
        sendSignal = kernel.function(
                "int send_signal_locked(int sig, struct kernel_siginfo *info, struct task_struct *t, enum pid_type type)",
                this::sendSignal);
        kill = kernel.function("int kill_something_info(pid_t pid, int sig, struct kernel_siginfo *info)", this::kill);
        mount = privileged(
                "long path_mount(const char *dev_name, struct path *path, const char *type_page, unsigned long flags, void *data_page)",
                21,
                90_000);
        umount = privileged("int path_umount(struct path *path, int flags)", 21, 60_000);
        statfs = kernel.leaf("int vfs_statfs(const struct path *path, struct kstatfs *buf)", 700);
        sync = kernel.leaf("void ksys_sync(void)", 80_000);
        syncfs = kernel.leaf("int sync_filesystem(struct super_block *sb)", 40_000);
        shmget = kernel.leaf("long ksys_shmget(key_t key, size_t size, int shmflg)", 2_400, 7);
        shmat = kernel.leaf(
                "long do_shmat(int shmid, char *shmaddr, int shmflg)",
                3_100,
                kernel.addresses.userLibraries() + (1 << 30));
        shmdt = kernel.leaf("long ksys_shmdt(char *shmaddr)", 1_900);
        shmctl = privileged("long ksys_shmctl(int shmid, int cmd, struct shmid_ds *buf)", 15, 1_500);
        vfsRename = kernel.leaf("int vfs_rename(struct renamedata *rd)", 6_500);
        renameat = kernel.function(
                "int do_renameat2(int olddfd, struct filename *from, int newdfd, struct filename *to, unsigned int flags)",
                (task, frame) -> {
                    switch (frame.next()) {
                        case 0 -> task.spend(900);
                        case 1 -> task.call(vfsRename, task.local(0xe00));
                        default -> task.ret(0);
                    }
                });
    }

    /** An operation that asks for a capability first. */
    private Routine privileged(String declaration, int capability, long typicalNanos) {
        return kernel.function(declaration, (task, frame) -> {
            switch (frame.next()) {
                case 0 -> task.call(capCapable, task.process.credentials, 0, capability, 0);
                case 1 -> task.spend(typicalNanos);
                default -> task.ret(0);
            }
        });
    }

    private void kill(Task task, Frame frame) {
        switch (frame.next()) {
            case 0 -> {
                var target = kernel.processes.find((int) frame.a0);
                if (target == null) {
                    task.ret(-3);
                    return;
                }
                task.call(sendSignal, frame.a1, 0, target.address, 1).object = target;
            }
            default -> task.ret(0);
        }
    }

    private void sendSignal(Task task, Frame frame) {
        switch (frame.next()) {
            case 0 -> {
                if (signalGenerate.active()) {
                    var target = (Task) frame.object();
                    kernel.tracer.raw(signalGenerate, task, frame.a0, 0, target.address, 1, 0, 0);
                    kernel.tracer
                            .begin(signalGenerate, task)
                            .num(frame.a0)
                            .num(0)
                            .num(0)
                            .bytes(target.comm())
                            .num(target.tid)
                            .num(1)
                            .num(0)
                            .fire();
                }
                task.spend(260);
            }
            default -> task.ret(0);
        }
    }
}
