package skep.isa.kernel;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * What a program may read and write in its context: one layout a program type, from the {@code is_valid_access} functions
 * of Linux 6.18. A layout is written as rows
 *
 * <pre>
 *   name offset unit[xcount] read write [result]
 *
 *   read, write:  -  not allowed          e  exactly one unit        n  a unit or a power of two below it
 *                 f  any size inside      w  as n, or two units aligned to eight      W  one or two units
 *                 p  at most two bytes, or four from the start
 *   result:       what a load yields other than a number
 * </pre>
 *
 * @param sizeBytes accesses at or behind are refused
 */
public record ContextLayout(String name, int sizeBytes, List<Field> fields) {
    public ContextLayout {
        fields = List.copyOf(fields);
    }

    /** How wide an access to a field may be. */
    public enum Rule {
        NONE('-'),
        EXACT('e'),
        NARROW('n'),
        FREE('f'),
        WIDE('w'),
        WIDE_EXACT('W'),
        PORT('p');

        private final char letter;

        Rule(char letter) {
            this.letter = letter;
        }

        static Rule of(char letter) {
            for (var rule : values()) {
                if (rule.letter == letter) {
                    return rule;
                }
            }
            throw new IllegalArgumentException("no rule " + letter);
        }
    }

    /** What a load from a field yields. */
    public enum Yields {
        NUMBER,
        PACKET,
        PACKET_META,
        PACKET_END,
        FLOW_KEYS,
        SOCKET,
        SOCKET_OR_NULL,
        SOCK_COMMON_OR_NULL,
        TP_BUFFER,
        SK_BUFF,
        NF_HOOK_STATE
    }

    /**
     * A field, or an array of equal ones.
     *
     * @param unitBytes size of one element
     */
    public record Field(String name, int offBytes, int unitBytes, int count, Rule read, Rule write, Yields yields) {
        int endBytes() {
            return offBytes + unitBytes * count;
        }

        boolean admits(int off, int size, boolean store) {
            return switch (store ? write : read) {
                case NONE -> false;
                case EXACT -> size == unitBytes;
                case NARROW -> size <= unitBytes;
                case FREE -> off + size <= endBytes();
                case WIDE -> size <= unitBytes || wide(off, size);
                case WIDE_EXACT -> size == unitBytes || wide(off, size);
                case PORT -> size <= 2 ? off + size <= offBytes + 2 : off == offBytes && size == 4;
            };
        }

        private boolean wide(int off, int size) {
            return size == 2 * unitBytes && off % 8 == 0 && off + size <= endBytes();
        }
    }

    /** The field that an aligned access touches, if it is allowed. */
    public Optional<Field> access(int off, int size, boolean store) {
        if (off < 0 || off >= sizeBytes || off % size != 0) {
            return Optional.empty();
        }
        for (var field : fields) {
            if (off >= field.offBytes() && off < field.endBytes()) {
                return field.admits(off, size, store) ? Optional.of(field) : Optional.empty();
            }
        }
        return Optional.empty();
    }

    /** The layout for a program, or empty where the context is typed by BTF. */
    public static Optional<ContextLayout> of(ProgramType type, Optional<AttachType> attach, Arch arch, boolean capBpf) {
        return Optional.ofNullable(
                switch (type) {
                    case SOCKET_FILTER ->
                        SK_BUFF.forbid("tc_classid", "data", "data_meta", "data_end", "tstamp", "wire_len", "hwtstamp")
                                .forbid(SOCKET_FIELDS)
                                .writable("cb");
                    case CGROUP_SKB -> {
                        var layout = SK_BUFF.forbid("tc_classid", "data_meta", "wire_len")
                                .writable("mark", "priority", "cb");
                        yield capBpf ? layout.writable("tstamp") : layout.forbid("data", "data_end");
                    }
                    case LWT_IN, LWT_OUT, LWT_XMIT, LWT_SEG6LOCAL ->
                        SK_BUFF.forbid("tc_classid", "data_meta", "tstamp", "wire_len", "hwtstamp")
                                .forbid(SOCKET_FIELDS)
                                .writable("mark", "priority", "cb");
                    case SCHED_CLS, SCHED_ACT ->
                        SK_BUFF.forbid(SOCKET_FIELDS)
                                .with("tstamp_type 180 1 e -")
                                .writable(
                                        "mark", "tc_index", "priority", "cb", "tc_classid", "tstamp", "queue_mapping");
                    case SK_SKB ->
                        SK_BUFF.forbid("tc_classid", "data_meta", "tstamp", "wire_len", "hwtstamp", "mark")
                                .writable("tc_index", "priority");
                    case FLOW_DISSECTOR -> FLOW_DISSECTOR;
                    case XDP ->
                        attach.filter(a -> a == AttachType.XDP_DEVMAP).isPresent()
                                ? XDP_MD
                                : XDP_MD.forbid("egress_ifindex");
                    case CGROUP_SOCK -> cgroupSock(attach);
                    case CGROUP_SOCK_ADDR -> sockAddr(attach);
                    case SOCK_OPS -> SOCK_OPS;
                    case SK_MSG -> SK_MSG;
                    case SK_REUSEPORT -> SK_REUSEPORT;
                    case SK_LOOKUP -> SK_LOOKUP;
                    case CGROUP_DEVICE -> CGROUP_DEVICE;
                    case CGROUP_SYSCTL -> CGROUP_SYSCTL;
                    case CGROUP_SOCKOPT ->
                        attach.filter(a -> a == AttachType.CGROUP_SETSOCKOPT).isPresent()
                                ? SOCKOPT.forbid("retval").writable("level", "optname", "optlen")
                                : SOCKOPT.writable("optlen", "retval");
                    case KPROBE -> flat("pt_regs", 0, arch == Arch.ARM64 ? 336 : 168);
                    case TRACEPOINT -> flat("tracepoint", 8, 8192);
                    case PERF_EVENT -> perfEvent(arch);
                    case RAW_TRACEPOINT -> flat("raw_tracepoint", 0, 96);
                    case RAW_TRACEPOINT_WRITABLE ->
                        parse("raw_tracepoint", 96, "buffer 0 8 e - tp_buffer\nargs 8 88 f -");
                    case LIRC_MODE2 -> parse("lirc", 4, "sample 0 4 e -");
                    case NETFILTER -> parse("bpf_nf_ctx", 16, "state 0 8 e - nf_hook_state\nskb 8 8 e - sk_buff");
                    case SYSCALL -> parse("syscall", 65535, "args 0 65536 f f");
                    default -> null;
                });
    }

    private static ContextLayout flat(String name, int from, int size) {
        return parse(name, size, "bytes " + from + " " + (size - from) + " f -");
    }

    private static ContextLayout perfEvent(Arch arch) {
        int regs = arch == Arch.ARM64 ? 272 : 168;
        return parse(
                "bpf_perf_event_data",
                regs + 16,
                "regs 0 8x" + regs / 8 + " e -\nsample_period " + regs + " 8 n -\naddr " + (regs + 8) + " 8 n -");
    }

    private static ContextLayout cgroupSock(Optional<AttachType> attach) {
        boolean create = attach.isEmpty()
                || attach.get() == AttachType.CGROUP_INET_SOCK_CREATE
                || attach.get() == AttachType.CGROUP_INET_SOCK_RELEASE
                || attach.get().number() == 0;
        boolean bind4 =
                attach.filter(a -> a == AttachType.CGROUP_INET4_POST_BIND).isPresent();
        boolean bind6 =
                attach.filter(a -> a == AttachType.CGROUP_INET6_POST_BIND).isPresent();
        var layout = SOCK;
        layout = create
                ? layout.writable("bound_dev_if", "mark", "priority")
                : layout.forbid("bound_dev_if", "mark", "priority");
        layout = bind4 ? layout : layout.forbid("src_ip4");
        layout = bind6 ? layout : layout.forbid("src_ip6");
        return bind4 || bind6 ? layout : layout.forbid("src_port");
    }

    private static ContextLayout sockAddr(Optional<AttachType> attach) {
        var name = attach.map(AttachType::name).orElse("");
        var layout = SOCK_ADDR;
        if (!(name.contains("INET4") || name.contains("UDP4"))) {
            layout = layout.forbid("user_ip4");
        }
        if (!(name.contains("INET6") || name.contains("UDP6"))) {
            layout = layout.forbid("user_ip6");
        }
        if (!name.equals("CGROUP_UDP4_SENDMSG")) {
            layout = layout.forbid("msg_src_ip4");
        }
        return name.equals("CGROUP_UDP6_SENDMSG") ? layout : layout.forbid("msg_src_ip6");
    }

    private ContextLayout forbid(String... names) {
        var set = Set.of(names);
        var rows = new ArrayList<Field>();
        for (var f : fields) {
            rows.add(
                    set.contains(f.name())
                            ? new Field(
                                    f.name(), f.offBytes(), f.unitBytes(), f.count(), Rule.NONE, Rule.NONE, f.yields())
                            : f);
        }
        return new ContextLayout(name, sizeBytes, rows);
    }

    /** Opens fields for stores: of any size where reads are free, else of one unit. */
    private ContextLayout writable(String... names) {
        var set = Set.of(names);
        var rows = new ArrayList<Field>();
        for (var f : fields) {
            var rule = f.read() == Rule.FREE ? Rule.FREE : Rule.EXACT;
            rows.add(
                    set.contains(f.name())
                            ? new Field(f.name(), f.offBytes(), f.unitBytes(), f.count(), f.read(), rule, f.yields())
                            : f);
        }
        return new ContextLayout(name, sizeBytes, rows);
    }

    private ContextLayout with(String row) {
        var rows = new ArrayList<Field>();
        rows.add(field(row));
        rows.addAll(fields);
        return new ContextLayout(name, sizeBytes, rows);
    }

    private static ContextLayout parse(String name, int size, String rows) {
        var fields = new ArrayList<Field>();
        for (var line : rows.strip().split("\n")) {
            fields.add(field(line.strip()));
        }
        return new ContextLayout(name, size, fields);
    }

    private static Field field(String line) {
        var words = line.split("\\s+");
        int times = words[2].indexOf('x');
        int unit = Integer.parseInt(times < 0 ? words[2] : words[2].substring(0, times));
        int count = times < 0 ? 1 : Integer.parseInt(words[2].substring(times + 1));
        var yields = words.length > 5 ? Yields.valueOf(words[5].toUpperCase(Locale.ROOT)) : Yields.NUMBER;
        return new Field(
                words[0],
                Integer.parseInt(words[1]),
                unit,
                count,
                Rule.of(words[3].charAt(0)),
                Rule.of(words[4].charAt(0)),
                yields);
    }

    private static final String[] SOCKET_FIELDS = {
        "family", "remote_ip4", "local_ip4", "remote_ip6", "local_ip6", "remote_port", "local_port"
    };

    /** {@code struct __sk_buff}; stores are opened per program type. */
    private static final ContextLayout SK_BUFF = parse("__sk_buff", 192, """
            len 0 4 n -
            pkt_type 4 4 n -
            mark 8 4 n -
            queue_mapping 12 4 n -
            protocol 16 4 n -
            vlan_present 20 4 n -
            vlan_tci 24 4 n -
            vlan_proto 28 4 n -
            priority 32 4 n -
            ingress_ifindex 36 4 n -
            ifindex 40 4 n -
            tc_index 44 4 n -
            cb 48 4x5 f -
            hash 68 4 n -
            tc_classid 72 4 n -
            data 76 4 e - packet
            data_end 80 4 e - packet_end
            napi_id 84 4 n -
            family 88 4 n -
            remote_ip4 92 4 e -
            local_ip4 96 4 e -
            remote_ip6 100 4x4 e -
            local_ip6 116 4x4 e -
            remote_port 132 4 n -
            local_port 136 4 n -
            data_meta 140 4 e - packet_meta
            flow_keys 144 8 - -
            tstamp 152 8 e -
            wire_len 160 4 n -
            gso_segs 164 4 n -
            sk 168 8 e - sock_common_or_null
            gso_size 176 4 n -
            hwtstamp 184 8 e -
            """);

    private static final ContextLayout FLOW_DISSECTOR = parse("__sk_buff", 192, """
            data 76 4 e - packet
            data_end 80 4 e - packet_end
            flow_keys 144 8 e - flow_keys
            """);

    private static final ContextLayout XDP_MD = parse("xdp_md", 24, """
            data 0 4 e - packet
            data_end 4 4 e - packet_end
            data_meta 8 4 e - packet_meta
            ingress_ifindex 12 4 e -
            rx_queue_index 16 4 e -
            egress_ifindex 20 4 e -
            """);

    private static final ContextLayout SOCK = parse("bpf_sock", 80, """
            bound_dev_if 0 4 e -
            family 4 4 n -
            type 8 4 n -
            protocol 12 4 n -
            mark 16 4 e -
            priority 20 4 e -
            src_ip4 24 4 n -
            src_ip6 28 4x4 n -
            src_port 44 4 n -
            dst_port 48 4 p -
            dst_ip4 52 4 n -
            dst_ip6 56 4x4 n -
            state 72 4 n -
            rx_queue_mapping 76 4 n -
            """);

    private static final ContextLayout SOCK_COMMON = SOCK.forbid("type", "protocol", "mark", "priority");

    private static final ContextLayout TCP_SOCK = parse("bpf_tcp_sock", 112, """
            numbers 0 4x20 e -
            bytes_received 80 8 e -
            bytes_acked 88 8 e -
            more 96 4x4 e -
            """);

    private static final ContextLayout XDP_SOCK = parse("bpf_xdp_sock", 4, "queue_id 0 4 e -");

    /** What a program may read behind a socket pointer of the verifier's kinds. */
    public static Optional<ContextLayout> ofSocket(String kind) {
        return Optional.ofNullable(SOCKETS.get(kind));
    }

    private static final Map<String, ContextLayout> SOCKETS = new HashMap<>();

    static {
        SOCKETS.put("sock", SOCK);
        SOCKETS.put("sock_common", SOCK_COMMON);
        SOCKETS.put("tcp_sock", TCP_SOCK);
        SOCKETS.put("xdp_sock", XDP_SOCK);
    }

    private static final ContextLayout SOCK_ADDR = parse("bpf_sock_addr", 72, """
            user_family 0 4 e -
            user_ip4 4 4 n e
            user_ip6 8 4x4 w W
            user_port 24 4 n e
            family 28 4 e -
            type 32 4 e -
            protocol 36 4 e -
            msg_src_ip4 40 4 n e
            msg_src_ip6 44 4x4 w W
            sk 64 8 e - socket
            """);

    private static final ContextLayout SOCK_OPS = parse("bpf_sock_ops", 224, """
            op 0 4 e -
            reply 4 4x4 e e
            numbers 20 4x36 e -
            sk_txhash 164 4 e e
            bytes_received 168 8 e -
            bytes_acked 176 8 e -
            sk 184 8 e - socket_or_null
            skb_data 192 8 e - packet
            skb_data_end 200 8 e - packet_end
            skb_len 208 4 e -
            skb_tcp_flags 212 4 n -
            skb_hwtstamp 216 8 e -
            """);

    private static final ContextLayout SK_MSG = parse("sk_msg_md", 80, """
            data 0 8 e - packet
            data_end 8 8 e - packet_end
            family 16 4 e -
            remote_ip4 20 4 e -
            local_ip4 24 4 e -
            remote_ip6 28 4x4 e -
            local_ip6 44 4x4 e -
            remote_port 60 4 e -
            local_port 64 4 e -
            size 68 4 e -
            sk 72 8 e - socket
            """);

    private static final ContextLayout SK_REUSEPORT = parse("sk_reuseport_md", 56, """
            data 0 8 e - packet
            data_end 8 8 e - packet_end
            len 16 4 n -
            eth_protocol 20 4 n -
            ip_protocol 24 4 n -
            bind_inany 28 4 n -
            hash 32 4 e -
            sk 40 8 e - socket
            migrating_sk 48 8 e - sock_common_or_null
            """);

    private static final ContextLayout SK_LOOKUP = parse("bpf_sk_lookup", 72, """
            sk 0 8 e - socket_or_null
            family 8 4 n -
            protocol 12 4 n -
            remote_ip4 16 4 n -
            remote_ip6 20 4x4 n -
            remote_port 36 4 p -
            local_ip4 40 4 n -
            local_ip6 44 4x4 n -
            local_port 60 4 n -
            ingress_ifindex 64 4 n -
            """);

    private static final ContextLayout CGROUP_DEVICE = parse("bpf_cgroup_dev_ctx", 12, """
            access_type 0 4 n -
            major 4 4 e -
            minor 8 4 e -
            """);

    private static final ContextLayout CGROUP_SYSCTL = parse("bpf_sysctl", 8, """
            write 0 4 n -
            file_pos 4 4 n e
            """);

    private static final ContextLayout SOCKOPT = parse("bpf_sockopt", 40, """
            sk 0 8 e - socket
            optval 8 8 e - packet
            optval_end 16 8 e - packet_end
            level 24 4 e -
            optname 28 4 e -
            optlen 32 4 e -
            retval 36 4 e -
            """);
}
