package skep.events.embedded;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import skep.isa.kernel.KernelInfo;
import skep.isa.kernel.TracepointFormat;

/**
 * The files of the model's {@code /proc}, {@code /sys} and tracefs that tools read around tracing. Made when they are
 * read. Called under the kernel's lock.
 */
final class SystemFiles {
    private static final List<String> TRACEFS = List.of("/sys/kernel/tracing/", "/sys/kernel/debug/tracing/");
    private static final String TRACED_FUNCTIONS = "available_filter_functions";
    private static final double LOAD_OF_ONE = 1.0;

    private final EmbeddedKernel kernel;
    private final Map<String, Supplier<String>> fixed = new TreeMap<>();

    SystemFiles(EmbeddedKernel kernel) {
        this.kernel = kernel;
        fixed.put("/proc/kallsyms", this::symbols);
        fixed.put("/proc/loadavg", this::load);
        fixed.put("/proc/uptime", this::uptime);
        fixed.put("/proc/version", this::version);
        fixed.put("/proc/cpuinfo", this::cpus);
        fixed.put("/proc/mounts", () -> "/dev/vda / ext4 rw,relatime 0 0\nproc /proc proc rw 0 0\n");
        fixed.put("/proc/modules", () -> "");
        fixed.put("/proc/filesystems", () -> "nodev\tproc\nnodev\ttmpfs\n\text4\n");
        fixed.put("/proc/sys/kernel/pid_max", () -> "4194304\n");
        fixed.put("/proc/sys/kernel/osrelease", () -> EmbeddedKernelInfo.VERSION + "\n");
        fixed.put("/proc/sys/kernel/perf_event_max_stack", () -> "127\n");
        fixed.put("/proc/sys/kernel/perf_event_paranoid", () -> "-1\n");
        fixed.put("/proc/partitions", () -> "major minor  #blocks  name\n\n 254        0   20971520 vda\n");
        fixed.put("/sys/kernel/debug/kprobes/blacklist", () -> "");
        for (var list : List.of("online", "possible", "present")) {
            fixed.put("/sys/devices/system/cpu/" + list, this::cpuRange);
        }
        for (var mount : TRACEFS) {
            fixed.put(mount + TRACED_FUNCTIONS, this::tracedFunctions);
            fixed.put(mount + "available_events", this::events);
            fixed.put(mount + "trace_clock", () -> "[local] global counter uptime perf mono\n");
        }
    }

    Optional<byte[]> read(String path) {
        var text = text(path);
        return text.map(t -> t.getBytes(StandardCharsets.UTF_8));
    }

    private Optional<String> text(String path) {
        var file = fixed.get(path);
        if (file != null) {
            return Optional.of(file.get());
        }
        for (var mount : TRACEFS) {
            if (path.startsWith(mount + "events/")) {
                return event(path.substring(mount.length() + "events/".length()));
            }
        }
        return path.startsWith("/proc/") ? ofProcess(path.substring("/proc/".length())) : Optional.empty();
    }

    /** The names in a folder, sorted. */
    Optional<List<String>> list(String path) {
        var folder = path.endsWith("/") ? path : path + "/";
        var names = new TreeSet<String>();
        for (var file : fixed.keySet()) {
            if (file.startsWith(folder)) {
                names.add(first(file.substring(folder.length())));
            }
        }
        if (folder.equals("/proc/")) {
            kernel.processes.all().values().forEach(task -> names.add(Integer.toString(task.process.pid)));
        }
        if (folder.startsWith("/proc/") && folder.endsWith("/task/")) {
            var pid = folder.substring("/proc/".length(), folder.length() - "/task/".length());
            kernel.processes.all().values().stream()
                    .filter(task -> Integer.toString(task.process.pid).equals(pid))
                    .forEach(task -> names.add(Integer.toString(task.tid)));
        }
        for (var mount : TRACEFS) {
            if (folder.startsWith(mount + "events/")) {
                var below = folder.substring(mount.length() + "events/".length());
                for (var point : kernel.allTracepoints()) {
                    var file = point.category() + "/" + point.event() + "/";
                    if (file.startsWith(below)) {
                        names.addAll(
                                file.equals(below)
                                        ? List.of("format", "id")
                                        : List.of(first(file.substring(below.length()))));
                    }
                }
            } else if (folder.equals(mount)) {
                names.add("events");
            }
        }
        return names.isEmpty() ? Optional.empty() : Optional.of(List.copyOf(names));
    }

    private static String first(String path) {
        int slash = path.indexOf('/');
        return slash < 0 ? path : path.substring(0, slash);
    }

    /** The function of a process's binary that covers an address. All processes map their binaries at the same place. */
    Optional<KernelInfo.Symbol> userSymbol(int pid, long address) {
        var task = kernel.processes.find(pid);
        var images = task == null || task.process.invocation == null
                ? kernel.userSpace.images().values().stream()
                        .filter(UserImage::isLibrary)
                        .toList()
                : kernel.userSpace.mapped(task.process);
        for (var image : images) {
            var routine = image.symbols.at(address);
            if (routine.isPresent()) {
                return routine.map(r -> new KernelInfo.Symbol(r.name(), image.path(), address - r.address));
            }
        }
        return Optional.empty();
    }

    private String symbols() {
        var lines = new ArrayList<String>();
        kernel.symbols
                .named()
                .forEach((name, routine) ->
                        lines.add(String.format(Locale.ROOT, "%016x T %s%n", routine.address, name)));
        kernel.symbols
                .data()
                .forEach((name, address) -> lines.add(String.format(Locale.ROOT, "%016x D %s%n", address, name)));
        lines.sort(null);
        return String.join("", lines);
    }

    private String tracedFunctions() {
        return String.join("\n", kernel.symbols.probeableNames()) + "\n";
    }

    private String events() {
        return kernel.allTracepoints().stream()
                .map(point -> point.category() + ":" + point.event() + "\n")
                .sorted()
                .collect(Collectors.joining());
    }

    /** {@code CATEGORY/EVENT/id} and {@code …/format}. */
    private Optional<String> event(String path) {
        var parts = path.split("/");
        if (parts.length != 3) {
            return Optional.empty();
        }
        return kernel.findTracepoint(parts[0], parts[1]).flatMap(point -> switch (parts[2]) {
            case "id" -> Optional.of(point.id + "\n");
            case "format" -> Optional.of(format(point));
            default -> Optional.empty();
        });
    }

    private static String format(Tracepoint point) {
        var text = new StringBuilder("name: " + point.event() + "\nID: " + point.id + "\nformat:\n");
        for (TracepointFormat.Field field : point.format().fields()) {
            var type = field.dataLoc() ? "__data_loc " + field.type() + "[]" : field.type();
            var length = field.arrayLength() > 0 ? "[" + field.arrayLength() + "]" : "";
            text.append("\tfield:")
                    .append(type)
                    .append(' ')
                    .append(field.name())
                    .append(length)
                    .append(";\toffset:")
                    .append(field.offsetBytes())
                    .append(";\tsize:")
                    .append(field.sizeBytes())
                    .append(";\tsigned:")
                    .append(field.signed() ? 1 : 0)
                    .append(";\n");
            if (field.name().equals("common_pid")) {
                text.append('\n');
            }
        }
        return text.append("\nprint fmt: \"\"\n").toString();
    }

    private String load() {
        long running = kernel.processes.all().values().stream()
                .filter(task -> !task.idle() && task.state == Task.State.RUNNING)
                .count();
        int last = kernel.processes.all().keySet().stream()
                .mapToInt(Integer::intValue)
                .max()
                .orElse(1);
        double load = LOAD_OF_ONE * running;
        return String.format(
                Locale.ROOT,
                "%.2f %.2f %.2f %d/%d %d%n",
                load,
                load,
                load,
                running,
                kernel.processes.all().size(),
                last);
    }

    private String uptime() {
        double seconds = kernel.nowNanos() / 1e9;
        return String.format(Locale.ROOT, "%.2f %.2f%n", seconds, seconds);
    }

    private String version() {
        return "Linux version " + EmbeddedKernelInfo.VERSION + " (embedded) #1 SMP PREEMPT_DYNAMIC\n";
    }

    private String cpuRange() {
        return (kernel.cpus.length == 1 ? "0" : "0-" + (kernel.cpus.length - 1)) + "\n";
    }

    private String cpus() {
        var text = new StringBuilder();
        for (int cpu = 0; cpu < kernel.cpus.length; cpu++) {
            text.append("processor\t: ").append(cpu).append("\nmodel name\t: embedded\ncpu MHz\t\t: 1000.000\n\n");
        }
        return text.toString();
    }

    /** {@code PID/comm}, {@code PID/cmdline}, {@code PID/status}, {@code PID/maps}; a thread's are in {@code PID/task/TID}. */
    private Optional<String> ofProcess(String path) {
        var parts = path.split("/");
        boolean ofThread = parts.length == 4 && parts[1].equals("task");
        if (parts.length != 2 && !ofThread) {
            return Optional.empty();
        }
        var number = ofThread ? parts[2] : parts[0];
        if (number.isEmpty() || number.length() > 9 || !number.chars().allMatch(Character::isDigit)) {
            return Optional.empty();
        }
        var task = kernel.processes.find(Integer.parseInt(number));
        if (task == null) {
            return Optional.empty();
        }
        return switch (parts[parts.length - 1]) {
            case "comm" -> Optional.of(task.name() + "\n");
            case "cmdline" -> Optional.of(commandLine(task));
            case "status" -> Optional.of(status(task));
            case "cgroup" -> Optional.of("0::/\n");
            case "maps" -> Optional.of(maps(task));
            default -> Optional.empty();
        };
    }

    private static String commandLine(Task task) {
        var invocation = task.process.invocation;
        return invocation == null ? "" : String.join("\0", invocation.arguments()) + "\0";
    }

    private static String status(Task task) {
        var process = task.process;
        var parent = process.parent;
        return "Name:\t" + task.name() + "\nTgid:\t" + process.pid + "\nPid:\t" + task.tid + "\nPPid:\t"
                + (parent == null ? 0 : parent.pid) + "\nUid:\t"
                + (process.uid + "\t").repeat(4).strip() + "\nGid:\t"
                + (process.gid + "\t").repeat(4).strip() + "\nThreads:\t" + process.threads + "\nNSpid:\t" + task.tid
                + "\n";
    }

    private String maps(Task task) {
        var text = new StringBuilder();
        for (var image : kernel.userSpace.mapped(task.process)) {
            text.append(String.format(
                    Locale.ROOT,
                    "%x-%x r-xp 00000000 103:00 %d %s%n",
                    image.baseAddress(),
                    image.endAddress(),
                    1000 + Math.floorMod(image.path().hashCode(), 100_000),
                    image.path()));
        }
        return text.toString();
    }
}
