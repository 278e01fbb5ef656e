package skep.linux;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import skep.elf.Demangler;
import skep.isa.kernel.KernelInfo.Symbol;
import skep.linux.MappingRecorder.Mapping;
import skep.target.Target.FilePlace;

/**
 * Names addresses of processes: their mappings, the symbols of the files mapped, and what just-in-time compilers write to
 * {@code /tmp/perf-PID.map}. A process's mappings are read when one of its addresses is first asked for, and again when an
 * address is in none of them; for processes that have ended, recorded ones serve.
 */
final class UserSymbols {
    private static final int MAX_PROCESSES = 4096;

    /** How often a process's mappings are read again for addresses that nothing covers. */
    private static final int MAX_READS = 20;

    private final Host host;
    private final Binaries binaries;
    /** The one that was asked for longest ago goes first. */
    private final Map<Integer, Process> processes = Collections.synchronizedMap(new LinkedHashMap<>(16, 0.75f, true) {
        private static final long serialVersionUID = 1;

        @Override
        protected boolean removeEldestEntry(Map.Entry<Integer, Process> eldest) {
            return size() > MAX_PROCESSES;
        }
    });

    private volatile Optional<MappingRecorder> recorder = Optional.empty();

    UserSymbols(Host host, Binaries binaries) {
        this.host = host;
        this.binaries = binaries;
    }

    void recordWith(MappingRecorder mappings) {
        recorder = Optional.of(mappings);
    }

    boolean isRecording() {
        return recorder.isPresent();
    }

    Optional<Symbol> at(int pid, long address) {
        return processes.computeIfAbsent(pid, Process::new).at(address);
    }

    /**
     * A place in a file that a process has mapped.
     *
     * @param address that it has in the file before relocation
     * @param offset from the start of the file, in bytes
     */
    record Place(LinuxBinary binary, long address, long offset) {}

    /** Which file an address of a process comes from. */
    Optional<Place> locate(int pid, long address) {
        return processes.computeIfAbsent(pid, Process::new).inFile(address);
    }

    /** Whether a process has code at an address. */
    boolean isCode(int pid, long address) {
        return processes.computeIfAbsent(pid, Process::new).isCode(address);
    }

    /** @see skep.target.Target#userSourceLine */
    Optional<String> sourceLine(int pid, long address) {
        return locate(pid, address).flatMap(place -> place.binary.lineAt(place.address));
    }

    /** @see skep.target.Target#userFilePlace */
    Optional<FilePlace> filePlace(int pid, long address) {
        return locate(pid, address)
                .flatMap(place -> place.binary.file().buildId().map(id -> new FilePlace(id, place.offset)));
    }

    private final class Process {
        private final int pid;
        private List<Mapping> mappings = List.of();
        private int reads;
        private TreeMap<Long, Compiled> compiled = new TreeMap<>();

        /** A function that a just-in-time compiler made. */
        private record Compiled(long end, String name) {}

        Process(int pid) {
            this.pid = pid;
        }

        synchronized Optional<Symbol> at(long address) {
            return mapping(address)
                    .filter(m -> m.path().startsWith("/"))
                    .flatMap(m -> inFile(m, address))
                    .or(() -> compiledAt(address))
                    .or(() -> covering(address)
                            .filter(m -> m.path().startsWith("["))
                            .map(m -> new Symbol(m.path(), m.path(), address - m.start())));
        }

        synchronized Optional<Place> inFile(long address) {
            var mapping = mapping(address).filter(m -> m.path().startsWith("/"));
            if (mapping.isEmpty()) {
                return Optional.empty();
            }
            long offset = address - mapping.get().start() + mapping.get().offset();
            return file(mapping.get()).flatMap(binary -> {
                var inFile = binary.file().address(offset);
                return inFile.isPresent()
                        ? Optional.of(new Place(binary, inFile.getAsLong(), offset))
                        : Optional.empty();
            });
        }

        synchronized boolean isCode(long address) {
            return mapping(address).isPresent();
        }

        /** The mapping that covers an address, read again if none does. */
        private Optional<Mapping> mapping(long address) {
            var mapping = covering(address);
            if (mapping.isEmpty() && reads < MAX_READS) {
                read();
                mapping = covering(address);
            }
            return mapping;
        }

        private Optional<Mapping> covering(long address) {
            return mappings.stream().filter(m -> m.contains(address)).findFirst();
        }

        private void read() {
            reads++;
            var now = host.files().text("/proc/" + pid + "/maps").orElse("");
            var found = new ArrayList<Mapping>();
            now.lines().forEach(line -> parse(line).ifPresent(found::add));
            if (found.isEmpty()) {
                recorder.ifPresent(r -> found.addAll(r.of(pid)));
            }
            if (!found.isEmpty()) {
                mappings = List.copyOf(found);
            }
        }

        private Optional<Symbol> inFile(Mapping mapping, long address) {
            var binary = file(mapping);
            if (binary.isEmpty()) {
                return Optional.empty();
            }
            long offset = address - mapping.start() + mapping.offset();
            var inFile = binary.get().file().address(offset);
            if (inFile.isEmpty()) {
                return Optional.empty();
            }
            return binary.get()
                    .symbols()
                    .at(inFile.getAsLong())
                    .map(symbol -> new Symbol(
                            Demangler.demangle(symbol.name()).orElse(symbol.name()),
                            mapping.path(),
                            inFile.getAsLong() - symbol.address()));
        }

        /** A process in a container has its own root; a deleted file is still there under the mapping's own name. */
        private Optional<LinuxBinary> file(Mapping mapping) {
            var path = mapping.path();
            if (path.endsWith(" (deleted)")) {
                return binaries.open("/proc/" + pid + "/map_files/" + Long.toHexString(mapping.start()) + "-"
                        + Long.toHexString(mapping.end()));
            }
            var inside = binaries.hasOwnRoot(pid) ? "/proc/" + pid + "/root" + path : path;
            return binaries.open(inside).or(() -> binaries.open(path));
        }

        private Optional<Symbol> compiledAt(long address) {
            var entry = compiled.floorEntry(address);
            if (entry == null || Long.compareUnsigned(address, entry.getValue().end()) >= 0) {
                if (reads >= MAX_READS) {
                    return Optional.empty();
                }
                readCompiled();
                entry = compiled.floorEntry(address);
            }
            return entry == null
                            || Long.compareUnsigned(address, entry.getValue().end()) >= 0
                    ? Optional.empty()
                    : Optional.of(
                            new Symbol(entry.getValue().name(), "/tmp/perf-" + pid + ".map", address - entry.getKey()));
        }

        /** Lines {@code start size name}, the numbers in hexadecimal; a runtime in a container counts its own pids. */
        private void readCompiled() {
            reads++;
            var text = host.files()
                    .text("/proc/" + pid + "/root/tmp/perf-" + innerPid() + ".map")
                    .or(() -> host.files().text("/tmp/perf-" + pid + ".map"));
            var found = new TreeMap<Long, Compiled>(Long::compareUnsigned);
            text.orElse("").lines().forEach(line -> {
                int first = line.indexOf(' ');
                int second = line.indexOf(' ', first + 1);
                if (second > 0) {
                    try {
                        long start = Long.parseUnsignedLong(line.substring(0, first), 16);
                        long size = Long.parseUnsignedLong(line.substring(first + 1, second), 16);
                        found.put(start, new Compiled(start + size, line.substring(second + 1)));
                    } catch (NumberFormatException notASymbol) {
                        // Such files are written while they are read: a line may be cut.
                    }
                }
            });
            if (!found.isEmpty()) {
                compiled = found;
            }
        }

        private String innerPid() {
            return host.files()
                    .text("/proc/" + pid + "/status")
                    .orElse("")
                    .lines()
                    .filter(line -> line.startsWith("NSpid:"))
                    .map(line -> line.substring(line.lastIndexOf('\t') + 1).strip())
                    .findFirst()
                    .orElse(Integer.toString(pid));
        }
    }

    /** {@code start-end perms offset device inode   path}, of code only. */
    static Optional<Mapping> parse(String line) {
        int dash = line.indexOf('-');
        int space = line.indexOf(' ');
        if (dash < 0 || space < dash + 2 || line.length() < space + 6 || line.charAt(space + 3) != 'x') {
            return Optional.empty();
        }
        int afterOffset = line.indexOf(' ', space + 6);
        if (afterOffset < 0) {
            return Optional.empty();
        }
        return Optional.of(new Mapping(
                Long.parseUnsignedLong(line.substring(0, dash), 16),
                Long.parseUnsignedLong(line.substring(dash + 1, space), 16),
                Long.parseUnsignedLong(line.substring(space + 6, afterOffset), 16),
                line.substring(path(line, afterOffset))));
    }

    /** Where the path begins: behind device and inode, which have neither of these signs. */
    private static int path(String line, int from) {
        int at = from;
        while (at < line.length() && line.charAt(at) != '/' && line.charAt(at) != '[') {
            at++;
        }
        return at;
    }
}
