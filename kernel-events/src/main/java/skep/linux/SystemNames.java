package skep.linux;

import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import skep.linux.sys.Files;

/** Names that the traced system gives to numbers: users, cgroups. */
final class SystemNames {
    private static final String CGROUPS = "/sys/fs/cgroup";
    private static final String HYBRID_CGROUPS = "/sys/fs/cgroup/unified";
    private static final int MAX_CGROUP_DEPTH = 32;
    private static final int MAX_CGROUPS = 50_000;

    private final Host host;
    private final Map<Long, String> users = new TreeMap<>();
    private boolean usersRead;
    private final Map<Long, Optional<String>> cgroups = new ConcurrentHashMap<>();

    SystemNames(Host host) {
        this.host = host;
    }

    synchronized Optional<String> name(long uid) {
        if (!usersRead) {
            usersRead = true;
            host.files().text("/etc/passwd").orElse("").lines().forEach(line -> {
                var fields = line.split(":");
                if (fields.length > 2) {
                    try {
                        users.putIfAbsent(Long.parseLong(fields[2]), fields[0]);
                    } catch (NumberFormatException notAUser) {
                        // Comments and entries of name services are in such files too.
                    }
                }
            });
        }
        return Optional.ofNullable(users.get(uid));
    }

    /** The folder of the cgroup file system whose inode is the id, without the place where it is mounted. */
    Optional<String> cgroup(long id) {
        return cgroups.computeIfAbsent(id, wanted -> {
            var root = host.files().exists(HYBRID_CGROUPS) ? HYBRID_CGROUPS : CGROUPS;
            if (host.files().inode(root) == wanted) {
                return Optional.of("/");
            }
            return search(root, "", wanted, 0, new int[1]);
        });
    }

    private Optional<String> search(String root, String path, long id, int depth, int[] seen) {
        if (depth > MAX_CGROUP_DEPTH || seen[0] > MAX_CGROUPS) {
            return Optional.empty();
        }
        var folders = host.files().entries(root + path).stream()
                .filter(Files.Entry::isFolder)
                .toList();
        seen[0] += folders.size();
        for (var folder : folders) {
            if (folder.inode() == id) {
                return Optional.of(path + "/" + folder.name());
            }
        }
        for (var folder : folders) {
            var found = search(root, path + "/" + folder.name(), id, depth + 1, seen);
            if (found.isPresent()) {
                return found;
            }
        }
        return Optional.empty();
    }
}
