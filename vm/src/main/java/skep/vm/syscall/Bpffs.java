package skep.vm.syscall;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import skep.isa.kernel.Errno;

/** The file system of pinned objects: folders, and files that hold a reference. Safe from any thread. */
public final class Bpffs {
    /** Where it is mounted. */
    public static final String ROOT = "/sys/fs/bpf";

    private static final int MAX_NAME_CHARS = 255;
    /** Files and folders; a bound for programs that pin without end. */
    private static final int MAX_NODES = 1 << 16;

    private final Map<String, Node> nodes = new TreeMap<>();

    /** A folder, or a file that refers to an object. */
    private sealed interface Node {
        record Folder() implements Node {}

        record Pin(KernelObject object) implements Node {}
    }

    Bpffs() {
        nodes.put(ROOT, new Node.Folder());
    }

    /** Makes a folder; its parent must be there. */
    public synchronized void makeFolder(String path) {
        add(BpfCommand.OBJ_PIN, path, new Node.Folder());
    }

    synchronized void pin(String path, KernelObject object) {
        add(BpfCommand.OBJ_PIN, path, new Node.Pin(object));
    }

    private void add(BpfCommand command, String path, Node node) {
        if (!path.startsWith(ROOT + "/")) {
            throw new BpfException(command, Errno.EPERM, path + " is not in the file system of BPF");
        }
        int slash = path.lastIndexOf('/');
        var name = path.substring(slash + 1);
        if (name.isEmpty() || name.length() > MAX_NAME_CHARS || name.contains(".")) {
            throw new BpfException(command, Errno.EPERM, "'" + name + "' is no name for a pinned object");
        }
        var parent = nodes.get(path.substring(0, slash));
        if (parent == null) {
            throw new BpfException(command, Errno.ENOENT, "folder of " + path);
        }
        if (!(parent instanceof Node.Folder)) {
            throw new BpfException(command, Errno.ENOTDIR, path.substring(0, slash));
        }
        if (nodes.containsKey(path)) {
            throw new BpfException(command, Errno.EEXIST, path);
        }
        if (nodes.size() >= MAX_NODES) {
            throw new BpfException(command, Errno.ENOSPC, path);
        }
        nodes.put(path, node);
    }

    synchronized KernelObject get(String path) {
        return switch (nodes.get(path)) {
            case null -> throw new BpfException(BpfCommand.OBJ_GET, Errno.ENOENT, path);
            case Node.Folder _ -> throw new BpfException(BpfCommand.OBJ_GET, Errno.EISDIR, path);
            case Node.Pin pin -> pin.object;
        };
    }

    /** Names in a folder, sorted. */
    public synchronized List<String> list(String folder) {
        return nodes.keySet().stream()
                .filter(path -> path.startsWith(folder + "/") && path.indexOf('/', folder.length() + 1) < 0)
                .map(path -> path.substring(folder.length() + 1))
                .toList();
    }

    /** Removes a file or an empty folder; returns the object that it held, whose reference is the caller's now. */
    synchronized Optional<KernelObject> remove(String path) {
        var node = nodes.get(path);
        if (node == null || path.equals(ROOT)) {
            throw new BpfException(BpfCommand.OBJ_GET, Errno.ENOENT, path);
        }
        if (node instanceof Node.Folder && !list(path).isEmpty()) {
            throw new BpfException(BpfCommand.OBJ_GET, Errno.EBUSY, "folder " + path + " is not empty");
        }
        nodes.remove(path);
        return node instanceof Node.Pin pin ? Optional.of(pin.object) : Optional.empty();
    }

    /** All pinned objects, for the end. */
    synchronized List<KernelObject> clear() {
        var pins = nodes.values().stream()
                .filter(Node.Pin.class::isInstance)
                .map(node -> ((Node.Pin) node).object)
                .toList();
        nodes.values().removeIf(Node.Pin.class::isInstance);
        return pins;
    }
}
