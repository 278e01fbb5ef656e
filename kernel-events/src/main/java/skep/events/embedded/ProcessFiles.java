package skep.events.embedded;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/** What {@code /proc/PID} says of the model's processes; a thread's files are in {@code PID/task/TID}. */
final class ProcessFiles {
    private static final Set<String> NAMES = Set.of(
            "comm",
            "cmdline",
            "status",
            "stat",
            "statm",
            "stack",
            "wchan",
            "cgroup",
            "maps",
            "mounts",
            "mountinfo",
            "exe",
            "fd",
            "task",
            "ns",
            "root",
            "environ",
            "limits");
    private static final Set<String> NAMESPACES = Set.of("pid", "mnt", "net", "uts", "user", "cgroup");

    private final EmbeddedKernel kernel;
    private final MachineFiles machine;

    ProcessFiles(EmbeddedKernel kernel, MachineFiles machine) {
        this.kernel = kernel;
        this.machine = machine;
    }

    /** Task and what lies below its folder: {@code 812/task/813/comm} is {@code comm} of 813. */
    private record Place(Task task, String rest) {}

    private Optional<Place> place(String path) {
        var parts = path.split("/", 4);
        boolean thread = parts.length >= 3 && parts[1].equals("task") && !parts[2].isEmpty();
        var number = thread ? parts[2] : parts[0];
        if (number.isEmpty() || number.length() > 9 || !number.chars().allMatch(Character::isDigit)) {
            return Optional.empty();
        }
        var task = kernel.processes.find(Integer.parseInt(number));
        if (task == null) {
            return Optional.empty();
        }
        var rest = thread
                ? parts.length > 3 ? parts[3] : ""
                : path.length() > number.length() ? path.substring(number.length() + 1) : "";
        return Optional.of(new Place(task, rest));
    }

    Optional<String> read(String path) {
        return place(path).flatMap(place -> {
            var task = place.task;
            return switch (place.rest) {
                case "comm" -> Optional.of(task.name() + "\n");
                case "cmdline" -> Optional.of(commandLine(task));
                case "status" -> Optional.of(status(task));
                case "stat" -> Optional.of(statistics(task));
                case "statm" ->
                    Optional.of(String.format(
                            Locale.ROOT,
                            "%d %d 0 0 0 %d 0%n",
                            task.process.residentPages() + task.process.swapped,
                            task.process.residentPages(),
                            task.process.residentPages()));
                case "stack" -> Optional.of(stack(task));
                case "wchan" -> Optional.of(waitsIn(task));
                case "cgroup" -> Optional.of("0::" + kernel.containers.path(task.process.cgroupId) + "\n");
                case "maps" -> Optional.of(maps(task));
                case "mounts" -> Optional.of(machine.mounts());
                case "mountinfo" -> Optional.of(machine.mountInfo());
                case "environ" -> Optional.of("PATH=/usr/sbin:/usr/bin\0");
                case "limits" ->
                    Optional.of("Limit                     Soft Limit           Hard Limit           Units     \n"
                            + "Max open files            1024                 1024                 files     \n");
                // what the link leads to, for those who read through it
                case "exe" -> Optional.of("");
                default -> Optional.empty();
            };
        });
    }

    /** The functions that a task that does not run is in, innermost first. */
    private static List<Routine> functions(Task task) {
        var functions = new ArrayList<Routine>();
        if (task.cpu.current() != task) {
            for (int i = task.depth; i >= 0 && !task.frame(i).routine.user(); i--) {
                functions.add(task.frame(i).routine);
                functions.addAll(List.of(task.frame(i).routine.callers));
            }
        }
        return functions;
    }

    private static String stack(Task task) {
        var text = new StringBuilder();
        for (var function : functions(task)) {
            text.append(String.format(
                    Locale.ROOT,
                    "[<0>] %s+0x%x/0x%x%n",
                    function.name(),
                    function.returnAddress(1) - function.address,
                    function.sizeBytes));
        }
        return text.toString();
    }

    /** The function that sleeps: the innermost that is not the scheduler's. */
    private static String waitsIn(Task task) {
        return task.state == Task.State.RUNNING
                ? "0"
                : functions(task).stream()
                        .map(Routine::name)
                        .filter(name -> !name.contains("schedule"))
                        .findFirst()
                        .orElse("0");
    }

    Optional<String> link(String path) {
        return place(path).flatMap(place -> {
            var task = place.task;
            if (place.rest.equals("exe")) {
                return Optional.ofNullable(task.process.invocation)
                        .map(i -> i.program().path());
            }
            if (place.rest.equals("root") || place.rest.equals("cwd")) {
                return Optional.of("/");
            }
            if (place.rest.startsWith("ns/") && NAMESPACES.contains(place.rest.substring(3))) {
                var kind = place.rest.substring(3);
                return Optional.of(kind + ":[" + kernel.containers.inode(task.process, kind) + "]");
            }
            if (place.rest.startsWith("fd/")) {
                return descriptor(task, place.rest.substring(3));
            }
            return Optional.empty();
        });
    }

    private Optional<String> descriptor(Task task, String number) {
        if (number.isEmpty() || number.length() > 6 || !number.chars().allMatch(Character::isDigit)) {
            return Optional.empty();
        }
        return Optional.ofNullable(task.process.file(Integer.parseInt(number))).map(file -> {
            if (file.dentry != null) {
                return file.dentry.path();
            }
            if (kernel.bpfFiles.owns(file.ops)) {
                return "anon_inode:" + file.ops.name();
            }
            return file.ops.name().equals("tty")
                    ? "/dev/pts/0"
                    : (file.ops.name().equals("pipe") ? "pipe:[" : "socket:[") + (file.address >>> 6 & 0xff_ffff) + "]";
        });
    }

    Set<String> list(String folder) {
        var names = new TreeSet<String>();
        if (folder.isEmpty()) {
            kernel.processes.all().values().forEach(task -> names.add(Integer.toString(task.process.pid)));
            return names;
        }
        var path = folder.substring(0, folder.length() - 1);
        place(path).ifPresent(place -> {
            switch (place.rest) {
                case "" -> {
                    names.addAll(NAMES);
                    if (path.contains("/task/")) {
                        names.remove("task");
                    }
                }
                case "ns" -> names.addAll(NAMESPACES);
                case "task" ->
                    kernel.processes.all().values().stream()
                            .filter(task -> task.process == place.task.process)
                            .forEach(task -> names.add(Integer.toString(task.tid)));
                case "fd" -> {
                    var files = place.task.process.files;
                    for (int i = 0; i < files.size(); i++) {
                        if (files.get(i) != null) {
                            names.add(Integer.toString(i));
                        }
                    }
                }
                default -> {}
            }
        });
        return names;
    }

    private static String commandLine(Task task) {
        var invocation = task.process.invocation;
        return invocation == null ? "" : String.join("\0", invocation.arguments()) + "\0";
    }

    private static String status(Task task) {
        var process = task.process;
        var parent = process.parent;
        return "Name:\t" + task.name() + "\nState:\t" + letter(task) + "\nTgid:\t" + process.pid + "\nPid:\t" + task.tid
                + "\nPPid:\t" + (parent == null ? 0 : parent.pid) + "\nUid:\t"
                + (process.uid + "\t").repeat(4).strip() + "\nGid:\t"
                + (process.gid + "\t").repeat(4).strip() + "\nVmRSS:\t" + process.residentPages() * 4 + " kB\nVmSwap:\t"
                + process.swapped * 4 + " kB\nThreads:\t" + process.threads + "\nNSpid:\t" + task.tid
                + (process.container == null ? "" : "\t" + process.innerPid) + "\n";
    }

    private static char letter(Task task) {
        return switch (task.state) {
            case RUNNING, NEW -> 'R';
            case INTERRUPTIBLE -> 'S';
            case UNINTERRUPTIBLE -> 'D';
            case ZOMBIE -> 'Z';
            case DEAD -> 'X';
            case IDLE_KTHREAD -> 'I';
        };
    }

    /** The first fields of {@code stat}: up to the number of threads, times in hundredths of a second. */
    private static String statistics(Task task) {
        var process = task.process;
        long ticks = task.runNanos / 10_000_000;
        return String.format(
                Locale.ROOT,
                "%d (%s) %c %d %d %d 0 -1 4194304 %d 0 0 0 %d 0 0 0 %d 0 %d 0 360000 0 %d%n",
                task.tid,
                task.name(),
                letter(task),
                process.parent == null ? 0 : process.parent.pid,
                process.pid,
                process.pid,
                process.residentPages(),
                ticks,
                task.priority - 100,
                process.threads,
                process.residentPages());
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
