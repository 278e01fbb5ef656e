package skep.linux;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import skep.btf.Btf;
import skep.btf.BtfException;
import skep.isa.object.LineTable;
import skep.linux.sys.Block;
import skep.linux.sys.Bpf;
import skep.linux.sys.Bpf.ObjectKind;
import skep.linux.sys.Errno;
import skep.target.Inventory.FunctionHead;

/** The source lines and functions that the kernel was told of a loaded program, and where its JIT put the code of the lines. */
final class SourceLines {
    /** Offsets in {@code struct bpf_prog_info}. */
    private static final int BTF_ID_AT = 128;

    private static final int FUNCTION_BYTES_AT = 132;
    private static final int FUNCTIONS_AT = 136;
    private static final int FUNCTION_COUNT_AT = 144;
    private static final int LINE_COUNT_AT = 148;
    private static final int LINES_AT = 152;
    private static final int ADDRESSES_AT = 160;
    private static final int ADDRESS_COUNT_AT = 168;
    private static final int LINE_BYTES_AT = 172;
    private static final int ADDRESS_BYTES_AT = 176;
    private static final int ADDRESS_BYTES = 8;

    /** {@code struct bpf_btf_info}: address and size of the buffer, id, name. */
    private static final int BTF_INFO_BYTES = 32;

    private static final int MAX_LINES = 1 << 20;
    private static final int COLUMN_BITS = 10;
    private static final Lines NONE = new Lines(LineTable.EMPTY, List.of());

    private final Host host;

    SourceLines(Host host) {
        this.host = host;
    }

    /**
     * Lines by slot of the bytecode after the verifier's rewriting.
     *
     * @param addresses of each entry's code; empty where the kernel does not tell
     */
    record Lines(LineTable table, List<Long> addresses) {}

    Lines of(int programFd) {
        try (var info = host.syscalls().allocate(ProgramInfo.BYTES)) {
            host.bpf().info(programFd, info);
            int count = info.getInt(LINE_COUNT_AT);
            int btf = info.getInt(BTF_ID_AT);
            if (count <= 0 || count > MAX_LINES || btf == 0) {
                return NONE;
            }
            var types = types(btf);
            return types.isEmpty() ? NONE : read(programFd, count, types.get(), info);
        }
    }

    /** The functions of a program with their declarations. */
    List<FunctionHead> functions(int programFd) {
        try (var info = host.syscalls().allocate(ProgramInfo.BYTES)) {
            host.bpf().info(programFd, info);
            int count = info.getInt(FUNCTION_COUNT_AT);
            int btf = info.getInt(BTF_ID_AT);
            var types = count <= 0 || count > MAX_LINES || btf == 0 ? Optional.<Btf>empty() : types(btf);
            if (types.isEmpty()) {
                return List.of();
            }
            try (var records = host.syscalls().allocate((long) count * Bpf.FunctionInfo.RECORD_BYTES)) {
                info.clear(ProgramInfo.BYTES)
                        .putInt(FUNCTION_COUNT_AT, count)
                        .putInt(FUNCTION_BYTES_AT, Bpf.FunctionInfo.RECORD_BYTES)
                        .putLong(FUNCTIONS_AT, records.address());
                if (Errno.isError(host.bpf().info(programFd, info)) || info.getInt(FUNCTION_COUNT_AT) != count) {
                    return List.of();
                }
                records.pulled(0, records.sizeBytes());
                var heads = new ArrayList<FunctionHead>();
                for (int i = 0; i < count; i++) {
                    int at = i * Bpf.FunctionInfo.RECORD_BYTES;
                    int type = records.getInt(at + 4);
                    heads.add(new FunctionHead(
                            records.getInt(at),
                            types.get().name(type),
                            types.get().cDeclaration(type, "").replaceAll("\\*(?=[\\w*])", "* ")));
                }
                return heads;
            }
        } catch (BtfException broken) {
            return List.of();
        }
    }

    private Lines read(int programFd, int count, Btf types, Block info) {
        try (var lines = host.syscalls().allocate((long) count * Bpf.FunctionInfo.LINE_BYTES);
                var places = host.syscalls().allocate((long) count * ADDRESS_BYTES)) {
            info.clear(ProgramInfo.BYTES)
                    .putInt(LINE_COUNT_AT, count)
                    .putLong(LINES_AT, lines.address())
                    .putInt(LINE_BYTES_AT, Bpf.FunctionInfo.LINE_BYTES)
                    .putInt(ADDRESS_COUNT_AT, count)
                    .putLong(ADDRESSES_AT, places.address())
                    .putInt(ADDRESS_BYTES_AT, ADDRESS_BYTES);
            if (Errno.isError(host.bpf().info(programFd, info)) || info.getInt(LINE_COUNT_AT) != count) {
                return NONE;
            }
            boolean placed = info.getInt(ADDRESS_COUNT_AT) == count && info.getLong(ADDRESSES_AT) != 0;
            lines.pulled(0, lines.sizeBytes());
            places.pulled(0, places.sizeBytes());
            var entries = new ArrayList<LineTable.Entry>();
            var addresses = new ArrayList<Long>();
            for (int i = 0; i < count; i++) {
                int at = i * Bpf.FunctionInfo.LINE_BYTES;
                int place = lines.getInt(at + 12);
                int column = Math.max(0, (place & (1 << COLUMN_BITS) - 1) - 1);
                entries.add(new LineTable.Entry(
                        lines.getInt(at),
                        types.string(lines.getInt(at + 4)),
                        column,
                        column,
                        place >>> COLUMN_BITS,
                        types.string(lines.getInt(at + 8)).strip()));
                if (placed) {
                    addresses.add(places.getLong((long) i * ADDRESS_BYTES));
                }
            }
            return new Lines(new LineTable(entries), addresses);
        } catch (BtfException broken) {
            return NONE;
        }
    }

    /** The types of a program by id: the kernel gives back what was loaded. */
    Optional<Btf> types(int id) {
        long fd = host.bpf().open(ObjectKind.BTF, id);
        if (Errno.isError(fd)) {
            return Optional.empty();
        }
        try (var info = host.syscalls().allocate(BTF_INFO_BYTES)) {
            host.bpf().info((int) fd, info);
            int bytes = info.getInt(8);
            try (var data = host.syscalls().allocate(bytes)) {
                info.clear(BTF_INFO_BYTES).putLong(0, data.address()).putInt(8, bytes);
                if (Errno.isError(host.bpf().info((int) fd, info))) {
                    return Optional.empty();
                }
                data.pulled(0, bytes);
                return Optional.of(Btf.parse(data.getBytes(0, bytes)));
            }
        } catch (BtfException broken) {
            return Optional.empty();
        } finally {
            host.close((int) fd);
        }
    }
}
