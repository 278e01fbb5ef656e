package skep.vm.verifier;

import org.jspecify.annotations.Nullable;

/**
 * What is known of a register or of a spilled register; mutable, copied when paths part.
 *
 * <p>A scalar is known through a tnum and four ranges (unsigned and signed, 64 and 32 bits wide); a pointer through its
 * kind, a fixed offset {@code off} and a variable one, which is the scalar part. {@link Ranges} keeps these consistent.
 */
final class RegState {
    /** Set in {@link #id} of a scalar whose value is a linked one plus {@link #off}. */
    static final int ADD_CONST64 = 1 << 31;

    /** The same where both fit 32 bits and the sum wraps there. */
    static final int ADD_CONST32 = 1 << 30;

    static final int ADD_CONST = ADD_CONST64 | ADD_CONST32;

    RegKind kind = RegKind.NOT_INIT;
    int flags;
    int off;

    Tnum var = Tnum.ZERO;
    long smin;
    long smax;
    long umin;
    long umax;
    int smin32;
    int smax32;
    int umin32;
    int umax32;

    /** Packet pointers: bytes known to be readable from here; or {@link #AT_END}, {@link #BEYOND_END} for packet ends. */
    int range;

    static final int AT_END = -1;
    static final int BEYOND_END = -2;

    /** Map pointers and map values. */
    @Nullable
    MapDefinition map;

    /** Tells apart inner maps looked up separately. */
    int mapUid;

    /** Bytes behind {@code MEM}, {@code BUF}. */
    int memSize;

    /** Slices of a dynptr: the id of the dynptr. */
    int dynptrId;

    /** The struct behind a kernel pointer, without {@code struct}. */
    String struct = "";

    /** Dynptrs on the stack or as arguments. */
    DynptrKind dynptr = DynptrKind.INVALID;

    boolean firstSlot;

    /** Iterators on the stack. */
    String iterator = "";

    IterState iterState = IterState.INVALID;
    int iterDepth;

    /** Functions. */
    int function;

    /** Same id, same unknown: for null checks, packets, linked scalars, locks. */
    int id;

    /** The reference that keeps the object alive, 0 if none. */
    int refObjId;

    /** For stack pointers, whose stack. */
    int frame;

    /** For scalars: some check relied on the exact value. */
    boolean precise;

    enum IterState {
        INVALID,
        ACTIVE,
        DRAINED
    }

    RegState() {}

    RegState(RegState other) {
        set(other);
    }

    void set(RegState other) {
        kind = other.kind;
        flags = other.flags;
        off = other.off;
        var = other.var;
        smin = other.smin;
        smax = other.smax;
        umin = other.umin;
        umax = other.umax;
        smin32 = other.smin32;
        smax32 = other.smax32;
        umin32 = other.umin32;
        umax32 = other.umax32;
        range = other.range;
        map = other.map;
        mapUid = other.mapUid;
        memSize = other.memSize;
        dynptrId = other.dynptrId;
        struct = other.struct;
        dynptr = other.dynptr;
        firstSlot = other.firstSlot;
        iterator = other.iterator;
        iterState = other.iterState;
        iterDepth = other.iterDepth;
        function = other.function;
        id = other.id;
        refObjId = other.refObjId;
        frame = other.frame;
        precise = other.precise;
    }

    /** A register of which nothing is known, for states that are kept: never changed. */
    static final RegState NOTHING = nothing();

    private static RegState nothing() {
        var reg = new RegState();
        reg.markNotInit();
        return reg;
    }

    /** This, for a state that is kept: the earlier state's where nothing has changed since. */
    RegState kept(@Nullable RegState earlier) {
        if (earlier != null && same(earlier)) {
            return earlier;
        }
        return same(NOTHING) ? NOTHING : new RegState(this);
    }

    /** This with its number needed precisely; other states may share this one. */
    RegState markedPrecise() {
        var marked = new RegState(this);
        marked.precise = true;
        return marked;
    }

    private boolean same(RegState other) {
        return kind == other.kind
                && flags == other.flags
                && off == other.off
                && id == other.id
                && smin == other.smin
                && smax == other.smax
                && umin == other.umin
                && umax == other.umax
                && precise == other.precise
                && var.value() == other.var.value()
                && var.mask() == other.var.mask()
                && smin32 == other.smin32
                && smax32 == other.smax32
                && umin32 == other.umin32
                && umax32 == other.umax32
                && samePointer(other);
    }

    private boolean samePointer(RegState other) {
        return range == other.range
                && map == other.map
                && mapUid == other.mapUid
                && memSize == other.memSize
                && dynptrId == other.dynptrId
                && struct.equals(other.struct)
                && dynptr == other.dynptr
                && firstSlot == other.firstSlot
                && iterator.equals(other.iterator)
                && iterState == other.iterState
                && iterDepth == other.iterDepth
                && function == other.function
                && refObjId == other.refObjId
                && frame == other.frame;
    }

    boolean is(Flag flag) {
        return (flags & flag.bit) != 0;
    }

    boolean maybeNull() {
        return (flags & Flag.MAYBE_NULL.bit) != 0;
    }

    boolean isScalar() {
        return kind == RegKind.SCALAR;
    }

    /** A scalar with one value. */
    boolean isConstant() {
        return kind == RegKind.SCALAR && var.mask() == 0;
    }

    boolean isZero() {
        return kind == RegKind.SCALAR && var.mask() == 0 && var.value() == 0;
    }

    MapDefinition map() {
        if (map == null) {
            throw new IllegalStateException("register without a map");
        }
        return map;
    }

    String typeName() {
        return kind.name(flags);
    }

    /** The type with the struct's name for kernel pointers, as printed in states. */
    String typeAndStruct() {
        return kind == RegKind.BTF_ID ? typeName() + struct : typeName();
    }

    /** The scalar is linked with no other. */
    void unlink() {
        id = 0;
        off = 0;
    }

    /** Forgets everything but the number part. */
    private void clearPointer() {
        range = 0;
        map = null;
        mapUid = 0;
        memSize = 0;
        dynptrId = 0;
        struct = "";
        dynptr = DynptrKind.INVALID;
        firstSlot = false;
        iterator = "";
        iterState = IterState.INVALID;
        iterDepth = 0;
        function = 0;
        id = 0;
        refObjId = 0;
        frame = 0;
        off = 0;
    }

    void markNotInit() {
        markUnknown();
        kind = RegKind.NOT_INIT;
    }

    /** An imprecise scalar of any value. */
    void markUnknown() {
        clearPointer();
        kind = RegKind.SCALAR;
        flags = 0;
        precise = false;
        var = Tnum.UNKNOWN;
        Ranges.unbound(this);
    }

    /** Makes the number part one value, keeping the kind. */
    void setConstant(long value) {
        var = Tnum.constant(value);
        smin = value;
        smax = value;
        umin = value;
        umax = value;
        smin32 = (int) value;
        smax32 = (int) value;
        umin32 = (int) value;
        umax32 = (int) value;
    }

    /** A scalar of one value. */
    void markKnown(long value) {
        clearPointer();
        kind = RegKind.SCALAR;
        flags = 0;
        setConstant(value);
    }

    void markConstantZero() {
        markKnown(0);
        precise = false;
    }

    /** A pointer without offset; the union fields are cleared. */
    void markPointer(RegKind pointer, int pointerFlags) {
        clearPointer();
        kind = pointer;
        flags = pointerFlags;
        precise = false;
        setConstant(0);
    }

    /** Makes only the number part zero: for pointers whose type stays. */
    void zeroOffset() {
        setConstant(0);
        off = 0;
    }
}
