package skep.events.embedded;

import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * File systems besides the root's, mounted below {@code /mnt}: the functions that tools attach to, over the same page cache,
 * each with a latency of its own. The network file system asks its server before each operation and commits what it wrote.
 */
final class FileSystems {
    private static final long SERVER_NANOS = 350_000;
    private static final long FIRST_DEVICE = 0x2d;

    private final EmbeddedKernel kernel;
    private final Map<String, FileSystem> mounted = new LinkedHashMap<>();
    private final SlabCache commits;

    private final Routine getattr;
    private final Routine initiateCommit;
    private final Routine commitDone;
    private final Routine flushRequest;
    private final Tracepoint initiateEvent;
    private final Tracepoint doneEvent;
    /** A bio of the mirrored disk, for its flushes. */
    private final long mirrorBio;

    /**
     * A file system: what its files do, and how they are brought to the disk.
     *
     * @param superBlock address of its super block
     * @param mount address of its mount
     * @param remote whether each operation asks a server
     */
    record FileSystem(String name, Vfs.FileOps ops, Routine sync, long superBlock, long mount, boolean remote) {}

    FileSystems(EmbeddedKernel kernel) {
        this.kernel = kernel;
        commits = kernel.slab.cache("nfs_commit_data", kernel.types.sizeBytes("nfs_commit_data"));
        initiateEvent = kernel.tracepoint(
                "nfs",
                "nfs_initiate_commit",
                "dev_t dev; u32 fhandle; u64 fileid; loff_t offset; u32 count",
                "const struct nfs_commit_data *data");
        doneEvent = kernel.tracepoint(
                "nfs",
                "nfs_commit_done",
                "dev_t dev; u32 fhandle; u64 fileid; loff_t offset; int error; int stable; char verifier[8]",
                "const struct rpc_task *task, const struct nfs_commit_data *data");
        getattr = kernel.function(
                "int nfs_getattr(struct mnt_idmap *idmap, const struct path *path, struct kstat *stat, u32 request_mask, unsigned int query_flags)",
                (task, frame) -> {
                    switch (frame.next()) {
                        case 0 -> askServer(task);
                        case 1 -> waitForServer(task, frame, 1);
                        default -> task.ret(0);
                    }
                });
        initiateCommit = kernel.function(
                "int nfs_initiate_commit(struct rpc_clnt *clnt, struct nfs_commit_data *data, const struct nfs_rpc_ops *nfs_ops,"
                        + " const struct rpc_call_ops *call_ops, int how, int flags)",
                this::initiateCommit);
        commitDone = kernel.function("void nfs_commit_done(struct rpc_task *task, void *calldata)", this::commitDone);
        flushRequest = kernel.leaf("bool md_flush_request(struct mddev *mddev, struct bio *bio)", 2_200);
        mirrorBio = kernel.objects.make("bio");
        long mirror = kernel.objects.disk("md0", 9L << 20)[1];
        kernel.types.field("bio", "bi_bdev").put(kernel.memory, mirrorBio, mirror);

        mount("xfs", "xfs_file_read_iter", "xfs_file_write_iter", leafOpen("xfs_file_open", 140), "xfs_file_fsync", 60);
        mount(
                "f2fs",
                "f2fs_file_read_iter",
                "f2fs_file_write_iter",
                leafOpen("f2fs_file_open", 160),
                "f2fs_sync_file",
                90);
        var genericOpen = leafOpen("generic_file_open", 110);
        mount(
                "btrfs",
                "btrfs_file_read_iter",
                "btrfs_file_write_iter",
                passOpen("btrfs_file_open", genericOpen),
                "btrfs_sync_file",
                420);
        mount("zfs", "zpl_read", "zpl_write", leafOpen("zpl_open", 210), "zpl_fsync", 900);
        mount("nfs", "nfs_file_read", "nfs_file_write", remoteOpen("nfs_file_open"), "nfs_file_fsync", 70);
        var nfs = java.util.Objects.requireNonNull(mounted.get("nfs"));
        long[] fourth = kernel.objects.fileSystem("nfs4", "0:52", FIRST_DEVICE + 7);
        mounted.put(
                "nfs4",
                new FileSystem(
                        "nfs4",
                        kernel.vfs.ops(
                                "nfs4",
                                "nfs4_file_operations",
                                nfs.ops.read(),
                                nfs.ops.write(),
                                remoteOpen("nfs4_file_open"),
                                nfs.ops.release(),
                                true),
                        nfs.sync,
                        fourth[0],
                        fourth[1],
                        true));
    }

    private void mount(String name, String read, String write, Routine open, String sync, long ownNanos) {
        boolean remote = name.equals("nfs");
        boolean zfs = name.equals("zfs");
        var readArguments = zfs
                ? "(struct file *filp, char *buf, size_t len, loff_t *ppos)"
                : "(struct kiocb *iocb, struct iov_iter *to)";
        var writeArguments = zfs
                ? "(struct file *filp, const char *buf, size_t len, loff_t *ppos)"
                : "(struct kiocb *iocb, struct iov_iter *from)";
        var readRoutine = kernel.function("ssize_t " + read + readArguments, transfer(name, false, remote, ownNanos));
        var writeRoutine = kernel.function("ssize_t " + write + writeArguments, transfer(name, true, remote, ownNanos));
        var release = kernel.leaf("int " + name + "_file_release(struct inode *inode, struct file *filp)", 80);
        var syncRoutine = kernel.function(
                "int " + sync + "(struct file *file, loff_t start, loff_t end, int datasync)", sync(name, remote));
        var symbol = zfs ? "zpl_file_operations" : name + "_file_operations";
        long[] objects =
                kernel.objects.fileSystem(name, name.equals("xfs") ? "md0" : name, FIRST_DEVICE + mounted.size());
        mounted.put(
                name,
                new FileSystem(
                        name,
                        kernel.vfs.ops(name, symbol, readRoutine, writeRoutine, open, release, true),
                        syncRoutine,
                        objects[0],
                        objects[1],
                        remote));
    }

    private Routine leafOpen(String name, long nanos) {
        return kernel.leaf("int " + name + "(struct inode *inode, struct file *filp)", nanos);
    }

    private Routine passOpen(String name, Routine inner) {
        return kernel.function("int " + name + "(struct inode *inode, struct file *filp)", (task, frame) -> {
            switch (frame.next()) {
                case 0 -> task.work(40);
                case 1 -> task.call(inner, frame.a0, frame.a1);
                default -> task.ret(0);
            }
        });
    }

    private Routine remoteOpen(String name) {
        return kernel.function("int " + name + "(struct inode *inode, struct file *filp)", (task, frame) -> {
            switch (frame.next()) {
                case 0 -> askServer(task);
                case 1 -> waitForServer(task, frame, 1);
                default -> task.ret(0);
            }
        });
    }

    // Asking a server

    private void askServer(Task task) {
        task.timerExpired = false;
        kernel.post(task.timer, kernel.clockNanos() + SERVER_NANOS + kernel.rng.exponential(SERVER_NANOS));
    }

    /** Sleeps in this step until the answer is there; true once it is. */
    private boolean waitForServer(Task task, Frame frame, int step) {
        if (task.timerExpired) {
            return true;
        }
        frame.pc = step;
        kernel.scheduler.callSleep(task, Task.State.UNINTERRUPTIBLE);
        return false;
    }

    /** The steps of a read or write: first the server's answer if there is one, then the page cache. */
    private Body transfer(String name, boolean write, boolean remote, long ownNanos) {
        boolean generic = name.equals("btrfs") && !write;
        return (task, frame) -> {
            switch (frame.next()) {
                case 0 -> {
                    if (remote) {
                        askServer(task);
                    } else {
                        task.spend(ownNanos);
                    }
                }
                case 1 -> {
                    if (remote) {
                        waitForServer(task, frame, 1);
                    }
                }
                case 2 -> {
                    var file = (OpenFile) frame.object();
                    long kiocb = frame.v2;
                    if (write) {
                        kernel.pageCache.callWrite(task, file, frame.v0, frame.v1, kiocb);
                    } else if (generic) {
                        var callee = task.call(kernel.vfs.genericRead, frame.a0, frame.a1);
                        callee.object = file;
                        callee.v0 = frame.v0;
                        callee.v1 = frame.v1;
                    } else {
                        kernel.pageCache.callRead(task, file, frame.v0, frame.v1, kiocb);
                    }
                }
                default -> task.ret(task.result);
            }
        };
    }

    // Bringing files to the disk

    private Body sync(String name, boolean remote) {
        if (remote) {
            return this::remoteSync;
        }
        if (!name.equals("xfs")) {
            return kernel.vfs::syncFile;
        }
        // xfs lies on a mirrored disk, which is told to flush first
        return (task, frame) -> {
            if (frame.pc == 0 && frame.v3 == 0) {
                frame.v3 = 1;
                task.call(flushRequest, 0, mirrorBio);
            } else {
                kernel.vfs.syncFile(task, frame);
            }
        };
    }

    private void remoteSync(Task task, Frame frame) {
        var file = (OpenFile) frame.object();
        var inode = (Inode) file.target;
        switch (frame.next()) {
            case 0 -> {
                frame.v1 = inode.dirty.isEmpty() ? -1 : (long) inode.dirty.nextSetBit(0) << 12;
                frame.v2 = (long) inode.dirty.cardinality() << 12;
                kernel.pageCache.callWritePages(task, inode);
            }
            case 1 -> {
                if (inode.writing > 0) {
                    frame.pc = 1;
                    inode.writeWaiters.add(task);
                    kernel.pageCache.callIoSchedule(task);
                    return;
                }
                inode.writeWaiters.remove(task);
                if (frame.v1 < 0) {
                    frame.pc = 6;
                    return;
                }
                kernel.slab.callAlloc(task, commits);
            }
            case 2 -> {
                frame.v0 = task.result;
                describe(frame.v0, file, frame.v1, frame.v2);
                var callee = task.call(initiateCommit, 0, frame.v0, 0, 0, 0, 0);
                callee.object = file;
                callee.v1 = frame.v1;
                callee.v2 = frame.v2;
            }
            case 3 -> askServer(task);
            case 4 -> {
                if (waitForServer(task, frame, 4)) {
                    var callee = task.call(commitDone, task.local(0x780), frame.v0);
                    callee.object = file;
                    callee.v1 = frame.v1;
                }
            }
            case 5 -> kernel.slab.callFree(task, commits, frame.v0);
            default -> task.ret(0);
        }
    }

    private void describe(long data, OpenFile file, long offset, long count) {
        kernel.objects.set("nfs_commit_data", "args.offset", data, offset);
        kernel.objects.set("nfs_commit_data", "args.count", data, count);
        long context = file.dentry == null ? 0 : file.dentry.address;
        if (openContext == 0) {
            openContext = kernel.objects.make("nfs_open_context");
        }
        kernel.objects.set("nfs_open_context", "dentry", openContext, context);
        kernel.objects.set("nfs_commit_data", "context", data, openContext);
    }

    private long openContext;

    private void initiateCommit(Task task, Frame frame) {
        var file = (OpenFile) frame.object();
        switch (frame.next()) {
            case 0 -> {
                kernel.truth.count("nfs commits", 1);
                if (initiateEvent.active()) {
                    kernel.tracer.raw(initiateEvent, task, frame.a1);
                    kernel.tracer
                            .begin(initiateEvent, task)
                            .num(FIRST_DEVICE)
                            .num(0x1234)
                            .num(((Inode) file.target).number)
                            .num(frame.v1)
                            .num(frame.v2)
                            .fire();
                }
                task.spend(900);
            }
            default -> task.ret(0);
        }
    }

    private void commitDone(Task task, Frame frame) {
        var file = (OpenFile) frame.object();
        switch (frame.next()) {
            case 0 -> {
                if (doneEvent.active()) {
                    kernel.tracer.raw(doneEvent, task, frame.a0, frame.a1);
                    kernel.tracer
                            .begin(doneEvent, task)
                            .num(FIRST_DEVICE)
                            .num(0x1234)
                            .num(((Inode) file.target).number)
                            .num(frame.v1)
                            .num(0)
                            .num(2)
                            .num(0)
                            .fire();
                }
                task.spend(600);
            }
            default -> task.ret(0);
        }
    }

    // Which file system

    /** Names of what is mounted, each at {@code /mnt/} and its name. */
    Iterable<String> names() {
        return mounted.keySet();
    }

    Iterable<FileSystem> all() {
        return mounted.values();
    }

    private @Nullable FileSystem of(Dentry dentry) {
        var below = dentry;
        var name = dentry.name;
        for (var at = dentry; at.parent != null; at = at.parent) {
            name = below.name;
            below = at;
        }
        return below.name.equals("mnt") ? mounted.get(name) : null;
    }

    /** What a regular file does, by the file system that it is on. */
    Vfs.FileOps ops(Dentry dentry) {
        var found = of(dentry);
        return found == null ? kernel.vfs.ext4 : found.ops;
    }

    /** What asks for the attributes of a file, or {@link Routine#NONE} where they are known. */
    Routine getattr(Dentry dentry) {
        var found = of(dentry);
        return found != null && found.remote ? getattr : Routine.NONE;
    }

    /** How a file is brought to the disk. */
    Routine sync(Vfs.FileOps ops) {
        var found = mounted.get(ops.name());
        return found == null ? kernel.vfs.ext4Sync() : found.sync;
    }

    /** The roots of the mounts, once their directories exist. */
    void bootRoots() {
        for (var one : mounted.values()) {
            var root = kernel.vfs.find("/mnt/" + one.name);
            if (root != null) {
                root.inode.on(kernel, one.superBlock, one.mount);
                kernel.objects.rootOf(one.superBlock, one.mount, root);
                root.children.values().forEach(child -> child.inode.on(kernel, one.superBlock, one.mount));
            }
        }
    }
}
