package skep.events.embedded;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import skep.isa.kernel.Arch;

/**
 * The model: CPUs, tasks, memory, devices and a virtual clock. It knows no programs and no targets; those attach to its
 * routines and tracepoints.
 *
 * <p>Time is virtual. Every CPU has a clock that says when its next step begins; the earliest CPU or event goes next, so
 * that all firings come in the order of their times. The same seed gives the same run, whatever the machine does.
 *
 * <p>Not thread-safe: one thread runs it, or a lock around it.
 */
public final class EmbeddedKernel implements AutoCloseable {
    /** What {@code CLOCK_MONOTONIC} shows when a kernel is made: it has been up for an hour. */
    static final long BOOT_NANOS = 3_600_000_000_000L;

    private final EmbeddedOptions options;
    final Arch arch;
    final RegisterLayout registers;
    final AddressMap addresses;
    final Rng rng;
    final EventQueue events = new EventQueue();
    final SparseMemory memory = new SparseMemory();
    final SparseMemory userMemory = new SparseMemory();
    final Symbols symbols;
    final KernelStacks stacks;
    final Cpu[] cpus;

    private final Map<String, Tracepoint> tracepoints = new LinkedHashMap<>();
    private final Map<String, Tracepoint> rawTracepoints = new LinkedHashMap<>();
    private int nextTracepointId = 21;

    final Firing firing;
    final TraceWriter tracer;
    final GroundTruth truth = new GroundTruth();

    final KernelTypes types;
    final KernelObjects objects;
    final Interrupts interrupts;
    final Scheduler scheduler;
    final PageAllocator pages;
    final MemoryPressure pressure;
    final VirtualMemory virtualMemory;
    final PerCpuAllocator percpu;
    final Counters counters = new Counters(this);
    final CriticalSections sections;
    final Containers containers;
    final Security security;
    final Signals signals;
    final Virtio virtio;
    final VirtualMachines machines;
    final SocketObjects sockets;
    final PassedFiles rights;
    final Udp udp;
    final Rdma rdma;
    final SlabAllocator slab;
    final Syscalls syscalls;
    final UserSpace userSpace;
    final BlockDevice disk;
    final PageCache pageCache;
    final Vfs vfs;
    final BpfFiles bpfFiles;
    final Channels channels;
    final Network network;
    final Mutexes mutexes;
    final Workqueues workqueues;
    final FileSystems fileSystems;
    final Administration administration;
    final UserHeap heap;
    final Libraries libraries;
    final Processes processes;
    final Timekeeping timekeeping;
    final TraceLog traceLog = new TraceLog();
    final SystemFiles files;

    /** The CPU whose step or interrupt is being modelled. */
    private Cpu active;

    private long nowNanos = BOOT_NANOS;
    /** The active CPU may run on while its clock does not pass this. */
    private long horizonNanos;

    private boolean pauseRequested;
    /** No CPU's step is being modelled: an event happens, or nothing does. */
    private boolean betweenSteps = true;

    public EmbeddedKernel(EmbeddedOptions options) {
        this.options = options;
        arch = options.arch();
        registers = RegisterLayout.of(arch);
        addresses = AddressMap.of(arch);
        rng = new Rng(options.seed(), "model");
        types = new KernelTypes(arch);
        symbols = new Symbols(addresses.text());
        stacks = new KernelStacks(addresses.stacks(), registers, memory);
        cpus = new Cpu[options.cpus()];
        for (int i = 0; i < cpus.length; i++) {
            cpus[i] = new Cpu(i);
        }
        active = cpus[0];
        var trampoline = entryCode("arch_rethook_trampoline", (task, frame) -> {});
        firing = new Firing(this, registers, trampoline.address);
        var none = Tracepoint.declare(0, "none", "none", "", "");
        objects = new KernelObjects(this);
        sections = new CriticalSections(this);
        containers = new Containers(this);
        pages = new PageAllocator(this);
        pressure = new MemoryPressure(this);
        percpu = new PerCpuAllocator(this);
        slab = new SlabAllocator(this);
        userSpace = new UserSpace(this);
        processes = new Processes(this);
        scheduler = new Scheduler(this);
        interrupts = new Interrupts(this);
        tracer = new TraceWriter(firing, none, processes.bootIdleTasks());
        timekeeping = new Timekeeping(this);
        security = new Security(this);
        signals = new Signals(this);
        virtualMemory = new VirtualMemory(this);
        virtio = new Virtio(this);
        disk = new BlockDevice(this);
        pageCache = new PageCache(this);
        vfs = new Vfs(this);
        bpfFiles = new BpfFiles(this);
        channels = new Channels(this);
        rights = new PassedFiles(this);
        sockets = new SocketObjects(this);
        network = new Network(this);
        udp = new Udp(this);
        rdma = new Rdma(this);
        machines = new VirtualMachines(this);
        mutexes = new Mutexes(this);
        workqueues = new Workqueues(this);
        fileSystems = new FileSystems(this);
        administration = new Administration(this);
        heap = new UserHeap(this);
        syscalls = new Syscalls(this);
        libraries = new Libraries(this);
        Scenario.load(options.scenario()).populate(this, new Programs(this));
        files = new SystemFiles(this);
    }

    public EmbeddedOptions options() {
        return options;
    }

    /** What truly happened so far, for comparison with what tools saw. */
    public GroundTruth groundTruth() {
        return truth;
    }

    /** The slab objects that are allocated now, by address. */
    public List<GroundTruth.LiveObject> liveObjects() {
        return slab.liveObjects();
    }

    /** Virtual time in nanoseconds; starts at an hour. */
    public long nowNanos() {
        return nowNanos;
    }

    /** How often a program was run. */
    public long firings() {
        return firing.count;
    }

    // Declaring, while the kernel is built

    /** Declares a kernel function by its C prototype. */
    Routine function(String declaration, Body body) {
        return symbols.add(new Routine(Prototype.parse(declaration), "", Routine.Space.KERNEL, body));
    }

    /** A function that only takes time and returns 0. */
    Routine leaf(String declaration, long typicalNanos) {
        return leaf(declaration, typicalNanos, 0);
    }

    Routine leaf(String declaration, long typicalNanos, long value) {
        return function(declaration, (task, frame) -> {
            if (frame.next() == 0) {
                task.spend(typicalNanos);
            } else {
                task.ret(value);
            }
        });
    }

    /** Entry code: shows in stacks, cannot be probed. */
    Routine entryCode(String name, Body body) {
        return symbols.add(new Routine(Prototype.parse("void " + name + "(void)"), "", Routine.Space.ENTRY, body));
    }

    /** Declares a tracepoint; see {@link Tracepoint#declare}. */
    Tracepoint tracepoint(String category, String event, String fields, String raw) {
        var point = Tracepoint.declare(nextTracepointId++, category, event, fields, raw);
        if (tracepoints.put(category + ":" + event, point) != null) {
            throw new IllegalStateException("declared twice: " + category + ":" + event);
        }
        if (!category.equals("syscalls")) {
            rawTracepoints.put(event, point);
        }
        return point;
    }

    Optional<Tracepoint> findTracepoint(String category, String event) {
        return Optional.ofNullable(tracepoints.get(category + ":" + event));
    }

    Optional<Tracepoint> findRawTracepoint(String event) {
        return Optional.ofNullable(rawTracepoints.get(event));
    }

    List<Tracepoint> allTracepoints() {
        return new ArrayList<>(tracepoints.values());
    }

    List<String> rawTracepointNames() {
        return rawTracepoints.keySet().stream().sorted().toList();
    }

    // Running

    Cpu activeCpu() {
        return active;
    }

    Task currentTask() {
        return active.current();
    }

    /** Time as the running step sees it. */
    long clockNanos() {
        return betweenSteps || active.halted() ? nowNanos : Math.max(nowNanos, active.timeNanos);
    }

    void post(Event event, long timeNanos) {
        events.post(event, timeNanos);
        horizonNanos = Math.min(horizonNanos, timeNanos - 1);
    }

    /** Ends the current {@link #runUntil} before the next step. */
    void pause() {
        pauseRequested = true;
        horizonNanos = Long.MIN_VALUE;
    }

    /**
     * Lets time pass up to and including {@code endNanos}, or less far if {@link #pause} was called.
     *
     * @return whether the end was reached
     */
    boolean runUntil(long endNanos) {
        pauseRequested = false;
        while (!pauseRequested) {
            var first = cpus[0];
            long second = Long.MAX_VALUE;
            for (int i = 1; i < cpus.length; i++) {
                var cpu = cpus[i];
                if (cpu.timeNanos < first.timeNanos) {
                    second = first.timeNanos;
                    first = cpu;
                } else if (cpu.timeNanos < second) {
                    second = cpu.timeNanos;
                }
            }
            long event = events.firstTime();
            if (Math.min(event, first.timeNanos) > endNanos) {
                nowNanos = Math.max(nowNanos, endNanos);
                return true;
            }
            if (event <= first.timeNanos) {
                nowNanos = Math.max(nowNanos, event);
                horizonNanos = Long.MAX_VALUE;
                events.take().happen();
            } else {
                horizonNanos = Math.min(Math.min(endNanos, event - 1), second);
                run(first);
            }
        }
        return false;
    }

    private void run(Cpu cpu) {
        active = cpu;
        betweenSteps = false;
        do {
            nowNanos = cpu.timeNanos;
            var task = cpu.current();
            var frame = task.top();
            frame.routine.body.step(task, frame);
        } while (cpu.timeNanos <= horizonNanos);
        betweenSteps = true;
    }

    @Override
    public void close() {
        firing.close();
        tracer.close();
    }
}
