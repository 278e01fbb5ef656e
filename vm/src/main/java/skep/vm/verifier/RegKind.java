package skep.vm.verifier;

/** What a register holds, before modifiers ({@link Flag}): {@code enum bpf_reg_type}, Linux 6.18. */
enum RegKind {
    NOT_INIT("?"),
    SCALAR("scalar"),
    CTX("ctx"),
    MAP_PTR("map_ptr"),
    MAP_VALUE("map_value"),
    MAP_KEY("map_key"),
    STACK("fp"),
    PACKET_META("pkt_meta"),
    PACKET("pkt"),
    PACKET_END("pkt_end"),
    FLOW_KEYS("flow_keys"),
    SOCKET("sock"),
    SOCK_COMMON("sock_common"),
    TCP_SOCK("tcp_sock"),
    TP_BUFFER("tp_buffer"),
    XDP_SOCK("xdp_sock"),
    BTF_ID("ptr_"),
    MEM("mem"),
    ARENA("arena"),
    BUF("buf"),
    FUNC("func"),
    DYNPTR("dynptr_ptr");

    final String text;

    RegKind(String text) {
        this.text = text;
    }

    boolean isPacket() {
        return this == PACKET || this == PACKET_META;
    }

    boolean isSocket() {
        return this == SOCKET || this == SOCK_COMMON || this == TCP_SOCK || this == XDP_SOCK;
    }

    /** The name with modifiers in the kernel's order, for example {@code rdonly_mem_or_null}. */
    String name(int flags) {
        var suffix = "";
        if (Flag.MAYBE_NULL.in(flags)) {
            suffix = this == BTF_ID ? "or_null_" : "_or_null";
        }
        var prefix = new StringBuilder();
        for (var flag : Flag.PREFIXES) {
            if (flag.in(flags)) {
                prefix.append(flag.prefix);
            }
        }
        return prefix + text + suffix;
    }

    private static final RegKind[] ALL = values();

    static int count() {
        return ALL.length;
    }
}
