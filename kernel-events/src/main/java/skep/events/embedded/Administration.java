package skep.events.embedded;

import java.util.TreeMap;

/** Mounts, shared memory segments and syncing: what administrators' commands and a few services use. */
final class Administration {
    private static final int EINVAL = 22;
    private static final int IPC_RMID = 0;
    private static final int FIRST_SEGMENT = 7;

    private final EmbeddedKernel kernel;
    final Routine mount;
    private final Routine pathMount;
    final Routine umount;
    final Routine fsopen;
    final Routine fsconfig;
    final Routine fsmount;
    final Routine moveMount;
    final Routine statfs;
    final Routine sync;
    final Routine syncfs;
    final Routine syncFileRange;
    final Routine msync;
    final Routine shmget;
    final Routine shmat;
    final Routine shmdt;
    final Routine shmctl;
    private final Routine iterateSupers;
    private final SlabCache mounts;
    private final SlabCache segmentCache;
    private final TreeMap<Integer, Segment> segments = new TreeMap<>();
    private final TreeMap<String, Mount> mounted = new TreeMap<>();
    private int nextSegment = FIRST_SEGMENT;

    /** A System V shared memory segment. */
    record Segment(int id, long key, long bytes, long address) {}

    /** A file system that was mounted while the model ran. */
    record Mount(String device, String path, String type, long address) {}

    Administration(EmbeddedKernel kernel) {
        this.kernel = kernel;
        mounts = kernel.slab.cache("mnt_cache", kernel.types.sizeBytes("mount"));
        segmentCache = kernel.slab.cache("shmid_kernel", kernel.types.sizeBytes("shmid_kernel"));
        var security = kernel.security;
        pathMount = kernel.function(
                "long path_mount(const char *dev_name, struct path *path, const char *type_page, unsigned long flags, void *data_page)",
                this::mount);
        mount = kernel.function(
                "long do_mount(const char *dev_name, const char *dir_name, const char *type_page, unsigned long flags, void *data_page)",
                (task, frame) -> {
                    switch (frame.next()) {
                        case 0 -> task.spend(800);
                        case 1 -> task.call(pathMount(), frame.a0, frame.a1, frame.a2, frame.a3, frame.a4);
                        default -> task.ret(task.result);
                    }
                });
        umount = kernel.function("int path_umount(struct path *path, int flags)", this::umount);
        fsopen = security.privileged(
                "int do_fsopen(const char *fs_name, unsigned int flags)", Security.CAP_SYS_ADMIN, 6_000, this::fsopen);
        fsconfig = kernel.leaf(
                "int vfs_fsconfig_locked(struct fs_context *fc, int cmd, struct fs_parameter *param)", 3_000);
        fsmount = security.privileged(
                "int do_fsmount(int fs_fd, unsigned int flags, unsigned int attr_flags)",
                Security.CAP_SYS_ADMIN,
                40_000,
                this::fsopen);
        moveMount = kernel.leaf("int do_move_mount(struct path *old_path, struct path *new_path, bool beneath)", 9_000);
        statfs = kernel.leaf("int vfs_statfs(const struct path *path, struct kstatfs *buf)", 700);
        iterateSupers = kernel.leaf("void iterate_supers(void (*f)(struct super_block *, void *), void *arg)", 60_000);
        sync = kernel.function("void ksys_sync(void)", this::sync);
        syncfs = kernel.leaf("int sync_filesystem(struct super_block *sb)", 40_000);
        syncFileRange = kernel.leaf(
                "int ksys_sync_file_range(int fd, loff_t offset, loff_t nbytes, unsigned int flags)", 9_000);
        msync = kernel.function("int do_msync(unsigned long start, size_t len, int flags)", (task, frame) -> {
            if (frame.next() == 0) {
                task.spend(1_500);
            } else {
                task.ret(0);
            }
        });
        shmget = kernel.function("long ksys_shmget(key_t key, size_t size, int shmflg)", this::shmget);
        shmat = kernel.function("long do_shmat(int shmid, char *shmaddr, int shmflg)", this::shmat);
        shmdt = kernel.function("long ksys_shmdt(char *shmaddr)", this::shmdt);
        shmctl = security.privileged(
                "long ksys_shmctl(int shmid, int cmd, struct shmid_ds *buf)",
                Security.CAP_IPC_OWNER,
                1_500,
                this::shmctl);
    }

    private Routine pathMount() {
        return pathMount;
    }

    Iterable<Mount> mounted() {
        return mounted.values();
    }

    private void fsopen(Task task, Frame frame) {
        // a file of its own would need a kind that nobody reads: the number is enough
        task.ret(9);
    }

    private void mount(Task task, Frame frame) {
        switch (frame.next()) {
            case 0 -> kernel.security.callCapable(task, Security.CAP_SYS_ADMIN);
            case 1 -> {
                if (task.result != 0) {
                    task.ret(task.result);
                    return;
                }
                kernel.slab.callAlloc(task, mounts);
            }
            case 2 -> {
                frame.v0 = task.result;
                task.spend(90_000);
            }
            case 3 -> {
                var path = kernel.vfs.userString(frame.a1);
                var earlier = mounted.put(
                        path,
                        new Mount(kernel.vfs.userString(frame.a0), path, kernel.vfs.userString(frame.a2), frame.v0));
                kernel.truth.count("mounts", 1);
                if (earlier != null) {
                    kernel.slab.callFree(task, mounts, earlier.address);
                }
            }
            default -> task.ret(0);
        }
    }

    private void umount(Task task, Frame frame) {
        switch (frame.next()) {
            case 0 -> kernel.security.callCapable(task, Security.CAP_SYS_ADMIN);
            case 1 -> {
                if (task.result != 0) {
                    task.ret(task.result);
                    return;
                }
                task.spend(60_000);
            }
            case 2 -> {
                var gone = mounted.remove(kernel.vfs.userString(frame.a0));
                if (gone == null) {
                    task.ret(-EINVAL);
                    return;
                }
                kernel.slab.callFree(task, mounts, gone.address);
            }
            default -> task.ret(0);
        }
    }

    /** Writes every dirty file back. */
    private void sync(Task task, Frame frame) {
        switch (frame.next()) {
            case 0 -> task.call(iterateSupers, 0, 0);
            default -> {
                var dirty = kernel.pageCache.dirtyInodes().peek();
                if (dirty == null || frame.v0++ > 64) {
                    task.ret(0);
                    return;
                }
                frame.pc = 1;
                kernel.pageCache.callWritePages(task, dirty);
            }
        }
    }

    // Shared memory

    private void shmget(Task task, Frame frame) {
        switch (frame.next()) {
            case 0 -> {
                for (var segment : segments.values()) {
                    if (segment.key == frame.a0 && frame.a0 != 0) {
                        frame.v1 = segment.id;
                        frame.pc = 3;
                        task.spend(600);
                        return;
                    }
                }
                kernel.slab.callAlloc(task, segmentCache);
            }
            case 1 -> {
                frame.v0 = task.result;
                task.spend(2_000);
            }
            case 2 -> {
                var segment = new Segment(nextSegment++, frame.a0, frame.a1, frame.v0);
                segments.put(segment.id, segment);
                frame.v1 = segment.id;
            }
            default -> task.ret(frame.v1);
        }
    }

    private void shmat(Task task, Frame frame) {
        switch (frame.next()) {
            case 0 -> task.spend(900);
            case 1 -> {
                var segment = segments.get((int) frame.a0);
                if (segment == null) {
                    task.ret(-EINVAL);
                    return;
                }
                task.call(kernel.virtualMemory.mmap, 0, segment.bytes, 3, 1, 0, 0);
            }
            default -> task.ret(task.result);
        }
    }

    private void shmdt(Task task, Frame frame) {
        switch (frame.next()) {
            case 0 -> task.call(kernel.virtualMemory.munmap, frame.a0, 4096, 0);
            default -> task.ret(0);
        }
    }

    private void shmctl(Task task, Frame frame) {
        var segment = frame.a1 == IPC_RMID && frame.v1 == 0 ? segments.remove((int) frame.a0) : null;
        if (segment != null) {
            frame.v1 = 1;
            frame.pc = 2;
            kernel.slab.callFree(task, segmentCache, segment.address);
        } else {
            task.ret(frame.v1 == 1 || segments.containsKey((int) frame.a0) ? 0 : -EINVAL);
        }
    }
}
