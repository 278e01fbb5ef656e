package skep.events.embedded;

import java.util.LinkedHashMap;
import java.util.Map;

/**
 * File systems besides the root's, mounted below {@code /mnt}: the functions that tools attach to, over the same page cache.
 * The network file system asks its server before each operation.
 */
final class FileSystems {
    private static final long SERVER_NANOS = 350_000;

    private final EmbeddedKernel kernel;
    private final Map<String, FileSystem> mounted = new LinkedHashMap<>();

    /** A file system: what its files do, and how they are brought to the disk. */
    record FileSystem(String name, Vfs.FileOps ops, Routine sync) {}

    FileSystems(EmbeddedKernel kernel) {
        this.kernel = kernel;
        mount("xfs", "xfs_file_read_iter", "xfs_file_write_iter", "xfs_file_open", "xfs_file_fsync", false);
        mount("f2fs", "f2fs_file_read_iter", "f2fs_file_write_iter", "f2fs_file_open", "f2fs_sync_file", false);
        mount("btrfs", "", "btrfs_file_write_iter", "generic_file_open", "btrfs_sync_file", false);
        mount("zfs", "zpl_read", "zpl_write", "zpl_open", "zpl_fsync", false);
        mount("nfs", "nfs_file_read", "nfs_file_write", "nfs_file_open", "nfs_file_fsync", true);
    }

    private void mount(String name, String read, String write, String open, String sync, boolean remote) {
        var readRoutine = read.isEmpty()
                ? kernel.vfs.genericRead
                : kernel.function(
                        "ssize_t " + read + "(struct kiocb *iocb, struct iov_iter *to)", transfer(false, remote));
        var writeRoutine = kernel.function(
                "ssize_t " + write + "(struct kiocb *iocb, struct iov_iter *from)", transfer(true, remote));
        var openRoutine = kernel.leaf("int " + open + "(struct inode *inode, struct file *filp)", 140);
        var release = kernel.leaf("int " + name + "_file_release(struct inode *inode, struct file *filp)", 80);
        var syncRoutine = kernel.function(
                "int " + sync + "(struct file *file, loff_t start, loff_t end, int datasync)", kernel.vfs::syncFile);
        mounted.put(
                name,
                new FileSystem(
                        name,
                        new Vfs.FileOps(name, readRoutine, writeRoutine, openRoutine, release, true),
                        syncRoutine));
    }

    /** The steps of a read or write: first the server's answer if there is one, then the page cache. */
    private Body transfer(boolean write, boolean remote) {
        return (task, frame) -> {
            switch (frame.next()) {
                case 0 -> {
                    task.timerExpired = !remote;
                    if (remote) {
                        kernel.post(
                                task.timer, kernel.clockNanos() + SERVER_NANOS + kernel.rng.exponential(SERVER_NANOS));
                    } else {
                        task.work(35);
                    }
                }
                case 1 -> {
                    if (!task.timerExpired) {
                        frame.pc = 1;
                        kernel.scheduler.callSleep(task, Task.State.UNINTERRUPTIBLE);
                    }
                }
                case 2 -> {
                    var file = (OpenFile) frame.object();
                    if (write) {
                        kernel.pageCache.callWrite(task, file, frame.v0, frame.v1, frame.a0);
                    } else {
                        kernel.pageCache.callRead(task, file, frame.v0, frame.v1, frame.a0);
                    }
                }
                default -> task.ret(task.result);
            }
        };
    }

    /** Names of what is mounted, each at {@code /mnt/} and its name. */
    Iterable<String> names() {
        return mounted.keySet();
    }

    /** What a regular file does, by the file system that it is on. */
    Vfs.FileOps ops(Dentry dentry) {
        var below = dentry;
        var name = dentry.name;
        for (var at = dentry; at.parent != null; at = at.parent) {
            name = below.name;
            below = at;
        }
        if (!below.name.equals("mnt")) {
            return kernel.vfs.ext4;
        }
        var found = mounted.get(name);
        return found == null ? kernel.vfs.ext4 : found.ops;
    }

    /** How a file is brought to the disk. */
    Routine sync(Vfs.FileOps ops) {
        var found = mounted.get(ops.name());
        return found == null ? kernel.vfs.ext4Sync() : found.sync;
    }
}
