package skep.linux;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Collectors;
import skep.isa.kernel.Arch;

/** Finds the programs and libraries that scripts name: by path, with wildcards, by command or library name. */
final class Binaries {
    /** Files that a wildcard in a path may stand for. */
    private static final int MAX_MATCHES = 512;

    /** A link that names the mount namespace of a process. */
    private static final String MOUNTS = "/ns/mnt";

    private final Host host;
    private final Map<String, Optional<LinuxBinary>> opened = new ConcurrentHashMap<>();

    Binaries(Host host) {
        this.host = host;
    }

    Optional<LinuxBinary> open(String path) {
        return opened.computeIfAbsent(path, name -> LinuxBinary.open(host, name));
    }

    /** All files that a name stands for: one, or several with a wildcard. */
    List<LinuxBinary> find(String name) {
        if (name.contains("/")) {
            return paths(name).stream().flatMap(path -> open(path).stream()).toList();
        }
        return command(host, name)
                .flatMap(this::open)
                .or(() -> library(name).flatMap(this::open))
                .map(List::of)
                .orElse(List.of());
    }

    /** The same for one process, whose files are seen through its root; {@code *} and nothing stand for what is mapped. */
    List<LinuxBinary> find(String name, OptionalInt pid) {
        if (name.isEmpty() || name.equals("*")) {
            var processes = pid.isPresent()
                    ? List.of(pid.getAsInt())
                    : host.files().list("/proc").stream()
                            .filter(entry -> entry.chars().allMatch(c -> c >= '0' && c <= '9'))
                            .map(Integer::valueOf)
                            .toList();
            var paths = new LinkedHashSet<String>();
            for (int process : processes) {
                mappedBy(process).forEach(path -> paths.add(hasOwnRoot(process) ? root(process) + path : path));
            }
            return paths.stream().flatMap(path -> open(path).stream()).toList();
        }
        if (pid.isPresent() && name.startsWith("/") && hasOwnRoot(pid.getAsInt())) {
            var inside = find(root(pid.getAsInt()) + name);
            if (!inside.isEmpty()) {
                return inside;
            }
        }
        return find(name);
    }

    private static String root(int pid) {
        return "/proc/" + pid + "/root";
    }

    /** A process in a container has its own files: another root, or other mounts below it. */
    boolean hasOwnRoot(int pid) {
        boolean root =
                host.files().link(root(pid)).map(link -> !link.equals("/")).orElse(false);
        var mounts = host.files().link("/proc/" + pid + MOUNTS);
        return root || mounts.isPresent() && !mounts.equals(host.files().link("/proc/self" + MOUNTS));
    }

    private List<String> paths(String pattern) {
        if (!Glob.isGlob(pattern)) {
            return List.of(pattern);
        }
        List<String> found = List.of(pattern.startsWith("/") ? "/" : ".");
        for (var part : pattern.split("/")) {
            if (part.isEmpty()) {
                continue;
            }
            var next = new ArrayList<String>();
            for (var folder : found) {
                var prefix = folder.endsWith("/") ? folder : folder + "/";
                if (!Glob.isGlob(part)) {
                    next.add(prefix + part);
                    continue;
                }
                host.files().list(folder).stream()
                        .filter(name -> Glob.matches(part, name))
                        .sorted()
                        .limit(MAX_MATCHES)
                        .forEach(name -> next.add(prefix + name));
            }
            found = next;
        }
        return found;
    }

    /** The file that a shell would run for a command. */
    static Optional<String> command(Host host, String name) {
        var path = System.getenv().getOrDefault("PATH", "/usr/local/bin:/usr/bin:/bin");
        for (var folder : path.split(":")) {
            var candidate = (folder.isEmpty() ? "." : folder) + "/" + name;
            if (host.files().executable(candidate)) {
                return Optional.of(candidate);
            }
        }
        return Optional.empty();
    }

    /** {@code libc}, {@code libc.so} and {@code libc.so.6} stand for the same file; so does {@code c}. */
    private Optional<String> library(String name) {
        for (var wanted : List.of(name, "lib" + name)) {
            for (var folder : libraryFolders()) {
                var found = host.files().list(folder).stream()
                        .filter(file -> file.equals(wanted) || file.startsWith(wanted + ".so"))
                        .min((a, b) -> Integer.compare(a.length(), b.length()))
                        .map(file -> folder + "/" + file)
                        .filter(path -> open(path).isPresent());
                if (found.isPresent()) {
                    return found;
                }
                // A linker script in place of the library: the versioned file beside it is meant.
                var versioned = host.files().list(folder).stream()
                        .filter(file -> file.startsWith(wanted + ".so."))
                        .sorted()
                        .map(file -> folder + "/" + file)
                        .filter(path -> open(path).isPresent())
                        .findFirst();
                if (versioned.isPresent()) {
                    return versioned;
                }
            }
        }
        return Optional.empty();
    }

    private Set<String> libraryFolders() {
        var folders = new LinkedHashSet<String>();
        for (var file : host.files().list("/etc/ld.so.conf.d").stream().sorted().toList()) {
            host.files()
                    .text("/etc/ld.so.conf.d/" + file)
                    .orElse("")
                    .lines()
                    .map(String::strip)
                    .filter(line -> line.startsWith("/"))
                    .forEach(folders::add);
        }
        var triplet = host.syscalls().arch() == Arch.X86_64 ? "x86_64-linux-gnu" : "aarch64-linux-gnu";
        folders.addAll(List.of(
                "/lib/" + triplet,
                "/usr/lib/" + triplet,
                "/lib64",
                "/usr/lib64",
                "/lib",
                "/usr/lib",
                "/usr/local/lib"));
        return folders;
    }

    /** The files that a process has mapped as code, as its own mount namespace names them. */
    List<String> mappedBy(int pid) {
        return host
                .files()
                .text("/proc/" + pid + "/maps")
                .orElse("")
                .lines()
                .filter(line -> line.contains(" r-xp ") && line.indexOf('/') > 0)
                .map(line -> line.substring(line.indexOf('/')))
                .collect(Collectors.toCollection(LinkedHashSet::new))
                .stream()
                .toList();
    }
}
