package skep.elf;

import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * How to get from a place in a program to its caller: the call frame information of {@code .eh_frame} and {@code .debug_frame} (DWARF 5, 6.4; Linux Standard Base, 10.6). Made of entries that each cover a range of addresses, and of what
 * several of them have in common (CIE).
 *
 * <pre>
 *  .eh_frame    length 4 (ffffffff: 8 more) | 0 or distance back to the CIE | ...
 *  CIE          version 1, augmentation string, code and data factors, return-address column, augmentation data, instructions
 *  FDE          first address, count (both encoded as the CIE says), augmentation data, instructions
 * </pre>
 *
 * <p>Addresses are those of the file, before relocation. Immutable; safe for any thread.
 */
public final class UnwindTable {
    private static final int POINTER_SIGNED = 8;
    private static final int PC_RELATIVE = 0x10;
    private static final int OMITTED = 0xff;

    private final byte[] section;
    /** First and last address of each entry, ascending, and where its instructions are. */
    private final long[] starts;

    private final long[] ends;
    private final Entry[] entries;

    /** What entries have in common. */
    record Common(
            long codeFactor,
            long dataFactor,
            int returnColumn,
            boolean signalFrame,
            int pointerEncoding,
            boolean augmented,
            int instructions,
            int end) {}

    /** The instructions of one range. */
    record Entry(Common common, long start, int instructions, int end) {}

    private UnwindTable(byte[] section, long[] starts, long[] ends, Entry[] entries) {
        this.section = section;
        this.starts = starts;
        this.ends = ends;
        this.entries = entries;
    }

    /**
     * Reads the tables of a file, the one to ask first before the other: what the start-up code brings is in {@code .eh_frame} even where the
     * program's own functions are in {@code .debug_frame} alone.
     *
     * @throws MalformedElfException if one is damaged
     */
    public static List<UnwindTable> of(ElfFile file) {
        return Stream.of(table(file, ".eh_frame", true), table(file, ".debug_frame", false))
                .flatMap(Optional::stream)
                .toList();
    }

    private static Optional<UnwindTable> table(ElfFile file, String name, boolean forExceptions) {
        var bytes = DebugBytes.of(file, name);
        if (bytes.isEmpty()) {
            return Optional.empty();
        }
        long address = file.section(name).orElseThrow().address();
        var table = new Reader(bytes, address, forExceptions).read();
        return table.starts.length == 0 ? Optional.empty() : Optional.of(table);
    }

    /** Reads a table from the bytes of an {@code .eh_frame} at an address; for tests and code that no file holds. */
    static UnwindTable of(byte[] ehFrame, long address) {
        return new Reader(DebugBytes.of(ehFrame), address, true).read();
    }

    public int size() {
        return starts.length;
    }

    /** How the registers of the caller are found at an address; empty if nothing is known of the address. */
    public Optional<UnwindRow> at(long address) {
        int found = Arrays.binarySearch(starts, address);
        int index = found >= 0 ? found : -found - 2;
        if (index < 0 || Long.compareUnsigned(address, ends[index]) >= 0) {
            return Optional.empty();
        }
        var entry = entries[index];
        return Optional.of(UnwindRow.of(DebugBytes.of(section), entry, address));
    }

    private static final class Reader {
        private final DebugBytes in;
        private final long address;
        private final boolean forExceptions;
        private final Map<Integer, Common> commons = new HashMap<>();
        private long[] starts = new long[256];
        private long[] ends = new long[256];
        private Entry[] entries = new Entry[256];
        private int count;

        Reader(DebugBytes in, long address, boolean forExceptions) {
            this.in = in;
            this.address = address;
            this.forExceptions = forExceptions;
        }

        UnwindTable read() {
            in.go(0);
            while (in.hasMore()) {
                long length = in.u4();
                boolean wide = length == 0xffff_ffffL;
                if (wide) {
                    length = in.u8();
                }
                if (length == 0) {
                    // A terminator; linkers may leave more behind it.
                    continue;
                }
                int start = in.at();
                int end = Math.toIntExact(Math.min(Integer.MAX_VALUE, start + length));
                long id = in.offset(wide && !forExceptions);
                boolean common = forExceptions ? id == 0 : id == (wide ? -1 : 0xffff_ffffL);
                if (!common) {
                    long at = forExceptions ? start - id : id;
                    describe(at, end);
                }
                in.go(end);
            }
            return sorted();
        }

        private Common common(int at) {
            var known = commons.get(at);
            if (known == null) {
                int here = in.at();
                in.go(at);
                known = readCommon();
                commons.put(at, known);
                in.go(here);
            }
            return known;
        }

        private Common readCommon() {
            long length = in.u4();
            boolean wide = length == 0xffff_ffffL;
            if (wide) {
                length = in.u8();
            }
            int end = Math.toIntExact(Math.min(Integer.MAX_VALUE, in.at() + length));
            in.offset(wide && !forExceptions);
            int version = in.u1();
            var augmentation = in.string();
            if (version >= 4) {
                in.skip(2);
            }
            long codeFactor = in.uleb();
            long dataFactor = in.sleb();
            int returnColumn = version == 1 ? in.u1() : (int) in.uleb();
            int encoding = 0;
            boolean signal = false;
            int instructions = in.at();
            if (augmentation.startsWith("z")) {
                long bytes = in.uleb();
                instructions = in.at() + Math.toIntExact(Math.min(Integer.MAX_VALUE - in.at(), bytes));
                for (int i = 1; i < augmentation.length(); i++) {
                    switch (augmentation.charAt(i)) {
                        case 'R' -> encoding = in.u1();
                        case 'L' -> in.u1();
                        case 'P' -> pointer(in.u1());
                        case 'S' -> signal = true;
                        default -> {}
                    }
                }
            }
            return new Common(
                    codeFactor,
                    dataFactor,
                    returnColumn,
                    signal,
                    encoding,
                    augmentation.startsWith("z"),
                    instructions,
                    end);
        }

        private void describe(long commonAt, int end) {
            if (commonAt < 0) {
                throw new MalformedElfException("unwinding information points outside its section");
            }
            var common = common((int) commonAt);
            long start = pointer(common.pointerEncoding);
            long bytes = pointer(common.pointerEncoding & 7);
            if (common.augmented) {
                in.skip(in.uleb());
            }
            // What the linker threw away is left with no address.
            if (bytes != 0 && start != 0) {
                add(start, start + bytes, new Entry(common, start, in.at(), end));
            }
        }

        private void add(long start, long end, Entry entry) {
            if (count == starts.length) {
                starts = Arrays.copyOf(starts, 2 * count);
                ends = Arrays.copyOf(ends, 2 * count);
                entries = Arrays.copyOf(entries, 2 * count);
            }
            starts[count] = start;
            ends[count] = end;
            entries[count++] = entry;
        }

        /** An address as {@code DW_EH_PE} says; relative to the place where it stands, or absolute. */
        private long pointer(int encoding) {
            if (encoding == OMITTED) {
                return 0;
            }
            long here = address + in.at();
            long value = switch (encoding & 0xf) {
                case 0, 4, 0xc -> in.u8();
                case 1 -> in.uleb();
                case 2 -> in.u2();
                case 3 -> in.u4();
                case POINTER_SIGNED + 1 -> in.sleb();
                case POINTER_SIGNED + 2 -> (short) in.u2();
                case POINTER_SIGNED + 3 -> (int) in.u4();
                default -> throw new MalformedElfException("unwinding information has pointers of an unknown kind");
            };
            return (encoding & 0x70) == PC_RELATIVE && value != 0 ? here + value : value;
        }

        private UnwindTable sorted() {
            var order = IntStream.range(0, count)
                    .boxed()
                    .sorted((a, b) -> Long.compare(starts[a], starts[b]))
                    .mapToInt(i -> i)
                    .toArray();
            return new UnwindTable(
                    in.array(),
                    IntStream.of(order).mapToLong(i -> starts[i]).toArray(),
                    IntStream.of(order).mapToLong(i -> ends[i]).toArray(),
                    IntStream.of(order).mapToObj(i -> entries[i]).toArray(Entry[]::new));
        }
    }
}
