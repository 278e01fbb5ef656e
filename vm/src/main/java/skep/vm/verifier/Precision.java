package skep.vm.verifier;

import org.jspecify.annotations.Nullable;
import skep.isa.kernel.Helper;

/**
 * Precision: whenever a check relied on the exact value of a number, the numbers that it came from are marked in the
 * remembered states of this path, by walking the instructions backwards. Unmarked numbers need not match when paths meet.
 */
final class Precision {
    private static final int ARGUMENTS = 0x3e;

    private final Walker w;
    private final Code code;

    private final int[] regMask = new int[PathState.MAX_FRAMES];
    private final long[] slotMask = new long[PathState.MAX_FRAMES];
    private int frame;

    /** Set when a mark was new. */
    boolean changed;

    Precision(Walker walker) {
        this.w = walker;
        this.code = walker.code;
    }

    /** The current instruction relies on the value of a register of the current frame. */
    void mark(int regNo) {
        var state = w.state();
        if (!w.bpfCapable || !state.regs()[regNo].isScalar()) {
            return;
        }
        reset();
        frame = state.depth();
        regMask[frame] = 1 << regNo;
        walk(state);
    }

    /** The current instruction relies on a number on a stack. */
    void markSlot(int frameNo, int spi) {
        if (!w.bpfCapable) {
            return;
        }
        reset();
        frame = w.state().depth();
        slotMask[frameNo] = 1L << spi;
        walk(w.state());
    }

    /** Everything that an equal remembered state needed precisely is needed on this path too. */
    void propagate(PathState old, PathState current) {
        if (!w.bpfCapable) {
            return;
        }
        reset();
        frame = current.depth();
        for (int f = 0; f <= old.depth(); f++) {
            var oldFrame = old.frame(f);
            for (int r = 0; r < 10; r++) {
                var reg = oldFrame.regs[r];
                if (reg.isScalar() && reg.precise) {
                    regMask[f] |= 1 << r;
                }
            }
            for (int s = 0; s < oldFrame.stack.length; s++) {
                var slot = oldFrame.stack[s];
                if (slot.isSpilledScalar() && slot.spilled.precise) {
                    slotMask[f] |= 1L << s;
                }
            }
        }
        for (int f = old.depth(); f >= 0 && w.log.allPaths(); f--) {
            tellPropagated(f);
        }
        walk(current);
    }

    private void tellPropagated(int f) {
        var names = new StringBuilder();
        for (int r = 0; r < 10; r++) {
            if ((regMask[f] >> r & 1) != 0) {
                names.append(names.isEmpty() ? "r" : ",r").append(r);
            }
        }
        for (int s = 0; s < 64; s++) {
            if ((slotMask[f] >> s & 1) != 0) {
                names.append(names.isEmpty() ? "fp" : ",fp").append(-8 * (s + 1));
            }
        }
        if (!names.isEmpty()) {
            w.log.append("frame " + f + ": propagating " + names + "\n");
        }
    }

    private void reset() {
        for (int i = 0; i < regMask.length; i++) {
            regMask[i] = 0;
            slotMask[i] = 0;
        }
    }

    private boolean empty() {
        for (int i = 0; i <= frame; i++) {
            if (regMask[i] != 0 || slotMask[i] != 0) {
                return false;
            }
        }
        return true;
    }

    private static final int DONE = 0;
    private static final int GIVE_UP = 1;

    private void walk(PathState start) {
        if (empty()) {
            return;
        }
        PathState state = start;
        int firstIndex = state.firstInsn;
        int last = start.insn;
        int subsequent = -1;
        boolean skip = true;
        while (true) {
            int history = state.history.size;
            if (w.log.allPaths()) {
                w.log.append("mark_precise: frame" + frame + ": last_idx " + last + " first_idx " + firstIndex
                        + " subseq_idx " + subsequent + " \n");
            }
            if (last < 0) {
                finishAtEntry(state);
                return;
            }
            int i = last;
            while (true) {
                if (skip) {
                    skip = false;
                } else {
                    int entry = history > 0 && state.history.insn(history - 1) == i ? history - 1 : -1;
                    if (stepBack(state, i, subsequent, entry) == GIVE_UP) {
                        markAllAncestors(start);
                        return;
                    }
                }
                if (empty()) {
                    return;
                }
                subsequent = i;
                if (i == state.firstInsn && (history == 0 || (history == 1 && state.history.insn(0) == i))) {
                    break;
                }
                if (history > 0 && state.history.insn(history - 1) == i) {
                    i = state.history.previous(history - 1);
                    history--;
                } else {
                    i--;
                }
                if (i < 0) {
                    break;
                }
            }
            var parent = state.parent;
            if (parent == null) {
                break;
            }
            state = parent;
            transferTo(state);
            if (empty()) {
                return;
            }
            subsequent = firstIndex;
            last = state.lastInsn;
            firstIndex = state.firstInsn;
        }
        if (!empty()) {
            markAllAncestors(start);
        }
    }

    /** The marks that reach the entry of a function verified on its own belong to its arguments. */
    private void finishAtEntry(PathState state) {
        for (int r = 0; r < 10; r++) {
            if ((regMask[0] >> r & 1) != 0 && state.frame(0).regs[r].isScalar()) {
                state.frame(0).regs[r] = state.frame(0).regs[r].markedPrecise();
            }
        }
    }

    private void transferTo(PathState state) {
        for (int f = Math.min(frame, state.depth()); f >= 0; f--) {
            var func = state.frame(f);
            for (int r = 0; r < 10; r++) {
                if ((regMask[f] >> r & 1) == 0) {
                    continue;
                }
                var reg = func.regs[r];
                if (!reg.isScalar() || reg.precise) {
                    regMask[f] &= ~(1 << r);
                } else {
                    func.regs[r] = reg.markedPrecise();
                    changed = true;
                }
            }
            for (int s = 0; s < 64; s++) {
                if ((slotMask[f] >> s & 1) == 0) {
                    continue;
                }
                boolean scalar = s < func.stack.length && func.stack[s].isSpilledScalar();
                if (!scalar || func.stack[s].spilled.precise) {
                    slotMask[f] &= ~(1L << s);
                } else {
                    func.stack[s] = func.stack[s].markedPrecise();
                    changed = true;
                }
            }
            if (w.log.allPaths()) {
                w.log.append("mark_precise: frame" + f + ": parent state regs=" + StateText.regs(regMask[f]) + " stack="
                        + StateText.slots(slotMask[f]) + ": ");
                w.stateText.all(state, f);
            }
        }
    }

    private boolean has(int reg) {
        return (regMask[frame] >> reg & 1) != 0;
    }

    private void need(int reg) {
        if (reg != 10) {
            regMask[frame] |= 1 << reg;
        }
    }

    private void drop(int reg) {
        regMask[frame] &= ~(1 << reg);
    }

    /** From what is needed after an instruction to what is needed before it. */
    private int stepBack(PathState state, int i, int subsequent, int entry) {
        int flags = entry >= 0 ? state.history.flags(entry) : 0;
        if (code.op[i] == 0) {
            return DONE;
        }
        if (w.log.allPaths()) {
            w.log.append("mark_precise: frame" + frame + ": regs=" + StateText.regs(regMask[frame]) + " stack="
                    + StateText.slots(slotMask[frame]) + " before " + i + ": " + InsnText.of(w.input, i) + "\n");
        }
        long linked = entry >= 0 ? state.history.linked(entry) : 0;
        spreadLinked(linked);
        int dst = code.dst[i];
        int src = code.src[i];
        int cls = code.cls(i);
        switch (cls) {
            case Code.ALU, Code.ALU64 -> {
                if (!has(dst)) {
                    return DONE;
                }
                int operation = code.operation(i);
                if (operation == Code.END || operation == Code.NEG) {
                    return DONE;
                }
                if (operation == Code.MOV) {
                    drop(dst);
                }
                if (code.fromReg(i)) {
                    need(src);
                }
            }
            case Code.LDX -> {
                if (!has(dst)) {
                    return DONE;
                }
                drop(dst);
                if ((flags & JumpHistory.STACK_ACCESS) == 0) {
                    return DONE;
                }
                slotMask[JumpHistory.frameOf(flags)] |= 1L << JumpHistory.spiOf(flags);
            }
            case Code.ST, Code.STX -> {
                boolean atomic = cls == Code.STX && code.mode(i) == Code.MODE_ATOMIC;
                if (atomic && code.imm[i] == Code.LOAD_ACQUIRE) {
                    if (!has(dst)) {
                        return DONE;
                    }
                    drop(dst);
                    if ((flags & JumpHistory.STACK_ACCESS) != 0) {
                        slotMask[JumpHistory.frameOf(flags)] |= 1L << JumpHistory.spiOf(flags);
                    }
                    return DONE;
                }
                if (has(dst)) {
                    return GIVE_UP;
                }
                if (atomic && code.imm[i] != Code.STORE_RELEASE) {
                    stepBackOverAtomic(i, flags);
                    return DONE;
                }
                if ((flags & JumpHistory.STACK_ACCESS) == 0) {
                    return DONE;
                }
                int f = JumpHistory.frameOf(flags);
                long bit = 1L << JumpHistory.spiOf(flags);
                if ((slotMask[f] & bit) == 0) {
                    return DONE;
                }
                slotMask[f] &= ~bit;
                if (cls == Code.STX) {
                    need(src);
                }
            }
            case Code.JMP, Code.JMP32 -> {
                int result = stepBackOverJump(i, subsequent, flags);
                if (result >= 0) {
                    return result;
                }
            }
            default -> {
                if (!has(dst)) {
                    return DONE;
                }
                drop(dst);
                int mode = code.mode(i);
                if (mode == Code.MODE_ABS || mode == Code.MODE_IND) {
                    return GIVE_UP;
                }
            }
        }
        spreadLinked(linked);
        return DONE;
    }

    /**
     * What an atomic fetched came from memory: if from a stack, that slot is needed before. Linux 6.18 goes on looking
     * for where the register that is overwritten came from, and misses the slot; here both are needed.
     */
    private void stepBackOverAtomic(int i, int flags) {
        boolean onStack = (flags & JumpHistory.STACK_ACCESS) != 0;
        long bit = onStack ? 1L << JumpHistory.spiOf(flags) : 0;
        int f = JumpHistory.frameOf(flags);
        if (onStack) {
            slotMask[f] &= ~bit;
        }
        if ((code.imm[i] & Code.ATOMIC_FETCH) == 0) {
            return;
        }
        int fetched = code.imm[i] == Code.ATOMIC_CMPXCHG ? 0 : code.src[i];
        if (has(fetched) && onStack) {
            slotMask[f] |= bit;
        }
    }

    /** A result, or -1 to go on. */
    private int stepBackOverJump(int i, int subsequent, int flags) {
        int operation = code.operation(i);
        if (code.isFunctionCall(i)) {
            int callee = w.flow.functionStartingAt(i + code.imm[i] + 1);
            if (w.isGlobal(callee) && subsequent == i + 1) {
                drop(0);
                return (regMask[frame] & ARGUMENTS) != 0 ? GIVE_UP : DONE;
            }
            if ((regMask[frame] & ~ARGUMENTS) != 0 || slotMask[frame] != 0 || frame == 0) {
                return GIVE_UP;
            }
            regMask[frame - 1] |= regMask[frame] & ARGUMENTS;
            regMask[frame] = 0;
            frame--;
            return DONE;
        }
        if (code.isCall(i) && w.flow.callbackCalls.get(i) && i != subsequent - 1) {
            if ((regMask[frame] & ~ARGUMENTS) != 0 || slotMask[frame] != 0 || frame == 0) {
                return GIVE_UP;
            }
            regMask[frame] = 0;
            frame--;
            return DONE;
        }
        if (operation == Code.CALL) {
            drop(0);
            if ((regMask[frame] & ARGUMENTS) != 0) {
                return GIVE_UP;
            }
            boolean tailCall = code.isHelperCall(i) && code.imm[i] == Helper.TAIL_CALL.number();
            if (tailCall && subsequent - i != 1) {
                if (frame == PathState.MAX_FRAMES - 1) {
                    return GIVE_UP;
                }
                frame++;
            }
            return -1;
        }
        if (operation == Code.EXIT) {
            if (subsequent >= 0 && w.flow.callbackCalls.get(subsequent)) {
                regMask[frame] &= ~ARGUMENTS;
            }
            if ((regMask[frame] & ARGUMENTS) != 0) {
                return GIVE_UP;
            }
            boolean result = subsequent - 1 >= 0 && code.isFunctionCall(subsequent - 1) && has(0);
            drop(0);
            if (frame == PathState.MAX_FRAMES - 1) {
                return GIVE_UP;
            }
            frame++;
            if (result) {
                need(0);
            }
            return DONE;
        }
        if (code.fromReg(i)) {
            int dst = code.dst[i];
            int src = code.src[i];
            if (!has(dst) && !has(src)) {
                return DONE;
            }
            if ((flags & JumpHistory.SRC_IS_STACK) == 0) {
                need(src);
            }
            if ((flags & JumpHistory.DST_IS_STACK) == 0) {
                need(dst);
            }
        }
        return -1;
    }

    private void spreadLinked(long linked) {
        int count = LinkedRegs.count(linked);
        boolean any = false;
        for (int k = 0; k < count; k++) {
            int f = LinkedRegs.frame(linked, k);
            int index = LinkedRegs.index(linked, k);
            any |= LinkedRegs.isReg(linked, k) ? (regMask[f] >> index & 1) != 0 : (slotMask[f] >> index & 1) != 0;
        }
        if (!any) {
            return;
        }
        for (int k = 0; k < count; k++) {
            int f = LinkedRegs.frame(linked, k);
            int index = LinkedRegs.index(linked, k);
            if (LinkedRegs.isReg(linked, k)) {
                regMask[f] |= 1 << index;
            } else {
                slotMask[f] |= 1L << index;
            }
        }
    }

    /** When the trail is lost: every number of every remembered state of this path. */
    private void markAllAncestors(PathState start) {
        if (w.log.allPaths()) {
            w.log.append("mark_precise: frame" + start.depth() + ": falling back to forcing all scalars precise\n");
        }
        for (@Nullable PathState s = start.parent; s != null; s = s.parent) {
            markAll(s);
        }
    }

    void markAll(PathState state) {
        for (var func : state.frames) {
            for (int r = 0; r < 10; r++) {
                if (func.regs[r].isScalar() && !func.regs[r].precise) {
                    func.regs[r] = func.regs[r].markedPrecise();
                    changed = true;
                    tellForced(func, "r" + r);
                }
            }
            for (int s = 0; s < func.stack.length; s++) {
                var slot = func.stack[s];
                if (slot.isSpilledScalar() && !slot.spilled.precise) {
                    func.stack[s] = slot.markedPrecise();
                    changed = true;
                    tellForced(func, "fp" + -8 * (s + 1));
                }
            }
        }
    }

    private void tellForced(Frame func, String what) {
        if (w.log.allPaths()) {
            w.log.append("force_precise: frame" + func.number + ": forcing " + what + " to be precise\n");
        }
    }

    static void forgetAll(PathState state) {
        for (var func : state.frames) {
            for (var reg : func.regs) {
                if (reg.isScalar()) {
                    reg.precise = false;
                }
            }
            for (var slot : func.stack) {
                if (slot.isSpilledScalar()) {
                    slot.spilled.precise = false;
                }
            }
        }
    }
}
