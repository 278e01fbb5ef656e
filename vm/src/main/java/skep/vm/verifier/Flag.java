package skep.vm.verifier;

/** Modifiers of register and argument types: {@code enum bpf_type_flag}, Linux 6.18. */
enum Flag {
    MAYBE_NULL(""),
    RDONLY("rdonly_"),
    RINGBUF("ringbuf_"),
    USER("user_"),
    PERCPU("percpu_"),
    RELEASE(""),
    UNTRUSTED("untrusted_"),
    UNINIT(""),
    DYNPTR_LOCAL(""),
    DYNPTR_RINGBUF(""),
    FIXED_SIZE(""),
    ALLOC(""),
    TRUSTED("trusted_"),
    RCU("rcu_"),
    NON_OWN_REF("non_own_ref_"),
    DYNPTR_SKB(""),
    DYNPTR_XDP(""),
    ALIGNED(""),
    WRITE(""),
    DYNPTR_SKB_META(""),
    DYNPTR_FILE("");

    /** In the order in which they are printed. */
    static final Flag[] PREFIXES = {RDONLY, RINGBUF, USER, PERCPU, UNTRUSTED, TRUSTED, RCU, NON_OWN_REF};

    static final int NONE = 0;

    final String prefix;
    final int bit;

    Flag(String prefix) {
        this.prefix = prefix;
        this.bit = 1 << ordinal();
    }

    boolean in(int flags) {
        return (flags & bit) != 0;
    }
}
