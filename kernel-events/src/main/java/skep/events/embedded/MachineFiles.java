package skep.events.embedded;

import java.util.Locale;
import java.util.Map;
import java.util.function.Supplier;

/** What {@code /proc} and {@code /sys} say of the machine as a whole: memory, disks, network card, mounts, cgroups. */
final class MachineFiles {
    private static final int PAGE_KB = 4;
    private static final long TICK_NANOS = 10_000_000;

    private final EmbeddedKernel kernel;

    MachineFiles(EmbeddedKernel kernel) {
        this.kernel = kernel;
    }

    private static void line(StringBuilder text, String name, long kilobytes) {
        text.append(String.format(Locale.ROOT, "%-16s%8d kB%n", name + ":", kilobytes));
    }

    String memory() {
        var text = new StringBuilder();
        long total = kernel.pages.managedPages * PAGE_KB;
        long free = kernel.pages.freePages() * PAGE_KB;
        long cached = kernel.pageCache.cachedPages() * PAGE_KB;
        line(text, "MemTotal", total);
        line(text, "MemFree", free);
        line(text, "MemAvailable", free + cached);
        line(text, "Buffers", 0);
        line(text, "Cached", cached);
        line(text, "SwapCached", 0);
        line(text, "SwapTotal", kernel.pressure.swapPages() * PAGE_KB);
        line(text, "SwapFree", (kernel.pressure.swapPages() - kernel.pressure.swappedPages()) * PAGE_KB);
        line(text, "Dirty", kernel.pageCache.dirtyPages() * PAGE_KB);
        line(text, "Writeback", 0);
        line(text, "AnonPages", anonymousPages() * PAGE_KB);
        line(text, "Slab", kernel.slab.pages() * PAGE_KB);
        return text.toString();
    }

    private long anonymousPages() {
        return kernel.processes.all().values().stream()
                .filter(task -> task.tid == task.process.pid)
                .mapToLong(task -> task.process.residentPages())
                .sum();
    }

    private long truth(String name) {
        return kernel.truth.counters().getOrDefault(name, 0L);
    }

    String pages() {
        return "nr_free_pages " + kernel.pages.freePages() + "\nnr_file_pages " + kernel.pageCache.cachedPages()
                + "\nnr_dirty " + kernel.pageCache.dirtyPages() + "\npgfault " + truth("page faults") + "\npswpin "
                + truth("pages swapped in") + "\npswpout " + truth("pages swapped out") + "\npgsteal_direct "
                + truth("pages reclaimed directly") + "\npgsteal_kswapd " + truth("pages reclaimed by kswapd")
                + "\noom_kill " + truth("oom kills") + "\n";
    }

    /** Times of the CPUs in hundredths of a second: all that is not idle counts as user time. */
    String statistics() {
        var text = new StringBuilder();
        long all = (kernel.nowNanos() - EmbeddedKernel.BOOT_NANOS) / TICK_NANOS;
        long[] busy = new long[kernel.cpus.length];
        for (var task : kernel.processes.all().values()) {
            busy[task.cpu.id] += task.runNanos / TICK_NANOS;
        }
        long sum = 0;
        for (int cpu = 0; cpu < busy.length; cpu++) {
            long used = Math.min(all, busy[cpu]);
            sum += used;
            text.append(String.format(Locale.ROOT, "cpu%d %d 0 0 %d 0 0 0 0 0 0%n", cpu, used, all - used));
        }
        text.insert(0, String.format(Locale.ROOT, "cpu  %d 0 0 %d 0 0 0 0 0 0%n", sum, all * kernel.cpus.length - sum));
        text.append("ctxt ").append(kernel.truth.switches).append("\nbtime 1767222000\nprocesses ");
        text.append(kernel.truth.forks).append('\n');
        return text.toString();
    }

    String disks() {
        var text = new StringBuilder();
        for (var disk : kernel.disk.disks()) {
            text.append(String.format(
                    Locale.ROOT,
                    "%4d %7d %s %d 0 %d %d %d 0 %d %d %d %d %d%n",
                    disk.device >>> 20,
                    disk.device & 0xf_ffff,
                    disk.name,
                    disk.requests[0],
                    disk.sectors[0],
                    disk.nanos[0] / 1_000_000,
                    disk.requests[1],
                    disk.sectors[1],
                    disk.nanos[1] / 1_000_000,
                    disk.inFlight,
                    (disk.nanos[0] + disk.nanos[1]) / 1_000_000,
                    (disk.nanos[0] + disk.nanos[1]) / 1_000_000));
        }
        return text.toString();
    }

    String partitions() {
        var text = new StringBuilder("major minor  #blocks  name\n\n");
        for (var disk : kernel.disk.disks()) {
            text.append(String.format(
                    Locale.ROOT,
                    "%4d %8d %10d %s%n",
                    disk.device >>> 20,
                    disk.device & 0xf_ffff,
                    disk.sizeSectors() / 2,
                    disk.name));
        }
        return text.toString();
    }

    String swaps() {
        return "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n"
                + String.format(
                        Locale.ROOT,
                        "/dev/nvme0n1p2                          partition\t%d\t\t%d\t\t-2%n",
                        kernel.pressure.swapPages() * PAGE_KB,
                        kernel.pressure.swappedPages() * PAGE_KB);
    }

    String networkDevices() {
        return "Inter-|   Receive                                                |  Transmit\n"
                + " face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed\n"
                + String.format(
                        Locale.ROOT,
                        "  eth0: %d %d 0 %d 0 0 0 0 %d %d 0 0 0 0 0 0%n",
                        truth("tcp bytes received"),
                        truth("packets received"),
                        truth("packets dropped"),
                        truth("tcp bytes sent"),
                        truth("packets sent"));
    }

    String mounts() {
        var text = new StringBuilder(
                "/dev/nvme0n1 / ext4 rw,relatime 0 0\nproc /proc proc rw 0 0\nsysfs /sys sysfs rw 0 0\n"
                        + "debugfs /sys/kernel/debug debugfs rw 0 0\ntracefs /sys/kernel/tracing tracefs rw 0 0\n"
                        + "cgroup2 /sys/fs/cgroup cgroup2 rw 0 0\n");
        for (var one : kernel.fileSystems.all()) {
            text.append(one.name())
                    .append(" /mnt/")
                    .append(one.name())
                    .append(' ')
                    .append(one.name());
            text.append(" rw,relatime 0 0\n");
        }
        for (var one : kernel.administration.mounted()) {
            text.append(one.device()).append(' ').append(one.path()).append(' ').append(one.type());
            text.append(" rw 0 0\n");
        }
        return text.toString();
    }

    String mountInfo() {
        var text = new StringBuilder("21 1 259:0 / / rw,relatime shared:1 - ext4 /dev/nvme0n1 rw\n");
        int id = 22;
        for (var one : kernel.fileSystems.all()) {
            text.append(String.format(
                    Locale.ROOT,
                    "%d 21 0:%d / /mnt/%s rw,relatime shared:%d - %s %s rw%n",
                    id,
                    id + 30,
                    one.name(),
                    id,
                    one.name(),
                    one.name()));
            id++;
        }
        return text.toString();
    }

    String fileSystems() {
        var text = new StringBuilder("nodev\tproc\nnodev\tsysfs\nnodev\ttmpfs\nnodev\tcgroup2\n\text4\n");
        for (var one : kernel.fileSystems.all()) {
            text.append('\t').append(one.name()).append('\n');
        }
        return text.toString();
    }

    String slabs() {
        var text = new StringBuilder("slabinfo - version: 2.1\n# name            <active_objs> <num_objs> <objsize>\n");
        for (var cache : kernel.slab.caches()) {
            text.append(String.format(
                    Locale.ROOT,
                    "%-17s %6d %6d %6d%n",
                    cache.name,
                    cache.slabs * cache.objectsPerSlab,
                    cache.slabs * cache.objectsPerSlab,
                    cache.sizeBytes));
        }
        return text.toString();
    }

    // /sys

    void network(Map<String, Supplier<String>> files) {
        var card = "/sys/class/net/eth0/";
        files.put(card + "address", () -> "52:54:00:12:34:56\n");
        files.put(card + "mtu", () -> "1500\n");
        files.put(card + "operstate", () -> "up\n");
        for (int i = 0; i < kernel.cpus.length; i++) {
            files.put(card + "queues/rx-" + i + "/rps_cpus", () -> "0\n");
            files.put(card + "queues/tx-" + i + "/xps_cpus", () -> "0\n");
        }
    }

    void blocks(Map<String, Supplier<String>> files) {
        for (var name : new String[] {"nvme0n1", "sda"}) {
            boolean rotating = name.equals("sda");
            var folder = "/sys/block/" + name + "/";
            files.put(folder + "size", () -> "976773168\n");
            files.put(folder + "dev", () -> rotating ? "8:0\n" : "259:0\n");
            files.put(folder + "queue/rotational", () -> rotating ? "1\n" : "0\n");
            files.put(folder + "queue/scheduler", () -> rotating ? "[mq-deadline] none\n" : "[none] mq-deadline\n");
        }
    }

    void cgroups(Map<String, Supplier<String>> files) {
        files.put("/sys/fs/cgroup/cgroup.controllers", () -> "\n");
        for (var path : kernel.containers.paths()) {
            var folder = "/sys/fs/cgroup" + (path.equals("/") ? "" : path);
            files.put(folder + "/cgroup.procs", () -> kernel.containers.processes(path));
        }
    }
}
