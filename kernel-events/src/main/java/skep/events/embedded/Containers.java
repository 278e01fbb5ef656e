package skep.events.embedded;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Control groups and containers: processes with namespaces of their own, as a container runtime makes them. */
final class Containers {
    private static final int FIRST_NAMESPACE = 0xf000_0200;
    private static final long INIT_NAMESPACE = 0xf000_0000L;

    private final EmbeddedKernel kernel;
    private final Map<String, Long> groups = new LinkedHashMap<>();
    private final List<Container> containers = new ArrayList<>();

    /**
     * A container.
     *
     * @param pidNamespace address of its {@code struct pid_namespace}, and so on
     * @param firstInode number of its first namespace; the others follow
     */
    record Container(
            String name, String group, long groupId, long pidNamespace, long nsproxy, long network, int firstInode) {}

    Containers(EmbeddedKernel kernel) {
        this.kernel = kernel;
        for (var path : List.of("/", "/init.scope", "/system.slice", "/user.slice", "/machine.slice")) {
            group(path);
        }
    }

    /** The id of a control group; made if there is none at this path. */
    long group(String path) {
        return groups.computeIfAbsent(path, p -> p.equals("/") ? 1L : 30L + 31L * groups.size());
    }

    Optional<Long> findGroup(String path) {
        return Optional.ofNullable(groups.get(path));
    }

    String path(long id) {
        return groups.entrySet().stream()
                .filter(e -> e.getValue() == id)
                .map(Map.Entry::getKey)
                .findFirst()
                .orElse("/");
    }

    Iterable<String> paths() {
        return groups.keySet();
    }

    /** The processes of a group, a line each. */
    String processes(String path) {
        long id = groups.getOrDefault(path, -1L);
        var text = new StringBuilder();
        for (var task : kernel.processes.all().values()) {
            if (task.process.cgroupId == id && task.tid == task.process.pid) {
                text.append(task.process.pid).append('\n');
            }
        }
        return text.toString();
    }

    /** The container of this name; made if there is none. */
    Container container(String name) {
        for (var one : containers) {
            if (one.name.equals(name)) {
                return one;
            }
        }
        var objects = kernel.objects;
        int inode = FIRST_NAMESPACE + 16 * containers.size();
        long pids = objects.make("pid_namespace");
        objects.set("pid_namespace", "ns.inum", pids, inode);
        objects.set("pid_namespace", "level", pids, 1);
        objects.set("pid_namespace", "parent", pids, objects.pidNamespace());
        long network = objects.make("net");
        objects.set("net", "ns.inum", network, inode + 1);
        long mounts = objects.make("mnt_namespace");
        objects.set("mnt_namespace", "ns.inum", mounts, inode + 2);
        long names = objects.make("uts_namespace");
        objects.set("uts_namespace", "ns.inum", names, inode + 3);
        objects.text(
                names + kernel.types.field("uts_namespace", "name.nodename").offBytes(), name);
        long proxy = objects.make("nsproxy");
        objects.set("nsproxy", "mnt_ns", proxy, mounts);
        objects.set("nsproxy", "net_ns", proxy, network);
        objects.set("nsproxy", "uts_ns", proxy, names);
        objects.set("nsproxy", "pid_ns_for_children", proxy, pids);
        var path = "/system.slice/docker-" + name + ".scope";
        var made = new Container(name, path, group(path), pids, proxy, network, inode);
        containers.add(made);
        return made;
    }

    /** Puts a process that has not run yet into a container. */
    void enter(Process process, Container container) {
        process.container = container;
        process.cgroupId = container.groupId;
        process.innerPid = process.parent != null && process.parent.container == container
                ? process.parent.innerPid + process.parent.children.size()
                : 1;
    }

    /** The number of a namespace of a process, as {@code /proc/PID/ns} shows it. */
    long inode(Process process, String kind) {
        var container = process.container;
        if (container == null) {
            return INIT_NAMESPACE
                    + switch (kind) {
                        case "mnt" -> 0;
                        case "uts" -> -2;
                        case "user" -> -3;
                        case "pid" -> -4;
                        case "cgroup" -> -5;
                        default -> 0x98;
                    };
        }
        return container.firstInode
                        + switch (kind) {
                            case "pid" -> 0;
                            case "net" -> 1;
                            case "mnt" -> 2;
                            case "uts" -> 3;
                            default -> 4;
                        }
                & 0xffff_ffffL;
    }
}
