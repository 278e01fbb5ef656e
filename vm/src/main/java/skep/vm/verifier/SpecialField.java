package skep.vm.verifier;

/**
 * A field of a map value that only helpers may touch.
 *
 * @param offBytes from the start of the value
 * @param pointee the struct that a kernel pointer points to, without {@code struct}; empty for other kinds
 */
public record SpecialField(Kind kind, int offBytes, int sizeBytes, String pointee) {
    /** {@code enum btf_field_type}. */
    public enum Kind {
        SPIN_LOCK("bpf_spin_lock", 4),
        RES_SPIN_LOCK("bpf_res_spin_lock", 8),
        TIMER("bpf_timer", 16),
        WORKQUEUE("bpf_wq", 16),
        TASK_WORK("bpf_task_work", 8),
        LIST_HEAD("bpf_list_head", 16),
        LIST_NODE("bpf_list_node", 24),
        RB_ROOT("bpf_rb_root", 16),
        RB_NODE("bpf_rb_node", 32),
        REFCOUNT("bpf_refcount", 4),
        KPTR_UNTRUSTED("kptr", 8),
        KPTR_REF("kptr", 8),
        KPTR_PERCPU("kptr", 8),
        UPTR("uptr", 8);

        private final String structName;
        private final int sizeBytes;

        Kind(String structName, int sizeBytes) {
            this.structName = structName;
            this.sizeBytes = sizeBytes;
        }

        /** The name of the C struct, for the kinds that are structs. */
        public String structName() {
            return structName;
        }

        public int sizeBytes() {
            return sizeBytes;
        }

        boolean isKptr() {
            return this == KPTR_UNTRUSTED || this == KPTR_REF || this == KPTR_PERCPU || this == UPTR;
        }
    }

    public static SpecialField of(Kind kind, int offBytes) {
        return new SpecialField(kind, offBytes, kind.sizeBytes(), "");
    }

    public static SpecialField kptr(Kind kind, int offBytes, String pointee) {
        return new SpecialField(kind, offBytes, 8, pointee);
    }
}
