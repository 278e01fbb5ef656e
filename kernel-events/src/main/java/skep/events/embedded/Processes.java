package skep.events.embedded;

import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** Processes and threads: fork, exec, exit, wait, and the objects that each of them allocates and frees. */
final class Processes {
    static final int ECHILD = 10;
    static final int ENOENT = 2;
    private static final int FIRST_USER_PID = 701;
    /** Users from here on are people. */
    private static final int FIRST_USER = 1000;

    private static final int MAX_PID = 4_194_304;

    private final EmbeddedKernel kernel;
    private final TreeMap<Integer, Task> tasks = new TreeMap<>();
    private int nextPid = 2;

    private final SlabCache taskStructs;
    private final SlabCache mms;
    private final SlabCache areas;
    private final SlabCache signalCache;
    private final SlabCache sighandCache;
    private final SlabCache filesCache;
    private final SlabCache credCache;
    private final SlabCache pidCache;

    final Routine kernelClone;
    private final Routine copyProcess;
    private final Routine dupTaskStruct;
    private final Routine schedFork;
    private final Routine copyCreds;
    private final Routine copyFiles;
    private final Routine copyMm;
    private final Routine dupMmap;
    private final Routine copySignals;
    private final Routine allocPid;
    final Routine execve;
    private final Routine bprmExecve;
    private final Routine openExec;
    private final Routine loadElf;
    private final Routine beginNewExec;
    private final Routine setupArgPages;
    final Routine doGroupExit;
    final Routine doExit;
    private final Routine exitMm;
    private final Routine exitMmap;
    private final Routine exitFiles;
    private final Routine exitNotify;
    final Routine doWait;
    private final Routine releaseTask;
    private final Routine delayedPutTask;
    private final Routine putTaskStruct;
    private final Routine kthread;
    private final Routine launcher;

    private final Tracepoint newTask;
    private final Tracepoint rename;
    private final Tracepoint processFork;
    private final Tracepoint processExec;
    private final Tracepoint processExit;
    private final Tracepoint processFree;
    private final Tracepoint processWait;

    /** What a child runs in user mode after fork, with the object that its frame gets. */
    record Child(Routine main, @Nullable Object argument, boolean thread) {}

    Processes(EmbeddedKernel kernel) {
        this.kernel = kernel;
        taskStructs = kernel.slab.cache("task_struct", kernel.types.sizeBytes("task_struct"));
        mms = kernel.slab.cache("mm_struct", kernel.types.sizeBytes("mm_struct"));
        areas = kernel.slab.cache("vm_area_struct", kernel.types.sizeBytes("vm_area_struct"));
        signalCache = kernel.slab.cache("signal_cache", kernel.types.sizeBytes("signal_struct"));
        sighandCache = kernel.slab.cache("sighand_cache", kernel.types.sizeBytes("sighand_struct"));
        filesCache = kernel.slab.cache("files_cache", kernel.types.sizeBytes("files_struct"));
        credCache = kernel.slab.cache("cred_jar", kernel.types.sizeBytes("cred"));
        // room for a number in a namespace of a container
        pidCache = kernel.slab.cache("pid", kernel.types.sizeBytes("pid") + 2 * kernel.types.sizeBytes("upid"));

        newTask = kernel.tracepoint(
                "task",
                "task_newtask",
                "pid_t pid; char comm[16]; unsigned long clone_flags; short oom_score_adj",
                "struct task_struct *task, unsigned long clone_flags");
        rename = kernel.tracepoint(
                "task",
                "task_rename",
                "pid_t pid; char oldcomm[16]; char newcomm[16]; short oom_score_adj",
                "struct task_struct *task, const char *comm");
        processFork = kernel.tracepoint(
                "sched",
                "sched_process_fork",
                "char parent_comm[16]; pid_t parent_pid; char child_comm[16]; pid_t child_pid",
                "struct task_struct *parent, struct task_struct *child");
        processExec = kernel.tracepoint(
                "sched",
                "sched_process_exec",
                "__data_loc char[] filename; pid_t pid; pid_t old_pid",
                "struct task_struct *p, pid_t old_pid, struct linux_binprm *bprm");
        var template = "char comm[16]; pid_t pid; int prio";
        processExit = kernel.tracepoint("sched", "sched_process_exit", template, "struct task_struct *p");
        processFree = kernel.tracepoint("sched", "sched_process_free", template, "struct task_struct *p");
        processWait = kernel.tracepoint("sched", "sched_process_wait", template, "struct pid *pid");

        kernelClone = kernel.function("pid_t kernel_clone(struct kernel_clone_args *args)", this::kernelClone);
        copyProcess = kernel.function(
                "struct task_struct *copy_process(struct pid *pid, int trace, int node, struct kernel_clone_args *args)",
                this::copyProcess);
        dupTaskStruct = kernel.function(
                "struct task_struct *dup_task_struct(struct task_struct *orig, int node)", this::dupTaskStruct);
        schedFork = kernel.leaf("int sched_fork(unsigned long clone_flags, struct task_struct *p)", 220);
        copyCreds = kernel.function(
                "int copy_creds(struct task_struct *p, unsigned long clone_flags)", one(() -> credCache));
        copyFiles = kernel.function(
                "int copy_files(unsigned long clone_flags, struct task_struct *tsk, int no_files)",
                one(() -> filesCache));
        copyMm = kernel.function("int copy_mm(unsigned long clone_flags, struct task_struct *tsk)", this::copyMm);
        dupMmap = kernel.function("int dup_mmap(struct mm_struct *mm, struct mm_struct *oldmm)", this::dupMmap);
        copySignals = kernel.function(
                "int copy_signal(unsigned long clone_flags, struct task_struct *tsk)", one(() -> signalCache));
        allocPid = kernel.function(
                "struct pid *alloc_pid(struct pid_namespace *ns, pid_t *set_tid, size_t set_tid_size)",
                one(() -> pidCache));
        execve = kernel.function(
                "int do_execveat_common(int fd, struct filename *filename, struct user_arg_ptr argv, struct user_arg_ptr envp, int flags)",
                this::execve);
        bprmExecve = kernel.function("int bprm_execve(struct linux_binprm *bprm)", this::bprmExecve);
        openExec = kernel.leaf("struct file *do_open_execat(int fd, struct filename *name, int flags)", 2400);
        loadElf = kernel.function("int load_elf_binary(struct linux_binprm *bprm)", this::loadElf);
        beginNewExec = kernel.function("int begin_new_exec(struct linux_binprm *bprm)", this::beginNewExec);
        setupArgPages = kernel.leaf(
                "int setup_arg_pages(struct linux_binprm *bprm, unsigned long stack_top, int executable_stack)", 1800);
        doGroupExit = kernel.function("void do_group_exit(int exit_code)", this::doGroupExit);
        doExit = kernel.function("void do_exit(long code)", this::doExit);
        exitMm = kernel.function("void mmput(struct mm_struct *mm)", this::exitMm);
        exitMmap = kernel.function("void exit_mmap(struct mm_struct *mm)", this::exitMmap);
        exitFiles = kernel.function("void exit_files(struct task_struct *tsk)", this::exitFiles);
        exitNotify = kernel.function("void exit_notify(struct task_struct *tsk, int group_dead)", this::exitNotify);
        doWait = kernel.function("long do_wait(struct wait_opts *wo)", this::doWait);
        releaseTask = kernel.function("void release_task(struct task_struct *p)", this::releaseTask);
        delayedPutTask =
                kernel.function("void delayed_put_task_struct(struct callback_head *rhp)", this::delayedPutTask);
        putTaskStruct = kernel.function("void __put_task_struct(struct task_struct *tsk)", this::putTaskStruct);
        launcher = kernel.userSpace
                .image("/usr/bin/skep")
                .function("void run_command(void)", (task, frame) -> task.exec((Program.Invocation) frame.object()));
        kthread = kernel.entryCode("kthread", (task, frame) -> task.call((Routine) frame.object()));
    }

    private Body one(java.util.function.Supplier<SlabCache> cache) {
        return (task, frame) -> {
            switch (frame.next()) {
                case 0 -> kernel.slab.callAlloc(task, cache.get());
                case 1 -> {
                    frame.v0 = task.result;
                    task.spend(120);
                }
                default -> task.ret(frame.v0);
            }
        };
    }

    // Before the clock starts

    /** Creates the idle tasks and puts them on their CPUs; returns the first. */
    Task bootIdleTasks() {
        var swapper = new Process(0, null, 0, 0);
        for (var cpu : kernel.cpus) {
            var task = newTask(0, swapper, "swapper/" + cpu.id, cpu);
            task.state = Task.State.RUNNING;
            task.pinned = true;
            task.push(kernel.scheduler.idleStart);
            cpu.boot(task, EmbeddedKernel.BOOT_NANOS + 17L * cpu.id);
        }
        return kernel.cpus[0].idleTask();
    }

    private Task newTask(int tid, Process process, String name, Cpu cpu) {
        long address = kernel.slab.take(taskStructs, tid);
        var task = new Task(kernel, tid, process, address, kernel.stacks.allocate(), name, cpu);
        kernel.stacks.own(task);
        if (tid != 0) {
            tasks.put(tid, task);
        }
        kernel.objects.task(task);
        return task;
    }

    /** A kernel thread that exists from the start and sleeps or works in a routine. */
    Task bootKernelThread(String name, Routine function, @Nullable Object argument, int cpu) {
        var process = new Process(nextPid++, null, 0, 0);
        var task = newTask(process.pid, process, name, kernel.cpus[Math.max(0, cpu) % kernel.cpus.length]);
        process.leader = task;
        task.pinned = cpu >= 0;
        task.push(kthread).object = function;
        var frame = task.push(function);
        frame.object = argument;
        kernel.scheduler.bootTask(task);
        return task;
    }

    /** A process that exists from the start. */
    Task bootProcess(Program program, List<String> arguments, int uid, int cpu) {
        var process = bootedProcess(null, uid);
        var task = newTask(process.pid, process, program.comm(), kernel.cpus[cpu % kernel.cpus.length]);
        process.leader = task;
        process.invocation = new Program.Invocation(program, arguments);
        process.cgroupId = kernel.containers.group(
                program.comm().equals("systemd")
                        ? "/init.scope"
                        : uid >= FIRST_USER
                                ? "/user.slice/user-" + uid + ".slice"
                                : "/system.slice/" + program.comm() + ".service");
        task.push(program.main()).object = process.invocation;
        kernel.scheduler.bootTask(task);
        return task;
    }

    /** Puts a process that exists from the start into a container. */
    void bootInto(Task task, Containers.Container container) {
        kernel.containers.enter(task.process, container);
        task.pidStruct = kernel.slab.take(pidCache, task.tid);
        kernel.objects.task(task);
    }

    /** A process that runs nothing yet: the session, or a command that waits to be started. */
    Task bootDormant(String name, Optional<Process> parent, int uid) {
        var process = bootedProcess(parent.orElse(null), uid);
        var task = newTask(process.pid, process, name, kernel.cpus[0]);
        process.leader = task;
        task.state = Task.State.NEW;
        return task;
    }

    /** Lets a dormant process execute a program. */
    void startDormant(Task task, Program.Invocation invocation) {
        task.push(launcher).object = invocation;
        kernel.scheduler.bootTask(task);
        kernel.interrupts.reschedule(task.cpu);
    }

    private Process bootedProcess(@Nullable Process parent, int uid) {
        nextPid = Math.max(nextPid, FIRST_USER_PID);
        int pid = nextPid;
        nextPid += 1 + kernel.rng.below(7);
        var process = new Process(pid, parent, uid, uid);
        process.mm = kernel.slab.take(mms, pid);
        process.signals = kernel.slab.take(signalCache, pid);
        process.signalHandlers = kernel.slab.take(sighandCache, pid);
        process.fileTable = kernel.slab.take(filesCache, pid);
        process.credentials = kernel.slab.take(credCache, pid);
        for (int i = 0; i < 12; i++) {
            process.areas.add(kernel.slab.take(areas, pid));
        }
        for (int fd = 0; fd < 3; fd++) {
            process.files.add(kernel.vfs.bootDevice(pid));
        }
        if (parent != null) {
            parent.children.add(process);
        }
        return process;
    }

    @Nullable
    Task find(int tid) {
        return tasks.get(tid);
    }

    /** The oldest process of this name, if there is one. */
    @Nullable
    Task named(String comm) {
        for (var task : tasks.values()) {
            if (task.process.leader == task && !task.exiting() && task.name().equals(comm)) {
                return task;
            }
        }
        return null;
    }

    Map<Integer, Task> all() {
        return tasks;
    }

    private int freshPid() {
        do {
            nextPid = nextPid + 1 >= MAX_PID ? FIRST_USER_PID : nextPid + 1;
        } while (tasks.containsKey(nextPid));
        return nextPid;
    }

    // fork

    private void kernelClone(Task task, Frame frame) {
        switch (frame.next()) {
            case 0 -> task.spend(150);
            case 1 -> task.call(copyProcess, 0, 0, -1, frame.a0).object = frame.object;
            case 2 -> {
                var child = (Task) Objects.requireNonNull(task.resultObject);
                frame.other = child;
                frame.v0 = child.tid;
                kernel.truth.forks++;
                if (processFork.active()) {
                    kernel.tracer.raw(processFork, task, task.address, child.address);
                    kernel.tracer
                            .begin(processFork, task)
                            .bytes(task.comm())
                            .num(task.tid)
                            .bytes(child.comm())
                            .num(child.tid)
                            .fire();
                }
                kernel.scheduler.callWakeUpNew(task, child);
            }
            default -> task.ret(frame.v0);
        }
    }

    private void copyProcess(Task task, Frame frame) {
        var request = (Child) frame.object();
        switch (frame.next()) {
            case 0 -> task.spend(700);
            case 1 -> task.call(dupTaskStruct, task.address, 0xffff_ffffL);
            case 2 -> {
                frame.v0 = task.result;
                int tid = freshPid();
                var process = request.thread
                        ? task.process
                        : new Process(tid, task.process, task.process.uid, task.process.gid);
                var child = new Task(kernel, tid, process, frame.v0, kernel.stacks.allocate(), task.name(), task.cpu);
                kernel.stacks.own(child);
                tasks.put(tid, child);
                frame.other = child;
                if (request.thread) {
                    process.threads++;
                    child.stackMapping = task.syscallArguments[1];
                } else {
                    process.leader = child;
                    process.invocation = task.process.invocation;
                    process.actions.putAll(task.process.actions);
                    task.process.children.add(process);
                }
                task.call(copyCreds, child.address, 0);
            }
            case 3 -> {
                var child = (Task) Objects.requireNonNull(frame.other);
                child.credentials = task.result;
                task.call(schedFork, 0, child.address);
            }
            case 4 -> {
                if (request.thread) {
                    frame.pc = 8;
                    return;
                }
                task.call(copyFiles, 0, ((Task) Objects.requireNonNull(frame.other)).address, 0);
            }
            case 5 -> {
                var process = ((Task) Objects.requireNonNull(frame.other)).process;
                process.fileTable = task.result;
                for (var file : task.process.files) {
                    process.files.add(file);
                    if (file != null) {
                        file.references++;
                    }
                }
                task.call(copySignals, 0, ((Task) Objects.requireNonNull(frame.other)).address);
            }
            case 6 -> {
                var process = ((Task) Objects.requireNonNull(frame.other)).process;
                process.signals = task.result;
                kernel.slab.callAlloc(task, sighandCache);
            }
            case 7 -> {
                var child = (Task) Objects.requireNonNull(frame.other);
                child.process.signalHandlers = task.result;
                task.call(copyMm, 0, child.address).object = child.process;
            }
            case 8 -> task.call(allocPid, 0, 0, 0);
            case 9 -> {
                var child = (Task) Objects.requireNonNull(frame.other);
                child.pidStruct = task.result;
                kernel.objects.task(child);
                child.push(request.main).object = request.argument;
                child.push(kernel.scheduler.returnFromFork);
                if (newTask.active()) {
                    kernel.tracer.raw(newTask, task, child.address, request.thread ? 0x3d0f00 : 0x1200011);
                    kernel.tracer
                            .begin(newTask, task)
                            .num(child.tid)
                            .bytes(child.comm())
                            .num(request.thread ? 0x3d0f00 : 0x1200011)
                            .num(0)
                            .fire();
                }
                task.spend(500);
            }
            default -> {
                task.resultObject = frame.other;
                task.ret(frame.v0);
            }
        }
    }

    private void dupTaskStruct(Task task, Frame frame) {
        switch (frame.next()) {
            case 0 -> kernel.slab.callAllocNode(task, taskStructs, SlabAllocator.GFP_KERNEL);
            case 1 -> {
                frame.v0 = task.result;
                task.spend(900);
            }
            default -> task.ret(frame.v0);
        }
    }

    private void copyMm(Task task, Frame frame) {
        var process = (Process) frame.object();
        switch (frame.next()) {
            case 0 -> kernel.slab.callAlloc(task, mms);
            case 1 -> {
                process.mm = task.result;
                kernel.percpu.callAlloc(task, 40);
            }
            case 2 -> {
                process.percpuCounters = task.result;
                task.call(dupMmap, process.mm, task.process.mm).object = process;
            }
            default -> task.ret(0);
        }
    }

    private void dupMmap(Task task, Frame frame) {
        var process = (Process) frame.object();
        switch (frame.next()) {
            case 0 -> task.spend(400);
            case 1 -> {
                if (process.areas.size() >= task.process.areas.size()) {
                    task.ret(0);
                    return;
                }
                kernel.slab.callAlloc(task, areas);
            }
            default -> {
                process.areas.add(task.result);
                frame.pc = 1;
                task.spend(450);
            }
        }
    }

    // exec

    private void execve(Task task, Frame frame) {
        switch (frame.next()) {
            case 0 -> kernel.slab.callKmalloc(task, 328);
            case 1 -> {
                frame.v1 = task.result;
                var invocation = (Program.Invocation) frame.object();
                task.call(
                        openExec,
                        frame.a0,
                        kernel.userSpace.string(invocation.program().path()));
            }
            case 2 -> task.call(bprmExecve, frame.v1).object = frame.object;
            case 3 -> {
                frame.v0 = task.result;
                kernel.slab.callKfree(task, frame.v1);
            }
            default -> task.ret(frame.v0);
        }
    }

    private void bprmExecve(Task task, Frame frame) {
        switch (frame.next()) {
            case 0 -> task.spend(900);
            case 1 -> task.call(loadElf, frame.a0).object = frame.object;
            case 2 -> {
                var invocation = (Program.Invocation) frame.object();
                kernel.truth.count("programs executed", 1);
                if (processExec.active()) {
                    kernel.tracer.raw(processExec, task, task.address, task.tid, frame.a0);
                    kernel.tracer
                            .begin(processExec, task)
                            .bytes(invocation.program().path().getBytes(java.nio.charset.StandardCharsets.UTF_8))
                            .num(task.tid)
                            .num(task.tid)
                            .fire();
                }
                task.spend(200);
            }
            default -> task.ret(0);
        }
    }

    private void loadElf(Task task, Frame frame) {
        switch (frame.next()) {
            case 0 -> task.spend(1500);
            case 1 -> task.call(beginNewExec, frame.a0).object = frame.object;
            case 2 -> task.call(setupArgPages, frame.a0, kernel.addresses.userStack(), 0);
            case 3 -> {
                if (task.process.areas.size() >= 10 + (task.tid & 7)) {
                    task.ret(0);
                    return;
                }
                kernel.slab.callAlloc(task, areas);
            }
            default -> {
                task.process.areas.add(task.result);
                frame.pc = 3;
                task.spend(800);
            }
        }
    }

    private void beginNewExec(Task task, Frame frame) {
        switch (frame.next()) {
            case 0 -> task.call(exitMmap, task.process.mm).object = task.process;
            case 1 -> {
                var invocation = (Program.Invocation) frame.object();
                var old = task.comm();
                task.rename(invocation.program().comm());
                kernel.objects.comm(task);
                task.process.invocation = invocation;
                Signals.executed(task.process);
                if (rename.active()) {
                    kernel.tracer.raw(rename, task, task.address, 0);
                    kernel.tracer
                            .begin(rename, task)
                            .num(task.tid)
                            .bytes(old)
                            .bytes(task.comm())
                            .num(0)
                            .fire();
                }
                task.spend(700);
            }
            default -> task.ret(0);
        }
    }

    // exit

    private void doGroupExit(Task task, Frame frame) {
        task.call(doExit, frame.a0);
    }

    private void doExit(Task task, Frame frame) {
        switch (frame.next()) {
            case 0 -> task.spend(600);
            case 1 -> {
                if (--task.process.threads > 0) {
                    frame.pc = 4;
                    return;
                }
                task.process.exitCode = (int) frame.a0;
                kernel.objects.exitCode(task, (int) frame.a0);
                task.call(exitMm, task.process.mm).object = task.process;
            }
            case 2 -> task.call(exitFiles, task.address);
            case 3 -> kernel.slab.callFree(task, filesCache, task.process.fileTable);
            case 4 -> {
                if (processExit.active()) {
                    kernel.tracer.raw(processExit, task, task.address);
                    kernel.tracer
                            .begin(processExit, task)
                            .bytes(task.comm())
                            .num(task.tid)
                            .num(task.priority)
                            .fire();
                }
                kernel.truth.exits++;
                task.call(exitNotify, task.address, 1);
            }
            default -> {
                task.state = Task.State.DEAD;
                kernel.scheduler.callSchedule(task);
            }
        }
    }

    private void exitMm(Task task, Frame frame) {
        var process = (Process) frame.object();
        switch (frame.next()) {
            case 0 -> task.call(exitMmap, process.mm).object = process;
            case 1 -> {
                if (process.percpuCounters != 0) {
                    kernel.percpu.callFree(task, process.percpuCounters);
                }
            }
            case 2 -> kernel.slab.callFree(task, mms, process.mm);
            default -> task.ret(0);
        }
    }

    private void exitMmap(Task task, Frame frame) {
        var process = (Process) frame.object();
        switch (frame.next()) {
            case 0 -> task.spend(1200);
            case 1 -> {
                if (kernel.virtualMemory.callFreeOne(task, process)) {
                    frame.pc = 1;
                    return;
                }
                process.mappings.clear();
                if (process.areas.isEmpty()) {
                    task.ret(0);
                    return;
                }
                kernel.slab.callFree(task, areas, process.areas.removeLast());
            }
            default -> {
                frame.pc = 1;
                task.spend(150);
            }
        }
    }

    private void exitFiles(Task task, Frame frame) {
        switch (frame.next()) {
            case 0 -> task.spend(90);
            default -> {
                var files = task.process.files;
                while (!files.isEmpty()) {
                    var file = files.removeLast();
                    if (file != null) {
                        frame.pc = 1;
                        kernel.vfs.callRelease(task, file);
                        return;
                    }
                }
                task.ret(0);
            }
        }
    }

    private void exitNotify(Task task, Frame frame) {
        var process = task.process;
        switch (frame.next()) {
            case 0 -> task.spend(300);
            case 1 -> {
                if (process.threads > 0) {
                    // a thread leaves no zombie
                    task.call(releaseTask, task.address).object = task;
                    return;
                }
                process.zombie = true;
                var parent = process.parent;
                if (parent == null || parent.zombie) {
                    reaped(process);
                    task.call(releaseTask, task.address).object = task;
                    return;
                }
                var leader = parent.leader;
                if (leader != null && !leader.exiting()) {
                    kernel.signals.callNotifyParent(task, leader);
                }
            }
            case 2 -> {
                var parent = process.parent;
                if (process.zombie && parent != null && !parent.zombie && !parent.childExit.isEmpty()) {
                    kernel.scheduler.callWakeup(task, parent.childExit.first());
                }
            }
            default -> task.ret(0);
        }
    }

    /** The children of a process that ended have no parent any more: they are reaped as they exit. */
    private static void reaped(Process process) {
        if (process.parent != null) {
            process.parent.children.remove(process);
        }
    }

    private void doWait(Task task, Frame frame) {
        var process = task.process;
        switch (frame.next()) {
            case 0 -> {
                if (processWait.active()) {
                    kernel.tracer.raw(processWait, task, 0);
                    kernel.tracer
                            .begin(processWait, task)
                            .bytes(task.comm())
                            .num(0)
                            .num(task.priority)
                            .fire();
                }
                task.spend(120);
            }
            case 1 -> {
                if (process.children.isEmpty()) {
                    task.ret(-ECHILD);
                    return;
                }
                Process dead = null;
                for (var child : process.children) {
                    if (child.zombie && (dead == null || child.pid < dead.pid)) {
                        dead = child;
                    }
                }
                if (dead != null) {
                    frame.v0 = dead.pid;
                    frame.pc = 3;
                    var leader = Objects.requireNonNull(dead.leader);
                    reaped(dead);
                    task.call(releaseTask, leader.address).object = leader;
                    return;
                }
                if (task.signalled()) {
                    task.ret(-Signals.ERESTARTSYS);
                    return;
                }
                process.childExit.add(task);
                kernel.scheduler.callSleep(task, Task.State.INTERRUPTIBLE);
            }
            case 2 -> {
                process.childExit.remove(task);
                frame.pc = 1;
            }
            default -> task.ret(frame.v0);
        }
    }

    private void releaseTask(Task task, Frame frame) {
        var dead = (Task) frame.object();
        switch (frame.next()) {
            case 0 -> task.spend(350);
            case 1 -> {
                tasks.remove(dead.tid);
                kernel.interrupts.callRcu(task.cpu, delayedPutTask, dead);
                if (dead.process.threads == 0) {
                    kernel.slab.callFree(task, sighandCache, dead.process.signalHandlers);
                }
            }
            default -> task.ret(0);
        }
    }

    private void delayedPutTask(Task task, Frame frame) {
        var dead = (Task) frame.object();
        switch (frame.next()) {
            case 0 -> {
                if (processFree.active()) {
                    kernel.tracer.raw(processFree, task, dead.address);
                    kernel.tracer
                            .begin(processFree, task)
                            .bytes(dead.comm())
                            .num(dead.tid)
                            .num(dead.priority)
                            .fire();
                }
                task.call(putTaskStruct, dead.address).object = dead;
            }
            default -> task.ret(0);
        }
    }

    private void putTaskStruct(Task task, Frame frame) {
        var dead = (Task) frame.object();
        switch (frame.next()) {
            case 0 -> {
                if (dead.credentials != 0) {
                    kernel.slab.callFree(task, credCache, dead.credentials);
                }
            }
            case 1 -> {
                if (dead.pidStruct != 0) {
                    kernel.slab.callFree(task, pidCache, dead.pidStruct);
                }
            }
            case 2 -> {
                if (dead.process.leader == dead) {
                    kernel.slab.callFree(task, signalCache, dead.process.signals);
                }
            }
            case 3 -> {
                kernel.stacks.release(dead);
                kernel.slab.callFree(task, taskStructs, dead.address);
            }
            default -> task.ret(0);
        }
    }
}
