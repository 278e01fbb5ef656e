package skep.elf;

import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import skep.isa.kernel.AttachType;
import skep.isa.kernel.ProbeKind;
import skep.isa.kernel.ProbeSpec;
import skep.isa.kernel.ProgramType;

/**
 * What the name of a program's section says of the program, for example {@code tracepoint/sched/sched_switch}: a row of
 * libbpf's table and what follows it.
 *
 * @param attachTo what follows the row's name, without the slash
 * @param sleepable whether the row is for programs that may sleep
 */
public record SectionName(
        String section, ProgramType type, Optional<AttachType> attachType, String attachTo, boolean sleepable) {
    /** A row: {@code prefix} with a plus may be followed by {@code /...}. */
    private record Row(
            String prefix, ProgramType type, Optional<AttachType> attachType, boolean open, boolean sleepable) {}

    private static Row row(String name, ProgramType type, AttachType attachType) {
        return row(name, type, Optional.of(attachType));
    }

    private static Row row(String name, ProgramType type) {
        return row(name, type, Optional.empty());
    }

    private static Row row(String name, ProgramType type, Optional<AttachType> attachType) {
        boolean more = name.endsWith("+");
        var prefix = more ? name.substring(0, name.length() - 1) : name;
        return new Row(prefix, type, attachType, more, prefix.endsWith(".s"));
    }

    private static final List<Row> ROWS = List.of(
            row("socket", ProgramType.SOCKET_FILTER),
            row("sk_reuseport/migrate", ProgramType.SK_REUSEPORT, AttachType.SK_REUSEPORT_SELECT_OR_MIGRATE),
            row("sk_reuseport", ProgramType.SK_REUSEPORT, AttachType.SK_REUSEPORT_SELECT),
            row("kprobe+", ProgramType.KPROBE),
            row("uprobe+", ProgramType.KPROBE),
            row("uprobe.s+", ProgramType.KPROBE),
            row("kretprobe+", ProgramType.KPROBE),
            row("uretprobe+", ProgramType.KPROBE),
            row("uretprobe.s+", ProgramType.KPROBE),
            row("kprobe.multi+", ProgramType.KPROBE, AttachType.TRACE_KPROBE_MULTI),
            row("kretprobe.multi+", ProgramType.KPROBE, AttachType.TRACE_KPROBE_MULTI),
            row("kprobe.session+", ProgramType.KPROBE, AttachType.TRACE_KPROBE_SESSION),
            row("uprobe.multi+", ProgramType.KPROBE, AttachType.TRACE_UPROBE_MULTI),
            row("uretprobe.multi+", ProgramType.KPROBE, AttachType.TRACE_UPROBE_MULTI),
            row("uprobe.session+", ProgramType.KPROBE, AttachType.TRACE_UPROBE_SESSION),
            row("ksyscall+", ProgramType.KPROBE),
            row("kretsyscall+", ProgramType.KPROBE),
            row("usdt+", ProgramType.KPROBE),
            row("usdt.s+", ProgramType.KPROBE),
            row("tc/ingress", ProgramType.SCHED_CLS, AttachType.TCX_INGRESS),
            row("tc/egress", ProgramType.SCHED_CLS, AttachType.TCX_EGRESS),
            row("tcx/ingress", ProgramType.SCHED_CLS, AttachType.TCX_INGRESS),
            row("tcx/egress", ProgramType.SCHED_CLS, AttachType.TCX_EGRESS),
            row("netkit/primary", ProgramType.SCHED_CLS, AttachType.NETKIT_PRIMARY),
            row("netkit/peer", ProgramType.SCHED_CLS, AttachType.NETKIT_PEER),
            row("tc", ProgramType.SCHED_CLS),
            row("classifier", ProgramType.SCHED_CLS),
            row("action", ProgramType.SCHED_ACT),
            row("tracepoint+", ProgramType.TRACEPOINT),
            row("tp+", ProgramType.TRACEPOINT),
            row("raw_tracepoint+", ProgramType.RAW_TRACEPOINT),
            row("raw_tp+", ProgramType.RAW_TRACEPOINT),
            row("raw_tracepoint.w+", ProgramType.RAW_TRACEPOINT_WRITABLE),
            row("raw_tp.w+", ProgramType.RAW_TRACEPOINT_WRITABLE),
            row("tp_btf+", ProgramType.TRACING, AttachType.TRACE_RAW_TP),
            row("fentry+", ProgramType.TRACING, AttachType.TRACE_FENTRY),
            row("fmod_ret+", ProgramType.TRACING, AttachType.MODIFY_RETURN),
            row("fexit+", ProgramType.TRACING, AttachType.TRACE_FEXIT),
            row("fentry.s+", ProgramType.TRACING, AttachType.TRACE_FENTRY),
            row("fmod_ret.s+", ProgramType.TRACING, AttachType.MODIFY_RETURN),
            row("fexit.s+", ProgramType.TRACING, AttachType.TRACE_FEXIT),
            row("freplace+", ProgramType.EXT),
            row("lsm+", ProgramType.LSM, AttachType.LSM_MAC),
            row("lsm.s+", ProgramType.LSM, AttachType.LSM_MAC),
            row("lsm_cgroup+", ProgramType.LSM, AttachType.LSM_CGROUP),
            row("iter+", ProgramType.TRACING, AttachType.TRACE_ITER),
            row("iter.s+", ProgramType.TRACING, AttachType.TRACE_ITER),
            row("syscall", ProgramType.SYSCALL),
            row("xdp.frags/devmap", ProgramType.XDP, AttachType.XDP_DEVMAP),
            row("xdp/devmap", ProgramType.XDP, AttachType.XDP_DEVMAP),
            row("xdp.frags/cpumap", ProgramType.XDP, AttachType.XDP_CPUMAP),
            row("xdp/cpumap", ProgramType.XDP, AttachType.XDP_CPUMAP),
            row("xdp.frags", ProgramType.XDP, AttachType.XDP),
            row("xdp", ProgramType.XDP, AttachType.XDP),
            row("perf_event", ProgramType.PERF_EVENT),
            row("lwt_in", ProgramType.LWT_IN),
            row("lwt_out", ProgramType.LWT_OUT),
            row("lwt_xmit", ProgramType.LWT_XMIT),
            row("lwt_seg6local", ProgramType.LWT_SEG6LOCAL),
            row("sockops", ProgramType.SOCK_OPS, AttachType.CGROUP_SOCK_OPS),
            row("sk_skb/stream_parser", ProgramType.SK_SKB, AttachType.SK_SKB_STREAM_PARSER),
            row("sk_skb/stream_verdict", ProgramType.SK_SKB, AttachType.SK_SKB_STREAM_VERDICT),
            row("sk_skb/verdict", ProgramType.SK_SKB, AttachType.SK_SKB_VERDICT),
            row("sk_skb", ProgramType.SK_SKB),
            row("sk_msg", ProgramType.SK_MSG, AttachType.SK_MSG_VERDICT),
            row("lirc_mode2", ProgramType.LIRC_MODE2, AttachType.LIRC_MODE2),
            row("flow_dissector", ProgramType.FLOW_DISSECTOR, AttachType.FLOW_DISSECTOR),
            row("cgroup_skb/ingress", ProgramType.CGROUP_SKB, AttachType.CGROUP_INET_INGRESS),
            row("cgroup_skb/egress", ProgramType.CGROUP_SKB, AttachType.CGROUP_INET_EGRESS),
            row("cgroup/skb", ProgramType.CGROUP_SKB),
            row("cgroup/sock_create", ProgramType.CGROUP_SOCK, AttachType.CGROUP_INET_SOCK_CREATE),
            row("cgroup/sock_release", ProgramType.CGROUP_SOCK, AttachType.CGROUP_INET_SOCK_RELEASE),
            row("cgroup/sock", ProgramType.CGROUP_SOCK, AttachType.CGROUP_INET_SOCK_CREATE),
            row("cgroup/post_bind4", ProgramType.CGROUP_SOCK, AttachType.CGROUP_INET4_POST_BIND),
            row("cgroup/post_bind6", ProgramType.CGROUP_SOCK, AttachType.CGROUP_INET6_POST_BIND),
            row("cgroup/bind4", ProgramType.CGROUP_SOCK_ADDR, AttachType.CGROUP_INET4_BIND),
            row("cgroup/bind6", ProgramType.CGROUP_SOCK_ADDR, AttachType.CGROUP_INET6_BIND),
            row("cgroup/connect4", ProgramType.CGROUP_SOCK_ADDR, AttachType.CGROUP_INET4_CONNECT),
            row("cgroup/connect6", ProgramType.CGROUP_SOCK_ADDR, AttachType.CGROUP_INET6_CONNECT),
            row("cgroup/sendmsg4", ProgramType.CGROUP_SOCK_ADDR, AttachType.CGROUP_UDP4_SENDMSG),
            row("cgroup/sendmsg6", ProgramType.CGROUP_SOCK_ADDR, AttachType.CGROUP_UDP6_SENDMSG),
            row("cgroup/recvmsg4", ProgramType.CGROUP_SOCK_ADDR, AttachType.CGROUP_UDP4_RECVMSG),
            row("cgroup/recvmsg6", ProgramType.CGROUP_SOCK_ADDR, AttachType.CGROUP_UDP6_RECVMSG),
            row("cgroup/getpeername4", ProgramType.CGROUP_SOCK_ADDR, AttachType.CGROUP_INET4_GETPEERNAME),
            row("cgroup/getpeername6", ProgramType.CGROUP_SOCK_ADDR, AttachType.CGROUP_INET6_GETPEERNAME),
            row("cgroup/getsockname4", ProgramType.CGROUP_SOCK_ADDR, AttachType.CGROUP_INET4_GETSOCKNAME),
            row("cgroup/getsockname6", ProgramType.CGROUP_SOCK_ADDR, AttachType.CGROUP_INET6_GETSOCKNAME),
            row("cgroup/sysctl", ProgramType.CGROUP_SYSCTL, AttachType.CGROUP_SYSCTL),
            row("cgroup/getsockopt", ProgramType.CGROUP_SOCKOPT, AttachType.CGROUP_GETSOCKOPT),
            row("cgroup/setsockopt", ProgramType.CGROUP_SOCKOPT, AttachType.CGROUP_SETSOCKOPT),
            row("cgroup/dev", ProgramType.CGROUP_DEVICE, AttachType.CGROUP_DEVICE),
            row("struct_ops+", ProgramType.STRUCT_OPS),
            row("struct_ops.s+", ProgramType.STRUCT_OPS),
            row("sk_lookup", ProgramType.SK_LOOKUP, AttachType.SK_LOOKUP),
            row("netfilter", ProgramType.NETFILTER, AttachType.NETFILTER));

    /** The row for a section's name; a leading {@code ?} (do not load by itself) is passed over. */
    public static Optional<SectionName> of(String section) {
        var name = section.startsWith("?") ? section.substring(1) : section;
        for (var row : ROWS) {
            if (name.equals(row.prefix)) {
                return Optional.of(new SectionName(section, row.type, row.attachType, "", row.sleepable));
            }
            if (row.open && name.startsWith(row.prefix + "/")) {
                var rest = name.substring(row.prefix.length() + 1);
                return Optional.of(new SectionName(section, row.type, row.attachType, rest, row.sleepable));
            }
        }
        return Optional.empty();
    }

    /** The attach point that the name stands for, where it is a probe. */
    public Optional<ProbeSpec> probe() {
        if (attachTo.isEmpty()) {
            return Optional.empty();
        }
        var head = section.startsWith("?") ? section.substring(1) : section;
        head = head.substring(0, head.indexOf('/'));
        return switch (head) {
            case "kprobe" -> Optional.of(function(ProbeKind.KPROBE, "", attachTo));
            case "kprobe.multi", "kprobe.session" -> Optional.of(ProbeSpec.of(ProbeKind.KPROBE, attachTo));
            case "kretprobe", "kretprobe.multi" -> Optional.of(ProbeSpec.of(ProbeKind.KRETPROBE, attachTo));
            case "uprobe", "uprobe.s", "uprobe.multi", "uprobe.session" -> inProgram(ProbeKind.UPROBE);
            case "uretprobe", "uretprobe.s", "uretprobe.multi" -> inProgram(ProbeKind.URETPROBE);
            case "usdt", "usdt.s" -> inProgram(ProbeKind.USDT);
            case "lsm", "lsm.s" -> Optional.of(ProbeSpec.of(ProbeKind.LSM, attachTo));
            case "fmod_ret", "fmod_ret.s" -> Optional.of(ProbeSpec.of(ProbeKind.FMOD_RET, attachTo));
            case "ksyscall" -> Optional.of(ProbeSpec.tracepoint("syscalls", "sys_enter_" + attachTo));
            case "kretsyscall" -> Optional.of(ProbeSpec.tracepoint("syscalls", "sys_exit_" + attachTo));
            case "fentry", "fentry.s" -> Optional.of(ProbeSpec.of(ProbeKind.FENTRY, attachTo));
            case "fexit", "fexit.s" -> Optional.of(ProbeSpec.of(ProbeKind.FEXIT, attachTo));
            case "raw_tp", "raw_tracepoint", "tp_btf" -> Optional.of(ProbeSpec.of(ProbeKind.RAWTRACEPOINT, attachTo));
            case "iter", "iter.s" -> Optional.of(ProbeSpec.of(ProbeKind.ITER, attachTo));
            case "tracepoint", "tp" -> {
                int slash = attachTo.indexOf('/');
                yield slash < 0
                        ? Optional.empty()
                        : Optional.of(
                                ProbeSpec.tracepoint(attachTo.substring(0, slash), attachTo.substring(slash + 1)));
            }
            default -> Optional.empty();
        };
    }

    /**
     * The attach point of a program that needs a place which no section names: an interface for packets, the folder of a control
     * group for its programs. Empty if the program is of another kind, or what it needs is not given.
     *
     * @param networkInterface for socket filters, XDP and tc
     * @param cgroup the folder of a control group
     */
    public Optional<ProbeSpec> probe(Optional<String> networkInterface, Optional<String> cgroup) {
        boolean ofGroup = switch (type) {
            case CGROUP_SKB, CGROUP_SOCK, CGROUP_SOCK_ADDR, CGROUP_SYSCTL, CGROUP_SOCKOPT, CGROUP_DEVICE, SOCK_OPS ->
                attachType.isPresent();
            default -> false;
        };
        if (ofGroup) {
            return cgroup.map(folder -> placed(ProbeKind.CGROUP, folder, ""));
        }
        return switch (type) {
            case SOCKET_FILTER -> networkInterface.map(name -> placed(ProbeKind.SOCKET, "", name));
            case XDP ->
                networkInterface
                        .filter(name -> attachType.equals(Optional.of(AttachType.XDP)))
                        .map(name -> placed(ProbeKind.XDP, "", name));
            case SCHED_CLS -> {
                var side = attachType.equals(Optional.of(AttachType.TCX_EGRESS)) ? "egress" : "ingress";
                boolean tcx = side.equals("egress") || attachType.equals(Optional.of(AttachType.TCX_INGRESS));
                yield networkInterface.filter(name -> tcx).map(name -> placed(ProbeKind.TC, side, name));
            }
            default -> Optional.empty();
        };
    }

    /** Whether {@link #probe(Optional, Optional)} has an answer for this kind of program, once it is told the place. */
    public boolean needsPlace() {
        var some = Optional.of("place");
        return probe(some, some).isPresent();
    }

    private static ProbeSpec placed(ProbeKind kind, String module, String target) {
        return new ProbeSpec(kind, module, target, 0, 0, OptionalInt.empty());
    }

    /** {@code PATH:FUNCTION}, {@code PATH:PROVIDER:NAME}: a path may hold colons only where the kind has no more of them. */
    private Optional<ProbeSpec> inProgram(ProbeKind kind) {
        int colon = attachTo.indexOf(':');
        return colon <= 0
                ? Optional.empty()
                : Optional.of(function(kind, attachTo.substring(0, colon), attachTo.substring(colon + 1)));
    }

    private ProbeSpec function(ProbeKind kind, String module, String name) {
        int plus = name.indexOf('+');
        if (plus < 0) {
            return placed(kind, module, name);
        }
        try {
            long offset = Long.decode(name.substring(plus + 1));
            return new ProbeSpec(kind, module, name.substring(0, plus), offset, 0, OptionalInt.empty());
        } catch (NumberFormatException notANumber) {
            throw new ElfException("section " + section + ": the offset is no number");
        }
    }
}
