package skep.isa.kernel;

/** Flags of maps ({@code BPF_F_*} of creation, {@code BPF_*} of updates; Linux 6.18). */
public final class MapFlags {
    public static final int NO_PREALLOC = 1;
    public static final int NO_COMMON_LRU = 1 << 1;
    public static final int NUMA_NODE = 1 << 2;
    /** The system call may only read. */
    public static final int RDONLY = 1 << 3;
    /** The system call may only write. */
    public static final int WRONLY = 1 << 4;

    public static final int STACK_BUILD_ID = 1 << 5;
    public static final int ZERO_SEED = 1 << 6;
    /** Programs may only read. */
    public static final int RDONLY_PROG = 1 << 7;
    /** Programs may only write. */
    public static final int WRONLY_PROG = 1 << 8;

    public static final int CLONE = 1 << 9;
    public static final int MMAPABLE = 1 << 10;
    public static final int PRESERVE_ELEMS = 1 << 11;
    public static final int INNER_MAP = 1 << 12;

    /** Update: create or replace. */
    public static final long ANY = 0;
    /** Update: only create. */
    public static final long NOEXIST = 1;
    /** Update: only replace. */
    public static final long EXIST = 2;
    /** Update and lookup: hold the value's spin lock. */
    public static final long LOCK = 4;

    private MapFlags() {}
}
