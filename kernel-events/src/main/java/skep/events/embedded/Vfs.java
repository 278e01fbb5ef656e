package skep.events.embedded;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** Files: the tree of names with its dentry cache, open files, and what reading, writing and opening calls. */
final class Vfs {
    static final int EBADF = 9;
    static final int ENOENT = 2;
    static final int EISDIR = 21;
    private static final int EEXIST = 17;
    private static final int O_CREAT = 0x40;
    private static final long INODE_SECTORS = 1 << 16;
    private static final int AT_REMOVEDIR = 0x200;
    private static final int ENOTDIR = 20;
    /** The inode of {@code /dev/pts/0}. */
    static final long TERMINAL_INODE = 3;

    private final EmbeddedKernel kernel;
    private final SlabCache filp;
    private final SlabCache names;
    private final SlabCache dentries;
    private final SlabCache inodes;
    final Dentry root;
    private long nextInode = 12;
    /** Files below {@code /srv} are on the rotating disk. */
    boolean rotating;

    /**
     * What a kind of file does.
     *
     * @param read {@code f_op->read_iter}: frame object is the file, a0 the kiocb, v0 the position, v1 the count
     * @param write {@code f_op->write_iter}, the same
     * @param open called with inode and file, or {@link Routine#NONE}
     * @param release called with inode and file
     * @param seekable whether the position moves
     * @param table address of its {@code struct file_operations}
     */
    record FileOps(
            String name, Routine read, Routine write, Routine open, Routine release, boolean seekable, long table) {}

    /** A kind of file; the symbol is that of its table of operations. */
    FileOps ops(
            String name, String symbol, Routine read, Routine write, Routine open, Routine release, boolean seekable) {
        return new FileOps(
                name, read, write, open, release, seekable, kernel.objects.fileOperations(kernel, symbol, read, write));
    }

    final Routine ksysRead;
    final Routine ksysWrite;
    final Routine ksysPread;
    final Routine ksysPwrite;
    final Routine doSysOpenat2;
    final Routine closeFd;
    final Routine vfsFstat;
    final Routine vfsFstatat;
    final Routine iterateDirOf;
    final Routine vfsLlseek;
    final Routine doFsync;
    final Routine doUnlinkat;
    final Routine doMkdirat;
    private final Routine vfsRead;
    private final Routine vfsWrite;
    private final Routine innerRead;
    private final Routine innerWrite;
    private final Routine vfsReadv;
    private final Routine vfsWritev;
    final Routine doReadv;
    final Routine doWritev;
    private final Routine vfsFsync;
    private final Routine vfsRmdir;
    private final Routine vfsRename;
    final Routine doRenameat2;
    private final Routine verifyArea;
    private final Routine securityPermission;
    private final Routine getname;
    private final Routine filpOpen;
    private final Routine pathOpenat;
    private final Routine linkPathWalk;
    private final Routine lookupFast;
    private final Routine lookupSlow;
    private final Routine dLookup;
    private final Routine dAlloc;
    private final Routine ext4Lookup;
    private final Routine vfsOpen;
    private final Routine vfsCreate;
    private final Routine fput;
    private final Routine filpClose;
    private final Routine vfsFsyncRange;
    private final Routine ext4SyncFile;
    private final Routine journalCommit;
    private final Routine vfsUnlink;
    private final Routine securityCreate;
    private final Routine ext4Unlink;
    private final Routine evictInode;
    private final Routine freeInode;
    private final Routine vfsMkdir;
    private final Routine vfsGetattr;
    private final Routine vfsStatx;
    private final Routine iterateDir;
    private final Routine ext4Readdir;
    private final Routine ext4AllocInode;

    final FileOps ext4;
    final Routine genericRead;
    final FileOps ext4Directory;
    private final FileOps terminal;
    private final Inode terminalInode;

    Vfs(EmbeddedKernel kernel) {
        this.kernel = kernel;
        filp = kernel.slab.cache("filp", kernel.types.sizeBytes("file"));
        names = kernel.slab.cache("names_cache", 4096);
        dentries = kernel.slab.cache("dentry", kernel.types.sizeBytes("dentry"));
        inodes = kernel.slab.cache("ext4_inode_cache", 1096);
        root = new Dentry("", null, bootInode(true, 4096, false), kernel.slab.take(dentries, 0));
        kernel.objects.root(root);

        ksysRead =
                kernel.function("ssize_t ksys_read(unsigned int fd, char *buf, size_t count)", transfer(false, false));
        ksysWrite = kernel.function(
                "ssize_t ksys_write(unsigned int fd, const char *buf, size_t count)", transfer(true, false));
        ksysPread = kernel.function(
                "ssize_t ksys_pread64(unsigned int fd, char *buf, size_t count, loff_t pos)", transfer(false, true));
        ksysPwrite = kernel.function(
                "ssize_t ksys_pwrite64(unsigned int fd, const char *buf, size_t count, loff_t pos)",
                transfer(true, true));
        vfsRead = kernel.function(
                "ssize_t vfs_read(struct file *file, char *buf, size_t count, loff_t *pos)", this::vfsRead);
        vfsWrite = kernel.function(
                "ssize_t vfs_write(struct file *file, const char *buf, size_t count, loff_t *pos)", this::vfsWrite);
        innerRead = kernel.function(
                "ssize_t __vfs_read(struct file *file, char *buf, size_t count, loff_t *pos)", inner(false));
        innerWrite = kernel.function(
                "ssize_t __vfs_write(struct file *file, const char *buf, size_t count, loff_t *pos)", inner(true));
        vfsReadv = kernel.function(
                "ssize_t vfs_readv(struct file *file, const struct iovec *vec, unsigned long vlen, loff_t *pos, rwf_t flags)",
                vector(false));
        vfsWritev = kernel.function(
                "ssize_t vfs_writev(struct file *file, const struct iovec *vec, unsigned long vlen, loff_t *pos, rwf_t flags)",
                vector(true));
        doReadv = kernel.function(
                "ssize_t do_readv(unsigned long fd, const struct iovec *vec, unsigned long vlen, rwf_t flags)",
                doVector(false));
        doWritev = kernel.function(
                "ssize_t do_writev(unsigned long fd, const struct iovec *vec, unsigned long vlen, rwf_t flags)",
                doVector(true));
        verifyArea = kernel.function(
                "int rw_verify_area(int read_write, struct file *file, const loff_t *ppos, size_t count)",
                this::verifyArea);
        securityPermission = kernel.leaf("int security_file_permission(struct file *file, int mask)", 18);

        doSysOpenat2 = kernel.function(
                "long do_sys_openat2(int dfd, const char *filename, struct open_how *how)", this::doSysOpenat2);
        getname = kernel.function("struct filename *getname_flags(const char *filename, int flags)", this::getname);
        filpOpen = kernel.function(
                "struct file *do_filp_open(int dfd, struct filename *pathname, const struct open_flags *op)",
                this::filpOpen);
        pathOpenat = kernel.function(
                "struct file *path_openat(struct nameidata *nd, const struct open_flags *op, unsigned int flags)",
                this::pathOpenat);
        linkPathWalk =
                kernel.function("int link_path_walk(const char *name, struct nameidata *nd)", this::linkPathWalk);
        lookupFast = kernel.function("struct dentry *lookup_fast(struct nameidata *nd)", (task, frame) -> {
            if (frame.next() == 0) {
                task.spend(45);
            } else {
                task.ret(frame.object == null ? 0 : ((Dentry) frame.object()).address);
            }
        });
        lookupSlow = kernel.function(
                "struct dentry *lookup_slow(const struct qstr *name, struct dentry *dir, unsigned int flags)",
                this::lookupSlow);
        dLookup = kernel.leaf("struct dentry *d_lookup(const struct dentry *parent, const struct qstr *name)", 70);
        dAlloc =
                kernel.function("struct dentry *d_alloc(struct dentry *parent, const struct qstr *name)", this::dAlloc);
        ext4Lookup = kernel.leaf(
                "struct dentry *ext4_lookup(struct inode *dir, struct dentry *dentry, unsigned int flags)", 1900);
        vfsOpen = kernel.function("int vfs_open(const struct path *path, struct file *file)", this::vfsOpen);
        securityCreate =
                kernel.leaf("int security_inode_create(struct inode *dir, struct dentry *dentry, umode_t mode)", 30);
        vfsCreate = kernel.leaf(
                "int vfs_create(struct mnt_idmap *idmap, struct inode *dir, struct dentry *dentry, umode_t mode, bool want_excl)",
                2600);
        closeFd = kernel.function("int close_fd(unsigned int fd)", this::closeFd);
        filpClose = kernel.function("int filp_close(struct file *filp, fl_owner_t id)", this::filpClose);
        fput = kernel.function("void __fput(struct file *file)", this::doFput);
        doFsync = kernel.function("int do_fsync(unsigned int fd, int datasync)", this::doFsync);
        vfsFsync = kernel.function("int vfs_fsync(struct file *file, int datasync)", this::vfsFsync);
        vfsFsyncRange = kernel.function(
                "int vfs_fsync_range(struct file *file, loff_t start, loff_t end, int datasync)", this::vfsFsyncRange);
        ext4SyncFile = kernel.function(
                "int ext4_sync_file(struct file *file, loff_t start, loff_t end, int datasync)", this::syncFile);
        journalCommit = kernel.leaf("int ext4_fc_commit(journal_t *journal, tid_t commit_tid)", 4200);
        doUnlinkat = kernel.function("int do_unlinkat(int dfd, struct filename *name)", this::doUnlinkat);
        vfsUnlink = kernel.function(
                "int vfs_unlink(struct mnt_idmap *idmap, struct inode *dir, struct dentry *dentry, struct inode **delegated_inode)",
                this::vfsUnlink);
        ext4Unlink = kernel.leaf("int ext4_unlink(struct inode *dir, struct dentry *dentry)", 3100);
        evictInode = kernel.function("void ext4_evict_inode(struct inode *inode)", this::evictInode);
        freeInode = kernel.function("void ext4_free_in_core_inode(struct inode *inode)", (task, frame) -> {
            if (frame.next() == 0) {
                kernel.slab.callFree(task, inodes, ((Inode) frame.object()).address);
            } else {
                task.ret(0);
            }
        });
        doMkdirat = kernel.function("int do_mkdirat(int dfd, struct filename *name, umode_t mode)", this::doMkdirat);
        vfsMkdir = kernel.leaf(
                "int vfs_mkdir(struct mnt_idmap *idmap, struct inode *dir, struct dentry *dentry, umode_t mode)", 3800);
        vfsRmdir = kernel.function(
                "int vfs_rmdir(struct mnt_idmap *idmap, struct inode *dir, struct dentry *dentry)", this::vfsUnlink);
        vfsRename = kernel.leaf("int vfs_rename(struct renamedata *rd)", 6_500);
        doRenameat2 = kernel.function(
                "int do_renameat2(int olddfd, struct filename *from, int newdfd, struct filename *to, unsigned int flags)",
                this::doRenameat2);
        vfsFstat = kernel.function("int vfs_fstat(int fd, struct kstat *stat)", this::vfsFstat);
        vfsFstatat = kernel.function(
                "int vfs_fstatat(int dfd, const char *filename, struct kstat *stat, int flags)", this::vfsFstatat);
        vfsStatx = kernel.function(
                "int vfs_statx(int dfd, struct filename *filename, int flags, struct kstat *stat, u32 request_mask)",
                this::vfsStatx);
        vfsGetattr = kernel.function(
                "int vfs_getattr(const struct path *path, struct kstat *stat, u32 request_mask, unsigned int query_flags)",
                this::vfsGetattr);
        iterateDirOf = kernel.function(
                "int ksys_getdents64(unsigned int fd, struct linux_dirent64 *dirent, unsigned int count)",
                this::getdents);
        iterateDir = kernel.function("int iterate_dir(struct file *file, struct dir_context *ctx)", this::iterateDir);
        ext4Readdir = kernel.leaf("int ext4_readdir(struct file *file, struct dir_context *ctx)", 700);
        vfsLlseek = kernel.function("loff_t vfs_llseek(unsigned int fd, loff_t offset, int whence)", this::vfsLlseek);
        ext4AllocInode = kernel.function("struct inode *ext4_alloc_inode(struct super_block *sb)", (task, frame) -> {
            if (frame.next() == 0) {
                kernel.slab.callAllocLru(task, inodes);
            } else {
                task.ret(task.result);
            }
        });

        genericRead = kernel.function(
                "ssize_t generic_file_read_iter(struct kiocb *iocb, struct iov_iter *iter)", (task, frame) -> {
                    if (frame.next() == 0) {
                        kernel.pageCache.callRead(task, (OpenFile) frame.object(), frame.v0, frame.v1, frame.a0);
                    } else {
                        task.ret(task.result);
                    }
                });
        var ext4Read = kernel.function(
                "ssize_t ext4_file_read_iter(struct kiocb *iocb, struct iov_iter *to)", (task, frame) -> {
                    switch (frame.next()) {
                        case 0 -> task.work(25);
                        case 1 -> pass(frame, task.call(genericRead, frame.a0, frame.a1));
                        default -> task.ret(task.result);
                    }
                });
        var ext4Write = kernel.function(
                "ssize_t ext4_file_write_iter(struct kiocb *iocb, struct iov_iter *from)", (task, frame) -> {
                    switch (frame.next()) {
                        case 0 -> task.work(40);
                        case 1 ->
                            kernel.pageCache.callWrite(task, (OpenFile) frame.object(), frame.v0, frame.v1, frame.a0);
                        default -> task.ret(task.result);
                    }
                });
        var ext4Open = kernel.leaf("int ext4_file_open(struct inode *inode, struct file *filp)", 110);
        var ext4Release = kernel.leaf("int ext4_release_file(struct inode *inode, struct file *filp)", 70);
        ext4 = ops("ext4", "ext4_file_operations", ext4Read, ext4Write, ext4Open, ext4Release, true);
        var dirOpen = kernel.leaf("int dcache_dir_open(struct inode *inode, struct file *file)", 60);
        var dirRelease = kernel.leaf("int ext4_release_dir(struct inode *inode, struct file *filp)", 60);
        ext4Directory = ops("directory", "ext4_dir_operations", ext4Read, ext4Write, dirOpen, dirRelease, true);

        var ttyRead = kernel.function("ssize_t tty_read(struct kiocb *iocb, struct iov_iter *to)", moves(900));
        var ttyWrite =
                kernel.function("ssize_t tty_write(struct kiocb *iocb, struct iov_iter *from)", (task, frame) -> {
                    switch (frame.next()) {
                        case 0 -> kernel.mutexes.callLockTerminal(task);
                        case 1 -> task.spend(2200);
                        case 2 -> kernel.mutexes.callUnlockTerminal(task);
                        default -> task.ret(frame.v1);
                    }
                });
        var ttyRelease = kernel.leaf("int tty_release(struct inode *inode, struct file *filp)", 400);
        terminal = ops("tty", "tty_fops", ttyRead, ttyWrite, Routine.NONE, ttyRelease, false);
        terminalInode = new Inode(
                kernel, TERMINAL_INODE, kernel.slab.take(inodes, 0), 0020620, 0, TERMINAL_INODE * INODE_SECTORS);
    }

    /** A transfer that takes time and moves all bytes. */
    private Body moves(long typicalNanos) {
        return (task, frame) -> {
            if (frame.next() == 0) {
                task.spend(typicalNanos);
            } else {
                task.ret(frame.v1);
            }
        };
    }

    // The tree, before the clock starts

    private Inode bootInode(boolean directory, long sizeBytes, boolean onRotating) {
        long number = nextInode++;
        long sector = number * INODE_SECTORS + (onRotating ? Disk.ROTATING_BASE : 0);
        return new Inode(kernel, number, kernel.slab.take(inodes, 0), directory, sizeBytes, sector);
    }

    /** Creates a file with its directories. */
    Dentry bootFile(String path, long sizeBytes) {
        var at = root;
        var parts = path.substring(1).split("/");
        for (int i = 0; i < parts.length; i++) {
            var parent = at;
            boolean last = i == parts.length - 1;
            var found = parent.children.get(parts[i]);
            if (found == null) {
                found = new Dentry(
                        parts[i],
                        parent,
                        bootInode(!last, last ? sizeBytes : 4096, rotating && parts[0].equals("srv")),
                        0);
                parent.children.put(parts[i], found);
                found.inode.on(kernel, parent.inode.superBlock, parent.inode.mount);
            }
            at = found;
        }
        return at;
    }

    /** Standard input, output and error of a process that exists from the start. */
    OpenFile bootDevice(int pid) {
        return new OpenFile(kernel, kernel.slab.take(filp, pid), terminal, terminalInode, null, 2);
    }

    @Nullable
    Dentry find(String path) {
        Dentry at = root;
        for (var part : path.substring(1).split("/")) {
            if (part.isEmpty()) {
                continue;
            }
            at = at.children.get(part);
            if (at == null) {
                return null;
            }
        }
        return at;
    }

    String userString(long address) {
        var one = new byte[1];
        var text = new StringBuilder();
        while (text.length() < 255 && kernel.userMemory.read(address + text.length(), one, 1) && one[0] != 0) {
            text.append((char) one[0]);
        }
        return text.toString();
    }

    // Reading and writing

    private static void pass(Frame from, Frame to) {
        to.object = from.object;
        to.v0 = from.v0;
        to.v1 = from.v1;
    }

    private Body transfer(boolean write, boolean positioned) {
        return (task, frame) -> {
            switch (frame.next()) {
                case 0 -> task.work(22);
                case 1 -> {
                    var file = task.process.file(frame.a0);
                    if (file == null) {
                        task.ret(-EBADF);
                        return;
                    }
                    frame.object = file;
                    var callee = task.call(
                            write ? vfsWrite : vfsRead, file.address, frame.a1, frame.a2, file.positionAddress);
                    callee.object = file;
                    callee.v0 = positioned ? frame.a3 : file.position;
                }
                case 2 -> {
                    var file = (OpenFile) frame.object();
                    if (!positioned && task.result > 0 && file.ops.seekable()) {
                        file.position += task.result;
                        kernel.memory.putLong(file.positionAddress, file.position);
                    }
                    frame.v0 = task.result;
                    task.work(15);
                }
                default -> task.ret(frame.v0);
            }
        };
    }

    private void vfsRead(Task task, Frame frame) {
        switch (frame.next()) {
            case 0 -> {
                kernel.truth.reads++;
                task.call(verifyArea, 0, frame.a0, frame.a3, frame.a2).object = frame.object;
            }
            case 1 -> {
                var file = (OpenFile) frame.object();
                if (file.target instanceof Inode inode && inode.directory) {
                    task.ret(-EISDIR);
                    return;
                }
                callInner(task, frame, innerRead);
            }
            case 2 -> {
                frame.v3 = task.result;
                if (task.result > 0) {
                    kernel.truth.bytesRead += task.result;
                }
                task.work(18);
            }
            default -> task.ret(frame.v3);
        }
    }

    private void vfsWrite(Task task, Frame frame) {
        switch (frame.next()) {
            case 0 -> {
                kernel.truth.writes++;
                task.call(verifyArea, 1, frame.a0, frame.a3, frame.a2).object = frame.object;
            }
            case 1 -> callInner(task, frame, innerWrite);
            case 2 -> {
                frame.v3 = task.result;
                if (task.result > 0) {
                    kernel.truth.bytesWritten += task.result;
                }
                task.work(18);
            }
            default -> task.ret(frame.v3);
        }
    }

    private void callInner(Task task, Frame frame, Routine inner) {
        pass(frame, task.call(inner, frame.a0, frame.a1, frame.a2, frame.a3));
    }

    /** The file's own operation; the byte range is v0 and a2. */
    private Body inner(boolean write) {
        return (task, frame) -> {
            if (frame.next() == 0) {
                transferTo(task, frame, write, 0);
            } else {
                task.ret(task.result);
            }
        };
    }

    /**
     * Calls the operation of a kind of file.
     *
     * @param vector address of an {@code struct iovec} in kernel memory, or 0
     */
    private void transferTo(Task task, Frame frame, boolean write, long vector) {
        var file = (OpenFile) frame.object();
        var operation = write ? file.ops.write() : file.ops.read();
        long kiocb = task.local(0xd00);
        kernel.objects.kiocb(kiocb, file, frame.v0);
        kernel.objects.iterator(kiocb + 64, frame.a1, frame.a2, write, vector);
        // the operations of zfs take the file and the user's buffer
        var callee = file.ops.name().equals("zfs")
                ? task.call(operation, file.address, frame.a1, frame.a2, file.positionAddress)
                : task.call(operation, kiocb, kiocb + 64);
        callee.object = file;
        callee.v0 = frame.v0;
        callee.v1 = frame.a2;
        callee.v2 = kiocb;
    }

    /** {@code readv} and {@code writev}: the first of the user's buffers stands for all. */
    private Body doVector(boolean write) {
        return (task, frame) -> {
            switch (frame.next()) {
                case 0 -> task.work(30);
                case 1 -> {
                    var file = task.process.file(frame.a0);
                    if (file == null) {
                        task.ret(-EBADF);
                        return;
                    }
                    frame.object = file;
                    var callee = task.call(
                            write ? vfsWritev : vfsReadv, file.address, frame.a1, frame.a2, file.positionAddress, 0);
                    callee.object = file;
                    callee.v0 = file.position;
                }
                default -> {
                    var file = (OpenFile) frame.object();
                    if (task.result > 0 && file.ops.seekable()) {
                        file.position += task.result;
                    }
                    task.ret(task.result);
                }
            }
        };
    }

    private Body vector(boolean write) {
        return (task, frame) -> {
            switch (frame.next()) {
                case 0 -> task.call(verifyArea, write ? 1 : 0, frame.a0, frame.a3, 0).object = frame.object;
                case 1 -> {
                    var user = new byte[16];
                    kernel.userMemory.read(frame.a1, user, 16);
                    var words = java.nio.ByteBuffer.wrap(user)
                            .order(java.nio.ByteOrder.LITTLE_ENDIAN)
                            .asLongBuffer();
                    long copy = task.local(0xcc0);
                    kernel.memory.putLong(copy, words.get(0));
                    kernel.memory.putLong(copy + 8, words.get(1));
                    frame.a1 = words.get(0);
                    frame.a2 = words.get(1);
                    transferTo(task, frame, write, copy);
                }
                default -> {
                    if (task.result > 0) {
                        count(write, task.result);
                    }
                    task.ret(task.result);
                }
            }
        };
    }

    private void count(boolean write, long bytes) {
        if (write) {
            kernel.truth.bytesWritten += bytes;
        } else {
            kernel.truth.bytesRead += bytes;
        }
    }

    private void verifyArea(Task task, Frame frame) {
        switch (frame.next()) {
            case 0 -> task.call(securityPermission, frame.a1, frame.a0 == 0 ? 4 : 2);
            default -> task.ret(0);
        }
    }

    // Opening and closing

    private void doSysOpenat2(Task task, Frame frame) {
        switch (frame.next()) {
            case 0 -> task.call(getname, frame.a1, 0);
            case 1 -> {
                frame.v0 = task.result;
                var callee = task.call(filpOpen, frame.a0, frame.v0, task.local(0xe00));
                callee.object = userString(frame.a1);
                callee.v0 = frame.a2;
            }
            case 2 -> {
                frame.v1 = task.result;
                if (task.resultObject instanceof OpenFile file) {
                    frame.v1 = task.process.install(file);
                }
                kernel.slab.callFree(task, names, frame.v0);
            }
            default -> task.ret(frame.v1);
        }
    }

    private void getname(Task task, Frame frame) {
        switch (frame.next()) {
            case 0 -> kernel.slab.callAlloc(task, names);
            case 1 -> {
                frame.v0 = task.result;
                // struct filename holds the pointer to the text, which follows it
                kernel.memory.putLong(frame.v0, frame.v0 + 32);
                var text = userString(frame.a0).getBytes(java.nio.charset.StandardCharsets.UTF_8);
                kernel.memory.putBytes(frame.v0 + 32, java.util.Arrays.copyOf(text, text.length + 1));
                task.work(60);
            }
            default -> task.ret(frame.v0);
        }
    }

    private void filpOpen(Task task, Frame frame) {
        switch (frame.next()) {
            case 0 -> {
                var callee = task.call(pathOpenat, task.local(0xe80), frame.a2, 0x41);
                callee.object = frame.object;
                callee.v0 = frame.v0;
            }
            default -> task.ret(task.result);
        }
    }

    private void pathOpenat(Task task, Frame frame) {
        switch (frame.next()) {
            case 0 -> kernel.slab.callAlloc(task, filp);
            case 1 -> {
                frame.v1 = task.result;
                task.call(linkPathWalk, 0, frame.a0).object = frame.object;
            }
            case 2 -> {
                frame.other = task.resultObject;
                if (frame.other != null) {
                    frame.pc = 6;
                    return;
                }
                if ((frame.v0 & O_CREAT) == 0) {
                    frame.pc = 9;
                    kernel.slab.callFree(task, filp, frame.v1);
                    return;
                }
                frame.v2 = 1;
                task.call(ext4AllocInode, kernel.objects.superBlock);
            }
            case 3 -> {
                var created = create((String) frame.object(), task.result);
                frame.other = created;
                task.call(dAlloc, Objects.requireNonNull(created.parent).address, 0).object = created;
            }
            case 4 -> {
                var created = (Dentry) Objects.requireNonNull(frame.other);
                long directory = Objects.requireNonNull(created.parent).inode.address;
                task.call(securityCreate, directory, created.address, 0100644);
            }
            case 5 -> {
                var created = (Dentry) Objects.requireNonNull(frame.other);
                if (created.address == 0) {
                    // taken away again already
                    return;
                }
                long directory = Objects.requireNonNull(created.parent).inode.address;
                task.call(vfsCreate, 0, directory, created.address, 0100644, 1);
            }
            case 6 -> {
                var dentry = (Dentry) Objects.requireNonNull(frame.other);
                var ops = dentry.inode.directory ? ext4Directory : kernel.fileSystems.ops(dentry);
                var file = new OpenFile(kernel, frame.v1, ops, dentry.inode, dentry, (int) frame.v0, frame.v2 == 1);
                frame.object = file;
                dentry.inode.opened++;
                kernel.objects.path(task.local(0xf00), file);
                task.call(vfsOpen, task.local(0xf00), file.address).object = file;
            }
            case 7 -> {
                task.resultObject = frame.object;
                task.ret(frame.v1);
            }
            default -> {
                task.resultObject = null;
                task.ret(-ENOENT);
            }
        }
    }

    private Dentry create(String path, long inodeAddress) {
        return create(path, inodeAddress, 0100644);
    }

    private Dentry create(String path, long inodeAddress, int mode) {
        var full = path.startsWith("/") ? path : "/" + path;
        int slash = full.lastIndexOf('/');
        var directory = slash == 0 ? root : Objects.requireNonNullElse(find(full.substring(0, slash)), root);
        long number = nextInode++;
        var inode = new Inode(kernel, number, inodeAddress, mode, 0, number * INODE_SECTORS);
        inode.on(kernel, directory.inode.superBlock, directory.inode.mount);
        var dentry = new Dentry(full.substring(slash + 1), directory, inode, 0);
        directory.children.put(dentry.name, dentry);
        return dentry;
    }

    /** Walks a path: component by component, in the dentry cache or through the file system. Result object: the dentry. */
    private void linkPathWalk(Task task, Frame frame) {
        var path = (String) frame.object();
        switch (frame.next()) {
            case 0 -> {
                frame.other = root;
                frame.v0 = path.startsWith("/") ? 1 : 0;
                task.work(30);
            }
            case 1 -> {
                if (frame.other == null || frame.v0 >= path.length()) {
                    frame.pc = 4;
                    return;
                }
                int end = path.indexOf('/', (int) frame.v0);
                end = end < 0 ? path.length() : end;
                frame.v1 = end + 1;
                var directory = (Dentry) frame.other;
                var child = directory.children.get(path.substring((int) frame.v0, end));
                frame.v2 = child == null ? 0 : 1;
                frame.object = path;
                frame.other = child == null ? directory : child;
                task.call(lookupFast, frame.a1).object = child != null && child.address != 0 ? child : null;
            }
            case 2 -> {
                frame.v3 = frame.v0;
                frame.v0 = frame.v1;
                if (frame.v2 == 0) {
                    var missing = path.substring((int) frame.v3, Math.max((int) frame.v3, (int) frame.v1 - 1));
                    task.call(
                            lookupSlow,
                            kernel.objects.name(task.local(0xec0), missing),
                            ((Dentry) java.util.Objects.requireNonNull(frame.other)).address,
                            0);
                    frame.other = null;
                    return;
                }
                var child = (Dentry) java.util.Objects.requireNonNull(frame.other);
                if (child.address == 0) {
                    long directory = child.parent == null ? 0 : child.parent.address;
                    task.call(lookupSlow, kernel.objects.name(task.local(0xec0), child.name), directory, 0).object =
                            child;
                }
            }
            case 3 -> frame.pc = 1;
            default -> {
                task.resultObject = frame.other;
                task.ret(frame.other == null ? -ENOENT : 0);
            }
        }
    }

    private void lookupSlow(Task task, Frame frame) {
        switch (frame.next()) {
            case 0 -> task.call(dLookup, frame.a1, frame.a0);
            case 1 -> task.call(ext4Lookup, 0, 0, frame.a2);
            case 2 -> {
                if (frame.object != null) {
                    task.call(dAlloc, frame.a1, frame.a0).object = frame.object;
                }
            }
            default -> task.ret(frame.object == null ? 0 : ((Dentry) frame.object()).address);
        }
    }

    private void dAlloc(Task task, Frame frame) {
        switch (frame.next()) {
            case 0 -> kernel.slab.callAllocLru(task, dentries);
            case 1 -> {
                var dentry = (Dentry) frame.object();
                frame.v0 = task.result;
                if (dentry.address != 0) {
                    // two looked it up at the same time
                    kernel.slab.callFree(task, dentries, frame.v0);
                    return;
                }
                dentry.address = frame.v0;
                kernel.objects.dentry(dentry);
                task.work(50);
            }
            default -> task.ret(((Dentry) frame.object()).address);
        }
    }

    private void vfsOpen(Task task, Frame frame) {
        var file = (OpenFile) frame.object();
        switch (frame.next()) {
            case 0 -> {
                kernel.truth.opens++;
                task.work(60);
            }
            case 1 -> {
                if (file.ops.open() != Routine.NONE) {
                    task.call(file.ops.open(), ((Inode) file.target).address, file.address).object = file;
                }
            }
            default -> task.ret(0);
        }
    }

    private void closeFd(Task task, Frame frame) {
        switch (frame.next()) {
            case 0 -> {
                var file = task.process.file(frame.a0);
                if (file == null) {
                    task.ret(-EBADF);
                    return;
                }
                task.process.files.set((int) frame.a0, null);
                frame.object = file;
                task.work(40);
            }
            case 1 -> callRelease(task, (OpenFile) frame.object());
            default -> task.ret(0);
        }
    }

    /** Gives up a reference of a file; the last one frees it. */
    void callRelease(Task task, OpenFile file) {
        task.call(filpClose, file.address, 0).object = file;
    }

    private void filpClose(Task task, Frame frame) {
        var file = (OpenFile) frame.object();
        switch (frame.next()) {
            case 0 -> task.work(30);
            case 1 -> {
                if (--file.references == 0) {
                    task.call(fput, file.address).object = file;
                }
            }
            default -> task.ret(0);
        }
    }

    private void doFput(Task task, Frame frame) {
        var file = (OpenFile) frame.object();
        switch (frame.next()) {
            case 0 -> task.work(40);
            case 1 ->
                task.call(file.ops.release(), file.target instanceof Inode inode ? inode.address : 0, file.address)
                        .object = file;
            case 2 -> kernel.slab.callFree(task, filp, file.address);
            case 3 -> {
                if (file.dentry != null
                        && file.target instanceof Inode inode
                        && --inode.opened == 0
                        && inode.links == 0) {
                    callEvict(task, inode);
                }
            }
            default -> task.ret(0);
        }
    }

    /** A new open file without a name: a pipe end or socket. */
    void callAllocFile(Task task) {
        kernel.slab.callAlloc(task, filp);
    }

    // Everything else

    private void vfsLlseek(Task task, Frame frame) {
        var file = task.process.file(frame.a0);
        if (file == null) {
            task.ret(-EBADF);
        } else if (frame.next() == 0) {
            task.work(40);
        } else {
            long base = frame.a2 == 1
                    ? file.position
                    : frame.a2 == 2 && file.target instanceof Inode inode ? inode.sizeBytes : 0;
            file.position = base + frame.a1;
            task.ret(file.position);
        }
    }

    private void doFsync(Task task, Frame frame) {
        switch (frame.next()) {
            case 0 -> {
                var file = task.process.file(frame.a0);
                if (file == null) {
                    task.ret(-EBADF);
                    return;
                }
                task.call(vfsFsync, file.address, frame.a1).object = file;
            }
            default -> task.ret(task.result);
        }
    }

    private void vfsFsync(Task task, Frame frame) {
        if (frame.next() == 0) {
            task.call(vfsFsyncRange, frame.a0, 0, Long.MAX_VALUE, frame.a1).object = frame.object;
        } else {
            task.ret(task.result);
        }
    }

    private void vfsFsyncRange(Task task, Frame frame) {
        switch (frame.next()) {
            case 0 -> {
                kernel.truth.syncs++;
                var file = (OpenFile) frame.object();
                if (!(file.target instanceof Inode)) {
                    task.ret(-22);
                    return;
                }
                task.call(kernel.fileSystems.sync(file.ops), frame.a0, frame.a1, frame.a2, frame.a3).object = file;
            }
            default -> task.ret(task.result);
        }
    }

    Routine ext4Sync() {
        return ext4SyncFile;
    }

    /** The steps of {@code fsync} on any file system: write the pages, wait for them, commit the journal. */
    void syncFile(Task task, Frame frame) {
        var inode = (Inode) ((OpenFile) frame.object()).target;
        switch (frame.next()) {
            case 0 -> kernel.pageCache.callWritePages(task, inode);
            case 1 -> {
                if (inode.writing > 0) {
                    frame.pc = 1;
                    inode.writeWaiters.add(task);
                    kernel.pageCache.callIoSchedule(task);
                    return;
                }
                inode.writeWaiters.remove(task);
                task.call(journalCommit, 0, 0);
            }
            default -> task.ret(0);
        }
    }

    private void doUnlinkat(Task task, Frame frame) {
        switch (frame.next()) {
            case 0 -> task.call(getname, frame.a1, 0);
            case 1 -> {
                frame.v0 = task.result;
                task.call(linkPathWalk, frame.v0 + 32, task.local(0xe80)).object = userString(frame.a1);
            }
            case 2 -> {
                frame.v1 = -ENOENT;
                if (task.resultObject instanceof Dentry dentry && dentry.parent != null) {
                    boolean directory = (frame.a2 & AT_REMOVEDIR) != 0;
                    if (directory != dentry.inode.directory || !dentry.children.isEmpty()) {
                        frame.v1 = directory ? -ENOTDIR : -EISDIR;
                        return;
                    }
                    frame.v1 = 0;
                    task.call(directory ? vfsRmdir : vfsUnlink, 0, dentry.parent.inode.address, dentry.address, 0)
                            .object = dentry;
                }
            }
            case 3 -> kernel.slab.callFree(task, names, frame.v0);
            default -> task.ret(frame.v1);
        }
    }

    private void vfsUnlink(Task task, Frame frame) {
        var dentry = (Dentry) frame.object();
        switch (frame.next()) {
            case 0 -> task.call(ext4Unlink, frame.a1, frame.a2);
            case 1 -> {
                if (dentry.parent != null) {
                    dentry.parent.children.remove(dentry.name, dentry);
                }
                dentry.inode.links--;
                frame.v0 = 1;
                if (dentry.address != 0) {
                    long address = dentry.address;
                    dentry.address = 0;
                    kernel.slab.callFree(task, dentries, address);
                }
            }
            case 2 -> {
                if (dentry.inode.opened == 0) {
                    callEvict(task, dentry.inode);
                }
            }
            default -> task.ret(0);
        }
    }

    private void callEvict(Task task, Inode inode) {
        task.call(evictInode, inode.address).object = inode;
    }

    /** Forgets the pages of a file that is gone, then its inode after a grace period. */
    private void evictInode(Task task, Frame frame) {
        var inode = (Inode) frame.object();
        switch (frame.next()) {
            case 0 -> {
                inode.scan = 0;
                task.spend(600);
            }
            case 1 -> {
                if (inode.writing > 0 || !inode.reading.isEmpty()) {
                    // whoever waits for the disk still has it
                    frame.pc = 3;
                    return;
                }
                frame.pc = kernel.pageCache.callRemoveAny(task, inode) ? 1 : 2;
            }
            case 2 -> {
                kernel.interrupts.callRcu(task.cpu, freeInode, inode);
                task.work(40);
            }
            default -> task.ret(0);
        }
    }

    private void doMkdirat(Task task, Frame frame) {
        switch (frame.next()) {
            case 0 -> task.call(getname, frame.a1, 0);
            case 1 -> {
                frame.v0 = task.result;
                if (find(userString(frame.a1)) != null) {
                    frame.v1 = -EEXIST;
                    frame.pc = 4;
                    return;
                }
                task.call(ext4AllocInode, kernel.objects.superBlock);
            }
            case 2 -> {
                var made = create(userString(frame.a1), task.result, 0040000 | (int) frame.a2 & 07777);
                frame.other = made;
                task.call(dAlloc, Objects.requireNonNull(made.parent).address, 0).object = made;
            }
            case 3 -> {
                var made = (Dentry) Objects.requireNonNull(frame.other);
                long directory = Objects.requireNonNull(made.parent).inode.address;
                task.call(vfsMkdir, 0, directory, made.address, frame.a2);
            }
            case 4 -> kernel.slab.callFree(task, names, frame.v0);
            default -> task.ret(frame.v1);
        }
    }

    /** Gives a file another name; what had the name is gone. */
    private void doRenameat2(Task task, Frame frame) {
        switch (frame.next()) {
            case 0 -> task.spend(900);
            case 1 -> task.call(linkPathWalk, frame.a1, task.local(0xe80)).object = userString(frame.a1);
            case 2 -> {
                if (!(task.resultObject instanceof Dentry from) || from.parent == null) {
                    task.ret(-ENOENT);
                    return;
                }
                frame.object = from;
                var path = userString(frame.a3);
                int slash = path.lastIndexOf('/');
                var directory = Objects.requireNonNullElse(find(path.substring(0, Math.max(1, slash))), root);
                var to = new Dentry(path.substring(slash + 1), directory, from.inode, 0);
                frame.other = to;
                task.call(dAlloc, directory.address, 0).object = to;
            }
            case 3 -> {
                var from = (Dentry) frame.object();
                var to = (Dentry) Objects.requireNonNull(frame.other);
                task.call(vfsRename, kernel.objects.renaming(task.local(0xe00), from, to)).v0 = 0;
            }
            case 4 -> {
                var from = (Dentry) frame.object();
                var to = (Dentry) Objects.requireNonNull(frame.other);
                if (from.parent != null) {
                    from.parent.children.remove(from.name, from);
                }
                var replaced = Objects.requireNonNull(to.parent).children.put(to.name, to);
                frame.object = replaced == null ? from : replaced;
                long address = from.address;
                from.address = 0;
                if (address != 0) {
                    kernel.slab.callFree(task, dentries, address);
                }
            }
            case 5 -> {
                var to = (Dentry) Objects.requireNonNull(frame.other);
                if (frame.object() instanceof Dentry replaced && replaced.inode != to.inode) {
                    long address = replaced.address;
                    replaced.address = 0;
                    replaced.inode.links--;
                    if (address != 0) {
                        kernel.slab.callFree(task, dentries, address);
                    }
                }
            }
            case 6 -> {
                var to = (Dentry) Objects.requireNonNull(frame.other);
                if (frame.object() instanceof Dentry replaced
                        && replaced.inode != to.inode
                        && replaced.inode.links <= 0
                        && replaced.inode.opened == 0) {
                    callEvict(task, replaced.inode);
                }
            }
            default -> task.ret(0);
        }
    }

    private void vfsFstat(Task task, Frame frame) {
        switch (frame.next()) {
            case 0 -> {
                var file = task.process.file(frame.a0);
                if (file == null) {
                    task.ret(-EBADF);
                    return;
                }
                kernel.objects.path(task.local(0xf00), file);
                task.call(vfsGetattr, task.local(0xf00), frame.a1, 0x7ff, 0).object = file.dentry;
            }
            default -> task.ret(0);
        }
    }

    private void vfsFstatat(Task task, Frame frame) {
        switch (frame.next()) {
            case 0 -> task.call(getname, frame.a1, 0);
            case 1 -> {
                frame.v0 = task.result;
                task.call(vfsStatx, frame.a0, frame.v0, frame.a3, frame.a2, 0x7ff).object = userString(frame.a1);
            }
            case 2 -> {
                frame.v1 = task.result;
                kernel.slab.callFree(task, names, frame.v0);
            }
            default -> task.ret(frame.v1);
        }
    }

    private void vfsStatx(Task task, Frame frame) {
        switch (frame.next()) {
            case 0 -> task.call(linkPathWalk, frame.a1 + 32, task.local(0xe80)).object = frame.object;
            case 1 -> {
                if (task.resultObject == null) {
                    task.ret(-ENOENT);
                    return;
                }
                frame.other = task.resultObject;
                kernel.objects.path(task.local(0xf00), (Dentry) task.resultObject);
                task.call(vfsGetattr, task.local(0xf00), frame.a3, frame.a4, 0).object = frame.other;
            }
            default -> task.ret(0);
        }
    }

    private void vfsGetattr(Task task, Frame frame) {
        switch (frame.next()) {
            case 0 -> task.spend(50);
            case 1 -> {
                var ask = frame.object instanceof Dentry dentry ? kernel.fileSystems.getattr(dentry) : Routine.NONE;
                if (ask != Routine.NONE) {
                    task.call(ask, 0, frame.a0, frame.a1, frame.a2, frame.a3);
                }
            }
            default -> task.ret(0);
        }
    }

    private void getdents(Task task, Frame frame) {
        switch (frame.next()) {
            case 0 -> {
                var file = task.process.file(frame.a0);
                if (file == null || file.dentry == null) {
                    task.ret(-EBADF);
                    return;
                }
                frame.object = file;
                task.call(iterateDir, file.address, task.local(0xf80));
            }
            default -> {
                var file = (OpenFile) frame.object();
                int entries = Objects.requireNonNull(file.dentry).children.size();
                long bytes = file.position == 0 ? 24L * (entries + 2) : 0;
                file.position = 1;
                task.ret(bytes);
            }
        }
    }

    private void iterateDir(Task task, Frame frame) {
        switch (frame.next()) {
            case 0 -> task.call(securityPermission, frame.a0, 4);
            case 1 -> task.call(ext4Readdir, frame.a0, frame.a1);
            default -> task.ret(0);
        }
    }

    /** All regular files below a directory, in the order of their names. */
    List<Dentry> filesBelow(String path) {
        var found = new ArrayList<Dentry>();
        var start = find(path);
        if (start != null) {
            collect(start, found);
        }
        return found;
    }

    private static void collect(Dentry dentry, List<Dentry> into) {
        for (var child : dentry.children.values()) {
            if (child.inode.directory) {
                collect(child, into);
            } else {
                into.add(child);
            }
        }
    }
}
