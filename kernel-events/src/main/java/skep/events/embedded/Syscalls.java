package skep.events.embedded;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Collectors;
import skep.isa.kernel.Arch;

/**
 * The system calls: a row for each with its declaration and its numbers on arm64 and x86-64, from which the entry
 * function, both tracepoints and their formats follow; and the path from user mode into the kernel and back.
 */
final class Syscalls {
    private final EmbeddedKernel kernel;
    private final Map<String, Syscall> byName = new LinkedHashMap<>();
    private final Routine[] callers;
    private final Tracepoint sysEnter;
    private final Tracepoint sysExit;

    /** The descriptor that stands for the working folder. */
    private static final long AT_FDCWD = -100;

    /** The outermost kernel frame of a system call. */
    final Routine entry;

    final Syscall read;
    final Syscall write;
    final Syscall pread;
    final Syscall pwrite;
    final Syscall openat;
    final Syscall close;
    final Syscall fstat;
    final Syscall newfstatat;
    final Syscall statx;
    final Syscall getdents;
    final Syscall lseek;
    final Syscall fsync;
    final Syscall fdatasync;
    final Syscall unlinkat;
    final Syscall mkdirat;
    final Syscall pipe2;
    final Syscall socketpair;
    final Syscall sendto;
    final Syscall recvfrom;
    final Syscall socket;
    final Syscall bind;
    final Syscall listen;
    final Syscall accept4;
    final Syscall connect;
    final Syscall nanosleep;
    final Syscall clone;
    final Syscall execve;
    final Syscall exitGroup;
    final Syscall wait4;
    final Syscall mmap;
    final Syscall munmap;
    final Syscall brk;
    final Syscall rtSigaction;
    final Syscall rtSigreturn;
    final Syscall rtSigprocmask;
    final Syscall ioctl;
    final Syscall getpid;
    final Syscall futex;
    final Syscall schedYield;
    final Syscall getrandom;
    final Syscall uname;
    final Syscall kill;
    final Syscall mount;
    final Syscall umount;
    final Syscall statfs;
    final Syscall sync;
    final Syscall syncfs;
    final Syscall shmget;
    final Syscall shmat;
    final Syscall shmdt;
    final Syscall shmctl;
    final Syscall renameat2;
    final Syscall openat2;
    final Syscall readv;
    final Syscall writev;
    final Syscall sendmsg;
    final Syscall recvmsg;
    final Syscall msync;
    final Syscall syncFileRange;
    final Syscall fsopen;
    final Syscall fsconfig;
    final Syscall fsmount;
    final Syscall moveMount;
    final Syscall setuid;
    final Syscall setresuid;
    final Syscall setfsuid;
    final Syscall plainNanosleep;
    final Syscall tgkill;
    final Syscall exit;
    final Syscall epollWait;
    final Syscall madvise;
    /** Calls that only x86-64 has; {@link #openat} and the like where an architecture is younger. */
    final Syscall open;

    final Syscall newstat;
    final Syscall newlstat;
    final Syscall stat;
    final Syscall fstatat64;

    Syscalls(EmbeddedKernel kernel) {
        this.kernel = kernel;
        boolean arm = kernel.arch == Arch.ARM64;
        entry = kernel.entryCode(arm ? "el0t_64_sync" : "entry_SYSCALL_64_after_hwframe", this::entry);
        var names = arm
                ? new String[] {
                    "invoke_syscall.constprop.0",
                    "el0_svc_common.constprop.0",
                    "do_el0_svc",
                    "el0_svc",
                    "el0t_64_sync_handler"
                }
                : new String[] {"x64_sys_call", "do_syscall_64"};
        callers = new Routine[names.length];
        for (int i = 0; i < names.length; i++) {
            callers[i] = kernel.entryCode(names[i], (task, frame) -> {});
        }
        sysEnter = kernel.tracepoint(
                "raw_syscalls", "sys_enter", "long id; unsigned long args[6]", "struct pt_regs *regs, long id");
        sysExit = kernel.tracepoint("raw_syscalls", "sys_exit", "long id; long ret", "struct pt_regs *regs, long ret");

        var vfs = kernel.vfs;
        read = to("ssize_t read(unsigned int fd, char *buf, size_t count)", 63, 0, vfs.ksysRead);
        write = to("ssize_t write(unsigned int fd, const char *buf, size_t count)", 64, 1, vfs.ksysWrite);
        pread = to("ssize_t pread64(unsigned int fd, char *buf, size_t count, loff_t pos)", 67, 17, vfs.ksysPread);
        pwrite = to(
                "ssize_t pwrite64(unsigned int fd, const char *buf, size_t count, loff_t pos)", 68, 18, vfs.ksysPwrite);
        openat = to("long openat(int dfd, const char *filename, int flags, umode_t mode)", 56, 257, vfs.doSysOpenat2);
        close = to("long close(unsigned int fd)", 57, 3, vfs.closeFd);
        fstat = to("long newfstat(unsigned int fd, struct stat *statbuf)", 80, 5, vfs.vfsFstat);
        newfstatat = to(
                "long newfstatat(int dfd, const char *filename, struct stat *statbuf, int flag)",
                79,
                262,
                vfs.vfsFstatat);
        statx = to(
                "long statx(int dfd, const char *filename, unsigned int flags, unsigned int mask, struct statx *buffer)",
                291,
                332,
                vfs.vfsFstatat);
        getdents = to(
                "long getdents64(unsigned int fd, struct linux_dirent64 *dirent, unsigned int count)",
                61,
                217,
                vfs.iterateDirOf);
        lseek = to("off_t lseek(unsigned int fd, off_t offset, unsigned int whence)", 62, 8, vfs.vfsLlseek);
        fsync = to("long fsync(unsigned int fd)", 82, 74, vfs.doFsync);
        fdatasync = to("long fdatasync(unsigned int fd)", 83, 75, vfs.doFsync);
        unlinkat = to("long unlinkat(int dfd, const char *pathname, int flag)", 35, 263, vfs.doUnlinkat);
        mkdirat = to("long mkdirat(int dfd, const char *pathname, umode_t mode)", 34, 258, vfs.doMkdirat);
        pipe2 = to("long pipe2(int *fildes, int flags)", 59, 293, kernel.channels.doPipe2);
        socketpair = to(
                "long socketpair(int family, int type, int protocol, int *usockvec)",
                199,
                53,
                kernel.channels.sysSocketpair);
        sendto = to(
                "long sendto(int fd, void *buff, size_t len, unsigned int flags, struct sockaddr *addr, int addr_len)",
                206,
                44,
                kernel.channels.sysSendto);
        recvfrom = to(
                "long recvfrom(int fd, void *ubuf, size_t size, unsigned int flags, struct sockaddr *addr, int *addr_len)",
                207,
                45,
                kernel.channels.sysRecvfrom);
        var network = kernel.network;
        socket = to("long socket(int family, int type, int protocol)", 198, 41, network.sysSocket);
        bind = to("long bind(int fd, struct sockaddr *umyaddr, int addrlen)", 200, 49, network.sysBind);
        listen = to("long listen(int fd, int backlog)", 201, 50, network.sysListen);
        accept4 = to(
                "long accept4(int fd, struct sockaddr *upeer_sockaddr, int *upeer_addrlen, int flags)",
                242,
                288,
                network.sysAccept);
        connect = to("long connect(int fd, struct sockaddr *uservaddr, int addrlen)", 203, 42, network.sysConnect);
        nanosleep = declare(
                "long clock_nanosleep(clockid_t which_clock, int flags, const struct __kernel_timespec *rqtp, struct __kernel_timespec *rmtp)",
                115,
                230,
                (task, frame) -> {
                    if (frame.next() == 0) {
                        task.call(kernel.timekeeping.nanosleep, task.sleepNanos, 1, task.syscallArguments[0]);
                    } else {
                        task.ret(task.result);
                    }
                });
        clone = declare(
                "long clone(unsigned long clone_flags, unsigned long newsp, int *parent_tidptr, unsigned long tls, int *child_tidptr)",
                220,
                56,
                (task, frame) -> {
                    if (frame.next() == 0) {
                        task.call(kernel.processes.kernelClone, task.local(0xa00)).object = task.pendingChild;
                    } else {
                        task.ret(task.result);
                    }
                });
        execve = declare(
                "long execve(const char *filename, const char *const *argv, const char *const *envp)",
                221,
                59,
                (task, frame) -> {
                    if (frame.next() == 0) {
                        task.call(kernel.processes.execve, -100, task.syscallArguments[0], task.syscallArguments[1])
                                .object = task.pendingExec;
                    } else {
                        task.ret(task.result);
                    }
                });
        exitGroup = declare(
                "long exit_group(int error_code)",
                94,
                231,
                (task, frame) -> task.call(kernel.processes.doGroupExit, task.syscallArguments[0] << 8));
        wait4 = to(
                "long wait4(pid_t upid, int *stat_addr, int options, struct rusage *ru)",
                260,
                61,
                kernel.processes.doWait);
        mmap = to(
                "unsigned long mmap(unsigned long addr, unsigned long len, unsigned long prot, unsigned long flags, unsigned long fd, unsigned long off)",
                222,
                9,
                kernel.virtualMemory.mmap);
        munmap = to("long munmap(unsigned long addr, size_t len)", 215, 11, kernel.virtualMemory.munmap);
        brk = takes("unsigned long brk(unsigned long brk)", 214, 12, 350, kernel.addresses.userData() + (16 << 20));
        rtSigaction = to(
                "long rt_sigaction(int sig, const struct sigaction *act, struct sigaction *oact, size_t sigsetsize)",
                134,
                13,
                kernel.signals.sigaction);
        rtSigreturn = to("long rt_sigreturn(void)", 139, 15, kernel.signals.sigreturn);
        rtSigprocmask = takes(
                "long rt_sigprocmask(int how, sigset_t *nset, sigset_t *oset, size_t sigsetsize)", 135, 14, 80, 0);
        ioctl = to("long ioctl(unsigned int fd, unsigned int cmd, unsigned long arg)", 29, 16, kernel.mutexes.ioctl);
        getpid = declare("pid_t getpid(void)", 172, 39, (task, frame) -> task.ret(task.process.pid));
        futex = takes(
                "long futex(u32 *uaddr, int op, u32 val, const struct __kernel_timespec *utime, u32 *uaddr2, u32 val3)",
                98,
                202,
                300,
                0);
        schedYield = declare("long sched_yield(void)", 124, 24, (task, frame) -> {
            if (frame.next() == 0) {
                kernel.scheduler.callSchedule(task);
            } else {
                task.ret(0);
            }
        });
        openat2 = to(
                "long openat2(int dfd, const char *filename, struct open_how *how, size_t usize)",
                437,
                437,
                vfs.doSysOpenat2);
        if (arm) {
            open = openat;
            newstat = newfstatat;
            newlstat = newfstatat;
            stat = newfstatat;
            fstatat64 = newfstatat;
        } else {
            open = atFolder("long open(const char *filename, int flags, umode_t mode)", 2, vfs.doSysOpenat2);
            newstat = ofPath("long newstat(const char *filename, struct stat *statbuf)", 4);
            newlstat = ofPath("long newlstat(const char *filename, struct stat *statbuf)", 6);
            // those of 32-bit programs, whose numbers are from another table
            stat = ofPath("long stat(const char *filename, struct __old_kernel_stat *statbuf)", 18);
            fstatat64 = declare(
                    "long fstatat64(int dfd, const char *filename, struct stat64 *statbuf, int flag)",
                    -1,
                    300,
                    (task, frame) -> {
                        if (frame.next() == 0) {
                            var a = task.syscallArguments;
                            task.call(vfs.vfsFstatat, a[0], a[1], a[2], a[3]);
                        } else {
                            task.ret(task.result);
                        }
                    });
        }
        readv = to("ssize_t readv(unsigned long fd, const struct iovec *vec, unsigned long vlen)", 65, 19, vfs.doReadv);
        writev = to(
                "ssize_t writev(unsigned long fd, const struct iovec *vec, unsigned long vlen)", 66, 20, vfs.doWritev);
        sendmsg = to(
                "ssize_t sendmsg(int fd, struct user_msghdr *msg, unsigned int flags)",
                211,
                46,
                kernel.rights.sysSendmsg);
        recvmsg = to(
                "ssize_t recvmsg(int fd, struct user_msghdr *msg, unsigned int flags)",
                212,
                47,
                kernel.rights.sysRecvmsg);
        exit = declare(
                "long exit(int error_code)",
                93,
                60,
                (task, frame) -> task.call(kernel.processes.doExit, task.syscallArguments[0] << 8));
        plainNanosleep = declare(
                "long nanosleep(struct __kernel_timespec *rqtp, struct __kernel_timespec *rmtp)",
                101,
                35,
                (task, frame) -> {
                    if (frame.next() == 0) {
                        task.call(kernel.timekeeping.nanosleep, task.sleepNanos, 1, 1);
                    } else {
                        task.ret(task.result);
                    }
                });
        epollWait = declare(
                arm
                        ? "int epoll_pwait(int epfd, struct epoll_event *events, int maxevents, int timeout, const sigset_t *sigmask, size_t sigsetsize)"
                        : "int epoll_wait(int epfd, struct epoll_event *events, int maxevents, int timeout)",
                22,
                232,
                (task, frame) -> {
                    if (frame.next() == 0) {
                        task.call(kernel.timekeeping.nanosleep, task.syscallArguments[3] * 1_000_000L, 1, 1);
                    } else {
                        task.ret(0);
                    }
                });
        madvise = takes("long madvise(unsigned long start, size_t len_in, int behavior)", 233, 28, 900, 0);
        getrandom =
                declare("ssize_t getrandom(char *ubuf, size_t len, unsigned int flags)", 278, 318, (task, frame) -> {
                    if (frame.next() == 0) {
                        task.spend(120 + task.syscallArguments[1]);
                    } else {
                        task.ret(task.syscallArguments[1]);
                    }
                });
        var admin = kernel.administration;
        kill = declare("long kill(pid_t pid, int sig)", 129, 62, (task, frame) -> {
            if (frame.next() == 0) {
                task.call(kernel.signals.kill, task.syscallArguments[1], 0, task.syscallArguments[0]);
            } else {
                task.ret(task.result);
            }
        });
        tgkill = to("long tgkill(pid_t tgid, pid_t pid, int sig)", 131, 234, kernel.signals.tgkill);
        setuid = to("long setuid(uid_t uid)", 146, 105, kernel.security.setuid);
        setresuid = to("long setresuid(uid_t ruid, uid_t euid, uid_t suid)", 147, 117, kernel.security.setresuid);
        setfsuid = to("long setfsuid(uid_t uid)", 151, 122, kernel.security.setfsuid);
        msync = to("long msync(unsigned long start, size_t len, int flags)", 227, 26, admin.msync);
        syncFileRange = to(
                "long sync_file_range(int fd, loff_t offset, loff_t nbytes, unsigned int flags)",
                84,
                277,
                admin.syncFileRange);
        fsopen = to("long fsopen(const char *_fs_name, unsigned int flags)", 430, 430, admin.fsopen);
        fsconfig = to(
                "long fsconfig(int fd, unsigned int cmd, const char *_key, const void *_value, int aux)",
                431,
                431,
                admin.fsconfig);
        fsmount = to("long fsmount(int fs_fd, unsigned int flags, unsigned int attr_flags)", 432, 432, admin.fsmount);
        moveMount = to(
                "long move_mount(int from_dfd, const char *from_pathname, int to_dfd, const char *to_pathname, unsigned int flags)",
                429,
                429,
                admin.moveMount);
        mount = to(
                "long mount(char *dev_name, char *dir_name, char *type, unsigned long flags, void *data)",
                40,
                165,
                admin.mount);
        umount = to("long umount(char *name, int flags)", 39, 166, admin.umount);
        statfs = to("long statfs(const char *pathname, struct statfs *buf)", 43, 137, admin.statfs);
        sync = to("long sync(void)", 81, 162, admin.sync);
        syncfs = to("long syncfs(int fd)", 267, 306, admin.syncfs);
        shmget = to("long shmget(key_t key, size_t size, int shmflg)", 194, 29, admin.shmget);
        shmat = to("long shmat(int shmid, char *shmaddr, int shmflg)", 196, 30, admin.shmat);
        shmdt = to("long shmdt(char *shmaddr)", 197, 67, admin.shmdt);
        shmctl = to("long shmctl(int shmid, int cmd, struct shmid_ds *buf)", 195, 31, admin.shmctl);
        renameat2 = to(
                "long renameat2(int olddfd, const char *oldname, int newdfd, const char *newname, unsigned int flags)",
                276,
                316,
                vfs.doRenameat2);
        uname = takes("long newuname(struct new_utsname *name)", 160, 63, 130, 0);
    }

    /** Declares a system call. */
    private Syscall declare(String declaration, int arm64, int x86, Body body) {
        boolean arm = kernel.arch == Arch.ARM64;
        var prototype = Prototype.parse(declaration);
        var wrapper = kernel.function(
                "long " + (arm ? "__arm64_sys_" : "__x64_sys_") + prototype.name() + "(const struct pt_regs *regs)",
                body);
        wrapper.callers = callers;
        var fields = "int __syscall_nr; "
                + prototype.parameters().stream()
                        .map(p -> p.type() + (p.type().endsWith("*") ? "" : " ") + p.name() + ":8")
                        .collect(Collectors.joining("; "));
        var enter =
                kernel.tracepoint("syscalls", "sys_enter_" + prototype.name(), fields, "struct pt_regs *regs, long id");
        var exit = kernel.tracepoint(
                "syscalls",
                "sys_exit_" + prototype.name(),
                "int __syscall_nr; long ret",
                "struct pt_regs *regs, long ret");
        var syscall = new Syscall(prototype, arm ? arm64 : x86, wrapper, enter, exit);
        byName.put(prototype.name(), syscall);
        return syscall;
    }

    /** A system call that hands its arguments on to a function and returns what that returns. */
    private Syscall to(String declaration, int arm64, int x86, Routine function) {
        return declare(declaration, arm64, x86, (task, frame) -> {
            if (frame.next() == 0) {
                var a = task.syscallArguments;
                task.call(function, a[0], a[1], a[2], a[3], a[4], a[5]);
            } else {
                task.ret(task.result);
            }
        });
    }

    /** A system call of x86-64 only whose path is relative to the working folder. */
    private Syscall atFolder(String declaration, int x86, Routine function) {
        return declare(declaration, -1, x86, (task, frame) -> {
            if (frame.next() == 0) {
                var a = task.syscallArguments;
                task.call(function, AT_FDCWD, a[0], a[1], a[2]);
            } else {
                task.ret(task.result);
            }
        });
    }

    private Syscall ofPath(String declaration, int x86) {
        return atFolder(declaration, x86, kernel.vfs.vfsFstatat);
    }

    /** A system call that only takes time. */
    private Syscall takes(String declaration, int arm64, int x86, long typicalNanos, long value) {
        return declare(declaration, arm64, x86, (task, frame) -> {
            if (frame.next() == 0) {
                task.spend(typicalNanos);
            } else {
                task.ret(value);
            }
        });
    }

    Map<String, Syscall> byName() {
        return byName;
    }

    private void entry(Task task, Frame frame) {
        switch (frame.next()) {
            case 0 -> task.work(60);
            case 1 -> {
                var syscall = (Syscall) frame.object();
                kernel.truth.syscallEnters++;
                enter(task, syscall);
                task.call(syscall.wrapper(), kernel.stacks.userRegisters(task));
            }
            case 2 -> {
                frame.v0 = task.result;
                exit(task, (Syscall) frame.object(), frame.v0);
                kernel.truth.syscallExits++;
                task.work(40);
            }
            case 3 -> {
                if (task.cpu.needResched) {
                    frame.pc = 3;
                    kernel.scheduler.callSchedule(task);
                }
            }
            case 4 -> {
                if (task.signalled()) {
                    kernel.signals.callDeliver(task);
                }
            }
            default -> {
                boolean replaced = frame.object == execve && frame.v0 == 0;
                task.syscallNumber = -1;
                if (replaced) {
                    var invocation = Objects.requireNonNull(task.process.invocation);
                    task.depth = -1;
                    task.push(invocation.program().main()).object = invocation;
                    // a fresh program touches its pages one by one
                    kernel.virtualMemory.touch(task, 6 + kernel.rng.below(10));
                } else {
                    long value = frame.v0;
                    var syscall = (Syscall) frame.object();
                    task.ret(value);
                    kernel.signals.afterSyscall(task, syscall, value);
                }
            }
        }
    }

    private void enter(Task task, Syscall syscall) {
        var a = task.syscallArguments;
        if (sysEnter.active()) {
            kernel.tracer.raw(sysEnter, task, kernel.stacks.userRegisters(task), syscall.number());
            kernel.tracer
                    .begin(sysEnter, task)
                    .num(syscall.number())
                    .words(a, 6)
                    .fire();
        }
        if (syscall.enter().active()) {
            var writer = kernel.tracer.begin(syscall.enter(), task).num(syscall.number());
            for (int i = 0; i < syscall.prototype().parameters().size(); i++) {
                writer.num(a[i]);
            }
            writer.fire();
        }
    }

    private void exit(Task task, Syscall syscall, long value) {
        if (sysExit.active()) {
            kernel.tracer.raw(sysExit, task, kernel.stacks.userRegisters(task), value);
            kernel.tracer.begin(sysExit, task).num(syscall.number()).num(value).fire();
        }
        if (syscall.exit().active()) {
            kernel.tracer
                    .begin(syscall.exit(), task)
                    .num(syscall.number())
                    .num(value)
                    .fire();
        }
    }
}
