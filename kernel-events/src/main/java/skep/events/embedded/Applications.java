package skep.events.embedded;

import java.util.List;

/**
 * Programs of desktops and servers whose calls of libraries and of seldom used parts of the kernel tools watch: a shell at a
 * terminal, clients that encrypt, a program that tries every way to allocate, one that takes more memory than there is.
 */
final class Applications {
    private static final long MILLI = 1_000_000L;
    private static final int AT_FDCWD = -100;
    private static final int AT_REMOVEDIR = 0x200;
    private static final int AF_INET = 2;
    private static final int AF_INET6 = 10;
    private static final int O_CREAT_WRITE = 0x241;
    /** Where the two ends of a socket pair are that processes have from the start. */
    static final int PEER_DESCRIPTOR = 3;

    private static final String[] LINES = {"ls -l", "date", "cat /etc/hosts", "uname -a", "id"};

    private final EmbeddedKernel kernel;
    private final Syscalls sys;
    private final UserSpace user;
    private final Libraries libraries;
    private final Rng rng;
    private final long buffer;
    private final Routine readline;
    private final Routine shellCommand;
    private final Routine childEnded;
    private final Routine sessionChild;
    private final Routine hogChild;
    private final Routine vcpu;
    private final Routine listMalloc;
    private final long request;
    private final long response;
    private final Program memoryHog;

    Applications(EmbeddedKernel kernel) {
        this.kernel = kernel;
        sys = kernel.syscalls;
        user = kernel.userSpace;
        libraries = kernel.libraries;
        rng = kernel.rng;
        buffer = user.buffer();
        request = user.string("GET /orders/42 HTTP/1.1\r\nHost: shop.example\r\nAccept: */*\r\n\r\n");
        response =
                user.string("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 12\r\n\r\nhello world\n");
        var bash = user.image("/usr/bin/bash");
        readline = bash.function("char *readline(const char *prompt)", this::readline);
        shellCommand = bash.function("void execute_simple_command(void)", this::shellCommand);
        childEnded = bash.leaf("void sigchld_handler(int sig)", 2_500, 0);
        listMalloc = user.image("/usr/bin/ls").function("void *malloc(size_t size)", (task, frame) -> {
            if (frame.next() == 0) {
                task.call(kernel.heap.malloc, frame.a0);
            } else {
                task.ret(task.result);
            }
        });
        user.program(
                "/usr/bin/wget", (task, frame) -> encrypted(task, frame, libraries.gnutlsSend, libraries.gnutlsRecv));
        user.image("/usr/bin/wget").libraries.add(libraries.gnutls);
        user.program("/usr/bin/firefox", this::browser);
        user.image("/usr/bin/firefox").libraries.add(libraries.nspr);
        user.program("/usr/bin/git", (task, frame) -> encrypted(task, frame, libraries.sslWrite, libraries.sslRead));
        user.image("/usr/bin/git").libraries.add(libraries.ssl);
        user.program("/usr/local/bin/alloctest", this::allocations);
        user.program("/usr/sbin/sshd", this::sshd);
        sessionChild = user.image("/usr/sbin/sshd").function("void do_child(void)", this::sessionChild);
        user.program("/usr/lib/systemd/systemd-logind", this::passer);
        user.program("/usr/bin/dbus-daemon", this::receiver);
        user.program("/usr/bin/qemu-system", this::qemu);
        vcpu = user.image("/usr/bin/qemu-system").function("void *kvm_vcpu_thread_fn(void *arg)", this::vcpu);
        memoryHog = user.program("/usr/local/bin/memhog", this::memoryHog);
        user.program("/usr/local/bin/supervise", this::supervise);
        hogChild = user.image("/usr/local/bin/supervise")
                .function(
                        "void start_service(void)",
                        (task, frame) -> task.exec(new Program.Invocation(memoryHog, List.of("memhog"))));
        user.program("/usr/bin/rsync", this::rsync);
        user.program("/usr/bin/apt", this::oldProgram);
    }

    // A shell at a terminal

    /** What a shell without a script does: reads a line, runs it, writes the prompt. */
    void interactive(Task task, Frame frame) {
        switch (frame.next()) {
            case 0 -> {
                if (task.process.actions.isEmpty()) {
                    frame.pc = 0;
                    long action = user.signalAction(childEnded, Signals.SA_RESTART);
                    task.syscall(sys.rtSigaction, Signals.SIGCHLD, action, 0, 8);
                    return;
                }
                task.call(readline, user.string("$ "));
            }
            case 1 -> {
                frame.v0 = task.result;
                task.fork(shellCommand, frame.v0);
            }
            case 2 -> task.syscall(sys.wait4, -1, 0, 0, 0);
            default -> {
                frame.pc = 0;
                long text = user.string("Mon Jan  5 10:00:00 UTC 2026\r\n$ ");
                task.syscall(sys.writev, 1, user.vectorOf(text, 32), 1);
            }
        }
    }

    private void readline(Task task, Frame frame) {
        switch (frame.next()) {
            case 0 -> task.sleep(rng.exponential(350 * MILLI));
            case 1 -> task.syscall(sys.read, 0, buffer, 80);
            default -> task.ret(user.string(LINES[rng.below(LINES.length)]));
        }
    }

    private void shellCommand(Task task, Frame frame) {
        var words = List.of(kernel.vfs.userString((Long) frame.object()).split(" "));
        task.exec(new Program.Invocation(user.findProgram(words.getFirst()).orElseThrow(), words));
    }

    /** {@code malloc} as the command {@code ls} calls it. */
    Routine listMalloc() {
        return listMalloc;
    }

    // Clients

    /** Looks a name up, connects, asks, reads, closes; over TLS. */
    private void encrypted(Task task, Frame frame, Routine send, Routine receive) {
        switch (frame.next()) {
            case 0 -> task.sleep(rng.exponential(90 * MILLI));
            case 1 -> {
                var lookup = switch (rng.below(4)) {
                    case 0 -> libraries.gethostbyname;
                    case 1 -> libraries.gethostbyname2;
                    default -> libraries.getaddrinfo;
                };
                task.call(lookup, user.string("shop.example"), user.string("https"), 0, buffer);
            }
            case 2 -> {
                frame.v1 = rng.oneIn(3) ? AF_INET6 : AF_INET;
                task.syscall(sys.socket, frame.v1, 1, 0);
            }
            case 3 -> {
                frame.v0 = task.result;
                task.syscall(sys.connect, frame.v0, address((int) frame.v1), 28);
            }
            case 4 -> libraries.callHandshake(task, frame.v0);
            case 5 -> libraries.callEncrypted(task, send, frame.v0, request, 59);
            case 6 -> libraries.callEncrypted(task, receive, frame.v0, response, 77);
            case 7 -> task.spend(60_000);
            default -> {
                frame.pc = 0;
                task.syscall(sys.close, frame.v0);
            }
        }
    }

    private long address(int family) {
        int last = 10 + rng.below(40);
        return user.socketAddress(
                family == AF_INET6 ? Network.address6(last << 8 | 1) : new byte[] {(byte) 192, 0, 2, (byte) last}, 443);
    }

    /** Reads and writes files and sockets through one library. */
    private void browser(Task task, Frame frame) {
        if (frame.pc < 9) {
            encrypted(
                    task,
                    frame,
                    rng.oneIn(2) ? libraries.prWrite : libraries.prSend,
                    rng.oneIn(2) ? libraries.prRead : libraries.prRecv);
        }
    }

    // Memory

    /** Every way to allocate; one block in twenty of those from {@code realloc} is forgotten. */
    private void allocations(Task task, Frame frame) {
        var heap = kernel.heap;
        switch (frame.next()) {
            case 0 -> task.sleep(rng.exponential(5 * MILLI));
            case 1 -> task.call(heap.malloc, 64 + rng.below(512));
            case 2 -> task.call(heap.realloc, task.result, 128 + rng.below(2048));
            case 3 -> {
                if (rng.oneIn(20)) {
                    kernel.truth.count("user blocks leaked", 1);
                } else {
                    task.call(heap.freeRoutine, task.result);
                }
            }
            case 4 -> task.call(heap.calloc, 8, 32);
            case 5 -> task.call(heap.freeRoutine, task.result);
            case 6 -> task.call(heap.posixMemalign, user.lock(20), 64, 256);
            case 7 -> task.call(heap.freeRoutine, user.word(user.lock(20)));
            case 8 -> task.call(heap.alignedAlloc, 64, 512);
            case 9 -> task.call(heap.freeRoutine, task.result);
            case 10 -> task.call(rng.oneIn(2) ? heap.valloc : heap.pvalloc, 4096);
            case 11 -> task.call(heap.freeRoutine, task.result);
            case 12 -> task.call(heap.memalign, 32, 96);
            case 13 -> task.call(heap.freeRoutine, task.result);
            case 14 -> task.call(heap.mmap, 0, 1 << 20, 3, 0x22, -1L, 0);
            case 15 -> {
                frame.v0 = task.result;
                kernel.virtualMemory.touch(task, 3);
            }
            default -> {
                frame.pc = 0;
                task.call(heap.munmap, frame.v0, 1 << 20);
            }
        }
    }

    /** Takes ever more memory, some of it in large pages, and uses what it has. */
    private void memoryHog(Task task, Frame frame) {
        switch (frame.next()) {
            case 0 -> task.work(200_000 + rng.exponential(400_000));
            default -> {
                frame.pc = 0;
                if (rng.oneIn(12)) {
                    kernel.virtualMemory.touchHuge(task, 1);
                } else {
                    kernel.virtualMemory.touch(task, 40 + rng.below(60));
                }
            }
        }
    }

    /** Starts a program again whenever it has ended. */
    private void supervise(Task task, Frame frame) {
        switch (frame.next()) {
            case 0 -> task.fork(hogChild, null);
            case 1 -> task.syscall(sys.wait4, -1, 0, 0, 0);
            default -> {
                frame.pc = 0;
                task.sleep(rng.exponential(30 * MILLI));
            }
        }
    }

    // Identities

    /** Listens on both kinds of address; each session is a child that gives up its rights. */
    private void sshd(Task task, Frame frame) {
        switch (frame.next()) {
            case 0 -> task.syscall(sys.socket, AF_INET, 1, 0);
            case 1 -> {
                frame.v0 = task.result;
                task.syscall(sys.bind, frame.v0, user.socketAddress(new byte[4], 22), 16);
            }
            case 2 -> task.syscall(sys.listen, frame.v0, 128);
            case 3 -> task.syscall(sys.socket, AF_INET6, 1, 0);
            case 4 -> {
                frame.v1 = task.result;
                task.syscall(sys.bind, frame.v1, user.socketAddress(new byte[16], 2222), 28);
            }
            case 5 -> task.syscall(sys.listen, frame.v1, 128);
            case 6 -> task.sleep(rng.exponential(300 * MILLI));
            case 7 -> task.fork(sessionChild, null);
            case 8 -> task.syscall(sys.wait4, -1, 0, 0, 0);
            // ports are opened and closed again, so that who looks later sees it too
            case 9 -> task.syscall(sys.close, frame.v0);
            default -> {
                frame.pc = 0;
                task.syscall(sys.close, frame.v1);
            }
        }
    }

    private void sessionChild(Task task, Frame frame) {
        switch (frame.next()) {
            case 0 -> task.syscall(sys.setfsuid, 1000);
            case 1 -> task.syscall(sys.setresuid, 1000, 1000, 1000);
            case 2 -> task.syscall(sys.setuid, 1000);
            case 3 -> {
                task.sleepNanos = rng.oneIn(4) ? 1000 * MILLI : rng.exponential(3 * MILLI);
                task.syscall(sys.plainNanosleep, user.timespec(task.tid, task.sleepNanos), 0);
            }
            case 4 -> task.syscall(sys.setuid, 0);
            default -> task.syscall(sys.exitGroup, 0);
        }
    }

    // Files passed on

    private void passer(Task task, Frame frame) {
        switch (frame.next()) {
            case 0 -> task.sleep(rng.exponential(120 * MILLI));
            case 1 -> task.syscall(sys.openat, AT_FDCWD, user.string("/etc/passwd"), 0x80000, 0);
            case 2 -> {
                frame.v0 = task.result;
                task.passed.add((int) frame.v0);
                task.syscall(sys.sendmsg, PEER_DESCRIPTOR, buffer, 0);
            }
            default -> {
                frame.pc = 0;
                task.syscall(sys.close, frame.v0);
            }
        }
    }

    private void receiver(Task task, Frame frame) {
        switch (frame.next()) {
            case 0 -> {
                task.received = -1;
                task.syscall(sys.recvmsg, PEER_DESCRIPTOR, buffer, 0);
            }
            default -> {
                frame.pc = 0;
                if (task.received >= 0) {
                    task.syscall(sys.close, task.received);
                }
            }
        }
    }

    // Virtual machines

    private void qemu(Task task, Frame frame) {
        switch (frame.next()) {
            case 0 -> {
                if (frame.v0++ < 2) {
                    frame.pc = 0;
                    libraries.callCreate(task, new Libraries.Thread(vcpu, frame.v0 - 1), false);
                }
            }
            default -> {
                frame.pc = 1;
                task.sleep(rng.exponential(100 * MILLI));
            }
        }
    }

    private void vcpu(Task task, Frame frame) {
        switch (frame.next()) {
            case 0 -> {
                task.rename("CPU " + frame.object() + "/KVM");
                kernel.objects.comm(task);
                task.work(20_000);
            }
            case 1 -> task.syscall(sys.ioctl, 5, VirtualMachines.KVM_RUN, buffer);
            default -> {
                frame.pc = 1;
                task.sleep(rng.exponential(3 * MILLI));
            }
        }
    }

    // Files

    /** Makes, renames, and removes files and directories. */
    private void rsync(Task task, Frame frame) {
        long file = user.string("/home/user/sync/.part" + task.tid % 4);
        long target = user.string("/home/user/sync/done" + task.tid % 4);
        long folder = user.string("/home/user/sync/new" + task.tid % 4);
        switch (frame.next()) {
            case 0 -> task.sleep(rng.exponential(25 * MILLI));
            case 1 -> task.syscall(sys.openat, AT_FDCWD, file, O_CREAT_WRITE, 0644);
            case 2 -> {
                frame.v0 = task.result;
                task.syscall(sys.write, frame.v0, buffer, 6_000 + rng.below(30_000));
            }
            case 3 -> task.syscall(sys.close, frame.v0);
            case 4 -> task.syscall(sys.renameat2, AT_FDCWD, file, AT_FDCWD, target, 0);
            case 5 -> task.syscall(sys.mkdirat, AT_FDCWD, folder, 0755);
            case 6 -> task.syscall(sys.unlinkat, AT_FDCWD, folder, AT_REMOVEDIR);
            default -> {
                frame.pc = 0;
                task.syscall(sys.unlinkat, AT_FDCWD, target, 0);
            }
        }
    }

    /** Uses system calls that younger programs have newer ones for. */
    private void oldProgram(Task task, Frame frame) {
        long path = user.string("/etc/hosts");
        switch (frame.next()) {
            case 0 -> task.sleep(rng.exponential(40 * MILLI));
            case 1 -> at(task, sys.newstat, path);
            case 2 -> at(task, sys.newlstat, path);
            case 3 -> at(task, sys.stat, path);
            case 4 -> task.syscall(sys.fstatat64, AT_FDCWD, path, buffer, 0);
            case 5 -> at(task, sys.open, path);
            case 6 -> task.syscall(sys.close, task.result);
            case 7 -> task.syscall(sys.openat2, AT_FDCWD, path, user.vectorOf(0, 0), 24);
            case 8 -> task.syscall(sys.close, task.result);
            case 9 -> task.syscall(sys.statx, AT_FDCWD, path, 0, 0x7ff, buffer);
            default -> {
                frame.pc = 0;
                task.spend(20_000);
            }
        }
    }

    /** A call by path; where the architecture has only the one with a folder before it, that. */
    private void at(Task task, Syscall call, long path) {
        if (call == sys.openat || call == sys.newfstatat) {
            task.syscall(call, AT_FDCWD, path, call == sys.openat ? 0 : buffer, 0);
        } else {
            task.syscall(call, path, call == sys.open ? 0 : buffer, 0);
        }
    }
}
