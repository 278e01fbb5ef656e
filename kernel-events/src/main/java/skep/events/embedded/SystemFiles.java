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
import skep.isa.kernel.Arch;
import skep.isa.kernel.KernelInfo;
import skep.isa.kernel.TracepointFormat;
import skep.target.Target;

/**
 * The files of the model's {@code /proc}, {@code /sys} and tracefs that tools read around tracing. Made when they are
 * read. Called under the kernel's lock.
 */
final class SystemFiles {
    private static final List<String> TRACEFS = List.of("/sys/kernel/tracing/", "/sys/kernel/debug/tracing/");
    private static final String TRACED_FUNCTIONS = "available_filter_functions";
    private static final String CGROUPS = "/sys/fs/cgroup";
    private static final double LOAD_OF_ONE = 1.0;

    private final EmbeddedKernel kernel;
    private final Map<String, Supplier<String>> fixed = new TreeMap<>();
    private final ProcessFiles processes;

    SystemFiles(EmbeddedKernel kernel) {
        this.kernel = kernel;
        fixed.put("/proc/kallsyms", this::symbols);
        fixed.put("/proc/loadavg", this::load);
        fixed.put("/proc/uptime", this::uptime);
        fixed.put("/proc/version", this::version);
        fixed.put("/proc/cpuinfo", this::cpus);
        var machine = new MachineFiles(kernel);
        processes = new ProcessFiles(kernel, machine);
        fixed.put("/proc/mounts", machine::mounts);
        fixed.put("/proc/self/mounts", machine::mounts);
        fixed.put("/proc/meminfo", machine::memory);
        fixed.put("/proc/vmstat", machine::pages);
        fixed.put("/proc/stat", machine::statistics);
        fixed.put("/proc/diskstats", machine::disks);
        fixed.put("/proc/partitions", machine::partitions);
        fixed.put("/proc/net/dev", machine::networkDevices);
        fixed.put("/proc/interrupts", kernel.interrupts.counts::interrupts);
        fixed.put("/proc/softirqs", kernel.interrupts.counts::softInterrupts);
        new SocketFiles(kernel).into(fixed);
        fixed.put("/proc/swaps", machine::swaps);
        fixed.put(
                "/proc/cmdline",
                () -> "BOOT_IMAGE=/boot/vmlinuz-" + EmbeddedKernelInfo.VERSION + " root=/dev/nvme0n1 ro\n");
        fixed.put(
                "/proc/modules",
                () -> "nfs 614400 2 - Live 0x0000000000000000\nxfs 2207744 1 - Live 0x0000000000000000\n");
        fixed.put("/proc/filesystems", machine::fileSystems);
        fixed.put("/proc/slabinfo", machine::slabs);
        fixed.put("/proc/sys/kernel/pid_max", () -> "4194304\n");
        fixed.put("/proc/sys/kernel/osrelease", () -> EmbeddedKernelInfo.VERSION + "\n");
        fixed.put("/proc/sys/kernel/perf_event_max_stack", () -> "127\n");
        fixed.put("/proc/sys/kernel/perf_event_paranoid", () -> "-1\n");
        fixed.put("/proc/sys/kernel/kptr_restrict", () -> "0\n");
        fixed.put("/proc/sys/kernel/hostname", () -> "embedded\n");
        fixed.put("/proc/sys/vm/compact_memory", () -> "");
        fixed.put("/sys/kernel/debug/kprobes/blacklist", () -> "");
        machine.network(fixed);
        machine.blocks(fixed);
        machine.cgroups(fixed);
        for (var list : List.of("online", "possible", "present")) {
            fixed.put("/sys/devices/system/cpu/" + list, this::cpuRange);
        }
        for (var mount : TRACEFS) {
            fixed.put(mount + TRACED_FUNCTIONS, this::tracedFunctions);
            fixed.put(mount + "available_events", this::events);
            fixed.put(mount + "trace_clock", () -> "[local] global counter uptime perf mono\n");
            fixed.put(mount + "current_tracer", () -> "nop\n");
            fixed.put(mount + "available_tracers", () -> "nop\n");
            fixed.put(mount + "tracing_on", () -> "1\n");
            fixed.put(mount + "kprobe_events", () -> "");
            fixed.put(mount + "uprobe_events", () -> "");
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
        return path.startsWith("/proc/") ? processes.read(path.substring("/proc/".length())) : Optional.empty();
    }

    /** Inode, mode and device of a file of the model's tree, or of a device file. */
    Optional<Target.FileStatus> status(String path) {
        var device = switch (path) {
            case "/dev/pts/0" -> new Target.FileStatus(Vfs.TERMINAL_INODE, 0020620, 0, 136L << 8);
            case "/dev/kvm" -> new Target.FileStatus(4, 0020666, 0, 10L << 8 | 232);
            case "/dev/nvme0n1" -> new Target.FileStatus(5, 0060660, 0, 259L << 8);
            case "/dev/sda" -> new Target.FileStatus(6, 0060660, 0, 8L << 8);
            default -> null;
        };
        if (device != null) {
            return Optional.of(device);
        }
        if (path.startsWith("/proc/") || path.startsWith("/sys/")) {
            return virtual(path);
        }
        var dentry = path.startsWith("/") ? kernel.vfs.find(path) : null;
        return dentry == null
                ? Optional.empty()
                : Optional.of(new Target.FileStatus(dentry.inode.number, dentry.inode.mode, dentry.inode.sizeBytes, 0));
    }

    /** A file of {@code /proc} or {@code /sys}: a control group's folder has the group's id as its inode number. */
    private Optional<Target.FileStatus> virtual(String path) {
        boolean folder = list(path).isPresent();
        if (!folder && text(path).isEmpty()) {
            return Optional.empty();
        }
        var name = path.endsWith("/") ? path.substring(0, path.length() - 1) : path;
        long inode = 0x1_0000L + (name.hashCode() & 0xffff);
        if (name.startsWith(CGROUPS)) {
            var group = name.substring(CGROUPS.length());
            inode = kernel.containers.findGroup(group.isEmpty() ? "/" : group).orElse(inode);
        }
        return Optional.of(new Target.FileStatus(inode, folder ? 0040555 : 0100444, 0, 0));
    }

    /** Where a symbolic link of the model leads. */
    Optional<String> link(String path) {
        return path.startsWith("/proc/") ? processes.link(path.substring("/proc/".length())) : Optional.empty();
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
        if (folder.startsWith("/proc/")) {
            names.addAll(processes.list(folder.substring("/proc/".length())));
        }
        for (var mount : TRACEFS) {
            if (folder.startsWith(mount + "events/")) {
                var below = folder.substring(mount.length() + "events/".length());
                for (var point : kernel.allTracepoints()) {
                    var file = point.category() + "/" + point.event() + "/";
                    if (file.startsWith(below)) {
                        names.addAll(
                                file.equals(below)
                                        ? List.of("enable", "filter", "format", "id", "trigger")
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
            case "enable" -> Optional.of("0\n");
            case "filter" -> Optional.of("none\n");
            case "trigger" -> Optional.of("");
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
        boolean arm = kernel.arch == Arch.ARM64;
        for (int cpu = 0; cpu < kernel.cpus.length; cpu++) {
            text.append("processor\t: ").append(cpu).append('\n');
            text.append(
                    arm
                            ? "CPU implementer\t: 0x41\nCPU part\t: 0xd0c\n"
                            : "vendor_id\t: GenuineIntel\nmodel name\t: embedded\ncpu MHz\t\t: 3000.000\nflags\t\t: fpu vmx\n");
            text.append('\n');
        }
        return text.toString();
    }
}
