package skep.linux.sys;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import skep.isa.kernel.AttachType;
import skep.isa.kernel.MapType;
import skep.isa.kernel.ProgramType;

/**
 * {@code bpf(2)}: each method lays out the part of {@code union bpf_attr} that its command reads (Linux 6.18,
 * {@code include/uapi/linux/bpf.h}) and makes the call. Results are values or minus an errno. Safe for many threads: they
 * share one attribute block under a lock, which no blocking call holds.
 */
public final class Bpf {
    /** What a program or map name may have, without the final zero. */
    public static final int MAX_NAME_BYTES = 15;

    /** {@code BPF_F_SLEEPABLE}: a flag of program loads. */
    public static final int SLEEPABLE = 1 << 4;

    private static final int ATTR_BYTES = 168;

    private static final int MAP_CREATE = 0;
    private static final int MAP_LOOKUP_ELEM = 1;
    private static final int MAP_UPDATE_ELEM = 2;
    private static final int MAP_DELETE_ELEM = 3;
    private static final int MAP_GET_NEXT_KEY = 4;
    private static final int PROG_LOAD = 5;
    private static final int OBJ_PIN = 6;
    private static final int OBJ_GET = 7;
    private static final int PROG_ATTACH = 8;
    private static final int PROG_DETACH = 9;
    private static final int PROG_TEST_RUN = 10;
    private static final int OBJ_GET_INFO_BY_FD = 15;
    private static final int RAW_TRACEPOINT_OPEN = 17;
    private static final int BTF_LOAD = 18;
    private static final int MAP_LOOKUP_AND_DELETE_ELEM = 21;
    private static final int MAP_FREEZE = 22;
    private static final int MAP_LOOKUP_BATCH = 24;
    private static final int MAP_LOOKUP_AND_DELETE_BATCH = 25;
    private static final int MAP_UPDATE_BATCH = 26;
    private static final int MAP_DELETE_BATCH = 27;
    private static final int LINK_CREATE = 28;
    private static final int ENABLE_STATS = 32;
    private static final int ITER_CREATE = 33;

    private final Syscalls kernel;
    private final Block attr;

    public Bpf(Syscalls kernel) {
        this.kernel = kernel;
        this.attr = kernel.allocateShared(ATTR_BYTES);
    }

    private long bpf(int command) {
        return kernel.call(Sys.BPF, command, attr.pushed(ATTR_BYTES), ATTR_BYTES);
    }

    private Block attr() {
        return attr.clear(ATTR_BYTES);
    }

    /** A name as the kernel accepts it: letters, digits, {@code _} and {@code .}, at most 15. */
    public static byte[] name(String name) {
        var bytes = new byte[Math.min(name.length(), MAX_NAME_BYTES)];
        for (int i = 0; i < bytes.length; i++) {
            char c = name.charAt(i);
            boolean allowed =
                    c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '.';
            bytes[i] = (byte) (allowed ? c : '_');
        }
        return bytes;
    }

    // Maps

    /**
     * What the creation of a map takes besides its shape.
     *
     * @param innerMap descriptor of a model for maps of maps, else 0
     * @param btfFd descriptor of the types of key and value, 0 without
     * @param extra {@code map_extra}
     */
    public record MapDetails(int innerMap, int btfFd, int keyTypeId, int valueTypeId, long extra) {
        public static final MapDetails NONE = new MapDetails(0, 0, 0, 0, 0);

        public MapDetails withoutTypes() {
            return new MapDetails(innerMap, 0, 0, 0, extra);
        }
    }

    /** Creates a map; a descriptor. */
    public synchronized long mapCreate(
            MapType type, String name, int keyBytes, int valueBytes, int entries, int flags, MapDetails details) {
        attr().putInt(0, type.number())
                .putInt(4, keyBytes)
                .putInt(8, valueBytes)
                .putInt(12, entries)
                .putInt(16, flags)
                .putInt(20, details.innerMap)
                .putBytes(28, name(name))
                .putInt(48, details.btfFd)
                .putInt(52, details.keyTypeId)
                .putInt(56, details.valueTypeId)
                .putLong(64, details.extra);
        return bpf(MAP_CREATE);
    }

    /** No writes from user space any more. */
    public synchronized long mapFreeze(int map) {
        attr().putInt(0, map);
        return bpf(MAP_FREEZE);
    }

    public long mapLookup(int map, long key, long value) {
        return element(MAP_LOOKUP_ELEM, map, key, value, 0);
    }

    public long mapLookupAndDelete(int map, long key, long value) {
        return element(MAP_LOOKUP_AND_DELETE_ELEM, map, key, value, 0);
    }

    public long mapUpdate(int map, long key, long value, long flags) {
        return element(MAP_UPDATE_ELEM, map, key, value, flags);
    }

    public long mapDelete(int map, long key) {
        return element(MAP_DELETE_ELEM, map, key, 0, 0);
    }

    /** {@code key} 0 asks for the first. */
    public long mapNextKey(int map, long key, long next) {
        return element(MAP_GET_NEXT_KEY, map, key, next, 0);
    }

    private synchronized long element(int command, int map, long key, long value, long flags) {
        attr().putInt(0, map).putLong(8, key).putLong(16, value).putLong(24, flags);
        return bpf(command);
    }

    /** The outcome of a batch: minus an errno or 0, and how many entries were done (also with {@code -ENOENT}: the end). */
    public record Batch(long result, int count) {}

    public Batch mapLookupBatch(int map, long inCursor, long outCursor, long keys, long values, int count) {
        return batch(MAP_LOOKUP_BATCH, map, inCursor, outCursor, keys, values, count);
    }

    /** As {@link #mapLookupBatch}, and removes what it hands over. */
    public Batch mapTakeBatch(int map, long inCursor, long outCursor, long keys, long values, int count) {
        return batch(MAP_LOOKUP_AND_DELETE_BATCH, map, inCursor, outCursor, keys, values, count);
    }

    public Batch mapUpdateBatch(int map, long keys, long values, int count) {
        return batch(MAP_UPDATE_BATCH, map, 0, 0, keys, values, count);
    }

    public Batch mapDeleteBatch(int map, long keys, int count) {
        return batch(MAP_DELETE_BATCH, map, 0, 0, keys, 0, count);
    }

    private synchronized Batch batch(int command, int map, long in, long out, long keys, long values, int count) {
        attr().putLong(0, in)
                .putLong(8, out)
                .putLong(16, keys)
                .putLong(24, values)
                .putInt(32, count)
                .putInt(36, map);
        long result = bpf(command);
        attr.pulled(0, ATTR_BYTES);
        return new Batch(result, attr.getInt(32));
    }

    // Programs

    /** What a program load needs; addresses are of the calling process, 0 where there is nothing. */
    public record ProgramLoad(
            ProgramType type,
            int attachType,
            String name,
            long insns,
            int insnCount,
            long license,
            int attachBtfId,
            int attachBtfFd,
            int logLevel,
            long log,
            int logBytes,
            int flags,
            int kernelVersion,
            FunctionInfo functions) {
        public ProgramLoad withFunctions(FunctionInfo other) {
            return new ProgramLoad(
                    type,
                    attachType,
                    name,
                    insns,
                    insnCount,
                    license,
                    attachBtfId,
                    attachBtfFd,
                    logLevel,
                    log,
                    logBytes,
                    flags,
                    kernelVersion,
                    other);
        }
    }

    /**
     * Which BTF functions a program consists of.
     *
     * @param btfFd descriptor of the BTF, 0 if there is none
     * @param records address of {@code struct bpf_func_info} records: slot and type id
     * @param lines address of {@code struct bpf_line_info} records: slot, file name, text, line and column
     */
    public record FunctionInfo(int btfFd, long records, int count, long lines, int lineCount) {
        public static final FunctionInfo NONE = new FunctionInfo(0, 0, 0);

        /** Without lines. */
        public FunctionInfo(int btfFd, long records, int count) {
            this(btfFd, records, count, 0, 0);
        }

        public FunctionInfo withoutLines() {
            return count == 0 ? NONE : new FunctionInfo(btfFd, records, count);
        }

        /** {@code sizeof(struct bpf_func_info)}. */
        public static final int RECORD_BYTES = 8;

        /** {@code sizeof(struct bpf_line_info)}. */
        public static final int LINE_BYTES = 16;
    }

    /** Loads a program; a descriptor. */
    public synchronized long programLoad(ProgramLoad load) {
        attr().putInt(0, load.type().number())
                .putInt(4, load.insnCount())
                .putLong(8, load.insns())
                .putLong(16, load.license())
                .putInt(24, load.logLevel())
                .putInt(28, load.logBytes())
                .putLong(32, load.log())
                .putInt(40, load.kernelVersion())
                .putInt(44, load.flags())
                .putBytes(48, name(load.name()))
                .putInt(68, load.attachType())
                .putInt(72, load.functions().btfFd())
                .putInt(76, load.functions().count() == 0 ? 0 : FunctionInfo.RECORD_BYTES)
                .putLong(80, load.functions().records())
                .putInt(88, load.functions().count())
                .putInt(92, load.functions().lineCount() == 0 ? 0 : FunctionInfo.LINE_BYTES)
                .putLong(96, load.functions().lines())
                .putInt(104, load.functions().lineCount())
                .putInt(108, load.attachBtfId())
                .putInt(112, load.attachBtfFd());
        return bpf(PROG_LOAD);
    }

    /** Runs a program once with a context; minus an errno, or the program's r0 as an unsigned word. */
    public synchronized long programRun(int program, long context, int contextBytes) {
        attr().putInt(0, program).putInt(40, contextBytes).putLong(48, context);
        long result = bpf(PROG_TEST_RUN);
        if (Errno.isError(result)) {
            return result;
        }
        attr.pulled(0, ATTR_BYTES);
        return attr.getInt(4) & 0xffff_ffffL;
    }

    /** A verdict and how long a run took on average. */
    public record Run(long result, long returned, long nanos) {}

    /** Runs a program {@code repeat} times over a packet. */
    public synchronized Run programRunData(int program, long data, int dataBytes, int repeat) {
        attr().putInt(0, program).putInt(8, dataBytes).putLong(16, data).putInt(32, repeat);
        long result = bpf(PROG_TEST_RUN);
        attr.pulled(0, ATTR_BYTES);
        return new Run(result, attr.getInt(4) & 0xffff_ffffL, attr.getInt(36) & 0xffff_ffffL);
    }

    public synchronized long rawTracepointOpen(long name, int program) {
        attr().putLong(0, name).putInt(8, program);
        return bpf(RAW_TRACEPOINT_OPEN);
    }

    public synchronized long programAttach(int program, int target, AttachType type, int flags) {
        attr().putInt(0, target).putInt(4, program).putInt(8, type.number()).putInt(12, flags);
        return bpf(PROG_ATTACH);
    }

    public synchronized long programDetach(int program, int target, AttachType type) {
        attr().putInt(0, target).putInt(4, program).putInt(8, type.number());
        return bpf(PROG_DETACH);
    }

    // Links

    /** A link without options: tracing programs, cgroups, devices. */
    public long linkCreate(int program, int target, AttachType type) {
        return linkCreate(program, target, type, 0, 0);
    }

    /** A link with flags, to a network device. */
    public synchronized long linkCreateFlags(int program, int target, AttachType type, int flags) {
        attr().putInt(0, program).putInt(4, target).putInt(8, type.number()).putInt(12, flags);
        return bpf(LINK_CREATE);
    }

    /** A link to a perf event that hands {@code cookie} to the program (Linux 5.15); an iterator's parameters. */
    public synchronized long linkCreate(int program, int target, AttachType type, long first, int second) {
        attr().putInt(0, program)
                .putInt(4, target)
                .putInt(8, type.number())
                .putLong(16, first)
                .putInt(24, second);
        return bpf(LINK_CREATE);
    }

    /** A link to many kernel functions by name (Linux 5.18); {@code names} is an array of string addresses. */
    public synchronized long linkKprobes(int program, AttachType type, int flags, int count, long names, long cookies) {
        attr().putInt(0, program)
                .putInt(8, type.number())
                .putInt(16, flags)
                .putInt(20, count)
                .putLong(24, names)
                .putLong(40, cookies);
        return bpf(LINK_CREATE);
    }

    /** A link to many places of one binary (Linux 6.6); arrays of 64-bit words, {@code pid} 0 for all processes. */
    public synchronized long linkUprobes(
            int program,
            AttachType type,
            long path,
            long offsets,
            long semaphores,
            long cookies,
            int count,
            int flags,
            int pid) {
        attr().putInt(0, program)
                .putInt(8, type.number())
                .putLong(16, path)
                .putLong(24, offsets)
                .putLong(32, semaphores)
                .putLong(40, cookies)
                .putInt(48, count)
                .putInt(52, flags)
                .putInt(56, pid);
        return bpf(LINK_CREATE);
    }

    /** A descriptor that runs an iterator when it is read. */
    public synchronized long iteratorCreate(int link) {
        attr().putInt(0, link);
        return bpf(ITER_CREATE);
    }

    // Objects

    /** Kinds of objects that have ids, with their commands. */
    public enum ObjectKind {
        PROGRAM(11, 13),
        MAP(12, 14),
        BTF(23, 19),
        LINK(31, 30);

        private final int nextCommand;
        private final int openCommand;

        ObjectKind(int nextCommand, int openCommand) {
            this.nextCommand = nextCommand;
            this.openCommand = openCommand;
        }
    }

    /** The ids of all objects of a kind; empty where the caller may not list them. */
    public synchronized List<Integer> ids(ObjectKind kind) {
        var ids = new ArrayList<Integer>();
        int id = 0;
        while (true) {
            attr().putInt(0, id);
            if (Errno.isError(bpf(kind.nextCommand))) {
                return ids;
            }
            attr.pulled(0, ATTR_BYTES);
            id = attr.getInt(4);
            ids.add(id);
        }
    }

    /** A descriptor of an object by id. */
    public synchronized long open(ObjectKind kind, int id) {
        attr().putInt(0, id);
        return bpf(kind.openCommand);
    }

    /** Fills {@code info} with what is known of a descriptor's object; minus an errno or 0. */
    public synchronized long info(int fd, Block info) {
        attr().putInt(0, fd).putInt(4, (int) info.sizeBytes()).putLong(8, info.pushed(info.sizeBytes()));
        long result = bpf(OBJ_GET_INFO_BY_FD);
        info.pulled(0, info.sizeBytes());
        return result;
    }

    public synchronized long pin(int fd, long path) {
        attr().putLong(0, path).putInt(8, fd);
        return bpf(OBJ_PIN);
    }

    public synchronized long pinned(long path) {
        attr().putLong(0, path);
        return bpf(OBJ_GET);
    }

    /** Loads type information; a descriptor. */
    public synchronized long btfLoad(long btf, int bytes, long log, int logBytes) {
        attr().putLong(0, btf)
                .putLong(8, log)
                .putInt(16, bytes)
                .putInt(20, logBytes)
                .putInt(24, logBytes == 0 ? 0 : 1);
        return bpf(BTF_LOAD);
    }

    /** Counts runs and their time while the returned descriptor is open. */
    public synchronized long enableStats() {
        attr();
        return bpf(ENABLE_STATS);
    }

    /** The log text in a buffer, up to its zero byte. */
    public static String logText(Block log) {
        MemorySegment segment = log.pulled(0, log.sizeBytes());
        long end = 0;
        while (end < segment.byteSize() && segment.get(java.lang.foreign.ValueLayout.JAVA_BYTE, end) != 0) {
            end++;
        }
        return log.getString(0, (int) end);
    }
}
