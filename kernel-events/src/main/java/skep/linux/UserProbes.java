package skep.linux;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.TreeSet;
import skep.elf.ElfFile;
import skep.elf.LineNumbers;
import skep.elf.MalformedElfException;
import skep.elf.SymbolTable;
import skep.isa.kernel.AttachType;
import skep.isa.kernel.Feature;
import skep.isa.kernel.ProbeKind;
import skep.isa.kernel.ProbeSpec;
import skep.isa.object.ProgramSpec;
import skep.linux.sys.Errno;
import skep.linux.sys.Perf;
import skep.target.AttachException;
import skep.target.Link;

/**
 * Attaches to places in programs: functions, addresses, static probes. A place is a file and an offset in it. One place
 * is one perf event; many places of one file are one multi link where the kernel has those (Linux 6.6), since a perf event
 * each costs a descriptor and milliseconds.
 */
final class UserProbes {
    private static final String DEVICE = "/sys/bus/event_source/devices/uprobe/type";
    private static final int RETURN_BIT = 1;
    private static final int SEMAPHORE_SHIFT = 32;

    /** In front of a function's name as C++ writes it. */
    private static final String CPP = "cpp:";

    private static final int MULTI_RETURN = 1;
    private static final int MAX_PLACES = 100_000;

    private final Host host;
    private final LinuxKernel kernel;
    private final Binaries binaries;

    /** Loads a program once more, for another way of attaching it; a descriptor. */
    @FunctionalInterface
    interface Reload {
        int as(AttachType type);
    }

    record Place(String path, long offset, long semaphoreOffset) {}

    UserProbes(Host host, LinuxKernel kernel) {
        this.host = host;
        this.kernel = kernel;
        this.binaries = kernel.binaries();
    }

    Link attach(ProgramSpec program, int fd, ProbeSpec probe, Reload reload) {
        var places = probe.kind() == ProbeKind.USDT ? staticPlaces(probe) : functionPlaces(probe);
        var own = program.attachType();
        boolean loadedForMany = own.equals(Optional.of(AttachType.TRACE_UPROBE_MULTI))
                || own.equals(Optional.of(AttachType.TRACE_UPROBE_SESSION));
        if (loadedForMany) {
            return multi(fd, own.get(), probe, places, false);
        }
        if (places.size() > 1 && kernel.unsupported(Feature.UPROBE_MULTI).isEmpty()) {
            return multi(reload.as(AttachType.TRACE_UPROBE_MULTI), AttachType.TRACE_UPROBE_MULTI, probe, places, true);
        }
        return oneByOne(fd, probe, places);
    }

    /**
     * Attaches a program to the places of several probes at once, if the kernel can; empty if it cannot, or if one of the
     * probes stands for several places already.
     */
    Optional<Link> attachMany(ProgramSpec program, List<ProbeSpec> probes, Reload reload) {
        if (kernel.unsupported(Feature.UPROBE_MULTI).isPresent()) {
            return Optional.empty();
        }
        var places = new ArrayList<Place>();
        for (var probe : probes) {
            var here = probe.kind() == ProbeKind.USDT ? staticPlaces(probe) : functionPlaces(probe);
            if (here.size() != 1) {
                return Optional.empty();
            }
            places.add(here.getFirst());
        }
        var distinct = places.stream().distinct().toList();
        return Optional.of(multi(
                reload.as(AttachType.TRACE_UPROBE_MULTI),
                AttachType.TRACE_UPROBE_MULTI,
                probes.getFirst(),
                distinct,
                true));
    }

    /** Which requests can share a link: the same program, of the same kind, for the same process. */
    static List<List<Integer>> groups(List<ProgramSpec> programs, List<ProbeSpec> probes) {
        record Group(ProgramSpec program, ProbeKind kind, OptionalInt pid) {}
        var groups = new LinkedHashMap<Group, List<Integer>>();
        for (int i = 0; i < probes.size(); i++) {
            var probe = probes.get(i);
            boolean user = probe.kind() == ProbeKind.UPROBE
                    || probe.kind() == ProbeKind.URETPROBE
                    || probe.kind() == ProbeKind.USDT;
            if (user && programs.get(i).attachType().isEmpty()) {
                groups.computeIfAbsent(new Group(programs.get(i), probe.kind(), probe.pid()), g -> new ArrayList<>())
                        .add(i);
            }
        }
        return groups.values().stream().filter(members -> members.size() > 1).toList();
    }

    private Link oneByOne(int fd, ProbeSpec probe, List<Place> places) {
        var refusal = kernel.unsupported(Feature.UPROBE);
        if (refusal.isPresent()) {
            throw failure(probe, refusal.get().reason(), refusal.get().instead());
        }
        int type = host.files().number(DEVICE).orElseThrow().intValue();
        var bound = new ArrayList<Attacher.Bound>();
        for (var place : places) {
            long event = open(type, probe, place);
            if (!Errno.isError(event)) {
                long link = Attacher.bind(host, fd, (int) event);
                if (!Errno.isError(link)) {
                    bound.add(new Attacher.Bound((int) event, (int) link));
                    continue;
                }
                host.close((int) event);
                event = link;
            }
            new Detacher(host).detach(List.of(Attacher.perfLink(host, probe, "perf uprobe", bound)));
            throw failure(probe, errno(place, -event), hint(-event));
        }
        return Attacher.perfLink(host, probe, "perf uprobe", bound);
    }

    private long open(int type, ProbeSpec probe, Place place) {
        try (var path = host.syscalls().allocate(place.path().length() * 3L + 1)) {
            long end = path.putString(0, place.path());
            long config =
                    (probe.kind() == ProbeKind.URETPROBE ? RETURN_BIT : 0) | place.semaphoreOffset() << SEMAPHORE_SHIFT;
            var event = new Perf.Event(type, config, 1, false, path.pushed(end), place.offset(), 0);
            int pid = probe.pid().orElse(-1);
            return host.perf().open(event, pid, pid < 0 ? kernel.onlineCpus()[0] : -1);
        }
    }

    private Link multi(int fd, AttachType type, ProbeSpec probe, List<Place> places, boolean own) {
        var links = new ArrayList<Integer>();
        try {
            var files = places.stream().map(Place::path).distinct().toList();
            for (var file : files) {
                var here = places.stream().filter(p -> p.path().equals(file)).toList();
                links.add(multi(fd, type, probe, file, here));
            }
        } catch (AttachException failure) {
            links.forEach(host::close);
            if (own) {
                host.close(fd);
            }
            throw failure;
        }
        // The link keeps a program of its own alive; its descriptor has done its work.
        if (own) {
            host.close(fd);
        }
        return new LinuxLink(
                host, probe, "uprobe multi", links.stream().mapToInt(i -> i).toArray());
    }

    private int multi(int fd, AttachType type, ProbeSpec probe, String file, List<Place> places) {
        int count = places.size();
        long words = 8L * count;
        try (var memory = host.syscalls().allocate(2 * words + file.length() * 3L + 1)) {
            boolean semaphores = false;
            for (int i = 0; i < count; i++) {
                memory.putLong(8L * i, places.get(i).offset());
                memory.putLong(words + 8L * i, places.get(i).semaphoreOffset());
                semaphores |= places.get(i).semaphoreOffset() != 0;
            }
            long end = memory.putString(2 * words, file);
            long at = memory.pushed(end);
            long link = host.bpf()
                    .linkUprobes(
                            fd,
                            type,
                            at + 2 * words,
                            at,
                            semaphores ? at + words : 0,
                            0,
                            count,
                            probe.kind() == ProbeKind.URETPROBE ? MULTI_RETURN : 0,
                            probe.pid().orElse(0));
            if (Errno.isError(link)) {
                throw failure(
                        probe, count + " places of " + file + " were refused with " + Errno.name(-link), hint(-link));
            }
            return (int) link;
        }
    }

    private List<LinuxBinary> files(ProbeSpec probe) {
        var found = binaries.find(probe.module(), probe.pid());
        if (found.isEmpty()) {
            throw failure(
                    probe,
                    "there is no program or library " + probe.module() + " of this architecture",
                    "Give its path, a command of PATH, or the name of a library such as libc.");
        }
        return found;
    }

    private List<Place> functionPlaces(ProbeSpec probe) {
        var places = new ArrayList<Place>();
        for (var file : files(probe)) {
            functionPlaces(probe, file, places);
        }
        if (places.isEmpty()) {
            throw failure(
                    probe,
                    probe.module() + " has no function " + probe.target(),
                    "List its functions with -l 'uprobe:" + probe.module() + ":*'; a stripped program keeps few.");
        }
        if (places.size() > MAX_PLACES) {
            throw failure(probe, places.size() + " functions match; at most " + MAX_PLACES, "Narrow the wildcard.");
        }
        return places;
    }

    private void functionPlaces(ProbeSpec probe, LinuxBinary file, List<Place> places) {
        var target = probe.target();
        if (!target.isEmpty() && Character.isDigit(target.charAt(0))) {
            long address = Long.decode(target);
            long offset = file.file().fileOffset(address).orElse(address) + probe.offset();
            if (!isCode(file.file(), offset)) {
                throw failure(
                        probe,
                        target + " is no address of code in " + probe.module(),
                        "Give an address as nm or objdump -d shows it.");
            }
            places.add(new Place(file.path(), offset, 0));
            return;
        }
        if (target.startsWith("@")) {
            linePlaces(probe, file, places);
            return;
        }
        var offsets = new TreeSet<Long>();
        if (target.startsWith(CPP)) {
            for (var function : file.cppFunctions(target.substring(CPP.length()))) {
                file.symbols().find(function.name()).ifPresent(symbol -> place(file, symbol, probe, offsets));
            }
        } else if (!Glob.isGlob(target)) {
            file.symbols().find(target).ifPresent(symbol -> place(file, symbol, probe, offsets));
        } else {
            file.symbols().forEach(symbol -> {
                if (symbol.isFunction() && Glob.matches(target, symbol.name())) {
                    place(file, symbol, probe, offsets);
                }
            });
        }
        offsets.forEach(offset -> places.add(new Place(file.path(), offset, 0)));
    }

    /** {@code @FILE:LINE} or {@code @FILE:LINE:COLUMN}: in each function that has code of the line, where it begins. */
    private static void linePlaces(ProbeSpec probe, LinuxBinary file, List<Place> places) {
        var parts = probe.target().substring(1).split(":");
        var source = parts[0];
        int line = Integer.parseInt(parts[1]);
        var column = parts.length > 2 ? OptionalInt.of(Integer.parseInt(parts[2])) : OptionalInt.empty();
        LineNumbers.Places found;
        try {
            var numbers = file.lineNumbers();
            if (numbers.isEmpty()) {
                throw failure(
                        probe,
                        file.path() + " has no line numbers",
                        "Compile it with -g, or install its debugging file.");
            }
            found = numbers.find(source, line, column);
        } catch (MalformedElfException damaged) {
            throw failure(probe, "the line numbers of " + file.path() + " cannot be read: " + damaged.getMessage(), "");
        }
        if (found.addresses().isEmpty()) {
            var next = found.others().stream().filter(other -> other > line).findFirst();
            throw failure(
                    probe,
                    found.others().isEmpty()
                            ? file.path() + " was not made from a file " + source
                            : "line " + line + " of " + source + " has no code",
                    next.map(other -> "The next line that has code is " + other + ".")
                            .orElse(""));
        }
        var functions = new HashSet<Long>();
        for (long address : found.addresses()) {
            long function =
                    file.symbols().at(address).map(SymbolTable.Symbol::address).orElse(address);
            var offset = file.file().fileOffset(address);
            if (offset.isPresent() && functions.add(function)) {
                places.add(new Place(file.path(), offset.getAsLong() + probe.offset(), 0));
            }
        }
    }

    private static void place(LinuxBinary file, SymbolTable.Symbol symbol, ProbeSpec probe, Set<Long> offsets) {
        var offset = file.file().fileOffset(symbol.address());
        if (offset.isEmpty()) {
            return;
        }
        if (symbol.sizeBytes() != 0 && probe.offset() >= symbol.sizeBytes()) {
            throw failure(
                    probe,
                    "Offset outside the function bounds ('" + symbol.name() + "' size is " + symbol.sizeBytes() + ")",
                    "");
        }
        if (isCode(file.file(), offset.getAsLong())) {
            offsets.add(offset.getAsLong() + probe.offset());
        }
    }

    private static boolean isCode(ElfFile file, long offset) {
        return file.segments().stream()
                .anyMatch(s -> s.isExecutable() && offset >= s.offset() && offset - s.offset() < s.fileBytes());
    }

    private List<Place> staticPlaces(ProbeSpec probe) {
        int colon = probe.target().indexOf(':');
        var provider = colon < 0 ? "*" : probe.target().substring(0, colon);
        var name = probe.target().substring(colon + 1);
        var places = new ArrayList<Place>();
        for (var file : files(probe)) {
            for (var place : file.places()) {
                boolean wanted = probe.offset() == 0 || probe.offset() == place.offset();
                if (wanted && Glob.matches(provider, place.provider()) && Glob.matches(name, place.name())) {
                    places.add(new Place(file.path(), place.offset(), place.semaphoreOffset()));
                }
            }
        }
        if (places.isEmpty()) {
            throw failure(
                    probe,
                    "no static probe " + probe.target() + " in " + probe.module(),
                    "List those there are with -l 'usdt:" + probe.module() + ":*'.");
        }
        return places;
    }

    private static String errno(Place place, long errno) {
        return "place 0x" + Long.toHexString(place.offset()) + " of " + place.path() + " was refused with "
                + Errno.name(errno);
    }

    private static String hint(long errno) {
        return switch ((int) errno) {
            case Errno.EMFILE -> "Too many files are open; raise the limit with ulimit -n.";
            case Errno.EINVAL, Errno.EOPNOTSUPP, Errno.EIO ->
                "The place may be within an instruction, or its instruction cannot be probed.";
            case Errno.EPERM, Errno.EACCES -> "Run as root, or with CAP_BPF and CAP_PERFMON.";
            default -> "";
        };
    }

    private static AttachException failure(ProbeSpec probe, String reason, String hint) {
        return new AttachException(probe, "cannot attach " + probe.displayName() + ": " + reason, hint);
    }
}
