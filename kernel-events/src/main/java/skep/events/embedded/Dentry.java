package skep.events.embedded;

import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** A name in a directory, and what it names. */
final class Dentry {
    final String name;
    final @Nullable Dentry parent;
    final Inode inode;
    /** Address of its {@code struct dentry}; 0 while the dentry cache does not hold it. */
    long address;

    final TreeMap<String, Dentry> children = new TreeMap<>();

    Dentry(String name, @Nullable Dentry parent, Inode inode, long address) {
        this.name = name;
        this.parent = parent;
        this.inode = inode;
        this.address = address;
    }

    String path() {
        return parent == null ? "/" : (parent.parent == null ? "/" : parent.path() + "/") + name;
    }
}
