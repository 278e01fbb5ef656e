package skep.events.embedded;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import skep.events.embedded.KernelTypes.Field;

/**
 * What kernel objects look like in memory: writes the fields that tools read, at the offsets of the real layouts, so that
 * a program that follows pointers from the arguments of a function finds true values.
 */
final class KernelObjects {
    private static final int INIT_NAMESPACE = 0xf000_0000;
    private static final int ITER_UBUF = 0;
    private static final int ITER_IOVEC = 1;

    private final SparseMemory memory;
    private final KernelTypes types;
    /** Objects that are there once: namespaces, the file system, the disk. */
    private long nextStatic;

    private final Field taskPid;
    private final Field taskTgid;
    private final Field taskComm;
    private final Field taskParent;
    private final Field taskRealParent;
    private final Field taskLeader;
    private final Field taskMm;
    private final Field taskStart;
    private final Field taskStartBoot;
    private final Field taskNsproxy;
    private final Field taskThreadPid;
    private final Field taskCred;
    private final Field taskRealCred;
    private final Field taskState;
    private final Field taskCpu;
    private final Field taskPrio;
    private final Field taskStaticPrio;
    private final Field taskFlags;
    private final Field taskFs;
    private final Field taskFiles;
    private final Field taskExitCode;
    private final Field taskCfsRq;
    private final Field cfsNrRunning;
    private final Field fileDentry;
    private final Field fileMount;
    private final Field fileInode;
    private final Field fileOps;
    private final Field fileFlags;
    private final Field fileMode;
    final Field filePosition;
    private final Field inodeNumber;
    private final Field inodeMode;
    private final Field inodeSize;
    private final Field inodeSb;
    private final Field inodeMapping;
    final Field inodeData;
    private final Field dentryName;
    private final Field dentryLength;
    private final Field dentryParent;
    private final Field dentryInode;
    private final Field dentryInline;
    private final Field dentrySb;
    private final Field kiocbFile;
    private final Field kiocbPosition;
    private final Field iterCount;
    private final Field iterType;
    private final Field iterSource;
    private final Field iterBase;
    private final Field requestQueue;
    private final Field requestSector;
    private final Field requestLength;
    private final Field requestFlags;
    private final Field requestStart;
    private final Field requestIoStart;
    private final Field requestPart;
    private final Field requestBio;
    private final Field bioDevice;
    private final Field bioSector;
    private final Field bioSize;
    private final Field bioFlags;

    final long superBlock;
    final long mount;
    private final long rootFs;
    private final long initNsproxy;
    private final long pidNamespace;
    private final long net;
    private final long[] runQueues;
    private final long userNamespace;

    KernelObjects(EmbeddedKernel kernel) {
        memory = kernel.memory;
        types = kernel.types;
        nextStatic = kernel.addresses.data();
        taskPid = types.field("task_struct", "pid");
        taskTgid = types.field("task_struct", "tgid");
        taskComm = types.field("task_struct", "comm");
        taskParent = types.field("task_struct", "parent");
        taskRealParent = types.field("task_struct", "real_parent");
        taskLeader = types.field("task_struct", "group_leader");
        taskMm = types.field("task_struct", "mm");
        taskStart = types.field("task_struct", "start_time");
        taskStartBoot = types.field("task_struct", "start_boottime");
        taskNsproxy = types.field("task_struct", "nsproxy");
        taskThreadPid = types.field("task_struct", "thread_pid");
        taskCred = types.field("task_struct", "cred");
        taskRealCred = types.field("task_struct", "real_cred");
        taskState = types.field("task_struct", "__state");
        taskCpu = types.field("task_struct", "thread_info.cpu");
        taskPrio = types.field("task_struct", "prio");
        taskStaticPrio = types.field("task_struct", "static_prio");
        taskFlags = types.field("task_struct", "flags");
        taskFs = types.field("task_struct", "fs");
        taskFiles = types.field("task_struct", "files");
        taskExitCode = types.field("task_struct", "exit_code");
        taskCfsRq = types.field("task_struct", "se.cfs_rq");
        cfsNrRunning = types.field("cfs_rq", "nr_running");
        fileDentry = types.field("file", "f_path.dentry");
        fileMount = types.field("file", "f_path.mnt");
        fileInode = types.field("file", "f_inode");
        fileOps = types.field("file", "f_op");
        fileFlags = types.field("file", "f_flags");
        fileMode = types.field("file", "f_mode");
        filePosition = types.field("file", "f_pos");
        inodeNumber = types.field("inode", "i_ino");
        inodeMode = types.field("inode", "i_mode");
        inodeSize = types.field("inode", "i_size");
        inodeSb = types.field("inode", "i_sb");
        inodeMapping = types.field("inode", "i_mapping");
        inodeData = types.field("inode", "i_data");
        dentryName = types.field("dentry", "d_name.name");
        dentryLength = types.field("dentry", "d_name.len");
        dentryParent = types.field("dentry", "d_parent");
        dentryInode = types.field("dentry", "d_inode");
        dentryInline = types.field("dentry", "d_iname");
        dentrySb = types.field("dentry", "d_sb");
        kiocbFile = types.field("kiocb", "ki_filp");
        kiocbPosition = types.field("kiocb", "ki_pos");
        iterCount = types.field("iov_iter", "count");
        iterType = types.field("iov_iter", "iter_type");
        iterSource = types.field("iov_iter", "data_source");
        iterBase = types.field("iov_iter", "ubuf");
        requestQueue = types.field("request", "q");
        requestSector = types.field("request", "__sector");
        requestLength = types.field("request", "__data_len");
        requestFlags = types.field("request", "cmd_flags");
        requestStart = types.field("request", "start_time_ns");
        requestIoStart = types.field("request", "io_start_time_ns");
        requestPart = types.field("request", "part");
        requestBio = types.field("request", "bio");
        bioDevice = types.field("bio", "bi_bdev");
        bioSector = types.field("bio", "bi_iter.bi_sector");
        bioSize = types.field("bio", "bi_iter.bi_size");
        bioFlags = types.field("bio", "bi_opf");

        long[] root = fileSystem("ext4", "nvme0n1", BlockDevice.DEV);
        superBlock = root[0];
        mount = root[1];
        rootFs = make("fs_struct");
        set("fs_struct", "pwd.mnt", rootFs, mount);
        set("fs_struct", "root.mnt", rootFs, mount);
        userNamespace = make("user_namespace");
        set("user_namespace", "ns.inum", userNamespace, INIT_NAMESPACE - 3);
        pidNamespace = make("pid_namespace");
        set("pid_namespace", "ns.inum", pidNamespace, INIT_NAMESPACE - 4);
        net = make("net");
        set("net", "ns.inum", net, INIT_NAMESPACE + 0x98);
        long mounts = make("mnt_namespace");
        set("mnt_namespace", "ns.inum", mounts, INIT_NAMESPACE);
        long uts = make("uts_namespace");
        set("uts_namespace", "ns.inum", uts, INIT_NAMESPACE - 2);
        text(uts + types.field("uts_namespace", "name.nodename").offBytes(), "embedded");
        text(uts + types.field("uts_namespace", "name.sysname").offBytes(), "Linux");
        initNsproxy = make("nsproxy");
        set("nsproxy", "mnt_ns", initNsproxy, mounts);
        set("nsproxy", "net_ns", initNsproxy, net);
        set("nsproxy", "uts_ns", initNsproxy, uts);
        set("nsproxy", "pid_ns_for_children", initNsproxy, pidNamespace);
        runQueues = new long[kernel.cpus.length];
        for (int i = 0; i < runQueues.length; i++) {
            runQueues[i] = make("cfs_rq");
        }
    }

    // Building blocks

    /** A zeroed object that is never freed. */
    long make(String struct) {
        int size = types.sizeBytes(struct) + 63 & -64;
        long at = nextStatic;
        nextStatic += size;
        memory.map(at, size);
        return at;
    }

    /** Zeroed bytes that are never freed. */
    long room(int bytes) {
        long at = nextStatic;
        nextStatic += bytes + 63 & -64;
        memory.map(at, bytes);
        return at;
    }

    void set(String struct, String path, long object, long value) {
        types.field(struct, path).put(memory, object, value);
    }

    /** A text that is never freed. */
    long string(String text) {
        var bytes = text.getBytes(StandardCharsets.UTF_8);
        long at = nextStatic;
        nextStatic += bytes.length + 8 & -8;
        memory.map(at, bytes.length + 1);
        memory.putBytes(at, bytes);
        return at;
    }

    void text(long at, String text) {
        memory.putBytes(at, text.getBytes(StandardCharsets.UTF_8));
    }

    // Tasks

    /** A new task; what it refers to by other objects is written by {@link #shared}. */
    void task(Task task) {
        long at = task.address;
        taskPid.put(memory, at, task.tid);
        taskTgid.put(memory, at, task.process.pid);
        comm(task);
        var parent = task.process.parent;
        var parentLeader = parent == null ? null : parent.leader;
        long parentAddress = parentLeader == null ? 0 : parentLeader.address;
        taskParent.put(memory, at, parentAddress);
        taskRealParent.put(memory, at, parentAddress);
        var leader = task.process.leader;
        taskLeader.put(memory, at, leader == null ? at : leader.address);
        taskStart.put(memory, at, task.kernel.clockNanos());
        taskStartBoot.put(memory, at, task.kernel.clockNanos());
        var container = task.process.container;
        taskNsproxy.put(memory, at, container == null ? initNsproxy : container.nsproxy());
        taskPrio.put(memory, at, task.priority);
        taskStaticPrio.put(memory, at, task.priority);
        taskFlags.put(memory, at, task.process.kernelThread() ? 0x0020_0040 : 0x0040_0040);
        taskFs.put(memory, at, rootFs);
        taskExitCode.put(memory, at, 0);
        shared(task);
        moved(task);
    }

    /** The parts of a task that it shares with others. */
    void shared(Task task) {
        long at = task.address;
        var process = task.process;
        taskMm.put(memory, at, process.mm);
        taskFiles.put(memory, at, process.fileTable);
        long cred = task.credentials != 0 ? task.credentials : process.credentials;
        taskCred.put(memory, at, cred);
        taskRealCred.put(memory, at, cred);
        if (cred != 0) {
            for (var name : new String[] {"uid", "euid", "suid", "fsuid"}) {
                set("cred", name, cred, process.uid);
            }
            for (var name : new String[] {"gid", "egid", "sgid", "fsgid"}) {
                set("cred", name, cred, process.gid);
            }
        }
        taskThreadPid.put(memory, at, task.pidStruct);
        if (task.pidStruct != 0) {
            var container = process.container;
            set("pid", "level", task.pidStruct, container == null ? 0 : 1);
            set("pid", "numbers[0].nr", task.pidStruct, task.tid);
            set("pid", "numbers[0].ns", task.pidStruct, pidNamespace);
            if (container != null) {
                long inner = task.pidStruct + types.sizeBytes("upid");
                set("pid", "numbers[0].nr", inner, process.innerPid);
                set("pid", "numbers[0].ns", inner, container.pidNamespace());
            }
        }
    }

    void comm(Task task) {
        memory.putBytes(task.address + taskComm.offBytes(), task.comm());
    }

    void state(Task task, int number) {
        taskState.put(memory, task.address, number);
    }

    /** The task is on another CPU now. */
    void moved(Task task) {
        taskCpu.put(memory, task.address, task.cpu.id);
        taskCfsRq.put(memory, task.address, runQueues[task.cpu.id]);
    }

    void exitCode(Task task, int code) {
        taskExitCode.put(memory, task.address, code);
    }

    /** How many tasks are runnable on a CPU, the running one included. */
    void runnable(Cpu cpu, int count) {
        cfsNrRunning.put(memory, runQueues[cpu.id], count);
    }

    /** Address of a CPU's {@code struct cfs_rq}. */
    long runQueue(Cpu cpu) {
        return runQueues[cpu.id];
    }

    /** Address of the machine's own process-id namespace. */
    long pidNamespace() {
        return pidNamespace;
    }

    /** Address of the network namespace. */
    long net() {
        return net;
    }

    // Files

    void inode(Inode inode) {
        long at = inode.address;
        inodeNumber.put(memory, at, inode.number);
        inodeMode.put(memory, at, inode.mode);
        inodeSize.put(memory, at, inode.sizeBytes);
        inodeSb.put(memory, at, inode.superBlock);
        inodeMapping.put(memory, at, inode.mapping);
    }

    void dentry(Dentry dentry) {
        long at = dentry.address;
        var name = (dentry.parent == null ? "/" : dentry.name).getBytes(StandardCharsets.UTF_8);
        int room = dentryInline.sizeBytes() - 1;
        long text = at + dentryInline.offBytes();
        if (name.length > room) {
            text = string(dentry.name);
        } else {
            memory.putBytes(text, Arrays.copyOf(name, room + 1));
        }
        dentryName.put(memory, at, text);
        dentryLength.put(memory, at, name.length);
        dentryParent.put(memory, at, dentry.parent == null ? at : dentry.parent.address);
        dentryInode.put(memory, at, dentry.inode.address);
        dentrySb.put(memory, at, dentry.inode.superBlock);
    }

    /** A mounted file system: addresses of its super block and its mount. */
    long[] fileSystem(String type, String id, long device) {
        long block = make("super_block");
        set("super_block", "s_dev", block, device);
        text(block + types.field("super_block", "s_id").offBytes(), id);
        long kind = make("file_system_type");
        set("file_system_type", "name", kind, string(type));
        set("super_block", "s_type", block, kind);
        long at = make("vfsmount");
        set("vfsmount", "mnt_sb", at, block);
        return new long[] {block, at};
    }

    /** What a kind of file does, as programs see it; the symbol names it. */
    long fileOperations(EmbeddedKernel kernel, String symbol, Routine read, Routine write) {
        long at = make("file_operations");
        set("file_operations", "read_iter", at, read.address);
        set("file_operations", "write_iter", at, write.address);
        kernel.symbols.addData(symbol, at);
        return at;
    }

    /** The root of a mount. */
    void rootOf(long block, long at, Dentry root) {
        set("super_block", "s_root", block, root.address);
        set("vfsmount", "mnt_root", at, root.address);
    }

    long userNamespace() {
        return userNamespace;
    }

    void root(Dentry root) {
        dentry(root);
        set("super_block", "s_root", superBlock, root.address);
        set("vfsmount", "mnt_root", mount, root.address);
        set("fs_struct", "pwd.dentry", rootFs, root.address);
        set("fs_struct", "root.dentry", rootFs, root.address);
    }

    void file(OpenFile file) {
        long at = file.address;
        fileDentry.put(memory, at, file.dentry == null ? 0 : file.dentry.address);
        fileMount.put(memory, at, file.target instanceof Inode inode ? inode.mount : mount);
        fileInode.put(memory, at, file.target instanceof Inode inode ? inode.address : 0);
        fileOps.put(memory, at, file.ops.table());
        fileFlags.put(memory, at, file.flags);
        fileMode.put(memory, at, file.created ? 0x10_0003 : 0x3);
        filePosition.put(memory, at, 0);
    }

    /** A {@code struct path} of an open file. */
    void path(long at, OpenFile file) {
        set("path", "dentry", at, file.dentry == null ? 0 : file.dentry.address);
        set("path", "mnt", at, file.target instanceof Inode inode ? inode.mount : mount);
    }

    void path(long at, Dentry dentry) {
        set("path", "dentry", at, dentry.address);
        set("path", "mnt", at, dentry.inode.mount);
    }

    /** A {@code struct renamedata}; its address. */
    long renaming(long at, Dentry from, Dentry to) {
        set("renamedata", "old_dentry", at, from.address);
        set("renamedata", "new_dentry", at, to.address);
        set("renamedata", "old_dir", at, from.parent == null ? 0 : from.parent.inode.address);
        set("renamedata", "new_dir", at, to.parent == null ? 0 : to.parent.inode.address);
        return at;
    }

    /** A {@code struct qstr} with its text behind it; its address. */
    long name(long at, String text) {
        var bytes = Arrays.copyOf(text.getBytes(StandardCharsets.UTF_8), Math.min(40, text.length()) + 1);
        bytes[bytes.length - 1] = 0;
        memory.putBytes(at + 16, bytes);
        set("qstr", "len", at, bytes.length - 1);
        set("qstr", "name", at, at + 16);
        return at;
    }

    void kiocb(long kiocb, OpenFile file, long position) {
        kiocbFile.put(memory, kiocb, file.address);
        kiocbPosition.put(memory, kiocb, position);
    }

    /**
     * What is transferred from or to user memory.
     *
     * @param vector address of one {@code struct iovec} in kernel memory, or 0 for a plain buffer
     */
    void iterator(long iterator, long buffer, long count, boolean write, long vector) {
        iterType.put(memory, iterator, vector == 0 ? ITER_UBUF : ITER_IOVEC);
        iterSource.put(memory, iterator, write ? 1 : 0);
        iterCount.put(memory, iterator, count);
        iterBase.put(memory, iterator, vector == 0 ? buffer : vector);
    }

    // Blocks

    /** A disk: addresses of its queue and its block device. */
    long[] disk(String name, long device) {
        long disk = make("gendisk");
        set("gendisk", "major", disk, device >>> 20);
        set("gendisk", "first_minor", disk, device & 0xf_ffff);
        text(disk + types.field("gendisk", "disk_name").offBytes(), name);
        long queue = make("request_queue");
        set("request_queue", "disk", queue, disk);
        set("gendisk", "queue", disk, queue);
        long blockDevice = make("block_device");
        set("block_device", "bd_dev", blockDevice, device);
        set("block_device", "bd_disk", blockDevice, disk);
        set("gendisk", "part0", disk, blockDevice);
        return new long[] {queue, blockDevice};
    }

    void request(BlockDevice.Request request) {
        long at = request.address;
        requestQueue.put(memory, at, request.disk.queue);
        requestSector.put(memory, at, request.sector);
        requestLength.put(memory, at, request.bytes);
        requestFlags.put(memory, at, request.write ? 1 : 0);
        requestStart.put(memory, at, request.startNanos);
        requestPart.put(memory, at, request.disk.blockDevice);
        requestBio.put(memory, at, request.bio());
    }

    /** The device has a request now. */
    void started(BlockDevice.Request request, long now) {
        requestIoStart.put(memory, request.address, now);
    }

    void bio(Disk disk, BlockDevice.Bio bio) {
        bioDevice.put(memory, bio.bio(), disk.blockDevice);
        bioSector.put(memory, bio.bio(), bio.sector());
        bioSize.put(memory, bio.bio(), bio.bytes());
        bioFlags.put(memory, bio.bio(), bio.write() ? 1 : 0);
    }
}
