package skep.events.embedded;

import java.util.ArrayDeque;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import skep.btf.Btf;
import skep.btf.BtfBuilder;
import skep.btf.BtfKind;
import skep.btf.BtfType;

/**
 * Cuts the types of a kernel down to those that the embedded kernel fills and tools read: named structs with all that lies
 * inside them by value, unchanged in layout; what they only point to becomes a forward declaration.
 */
final class TypeTrimmer {
    /** The structs that stay whole. Pointers between them keep their types. */
    static final Set<String> ROOTS = Set.of(
            "task_struct",
            "mm_struct",
            "vm_area_struct",
            "signal_struct",
            "sighand_struct",
            "files_struct",
            "fdtable",
            "fs_struct",
            "cred",
            "nsproxy",
            "pid",
            "upid",
            "pid_namespace",
            "mnt_namespace",
            "uts_namespace",
            "ns_common",
            "sched_entity",
            "cfs_rq",
            "rq",
            "thread_info",
            "linux_binprm",
            "filename",
            "kiocb",
            "iov_iter",
            "iovec",
            "kvec",
            "file",
            "file_operations",
            "inode",
            "dentry",
            "qstr",
            "path",
            "vfsmount",
            "super_block",
            "file_system_type",
            "address_space",
            "open_how",
            "renamedata",
            "kernel_clone_args",
            "page",
            "folio",
            "zone",
            "pglist_data",
            "readahead_control",
            "file_ra_state",
            "kmem_cache",
            "oom_control",
            "request",
            "request_queue",
            "gendisk",
            "block_device",
            "bio",
            "device",
            "device_driver",
            "kobject",
            "sock",
            "sock_common",
            "inet_sock",
            "inet_connection_sock",
            "tcp_sock",
            "udp_sock",
            "socket",
            "sk_buff",
            "sk_buff_head",
            "net",
            "net_device",
            "msghdr",
            "cmsghdr",
            "user_msghdr",
            "sockaddr",
            "sockaddr_in",
            "sockaddr_in6",
            "in6_addr",
            "in_addr",
            "iphdr",
            "ipv6hdr",
            "tcphdr",
            "udphdr",
            "tcp_skb_cb",
            "pt_regs",
            "user_pt_regs",
            "bpf_perf_event_data",
            "bpf_raw_tracepoint_args",
            "trace_entry",
            "irqaction",
            "hrtimer",
            "work_struct",
            "workqueue_struct",
            "wait_queue_head",
            "mutex",
            "list_head",
            "__kernel_timespec",
            "stat",
            "timespec64",
            "kstat",
            "kstatfs",
            "iattr",
            "mount",
            "user_namespace",
            "ipc_namespace",
            "time_namespace",
            "cgroup",
            "css_set",
            "cgroup_subsys_state",
            "kernfs_node",
            "task_group",
            "mem_cgroup",
            "new_utsname",
            "kern_ipc_perm",
            "shmid_kernel",
            "kernel_siginfo",
            "vm_fault",
            "alloc_context",
            "compact_control",
            "swap_info_struct",
            "writeback_control",
            "backing_dev_info",
            "bdi_writeback",
            "buffer_head",
            "scatterlist",
            "virtqueue",
            "virtio_device",
            "virtio_device_id",
            "blk_mq_hw_ctx",
            "elevator_queue",
            "netdev_queue",
            "netdev_rx_queue",
            "request_sock",
            "inet_request_sock",
            "tcp_request_sock",
            "tcp_congestion_ops",
            "unix_sock",
            "sockaddr_un",
            "__kernel_sockaddr_storage",
            "scm_cookie",
            "scm_fp_list",
            "tty_struct",
            "tty_driver",
            "tty_file_private",
            "rw_semaphore",
            "timer_list",
            "rpc_task",
            "nfs_commit_data",
            "nfs_commitargs",
            "nfs_open_context",
            "rdma_cm_id",
            "rdma_cm_event",
            "rdma_route",
            "rdma_addr",
            "kvm_run",
            "bpf_pidns_info");

    /** Enumerations that programs name the constants of. */
    private static final Set<String> ENUMS = Set.of(
            "skb_drop_reason",
            "tcp_ca_state",
            "compact_result",
            "zone_stat_item",
            "node_stat_item",
            "vm_event_item",
            "migratetype",
            "pid_type",
            "hrtimer_mode",
            "req_op",
            "iter_type");

    /** A type of a kernel or of one of its modules. */
    private record Origin(Btf btf, int id) {
        BtfType type() {
            return btf.type(id);
        }
    }

    private final Btf kernel;
    private final BtfBuilder to = new BtfBuilder();
    private final Map<Origin, Integer> done = new HashMap<>();
    private final Map<String, Integer> forwards = new LinkedHashMap<>();
    /** Types whose number is known and whose content is not written yet, in the order of their numbers. */
    private final ArrayDeque<Pending> pending = new ArrayDeque<>();

    private int nextId = 1;

    /** What is written next: a type, or the forward declaration of a name. */
    private sealed interface Pending {
        record Copy(Origin origin) implements Pending {}

        record Declaration(String name, boolean union) implements Pending {}
    }

    private TypeTrimmer(Btf kernel) {
        this.kernel = kernel;
    }

    /** @param modules types of modules, each with the kernel's as their base; what the kernel has is taken from it */
    static Btf trim(Btf kernel, List<Btf> modules) {
        var trimmer = new TypeTrimmer(kernel);
        ROOTS.stream().sorted().forEach(name -> {
            var id = kernel.find(name, BtfKind.STRUCT);
            if (id.isPresent()) {
                trimmer.keep(kernel, id.getAsInt());
                return;
            }
            for (var module : modules) {
                var own = module.find(name, BtfKind.STRUCT);
                if (own.isPresent()) {
                    trimmer.keep(module, own.getAsInt());
                    return;
                }
            }
        });
        ENUMS.stream().sorted().forEach(name -> {
            var id = kernel.find(name, BtfKind.ENUM);
            if (id.isPresent()) {
                trimmer.keep(kernel, id.getAsInt());
            }
        });
        // integer types by name, for declarations
        for (var name : new String[] {
            "bool",
            "char",
            "unsigned char",
            "short",
            "unsigned short",
            "int",
            "unsigned int",
            "long",
            "unsigned long",
            "long long",
            "unsigned long long"
        }) {
            for (var kind : new BtfKind[] {BtfKind.INT, BtfKind.TYPEDEF}) {
                var id = kernel.find(name, kind);
                if (id.isPresent()) {
                    trimmer.keep(kernel, id.getAsInt());
                }
            }
        }
        for (var name : new String[] {
            "ssize_t",
            "size_t",
            "loff_t",
            "u64",
            "s64",
            "u32",
            "u16",
            "u8",
            "pid_t",
            "uid_t",
            "gid_t",
            "dev_t",
            "gfp_t",
            "umode_t",
            "sector_t",
            "ktime_t",
            "pgoff_t",
            "fl_owner_t",
            "clockid_t",
            "off_t",
            "blk_status_t",
            "irqreturn_t",
            "__u32",
            "__u64"
        }) {
            var id = kernel.find(name, BtfKind.TYPEDEF);
            if (id.isPresent()) {
                trimmer.keep(kernel, id.getAsInt());
            }
        }
        trimmer.write();
        return trimmer.to.build();
    }

    /** The new number of a type; its content is written later. */
    private int keep(Btf from, int id) {
        if (id == 0) {
            return 0;
        }
        var origin = new Origin(id < from.firstId() ? kernel : from, id);
        var known = done.get(origin);
        if (known != null) {
            return known;
        }
        if (origin.type() instanceof BtfType.TypeTag tag) {
            // annotations such as __rcu say nothing about the layout
            return keep(from, tag.typeId());
        }
        int number = nextId++;
        done.put(origin, number);
        pending.add(new Pending.Copy(origin));
        return number;
    }

    /** The new number of what a pointer points to. */
    private int pointee(Btf from, int id) {
        int at = id;
        for (int depth = 0; depth < 16 && at != 0; depth++) {
            switch (from.type(at)) {
                case BtfType.TypeTag tag -> at = tag.typeId();
                case BtfType.Qualified qualified -> at = qualified.typeId();
                case BtfType.Composite composite -> {
                    var origin = new Origin(at < from.firstId() ? kernel : from, at);
                    if (composite.name().isEmpty() || ROOTS.contains(composite.name()) || done.containsKey(origin)) {
                        return keep(from, id);
                    }
                    return forward(composite.name(), composite.kind() == BtfKind.UNION);
                }
                case BtfType.Forward forward -> {
                    return forward(forward.name(), forward.union());
                }
                case BtfType.Prototype _ -> {
                    return 0;
                }
                case BtfType.Typedef typedef -> {
                    at = typedef.typeId();
                    if (at != 0 && from.type(at) instanceof BtfType.Composite) {
                        return 0;
                    }
                }
                case BtfType.Pointer _, BtfType.Array _ -> {
                    return 0;
                }
                default -> {
                    return keep(from, id);
                }
            }
        }
        return 0;
    }

    private int forward(String name, boolean union) {
        return forwards.computeIfAbsent((union ? "union " : "struct ") + name, key -> {
            pending.add(new Pending.Declaration(name, union));
            return nextId++;
        });
    }

    private void write() {
        while (!pending.isEmpty()) {
            switch (pending.remove()) {
                case Pending.Declaration(var name, var union) -> to.add(new BtfType.Forward(name, union));
                case Pending.Copy(var origin) -> to.add(copy(origin.btf(), origin.type()));
            }
        }
    }

    private BtfType copy(Btf from, BtfType type) {
        return switch (type) {
            case BtfType.Struct s -> new BtfType.Struct(s.name(), s.sizeBytes(), members(from, s));
            case BtfType.Union u -> new BtfType.Union(u.name(), u.sizeBytes(), members(from, u));
            case BtfType.Pointer p -> new BtfType.Pointer(pointee(from, p.typeId()));
            case BtfType.Array a -> new BtfType.Array(keep(from, a.elementId()), keep(from, a.indexId()), a.count());
            case BtfType.Typedef t -> new BtfType.Typedef(t.name(), keep(from, t.typeId()));
            case BtfType.Qualified q -> new BtfType.Qualified(q.kind(), keep(from, q.typeId()));
            case BtfType.Prototype p ->
                new BtfType.Prototype(
                        keep(from, p.returnId()),
                        p.parameters().stream()
                                .map(one -> new BtfType.Parameter(one.name(), keep(from, one.typeId())))
                                .toList());
            default -> type;
        };
    }

    private List<BtfType.Member> members(Btf from, BtfType.Composite composite) {
        return composite.members().stream()
                .map(m -> new BtfType.Member(m.name(), keep(from, m.typeId()), m.offsetBits(), m.bitFieldBits()))
                .toList();
    }
}
