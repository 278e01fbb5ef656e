package skep.vm.verifier;

/** The arithmetic instructions: what they assert and what they change, for numbers and for pointers. */
final class Arithmetic {
    private final Walker w;
    private final Code code;

    Arithmetic(Walker walker) {
        this.w = walker;
        this.code = walker.code;
    }

    static final int MAX_VAR_OFFSET = 1 << 29;

    private static final String[] SYMBOLS = {
        "+=", "-=", "*=", "/=", "|=", "&=", "<<=", ">>=", "neg", "%=", "^=", "=", "s>>=", "endian"
    };

    static String symbol(int operation) {
        return SYMBOLS[operation >> 4];
    }

    void step(int i) {
        int operation = code.operation(i);
        boolean wide = code.cls(i) == Code.ALU64;
        boolean x = code.fromReg(i);
        int dst = code.dst[i];
        int src = code.src[i];
        int off = code.off[i];
        int imm = code.imm[i];
        if (operation == Code.END || operation == Code.NEG) {
            negateOrSwap(i, operation, wide, x);
        } else if (operation == Code.MOV) {
            move(i, wide, x);
        } else if (operation > Code.END) {
            throw w.invalid("invalid BPF_ALU opcode %x", operation);
        } else {
            boolean division = operation == Code.DIV || operation == Code.MOD;
            boolean reserved = (x ? imm != 0 : src != 0) || (off != 0 && off != 1) || (off == 1 && !division);
            if (reserved) {
                throw w.invalid("BPF_ALU uses reserved fields");
            }
            if (x) {
                w.checkSource(src);
            }
            w.checkSource(dst);
            if (division && !x && imm == 0) {
                throw w.invalid("div by zero");
            }
            boolean shift = operation == Code.LSH || operation == Code.RSH || operation == Code.ARSH;
            if (shift && !x && (imm < 0 || imm >= (wide ? 64 : 32))) {
                throw w.invalid("invalid shift %d", imm);
            }
            w.checkDestination(dst);
            binary(i, operation, wide, x);
        }
        Ranges.keepSane(w.regs()[dst]);
    }

    private void negateOrSwap(int i, int operation, boolean wide, boolean x) {
        int dst = code.dst[i];
        int imm = code.imm[i];
        if (operation == Code.NEG) {
            if (x || code.src[i] != 0 || code.off[i] != 0 || imm != 0) {
                throw w.invalid("BPF_NEG uses reserved fields");
            }
        } else if (code.src[i] != 0 || code.off[i] != 0 || (imm != 16 && imm != 32 && imm != 64) || (wide && x)) {
            throw w.invalid("BPF_END uses reserved fields");
        }
        w.checkSource(dst);
        if (w.leaksPointer(dst)) {
            throw w.denied("R%d pointer arithmetic prohibited", dst);
        }
        w.checkDestination(dst);
        var reg = w.regs()[dst];
        if (operation == Code.NEG && reg.isScalar()) {
            ScalarMath.apply(Code.NEG, !wide, reg, new RegState(reg));
            reg.unlink();
        } else if (operation == Code.END && reg.isScalar()) {
            swapBytes(reg, imm, wide || x);
        } else {
            w.markUnknown(reg);
        }
    }

    /** Only the tnum survives an exchange of bytes; without one (to little-endian) the number is cut. */
    private void swapBytes(RegState reg, int bits, boolean exchange) {
        if (!exchange) {
            if (bits != 64) {
                Ranges.truncate(reg, bits / 8);
                Ranges.sync(reg);
                reg.unlink();
            }
            return;
        }
        var cut = reg.var.cast(bits / 8);
        int shift = 64 - bits;
        boolean precise = reg.precise;
        w.markUnknown(reg);
        reg.precise = precise;
        reg.var = new Tnum(Long.reverseBytes(cut.value()) >>> shift, Long.reverseBytes(cut.mask()) >>> shift);
        Ranges.sync(reg);
    }

    private void move(int i, boolean wide, boolean x) {
        int dst = code.dst[i];
        int src = code.src[i];
        int off = code.off[i];
        int imm = code.imm[i];
        boolean cast = wide && x && off == 1;
        if (cast) {
            if (imm != 1 && imm != 1 << 16) {
                throw w.invalid("addr_space_cast insn can only convert between address space 1 and 0");
            }
            if (!w.hasArena()) {
                throw w.invalid("addr_space_cast insn can only be used in a program that has an associated arena");
            }
        } else if (x) {
            if ((off != 0 && off != 8 && off != 16 && !(wide && off == 32)) || imm != 0) {
                throw w.invalid("BPF_MOV uses reserved fields");
            }
        } else if (src != 0 || off != 0) {
            throw w.invalid("BPF_MOV uses reserved fields");
        }
        if (x) {
            w.checkSource(src);
        }
        w.checkDestination(dst);
        var regs = w.regs();
        var to = regs[dst];
        if (!x) {
            w.markUnknown(to);
            to.setConstant(wide ? imm : imm & 0xffff_ffffL);
            return;
        }
        var from = regs[src];
        if (cast) {
            w.markUnknown(to);
            if (imm == 1) {
                to.kind = RegKind.ARENA;
            }
        } else if (off == 0 && wide) {
            linkBeforeMove(from);
            to.set(from);
        } else if (off != 0) {
            if (w.leaksPointer(src)) {
                throw w.denied(wide ? "R%d sign-extension part of pointer" : "R%d partial copy of pointer", src);
            }
            if (!from.isScalar()) {
                w.markUnknown(to);
            } else {
                boolean same = Long.compareUnsigned(from.umax, 1L << (off - 1)) < 0;
                if (same) {
                    linkBeforeMove(from);
                }
                to.set(from);
                if (!same) {
                    to.unlink();
                }
                if (wide) {
                    Ranges.signExtend64(to, off >> 3);
                } else {
                    Ranges.signExtend32(to, off >> 3);
                }
            }
        } else {
            if (w.leaksPointer(src)) {
                throw w.denied("R%d partial copy of pointer", src);
            }
            if (from.isScalar()) {
                boolean fits = from.umax >>> 32 == 0;
                if (fits) {
                    linkBeforeMove(from);
                }
                to.set(from);
                if (!fits) {
                    to.unlink();
                }
            } else {
                w.markUnknown(to);
            }
        }
        if (!wide) {
            Ranges.zeroExtend32(to);
            Ranges.sync(to);
        }
    }

    /** Gives a number of unknown value an id, so that what is learnt of its copy is learnt of it. */
    void linkBeforeMove(RegState reg) {
        if (!reg.isScalar()) {
            return;
        }
        if ((reg.id & RegState.ADD_CONST) != 0) {
            reg.unlink();
        }
        if (reg.id == 0 && !reg.var.isConstant()) {
            reg.id = w.newId();
        }
    }

    private void binary(int i, int operation, boolean wide, boolean x) {
        int dstNo = code.dst[i];
        int srcNo = code.src[i];
        var regs = w.regs();
        var dst = regs[dstNo];
        if (dst.kind == RegKind.ARENA) {
            return;
        }
        RegState src;
        if (x) {
            src = regs[srcNo];
            if (!src.isScalar()) {
                if (!dst.isScalar()) {
                    if (operation == Code.SUB && w.allowPointerLeaks) {
                        w.markUnknown(dst);
                        return;
                    }
                    throw w.denied("R%d pointer %s pointer prohibited", dstNo, symbol(operation));
                }
                w.precision.mark(dstNo);
                pointer(i, operation, wide, dst, src, dst);
                return;
            }
            if (!dst.isScalar()) {
                w.precision.mark(srcNo);
                pointer(i, operation, wide, dst, dst, src);
                return;
            }
            if (dst.precise) {
                w.precision.mark(srcNo);
            }
        } else {
            src = new RegState();
            src.markKnown(code.imm[i]);
            if (!dst.isScalar()) {
                pointer(i, operation, wide, dst, dst, src);
                return;
            }
        }
        boolean narrowBefore = dst.umax >>> 32 == 0;
        scalar(i, operation, wide, dst, src);
        link(operation, wide, dst, src, narrowBefore);
    }

    /** Remembers that a number is a linked one plus a constant; any other result is linked with nothing. */
    private void link(int operation, boolean wide, RegState dst, RegState src, boolean narrowBefore) {
        boolean sum = operation == Code.ADD || operation == Code.SUB;
        boolean fresh = (dst.id & RegState.ADD_CONST) == 0;
        if (!w.bpfCapable || !sum || dst == src || dst.id == 0 || !fresh || !Conditions.isConstant(src, !wide)) {
            dst.unlink();
            return;
        }
        long value = wide ? src.var.value() : (int) src.var.value();
        // in 32 bits, what was added to must not have had more: the way back would lose them
        if (value != (int) value || (operation == Code.SUB && value == Integer.MIN_VALUE) || (!wide && !narrowBefore)) {
            dst.unlink();
            return;
        }
        dst.id |= wide ? RegState.ADD_CONST64 : RegState.ADD_CONST32;
        dst.off = (int) (operation == Code.SUB ? -value : value);
    }

    private void scalar(int i, int operation, boolean wide, RegState dst, RegState src) {
        boolean narrow = !wide;
        if (!ScalarMath.tracked(operation, narrow, src)) {
            w.markUnknown(dst);
            return;
        }
        if (operation == Code.ADD || operation == Code.SUB) {
            w.speculation.sanitizeScalar(i, dst, src);
        }
        if ((operation == Code.AND || operation == Code.OR) && src.var.isConstant()) {
            fork(i, dst);
        }
        // the operands may be one register
        ScalarMath.apply(operation, narrow, dst, dst == src ? new RegState(src) : src);
    }

    /** A mask of all ones or none, as comparisons without branches make it: one path for each. */
    private void fork(int i, RegState dst) {
        boolean wide = dst.smin == -1 && dst.smax == 0;
        if (!wide && (dst.smin32 != -1 || dst.smax32 != 0)) {
            return;
        }
        var none = w.push(i, i, false).regs()[code.dst[i]];
        if (wide) {
            none.markKnown(0);
            dst.markKnown(-1);
        } else {
            Ranges.setLow32(none, 0);
            Ranges.setLow32(dst, -1);
        }
    }

    /** {@code dst = pointer op offset}; {@code dst} is one of the two. */
    private void pointer(int i, int operation, boolean wide, RegState dst, RegState ptr, RegState offset) {
        int dstNo = code.dst[i];
        boolean known = offset.var.isConstant();
        long smin = offset.smin;
        long smax = offset.smax;
        long umin = offset.umin;
        long umax = offset.umax;
        var offsetVar = offset.var;
        boolean offsetIsDst = dst == offset;
        if ((known && (smin != smax || umin != umax)) || smin > smax || Long.compareUnsigned(umin, umax) > 0) {
            w.markUnknown(dst);
            return;
        }
        if (!wide) {
            if (operation == Code.SUB && w.allowPointerLeaks) {
                w.markUnknown(dst);
                return;
            }
            throw w.denied("R%d 32-bit pointer arithmetic prohibited", dstNo);
        }
        if (ptr.maybeNull()) {
            throw w.denied("R%d pointer arithmetic on %s prohibited, null-check it first", dstNo, ptr.typeName());
        }
        if (ptr.kind == RegKind.MEM && ptr.is(Flag.UNTRUSTED) && ptr.is(Flag.RDONLY)) {
            // no offset is followed: any address may be tried
            if (offsetIsDst) {
                dst.set(ptr);
            }
            return;
        }
        boolean allowed = switch (ptr.kind) {
            case CTX, MAP_VALUE, MAP_KEY, STACK, PACKET_META, PACKET, TP_BUFFER, BTF_ID, MEM, BUF, FUNC, DYNPTR -> true;
            case FLOW_KEYS -> known;
            case MAP_PTR -> known && smin == 0 && operation == Code.ADD;
            default -> false;
        };
        if (!allowed) {
            throw w.denied("R%d pointer arithmetic on %s prohibited", dstNo, ptr.typeName());
        }
        checkSaneOffset(offset, ptr);
        checkSaneOffset(ptr, ptr);
        long ptrSmin = ptr.smin;
        long ptrSmax = ptr.smax;
        long ptrUmin = ptr.umin;
        long ptrUmax = ptr.umax;
        var ptrVar = ptr.var;
        int ptrOff = ptr.off;
        boolean packet = ptr.kind.isPacket();
        // the offset is kept apart: taking over the pointer's type would overwrite it
        var offsetCopy = offsetIsDst ? new RegState(offset) : offset;
        w.speculation.beforePointer(i, operation, dst, ptr, offset, offsetIsDst);
        if (offsetIsDst && operation == Code.SUB) {
            throw w.denied("R%d tried to subtract pointer from scalar", dstNo);
        }
        if (offsetIsDst && (operation == Code.ADD)) {
            dst.set(ptr);
        }
        Ranges.unbound32(dst);
        switch (operation) {
            case Code.ADD -> {
                if (known && ptrOff + smin == (int) (ptrOff + smin)) {
                    dst.off = (int) (ptrOff + smin);
                    break;
                }
                dst.smin = ptrSmin;
                dst.smax = ptrSmax;
                ScalarMath.addSigned64(dst, ptrSmin, ptrSmax, offsetCopy);
                long lo = ptrUmin + umin;
                long hi = ptrUmax + umax;
                boolean wraps = Long.compareUnsigned(lo, ptrUmin) < 0 || Long.compareUnsigned(hi, ptrUmax) < 0;
                dst.umin = wraps ? 0 : lo;
                dst.umax = wraps ? -1 : hi;
                dst.var = ptrVar.plus(offsetVar);
                if (packet) {
                    dst.id = w.newId();
                    dst.range = 0;
                }
            }
            case Code.SUB -> {
                if (ptr.kind == RegKind.STACK) {
                    throw w.denied("R%d subtraction from stack pointer prohibited", dstNo);
                }
                if (known && ptrOff - smin == (int) (ptrOff - smin)) {
                    dst.off = (int) (ptrOff - smin);
                    break;
                }
                ScalarMath.subtractSigned64(dst, ptrSmin, ptrSmax, offsetCopy);
                if (Long.compareUnsigned(ptrUmin, umax) < 0) {
                    dst.umin = 0;
                    dst.umax = -1;
                } else {
                    dst.umin = ptrUmin - umax;
                    dst.umax = ptrUmax - umin;
                }
                dst.var = ptrVar.minus(offsetVar);
                if (packet) {
                    dst.id = w.newId();
                    if (smin < 0) {
                        dst.range = 0;
                    }
                }
            }
            case Code.AND, Code.OR, Code.XOR ->
                throw w.denied("R%d bitwise operator %s on pointer prohibited", dstNo, symbol(operation));
            default -> throw w.denied("R%d pointer arithmetic with %s operator prohibited", dstNo, symbol(operation));
        }
        checkSaneOffset(dst, dst);
        Ranges.sync(dst);
        w.speculation.afterPointer(i, operation, dst, offsetCopy, offsetIsDst);
    }

    /** Offsets stay far from where sums could wrap. */
    private void checkSaneOffset(RegState reg, RegState pointer) {
        if (reg.var.isConstant()) {
            long value = reg.var.value();
            if (value >= MAX_VAR_OFFSET || value <= -MAX_VAR_OFFSET) {
                throw w.invalid("math between %s pointer and %d is not allowed", pointer.typeName(), value);
            }
        }
        if ((reg.off >= MAX_VAR_OFFSET || reg.off <= -MAX_VAR_OFFSET)) {
            throw w.invalid("%s pointer offset %d is not allowed", pointer.typeName(), reg.off);
        }
        if (reg.smin == Long.MIN_VALUE) {
            throw w.invalid(
                    "math between %s pointer and register with unbounded min value is not allowed", pointer.typeName());
        }
        if (reg.smin >= MAX_VAR_OFFSET || reg.smin <= -MAX_VAR_OFFSET) {
            throw w.invalid("value %d makes %s pointer be out of bounds", reg.smin, pointer.typeName());
        }
    }
}
