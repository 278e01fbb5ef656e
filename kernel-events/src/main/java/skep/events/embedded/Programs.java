package skep.events.embedded;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/** The user programs of the model, and a few kernel threads: what they do, step by step. */
final class Programs {
    /** Where processes that log find the socket to the journal, and the journal its end. */
    static final int LOG_DESCRIPTOR = 3;

    /** The first descriptor that a process opens. */
    private static final int LISTEN_DESCRIPTOR = 3;

    private static final int WEB_USER = 33;
    private static final int O_CREAT_WRITE = 0x241;
    private static final int AT_FDCWD = -100;
    private static final long SECOND = 1_000_000_000L;
    private static final long MILLI = 1_000_000L;

    private final EmbeddedKernel kernel;
    private final Syscalls sys;
    private final Rng rng;
    private final long buffer;
    private final List<Long> documents = new ArrayList<>();
    private final List<Long> sources = new ArrayList<>();
    private final List<Long> mountedFiles = new ArrayList<>();
    private final List<Dentry> documentFiles = new ArrayList<>();

    final Program init;
    final Program journal;
    final Program logger;
    final Program monitor;
    final Program fileServer;
    final Program database;
    final Program make;
    final Program compiler;
    final Program backup;
    final Program churn;
    final Program webServer;
    final Program fetcher;
    final Routine flusher;
    final Routine softirqThread;
    private final Runtimes runtimes;
    private final Routine makeChild;
    private final Routine webWorker;
    private final Routine handleRequest;
    private final Routine parseHeader;
    private final Routine configureChild;
    private final Routine reloaded;
    private final Routine patientChild;
    private final Routine signalled;

    Programs(EmbeddedKernel kernel) {
        this.kernel = kernel;
        this.sys = kernel.syscalls;
        this.rng = kernel.rng;
        this.buffer = kernel.userSpace.buffer();
        var user = kernel.userSpace;
        runtimes = new Runtimes(kernel);
        init = user.program("/usr/lib/systemd/systemd", sleeper(5 * SECOND));
        journal = user.program("/usr/lib/systemd/systemd-journald", this::journal);
        logger = user.program("/usr/sbin/cron", this::logger);
        monitor = user.program("/usr/bin/node_exporter", this::monitor);
        fileServer = user.program("/usr/sbin/httpd", this::fileServer);
        database = user.program("/usr/lib/postgresql/16/bin/postgres", this::database);
        compiler = user.program("/usr/libexec/gcc/cc1", this::compiler);
        make = user.program("/usr/bin/make", this::make);
        backup = user.program("/usr/bin/tar", this::backup);
        webServer = user.program("/usr/sbin/nginx", this::webServer);
        fetcher = user.program("/usr/bin/curl", this::fetcher);
        handleRequest =
                user.image("/usr/local/bin/leaky").function("int handle_request(size_t size)", this::handleRequest);
        parseHeader = user.image("/usr/local/bin/leaky").function("char *parse_header(size_t size)", this::parseHeader);
        user.program("/usr/local/bin/leaky", this::leaky);
        user.program("/usr/bin/fio", this::fio);
        user.program("/usr/sbin/ledgerd", this::ledgerd);
        user.program("/usr/local/bin/hog", this::hog);
        user.program("/usr/bin/fsmix", this::fileSystems);
        user.program("/usr/sbin/admin", this::administrator);
        reloaded = user.image("/usr/sbin/admin").leaf("void on_usr1(int signal)", 1_500, 0);
        patientChild = user.image("/usr/sbin/admin").function("void wait_for_end(void)", sleeper(60 * SECOND));
        signalled = user.image("/usr/sbin/nginx").leaf("void ngx_signal_handler(int signo)", 4_000, 0);
        user.program("/home/user/src/configure", this::configure);
        configureChild = user.image("/home/user/src/configure")
                .function(
                        "void run_test(void)",
                        (task, frame) -> task.exec(new Program.Invocation(
                                kernel.userSpace.findProgram("true").orElseThrow(), List.of("true"))));
        churn = user.program("/usr/local/bin/churn", this::churn);
        webWorker = user.image("/usr/sbin/nginx").function("void ngx_worker_process_cycle(void)", this::webWorker);
        makeChild = user.image("/usr/bin/make")
                .function(
                        "void child_execute_job(void)",
                        (task, frame) -> execute(task, compiler, "cc1", "-quiet", "main.c"));
        new Commands(kernel, new Applications(kernel));
        flusher = kernel.function("int wb_worker_thread(void *__worker)", this::flusher);
        softirqThread = kernel.function("int smpboot_thread_fn(void *data)", (task, frame) -> {
            task.state = Task.State.INTERRUPTIBLE;
            frame.pc = 0;
            kernel.scheduler.callSchedule(task);
        });
    }

    /** The tree of files, before the clock starts. */
    void bootFiles(boolean warm) {
        var random = new Rng(kernel.options().seed(), "files");
        var vfs = kernel.vfs;
        for (var path : List.of(
                "/etc/passwd",
                "/etc/group",
                "/etc/hosts",
                "/etc/ld.so.cache",
                "/etc/nsswitch.conf",
                "/etc/localtime",
                kernel.userSpace.library("libc.so.6").path(),
                "/usr/lib/libm.so.6",
                "/usr/lib/locale/locale-archive",
                "/proc/stat",
                "/proc/meminfo",
                "/proc/loadavg",
                "/var/log/syslog",
                "/var/log/journal/system.journal",
                "/home/user/.bashrc",
                "/home/user/app.py",
                "/home/user/sync/.list",
                "/dev/pts/.keep",
                "/tmp/.lock")) {
            kernel.pageCache.warm(vfs.bootFile(path, 600 + random.below(90_000)).inode);
        }
        for (var name : kernel.userSpace.programNames()) {
            var program = kernel.userSpace.findProgram(name);
            program.ifPresent(p -> kernel.pageCache.warm(vfs.bootFile(p.path(), 40_000 + random.below(400_000)).inode));
        }
        for (int i = 0; i < 120; i++) {
            var path = "/srv/www/page" + i + ".html";
            documentFiles.add(vfs.bootFile(path, 2_000 + random.exponential(24_000)));
            documents.add(kernel.userSpace.string(path));
        }
        for (int i = 0; i < 60; i++) {
            var path = "/home/user/src/module" + i % 8 + "/file" + i + ".c";
            vfs.bootFile(path, 1_000 + random.exponential(20_000));
            sources.add(kernel.userSpace.string(path));
        }
        for (int i = 0; i < 40; i++) {
            vfs.bootFile("/usr/share/doc/package" + i + "/README", 400 + random.exponential(8_000));
            vfs.bootFile("/usr/share/doc/package" + i + "/copyright", 900 + random.exponential(4_000));
        }
        vfs.bootFile("/var/lib/postgresql/base/16384", 48L << 20);
        vfs.bootFile("/var/lib/postgresql/pg_wal/000000010000000000000001", 16L << 20);
        // a third of the pages is in memory already
        for (var name : kernel.fileSystems.names()) {
            for (var file : new String[] {"a", "b"}) {
                var path = "/mnt/" + name + "/" + name + "-" + file;
                vfs.bootFile(path, 1 << 20);
                mountedFiles.add(kernel.userSpace.string(path));
            }
        }
        vfs.bootFile("/var/lib/mysql/shop/orders.ibd", 16L << 20);
        vfs.bootFile("/srv/data/big", 2L << 30);
        kernel.fileSystems.bootRoots();
        for (int i = 0; warm && i < documentFiles.size(); i += 3) {
            kernel.pageCache.warm(documentFiles.get(i).inode);
        }
    }

    /** The processes that every machine has: they wake up now and then. */
    void bootServices() {
        var processes = kernel.processes;
        // it limits what services may do by programs of its own
        kernel.bpfFiles.boot(processes.bootProcess(init, List.of("systemd"), 0, 0).process, 4, 2, 1);
        var journalTask = processes.bootProcess(journal, List.of("systemd-journald"), 0, 0);
        var cron = processes.bootProcess(logger, List.of("cron"), 0, 1);
        int[] pair = kernel.channels.bootPair(cron.process, journalTask.process);
        assert pair[0] == LOG_DESCRIPTOR && pair[1] == LOG_DESCRIPTOR;
        processes.bootProcess(monitor, List.of("node_exporter"), 998, 2);
    }

    void bootKernelThreads() {
        kernel.processes.bootKernelThread("kworker/u" + 2 * kernel.cpus.length + ":0", flusher, "", -1);
        kernel.workqueues.boot();
        kernel.pressure.boot();
        kernel.virtio.boot();
        kernel.rdma.boot();
        for (var cpu : kernel.cpus) {
            kernel.processes.bootKernelThread("ksoftirqd/" + cpu.id, softirqThread, "", cpu.id);
        }
    }

    private void exit(Task task, int status) {
        task.syscall(sys.exitGroup, status);
    }

    private void execute(Task task, Program program, String... arguments) {
        task.exec(new Program.Invocation(program, List.of(arguments)));
    }

    private void open(Task task, long path) {
        task.syscall(sys.openat, AT_FDCWD, path, 0x80000, 0);
    }

    // Services

    private Body sleeper(long nanos) {
        return (task, frame) -> {
            if ((frame.next() & 1) == 0) {
                task.sleep(rng.exponential(nanos));
            } else {
                task.spend(20_000);
                frame.pc = 0;
            }
        };
    }

    /** Takes messages only every other second or so: until then they wait in the socket's queue. */
    private void journal(Task task, Frame frame) {
        switch (frame.next()) {
            case 0 -> task.sleep(rng.between(3 * SECOND / 2, 5 * SECOND / 2));
            case 1 -> open(task, kernel.userSpace.string("/var/log/journal/system.journal"));
            case 2 -> {
                frame.v0 = task.result;
                task.syscall(sys.lseek, frame.v0, 0, 2);
            }
            case 3 -> {
                var socket = (Channels.Socket) Objects.requireNonNull(task.process.file(LOG_DESCRIPTOR)).target;
                if (socket.queue.isEmpty()) {
                    frame.pc = 6;
                    return;
                }
                task.syscall(sys.recvfrom, LOG_DESCRIPTOR, buffer, 4096, 0, 0, 0);
            }
            case 4 -> {
                frame.v1 = task.result;
                task.spend(7_000);
            }
            case 5 -> {
                frame.pc = 3;
                task.syscall(sys.write, frame.v0, buffer, frame.v1 + 60);
            }
            case 6 -> task.syscall(sys.fdatasync, frame.v0);
            default -> {
                frame.pc = 0;
                task.syscall(sys.close, frame.v0);
            }
        }
    }

    private void logger(Task task, Frame frame) {
        switch (frame.next()) {
            case 0 -> task.sleep(rng.exponential(60 * MILLI));
            case 1 -> task.spend(12_000);
            default -> {
                frame.pc = 0;
                task.syscall(sys.sendto, LOG_DESCRIPTOR, buffer, rng.between(60, 900), 0, 0, 0);
            }
        }
    }

    /** Reads the files of {@code /proc} twice a second. */
    private void monitor(Task task, Frame frame) {
        switch (frame.next()) {
            case 0 -> task.sleep(SECOND / 2);
            case 1 ->
                open(
                        task,
                        kernel.userSpace.string(
                                switch (rng.below(3)) {
                                    case 0 -> "/proc/stat";
                                    case 1 -> "/proc/meminfo";
                                    default -> "/proc/loadavg";
                                }));
            case 2 -> {
                frame.v0 = task.result;
                task.syscall(sys.read, frame.v0, buffer, 4096);
            }
            case 3 -> {
                if (task.result > 0) {
                    frame.pc = 3;
                    task.syscall(sys.read, frame.v0, buffer, 4096);
                }
            }
            case 4 -> task.syscall(sys.close, frame.v0);
            default -> {
                task.spend(90_000);
                frame.pc = rng.oneIn(4) ? 0 : 1;
            }
        }
    }

    // Work

    private void fileServer(Task task, Frame frame) {
        switch (frame.next()) {
            case 0 -> task.sleep(rng.exponential(3 * MILLI));
            case 1 -> task.spend(30_000);
            case 2 -> {
                // a few pages get most of the requests
                int index = Math.min(rng.below(documents.size()), rng.below(documents.size()));
                open(task, documents.get(index));
            }
            case 3 -> {
                frame.v0 = task.result;
                task.syscall(sys.fstat, frame.v0, buffer);
            }
            case 4 -> task.syscall(sys.read, frame.v0, buffer, 65_536);
            case 5 -> {
                frame.v1 = task.result;
                if (task.result > 0) {
                    frame.pc = 5;
                    task.syscall(sys.read, frame.v0, buffer, 65_536);
                }
            }
            case 6 -> task.spend(15_000);
            default -> {
                frame.pc = 0;
                task.syscall(sys.close, frame.v0);
            }
        }
    }

    /** Opens the port for both families, starts as many workers as its argument says, and waits for them. */
    private void webServer(Task task, Frame frame) {
        switch (frame.next()) {
            case 0 -> task.syscall(sys.socket, Network.AF_INET, 1, 0);
            case 1 -> task.syscall(sys.bind, LISTEN_DESCRIPTOR, kernel.userSpace.socketAddress(new byte[4], 80), 16);
            case 2 -> task.syscall(sys.listen, LISTEN_DESCRIPTOR, 511);
            case 3 -> task.syscall(sys.socket, Network.AF_INET6, 1, 0);
            case 4 ->
                task.syscall(sys.bind, LISTEN_DESCRIPTOR + 1, kernel.userSpace.socketAddress(new byte[16], 80), 28);
            case 5 -> task.syscall(sys.listen, LISTEN_DESCRIPTOR + 1, 511);
            case 6 -> {
                int workers = Integer.parseInt(((Program.Invocation) frame.object()).argument(1, "1"));
                if (frame.v0 == 0) {
                    frame.v0 = 1;
                    frame.pc = 6;
                    task.syscall(
                            sys.rtSigaction,
                            Signals.SIGHUP,
                            kernel.userSpace.signalAction(signalled, Signals.SA_RESTART),
                            0,
                            8);
                    return;
                }
                if (frame.v0++ <= workers) {
                    frame.pc = 6;
                    // every fourth serves those that come by IPv6
                    task.fork(webWorker, LISTEN_DESCRIPTOR + ((frame.v0 - 1) % 4 == 0 ? 1 : 0));
                }
            }
            default -> {
                frame.pc = 7;
                task.syscall(sys.wait4, -1, 0, 0, 0);
            }
        }
    }

    /** Accepts a connection, reads the request, answers with a file, waits for the end, closes. */
    private void webWorker(Task task, Frame frame) {
        switch (frame.next()) {
            case 0 -> task.syscall(sys.setuid, WEB_USER);
            case 1 -> task.syscall(sys.accept4, (Integer) frame.object(), buffer, buffer, 0x800);
            case 2 -> {
                frame.v1 = task.result;
                task.syscall(sys.recvfrom, frame.v1, buffer, 4096, 0, 0, 0);
            }
            case 3 -> task.spend(25_000);
            case 4 -> {
                int index = Math.min(rng.below(documents.size()), rng.below(documents.size()));
                open(task, documents.get(index));
            }
            case 5 -> {
                frame.v2 = task.result;
                task.syscall(sys.read, frame.v2, buffer, 65_536);
            }
            case 6 -> {
                frame.v3 = Math.max(200, task.result);
                task.syscall(sys.close, frame.v2);
            }
            case 7 -> task.syscall(sys.sendto, frame.v1, buffer, frame.v3, 0, 0, 0);
            case 8 -> task.syscall(sys.recvfrom, frame.v1, buffer, 4096, 0, 0, 0);
            default -> {
                frame.pc = 1;
                task.syscall(sys.close, frame.v1);
            }
        }
    }

    /** Asks another machine for a document, now and then; half the time over TLS. */
    private void fetcher(Task task, Frame frame) {
        var libraries = kernel.libraries;
        switch (frame.next()) {
            case 0 -> task.sleep(rng.exponential(120 * MILLI));
            case 1 -> {
                if (rng.oneIn(2)) {
                    var user = kernel.userSpace;
                    task.call(libraries.getaddrinfo, user.string("docs.example"), user.string("443"), 0, buffer);
                }
            }
            case 2 -> task.syscall(sys.socket, rng.oneIn(4) ? Network.AF_INET6 : Network.AF_INET, 1, 0);
            case 3 -> {
                frame.v0 = task.result;
                task.syscall(sys.connect, frame.v0, buffer, 16);
            }
            case 4 -> {
                if (rng.oneIn(2)) {
                    frame.pc = 8;
                    libraries.callHandshake(task, frame.v0);
                }
            }
            case 5 -> task.syscall(sys.sendto, frame.v0, buffer, 180, 0, 0, 0);
            case 6 -> task.syscall(sys.recvfrom, frame.v0, buffer, 65_536, 0, 0, 0);
            case 7 -> {
                frame.pc = 10;
                task.spend(50_000);
            }
            case 8 ->
                libraries.callEncrypted(
                        task,
                        libraries.sslWrite,
                        frame.v0,
                        kernel.userSpace.string("GET /index.html HTTP/1.1\r\nHost: docs.example\r\n\r\n"),
                        50);
            case 9 ->
                libraries.callEncrypted(
                        task, libraries.sslRead, frame.v0, kernel.userSpace.string("HTTP/1.1 200 OK\r\n\r\nhi\n"), 22);
            default -> {
                frame.pc = 0;
                task.syscall(sys.close, frame.v0);
            }
        }
    }

    private void database(Task task, Frame frame) {
        switch (frame.next()) {
            case 0 -> open(task, kernel.userSpace.string("/var/lib/postgresql/base/16384"));
            case 1 -> {
                frame.v0 = task.result;
                open(task, kernel.userSpace.string("/var/lib/postgresql/pg_wal/000000010000000000000001"));
            }
            case 2 -> frame.v1 = task.result;
            case 3 -> task.sleep(rng.exponential(8 * MILLI));
            case 4 -> {
                frame.v2 = 1 + rng.below(5);
                runtimes.postgresTransactionStart.fire(task, task.tid);
                runtimes.postgresQueryStart.fire(
                        task, kernel.userSpace.string("SELECT balance FROM accounts WHERE id = 7"));
                task.spend(60_000);
            }
            case 5 -> {
                if (frame.v2-- > 0) {
                    frame.pc = 5;
                    task.syscall(sys.pread, frame.v0, buffer, 8192, (long) rng.below(6144) << 13);
                }
            }
            case 6 -> task.spend(40_000);
            case 7 -> {
                runtimes.postgresQueryDone.fire(
                        task, kernel.userSpace.string("SELECT balance FROM accounts WHERE id = 7"));
                runtimes.postgresTransactionCommit.fire(task, task.tid);
                if (rng.oneIn(3)) {
                    task.syscall(sys.pwrite, frame.v1, buffer, 8192, (long) rng.below(2048) << 13);
                } else {
                    frame.pc = 3;
                }
            }
            default -> {
                frame.pc = 3;
                task.syscall(sys.fdatasync, frame.v1);
            }
        }
    }

    /** Starts compilers, two at a time, and waits for them. */
    private void make(Task task, Frame frame) {
        switch (frame.next()) {
            case 0 -> task.sleep(rng.exponential(25 * MILLI));
            case 1 -> task.syscall(sys.newfstatat, AT_FDCWD, sources.get(rng.below(sources.size())), buffer, 0);
            case 2 -> {
                if (frame.v0 >= 2) {
                    frame.pc = 4;
                    return;
                }
                task.fork(makeChild, null);
            }
            case 3 -> {
                frame.v0++;
                frame.pc = rng.oneIn(2) ? 1 : 0;
            }
            case 4 -> task.syscall(sys.wait4, -1, 0, 0, 0);
            default -> {
                if (task.result > 0) {
                    frame.v0--;
                }
                frame.pc = 0;
            }
        }
    }

    private void compiler(Task task, Frame frame) {
        switch (frame.next()) {
            case 0 -> task.syscall(sys.brk, 0);
            case 1 -> task.syscall(sys.mmap, 0, 1 << 20, 3, 0x22, -1, 0);
            case 2 ->
                open(
                        task,
                        kernel.userSpace.string(
                                kernel.userSpace.library("libc.so.6").path()));
            case 3 -> {
                frame.v0 = task.result;
                task.syscall(sys.read, frame.v0, buffer, 832);
            }
            case 4 -> task.syscall(sys.close, frame.v0);
            case 5 -> open(task, sources.get(rng.below(sources.size())));
            case 6 -> {
                frame.v0 = task.result;
                task.syscall(sys.read, frame.v0, buffer, 32_768);
            }
            case 7 -> {
                frame.v1 = Math.max(1, task.result);
                task.syscall(sys.close, frame.v0);
            }
            case 8 -> {
                frame.v2 = 3 + rng.below(8);
                task.work(rng.exponential(400_000));
            }
            case 9 -> {
                if (frame.v2-- > 0) {
                    task.syscall(sys.brk, 0);
                } else {
                    frame.pc = 12;
                }
            }
            case 10 -> task.work(rng.exponential(900_000));
            case 11 -> frame.pc = 9;
            case 12 ->
                task.syscall(
                        sys.openat,
                        AT_FDCWD,
                        kernel.userSpace.string("/tmp/cc" + task.tid % 8 + ".s"),
                        O_CREAT_WRITE,
                        0644);
            case 13 -> {
                frame.v0 = task.result;
                task.syscall(sys.write, frame.v0, buffer, 4096 + frame.v1);
            }
            case 14 -> task.syscall(sys.close, frame.v0);
            case 15 -> {
                if (rng.oneIn(3)) {
                    task.syscall(sys.unlinkat, AT_FDCWD, kernel.userSpace.string("/tmp/cc" + task.tid % 8 + ".s"), 0);
                }
            }
            default -> exit(task, 0);
        }
    }

    /** Reads files from end to end, most of them from the disk. */
    private void backup(Task task, Frame frame) {
        switch (frame.next()) {
            case 0 -> task.sleep(rng.exponential(40 * MILLI));
            case 1 -> open(task, documents.get(rng.below(documents.size())));
            case 2 -> {
                frame.v0 = task.result;
                task.syscall(sys.read, frame.v0, buffer, 10_240);
            }
            case 3 -> {
                if (task.result > 0) {
                    frame.pc = 3;
                    task.syscall(sys.read, frame.v0, buffer, 10_240);
                }
            }
            default -> {
                frame.pc = 0;
                task.syscall(sys.close, frame.v0);
            }
        }
    }

    /** Opens, reads and closes cached files without a pause: as many calls as a CPU can do. */
    private void churn(Task task, Frame frame) {
        switch (frame.next()) {
            case 0 -> open(task, kernel.userSpace.string("/etc/passwd"));
            case 1 -> {
                frame.v0 = task.result;
                frame.v1 = 8;
            }
            case 2 -> {
                if (frame.v1-- > 0) {
                    frame.pc = 2;
                    task.syscall(sys.pread, frame.v0, buffer, 512, 0);
                }
            }
            case 3 -> task.syscall(sys.close, frame.v0);
            default -> {
                frame.pc = 0;
                task.work(300);
            }
        }
    }

    /** Serves requests, and forgets one in ten of the headers that it parsed. */
    private void leaky(Task task, Frame frame) {
        switch (frame.next()) {
            case 0 -> task.sleep(rng.exponential(2 * MILLI));
            case 1 -> task.call(handleRequest, 200 + rng.below(400));
            default -> {
                frame.pc = 0;
                task.syscall(sys.ioctl, 5, Mutexes.BUFFER, 192);
            }
        }
    }

    private void handleRequest(Task task, Frame frame) {
        switch (frame.next()) {
            case 0 -> task.call(kernel.heap.malloc, frame.a0);
            case 1 -> {
                frame.v0 = task.result;
                task.spend(9_000);
            }
            case 2 -> task.call(parseHeader, 64);
            case 3 -> {
                frame.v1 = task.result;
                task.spend(3_000);
            }
            case 4 -> {
                if (rng.oneIn(10)) {
                    kernel.truth.count("user blocks leaked", 1);
                } else {
                    task.call(kernel.heap.freeRoutine, frame.v1);
                }
            }
            case 5 -> task.call(kernel.heap.freeRoutine, frame.v0);
            default -> task.ret(0);
        }
    }

    private void parseHeader(Task task, Frame frame) {
        switch (frame.next()) {
            case 0 -> task.call(kernel.heap.malloc, frame.a0);
            case 1 -> {
                frame.v0 = task.result;
                task.spend(800);
            }
            default -> task.ret(frame.v0);
        }
    }

    /** Reads at random places of a file that does not fit into memory. */
    private void fio(Task task, Frame frame) {
        switch (frame.next()) {
            case 0 -> open(task, kernel.userSpace.string("/srv/data/big"));
            case 1 -> frame.v0 = task.result;
            case 2 -> task.syscall(sys.pread, frame.v0, buffer, 16_384, (long) rng.below(1 << 17) << 14);
            default -> {
                frame.pc = 2;
                task.spend(2_000);
            }
        }
    }

    private void ledgerd(Task task, Frame frame) {
        switch (frame.next()) {
            case 0 -> task.work(rng.exponential(200_000));
            default -> {
                frame.pc = 0;
                task.syscall(sys.ioctl, 5, Mutexes.POST, 1);
            }
        }
    }

    /** Reads and writes files of each mounted file system in turn. */
    private void fileSystems(Task task, Frame frame) {
        switch (frame.next()) {
            case 0 -> task.sleep(rng.exponential(8 * MILLI));
            case 1 -> open(task, mountedFiles.get(rng.below(mountedFiles.size())));
            case 2 -> {
                frame.v0 = task.result;
                task.syscall(sys.pread, frame.v0, buffer, 16_384, (long) rng.below(64) << 14);
            }
            case 7 -> {
                frame.pc = 0;
                task.syscall(sys.newfstatat, AT_FDCWD, mountedFiles.get(rng.below(mountedFiles.size())), buffer, 0);
            }
            case 3 -> task.syscall(sys.pwrite, frame.v0, buffer, 4096, (long) rng.below(256) << 12);
            case 4 -> {
                if (rng.oneIn(4)) {
                    task.syscall(sys.fsync, frame.v0);
                }
            }
            default -> {
                frame.pc = 7;
                task.syscall(sys.close, frame.v0);
            }
        }
    }

    /** Does what administrators do, one thing after the other. */
    private void administrator(Task task, Frame frame) {
        var user = kernel.userSpace;
        switch (frame.next()) {
            case 0 -> {
                if (task.process.actions.isEmpty()) {
                    frame.pc = 0;
                    task.syscall(sys.rtSigaction, Signals.SIGUSR1, user.signalAction(reloaded, 0), 0, 8);
                    return;
                }
                task.sleep(rng.exponential(60 * MILLI));
            }
            case 1 -> task.syscall(sys.kill, task.process.pid, rng.oneIn(3) ? Signals.SIGUSR1 : 0);
            case 2 -> task.syscall(sys.statfs, user.string("/srv"), buffer);
            case 3 ->
                task.syscall(
                        sys.mount, user.string("/dev/sdb1"), user.string("/media"), user.string("vfat"), 0x8000, 0);
            case 4 -> task.syscall(sys.umount, user.string("/media"), 0);
            case 5 -> task.syscall(sys.shmget, 0x1234, 4096, 0x3b6);
            case 6 -> {
                frame.v0 = task.result;
                task.syscall(sys.shmat, frame.v0, 0, 0);
            }
            case 7 -> task.syscall(sys.shmdt, task.result);
            case 8 -> task.syscall(sys.shmctl, frame.v0, 0, 0);
            case 9 -> task.syscall(sys.fsopen, user.string("tmpfs"), 1);
            case 10 -> {
                frame.v1 = task.result;
                task.syscall(sys.fsconfig, frame.v1, 6, 0, 0, 0);
            }
            case 11 -> task.syscall(sys.fsmount, frame.v1, 1, 0);
            case 12 -> task.syscall(sys.moveMount, task.result, user.string(""), AT_FDCWD, user.string("/media"), 4);
            case 13 -> task.syscall(sys.msync, buffer, 4096, 4);
            case 14 -> open(task, user.string("/etc/hosts"));
            case 15 -> {
                frame.v1 = task.result;
                task.syscall(sys.syncFileRange, frame.v1, 0, 4096, 2);
            }
            case 16 -> task.syscall(sys.syncfs, frame.v1);
            case 17 -> task.syscall(sys.close, frame.v1);
            case 18 -> {
                if (rng.oneIn(2)) {
                    task.syscall(sys.sync);
                }
            }
            // a web server, where there is one, reads its configuration again
            case 19 -> {
                var server = kernel.processes.named("nginx");
                if (server != null && rng.oneIn(4)) {
                    task.syscall(sys.kill, server.tid, Signals.SIGHUP);
                }
            }
            case 20 -> {
                if (!rng.oneIn(4)) {
                    frame.pc = 0;
                    return;
                }
                task.fork(patientChild, null);
            }
            case 21 -> {
                frame.v0 = task.result;
                task.sleep(2 * MILLI);
            }
            case 22 -> task.syscall(sys.kill, frame.v0, Signals.SIGTERM);
            default -> {
                frame.pc = 0;
                task.syscall(sys.wait4, frame.v0, 0, 0, 0);
            }
        }
    }

    /** Only computes. */
    private void hog(Task task, Frame frame) {
        frame.pc = 0;
        task.work(500_000 + rng.exponential(500_000));
    }

    /** Starts {@code true} again and again. */
    private void configure(Task task, Frame frame) {
        switch (frame.next()) {
            case 0 -> task.fork(configureChild, null);
            case 1 -> task.syscall(sys.wait4, -1, 0, 0, 0);
            default -> {
                frame.pc = 0;
                task.spend(30_000);
            }
        }
    }

    // Kernel threads

    /** Writes dirty files back, the oldest first, every five seconds or when many are dirty. */
    private void flusher(Task task, Frame frame) {
        switch (frame.next()) {
            case 0 -> task.call(kernel.timekeeping.nanosleep, 500 * MILLI, 1, 1);
            default -> {
                var dirty = kernel.pageCache.dirtyInodes();
                if (dirty.isEmpty() || frame.v0 >= 4) {
                    if (frame.v0 > 0) {
                        kernel.pageCache.fireWriteback(task, false, frame.v1 - kernel.pageCache.dirtyPages());
                    }
                    frame.v0 = 0;
                    frame.pc = 0;
                    task.work(200);
                    return;
                }
                if (frame.v0++ == 0) {
                    frame.v1 = kernel.pageCache.dirtyPages();
                    kernel.pageCache.fireWriteback(task, true, frame.v1);
                }
                frame.pc = 1;
                kernel.pageCache.callWritePages(task, dirty.peek());
            }
        }
    }
}
