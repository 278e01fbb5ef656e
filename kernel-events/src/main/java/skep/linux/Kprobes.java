package skep.linux;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import skep.isa.kernel.AttachType;
import skep.isa.kernel.Feature;
import skep.isa.kernel.ProbeKind;
import skep.isa.kernel.ProbeSpec;
import skep.isa.object.ProgramSpec;
import skep.linux.sys.Errno;
import skep.linux.sys.Perf;
import skep.target.Link;

/**
 * Attaches to kernel functions: one place by a perf event of the kprobe device (Linux 4.17) or, without that, of a probe
 * that tracefs makes; many functions by one multi link (Linux 5.18), which takes them within milliseconds.
 */
final class Kprobes {
    private static final String DEVICE = "/sys/bus/event_source/devices/kprobe/type";
    private static final String GROUP = "skep";
    private static final int RETURN_BIT = 1;
    private static final int MULTI_RETURN = 1;
    private static final AtomicInteger PROBES_MADE = new AtomicInteger();

    private final Host host;
    private final LinuxKernel kernel;
    private final Attacher attacher;

    Kprobes(Host host, LinuxKernel kernel, Attacher attacher) {
        this.host = host;
        this.kernel = kernel;
        this.attacher = attacher;
    }

    /** Whether a program was loaded for links to many functions. */
    static boolean isMulti(ProgramSpec program) {
        var type = program.attachType();
        return type.equals(Optional.of(AttachType.TRACE_KPROBE_MULTI))
                || type.equals(Optional.of(AttachType.TRACE_KPROBE_SESSION));
    }

    Link attach(ProgramSpec program, int fd, ProbeSpec probe) {
        if (isMulti(program)) {
            var type = program.attachType().orElseThrow();
            attacher.refuseIf(
                    probe, type == AttachType.TRACE_KPROBE_SESSION ? Feature.KPROBE_SESSION : Feature.KPROBE_MULTI);
            var functions = functions(probe);
            long link = multi(fd, type, probe.kind(), functions);
            if (Errno.isError(link)) {
                throw attacher.refused(
                        probe, Feature.KPROBE_MULTI, "a link to " + functions.size() + " functions", -link);
            }
            return new LinuxLink(
                    host, probe, type == AttachType.TRACE_KPROBE_SESSION ? "kprobe session" : "kprobe multi", (int)
                            link);
        }
        attacher.refuseIf(probe, Feature.KPROBE);
        return host.files().exists(DEVICE) ? byDevice(fd, probe) : byTracefs(fd, probe);
    }

    private List<String> functions(ProbeSpec probe) {
        if (!Glob.isGlob(probe.target())) {
            return List.of(probe.target());
        }
        return kernel.probes(ProbeKind.KPROBE)
                .map(name -> name.substring(name.indexOf(':') + 1))
                .filter(name -> Glob.matches(probe.target(), name))
                .distinct()
                .toList();
    }

    private static boolean isAddress(ProbeSpec probe) {
        return probe.target().startsWith("0x");
    }

    private static String symbol(ProbeSpec probe) {
        boolean inModule = !probe.module().isEmpty() && !probe.module().equals("vmlinux");
        return inModule ? probe.module() + ":" + probe.target() : probe.target();
    }

    private Link byDevice(int fd, ProbeSpec probe) {
        int type = host.files().number(DEVICE).orElseThrow().intValue();
        int config = probe.kind() == ProbeKind.KRETPROBE ? RETURN_BIT : 0;
        int cpu = kernel.onlineCpus()[0];
        if (isAddress(probe)) {
            var event = new Perf.Event(type, config, 1, false, 0, Long.decode(probe.target()) + probe.offset(), 0);
            return attacher.perfLink(fd, probe, "perf kprobe", Feature.KPROBE, event, -1, cpu);
        }
        var symbol = symbol(probe);
        try (var name = host.syscalls().allocate(symbol.length() * 3L + 1)) {
            long end = name.putString(0, symbol);
            var event = new Perf.Event(type, config, 1, false, name.pushed(end), probe.offset(), 0);
            return attacher.perfLink(fd, probe, "perf kprobe", Feature.KPROBE, event, -1, cpu);
        }
    }

    /** The probe stays in tracefs until it is deleted there, so the link does that when it closes. */
    private Link byTracefs(int fd, ProbeSpec probe) {
        boolean returns = probe.kind() == ProbeKind.KRETPROBE;
        var event = (returns ? "r_" : "p_") + ProcessHandle.current().pid() + "_" + PROBES_MADE.incrementAndGet();
        var place = isAddress(probe) ? probe.target() : symbol(probe);
        var where = probe.offset() == 0 ? place : place + "+" + probe.offset();
        var tracefs = kernel.tracefs();
        long made = tracefs.append("kprobe_events", (returns ? "r:" : "p:") + GROUP + "/" + event + " " + where + "\n");
        if (Errno.isError(made)) {
            throw attacher.refused(probe, Feature.KPROBE, "writing to kprobe_events", -made);
        }
        var remove = "-:" + GROUP + "/" + event + "\n";
        try {
            long id = tracefs.id(GROUP, event).orElse(-1L);
            var perf = Perf.Event.of(Perf.TYPE_TRACEPOINT, id, 1);
            var link = attacher.perfLink(fd, probe, "tracefs kprobe", Feature.KPROBE, perf, -1, kernel.onlineCpus()[0]);
            return new Made(link, () -> tracefs.append("kprobe_events", remove));
        } catch (RuntimeException failure) {
            tracefs.append("kprobe_events", remove);
            throw failure;
        }
    }

    /** A link to a probe that must be deleted after it. */
    private record Made(Link link, Runnable remove) implements Link {
        @Override
        public ProbeSpec probe() {
            return link.probe();
        }

        @Override
        public String mechanism() {
            return link.mechanism();
        }

        @Override
        public void close() {
            link.close();
            remove.run();
        }
    }

    /** A multi link's descriptor, or minus an errno. */
    private long multi(int fd, AttachType type, ProbeKind kind, List<String> functions) {
        long words = 8L * functions.size();
        long bytes =
                words + functions.stream().mapToLong(name -> name.length() + 1L).sum();
        try (var memory = host.syscalls().allocate(bytes)) {
            long text = words;
            for (int i = 0; i < functions.size(); i++) {
                memory.putLong(8L * i, memory.address() + text);
                text = memory.putString(text, functions.get(i));
            }
            boolean returns = kind == ProbeKind.KRETPROBE && type != AttachType.TRACE_KPROBE_SESSION;
            return host.bpf()
                    .linkKprobes(fd, type, returns ? MULTI_RETURN : 0, functions.size(), memory.pushed(text), 0);
        }
    }

    /** Many places that one program is wanted at. */
    record Group(ProgramSpec program, ProbeKind kind) {}

    /**
     * Attaches a program to many functions at once. Empty if this kernel has no multi links, or refuses these functions:
     * then they are attached one by one, which says which of them is the trouble.
     */
    Optional<Link> attachMany(ProbeSpec first, List<String> functions, UserProbes.Reload reload) {
        if (functions.size() < 2 || kernel.unsupported(Feature.KPROBE_MULTI).isPresent()) {
            return Optional.empty();
        }
        int fd = reload.as(AttachType.TRACE_KPROBE_MULTI);
        long link = multi(fd, AttachType.TRACE_KPROBE_MULTI, first.kind(), functions);
        // The link keeps this load of the program alive.
        host.close(fd);
        return Errno.isError(link)
                ? Optional.empty()
                : Optional.of(new LinuxLink(host, first, "kprobe multi", (int) link));
    }

    /** Which requests can share a link: the same program at whole functions. */
    static Map<Group, List<Integer>> groups(List<ProgramSpec> programs, List<ProbeSpec> probes) {
        var groups = new HashMap<Group, List<Integer>>();
        for (int i = 0; i < probes.size(); i++) {
            var probe = probes.get(i);
            boolean function = probe.kind() == ProbeKind.KPROBE || probe.kind() == ProbeKind.KRETPROBE;
            if (function && probe.offset() == 0 && !isAddress(probe) && !isMulti(programs.get(i))) {
                groups.computeIfAbsent(new Group(programs.get(i), probe.kind()), g -> new ArrayList<>())
                        .add(i);
            }
        }
        groups.values().removeIf(group -> group.size() < 2);
        return groups;
    }
}
