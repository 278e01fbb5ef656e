package skep.linux;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.IntStream;
import skep.btf.Btf;
import skep.btf.BtfBuilder;
import skep.btf.BtfType;
import skep.isa.object.BpfObject;
import skep.isa.object.LineTable;
import skep.isa.object.ProgramSpec;
import skep.linux.sys.Block;
import skep.linux.sys.Bpf;
import skep.linux.sys.Errno;

/**
 * The types of one object in the kernel, for its maps and functions, and the source lines of its programs, which BTF holds the text of. A
 * kernel that refuses them leaves them out.
 *
 * <p>The kernel calls back only functions that BTF describes, as static ones. Where the object has no types for the functions of a program of
 * several, every parameter is described as a number; of static functions the verifier believes the code, not the types.
 */
final class ObjectTypes implements AutoCloseable {
    private static final int LOG_BYTES = 1 << 20;
    private static final int WORD_BYTES = 8;

    /** Bits of the column in {@code bpf_line_info.line_col}; the line is above. */
    private static final int COLUMN_BITS = 10;

    private final Host host;
    private final Map<String, Records> records = new HashMap<>();
    private int fd = -1;
    /** Has the functions and lines; the same as the other where the kernel took all in one. */
    private int recordsFd = -1;

    private String refusal = "";

    ObjectTypes(Host host) {
        this.host = host;
    }

    /**
     * What BTF says of a program.
     *
     * @param functions {@code struct bpf_func_info} records: slot and type id
     * @param lines {@code struct bpf_line_info} records: slot, file name, text, line and column
     */
    private record Records(byte[] functions, byte[] lines) {}

    void load(BpfObject object) {
        if (describe(object, object.types())) {
            fd = recordsFd;
        } else {
            object.types().ifPresent(this::load);
            if (object.types().isPresent() && fd < 0) {
                // This kernel does not know all of the object's types; the functions need none of them.
                describe(object, Optional.empty());
            }
        }
    }

    /** Loads functions and lines behind the object's types; false if there are none, or the kernel refuses. */
    private boolean describe(BpfObject object, Optional<Btf> types) {
        var builder = types.map(BtfBuilder::split).orElseGet(BtfBuilder::new);
        int word = builder.add(BtfType.Int.signed("long", WORD_BYTES));
        var described = new HashMap<String, Records>();
        for (var program : object.programs()) {
            boolean known = types.isPresent();
            described.put(
                    program.name(), new Records(functions(program, builder, word, known), lines(program, builder)));
        }
        if (described.values().stream().allMatch(one -> one.functions.length + one.lines.length == 0)) {
            return false;
        }
        long loaded = load(builder.toBytesWithBase());
        if (Errno.isError(loaded)) {
            return false;
        }
        recordsFd = (int) loaded;
        records.putAll(described);
        return true;
    }

    private void load(Btf types) {
        var bytes = types.bytes();
        long loaded = load(bytes);
        if (Errno.isError(loaded)) {
            refusal = Errno.name(-loaded) + verdict(bytes);
        } else {
            fd = (int) loaded;
        }
    }

    private long load(byte[] bytes) {
        try (var block = host.syscalls().allocate(bytes.length)) {
            block.putBytes(0, bytes);
            return host.bpf().btfLoad(block.pushed(bytes.length), bytes.length, 0, 0);
        }
    }

    /** The last line of the kernel's log on types that it refuses. */
    private String verdict(byte[] bytes) {
        try (var block = host.syscalls().allocate(bytes.length);
                var log = host.syscalls().allocate(LOG_BYTES)) {
            block.putBytes(0, bytes);
            host.bpf().btfLoad(block.pushed(bytes.length), bytes.length, log.address(), LOG_BYTES);
            return Bpf.logText(log)
                    .strip()
                    .lines()
                    .reduce((_, last) -> ": " + last)
                    .orElse("");
        }
    }

    /** Why the kernel did not take the types; empty if it did or there are none. */
    String refusal() {
        return refusal;
    }

    boolean isLoaded() {
        return fd >= 0;
    }

    int fd() {
        return fd;
    }

    /** The kernel wants all functions of a program described, or none. */
    private static byte[] functions(ProgramSpec program, BtfBuilder builder, int word, boolean typed) {
        if (program.functions().size() < 2) {
            return new byte[0];
        }
        boolean known = typed && program.functions().stream().allMatch(function -> function.typeId() != 0);
        var out = ByteBuffer.allocate(program.functions().size() * Bpf.FunctionInfo.RECORD_BYTES)
                .order(ByteOrder.LITTLE_ENDIAN);
        for (var function : program.functions()) {
            out.putInt(function.insn()).putInt(known ? function.typeId() : describe(function, builder, word));
        }
        return out.array();
    }

    private static int describe(ProgramSpec.FunctionEntry function, BtfBuilder builder, int word) {
        var parameters = new ArrayList<BtfType.Parameter>();
        for (int i = 0; i < function.parameters(); i++) {
            parameters.add(new BtfType.Parameter("a" + i, word));
        }
        int prototype = builder.add(new BtfType.Prototype(word, parameters));
        var linkage = function.insn() == 0 ? BtfType.Linkage.GLOBAL : BtfType.Linkage.STATIC;
        return builder.add(new BtfType.Function(identifier(function.name()), prototype, linkage));
    }

    /** BTF takes C identifiers as names of functions. */
    private static String identifier(String name) {
        return name.replaceAll("[^A-Za-z0-9_]", "_").replaceFirst("^(?=[0-9])", "_");
    }

    /** The kernel wants a line for the first slot of every function, and slots ascending. */
    private static byte[] lines(ProgramSpec program, BtfBuilder builder) {
        var places = new TreeMap<Integer, LineTable.Entry>();
        for (var entry : program.lines().entries()) {
            places.put(entry.insn(), entry);
        }
        if (places.isEmpty()) {
            return new byte[0];
        }
        places.putIfAbsent(0, places.firstEntry().getValue());
        for (var function : program.functions()) {
            places.putIfAbsent(
                    function.insn(), places.floorEntry(function.insn()).getValue());
        }
        var out =
                ByteBuffer.allocate(places.size() * Bpf.FunctionInfo.LINE_BYTES).order(ByteOrder.LITTLE_ENDIAN);
        places.forEach((slot, entry) -> {
            out.putInt(slot).putInt(builder.string(entry.source())).putInt(builder.string(entry.text()));
            out.putInt(entry.line() << COLUMN_BITS);
        });
        return out.array();
    }

    /** What is told of a program, while it is being loaded. */
    Described describe(ProgramSpec program) {
        return new Described(host, recordsFd, Optional.ofNullable(records.get(program.name())));
    }

    /** Records in the memory of the process that makes the calls. */
    static final class Described implements AutoCloseable {
        private final List<Block> owned = new ArrayList<>();
        private final Bpf.FunctionInfo info;

        private Described(Host host, int btfFd, Optional<Records> records) {
            var functions = records.map(Records::functions).orElse(new byte[0]);
            var lines = records.map(Records::lines).orElse(new byte[0]);
            info = functions.length + lines.length == 0
                    ? Bpf.FunctionInfo.NONE
                    : new Bpf.FunctionInfo(
                            btfFd,
                            own(host, functions),
                            functions.length / Bpf.FunctionInfo.RECORD_BYTES,
                            own(host, lines),
                            lines.length / Bpf.FunctionInfo.LINE_BYTES);
        }

        private long own(Host host, byte[] bytes) {
            if (bytes.length == 0) {
                return 0;
            }
            var block = host.syscalls().allocate(bytes.length);
            owned.add(block);
            block.putBytes(0, bytes);
            return block.pushed(bytes.length);
        }

        Bpf.FunctionInfo info() {
            return info;
        }

        @Override
        public void close() {
            for (var block : owned.reversed()) {
                block.close();
            }
        }
    }

    @Override
    public void close() {
        for (int open : IntStream.of(fd, recordsFd).distinct().toArray()) {
            if (open >= 0) {
                host.close(open);
            }
        }
        fd = -1;
        recordsFd = -1;
    }
}
