package skep.linux;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import skep.isa.kernel.AttachType;
import skep.isa.kernel.Feature;
import skep.isa.kernel.ProbeSpec;
import skep.isa.kernel.ProgramType;
import skep.isa.kernel.Unsupported;
import skep.isa.object.ProgramSpec;
import skep.linux.sys.Errno;
import skep.linux.sys.Perf;
import skep.target.AttachException;
import skep.target.Link;

/**
 * Attaches a loaded program to a probe: one case a probe kind. Where a kind can be served in several ways the program's
 * type decides, since the compiler made it for one of them: a tracepoint's program may be a raw or typed one (cheaper to
 * attach, to close and an event), an interval's a perf program or one that a timer of ours runs.
 */
final class Attacher {
    /** What {@link #bind} answers where the event itself holds the program; no errno, and -1 as a descriptor. */
    static final long NO_LINK = 0xffff_ffffL;

    private static final Set<String> OVER_ONE_MAP = Set.of("bpf_map_elem", "bpf_sk_storage_map", "sockmap");

    private static final int ITERATOR_INFO_BYTES = 16;
    /** {@code BPF_CGROUP_ITER_DESCENDANTS_PRE}. */
    private static final int PARENTS_FIRST = 2;

    private static final int BREAK_READ = 1;
    private static final int BREAK_WRITE = 2;
    private static final int BREAK_EXECUTE = 4;

    private final Host host;
    private final LinuxKernel kernel;
    private final UserProbes userProbes;
    private final Kprobes kprobes;
    private final PacketLinks packets;

    Attacher(Host host, LinuxKernel kernel) {
        this.host = host;
        this.kernel = kernel;
        this.userProbes = new UserProbes(host, kernel);
        this.kprobes = new Kprobes(host, kernel, this);
        this.packets = new PacketLinks(host, this);
    }

    Link attach(ProgramSpec program, int fd, ProbeSpec probe, UserProbes.Reload reload) {
        return switch (probe.kind()) {
            case TRACEPOINT, RAWTRACEPOINT -> tracepoint(program, fd, probe);
            case INTERVAL -> interval(program, fd, probe);
            case PROFILE -> profile(fd, probe);
            case SOFTWARE -> counter(PerfEvents.SOFTWARE, Feature.PERF_SOFTWARE, fd, probe);
            case HARDWARE -> counter(PerfEvents.HARDWARE, Feature.PERF_HARDWARE, fd, probe);
            case KPROBE, KRETPROBE -> kprobe(program, fd, probe);
            case FENTRY, FEXIT -> typed(fd, probe, Feature.FENTRY);
            case BEGIN, END, SELF, TEST, BENCH ->
                throw new IllegalArgumentException(probe.displayName() + " is run, not attached");
            case UPROBE, URETPROBE, USDT -> userProbes.attach(program, fd, probe, reload);
            case WATCHPOINT -> watchpoint(fd, probe);
            case ITER -> iterator(fd, probe);
            case FMOD_RET -> typed(fd, probe, Feature.FMOD_RET);
            case LSM -> typed(fd, probe, Feature.LSM);
            case SOCKET -> packets.socketFilter(fd, probe);
            case XDP -> packets.xdp(fd, probe);
            case TC -> packets.tc(fd, probe);
            case CGROUP -> packets.cgroup(program, fd, probe);
        };
    }

    private Link tracepoint(ProgramSpec program, int fd, ProbeSpec probe) {
        return switch (program.type()) {
            case RAW_TRACEPOINT, RAW_TRACEPOINT_WRITABLE -> rawTracepoint(fd, probe);
            case TRACING -> typed(fd, probe, Feature.BTF_TRACEPOINT);
            default -> perfTracepoint(fd, probe);
        };
    }

    private Link rawTracepoint(int fd, ProbeSpec probe) {
        try (var name = host.syscalls().allocate(probe.target().length() * 3L + 1)) {
            long end = name.putString(0, probe.target());
            long link = host.bpf().rawTracepointOpen(name.pushed(end), fd);
            if (link == -Errno.ENOENT) {
                throw missingTracepoint(probe);
            }
            return link(probe, "raw tracepoint", "BPF_RAW_TRACEPOINT_OPEN", Feature.RAW_TRACEPOINT, link);
        }
    }

    /** The program itself knows its function or tracepoint: it was loaded for it. */
    private Link typed(int fd, ProbeSpec probe, Feature feature) {
        long link = host.bpf().rawTracepointOpen(0, fd);
        var mechanism = switch (feature) {
            case BTF_TRACEPOINT -> "BTF tracepoint";
            case LSM -> "LSM hook";
            default -> "trampoline";
        };
        return link(probe, mechanism, "BPF_RAW_TRACEPOINT_OPEN", feature, link);
    }

    private Link perfTracepoint(int fd, ProbeSpec probe) {
        var id = kernel.tracefs().id(probe.module(), probe.target());
        if (id.isEmpty()) {
            throw missingTracepoint(probe);
        }
        // A program at a tracepoint runs on all CPUs, whichever CPU the event is opened for.
        var event = Perf.Event.of(Perf.TYPE_TRACEPOINT, id.get(), 1);
        return perfLink(fd, probe, "perf tracepoint", Feature.TRACEPOINT, event, -1, kernel.onlineCpus()[0]);
    }

    private AttachException missingTracepoint(ProbeSpec probe) {
        return failure(
                probe,
                "this kernel has no tracepoint " + (probe.module().isEmpty() ? "" : probe.module() + ":")
                        + probe.target(),
                "List those it has with -l 'tracepoint:*'.");
    }

    private Link interval(ProgramSpec program, int fd, ProbeSpec probe) {
        if (program.type() == ProgramType.PERF_EVENT) {
            var event = Perf.Event.of(Perf.TYPE_SOFTWARE, Perf.SW_CPU_CLOCK, probe.value());
            return perfLink(fd, probe, "cpu-clock", Feature.PERF_SOFTWARE, event, -1, kernel.onlineCpus()[0]);
        }
        return new TimerLink(host, probe, fd);
    }

    private Link profile(int fd, ProbeSpec probe) {
        var event = probe.target().equals("hz")
                ? Perf.Event.frequency(Perf.TYPE_SOFTWARE, Perf.SW_CPU_CLOCK, probe.value())
                : Perf.Event.of(Perf.TYPE_SOFTWARE, Perf.SW_CPU_CLOCK, probe.value());
        return onEachCpu(fd, probe, "cpu-clock", Feature.PERF_SOFTWARE, event);
    }

    private Link counter(PerfEvents events, Feature feature, int fd, ProbeSpec probe) {
        var entry = events.entry(probe.target());
        if (entry.isEmpty()) {
            throw failure(
                    probe,
                    "there is no " + probe.kind().longName() + " event " + probe.target(),
                    "There are " + String.join(", ", events.names()) + ".");
        }
        long period = probe.value() == 0 ? entry.get().defaultPeriod() : probe.value();
        var event = Perf.Event.of(events.type(), entry.get().config(), period);
        return onEachCpu(fd, probe, "perf event", feature, event);
    }

    /** The module says which accesses count, the target is the address, the value the length. */
    private Link watchpoint(int fd, ProbeSpec probe) {
        refuseIf(probe, Feature.WATCHPOINT);
        int access = 0;
        for (char c : probe.module().toCharArray()) {
            access |= switch (c) {
                case 'r' -> BREAK_READ;
                case 'w' -> BREAK_WRITE;
                default -> BREAK_EXECUTE;
            };
        }
        // The processor takes no other length for code than that of a word.
        long length = access == BREAK_EXECUTE ? Long.BYTES : probe.value();
        if (access != BREAK_EXECUTE && Long.remainderUnsigned(Long.decode(probe.target()), Math.max(1, length)) != 0) {
            throw failure(
                    probe,
                    "address " + probe.target() + " is not a multiple of the length, " + length,
                    "Watch shorter pieces, such as " + probe.target() + ":1:" + probe.module() + ".");
        }
        var event = new Perf.Event(Perf.TYPE_BREAKPOINT, 0, 1, false, Long.decode(probe.target()), length, access);
        return onEachCpu(fd, probe, "breakpoint", Feature.WATCHPOINT, event);
    }

    /** An iterator runs to its end when it is attached: the program has then seen every object. */
    private Link iterator(int fd, ProbeSpec probe) {
        if (OVER_ONE_MAP.contains(probe.target())) {
            throw failure(
                    probe,
                    "this iterator runs over the entries of one map, which a script cannot name",
                    "Show maps with skep map dump.");
        }
        if (!probe.module().isEmpty()) {
            throw failure(
                    probe,
                    "what a pinned iterator prints goes to who reads its file, and scripts print to Skep",
                    "Leave out the pin, " + probe.module() + ": the iterator runs when it is attached.");
        }
        int link = iteratorLink(fd, probe, Optional.empty());
        walk(link, probe);
        return new LinuxLink(host, probe, "iterator", link);
    }

    /** Runs an iterator to its end; returns what it wrote. */
    byte[] iterate(int fd, ProbeSpec probe, Optional<Integer> map) {
        int link = iteratorLink(fd, probe, map);
        try {
            return walk(link, probe);
        } finally {
            host.close(link);
        }
    }

    /**
     * {@code union bpf_iter_link_info}: the descriptor of a map; or, for control groups, order 4, descriptor 4 and id 8, from the
     * root without either of the last; or, for the tasks of a process, thread 4, process 4 and a descriptor of it 4.
     */
    private int iteratorLink(int fd, ProbeSpec probe, Optional<Integer> map) {
        boolean groups = probe.target().equals("cgroup");
        boolean ofProcess = probe.pid().isPresent();
        if (ofProcess && !kernel.version().isAtLeast(6, 1)) {
            // Older kernels would ignore it, and walk all tasks.
            throw failure(
                    probe,
                    "iterators over one process came with Linux 6.1 and this is " + kernel.version(),
                    "Leave out -p, and compare ctx.task.tgid.");
        }
        long link;
        try (var info = host.syscalls().allocate(ITERATOR_INFO_BYTES)) {
            info.putInt(0, groups ? PARENTS_FIRST : map.orElse(0));
            probe.pid().ifPresent(pid -> info.putInt(4, pid));
            long address = groups || ofProcess || map.isPresent() ? info.pushed(ITERATOR_INFO_BYTES) : 0;
            link = host.bpf().linkCreate(fd, 0, AttachType.TRACE_ITER, address, address == 0 ? 0 : ITERATOR_INFO_BYTES);
        }
        if (Errno.isError(link)) {
            throw refused(probe, Feature.ITER, "BPF_LINK_CREATE", -link);
        }
        return (int) link;
    }

    private byte[] walk(int link, ProbeSpec probe) {
        long run = host.bpf().iteratorCreate(link);
        if (Errno.isError(run)) {
            host.close(link);
            throw refused(probe, Feature.ITER, "BPF_ITER_CREATE", -run);
        }
        var written = host.files().drain((int) run);
        host.close((int) run);
        return written.orElse(new byte[0]);
    }

    private Link kprobe(ProgramSpec program, int fd, ProbeSpec probe) {
        return program.type() == ProgramType.TRACING
                ? typed(fd, probe, Feature.FENTRY)
                : kprobes.attach(program, fd, probe);
    }

    /** @see UserProbes#attachMany */
    Optional<Link> attachMany(ProgramSpec program, List<ProbeSpec> probes, UserProbes.Reload reload) {
        return userProbes.attachMany(program, probes, reload);
    }

    /** @see Kprobes#attachMany */
    Optional<Link> attachMany(ProbeSpec first, List<String> functions, UserProbes.Reload reload) {
        return kprobes.attachMany(first, functions, reload);
    }

    Link perfLink(int fd, ProbeSpec probe, String mechanism, Feature feature, Perf.Event event, int pid, int cpu) {
        return perfLink(host, probe, mechanism, List.of(perfEvent(fd, probe, feature, event, pid, cpu)));
    }

    static Link perfLink(Host host, ProbeSpec probe, String mechanism, List<Bound> bound) {
        return new LinuxLink(
                host,
                probe,
                mechanism,
                bound.stream().mapToInt(Bound::link).filter(fd -> fd >= 0).toArray(),
                bound.stream().mapToInt(Bound::event).toArray());
    }

    /** Sampling events count on one CPU each; with a process they follow it over all of them. */
    private Link onEachCpu(int fd, ProbeSpec probe, String mechanism, Feature feature, Perf.Event event) {
        var bound = new ArrayList<Bound>();
        try {
            if (probe.pid().isPresent()) {
                int pid = probe.pid().getAsInt();
                for (int thread : threads(pid)) {
                    try {
                        bound.add(perfEvent(fd, probe, feature, event, thread, -1));
                    } catch (AttachException failure) {
                        // Threads end while their events are opened; only the process must be there.
                        if (thread == pid || host.files().exists("/proc/" + pid + "/task/" + thread)) {
                            throw failure;
                        }
                    }
                }
                return perfLink(host, probe, mechanism, bound);
            }
            for (int cpu : kernel.onlineCpus()) {
                bound.add(perfEvent(fd, probe, feature, event, -1, cpu));
            }
        } catch (AttachException failure) {
            perfLink(host, probe, mechanism, bound).close();
            throw failure;
        }
        return perfLink(host, probe, mechanism, bound);
    }

    /** The threads that a process has now; an event is for one thread. */
    private List<Integer> threads(int pid) {
        var threads = host.files().list("/proc/" + pid + "/task").stream()
                .filter(entry -> entry.chars().allMatch(c -> c >= '0' && c <= '9'))
                .map(Integer::valueOf)
                .toList();
        return threads.isEmpty() ? List.of(pid) : threads;
    }

    /** A perf event and the link that binds a program to it; the link is -1 where the event itself binds it (before 5.15). */
    record Bound(int event, int link) {}

    private Bound perfEvent(int program, ProbeSpec probe, Feature feature, Perf.Event event, int pid, int cpu) {
        long fd = host.perf().open(event, pid, cpu);
        if (Errno.isError(fd)) {
            throw refused(probe, feature, "perf_event_open", -fd);
        }
        long link = bind(host, program, (int) fd);
        if (Errno.isError(link)) {
            host.close((int) fd);
            throw refused(probe, feature, "binding the program to its perf event", -link);
        }
        return new Bound((int) fd, (int) link);
    }

    /** Binds and enables: the link's descriptor, {@link #NO_LINK} where the event itself binds the program, or minus an errno. */
    static long bind(Host host, int program, int event) {
        long link = host.bpf().linkCreate(program, event, AttachType.PERF_EVENT);
        if (link == -Errno.EINVAL) {
            long bound = host.perf().setProgram(event, program);
            link = Errno.isError(bound) ? bound : NO_LINK;
        }
        if (!Errno.isError(link)) {
            long enabled = host.perf().enable(event);
            if (Errno.isError(enabled)) {
                if (link != NO_LINK) {
                    host.close((int) link);
                }
                return enabled;
            }
        }
        return link;
    }

    Link link(ProbeSpec probe, String mechanism, String call, Feature feature, long fd) {
        if (Errno.isError(fd)) {
            throw refused(probe, feature, call, -fd);
        }
        return new LinuxLink(host, probe, mechanism, (int) fd);
    }

    void refuseIf(ProbeSpec probe, Feature feature) {
        kernel.unsupported(feature).ifPresent(refusal -> {
            throw refused(probe, refusal);
        });
    }

    private static AttachException refused(ProbeSpec probe, Unsupported refusal) {
        return failure(probe, refusal.reason(), refusal.instead());
    }

    /** A feature that the kernel refuses as a whole explains a failure better than its errno. */
    AttachException refused(ProbeSpec probe, Feature feature, String call, long errno) {
        Optional<Unsupported> refusal = kernel.unsupported(feature);
        return refusal.map(known -> refused(probe, known))
                .orElseGet(() -> failure(probe, call + " failed with " + Errno.name(errno), hint(errno)));
    }

    private static String hint(long errno) {
        return switch ((int) errno) {
            case Errno.EMFILE -> "Too many files are open; raise the limit with ulimit -n.";
            case Errno.EPERM, Errno.EACCES -> "Run as root, or with CAP_BPF and CAP_PERFMON.";
            default -> "";
        };
    }

    static AttachException failure(ProbeSpec probe, String reason, String hint) {
        return new AttachException(probe, "cannot attach " + probe.displayName() + ": " + reason, hint);
    }
}
