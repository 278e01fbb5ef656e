package skep.vm.verifier;

/** What a dynptr is over: {@code enum bpf_dynptr_type}. */
enum DynptrKind {
    INVALID("invalid"),
    LOCAL("local"),
    RINGBUF("ringbuf"),
    SKB("skb"),
    XDP("xdp"),
    SKB_META("skb_meta"),
    FILE("file");

    final String text;

    DynptrKind(String text) {
        this.text = text;
    }

    boolean refcounted() {
        return this == RINGBUF || this == FILE;
    }

    static DynptrKind ofFlags(int flags) {
        if (Flag.DYNPTR_LOCAL.in(flags)) {
            return LOCAL;
        } else if (Flag.DYNPTR_RINGBUF.in(flags)) {
            return RINGBUF;
        } else if (Flag.DYNPTR_SKB.in(flags)) {
            return SKB;
        } else if (Flag.DYNPTR_XDP.in(flags)) {
            return XDP;
        } else if (Flag.DYNPTR_SKB_META.in(flags)) {
            return SKB_META;
        } else if (Flag.DYNPTR_FILE.in(flags)) {
            return FILE;
        }
        return INVALID;
    }
}
