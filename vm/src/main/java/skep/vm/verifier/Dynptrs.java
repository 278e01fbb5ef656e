package skep.vm.verifier;

/** Dynptrs on the stack: two slots that only helpers may touch, made, used and given back. */
final class Dynptrs {
    private static final int SLOTS = 2;

    private final Walker w;

    Dynptrs(Walker walker) {
        this.w = walker;
    }

    /** The lower slot (higher index) of a dynptr at a stack pointer. */
    private int slotIndex(RegState pointer) {
        if (!pointer.var.isConstant()) {
            throw w.invalid("dynptr has to be at a constant offset");
        }
        long off = pointer.off + pointer.var.value();
        if (off % 8 != 0) {
            throw w.invalid("cannot pass in dynptr at an offset=%d", off);
        }
        int spi = (int) ((-off - 1) / 8);
        if (off >= 0 || spi < 1) {
            throw w.invalid("cannot pass in dynptr at an offset=%d", off);
        }
        return spi;
    }

    private Frame frameOf(RegState pointer) {
        return w.state().frame(pointer.frame);
    }

    private boolean isDynptr(Frame frame, int spi) {
        return spi >= 1
                && spi < frame.stack.length
                && frame.stack[spi].all(StackSlot.DYNPTR)
                && frame.stack[spi - 1].all(StackSlot.DYNPTR)
                && frame.stack[spi].spilled.firstSlot;
    }

    /** An argument through which a dynptr will be made. */
    void checkNew(int regNo) {
        var reg = w.regs()[regNo];
        if (reg.kind != RegKind.STACK) {
            throw w.invalid("arg#%d expected pointer to stack or const struct bpf_dynptr", regNo - 1);
        }
        int spi = slotIndex(reg);
        var frame = frameOf(reg);
        if (spi < frame.stack.length) {
            if ((frame.stack[spi].isSpecial() && frame.stack[spi].types[7] == StackSlot.DYNPTR)
                    || frame.stack[spi - 1].types[7] == StackSlot.DYNPTR) {
                destroyIfDynptr(frame, spi);
                destroyIfDynptr(frame, spi - 1);
            }
        }
        for (int k = 0; k < 16; k += 8) {
            w.memory.access(w.insn, regNo, k, 8, true, MemoryAccess.NO_REG, false, false);
        }
    }

    /** An argument that must be a dynptr of a kind; any kind if the name is empty. */
    void checkArgument(int regNo, String kindName, boolean readOnlyAllowed) {
        var reg = w.regs()[regNo];
        if (reg.kind == RegKind.DYNPTR) {
            if (!readOnlyAllowed) {
                throw w.invalid("cannot pass pointer to const bpf_dynptr, the helper mutates it");
            }
            return;
        }
        if (reg.kind != RegKind.STACK) {
            throw w.invalid("arg#%d expected pointer to stack or const struct bpf_dynptr", regNo - 1);
        }
        int spi = slotIndex(reg);
        var frame = frameOf(reg);
        if (!isDynptr(frame, spi)) {
            throw w.invalid("Expected an initialized dynptr as arg #%d", regNo - 1);
        }
        var kind = frame.stack[spi].spilled.dynptr;
        if (!kindName.isEmpty() && !kind.text.equals(kindName)) {
            throw w.invalid("Expected a dynptr of type %s as arg #%d", kindName, regNo - 1);
        }
        w.stackLiveness.read(frame.number, spi);
        w.stateText.touchSlot(spi);
        w.stateText.touchSlot(spi - 1);
        w.stackLiveness.read(frame.number, spi - 1);
    }

    /** The dynptr behind an argument. */
    RegState stateOf(int regNo) {
        var reg = w.regs()[regNo];
        if (reg.kind != RegKind.STACK) {
            return reg;
        }
        var frame = frameOf(reg);
        int spi = slotIndex(reg);
        return spi < frame.stack.length ? frame.stack[spi].spilled : reg;
    }

    boolean isAcquired(int regNo) {
        var reg = w.regs()[regNo];
        var frame = frameOf(reg);
        int spi = slotIndex(reg);
        return isDynptr(frame, spi) && frame.stack[spi].spilled.refObjId != 0;
    }

    /** Makes the two slots a dynptr. */
    void create(int regNo, DynptrKind kind, int i, int parentReference) {
        var reg = w.regs()[regNo];
        var frame = frameOf(reg);
        int spi = slotIndex(reg);
        frame.growStack((spi + 1) * 8);
        int id = w.newId();
        int reference = kind.refcounted() ? (parentReference != 0 ? parentReference : w.calls.acquireReference(i)) : 0;
        for (int k = 0; k < SLOTS; k++) {
            var slot = frame.stack[spi - k];
            slot.fill(StackSlot.DYNPTR);
            slot.spilled.markPointer(RegKind.STACK, 0);
            slot.spilled.kind = RegKind.NOT_INIT;
            slot.spilled.dynptr = kind;
            slot.spilled.firstSlot = k == 0;
            slot.spilled.id = id;
            slot.spilled.refObjId = reference;
            w.stackLiveness.write(frame.number, spi - k);
        }
    }

    void release(int regNo) {
        var reg = w.regs()[regNo];
        var frame = frameOf(reg);
        int spi = slotIndex(reg);
        int reference = frame.stack[spi].spilled.refObjId;
        int id = frame.stack[spi].spilled.id;
        if (reference == 0) {
            clear(frame, spi, id);
            return;
        }
        w.calls.releaseReference(reference);
        for (var f : w.state().frames) {
            for (int s = 1; s < f.stack.length; s++) {
                if (isDynptr(f, s) && f.stack[s].spilled.refObjId == reference) {
                    clear(f, s, f.stack[s].spilled.id);
                }
            }
        }
    }

    /** The slots are free again, and slices of the dynptr worthless. */
    private void clear(Frame frame, int spi, int id) {
        for (int k = 0; k < SLOTS; k++) {
            frame.stack[spi - k].clear();
        }
        w.state().eachReg(reg -> {
            if (reg.kind == RegKind.MEM && reg.dynptrId == id) {
                w.markUnknown(reg);
            }
        });
    }

    /** A store over a dynptr destroys it, unless it holds a reference. */
    void destroyIfDynptr(Frame frame, int at) {
        if (at >= frame.stack.length || frame.stack[at].types[7] != StackSlot.DYNPTR) {
            return;
        }
        int spi = frame.stack[at].spilled.firstSlot ? at : at + 1;
        var reg = frame.stack[spi].spilled;
        if (reg.dynptr.refcounted()) {
            throw w.invalid("cannot overwrite referenced dynptr");
        }
        clear(frame, spi, reg.id);
    }

    /** After packet data may have moved. */
    void forgetPacketSlices() {
        for (var frame : w.state().frames) {
            for (int s = 1; s < frame.stack.length; s++) {
                if (isDynptr(frame, s)) {
                    var kind = frame.stack[s].spilled.dynptr;
                    int id = frame.stack[s].spilled.id;
                    if (kind == DynptrKind.SKB || kind == DynptrKind.XDP || kind == DynptrKind.SKB_META) {
                        w.state().eachReg(reg -> {
                            if (reg.kind == RegKind.MEM && reg.dynptrId == id) {
                                w.markUnknown(reg);
                            }
                        });
                    }
                }
            }
        }
    }
}
