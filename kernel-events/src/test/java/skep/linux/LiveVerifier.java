package skep.linux;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import skep.btf.Btf;
import skep.btf.BtfBuilder;
import skep.btf.BtfKind;
import skep.btf.BtfType;
import skep.isa.Assembler;
import skep.isa.Bytecode;
import skep.isa.kernel.AttachType;
import skep.isa.kernel.MapType;
import skep.isa.kernel.ProgramType;
import skep.isa.object.LineTable;
import skep.linux.sys.Block;
import skep.linux.sys.Bpf;
import skep.linux.sys.Errno;
import skep.linux.sys.LocalSyscalls;
import skep.linux.sys.Sys;
import skep.vm.verifier.MapDefinition;
import skep.vm.verifier.VerifierInput;

/**
 * The verifier of the running kernel, asked about the same inputs as ours. Programs are loaded and closed at once; nothing
 * is attached. An input that the kernel would need more for than is told here (special fields of map values) is left out.
 */
final class LiveVerifier implements AutoCloseable {
    /** Room for the whole text of all but the largest programs; the kernel keeps the end when it is not enough. */
    private static final int LOG_BYTES = 8 << 20;

    private static final int STRICT_ALIGNMENT = 1;
    private static final int EVERY_STATE_KEPT = 8;
    private static final int SLEEPABLE = 16;
    private static final int PSEUDO_KFUNC_CALL = 2;
    private static final int CALL = 0x85;
    private static final int LD_IMM64 = 0x18;
    private static final int PSEUDO_MAP_FD = 1;
    private static final int PSEUDO_MAP_VALUE = 2;
    private static final int PSEUDO_BTF_ID = 3;

    private final Host host = Host.of(LocalSyscalls.instance());
    private final Block log = host.syscalls().allocateShared(LOG_BYTES);
    private final Map<MapDefinition, Integer> maps = new HashMap<>();
    private final Optional<Btf> kernelTypes;

    LiveVerifier(Optional<Btf> kernelTypes) {
        this.kernelTypes = kernelTypes;
    }

    /**
     * What the kernel says.
     *
     * @param errno 0 if it accepts
     */
    record Judgement(int errno, String log) {
        boolean accepted() {
            return errno == 0;
        }
    }

    /** Why the kernel judges nothing here; empty if it does, and is of the series that ours follows. */
    static Optional<String> unavailableReason() {
        if (!System.getProperty("os.name").equals("Linux")) {
            return Optional.of("no Linux");
        }
        if (!System.getProperty("os.version").startsWith("6.18.")) {
            return Optional.of("the kernel is " + System.getProperty("os.version") + ", not 6.18");
        }
        try (var live = new LiveVerifier(Optional.empty())) {
            var code = Assembler.assemble("r0 = 0\nexit");
            var judged =
                    live.judge(VerifierInput.of(code, ProgramType.TRACEPOINT).build(), 0);
            return judged.filter(Judgement::accepted).isPresent()
                    ? Optional.empty()
                    : Optional.of("bpf(2) does not load programs: " + judged);
        }
    }

    /** The same input with the numbers that this kernel has for its functions, so that both logs name them alike. */
    VerifierInput numbered(VerifierInput input) {
        var slots = input.code().slots();
        var names = new HashMap<Integer, String>();
        for (int i = 0; i < slots.length; i++) {
            var name = input.kfuncs().get(input.code().imm(i));
            if (input.code().opcode(i) == CALL && input.code().src(i) == PSEUDO_KFUNC_CALL && name != null) {
                var id = typeId(name, BtfKind.FUNC);
                if (id.isPresent()) {
                    slots[i] = slots[i] & 0xffff_ffffL | (long) id.get() << 32;
                    names.put(id.get(), name);
                }
            }
        }
        return names.isEmpty()
                ? input
                : input.toBuilder(Bytecode.of(slots)).kfuncs(names).build();
    }

    /** The kernel's judgement with a log of a level; empty where it cannot be asked. */
    Optional<Judgement> judge(VerifierInput input, int logLevel) {
        var code = resolved(input);
        var attachBtfId = attachBtfId(input);
        if (code.isEmpty() || attachBtfId.isEmpty()) {
            return Optional.empty();
        }
        var bytes = code.get().toBytes();
        try (var memory = host.syscalls().allocate(bytes.length + 128L);
                var types = new Types(input)) {
            memory.putBytes(0, bytes);
            long end = memory.putString(bytes.length, input.license());
            long insns = memory.pushed(end);
            log.clear(1);
            int flags = (input.strictAlignment() ? STRICT_ALIGNMENT : 0)
                    | (input.everyStateKept() ? EVERY_STATE_KEPT : 0)
                    | (input.sleepable() ? SLEEPABLE : 0);
            long fd = host.bpf()
                    .programLoad(new Bpf.ProgramLoad(
                            input.type(),
                            input.attachType().map(AttachType::number).orElse(0),
                            "judged",
                            insns,
                            bytes.length / Bytecode.SLOT_BYTES,
                            insns + bytes.length,
                            attachBtfId.get(),
                            0,
                            logLevel,
                            logLevel == 0 ? 0 : log.address(),
                            logLevel == 0 ? 0 : LOG_BYTES,
                            flags,
                            0,
                            types.functions));
            if (!Errno.isError(fd)) {
                host.close((int) fd);
            }
            return Optional.of(new Judgement(Errno.isError(fd) ? (int) -fd : 0, logLevel == 0 ? "" : Bpf.logText(log)));
        }
    }

    @Override
    public void close() {
        maps.values().forEach(host::close);
        log.close();
    }

    // ---- what the code names ----

    /** The code with descriptors and type ids of this kernel; empty if something cannot be made here. */
    private Optional<Bytecode> resolved(VerifierInput input) {
        var slots = input.code().slots();
        for (int i = 0; i < slots.length; i++) {
            int opcode = input.code().opcode(i);
            int source = input.code().src(i);
            int named = input.code().imm(i);
            var value = Optional.of(named);
            if (opcode == LD_IMM64 && (source == PSEUDO_MAP_FD || source == PSEUDO_MAP_VALUE)) {
                var map = input.maps().map(named);
                value = map.isEmpty() ? value : map.flatMap(this::descriptor);
            } else if (opcode == LD_IMM64 && source == PSEUDO_BTF_ID) {
                var name = input.kernelSymbols().get(named);
                value = name == null ? value : typeId(name, BtfKind.VAR);
            } else if (opcode == CALL && source == PSEUDO_KFUNC_CALL) {
                var name = input.kfuncs().get(named);
                value = name == null ? value : typeId(name, BtfKind.FUNC);
            }
            if (value.isEmpty()) {
                return Optional.empty();
            }
            slots[i] = slots[i] & 0xffff_ffffL | (long) value.get() << 32;
            if (opcode == LD_IMM64) {
                i++;
            }
        }
        return Optional.of(Bytecode.of(slots));
    }

    private Optional<Integer> typeId(String name, BtfKind kind) {
        var id = kernelTypes.map(types -> types.find(name, kind));
        return id.isEmpty() || id.get().isEmpty()
                ? Optional.empty()
                : Optional.of(id.get().getAsInt());
    }

    private Optional<Integer> descriptor(MapDefinition map) {
        var known = maps.get(map);
        if (known != null) {
            return Optional.of(known);
        }
        if (!map.fields().isEmpty() || map.constants().isPresent()) {
            return Optional.empty();
        }
        var inner = map.inner().flatMap(this::descriptor);
        if (map.inner().isPresent() && inner.isEmpty()) {
            return Optional.empty();
        }
        int entries = map.type() == MapType.CGROUP_STORAGE || map.type() == MapType.PERCPU_CGROUP_STORAGE
                ? 0
                : map.maxEntries();
        long fd = host.bpf()
                .mapCreate(
                        map.type(),
                        map.name(),
                        map.keySizeBytes(),
                        map.valueSizeBytes(),
                        entries,
                        map.flags(),
                        new skep.linux.sys.Bpf.MapDetails(inner.orElse(0), 0, 0, 0, 0));
        if (Errno.isError(fd)) {
            return Optional.empty();
        }
        maps.put(map, (int) fd);
        return Optional.of((int) fd);
    }

    private Optional<Integer> attachBtfId(VerifierInput input) {
        boolean typed = input.type() == ProgramType.TRACING || input.type() == ProgramType.LSM;
        if (!typed || input.attachTo().isEmpty()) {
            return Optional.of(0);
        }
        return switch (input.attachType().orElse(AttachType.TRACE_FENTRY)) {
            case TRACE_RAW_TP -> typeId("btf_trace_" + input.attachTo(), BtfKind.TYPEDEF);
            case TRACE_ITER -> typeId("bpf_iter_" + input.attachTo(), BtfKind.FUNC);
            case LSM_MAC, LSM_CGROUP -> typeId("bpf_lsm_" + input.attachTo(), BtfKind.FUNC);
            default -> typeId(input.attachTo(), BtfKind.FUNC);
        };
    }

    /**
     * The BTF of the program: its functions and its lines. Static functions are described without parameters, so that the
     * kernel compares none with the arguments.
     */
    private final class Types implements AutoCloseable {
        private final List<Block> owned = new ArrayList<>();
        private int fd = -1;
        Bpf.FunctionInfo functions = Bpf.FunctionInfo.NONE;

        Types(VerifierInput input) {
            if (input.functions().isEmpty()) {
                return;
            }
            var builder = new BtfBuilder();
            int word = builder.add(BtfType.Int.signed("int", 4));
            var records = ByteBuffer.allocate(input.functions().size() * Bpf.FunctionInfo.RECORD_BYTES)
                    .order(ByteOrder.LITTLE_ENDIAN);
            var names = new LinkedHashMap<String, Integer>();
            for (var function : input.functions()) {
                int nth = names.merge(function.name(), 1, Integer::sum);
                var name = nth == 1 ? function.name() : function.name() + nth;
                var parameters = new ArrayList<BtfType.Parameter>();
                for (int i = 1; i <= function.parameters().size(); i++) {
                    parameters.add(new BtfType.Parameter("a" + i, word));
                }
                int result = function.returnsInt() ? word : 0;
                int prototype = builder.add(new BtfType.Prototype(result, parameters));
                boolean global = function.global() || function.insn() == 0;
                var linkage = global ? BtfType.Linkage.GLOBAL : BtfType.Linkage.STATIC;
                records.putInt(function.insn());
                records.putInt(builder.add(new BtfType.Function(name, prototype, linkage)));
            }
            var lines = lines(builder, input.lines());
            var bytes = builder.toBytes();
            long loaded = host.bpf().btfLoad(own(bytes), bytes.length, 0, 0);
            if (!Errno.isError(loaded)) {
                fd = (int) loaded;
                functions = new Bpf.FunctionInfo(
                        fd,
                        own(records.array()),
                        input.functions().size(),
                        own(lines),
                        lines.length / Bpf.FunctionInfo.LINE_BYTES);
            }
        }

        private static byte[] lines(BtfBuilder builder, LineTable table) {
            var records = ByteBuffer.allocate(table.entries().size() * Bpf.FunctionInfo.LINE_BYTES)
                    .order(ByteOrder.LITTLE_ENDIAN);
            for (var entry : table.entries()) {
                records.putInt(entry.insn())
                        .putInt(builder.string(entry.source()))
                        .putInt(builder.string(entry.text()))
                        .putInt(entry.line() << 10 | 1);
            }
            return records.array();
        }

        private long own(byte[] bytes) {
            if (bytes.length == 0) {
                return 0;
            }
            var block = host.syscalls().allocate(bytes.length);
            owned.add(block);
            block.putBytes(0, bytes);
            return block.pushed(bytes.length);
        }

        @Override
        public void close() {
            if (fd >= 0) {
                host.syscalls().call(Sys.CLOSE, fd);
            }
            owned.reversed().forEach(Block::close);
        }
    }
}
