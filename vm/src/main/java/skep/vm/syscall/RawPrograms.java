package skep.vm.syscall;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import skep.btf.Btf;
import skep.btf.BtfKind;
import skep.btf.BtfType;
import skep.isa.Bytecode;
import skep.isa.kernel.AttachType;
import skep.isa.kernel.Errno;
import skep.isa.kernel.KernelInfo;
import skep.isa.kernel.ProgramType;
import skep.isa.object.LineTable;
import skep.isa.object.ProgramSpec;
import skep.target.LoadOptions;

/** {@code BPF_PROG_LOAD} and {@code BPF_PROG_TEST_RUN} with {@code union bpf_attr}. */
final class RawPrograms {
    /** {@code BPF_COMPLEXITY_LIMIT_INSNS}. */
    private static final int MAX_INSNS = 1_000_000;

    private static final int MAX_LICENSE_BYTES = 128;
    private static final int MIN_RECORD_BYTES = 8;
    private static final int MIN_LINE_RECORD_BYTES = 16;
    private static final int MAX_RECORD_BYTES = 256;
    private static final int MAX_LOG_BYTES = 1 << 24;
    /** {@code log_level}: 1, 2 and statistics. */
    private static final int LOG_STATS = 4;

    private static final int SLEEPABLE = 1 << 4;
    /** Alignment, test modes, XDP with fragments and the like: known, and without effect on what the VM does. */
    private static final int HARMLESS_FLAGS = 1 | 1 << 1 | 1 << 2 | 1 << 3 | 1 << 5 | 1 << 7;

    private final BpfProcess process;

    RawPrograms(BpfProcess process) {
        this.process = process;
    }

    /**
     * <pre>
     *  0 type | 4 insn_cnt | 8 insns | 16 license | 24 log_level | 28 log_size | 32 log_buf | 44 flags | 48 name |
     *  68 attach type | 72 btf | 76 func_info_rec_size | 80 func_info | 88 func_info_cnt | 92 line_info_rec_size |
     *  96 line_info | 104 line_info_cnt | 108 attach_btf_id | 120 fd_array | 140 log_true_size
     * </pre>
     */
    long load(RawAttr attr) {
        int flags = attr.u32(44);
        attr.require((flags & ~(SLEEPABLE | HARMLESS_FLAGS)) == 0, "flags 0x" + Integer.toHexString(flags));
        int count = attr.u32(4);
        if (count <= 0 || count > MAX_INSNS) {
            throw attr.failed(Errno.E2BIG, Integer.toUnsignedString(count) + " instructions");
        }
        var license = license(attr);
        var code = Bytecode.ofBytes(attr.pointed(8, count * Bytecode.SLOT_BYTES));
        var type = ProgramType.ofNumber(attr.u32(0))
                .filter(known -> known != ProgramType.UNSPEC)
                .orElseThrow(() -> attr.invalid("program type " + attr.u32(0)));
        attr.require(attr.u32(112) == 0, "programs that replace parts of others are not known");
        var types = attr.u32(72) == 0 ? Optional.<Btf>empty() : Optional.of(process.types(attr.command, attr.u32(72)));
        var attachType = attachType(attr, type);
        var spec = new ProgramSpec(
                attr.name(48),
                type,
                attachType,
                attachTo(attr, type, attachType),
                license,
                code,
                List.of(),
                types.map(btf -> lines(attr, btf)).orElse(LineTable.EMPTY),
                types.map(btf -> functions(attr, btf)).orElse(List.of()),
                (flags & SLEEPABLE) != 0);
        int level = attr.u32(24);
        attr.require((level & ~7) == 0, "log level " + level);
        boolean wantsLog = level != 0 && attr.u64(32) != 0;
        attr.require((level == 0) == (attr.u32(28) == 0) || attr.u64(32) == 0, "a log has a level, room and a place");
        var options = new LoadOptions(level & ~LOG_STATS, "");
        var log = new StringBuilder();
        try {
            int fd = process.progLoad(spec, descriptors(attr, code), types, options, log::append);
            if (wantsLog && !putLog(attr, log.toString())) {
                process.close(fd);
                throw attr.failed(Errno.ENOSPC, "the log is longer");
            }
            return fd;
        } catch (BpfException rejected) {
            if (wantsLog && !rejected.log().isEmpty() && !putLog(attr, rejected.log())) {
                throw attr.failed(Errno.ENOSPC, "the log is longer");
            }
            throw rejected;
        }
    }

    private static String license(RawAttr attr) {
        var text = new StringBuilder();
        for (int i = 0; i < MAX_LICENSE_BYTES - 1; i++) {
            byte c = attr.memory.bytes(attr.command, attr.u64(16) + i, 1)[0];
            if (c == 0) {
                break;
            }
            text.append((char) (c & 0xff));
        }
        return text.toString();
    }

    private static Optional<AttachType> attachType(RawAttr attr, ProgramType type) {
        int number = attr.u32(68);
        boolean expected = switch (type) {
            case TRACING,
                    LSM,
                    CGROUP_SKB,
                    CGROUP_SOCK,
                    CGROUP_SOCK_ADDR,
                    CGROUP_SOCKOPT,
                    SK_LOOKUP,
                    NETFILTER,
                    SK_REUSEPORT -> true;
            default -> number != 0;
        };
        return expected ? Optional.of(RawBpf.attachType(attr, number)) : Optional.empty();
    }

    /** The name of what a typed program is for, by its id in the kernel's types. */
    private String attachTo(RawAttr attr, ProgramType type, Optional<AttachType> attachType) {
        int id = attr.u32(108);
        boolean typed = type == ProgramType.TRACING || type == ProgramType.LSM;
        if (id == 0) {
            attr.require(!typed, "a typed program names what it is for");
            return "";
        }
        attr.require(typed || type == ProgramType.STRUCT_OPS, "programs of this type are for nothing in particular");
        var kernel = process.system()
                .machine()
                .kernel()
                .flatMap(KernelInfo::types)
                .orElseThrow(() -> attr.failed(Errno.EINVAL, "this kernel publishes no types"));
        attr.require(id > 0 && id < kernel.endId(), "the kernel has no type " + id);
        var kind = attachType.orElse(AttachType.TRACE_FENTRY);
        boolean raw = kind == AttachType.TRACE_RAW_TP;
        attr.require(
                kernel.kind(id) == (raw ? BtfKind.TYPEDEF : BtfKind.FUNC),
                "the kernel's type " + id + " is nothing to attach to");
        var prefix = switch (kind) {
            case TRACE_RAW_TP -> "btf_trace_";
            case TRACE_ITER -> "bpf_iter_";
            case LSM_MAC, LSM_CGROUP -> "bpf_lsm_";
            default -> "";
        };
        var name = kernel.name(id);
        attr.require(name.startsWith(prefix), name + " is nothing to attach to");
        return name.substring(prefix.length());
    }

    private int[] descriptors(RawAttr attr, Bytecode code) {
        if (attr.u64(120) == 0) {
            return new int[0];
        }
        // Without a count the code says how long the array is.
        int used = attr.u32(148);
        for (int i = 0; i < code.size(); i++) {
            if (code.opcode(i) == BpfProcess.OP_LOAD_IMM64) {
                boolean byIndex =
                        code.src(i) == BpfProcess.PSEUDO_MAP_IDX || code.src(i) == BpfProcess.PSEUDO_MAP_IDX_VALUE;
                used = byIndex && code.imm(i) >= 0 && code.imm(i) < 1 << 16 ? Math.max(used, code.imm(i) + 1) : used;
                i++;
            }
        }
        attr.require(used >= 0 && used <= 1 << 16, "a list of " + used + " descriptors");
        var bytes = ByteBuffer.wrap(attr.pointed(120, 4 * used)).order(ByteOrder.LITTLE_ENDIAN);
        var descriptors = new int[used];
        bytes.asIntBuffer().get(descriptors);
        return descriptors;
    }

    /** Records of functions or lines, each cut to the words that are known. */
    private static List<int[]> records(RawAttr attr, int sizeAt, int addressAt, int countAt, int words, int least) {
        int count = attr.u32(countAt);
        if (count == 0) {
            return List.of();
        }
        int size = attr.u32(sizeAt);
        attr.require(
                size >= least && size <= MAX_RECORD_BYTES && size % 4 == 0 && count > 0 && count <= MAX_INSNS,
                count + " records of " + size + " bytes");
        var bytes = ByteBuffer.wrap(attr.pointed(addressAt, Math.multiplyExact(count, size)))
                .order(ByteOrder.LITTLE_ENDIAN);
        var records = new ArrayList<int[]>();
        for (int i = 0; i < count; i++) {
            var record = new int[words];
            for (int k = 0; k < words; k++) {
                record[k] = bytes.getInt(i * size + 4 * k);
            }
            for (int k = 4 * words; k < size; k++) {
                if (bytes.get(i * size + k) != 0) {
                    throw attr.failed(Errno.E2BIG, "record " + i + " has a part that is not known");
                }
            }
            records.add(record);
        }
        return records;
    }

    private static List<ProgramSpec.FunctionEntry> functions(RawAttr attr, Btf types) {
        var entries = new ArrayList<ProgramSpec.FunctionEntry>();
        for (var record : records(attr, 76, 80, 88, 2, MIN_RECORD_BYTES)) {
            attr.require(
                    record[1] > 0
                            && record[1] < types.endId()
                            && types.type(record[1]) instanceof BtfType.Function function
                            && types.type(function.protoId()) instanceof BtfType.Prototype,
                    "type " + record[1] + " is no function");
            var function = (BtfType.Function) types.type(record[1]);
            var prototype = (BtfType.Prototype) types.type(function.protoId());
            entries.add(new ProgramSpec.FunctionEntry(
                    record[0],
                    function.name(),
                    prototype.parameters().size(),
                    function.linkage() == BtfType.Linkage.GLOBAL,
                    record[1]));
        }
        return entries;
    }

    private static LineTable lines(RawAttr attr, Btf types) {
        var entries = new ArrayList<LineTable.Entry>();
        for (var record : records(attr, 92, 96, 104, 4, MIN_LINE_RECORD_BYTES)) {
            int column = Math.max(0, (record[3] & 0x3ff) - 1);
            entries.add(new LineTable.Entry(
                    record[0],
                    types.string(record[1]),
                    column,
                    column,
                    record[3] >>> 10,
                    types.string(record[2]).strip()));
        }
        return new LineTable(entries);
    }

    /** Whether all of it fits; the end of a log that does not is what the caller sees. */
    private static boolean putLog(RawAttr attr, String log) {
        var text = log.getBytes(StandardCharsets.UTF_8);
        int room = attr.u32(28);
        attr.require(room >= 0 && room <= MAX_LOG_BYTES, "room of " + room + " bytes");
        attr.putU32(140, text.length + 1);
        int kept = Math.min(text.length, Math.max(0, room - 1));
        attr.putPointed(32, Arrays.copyOf(Arrays.copyOfRange(text, text.length - kept, text.length), kept + 1));
        return text.length < room;
    }

    /** 0 program | 4 retval | 8 data_size_in | 12 out | 16 data_in | 24 out | 32 repeat | 36 duration | 40 ctx_size_in | 44 out | 48 ctx_in | 56 out. */
    long testRun(RawAttr attr) {
        attr.require((attr.u32(40) == 0) == (attr.u64(48) == 0), "a context has a size and an address");
        attr.require((attr.u32(44) == 0) == (attr.u64(56) == 0), "room for a context has a size and an address");
        attr.require(attr.u32(8) >= 0 && attr.u32(40) >= 0, "sizes");
        attr.require(attr.u32(64) == 0 && attr.u32(72) == 0, "flags: programs run here, one at a time");
        var data = attr.u64(16) == 0 ? new byte[0] : attr.pointed(16, Math.min(attr.u32(8), MAX_DATA_BYTES));
        var context = attr.u64(48) == 0 ? new byte[0] : attr.pointed(48, Math.min(attr.u32(40), MAX_DATA_BYTES));
        var result = process.progTestRun(attr.u32(0), new TestRun.Request(data, context, attr.u32(32)));
        attr.putU32(4, result.retval());
        attr.putU32(36, (int) Math.min(Integer.MAX_VALUE, result.nanosPerRun()));
        boolean fits = put(attr, 12, 24, result.data()) & put(attr, 44, 56, result.context());
        if (!fits) {
            throw attr.failed(Errno.ENOSPC, "the result is longer than the room for it");
        }
        return 0;
    }

    private static final int MAX_DATA_BYTES = 1 << 20;

    private static boolean put(RawAttr attr, int sizeAt, int addressAt, byte[] bytes) {
        int room = attr.u32(sizeAt);
        boolean fits = attr.u64(addressAt) == 0 || room < 0 || room >= bytes.length || room == 0;
        if (attr.u64(addressAt) != 0) {
            attr.putPointed(addressAt, fits ? bytes : Arrays.copyOf(bytes, room));
        }
        attr.putU32(sizeAt, bytes.length);
        return fits;
    }
}
