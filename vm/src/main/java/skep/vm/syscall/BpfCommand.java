package skep.vm.syscall;

import java.util.Optional;

/**
 * The commands of {@code bpf()} ({@code enum bpf_cmd}, Linux 6.18), in the order of their numbers, each with the bytes of
 * {@code union bpf_attr} that it reads; those behind must be zero.
 */
public enum BpfCommand {
    MAP_CREATE(92),
    MAP_LOOKUP_ELEM(32),
    MAP_UPDATE_ELEM(32),
    MAP_DELETE_ELEM(16),
    MAP_GET_NEXT_KEY(24),
    PROG_LOAD(168),
    OBJ_PIN(20),
    OBJ_GET(20),
    PROG_ATTACH(32),
    PROG_DETACH(32),
    PROG_TEST_RUN(76),
    PROG_GET_NEXT_ID(8),
    MAP_GET_NEXT_ID(8),
    PROG_GET_FD_BY_ID(4),
    MAP_GET_FD_BY_ID(16),
    OBJ_GET_INFO_BY_FD(16),
    PROG_QUERY(64),
    RAW_TRACEPOINT_OPEN(24),
    BTF_LOAD(40),
    BTF_GET_FD_BY_ID(16),
    TASK_FD_QUERY(48),
    MAP_LOOKUP_AND_DELETE_ELEM(32),
    MAP_FREEZE(4),
    BTF_GET_NEXT_ID(8),
    MAP_LOOKUP_BATCH(56),
    MAP_LOOKUP_AND_DELETE_BATCH(56),
    MAP_UPDATE_BATCH(56),
    MAP_DELETE_BATCH(56),
    LINK_CREATE(60),
    LINK_UPDATE(16),
    LINK_GET_FD_BY_ID(4),
    LINK_GET_NEXT_ID(8),
    ENABLE_STATS(4),
    ITER_CREATE(8),
    LINK_DETACH(4),
    PROG_BIND_MAP(12),
    TOKEN_CREATE(8);

    private static final BpfCommand[] ALL = values();

    private final int attrBytes;

    BpfCommand(int attrBytes) {
        this.attrBytes = attrBytes;
    }

    /** The row with this number, if there is one. */
    public static Optional<BpfCommand> ofNumber(int number) {
        return number >= 0 && number < ALL.length ? Optional.of(ALL[number]) : Optional.empty();
    }

    /** How many bytes of the union mean something. */
    int attrBytes() {
        return attrBytes;
    }

    public int number() {
        return ordinal();
    }

    /** As the kernel's header names it. */
    public String kernelName() {
        return "BPF_" + name();
    }
}
