package skep.dsl;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.TreeMap;

/**
 * The type of a value and its layout in memory: on the BPF stack, in maps and in ring-buffer records alike. Integers are
 * little-endian; compound values align their parts naturally, padding is zero.
 */
public sealed interface Type {
    int sizeBytes();

    /** A power of two, at most 8. */
    int alignBytes();

    /** The name as diagnostics and {@code typeof} show it. */
    String display();

    /** Whether it has a stack that user space unwinds: two such values may be the same stack though their bytes differ. */
    default boolean hasUnwoundStack() {
        return switch (this) {
            case UserStack stack -> stack.unwound();
            case Tuple tuple -> tuple.elements().stream().anyMatch(Type::hasUnwoundStack);
            case Rec rec ->
                rec.members().stream().anyMatch(member -> member.type().hasUnwoundStack());
            default -> false;
        };
    }

    Type VOID = new Void();
    Int INT8 = new Int(1, true);
    Int INT16 = new Int(2, true);
    Int INT32 = new Int(4, true);
    Int INT64 = new Int(8, true);
    Int UINT8 = new Int(1, false);
    Int UINT16 = new Int(2, false);
    Int UINT32 = new Int(4, false);
    Int UINT64 = new Int(8, false);
    Bool BOOL = new Bool();

    /** No value, or a value whose type is not known yet. */
    record Void() implements Type {
        @Override
        public int sizeBytes() {
            return 0;
        }

        @Override
        public int alignBytes() {
            return 1;
        }

        @Override
        public String display() {
            return "void";
        }
    }

    /** A two's-complement integer of 1, 2, 4 or 8 bytes. */
    record Int(int sizeBytes, boolean signed) implements Type {
        @Override
        public int alignBytes() {
            return sizeBytes;
        }

        @Override
        public String display() {
            return (signed ? "int" : "uint") + sizeBytes * 8;
        }
    }

    /** One byte, 0 or 1; printed as {@code true} and {@code false}. */
    record Bool() implements Type {
        @Override
        public int sizeBytes() {
            return 1;
        }

        @Override
        public int alignBytes() {
            return 1;
        }

        @Override
        public String display() {
            return "bool";
        }
    }

    /**
     * Characters up to the first NUL, in {@code sizeBytes}; if they are full there is no NUL.
     *
     * @param field whether this is an array of C, which may be full; other strings that are full were cut off. Types that
     *     differ in this alone are equal.
     */
    record Str(int sizeBytes, boolean field) implements Type {
        public Str(int sizeBytes) {
            this(sizeBytes, false);
        }

        @Override
        public boolean equals(Object other) {
            return other instanceof Str s && s.sizeBytes == sizeBytes;
        }

        @Override
        public int hashCode() {
            return sizeBytes;
        }

        @Override
        public int alignBytes() {
            return 1;
        }

        @Override
        public String display() {
            return "string[" + sizeBytes + "]";
        }
    }

    /** A {@code u32} length, then up to {@code capacityBytes} bytes; printed as {@code \x01\xff}. */
    record Buffer(int capacityBytes) implements Type {
        @Override
        public int sizeBytes() {
            return 4 + (capacityBytes + 3) / 4 * 4;
        }

        @Override
        public int alignBytes() {
            return 4;
        }

        @Override
        public String display() {
            return "buffer[" + capacityBytes + "]";
        }
    }

    /** Elements in order; printed as {@code (1, a)}. */
    record Tuple(List<Type> elements) implements Type {
        public Tuple {
            elements = List.copyOf(elements);
        }

        @Override
        public int sizeBytes() {
            return Layout.of(elements).sizeBytes();
        }

        @Override
        public int alignBytes() {
            return Layout.of(elements).alignBytes();
        }

        /** Where an element starts. */
        public int offsetOf(int index) {
            return Layout.of(elements).offsets().get(index);
        }

        @Override
        public String display() {
            return "(" + String.join(",", elements.stream().map(Type::display).toList()) + ")";
        }
    }

    /** Named elements in order of declaration; printed as {@code { .a = 1, .b = 2 }}. */
    record Rec(List<Member> members) implements Type {
        public Rec {
            members = List.copyOf(members);
        }

        private List<Type> types() {
            return members.stream().map(Member::type).toList();
        }

        @Override
        public int sizeBytes() {
            return Layout.of(types()).sizeBytes();
        }

        @Override
        public int alignBytes() {
            return Layout.of(types()).alignBytes();
        }

        public int offsetOf(int index) {
            return Layout.of(types()).offsets().get(index);
        }

        @Override
        public String display() {
            return "record { "
                    + String.join(
                            "; ",
                            members.stream()
                                    .map(m -> "." + m.name() + " = " + m.type().display())
                                    .toList())
                    + " }";
        }
    }

    /** A named element of a record. */
    record Member(String name, Type type) {}

    /** A C array; printed as {@code [1,2]}. */
    record Array(Type element, int length) implements Type {
        @Override
        public int sizeBytes() {
            return element.sizeBytes() * length;
        }

        @Override
        public int alignBytes() {
            return element.alignBytes();
        }

        @Override
        public String display() {
            return element.display() + "[" + length + "]";
        }
    }

    /** An address of something; eight bytes, printed in hexadecimal. */
    record Pointer(Type target, AddressSpace space) implements Type {
        @Override
        public int sizeBytes() {
            return 8;
        }

        @Override
        public int alignBytes() {
            return 8;
        }

        @Override
        public String display() {
            return target.display() + " *";
        }
    }

    /** Whose memory a pointer points into. */
    enum AddressSpace {
        /** Not said: the probe decides. */
        ANY,
        KERNEL,
        USER,
        /** The program's own memory: stack, map value, ring-buffer record. */
        BPF
    }

    /**
     * A C structure or union. Equal by name: its fields are looked up where they are needed, since structures refer to
     * themselves.
     *
     * @param name with its keyword, for example {@code struct task_struct}
     */
    record Struct(String name, int sizeBytes, int alignBytes, Fields fields) implements Type {
        @Override
        public String display() {
            return name;
        }

        @Override
        public boolean equals(Object other) {
            return other instanceof Struct s && s.name.equals(name) && s.sizeBytes == sizeBytes;
        }

        @Override
        public int hashCode() {
            return name.hashCode();
        }
    }

    /** The fields of a structure, found when asked for. */
    @FunctionalInterface
    interface Fields {
        List<Field> list();
    }

    /**
     * A field of a structure.
     *
     * @param name empty for an anonymous structure or union whose fields count as the outer one's
     * @param bitOffset within the storage unit at {@code offsetBytes}, from the least significant bit
     * @param bitWidth 0 when it is no bit-field
     * @param dataLoc whether it is a tracepoint's {@code __data_loc} word
     */
    record Field(String name, Type type, int offsetBytes, int bitOffset, int bitWidth, boolean dataLoc) {
        public Field(String name, Type type, int offsetBytes) {
            this(name, type, offsetBytes, 0, 0, false);
        }
    }

    /** An enumeration; {@code %s} prints the name of a value. */
    record Enum(String name, int sizeBytes, boolean signed, Map<Long, String> names) implements Type {
        public Enum {
            names = Map.copyOf(new TreeMap<>(names));
        }

        @Override
        public int alignBytes() {
            return sizeBytes;
        }

        @Override
        public String display() {
            return "enum " + name;
        }
    }

    /**
     * A stack trace of the kernel: the {@code s64} id in the stack map; negative when it could not be taken.
     *
     * @param map the stack-trace map that holds the addresses
     */
    record KernelStack(StackMode mode, int depth, String map) implements Type {
        @Override
        public int sizeBytes() {
            return 8;
        }

        @Override
        public int alignBytes() {
            return 8;
        }

        @Override
        public String display() {
            return "kstack_" + mode.title() + "_" + depth;
        }
    }

    /**
     * A stack trace of a process: {@code s64} id in the stack map, {@code u32} process id, four bytes of zero.
     *
     * @param unwound whether user space finds the frames, in a copy of the stack that was sent under the id; the map is not used then
     */
    record UserStack(StackMode mode, int depth, String map, boolean unwound) implements Type {
        @Override
        public int sizeBytes() {
            return 16;
        }

        @Override
        public int alignBytes() {
            return 8;
        }

        @Override
        public String display() {
            return (unwound ? "dw_ustack_" : "ustack_") + mode.title() + "_" + depth;
        }
    }

    /** How a stack trace is printed. */
    enum StackMode {
        BPFTRACE,
        PERF,
        RAW,
        BUILD_ID;

        public String title() {
            return name().toLowerCase(java.util.Locale.ROOT);
        }
    }

    /** Eight bytes that user space prints by looking something up. */
    record Symbolic(Symbols symbols) implements Type {
        @Override
        public int sizeBytes() {
            return 8;
        }

        @Override
        public int alignBytes() {
            return 8;
        }

        @Override
        public String display() {
            return symbols.title;
        }
    }

    /** What an eight-byte {@link Symbolic} value stands for. */
    enum Symbols {
        KERNEL_SYMBOL("ksym_t"),
        USER_NAME("username"),
        ERROR_TEXT("strerror_t"),
        SIGNAL_NAME("signal_name_t"),
        SYSCALL_NAME("syscall_name_t");

        private final String title;

        Symbols(String title) {
            this.title = title;
        }
    }

    /** An address in a process: {@code u64} address, {@code u32} process id, four bytes of zero. */
    record UserSymbol() implements Type {
        @Override
        public int sizeBytes() {
            return 16;
        }

        @Override
        public int alignBytes() {
            return 8;
        }

        @Override
        public String display() {
            return "usym_t";
        }
    }

    /** An internet address: {@code u32} family (2 or 10), 16 bytes of address in network order, IPv4 first four. */
    record Inet() implements Type {
        @Override
        public int sizeBytes() {
            return 20;
        }

        @Override
        public int alignBytes() {
            return 4;
        }

        @Override
        public String display() {
            return "inet";
        }
    }

    /** Six bytes, printed as {@code AA:BB:CC:DD:EE:FF}. */
    record MacAddress() implements Type {
        @Override
        public int sizeBytes() {
            return 6;
        }

        @Override
        public int alignBytes() {
            return 1;
        }

        @Override
        public String display() {
            return "mac_address";
        }
    }

    /** A cgroup id of eight bytes, printed as {@code hierarchy:/path}, hierarchies restricted by a glob. */
    record CgroupPath(String hierarchyGlob) implements Type {
        @Override
        public int sizeBytes() {
            return 8;
        }

        @Override
        public int alignBytes() {
            return 8;
        }

        @Override
        public String display() {
            return "cgroup_path_t";
        }
    }

    /** A point in time, eight bytes of nanoseconds of a clock, printed by {@code strftime}. */
    record Timestamp(String format, Clock clock) implements Type {
        @Override
        public int sizeBytes() {
            return 8;
        }

        @Override
        public int alignBytes() {
            return 8;
        }

        @Override
        public String display() {
            return "timestamp";
        }
    }

    /** The clocks of {@code nsecs(…)}. */
    enum Clock {
        BOOT,
        MONOTONIC,
        TAI,
        SW_TAI
    }

    /** What a map entry adds up; merged over CPUs in user space, except where {@link MapView#perCpu} says otherwise. */
    sealed interface Aggregation extends Type {
        @Override
        default int alignBytes() {
            return 8;
        }
    }

    /** {@code u64} count. */
    record Count() implements Aggregation {
        @Override
        public int sizeBytes() {
            return 8;
        }

        @Override
        public String display() {
            return "count_t";
        }
    }

    /** A 64-bit sum. */
    record Sum(boolean signed) implements Aggregation {
        @Override
        public int sizeBytes() {
            return 8;
        }

        @Override
        public String display() {
            return signed ? "sum_t" : "usum_t";
        }
    }

    /** 64-bit value, then {@code u64} 1 once a value was seen. */
    record Min(boolean signed) implements Aggregation {
        @Override
        public int sizeBytes() {
            return 16;
        }

        @Override
        public String display() {
            return signed ? "min_t" : "umin_t";
        }
    }

    /** 64-bit value, then {@code u64} 1 once a value was seen. */
    record Max(boolean signed) implements Aggregation {
        @Override
        public int sizeBytes() {
            return 16;
        }

        @Override
        public String display() {
            return signed ? "max_t" : "umax_t";
        }
    }

    /** {@code u64} count, 64-bit total; prints the average, rounded towards zero. */
    record Avg(boolean signed) implements Aggregation {
        @Override
        public int sizeBytes() {
            return 16;
        }

        @Override
        public String display() {
            return signed ? "avg_t" : "uavg_t";
        }
    }

    /** {@code u64} count, 64-bit total; prints both and the average. */
    record Stats(boolean signed) implements Aggregation {
        @Override
        public int sizeBytes() {
            return 16;
        }

        @Override
        public String display() {
            return signed ? "stats_t" : "ustats_t";
        }
    }

    /**
     * A logarithmic histogram of {@code u64} counts: {@link Histograms} tells the range of each bucket.
     *
     * @param bits each power of two is divided into 2^bits buckets; 0 to 5
     */
    record Hist(int bits) implements Aggregation {
        @Override
        public int sizeBytes() {
            return 8 * Histograms.log2Buckets(bits);
        }

        @Override
        public String display() {
            return "hist_t";
        }
    }

    /** A linear histogram of {@code u64} counts: below {@code min}, the steps, at and above {@code max}. */
    record LinearHist(long min, long max, long step) implements Aggregation {
        @Override
        public int sizeBytes() {
            return 8 * Histograms.linearBuckets(min, max, step);
        }

        @Override
        public String display() {
            return "lhist_t";
        }
    }

    /**
     * A logarithmic histogram whose powers of {@code factor} are each divided into equal steps.
     *
     * @param low the exponent of the smallest bound, {@code factor^low}
     * @param high the greatest bound is {@code factor^(high + 1)}
     * @param steps how many steps reach from 0 to the next power
     */
    record LogLinearHist(int factor, int low, int high, int steps) implements Aggregation {
        @Override
        public int sizeBytes() {
            return 8 * (bounds().length + 1);
        }

        /** Where its buckets begin, and where the last one ends; two open buckets lie around them. */
        public long[] bounds() {
            return Histograms.logLinearBounds(factor, low, high, steps);
        }

        @Override
        public String display() {
            return "llhist_t";
        }
    }

    /**
     * A sketch of a distribution: a {@link Hist} with {@link Histograms#SKETCH_BITS} bits, of which quantiles are shown.
     *
     * @param levels which: 50 for the median, 99 for the 99th percentile, 999 for 99.9 %
     */
    record Quantiles(List<Integer> levels) implements Aggregation {
        public Quantiles {
            levels = List.copyOf(levels);
        }

        @Override
        public int sizeBytes() {
            return 8 * Histograms.log2Buckets(Histograms.SKETCH_BITS);
        }

        @Override
        public String display() {
            return "quantiles_t";
        }
    }

    /**
     * A time series: a ring of {@code intervals} entries, each {@code u64} epoch (the time divided by the interval),
     * 64-bit value, {@code u64} count, {@code u64} time of the last value in ns.
     *
     * @param clockMap a map whose value is the time, for scripts that make their own; empty for the time since boot
     */
    record TimeSeries(long intervalNanos, int intervals, SeriesKind kind, boolean signed, String clockMap)
            implements Aggregation {
        /** Bytes of one entry. */
        public static final int ENTRY_BYTES = 32;

        @Override
        public int sizeBytes() {
            return ENTRY_BYTES * intervals;
        }

        @Override
        public String display() {
            return "tseries_t";
        }
    }

    /** What an interval of a time series keeps. */
    enum SeriesKind {
        /** The last value. */
        NONE,
        AVG,
        MAX,
        MIN,
        SUM
    }

    /** Whether values are plain integers: integers, booleans and enumerations. */
    default boolean isInteger() {
        return this instanceof Int || this instanceof Bool || this instanceof Enum;
    }

    /** Whether integer arithmetic on it is signed. */
    default boolean isSigned() {
        return switch (this) {
            case Int i -> i.signed();
            case Enum e -> e.signed();
            default -> false;
        };
    }

    /** The value of an enumerator by name. */
    static OptionalLong enumerator(Enum type, String name) {
        for (var entry : type.names().entrySet()) {
            if (entry.getValue().equals(name)) {
                return OptionalLong.of(entry.getKey());
            }
        }
        return OptionalLong.empty();
    }

    /** Offsets of parts laid one behind the other at their natural alignment. */
    record Layout(List<Integer> offsets, int sizeBytes, int alignBytes) {
        public Layout {
            offsets = List.copyOf(offsets);
        }

        public static Layout of(List<Type> parts) {
            var offsets = new ArrayList<Integer>();
            int end = 0;
            int align = 1;
            for (var part : parts) {
                end = alignUp(end, part.alignBytes());
                offsets.add(end);
                end += part.sizeBytes();
                align = Math.max(align, part.alignBytes());
            }
            return new Layout(offsets, alignUp(end, align), align);
        }

        public static int alignUp(int value, int align) {
            return (value + align - 1) / align * align;
        }
    }
}
