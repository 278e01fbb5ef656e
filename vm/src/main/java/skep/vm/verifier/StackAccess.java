package skep.vm.verifier;

/** Loads from and stores to a stack: spills and fills, zeroes, and what helpers read and fill there. */
final class StackAccess {
    private final Walker w;

    StackAccess(Walker walker) {
        this.w = walker;
    }

    private Frame frameOf(RegState pointer) {
        return w.state().frame(pointer.frame);
    }

    /** The access lies within the frame; makes room for it. */
    void checkBounds(int regNo, RegState reg, int off, long size, boolean store) {
        var frame = frameOf(reg);
        var direction = store ? " write to" : " read from";
        long min;
        long max;
        if (reg.var.isConstant()) {
            min = reg.var.value() + off;
            max = min + size;
        } else {
            if (reg.smax >= Arithmetic.MAX_VAR_OFFSET || reg.smin <= -Arithmetic.MAX_VAR_OFFSET) {
                throw w.denied("invalid unbounded variable-offset%s stack R%d", direction, regNo);
            }
            min = reg.smin + off;
            max = reg.smax + off + size;
        }
        long lowest = store || w.allowUninitStack ? -Frame.MAX_STACK_BYTES : -frame.stackBytes();
        if (min < lowest || min > -1 || max > 0) {
            int errno = min < lowest || min > -1 ? Refusal.EACCES : Refusal.EINVAL;
            if (reg.var.isConstant()) {
                throw Refusal.of(w.log, errno, "invalid%s stack R%d off=%d size=%d", direction, regNo, min, size);
            }
            throw Refusal.of(
                    w.log,
                    errno,
                    "invalid variable-offset%s stack R%d var_off=%s off=%d size=%d",
                    direction,
                    regNo,
                    reg.var,
                    off,
                    size);
        }
        frame.growStack((int) -min);
        w.noteStackDepth(frame.function, (int) -min + 7 & ~7);
    }

    // ---- reads ----

    void read(int i, int regNo, RegState reg, int off, int size, int dstNo) {
        if (reg.var.isConstant()) {
            readFixed(frameOf(reg), (int) (off + reg.var.value()), size, dstNo);
            return;
        }
        if (dstNo < 0) {
            throw w.denied(
                    "variable offset stack pointer cannot be passed into helper function; var_off=%s off=%d size=%d",
                    reg.var, off, size);
        }
        checkInitialized(regNo, reg, off, size, false, false, false);
        int min = (int) (reg.smin + off);
        int max = (int) (reg.smax + off);
        loadBytes(frameOf(reg), min, max + size, dstNo);
    }

    private void readFixed(Frame frame, int off, int size, int dstNo) {
        int byteNo = -off - 1;
        int spi = byteNo / 8;
        var slot = frame.stack[spi];
        var regs = w.regs();
        w.stateText.touchSlot(spi);
        w.stackLiveness.read(frame.number, spi);
        if (!slot.isSpilledReg()) {
            for (int k = 0; k < size; k++) {
                checkReadable(slot.types[(byteNo - k) & 7], off, k, size);
            }
            if (dstNo >= 0) {
                loadBytes(frame, off, off + size, dstNo);
            }
            return;
        }
        var spilled = slot.spilled;
        int spillSize = 1;
        for (int k = 7; k > 0 && slot.types[k - 1] == StackSlot.SPILL; k--) {
            spillSize++;
        }
        boolean fill = true;
        if (size != 8 || spillSize != 8) {
            if (!spilled.isScalar()) {
                throw w.denied("invalid size of register fill");
            }
            if (dstNo < 0) {
                return;
            }
            if (size <= spillSize && off % 8 == 0) {
                if (w.bpfCapable && size == 4 && spillSize == 4 && spilled.umax >>> 32 == 0) {
                    w.arithmetic.linkBeforeMove(spilled);
                }
                regs[dstNo].set(spilled);
                if (size < 8 && spilled.umax >>> (size * 8) != 0) {
                    regs[dstNo].unlink();
                }
            } else {
                fill = fillPart(slot, off, byteNo, size, regs[dstNo]);
            }
        } else if (dstNo >= 0) {
            regs[dstNo].set(spilled);
        } else if (!spilled.isScalar() && !w.allowPointerLeaks) {
            throw w.denied("leaking pointer from stack off %d", off);
        }
        if (fill) {
            w.recordJump(JumpHistory.stackAccess(frame.number, spi), 0);
        }
    }

    /** Some bytes of a slot that holds a number and other things; answers whether it came from the spill. */
    private boolean fillPart(StackSlot slot, int off, int byteNo, int size, RegState dst) {
        int spills = 0;
        int zeroes = 0;
        for (int k = 0; k < size; k++) {
            byte type = slot.types[(byteNo - k) & 7];
            if (type == StackSlot.SPILL) {
                spills++;
            } else {
                checkReadable(type, off, k, size);
                if (type == StackSlot.ZERO) {
                    zeroes++;
                }
            }
        }
        if (spills == size && slot.spilled.isZero()) {
            dst.markConstantZero();
            return true;
        }
        if (zeroes == size) {
            dst.markConstantZero();
        } else {
            w.markUnknown(dst);
        }
        return false;
    }

    private void checkReadable(byte type, int off, int k, int size) {
        boolean readable =
                type == StackSlot.MISC || type == StackSlot.ZERO || (type == StackSlot.INVALID && w.allowUninitStack);
        if (!readable) {
            throw w.denied("invalid read from stack off %d+%d size %d", off, k, size);
        }
    }

    /** A register from bytes that are no spill: zero if all of them are, else unknown. */
    private void loadBytes(Frame frame, int min, int max, int dstNo) {
        boolean zero = true;
        for (int at = min; at < max && zero; at++) {
            int byteNo = -at - 1;
            w.stateText.touchSlot(byteNo / 8);
            zero &= frame.stack[byteNo / 8].types[byteNo & 7] == StackSlot.ZERO;
        }
        var dst = w.regs()[dstNo];
        if (zero) {
            dst.markConstantZero();
        } else {
            w.markUnknown(dst);
        }
    }

    // ---- writes ----

    void write(int i, int regNo, RegState reg, int off, int size, int valueNo) {
        if (reg.var.isConstant()) {
            writeFixed(i, frameOf(reg), (int) (off + reg.var.value()), size, valueNo);
        } else {
            writeVariable(i, reg, off, size, valueNo);
        }
    }

    private boolean storesImmediate(int i) {
        return w.code.cls(i) == Code.ST && w.code.mode(i) == Code.MODE_MEM;
    }

    private void writeFixed(int i, Frame frame, int off, int size, int valueNo) {
        int byteNo = -off - 1;
        int spi = byteNo / 8;
        var slot = frame.stack[spi];
        if (!w.allowPointerLeaks && slot.isSpilledReg() && !slot.isSpilledScalar() && size != 8) {
            throw w.denied("attempt to corrupt spilled pointer on stack");
        }
        var current = w.state().current();
        var reg = valueNo >= 0 ? current.regs[valueNo] : null;
        if (!w.bypassSpectre4) {
            boolean sanitize = reg != null && spillable(reg);
            for (int k = 0; k < size && !sanitize; k++) {
                byte type = slot.types[k];
                sanitize = type != StackSlot.MISC && type != StackSlot.ZERO;
            }
            if (sanitize) {
                w.speculation.barrierAfter[i] = true;
            }
        }
        w.dynptrs.destroyIfDynptr(frame, spi);
        w.stateText.touchSlot(spi);
        if (off % 8 == 0 && size == 8) {
            w.stackLiveness.write(frame.number, spi);
        }
        boolean spill = true;
        if (reg != null && off % 8 == 0 && reg.isScalar() && w.bpfCapable) {
            boolean fits = size == 8 || reg.umax >>> (size * 8) == 0;
            if (fits) {
                w.arithmetic.linkBeforeMove(reg);
            }
            save(slot, reg, size);
            if (!fits) {
                slot.spilled.unlink();
            }
        } else if (reg == null && off % 8 == 0 && storesImmediate(i) && w.bpfCapable) {
            var immediate = new RegState();
            immediate.markKnown(w.code.imm[i]);
            save(slot, immediate, size);
        } else if (reg != null && spillable(reg)) {
            if (size != 8) {
                throw w.denied("invalid size of register spill");
            }
            if (frame != current && reg.kind == RegKind.STACK) {
                throw w.invalid("cannot spill pointers to stack into stack frame of the caller");
            }
            save(slot, reg, size);
        } else {
            spill = false;
            slot.spilled.markNotInit();
            if (slot.isSpecial()) {
                for (int k = 0; k < 8; k++) {
                    if (slot.types[k] != StackSlot.INVALID) {
                        slot.types[k] = StackSlot.MISC;
                    }
                }
            }
            byte type = StackSlot.MISC;
            boolean zero = reg != null ? reg.isZero() : storesImmediate(i) && w.code.imm[i] == 0;
            if (zero) {
                if (reg != null) {
                    w.precision.mark(valueNo);
                }
                type = StackSlot.ZERO;
            }
            for (int k = 0; k < size; k++) {
                slot.types[(byteNo - k) & 7] = type;
            }
        }
        if (spill) {
            w.recordJump(JumpHistory.stackAccess(frame.number, spi), 0);
        }
    }

    private void save(StackSlot slot, RegState reg, int size) {
        slot.spilled.set(reg);
        int k = 8;
        for (; k > 8 - size; k--) {
            slot.types[k - 1] = StackSlot.SPILL;
        }
        for (; k > 0; k--) {
            byte type = slot.types[k - 1];
            if (type != StackSlot.ZERO && type != StackSlot.INVALID) {
                slot.types[k - 1] = StackSlot.MISC;
            }
        }
    }

    private static boolean spillable(RegState reg) {
        return switch (reg.kind) {
            case NOT_INIT, SCALAR, DYNPTR, TP_BUFFER -> false;
            default -> true;
        };
    }

    private void writeVariable(int i, RegState pointer, int off, int size, int valueNo) {
        var frame = frameOf(pointer);
        int min = (int) (pointer.smin + off);
        int max = (int) (pointer.smax + off + size);
        boolean zero = valueNo >= 0 ? w.regs()[valueNo].isZero() : storesImmediate(i) && w.code.imm[i] == 0;
        boolean zeroUsed = false;
        for (int at = min; at < max; at++) {
            w.dynptrs.destroyIfDynptr(frame, (-at - 1) / 8);
        }
        for (int at = min; at < max; at++) {
            int byteNo = -at - 1;
            var slot = frame.stack[byteNo / 8];
            byte type = slot.types[byteNo & 7];
            w.stateText.touchSlot(byteNo / 8);
            if (!w.allowPointerLeaks && type != StackSlot.MISC && type != StackSlot.ZERO) {
                throw w.invalid("spilled ptr in range of var-offset stack write; insn %d, ptr off: %d", i, at);
            }
            if (zero && type == StackSlot.SPILL && slot.isSpilledScalar() && slot.spilled.isZero()) {
                zeroUsed = true;
                continue;
            }
            if (slot.isSpilledReg()) {
                // what remains of a spill is no spill
                for (int k = 0; k < 8; k++) {
                    if (slot.types[k] != StackSlot.INVALID) {
                        slot.types[k] = StackSlot.MISC;
                    }
                }
            }
            slot.spilled.markNotInit();
            byte written = StackSlot.MISC;
            if (zero && type == StackSlot.ZERO) {
                written = StackSlot.ZERO;
                zeroUsed = true;
            }
            if (type == StackSlot.INVALID && !w.allowUninitStack) {
                throw w.invalid(
                        "uninit stack in range of var-offset write prohibited for !root; insn %d, off: %d", i, at);
            }
            slot.types[byteNo & 7] = written;
        }
        if (zeroUsed && valueNo >= 0) {
            w.precision.mark(valueNo);
        }
    }

    // ---- helpers ----

    /** Bytes that a helper reads are initialized; those it fills need not be in raw mode. */
    void checkInitialized(
            int regNo, RegState reg, int off, long size, boolean zeroAllowed, boolean store, boolean raw) {
        var frame = frameOf(reg);
        if (size == 0 && !zeroAllowed) {
            throw w.denied("invalid zero-sized read");
        }
        checkBounds(regNo, reg, off, size, store);
        int min;
        int max;
        boolean rawHere = raw;
        if (reg.var.isConstant()) {
            min = (int) (reg.var.value() + off);
            max = min;
        } else {
            if (!w.bypassSpectre1) {
                throw w.denied("R%d variable offset stack access prohibited for !root, var_off=%s", regNo, reg.var);
            }
            rawHere = false;
            min = (int) (reg.smin + off);
            max = (int) (reg.smax + off);
        }
        if (rawHere) {
            for (int at = min; at < max + size; at++) {
                int byteNo = -at - 1;
                if (byteNo < frame.stackBytes() && frame.stack[byteNo / 8].types[byteNo & 7] == StackSlot.DYNPTR) {
                    throw w.denied("potential write to dynptr at off=%d disallowed", at);
                }
            }
            w.calls.fillAfterCall(regNo, (int) size);
            return;
        }
        for (int at = min; at < max + size; at++) {
            int byteNo = -at - 1;
            int spi = byteNo / 8;
            var slot = frame.stack[spi];
            byte type = slot.types[byteNo & 7];
            if (type == StackSlot.ZERO || (type == StackSlot.INVALID && w.allowUninitStack)) {
                if (store) {
                    slot.types[byteNo & 7] = StackSlot.MISC;
                }
            } else if (type != StackSlot.MISC) {
                if (!slot.isSpilledReg() || !(slot.spilled.isScalar() || w.allowPointerLeaks)) {
                    if (reg.var.isConstant()) {
                        throw w.denied("invalid read from stack R%d off %d+%d size %d", regNo, min, at - min, size);
                    }
                    throw w.denied("invalid read from stack R%d var_off %s+%d size %d", regNo, reg.var, at - min, size);
                }
                if (store) {
                    slot.spilled.markUnknown();
                    for (int k = 0; k < 8; k++) {
                        if (slot.types[k] != StackSlot.INVALID) {
                            slot.types[k] = StackSlot.MISC;
                        }
                    }
                }
            }
            w.stackLiveness.read(frame.number, spi);
        }
    }
}
