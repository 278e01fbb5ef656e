package skep.events.embedded;

import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Processes with static probes: a Java virtual machine, interpreters of scripting languages, two database servers. Their
 * probes have the names and arguments of the real ones; what the programs do between them is made up.
 */
final class Runtimes {
    private static final long MILLI = 1_000_000L;
    private static final int QUERIES_OF_A_VISIT = 12;
    private static final int AF_FLAGS = 0x80000;

    private final EmbeddedKernel kernel;
    private final Syscalls sys;
    private final Rng rng;
    private final UserSpace user;
    private final long buffer;

    // The Java virtual machine
    private final StaticProbe gcBegin;
    private final StaticProbe gcEnd;
    private final StaticProbe poolBegin;
    private final StaticProbe poolEnd;
    private final StaticProbe classLoaded;
    private final StaticProbe methodEntry;
    private final StaticProbe methodReturn;
    private final StaticProbe objectAlloc;
    private final StaticProbe javaThreadStart;
    private final StaticProbe javaThreadStop;
    private final StaticProbe monitorEnter;
    private final StaticProbe monitorEntered;
    private final Routine javaWorker;

    // Database servers
    private final StaticProbe queryStart;
    private final StaticProbe queryDone;
    private final StaticProbe commandStart;
    private final StaticProbe commandDone;
    private final StaticProbe connectionStart;
    private final Routine dispatchCommand;
    private final Routine connection;
    final StaticProbe postgresQueryStart;
    final StaticProbe postgresQueryDone;
    final StaticProbe postgresTransactionStart;
    final StaticProbe postgresTransactionCommit;

    // Python
    private final StaticProbe functionEntry;
    private final StaticProbe functionReturn;
    private final StaticProbe pythonGcStart;
    private final StaticProbe pythonGcDone;
    private final StaticProbe importStart;
    private final StaticProbe importDone;
    private final Routine pythonLock;
    private final Routine pythonUnlock;
    private final Routine pythonThread;
    private final Routine evaluate;

    // Node
    private final StaticProbe nodeGcStart;
    private final StaticProbe nodeGcDone;
    private final StaticProbe nodeRequest;
    private final StaticProbe nodeResponse;

    private static final String[] QUERIES = {
        "SELECT * FROM orders WHERE customer = 42",
        "SELECT name, price FROM products WHERE price < 100 ORDER BY price",
        "UPDATE stock SET amount = amount - 1 WHERE product = 7",
        "INSERT INTO visits VALUES (now(), 17, '/index.html')",
        "SELECT count(*) FROM visits"
    };

    /** What happens while a function of an interpreter runs. */
    private record Language(StaticProbe entry, StaticProbe exit, boolean classFirst, StaticProbe created) {}

    Runtimes(EmbeddedKernel kernel) {
        this.kernel = kernel;
        sys = kernel.syscalls;
        rng = kernel.rng;
        user = kernel.userSpace;
        buffer = user.buffer();

        var jvm = user.library("libjvm.so");
        gcBegin = jvm.probe("hotspot", "gc__begin", 4);
        gcEnd = jvm.probe("hotspot", "gc__end");
        poolBegin = jvm.probe("hotspot", "mem__pool__gc__begin", 8, 8, 8, 8, 8, 8, 8, 8);
        poolEnd = jvm.probe("hotspot", "mem__pool__gc__end", 8, 8, 8, 8, 8, 8, 8, 8);
        classLoaded = jvm.probe("hotspot", "class__loaded", 8, 4, 8, 4);
        methodEntry = jvm.probe("hotspot", "method__entry", 8, 8, 4, 8, 4, 8, 4);
        methodReturn = jvm.probe("hotspot", "method__return", 8, 8, 4, 8, 4, 8, 4);
        objectAlloc = jvm.probe("hotspot", "object__alloc", 8, 8, 4, 8);
        javaThreadStart = jvm.probe("hotspot", "thread__start", 8, 4, 8, 8, 4);
        javaThreadStop = jvm.probe("hotspot", "thread__stop", 8, 4, 8, 8, 4);
        monitorEnter = jvm.probe("hotspot", "monitor__contended__enter", 8, 8, 8, 4);
        monitorEntered = jvm.probe("hotspot", "monitor__contended__entered", 8, 8, 8, 4);
        javaWorker = jvm.function("void thread_native_entry(Thread *thread)", this::javaWorker);
        user.program("/usr/lib/jvm/java-17-openjdk/bin/java", this::java);
        user.image("/usr/lib/jvm/java-17-openjdk/bin/java").libraries.add(jvm);

        var mysql = user.image("/usr/sbin/mysqld");
        queryStart = mysql.probe("mysql", "query__start", 8, 8, 8, 8, 8);
        queryDone = mysql.probe("mysql", "query__done", 4);
        commandStart = mysql.probe("mysql", "command__start", 8, 4, 8, 8);
        commandDone = mysql.probe("mysql", "command__done", 4);
        connectionStart = mysql.probe("mysql", "connection__start", 8, 8, 8);
        // the name as the linker knows it
        dispatchCommand = mysql.function(
                "bool _Z16dispatch_commandP3THDPK8COM_DATA19enum_server_command(THD *thd, const union COM_DATA *com_data, enum enum_server_command command)",
                this::dispatchCommand);
        connection = mysql.function("void *handle_connection(void *arg)", this::connection);
        user.program("/usr/sbin/mysqld", this::mysqld);

        var postgres = user.image("/usr/lib/postgresql/16/bin/postgres");
        postgresQueryStart = postgres.probe("postgresql", "query__start", 8);
        postgresQueryDone = postgres.probe("postgresql", "query__done", 8);
        postgresTransactionStart = postgres.probe("postgresql", "transaction__start", 4);
        postgresTransactionCommit = postgres.probe("postgresql", "transaction__commit", 4);

        var python = user.image("/usr/bin/python3");
        functionEntry = python.probe("python", "function__entry", 8, 8, -4);
        functionReturn = python.probe("python", "function__return", 8, 8, -4);
        pythonGcStart = python.probe("python", "gc__start", -4);
        pythonGcDone = python.probe("python", "gc__done", -8);
        importStart = python.probe("python", "import__find__load__start", 8);
        importDone = python.probe("python", "import__find__load__done", 8, -4);
        evaluate = python.function(
                "PyObject *_PyEval_EvalFrameDefault(PyThreadState *tstate, PyFrameObject *f, int throwflag)",
                this::evaluate);
        pythonLock = stub(python, "int pthread_mutex_lock(pthread_mutex_t *mutex)", kernel.libraries.mutexLock);
        pythonUnlock = stub(python, "int pthread_mutex_unlock(pthread_mutex_t *mutex)", kernel.libraries.mutexUnlock);
        pythonThread = python.function("void thread_run(void *boot_raw)", this::pythonThread);
        user.program("/usr/bin/python3", this::python);

        var node = user.image("/usr/bin/node");
        nodeGcStart = node.probe("node", "gc__start", 4, 4, 8);
        nodeGcDone = node.probe("node", "gc__done", 4, 4, 8);
        nodeRequest = node.probe("node", "http__server__request", 8, 8, 4, 8, 8, 4, 8);
        nodeResponse = node.probe("node", "http__server__response", 8, 8, 4, 4);
        user.program("/usr/bin/node", this::node);

        interpreter("/usr/bin/ruby", "ruby", "method__entry", "method__return", true, "object__create", 8, 8, 8, -4);
        interpreter("/usr/bin/perl", "perl", "sub__entry", "sub__return", false, "", 8, 8, -4, 8);
        interpreter("/usr/bin/php", "php", "function__entry", "function__return", false, "", 8, 8, -4, 8, 8);
        interpreter("/usr/bin/tclsh", "tcl", "proc__entry", "proc__return", false, "obj__create", 8, -4, 8);
    }

    /** A function of the program itself that calls that of a library, as its linkage table does. */
    private static Routine stub(UserImage image, String declaration, Routine target) {
        return image.function(declaration, (task, frame) -> {
            if (frame.next() == 0) {
                task.call(target, frame.a0, frame.a1);
            } else {
                task.ret(task.result);
            }
        });
    }

    private long text(String text) {
        return user.string(text);
    }

    // The Java virtual machine

    private void java(Task task, Frame frame) {
        switch (frame.next()) {
            case 0 -> kernel.virtualMemory.touch(task, 60);
            case 1 -> {
                classLoaded.fire(task, text("java/lang/Object"), 16, 0, 0);
                classLoaded.fire(task, text("shop/OrderService"), 17, 1, 0);
                if (frame.v0++ < 3) {
                    frame.pc = 1;
                    kernel.libraries.callCreate(
                            task, new Libraries.Thread(javaWorker, "worker-" + frame.v0), rng.oneIn(3));
                }
            }
            case 2 -> task.sleep(rng.exponential(180 * MILLI));
            case 3 -> {
                kernel.truth.count("java collections", 1);
                gcBegin.fire(task, rng.oneIn(8) ? 1 : 0);
                long pool = text("G1 Eden Space");
                poolBegin.fire(task, text("G1 Young Generation"), 19, pool, 13, 0, 40 << 20, 64 << 20, 256 << 20);
                task.work(2 * MILLI + rng.exponential(6 * MILLI));
            }
            default -> {
                frame.pc = 2;
                long pool = text("G1 Eden Space");
                poolEnd.fire(task, text("G1 Young Generation"), 19, pool, 13, 0, 2 << 20, 64 << 20, 256 << 20);
                gcEnd.fire(task);
                task.work(20_000);
            }
        }
    }

    private void javaWorker(Task task, Frame frame) {
        var name = (String) frame.object();
        switch (frame.next()) {
            case 0 -> {
                task.rename(name);
                kernel.objects.comm(task);
                javaThreadStart.fire(task, text(name), name.length(), task.tid, task.tid, 0);
                task.work(30_000);
            }
            case 1 -> task.sleep(rng.exponential(4 * MILLI));
            case 2 -> {
                call(task, true, "shop/OrderService", "process", "(Lshop/Order;)V");
                task.work(40_000 + rng.exponential(60_000));
            }
            case 3 -> {
                call(task, true, "shop/Database", "query", "(Ljava/lang/String;)Ljava/util/List;");
                task.sleep(rng.exponential(600_000));
            }
            case 4 -> {
                call(task, false, "shop/Database", "query", "(Ljava/lang/String;)Ljava/util/List;");
                objectAlloc.fire(task, task.tid, text("shop/Order"), 10, 48);
                objectAlloc.fire(task, task.tid, text("java/lang/String"), 16, 24);
                task.work(20_000);
            }
            case 5 -> {
                if (rng.oneIn(6)) {
                    monitorEnter.fire(task, task.tid, 0x7f00_1000L, text("shop/Ledger"), 11);
                    task.sleep(rng.exponential(300_000));
                } else {
                    frame.pc = 7;
                }
            }
            case 6 -> {
                monitorEntered.fire(task, task.tid, 0x7f00_1000L, text("shop/Ledger"), 11);
                task.work(5_000);
            }
            case 7 -> {
                call(task, false, "shop/OrderService", "process", "(Lshop/Order;)V");
                task.work(4_000);
            }
            default -> {
                frame.pc = 1;
                if (rng.oneIn(400)) {
                    javaThreadStop.fire(task, text(name), name.length(), task.tid, task.tid, 0);
                    frame.pc = 0;
                }
            }
        }
    }

    private void call(Task task, boolean entry, String type, String method, String signature) {
        (entry ? methodEntry : methodReturn)
                .fire(
                        task,
                        task.tid,
                        text(type),
                        type.length(),
                        text(method),
                        method.length(),
                        text(signature),
                        signature.length());
        if (entry) {
            kernel.truth.count("java methods", 1);
        }
    }

    // MySQL

    private void mysqld(Task task, Frame frame) {
        switch (frame.next()) {
            case 0 -> kernel.virtualMemory.touch(task, 40);
            case 1 -> {
                if (frame.v0++ < 4) {
                    frame.pc = 1;
                    kernel.libraries.callCreate(task, new Libraries.Thread(connection, frame.v0), rng.oneIn(3));
                }
            }
            case 2 -> task.sleep(rng.exponential(200 * MILLI));
            default -> {
                // a customer more, whose thread ends when it has asked what it wanted
                frame.pc = 2;
                kernel.libraries.callCreate(task, new Libraries.Thread(connection, ++frame.v0), rng.oneIn(3));
            }
        }
    }

    private void connection(Task task, Frame frame) {
        switch (frame.next()) {
            case 0 -> {
                connectionStart.fire(task, (Long) frame.object(), text("shop"), text("localhost"));
                task.rename("connection");
                kernel.objects.comm(task);
                task.work(30_000);
            }
            case 1 -> task.sleep(rng.exponential(9 * MILLI));
            default -> {
                frame.pc = 1;
                // the first four stay
                if ((Long) frame.object() > 4 && frame.v0++ >= QUERIES_OF_A_VISIT) {
                    task.ret(0);
                    return;
                }
                long query = text(QUERIES[rng.below(QUERIES.length)]);
                // COM_QUERY with pointer and length of its text
                long data = user.vectorOf(query, 60);
                var callee = task.call(dispatchCommand, buffer, data, 3);
                callee.v0 = query;
                callee.v1 = (Long) frame.object();
            }
        }
    }

    private void dispatchCommand(Task task, Frame frame) {
        switch (frame.next()) {
            case 0 -> {
                frame.v2 = kernel.clockNanos();
                kernel.truth.count("mysql queries", 1);
                commandStart.fire(task, frame.v1, 3, text("shop"), text("localhost"));
                queryStart.fire(task, frame.v0, frame.v1, text("shop"), text("app"), text("localhost"));
                task.work(60_000 + rng.exponential(90_000));
            }
            case 1 -> task.syscall(sys.openat, -100, text("/var/lib/mysql/shop/orders.ibd"), AF_FLAGS, 0);
            case 2 -> {
                frame.v3 = task.result;
                task.syscall(sys.pread, frame.v3, buffer, 16_384, (long) rng.below(1024) << 14);
            }
            case 3 -> task.syscall(sys.close, frame.v3);
            case 4 -> {
                if (rng.oneIn(12)) {
                    task.sleep(rng.exponential(8 * MILLI));
                }
            }
            default -> {
                queryDone.fire(task, 0);
                commandDone.fire(task, 0);
                kernel.truth.distribution("mysql query").add(kernel.clockNanos() - frame.v2);
                task.ret(0);
            }
        }
    }

    // Python

    private static final String[][] FUNCTIONS = {
        {"/home/user/app.py", "handle", "12"},
        {"/home/user/app.py", "parse", "31"},
        {"/home/user/model.py", "predict", "88"},
        {"/usr/lib/python3.11/json/decoder.py", "decode", "332"}
    };

    private void python(Task task, Frame frame) {
        switch (frame.next()) {
            case 0 -> kernel.virtualMemory.touch(task, 30);
            case 1 -> {
                importStart.fire(task, text("json"));
                task.work(300_000);
            }
            case 2 -> {
                importDone.fire(task, text("json"), 1);
                kernel.libraries.callCreate(task, new Libraries.Thread(pythonThread, "second"), false);
            }
            case 3 -> task.sleep(rng.exponential(6 * MILLI));
            case 4 -> task.call(evaluate, buffer, buffer, 0).v0 = 0;
            case 5 -> locks(task, frame, 1);
            default -> {
                frame.pc = 3;
                if (rng.oneIn(20)) {
                    kernel.truth.count("python collections", 1);
                    pythonGcStart.fire(task, rng.below(3));
                    task.work(400_000 + rng.exponential(MILLI));
                    frame.pc = 7;
                }
            }
            case 7 -> {
                pythonGcDone.fire(task, rng.below(900));
                frame.pc = 3;
            }
        }
    }

    private void pythonThread(Task task, Frame frame) {
        switch (frame.next()) {
            case 0 -> task.sleep(rng.exponential(9 * MILLI));
            case 1 -> locks(task, frame, 0);
            default -> frame.pc = 0;
        }
    }

    /** Takes two locks, in an order that depends on the thread: a deadlock that waits to happen. */
    private void locks(Task task, Frame frame, int first) {
        long one = user.lock(first);
        long two = user.lock(1 - first);
        if (frame.v1 < 4) {
            // the step is repeated until both are taken and given back
            frame.pc--;
        }
        switch ((int) frame.v1++) {
            case 0 -> task.call(pythonLock, one);
            case 1 -> task.call(pythonLock, two);
            case 2 -> task.call(pythonUnlock, two);
            case 3 -> task.call(pythonUnlock, one);
            default -> frame.v1 = 0;
        }
    }

    /** A function that calls another one, up to three deep. */
    private void evaluate(Task task, Frame frame) {
        var function = FUNCTIONS[(int) (frame.v0 & 3)];
        int line = Integer.parseInt(function[2]);
        switch (frame.next()) {
            case 0 -> {
                kernel.truth.count("python calls", 1);
                functionEntry.fire(task, text(function[0]), text(function[1]), line);
                task.work(20_000 + rng.exponential(30_000));
            }
            case 1 -> {
                if (frame.v0 < 3 && !rng.oneIn(3)) {
                    task.call(evaluate, buffer, buffer, 0).v0 = frame.v0 + 1;
                }
            }
            case 2 -> task.work(8_000);
            default -> {
                functionReturn.fire(task, text(function[0]), text(function[1]), line);
                task.ret(buffer);
            }
        }
    }

    // Node

    private void node(Task task, Frame frame) {
        switch (frame.next()) {
            case 0 -> task.syscall(sys.epollWait, 4, buffer, 64, 1 + rng.below(12));
            case 1 -> {
                kernel.truth.count("node requests", 1);
                nodeRequest.fire(task, buffer, text("10.0.0.9"), 41_000, text("GET"), text("/api/orders"), 12, 0);
                task.work(150_000 + rng.exponential(300_000));
            }
            case 2 -> {
                nodeResponse.fire(task, buffer, text("10.0.0.9"), 41_000, 12);
                if (!rng.oneIn(10)) {
                    frame.pc = 0;
                    return;
                }
                kernel.truth.count("node collections", 1);
                nodeGcStart.fire(task, 1 << rng.below(3), 0, buffer);
                task.work(700_000 + rng.exponential(2 * MILLI));
            }
            default -> {
                frame.pc = 0;
                nodeGcDone.fire(task, 1, 0, buffer);
            }
        }
    }

    // Interpreters that differ in names only

    private void interpreter(
            String path, String provider, String entry, String exit, boolean classFirst, String created, int... sizes) {
        var image = user.image(path);
        var enter = image.probe(provider, entry, sizes);
        var leave = image.probe(provider, exit, sizes);
        var create = created.isEmpty() ? leave : image.probe(provider, created, 8, 8, -4);
        if (provider.equals("ruby")) {
            rubyGcBegin = image.probe(provider, "gc__mark__begin");
            rubyGcEnd = image.probe(provider, "gc__mark__end");
            image.probe(provider, "load__entry", 8, 8, -4);
        }
        var language = new Language(enter, leave, classFirst, create);
        user.program(path, (task, frame) -> interpret(task, frame, language));
    }

    private @Nullable StaticProbe rubyGcBegin;
    private @Nullable StaticProbe rubyGcEnd;

    private void interpret(Task task, Frame frame, Language language) {
        switch (frame.next()) {
            case 0 -> task.sleep(rng.exponential(7 * MILLI));
            case 1 -> {
                frame.v0 = rng.below(3);
                kernel.truth.count(language.entry.provider() + " calls", 1);
                fire(task, frame, language, language.entry);
                if (language.created != language.exit) {
                    language.created.fire(task, text("Order"), text("shop"), 17);
                }
                task.work(50_000 + rng.exponential(80_000));
            }
            case 2 -> {
                fire(task, frame, language, language.exit);
                if (language.classFirst && rng.oneIn(15)) {
                    Objects.requireNonNull(rubyGcBegin).fire(task);
                    task.work(600_000);
                } else {
                    frame.pc = 0;
                }
            }
            default -> {
                Objects.requireNonNull(rubyGcEnd).fire(task);
                frame.pc = 0;
            }
        }
    }

    private void fire(Task task, Frame frame, Language language, StaticProbe probe) {
        var name = List.of("load", "render", "save").get((int) frame.v0);
        long file = text("/home/user/shop." + language.entry.provider());
        if (language.classFirst) {
            probe.fire(task, text("Shop"), text(name), file, 20 + frame.v0);
        } else if (language.entry.provider().equals("php")) {
            probe.fire(task, text(name), file, 20 + frame.v0, text("Shop"), text("::"));
        } else {
            probe.fire(task, text(name), file, 20 + frame.v0, text("main"));
        }
    }
}
