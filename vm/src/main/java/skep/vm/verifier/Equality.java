package skep.vm.verifier;

import java.util.Objects;

/** Whether a new state is covered by one that was explored: then the new path need not be walked. */
final class Equality {
    /** How alike states must be. */
    enum Mode {
        /** Numbers that nothing relied on may differ. */
        COVERED,
        /** Every number within that of the old state. */
        RANGES,
        /** Everything the same, up to a renaming of ids. */
        EXACT
    }

    private final Walker w;
    private int[] oldIds = new int[64];
    private int[] newIds = new int[64];
    private int pairs;
    private int temporaryId;

    private static final RegState UNBOUND = new RegState();

    static {
        UNBOUND.markUnknown();
    }

    Equality(Walker walker) {
        this.w = walker;
    }

    void forgetIds() {
        pairs = 0;
        temporaryId = 0x4000_0000;
    }

    boolean equal(PathState old, PathState current, Mode mode) {
        if (old.depth() != current.depth()
                || (old.speculative && !current.speculative)
                || old.sleepable != current.sleepable) {
            return false;
        }
        forgetIds();
        if (!referencesEqual(old, current)) {
            return false;
        }
        for (int f = 0; f <= old.depth(); f++) {
            var a = old.frame(f);
            var b = current.frame(f);
            if (a.callsite != b.callsite || !framesEqual(a, b, old.insnOf(f), mode)) {
                return false;
            }
        }
        return true;
    }

    private boolean referencesEqual(PathState old, PathState current) {
        if (old.references.size() != current.references.size()
                || old.activeLocks != current.activeLocks
                || old.activePreemptLocks != current.activePreemptLocks
                || old.activeRcuLocks != current.activeRcuLocks
                || !sameId(old.activeIrqId, current.activeIrqId)
                || !sameId(old.activeLockId, current.activeLockId)
                || old.activeLockOwner != current.activeLockOwner) {
            return false;
        }
        for (int i = 0; i < old.references.size(); i++) {
            var a = old.references.get(i);
            var b = current.references.get(i);
            if (a.kind() != b.kind() || !sameId(a.id(), b.id()) || (a.isLock() && a.owner() != b.owner())) {
                return false;
            }
        }
        return true;
    }

    private boolean framesEqual(Frame old, Frame current, int insn, Mode mode) {
        if (old.callbackDepth > current.callbackDepth) {
            return false;
        }
        // what is recorded must hold on pruned paths too, so that nothing may be ignored there
        int live = w.input.recordFacts() ? -1 : w.flow.liveBefore[insn] | 1 << 10;
        for (int r = 0; r < Frame.REGISTERS; r++) {
            if ((live >> r & 1) != 0 && !covers(old.regs[r], current.regs[r], mode)) {
                return false;
            }
        }
        return stacksEqual(old, current, mode);
    }

    boolean covers(RegState old, RegState current, Mode mode) {
        if (mode == Mode.EXACT) {
            return exact(old, current);
        }
        if (old.kind == RegKind.NOT_INIT && (mode == Mode.COVERED || current.kind == RegKind.NOT_INIT)) {
            return true;
        }
        if (old.kind != current.kind || old.flags != current.flags) {
            return false;
        }
        switch (old.kind) {
            case SCALAR -> {
                if (w.exploreLimits) {
                    return sameContent(old, current) && sameScalarId(old.id, current.id);
                }
                if (!old.precise && mode == Mode.COVERED) {
                    return true;
                }
                int linked = old.id & RegState.ADD_CONST;
                if (linked != (current.id & RegState.ADD_CONST) || (linked != 0 && old.off != current.off)) {
                    return false;
                }
                return sameScalarId(old.id & ~RegState.ADD_CONST, current.id & ~RegState.ADD_CONST)
                        && Ranges.within(old, current)
                        && old.var.includes(current.var);
            }
            case MAP_KEY, MAP_VALUE, MEM, BUF, TP_BUFFER -> {
                return samePointee(old, current)
                        && Ranges.within(old, current)
                        && old.var.includes(current.var)
                        && sameId(old.id, current.id)
                        && sameId(old.refObjId, current.refObjId);
            }
            case PACKET, PACKET_META -> {
                boolean special = old.range < 0 || current.range < 0;
                if (special ? old.range != current.range : old.range > current.range) {
                    return false;
                }
                return old.off == current.off
                        && sameId(old.id, current.id)
                        && Ranges.within(old, current)
                        && old.var.includes(current.var);
            }
            case STACK -> {
                return exact(old, current) && old.frame == current.frame;
            }
            case ARENA -> {
                return true;
            }
            default -> {
                return exact(old, current);
            }
        }
    }

    private boolean exact(RegState old, RegState current) {
        return sameContent(old, current)
                && sameId(old.id & ~RegState.ADD_CONST, current.id & ~RegState.ADD_CONST)
                && (old.id & RegState.ADD_CONST) == (current.id & RegState.ADD_CONST)
                && sameId(old.refObjId, current.refObjId);
    }

    private static boolean samePointee(RegState a, RegState b) {
        return a.kind == b.kind
                && a.flags == b.flags
                && a.off == b.off
                && a.range == b.range
                && a.map == b.map
                && a.mapUid == b.mapUid
                && a.memSize == b.memSize
                && a.dynptr == b.dynptr
                && a.dynptrId == b.dynptrId
                && a.firstSlot == b.firstSlot
                && a.iterState == b.iterState
                && a.iterDepth == b.iterDepth
                && a.function == b.function
                && Objects.equals(a.struct, b.struct)
                && Objects.equals(a.iterator, b.iterator);
    }

    private static boolean sameContent(RegState a, RegState b) {
        return samePointee(a, b)
                && a.var.value() == b.var.value()
                && a.var.mask() == b.var.mask()
                && a.smin == b.smin
                && a.smax == b.smax
                && a.umin == b.umin
                && a.umax == b.umax
                && a.smin32 == b.smin32
                && a.smax32 == b.smax32
                && a.umin32 == b.umin32
                && a.umax32 == b.umax32;
    }

    /** Old and new ids pair up one to one. */
    boolean sameId(int old, int current) {
        if ((old == 0) != (current == 0)) {
            return false;
        }
        if (old == 0) {
            return true;
        }
        for (int i = 0; i < pairs; i++) {
            if (oldIds[i] == old) {
                return newIds[i] == current;
            }
            if (newIds[i] == current) {
                return false;
            }
        }
        if (pairs == oldIds.length) {
            oldIds = java.util.Arrays.copyOf(oldIds, pairs * 2);
            newIds = java.util.Arrays.copyOf(newIds, pairs * 2);
        }
        oldIds[pairs] = old;
        newIds[pairs++] = current;
        return true;
    }

    /** An old number that was linked with nothing covers linked ones; otherwise those without an id have their own. */
    private boolean sameScalarId(int old, int current) {
        return old == 0 || sameId(old, current == 0 ? ++temporaryId : current);
    }

    private boolean stacksEqual(Frame old, Frame current, Mode mode) {
        for (int i = 0; i < old.stackBytes(); i++) {
            var a = old.stack[i / 8];
            byte oldType = a.types[i & 7];
            boolean beyond = i >= current.stackBytes();
            if (mode != Mode.COVERED && (beyond || oldType != current.stack[i / 8].types[i & 7])) {
                return false;
            }
            if (oldType == StackSlot.INVALID || (w.allowUninitStack && oldType == StackSlot.MISC)) {
                continue;
            }
            if (beyond) {
                return false;
            }
            var b = current.stack[i / 8];
            var oldScalar = asScalar(a);
            var newScalar = asScalar(b);
            if (oldScalar != null && newScalar != null) {
                if (!covers(oldScalar, newScalar, mode)) {
                    return false;
                }
                i |= 7;
                continue;
            }
            byte newType = b.types[i & 7];
            if (oldType == StackSlot.MISC && newType == StackSlot.ZERO) {
                continue;
            }
            if (oldType != newType) {
                return false;
            }
            if ((i & 7) == 7 && !slotsEqual(a, b, mode)) {
                return false;
            }
        }
        return true;
    }

    private boolean slotsEqual(StackSlot a, StackSlot b, Mode mode) {
        var x = a.spilled;
        var y = b.spilled;
        return switch (a.types[7]) {
            case StackSlot.SPILL -> covers(x, y, mode);
            case StackSlot.DYNPTR ->
                x.dynptr == y.dynptr && x.firstSlot == y.firstSlot && sameId(x.refObjId, y.refObjId);
            case StackSlot.ITER ->
                x.iterator.equals(y.iterator) && x.iterState == y.iterState && sameId(x.refObjId, y.refObjId);
            case StackSlot.IRQ_FLAG -> sameId(x.refObjId, y.refObjId);
            default -> true;
        };
    }

    private @org.jspecify.annotations.Nullable RegState asScalar(StackSlot slot) {
        if (slot.isSpilledScalar64()) {
            return slot.spilled;
        }
        for (byte type : slot.types) {
            if (type != StackSlot.MISC && !(w.allowUninitStack && type == StackSlot.INVALID)) {
                return null;
            }
        }
        return UNBOUND;
    }

    /** A quick test before the exact one: the current frame's registers are the same. */
    static boolean maybeLooping(PathState old, PathState current) {
        if (old.depth() != current.depth()) {
            return false;
        }
        var a = old.current().regs;
        var b = current.current().regs;
        for (int r = 0; r < Frame.REGISTERS; r++) {
            if (!sameContent(a[r], b[r]) || a[r].id != b[r].id || a[r].refObjId != b[r].refObjId) {
                return false;
            }
        }
        return true;
    }

    static boolean iteratorDepthsDiffer(PathState old, PathState current) {
        for (int f = old.depth(); f >= 0; f--) {
            var a = old.frame(f);
            var b = current.frame(f);
            for (int s = 0; s < a.stack.length && s < b.stack.length; s++) {
                if (a.stack[s].types[0] == StackSlot.ITER
                        && a.stack[s].spilled.iterState == RegState.IterState.ACTIVE
                        && a.stack[s].spilled.iterDepth != b.stack[s].spilled.iterDepth) {
                    return true;
                }
            }
        }
        return false;
    }

    /** Numbers that nothing relied on and that changed become unknown, so that a loop converges. */
    void widen(RegState old, RegState current) {
        if (old.isScalar() && current.isScalar() && !old.precise && !current.precise && !exact(old, current)) {
            w.markUnknown(current);
        }
    }
}
