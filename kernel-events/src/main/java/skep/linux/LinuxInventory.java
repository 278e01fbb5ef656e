package skep.linux;

import java.time.Instant;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import skep.isa.Bytecode;
import skep.isa.kernel.MapType;
import skep.isa.kernel.ProgramType;
import skep.isa.object.MapSpec;
import skep.linux.sys.Block;
import skep.linux.sys.Bpf.ObjectKind;
import skep.linux.sys.Errno;
import skep.target.Inventory;
import skep.target.LoadedMap;
import skep.target.MachineImage;
import skep.target.TargetException;

/** Everything that is loaded in the live kernel, whoever loaded it. Reads only. */
final class LinuxInventory implements Inventory {
    private static final int MAP_INFO_BYTES = 88;
    private static final int MAX_MAPS_OF_A_PROGRAM = 1024;
    private static final int MAX_FUNCTIONS = 256;
    private static final int HEX_BYTES_A_LINE = 16;

    private final Host host;
    private final boolean owner;
    private final LinuxKernel kernel;

    LinuxInventory(Host host) {
        this(host, true);
    }

    /**
     * @param owner whether the host's system calls end with it
     */
    LinuxInventory(Host host, boolean owner) {
        this.host = host;
        this.owner = owner;
        this.kernel = new LinuxKernel(host);
    }

    @Override
    public List<ProgramRow> programs() {
        long started = host.realtimeNanos() - host.bootNanos();
        var rows = new ArrayList<ProgramRow>();
        for (int id : host.bpf().ids(ObjectKind.PROGRAM)) {
            long fd = host.bpf().open(ObjectKind.PROGRAM, id);
            // It may have gone since the list was made.
            if (!Errno.isError(fd)) {
                rows.add(program((int) fd, started));
                host.close((int) fd);
            }
        }
        return rows;
    }

    private ProgramRow program(int fd, long startedNanos) {
        try (var block = host.syscalls().allocate(ProgramInfo.BYTES);
                var ids = host.syscalls().allocate(4L * MAX_MAPS_OF_A_PROGRAM)) {
            block.putInt(52, MAX_MAPS_OF_A_PROGRAM).putLong(56, ids.address());
            host.bpf().info(fd, block);
            var info = ProgramInfo.read(block);
            ids.pulled(0, ids.sizeBytes());
            var maps = new ArrayList<Integer>();
            for (int i = 0; i < Math.min(info.mapCount(), MAX_MAPS_OF_A_PROGRAM); i++) {
                maps.add(ids.getInt(4L * i));
            }
            int btf = block.getInt(128);
            boolean counted = info.runCount() != 0;
            return new ProgramRow(
                    info.id(),
                    ProgramType.ofNumber(info.type()).orElse(ProgramType.UNSPEC),
                    info.name(),
                    info.tag(),
                    (block.getInt(84) & 1) != 0,
                    Instant.ofEpochSecond(0, startedNanos + info.loadedAtNanos()),
                    info.uid(),
                    info.xlatedBytes(),
                    info.jitedBytes(),
                    memlock(fd),
                    maps,
                    btf == 0 ? OptionalInt.empty() : OptionalInt.of(btf),
                    counted ? Optional.of(info.runCount()) : Optional.empty(),
                    counted ? Optional.of(info.runNanos()) : Optional.empty());
        }
    }

    private long memlock(int fd) {
        return host.files()
                .text("/proc/self/fdinfo/" + fd)
                .orElse("")
                .lines()
                .filter(line -> line.startsWith("memlock:"))
                .map(line -> Long.parseLong(line.substring("memlock:".length()).strip()))
                .findFirst()
                .orElse(0L);
    }

    @Override
    public List<MapRow> maps() {
        var rows = new ArrayList<MapRow>();
        for (int id : host.bpf().ids(ObjectKind.MAP)) {
            long fd = host.bpf().open(ObjectKind.MAP, id);
            if (!Errno.isError(fd)) {
                rows.add(map((int) fd));
                host.close((int) fd);
            }
        }
        return rows;
    }

    private MapRow map(int fd) {
        try (var info = host.syscalls().allocate(MAP_INFO_BYTES)) {
            host.bpf().info(fd, info);
            int btf = info.getInt(64);
            boolean frozen =
                    host.files().text("/proc/self/fdinfo/" + fd).orElse("").contains("frozen:\t1");
            return new MapRow(
                    info.getInt(4),
                    MapType.ofNumber(info.getInt(0)).orElse(MapType.UNSPEC),
                    info.getString(24, 16),
                    info.getInt(20),
                    info.getInt(8),
                    info.getInt(12),
                    info.getInt(16),
                    memlock(fd),
                    btf == 0 ? OptionalInt.empty() : OptionalInt.of(btf),
                    frozen);
        }
    }

    private int opened(ObjectKind kind, int id) {
        long fd = host.bpf().open(kind, id);
        if (Errno.isError(fd)) {
            var what = kind == ObjectKind.PROGRAM ? "program" : "map";
            throw new TargetException(
                    fd == -Errno.ENOENT
                            ? "there is no " + what + " with id " + id
                            : what + " " + id + " may not be opened: " + Errno.name(-fd));
        }
        return (int) fd;
    }

    /** Offsets of a length and the address of a buffer of that length in {@code bpf_prog_info}. */
    private byte[] code(int programId, int lengthAt, int bufferAt) {
        int fd = opened(ObjectKind.PROGRAM, programId);
        try (Block info = host.syscalls().allocate(ProgramInfo.BYTES)) {
            host.bpf().info(fd, info);
            int bytes = info.getInt(lengthAt);
            try (Block code = host.syscalls().allocate(bytes)) {
                info.clear(ProgramInfo.BYTES).putInt(lengthAt, bytes).putLong(bufferAt, code.address());
                long result = host.bpf().info(fd, info);
                if (Errno.isError(result) || info.getLong(bufferAt) == 0) {
                    throw new TargetException("the code of program " + programId + " may not be read");
                }
                code.pulled(0, bytes);
                return code.getBytes(0, bytes);
            }
        } finally {
            host.close(fd);
        }
    }

    /** Offsets of {@code bpf_prog_info}: numbers of functions, and the buffers for their addresses and sizes. */
    private static final int ADDRESS_COUNT_AT = 104;

    private static final int SIZE_COUNT_AT = 108;
    private static final int ADDRESSES_AT = 112;
    private static final int SIZES_AT = 120;

    @Override
    public Optional<MachineImage> image(int programId) {
        var code = code(programId, 16, 24);
        if (code.length == 0) {
            return Optional.empty();
        }
        var xlated = xlated(programId);
        int fd = opened(ObjectKind.PROGRAM, programId);
        try (Block info = host.syscalls().allocate(ProgramInfo.BYTES);
                Block addresses = host.syscalls().allocate(8L * MAX_FUNCTIONS);
                Block sizes = host.syscalls().allocate(4L * MAX_FUNCTIONS)) {
            info.putInt(ADDRESS_COUNT_AT, MAX_FUNCTIONS).putInt(SIZE_COUNT_AT, MAX_FUNCTIONS);
            info.putLong(ADDRESSES_AT, addresses.address()).putLong(SIZES_AT, sizes.address());
            host.bpf().info(fd, info);
            addresses.pulled(0, addresses.sizeBytes());
            sizes.pulled(0, sizes.sizeBytes());
            var functionBytes = new ArrayList<Integer>();
            var functionAddresses = new ArrayList<Long>();
            for (int i = 0; i < Math.min(info.getInt(SIZE_COUNT_AT), MAX_FUNCTIONS); i++) {
                functionBytes.add(sizes.getInt(4L * i));
                functionAddresses.add(addresses.getLong(8L * i));
            }
            var lines = new SourceLines(host).of(fd);
            return Optional.of(new MachineImage(
                    host.syscalls().arch(),
                    code,
                    functionBytes,
                    functionAddresses,
                    xlated,
                    lines.table(),
                    lines.addresses()));
        } finally {
            host.close(fd);
        }
    }

    @Override
    public Bytecode xlated(int programId) {
        return Bytecode.ofBytes(code(programId, 20, 32));
    }

    /** Machine code as bytes: sixteen a line behind their offset. */
    @Override
    public List<String> jited(int programId) {
        var bytes = code(programId, 16, 24);
        var hex = HexFormat.ofDelimiter(" ");
        var lines = new ArrayList<String>();
        for (int at = 0; at < bytes.length; at += HEX_BYTES_A_LINE) {
            int end = Math.min(bytes.length, at + HEX_BYTES_A_LINE);
            lines.add(Integer.toHexString(at) + ": " + hex.formatHex(bytes, at, end));
        }
        return lines;
    }

    @Override
    public List<LoadedMap.Entry> entries(int mapId) {
        int fd = opened(ObjectKind.MAP, mapId);
        try {
            var row = map(fd);
            var spec = new MapSpec(
                    row.name(), row.type(), row.keySizeBytes(), row.valueSizeBytes(), row.maxEntries(), row.flags());
            return new LinuxMap(host, spec, fd, kernel.possibleCpus()).entries();
        } finally {
            host.close(fd);
        }
    }

    @Override
    public int pinnedMap(String path) {
        return pinned(path, "map");
    }

    @Override
    public int pinnedProgram(String path) {
        return pinned(path, "prog");
    }

    /** What a descriptor is says a line {@code map_id:} or {@code prog_id:} of its file in {@code /proc}. */
    private int pinned(String path, String kind) {
        int fd = BpfFiles.open(host, path);
        try {
            return host.files()
                    .text("/proc/self/fdinfo/" + fd)
                    .orElse("")
                    .lines()
                    .filter(line -> line.startsWith(kind + "_id:"))
                    .map(line ->
                            Integer.valueOf(line.substring(kind.length() + 4).strip()))
                    .findFirst()
                    .orElseThrow(() ->
                            new TargetException(path + " stands for no " + (kind.equals("prog") ? "program" : "map")));
        } finally {
            host.close(fd);
        }
    }

    @Override
    public void pinMap(int mapId, String path) {
        pin(opened(ObjectKind.MAP, mapId), "map " + mapId, path);
    }

    @Override
    public void pinProgram(int programId, String path) {
        pin(opened(ObjectKind.PROGRAM, programId), "program " + programId, path);
    }

    private void pin(int fd, String what, String path) {
        try {
            BpfFiles.pin(host, fd, what, path);
        } finally {
            host.close(fd);
        }
    }

    /** What keeps programs attached, as lines to read. */
    List<LinkRow> links() {
        var rows = new ArrayList<LinkRow>();
        for (int id : host.bpf().ids(ObjectKind.LINK)) {
            long fd = host.bpf().open(ObjectKind.LINK, id);
            if (!Errno.isError(fd)) {
                try (var info = host.syscalls().allocate(LINK_INFO_BYTES);
                        var name = host.syscalls().allocate(LINK_NAME_BYTES)) {
                    host.bpf().info((int) fd, info);
                    rows.add(link((int) fd, info, name));
                } finally {
                    host.close((int) fd);
                }
            }
        }
        return rows;
    }

    private LinkRow link(int fd, Block info, Block name) {
        int type = info.getInt(0);
        int id = info.getInt(4);
        int program = info.getInt(8);
        return new LinkRow(
                id, type < LINK_TYPES.size() ? LINK_TYPES.get(type) : "type " + type, program, detail(fd, info, name));
    }

    /**
     * The second half of {@code bpf_link_info} depends on its type; names need a buffer and a second call.
     *
     * <pre>
     *  raw_tracepoint, iter   16 address of name | 24 its room
     *  tracing                24 type of the function
     *  cgroup                 16 id
     *  xdp, tcx               16 index of the interface
     *  kprobe_multi           24 number of functions
     *  uprobe_multi           16 address of path | 48 its room | 52 number of places | 60 process
     *  perf_event (6.6)       16 kind | 24 address of name | 32 its room | 36 offset; or, of kind event, 24 config
     * </pre>
     */
    private String detail(int fd, Block info, Block name) {
        int number = info.getInt(16);
        return switch (info.getInt(0)) {
            case LINK_RAW_TRACEPOINT, LINK_ITER -> named(fd, info, name, 16, 24);
            case LINK_TRACING -> {
                int target = info.getInt(24);
                yield kernel.types()
                        .filter(types -> target > 0 && target < types.endId())
                        .map(types -> types.name(target))
                        .orElse("type " + target);
            }
            case LINK_CGROUP -> "cgroup " + info.getLong(16);
            case LINK_XDP, LINK_TCX -> "interface " + number;
            case LINK_KPROBE_MULTI -> info.getInt(24) + " functions";
            case LINK_UPROBE_MULTI -> {
                int places = info.getInt(52);
                int pid = info.getInt(60);
                var path = named(fd, info, name, 16, 48);
                yield places + " places of " + path + (pid == 0 ? "" : ", process " + pid);
            }
            case LINK_PERF_EVENT -> {
                if (number == PERF_EVENT_OTHER) {
                    yield "event of type " + info.getInt(32) + ", number " + info.getLong(24);
                }
                if (number == 0 || number > PERF_EVENT_OTHER) {
                    yield "";
                }
                var place = named(fd, info, name, 24, 32);
                long offset = number == PERF_EVENT_TRACEPOINT ? 0 : Integer.toUnsignedLong(info.getInt(36));
                yield PERF_EVENT_KINDS.get(number) + " " + place
                        + (offset == 0 ? "" : "+0x" + Long.toHexString(offset));
            }
            default -> "";
        };
    }

    private String named(int fd, Block info, Block name, int addressAt, int roomAt) {
        info.clear(LINK_INFO_BYTES).putLong(addressAt, name.address()).putInt(roomAt, LINK_NAME_BYTES);
        host.bpf().info(fd, info);
        name.pulled(0, LINK_NAME_BYTES);
        return name.getString(0, LINK_NAME_BYTES);
    }

    /** A link: {@code detail} is what it leads to, where the kernel tells: a tracepoint, function, place, interface, group. */
    record LinkRow(int id, String type, int programId, String detail) {}

    private static final int LINK_INFO_BYTES = 64;
    /** As long as a path may be. */
    private static final int LINK_NAME_BYTES = 4096;

    private static final int LINK_RAW_TRACEPOINT = 1;
    private static final int LINK_TRACING = 2;
    private static final int LINK_CGROUP = 3;
    private static final int LINK_ITER = 4;
    private static final int LINK_XDP = 6;
    private static final int LINK_PERF_EVENT = 7;
    private static final int LINK_KPROBE_MULTI = 8;
    private static final int LINK_TCX = 11;
    private static final int LINK_UPROBE_MULTI = 12;

    /** {@code enum bpf_perf_event_type}. */
    private static final List<String> PERF_EVENT_KINDS =
            List.of("", "uprobe", "uretprobe", "kprobe", "kretprobe", "tracepoint");

    private static final int PERF_EVENT_TRACEPOINT = 5;
    private static final int PERF_EVENT_OTHER = 6;

    /** {@code enum bpf_link_type}, Linux 6.18. */
    private static final List<String> LINK_TYPES = List.of(
            "unspec",
            "raw_tracepoint",
            "tracing",
            "cgroup",
            "iter",
            "netns",
            "xdp",
            "perf_event",
            "kprobe_multi",
            "struct_ops",
            "netfilter",
            "tcx",
            "uprobe_multi",
            "netkit",
            "sockmap");

    @Override
    public void close() {
        if (owner) {
            host.syscalls().close();
        }
    }
}
