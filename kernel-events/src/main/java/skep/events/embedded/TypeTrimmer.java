package skep.events.embedded;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
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
            "timespec64");

    private final Btf from;
    private final BtfBuilder to = new BtfBuilder();
    private final Map<Integer, Integer> done = new HashMap<>();
    private final Map<String, Integer> forwards = new LinkedHashMap<>();
    /** Types whose number is known and whose content is not written yet, in the order of their numbers. */
    private final ArrayDeque<Integer> pending = new ArrayDeque<>();

    private int nextId = 1;

    private TypeTrimmer(Btf from) {
        this.from = from;
    }

    static Btf trim(Btf kernel) {
        var trimmer = new TypeTrimmer(kernel);
        ROOTS.stream().sorted().forEach(name -> {
            var id = kernel.find(name, BtfKind.STRUCT);
            if (id.isPresent()) {
                trimmer.keep(id.getAsInt());
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
                    trimmer.keep(id.getAsInt());
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
                trimmer.keep(id.getAsInt());
            }
        }
        trimmer.write();
        return trimmer.to.build();
    }

    /** The new number of a type; its content is written later. */
    private int keep(int id) {
        if (id == 0) {
            return 0;
        }
        var known = done.get(id);
        if (known != null) {
            return known;
        }
        if (from.type(id) instanceof BtfType.TypeTag tag) {
            // annotations such as __rcu say nothing about the layout
            return keep(tag.typeId());
        }
        int number = nextId++;
        done.put(id, number);
        pending.add(id);
        return number;
    }

    /** The new number of what a pointer points to. */
    private int pointee(int id) {
        int at = id;
        for (int depth = 0; depth < 16 && at != 0; depth++) {
            switch (from.type(at)) {
                case BtfType.TypeTag tag -> at = tag.typeId();
                case BtfType.Qualified qualified -> at = qualified.typeId();
                case BtfType.Composite composite -> {
                    if (composite.name().isEmpty() || ROOTS.contains(composite.name()) || done.containsKey(at)) {
                        return keep(id);
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
                    return keep(id);
                }
            }
        }
        return 0;
    }

    private int forward(String name, boolean union) {
        return forwards.computeIfAbsent((union ? "union " : "struct ") + name, key -> {
            int number = nextId++;
            pending.add(-forwards.size() - 1);
            return number;
        });
    }

    private void write() {
        while (!pending.isEmpty()) {
            int id = pending.poll();
            if (id < 0) {
                var name = new ArrayList<>(forwards.keySet()).get(-id - 1);
                to.add(new BtfType.Forward(name.substring(name.indexOf(' ') + 1), name.startsWith("union")));
            } else {
                to.add(copy(from.type(id)));
            }
        }
    }

    private BtfType copy(BtfType type) {
        return switch (type) {
            case BtfType.Struct s -> new BtfType.Struct(s.name(), s.sizeBytes(), members(s));
            case BtfType.Union u -> new BtfType.Union(u.name(), u.sizeBytes(), members(u));
            case BtfType.Pointer p -> new BtfType.Pointer(pointee(p.typeId()));
            case BtfType.Array a -> new BtfType.Array(keep(a.elementId()), keep(a.indexId()), a.count());
            case BtfType.Typedef t -> new BtfType.Typedef(t.name(), keep(t.typeId()));
            case BtfType.Qualified q -> new BtfType.Qualified(q.kind(), keep(q.typeId()));
            case BtfType.Prototype p ->
                new BtfType.Prototype(
                        keep(p.returnId()),
                        p.parameters().stream()
                                .map(one -> new BtfType.Parameter(one.name(), keep(one.typeId())))
                                .toList());
            default -> type;
        };
    }

    private java.util.List<BtfType.Member> members(BtfType.Composite composite) {
        return composite.members().stream()
                .map(m -> new BtfType.Member(m.name(), keep(m.typeId()), m.offsetBits(), m.bitFieldBits()))
                .toList();
    }
}
