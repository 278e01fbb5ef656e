package skep.vm.verifier;

import java.util.EnumSet;
import java.util.Set;
import skep.isa.kernel.ContextLayout;
import skep.isa.kernel.MapType;
import skep.isa.kernel.ProgramType;

/** Loads and stores: that they stay within what the pointer points to, and what a load yields. */
final class MemoryAccess {
    private static final int FLOW_KEYS_BYTES = 56;
    static final int MAX_VAR_SIZE = 1 << 29;
    private static final int IP_ALIGN = 2;
    private static final String NEGATIVE =
            "R%d min value is negative, either use unsigned index or do a if (index >=0) check.";

    private final Walker w;

    MemoryAccess(Walker walker) {
        this.w = walker;
    }

    /** No register takes part: an atomic, an immediate store, or a helper. */
    static final int NO_REG = -1;

    /**
     * One load or store through a register.
     *
     * @param valueNo the register loaded or stored, or {@link #NO_REG}
     */
    void access(int i, int regNo, int insnOff, int size, boolean store, int valueNo, boolean strict, boolean signed) {
        var regs = w.regs();
        var reg = regs[regNo];
        checkAlignment(reg, insnOff, size, strict);
        int off = insnOff + reg.off;
        boolean load = !store && valueNo >= 0;
        boolean leaks = store && valueNo >= 0 && w.leaksPointer(valueNo);
        w.facts.access(i, reg);
        switch (reg.kind) {
            case MAP_KEY -> {
                requireNotNull(regNo, reg);
                if (store) {
                    throw w.denied("write to change key R%d not allowed", regNo);
                }
                checkRegion(regNo, reg, off, size, reg.map().keySizeBytes(), false);
                unknownIf(load, valueNo);
            }
            case MAP_VALUE -> {
                requireNotNull(regNo, reg);
                if (leaks) {
                    throw w.denied("R%d leaks addr into map", valueNo);
                }
                mapValue(i, regNo, reg, off, size, store, valueNo, signed);
            }
            case MEM -> {
                boolean readOnly = reg.is(Flag.RDONLY);
                requireNotNull(regNo, reg);
                if (store && readOnly) {
                    throw w.denied("R%d cannot write into %s", regNo, reg.typeName());
                }
                if (leaks) {
                    throw w.denied("R%d leaks addr into mem", valueNo);
                }
                if (!(readOnly && reg.is(Flag.UNTRUSTED))) {
                    checkRegion(regNo, reg, off, size, reg.memSize, false);
                }
                unknownIf(load, valueNo);
            }
            case CTX -> {
                if (leaks) {
                    throw w.denied("R%d leaks addr into ctx", valueNo);
                }
                context(regNo, reg, off, size, store, load ? valueNo : NO_REG, signed);
            }
            case STACK -> {
                w.stack.checkBounds(regNo, reg, off, size, store);
                if (store) {
                    w.stack.write(i, regNo, reg, off, size, valueNo);
                } else {
                    w.stack.read(i, regNo, reg, off, size, valueNo);
                }
            }
            case PACKET, PACKET_META -> {
                if (store && !packetAccess(true)) {
                    throw w.denied("cannot write into packet");
                }
                if (leaks) {
                    throw w.denied("R%d leaks addr into packet", valueNo);
                }
                checkPacket(regNo, reg, off, size, false);
                unknownIf(load, valueNo);
            }
            case FLOW_KEYS -> {
                if (leaks) {
                    throw w.denied("R%d leaks addr into flow keys", valueNo);
                }
                if (off < 0 || off + size > FLOW_KEYS_BYTES) {
                    throw w.denied("invalid access to flow keys off=%d size=%d", off, size);
                }
                unknownIf(load, valueNo);
            }
            case SOCKET, SOCK_COMMON, TCP_SOCK, XDP_SOCK -> {
                requireNotNull(regNo, reg);
                if (store) {
                    throw w.denied("R%d cannot write into %s", regNo, reg.typeName());
                }
                socket(regNo, reg, off, size);
                unknownIf(load, valueNo);
            }
            case TP_BUFFER -> {
                if (off < 0) {
                    throw w.denied("R%d invalid tracepoint buffer access: off=%d, size=%d", regNo, off, size);
                }
                constantOffset("R%d invalid variable buffer offset: off=%d, var_off=%s", regNo, reg, off);
                unknownIf(load, valueNo);
            }
            case BTF_ID -> {
                requireNotNull(regNo, reg);
                w.kernelObjects.access(regNo, reg, off, size, store, valueNo);
            }
            case MAP_PTR -> {
                requireNotNull(regNo, reg);
                w.kernelObjects.mapStruct(regNo, reg, off, size, store, valueNo);
            }
            case BUF -> {
                requireNotNull(regNo, reg);
                if (store && reg.is(Flag.RDONLY)) {
                    throw w.denied("R%d cannot write into %s", regNo, reg.typeName());
                }
                checkBuffer(regNo, reg, off, size);
                unknownIf(load, valueNo);
            }
            case ARENA -> unknownIf(load, valueNo);
            default -> throw invalidAccess(regNo, reg);
        }
        if (load && size < 8 && regs[valueNo].isScalar()) {
            if (signed) {
                Ranges.signExtend64(regs[valueNo], size);
            } else {
                Ranges.truncate(regs[valueNo], size);
            }
        }
    }

    private Refusal invalidAccess(int regNo, RegState reg) {
        return w.denied("R%d invalid mem access '%s'", regNo, reg.typeName());
    }

    private void requireNotNull(int regNo, RegState reg) {
        if (reg.maybeNull()) {
            throw invalidAccess(regNo, reg);
        }
    }

    private void unknownIf(boolean load, int valueNo) {
        if (load) {
            w.markUnknown(w.regs()[valueNo]);
        }
    }

    private void checkAlignment(RegState reg, int off, int size, boolean strictOnce) {
        boolean strict = w.input.strictAlignment() || strictOnce || reg.kind == RegKind.STACK;
        if (!strict || size == 1 || reg.kind == RegKind.ARENA) {
            return;
        }
        if (reg.kind.isPacket()) {
            if (!reg.var.plus(Tnum.constant(IP_ALIGN + reg.off + off)).isAligned(size)) {
                throw w.denied(
                        "misaligned packet access off %d+%s+%d+%d size %d", IP_ALIGN, reg.var, reg.off, off, size);
            }
            return;
        }
        if (!reg.var.plus(Tnum.constant(reg.off + off)).isAligned(size)) {
            var what = switch (reg.kind) {
                case FLOW_KEYS -> "flow keys ";
                case MAP_KEY -> "key ";
                case MAP_VALUE -> "value ";
                case CTX -> "context ";
                case STACK -> "stack ";
                case SOCKET -> "sock ";
                case SOCK_COMMON -> "sock_common ";
                case TCP_SOCK -> "tcp_sock ";
                case XDP_SOCK -> "xdp_sock ";
                default -> "";
            };
            throw w.denied("misaligned %saccess off %s+%d+%d size %d", what, reg.var, reg.off, off, size);
        }
    }

    // ---- regions ----

    private boolean inRegion(int regNo, RegState reg, long off, long size, long region, boolean zeroAllowed) {
        boolean sizeOk = size > 0 || (size == 0 && zeroAllowed);
        if (off >= 0 && sizeOk && off + size <= region) {
            return true;
        }
        switch (reg.kind) {
            case MAP_KEY ->
                w.log.line(text("invalid access to map key, key_size=%d off=%d size=%d", region, off, size));
            case MAP_VALUE ->
                w.log.line(text("invalid access to map value, value_size=%d off=%d size=%d", region, off, size));
            case PACKET, PACKET_META, PACKET_END ->
                w.log.line(text(
                        "invalid access to packet, off=%d size=%d, R%d(id=%d,off=%d,r=%d)",
                        off, size, regNo, reg.id, off, region));
            default -> w.log.line(text("invalid access to memory, mem_size=%d off=%d size=%d", region, off, size));
        }
        return false;
    }

    private static String text(String format, Object... arguments) {
        return String.format(java.util.Locale.ROOT, format, arguments);
    }

    /** Both ends of the possible offsets lie within the region. */
    void checkRegion(int regNo, RegState reg, int off, long size, long region, boolean zeroAllowed) {
        long lowest = reg.smin + off;
        if (reg.smin < 0 && (reg.smin == Long.MIN_VALUE || lowest != (int) lowest || lowest < 0)) {
            throw w.denied(NEGATIVE, regNo);
        }
        if (!inRegion(regNo, reg, (int) lowest, size, region, zeroAllowed)) {
            throw w.denied("R%d min value is outside of the allowed memory range", regNo);
        }
        if (Long.compareUnsigned(reg.umax, Arithmetic.MAX_VAR_OFFSET) >= 0) {
            throw w.denied("R%d unbounded memory access, make sure to bounds check any such access", regNo);
        }
        if (!inRegion(regNo, reg, (int) (reg.umax + off), size, region, zeroAllowed)) {
            throw w.denied("R%d max value is outside of the allowed memory range", regNo);
        }
    }

    void checkPacket(int regNo, RegState reg, int off, long size, boolean zeroAllowed) {
        if (reg.smin < 0) {
            throw w.denied(NEGATIVE, regNo);
        }
        if (reg.range < 0 || !inRegion(regNo, reg, off, size, reg.range, zeroAllowed)) {
            throw Refusal.of(
                    w.log,
                    reg.range < 0 ? Refusal.EINVAL : Refusal.EACCES,
                    "R%d offset is outside of the packet",
                    regNo);
        }
    }

    /** Offset of a buffer whose size is known only when it is run. */
    void checkBuffer(int regNo, RegState reg, int off, long size) {
        if (off < 0) {
            throw w.denied("R%d invalid %s buffer access: off=%d, size=%d", regNo, bufferWord(reg), off, size);
        }
        constantOffset("R%d invalid variable buffer offset: off=%d, var_off=%s", regNo, reg, off);
        w.facts.buffer(reg.is(Flag.RDONLY), off + size);
    }

    private static String bufferWord(RegState reg) {
        return reg.is(Flag.RDONLY) ? "rdonly" : "rdwr";
    }

    private void constantOffset(String format, int regNo, RegState reg, int off) {
        if (!reg.var.isConstant() || reg.var.value() != 0) {
            throw w.denied(format, regNo, off, reg.var);
        }
    }

    // ---- map values ----

    void checkMapAccessType(RegState reg, int off, long size, boolean store) {
        var map = reg.map();
        if (store && (map.flags() & MapDefinition.RDONLY_PROG) != 0) {
            throw w.denied("write into map forbidden, value_size=%d off=%d size=%d", map.valueSizeBytes(), off, size);
        }
        if (!store && (map.flags() & MapDefinition.WRONLY_PROG) != 0) {
            throw w.denied("read from map forbidden, value_size=%d off=%d size=%d", map.valueSizeBytes(), off, size);
        }
    }

    void checkMapAccess(int regNo, RegState reg, int off, long size, boolean zeroAllowed, boolean direct) {
        var map = reg.map();
        checkRegion(regNo, reg, off, size, map.valueSizeBytes(), zeroAllowed);
        for (var field : map.fields()) {
            long start = field.offBytes();
            if (reg.smin + off < start + field.sizeBytes() && start < reg.umax + off + size) {
                checkSpecialField(reg, off, size, field, direct);
            }
        }
    }

    private void checkSpecialField(RegState reg, int off, long size, SpecialField field, boolean direct) {
        var name = field.kind().structName();
        if (!field.kind().isKptr()) {
            throw w.denied("%s cannot be accessed directly by load/store", name);
        }
        if (!direct) {
            throw w.denied("%s cannot be accessed indirectly by helper", name);
        }
        if (!reg.var.isConstant()) {
            throw w.denied("%s access cannot have variable offset", name);
        }
        if (field.offBytes() != off + reg.var.value()) {
            throw w.denied("%s access misaligned expected=%d off=%d", name, field.offBytes(), off + reg.var.value());
        }
        if (size != 8) {
            throw w.denied("%s access size must be BPF_DW", name);
        }
    }

    private void mapValue(
            int i, int regNo, RegState reg, int off, int size, boolean store, int valueNo, boolean signed) {
        checkMapAccessType(reg, off, size, store);
        checkMapAccess(regNo, reg, off, size, false, true);
        var map = reg.map();
        if (reg.var.isConstant()) {
            for (var field : map.fields()) {
                if (field.kind().isKptr() && field.offBytes() == off + reg.var.value()) {
                    w.kernelObjects.kptr(i, regNo, valueNo, map, field);
                    return;
                }
            }
        }
        if (store || valueNo < 0) {
            return;
        }
        var value = w.regs()[valueNo];
        var constants = map.constants();
        if (reg.var.isConstant() && constants.isPresent() && (map.flags() & MapDefinition.RDONLY_PROG) != 0) {
            long number = constants.get().read((int) (off + reg.var.value()), size);
            int shift = 64 - size * 8;
            w.markUnknown(value);
            value.setConstant(signed ? number << shift >> shift : number);
            return;
        }
        w.markUnknown(value);
    }

    // ---- context ----

    /** The pointer is as it was given: no offset but the instruction's. */
    void checkPlainOffset(int regNo, RegState reg, boolean fixedAllowed) {
        if (reg.off < 0) {
            throw w.denied("negative offset %s ptr R%d off=%d disallowed", reg.typeName(), regNo, reg.off);
        }
        if (!fixedAllowed && reg.off != 0) {
            throw w.denied("dereference of modified %s ptr R%d off=%d disallowed", reg.typeName(), regNo, reg.off);
        }
        if (!reg.var.isConstant() || reg.var.value() != 0) {
            throw w.denied("variable %s access var_off=%s disallowed", reg.typeName(), reg.var);
        }
    }

    private void context(int regNo, RegState reg, int off, int size, boolean store, int valueNo, boolean signed) {
        checkPlainOffset(regNo, reg, false);
        if (w.contextLayout.isEmpty()) {
            w.kernelObjects.typedContext(off, size, store, valueNo);
            return;
        }
        var field = w.contextLayout.get().access(off, size, store);
        boolean pointer = field.isPresent() && field.get().yields() != ContextLayout.Yields.NUMBER;
        boolean packet = pointer
                && switch (field.get().yields()) {
                    case PACKET, PACKET_META, PACKET_END -> true;
                    default -> false;
                };
        if (field.isEmpty() || (signed && packet)) {
            throw w.denied("invalid bpf_context access off=%d size=%d", off, size);
        }
        if (valueNo < 0) {
            return;
        }
        var value = w.regs()[valueNo];
        switch (field.get().yields()) {
            case NUMBER -> w.markUnknown(value);
            case PACKET -> value.markPointer(RegKind.PACKET, 0);
            case PACKET_META -> value.markPointer(RegKind.PACKET_META, 0);
            case PACKET_END -> value.markPointer(RegKind.PACKET_END, 0);
            case FLOW_KEYS -> value.markPointer(RegKind.FLOW_KEYS, 0);
            case SOCKET -> value.markPointer(RegKind.SOCKET, 0);
            case SOCKET_OR_NULL -> orNull(value, RegKind.SOCKET);
            case SOCK_COMMON_OR_NULL -> orNull(value, RegKind.SOCK_COMMON);
            case TP_BUFFER -> value.markPointer(RegKind.TP_BUFFER, 0);
            case SK_BUFF -> {
                value.markPointer(RegKind.BTF_ID, Flag.TRUSTED.bit);
                value.struct = "sk_buff";
            }
            case NF_HOOK_STATE -> {
                value.markPointer(RegKind.BTF_ID, Flag.TRUSTED.bit);
                value.struct = "nf_hook_state";
            }
        }
    }

    private void orNull(RegState value, RegKind kind) {
        value.markPointer(kind, Flag.MAYBE_NULL.bit);
        value.id = w.newId();
    }

    private void socket(int regNo, RegState reg, int off, int size) {
        if (reg.smin < 0) {
            throw w.denied(NEGATIVE, regNo);
        }
        var layout = ContextLayout.ofSocket(reg.kind.text);
        if (layout.isEmpty() || layout.get().access(off, size, false).isEmpty()) {
            throw w.denied("R%d invalid %s access off=%d size=%d", regNo, reg.typeName(), off, size);
        }
    }

    // ---- packets ----

    private static final Set<ProgramType> READ_ONLY_PACKETS = EnumSet.of(
            ProgramType.LWT_IN,
            ProgramType.LWT_OUT,
            ProgramType.LWT_SEG6LOCAL,
            ProgramType.SK_REUSEPORT,
            ProgramType.FLOW_DISSECTOR,
            ProgramType.CGROUP_SKB);

    private static final Set<ProgramType> PACKETS = EnumSet.of(
            ProgramType.SCHED_CLS,
            ProgramType.SCHED_ACT,
            ProgramType.XDP,
            ProgramType.LWT_XMIT,
            ProgramType.SK_SKB,
            ProgramType.SK_MSG,
            ProgramType.CGROUP_SOCKOPT);

    /** Whether this program type may touch packet bytes itself. */
    boolean packetAccess(boolean store) {
        return PACKETS.contains(w.input.type()) || (!store && READ_ONLY_PACKETS.contains(w.input.type()));
    }

    // ---- memory that helpers touch ----

    /** What a helper's memory argument needs; the raw mode lets it fill uninitialized stack. */
    void helperAccess(int regNo, long size, boolean store, boolean zeroAllowed, boolean raw) {
        var reg = w.regs()[regNo];
        if (!reg.maybeNull()) {
            switch (reg.kind) {
                case PACKET, PACKET_META -> {
                    checkPacket(regNo, reg, reg.off, size, zeroAllowed);
                    return;
                }
                case MAP_KEY -> {
                    if (store) {
                        throw w.denied("R%d cannot write into %s", regNo, reg.typeName());
                    }
                    checkRegion(regNo, reg, reg.off, size, reg.map().keySizeBytes(), false);
                    return;
                }
                case MAP_VALUE -> {
                    checkMapAccessType(reg, reg.off, size, store);
                    checkMapAccess(regNo, reg, reg.off, size, zeroAllowed, false);
                    return;
                }
                case MEM -> {
                    if (store && reg.is(Flag.RDONLY)) {
                        throw w.denied("R%d cannot write into %s", regNo, reg.typeName());
                    }
                    checkRegion(regNo, reg, reg.off, size, reg.memSize, zeroAllowed);
                    return;
                }
                case BUF -> {
                    if (store && reg.is(Flag.RDONLY)) {
                        throw w.denied("R%d cannot write into %s", regNo, reg.typeName());
                    }
                    checkBuffer(regNo, reg, reg.off, size);
                    return;
                }
                case STACK -> {
                    w.stack.checkInitialized(regNo, reg, reg.off, size, zeroAllowed, store, raw);
                    return;
                }
                case BTF_ID -> {
                    w.kernelObjects.access(regNo, reg, reg.off, (int) size, false, NO_REG);
                    return;
                }
                case CTX -> {
                    if (w.input.type() == ProgramType.SYSCALL || w.input.type() == ProgramType.TRACING) {
                        if (size != 0) {
                            access(w.insn, regNo, (int) size - 1, 1, store, NO_REG, false, false);
                        }
                        return;
                    }
                }
                default -> {}
            }
        }
        if (zeroAllowed && size == 0 && reg.isZero()) {
            return;
        }
        throw w.denied("R%d type=%s expected=%s", regNo, reg.typeName(), RegKind.STACK.text);
    }

    /** Memory in one argument, its size in the next. */
    void sizedAccess(int sizeNo, boolean store, boolean zeroAllowed, boolean raw) {
        var size = w.regs()[sizeNo];
        boolean exact = size.var.isConstant();
        if (size.smin < 0) {
            throw w.denied("R%d min value is negative, either use unsigned or 'var &= const'", sizeNo);
        }
        if (size.umin == 0 && !zeroAllowed) {
            throw w.denied("R%d invalid zero-sized read: u64=[%d,%d]", sizeNo, size.umin, size.umax);
        }
        if (Long.compareUnsigned(size.umax, MAX_VAR_SIZE) >= 0) {
            throw w.denied("R%d unbounded memory access, use 'var &= const' or 'if (var < const)'", sizeNo);
        }
        helperAccess(sizeNo - 1, size.umax, store, zeroAllowed, raw && exact);
        w.precision.mark(sizeNo);
    }

    static boolean isMapOfMaps(MapType type) {
        return type == MapType.ARRAY_OF_MAPS || type == MapType.HASH_OF_MAPS;
    }
}
