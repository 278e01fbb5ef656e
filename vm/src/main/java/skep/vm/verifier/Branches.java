package skep.vm.verifier;

/** Conditional jumps: which ways are possible, and what is known on each. */
final class Branches {
    private static final int MAX_PACKET_OFFSET = 0xffff;
    private static final int MAX_LINKED = 6;

    private final Walker w;
    private final Code code;

    Branches(Walker walker) {
        this.w = walker;
        this.code = walker.code;
    }

    /** Steps over a conditional jump; answers the slot to continue at. */
    int step(int i) {
        int operation = code.operation(i);
        boolean narrow = code.cls(i) == Code.JMP32;
        if (operation == Code.JA || operation > Code.JCOND) {
            throw w.invalid("invalid BPF_JMP/JMP32 opcode %x", operation);
        }
        if (operation == Code.JCOND) {
            return mayGoto(i);
        }
        boolean x = code.fromReg(i);
        int dstNo = code.dst[i];
        int srcNo = code.src[i];
        w.checkSource(dstNo);
        var state = w.state();
        var regs = state.regs();
        var dst = regs[dstNo];
        RegState src;
        int flags = 0;
        if (x) {
            if (code.imm[i] != 0) {
                throw w.invalid("BPF_JMP/JMP32 uses reserved fields");
            }
            w.checkSource(srcNo);
            src = regs[srcNo];
            if (!(anyPacket(dst) && anyPacket(src)) && w.leaksPointer(srcNo)) {
                throw w.denied("R%d pointer comparison prohibited", srcNo);
            }
            if (src.kind == RegKind.STACK) {
                flags |= JumpHistory.SRC_IS_STACK;
            }
        } else {
            if (srcNo != 0) {
                throw w.invalid("BPF_JMP/JMP32 uses reserved fields");
            }
            src = new RegState();
            src.markKnown(code.imm[i]);
        }
        if (dst.kind == RegKind.STACK) {
            flags |= JumpHistory.DST_IS_STACK;
        }
        if (flags != 0) {
            w.recordJump(flags, 0);
        }
        int outcome = outcome(dst, src, operation, narrow);
        if (outcome != Conditions.UNKNOWN) {
            if (dst.isScalar()) {
                w.precision.mark(dstNo);
            }
            if (x && src.isScalar()) {
                w.precision.mark(srcNo);
            }
            int taken = i + code.off[i] + 1;
            boolean jumps = outcome == Conditions.TAKEN;
            w.facts.branch(i, jumps);
            w.speculation.wrongWay(i, jumps ? i + 1 : taken);
            w.stateText.changes(i, state);
            return jumps ? taken : i + 1;
        }
        w.facts.branch(i, true);
        w.facts.branch(i, false);
        long linked = 0;
        int count = 0;
        if (x && src.isScalar() && src.id != 0) {
            linked = collectLinked(state, src.id, linked);
        }
        if (dst.isScalar() && dst.id != 0) {
            linked = collectLinked(state, dst.id, linked);
        }
        count = LinkedRegs.count(linked);
        if (count > 1) {
            w.recordJump(0, linked);
        }
        var other = w.push(i + code.off[i] + 1, i, false);
        var otherRegs = other.regs();
        var otherDst = otherRegs[dstNo];
        var otherSrc = x ? otherRegs[srcNo] : new RegState(src);
        if (dst.isScalar() && src.isScalar()) {
            Conditions.refine(dst, src, Conditions.negate(operation), narrow);
            Ranges.sync(dst);
            Ranges.sync(src);
            Conditions.refine(otherDst, otherSrc, operation, narrow);
            Ranges.sync(otherDst);
            Ranges.sync(otherSrc);
            Ranges.keepSane(otherDst);
            Ranges.keepSane(otherSrc);
            Ranges.keepSane(dst);
            Ranges.keepSane(src);
        }
        if (x && src.isScalar() && src.id != 0) {
            syncLinked(state, src, linked);
            syncLinked(other, otherSrc, linked);
        }
        if (dst.isScalar() && dst.id != 0) {
            syncLinked(state, dst, linked);
            syncLinked(other, otherDst, linked);
        }
        nullChecks(i, operation, narrow, x, other);
        w.stateText.changes(i, state);
        return i + 1;
    }

    private void nullChecks(int i, int operation, boolean narrow, boolean x, PathState other) {
        int dstNo = code.dst[i];
        int srcNo = code.src[i];
        var state = w.state();
        var dst = state.regs()[dstNo];
        var src = state.regs()[srcNo];
        if (!narrow
                && x
                && !src.isScalar()
                && !dst.isScalar()
                && src.maybeNull() != dst.maybeNull()
                && src.kind != RegKind.BTF_ID
                && dst.kind != RegKind.BTF_ID
                && (operation == Code.JEQ || operation == Code.JNE)) {
            var equalRegs = operation == Code.JEQ ? other.regs() : state.regs();
            markNotNull(equalRegs[src.maybeNull() ? srcNo : dstNo]);
        }
        if (!narrow && !x && code.imm[i] == 0 && (operation == Code.JEQ || operation == Code.JNE) && dst.maybeNull()) {
            markOrNull(state, dstNo, operation == Code.JNE);
            markOrNull(other, dstNo, operation == Code.JEQ);
        } else if (!matchPackets(i, operation, narrow, x, other) && w.leaksPointer(dstNo)) {
            throw w.denied("R%d pointer comparison prohibited", dstNo);
        }
    }

    private static boolean anyPacket(RegState reg) {
        return reg.kind.isPacket() || reg.kind == RegKind.PACKET_END;
    }

    private int outcome(RegState dst, RegState src, int operation, boolean narrow) {
        if (anyPacket(dst) && anyPacket(src) && !narrow) {
            return packetOutcome(dst, src, operation);
        }
        var a = dst;
        var b = src;
        int op = operation;
        if (!Conditions.isConstant(b, narrow)) {
            op = Conditions.flip(op);
            a = src;
            b = dst;
        }
        if (!a.isScalar() || !b.isScalar()) {
            boolean decided =
                    Conditions.isConstant(b, narrow) && Conditions.constant(b, narrow) == 0 && !narrow && w.notNull(a);
            if (!decided) {
                return Conditions.UNKNOWN;
            }
            return switch (op) {
                case Code.JEQ -> Conditions.NOT_TAKEN;
                case Code.JNE -> Conditions.TAKEN;
                default -> Conditions.UNKNOWN;
            };
        }
        return Conditions.outcome(a, b, op, narrow);
    }

    private static int packetOutcome(RegState dst, RegState src, int operation) {
        RegState packet;
        int op = operation;
        if (src.kind == RegKind.PACKET_END) {
            packet = dst;
        } else if (dst.kind == RegKind.PACKET_END) {
            packet = src;
            op = Conditions.flip(op);
        } else {
            return Conditions.UNKNOWN;
        }
        if (packet.range >= 0) {
            return Conditions.UNKNOWN;
        }
        return switch (op) {
            case Code.JLE, Code.JGT ->
                packet.range == RegState.BEYOND_END
                        ? (op == Code.JGT ? Conditions.TAKEN : Conditions.NOT_TAKEN)
                        : Conditions.UNKNOWN;
            case Code.JLT, Code.JGE -> op == Code.JGE ? Conditions.TAKEN : Conditions.NOT_TAKEN;
            default -> Conditions.UNKNOWN;
        };
    }

    /** {@code may_goto}: the loop's body is another path; this one leaves the loop. */
    private int mayGoto(int i) {
        if (code.op[i] != (Code.JMP | Code.JCOND) || code.src[i] != 0 || code.dst[i] != 0 || code.imm[i] != 0) {
            throw w.invalid("invalid may_goto imm %d", code.imm[i]);
        }
        var previous = w.pruning.entryBefore(w.state(), i);
        var queued = w.push(i + 1, i, false);
        queued.mayGotoDepth++;
        if (previous != null) {
            w.pruning.widenImprecise(previous, queued);
        }
        w.facts.branch(i, true);
        w.facts.branch(i, false);
        return i + 1 + code.off[i];
    }

    // ---- linked scalars ----

    private long collectLinked(PathState state, int fullId, long known) {
        int id = fullId & ~RegState.ADD_CONST;
        long set = known;
        for (int f = state.depth(); f >= 0; f--) {
            var frame = state.frame(f);
            int live = w.flow.liveBefore[state.insnOf(f)];
            for (int r = 0; r < 10; r++) {
                if ((live >> r & 1) != 0) {
                    set = link(set, frame.regs[r], id, f, r, true);
                }
            }
            for (int s = 0; s < frame.stack.length; s++) {
                if (frame.stack[s].isSpilledReg()) {
                    set = link(set, frame.stack[s].spilled, id, f, s, false);
                }
            }
        }
        return set;
    }

    private static long link(long set, RegState reg, int id, int frame, int index, boolean isReg) {
        if (!reg.isScalar() || (reg.id & ~RegState.ADD_CONST) != id) {
            return set;
        }
        if (LinkedRegs.count(set) >= MAX_LINKED) {
            reg.unlink();
            return set;
        }
        return LinkedRegs.add(set, frame, index, isReg);
    }

    /** What is known of one register holds, shifted by their constant distance, for those linked with it. */
    private static void syncLinked(PathState state, RegState known, long linked) {
        for (int k = 0; k < LinkedRegs.count(linked); k++) {
            var frame = state.frame(LinkedRegs.frame(linked, k));
            int index = LinkedRegs.index(linked, k);
            var reg = LinkedRegs.isReg(linked, k) ? frame.regs[index] : frame.stack[index].spilled;
            if (!reg.isScalar() || reg == known || (reg.id & ~RegState.ADD_CONST) != (known.id & ~RegState.ADD_CONST)) {
                continue;
            }
            if (((reg.id ^ known.id) & RegState.ADD_CONST) == RegState.ADD_CONST) {
                // one is a sum in 64 bits, the other in 32
                continue;
            }
            boolean neither = (reg.id & RegState.ADD_CONST) == 0 && (known.id & RegState.ADD_CONST) == 0;
            if (neither || reg.off == known.off) {
                reg.set(known);
                continue;
            }
            int off = reg.off;
            int id = reg.id;
            boolean narrow = ((reg.id | known.id) & RegState.ADD_CONST32) != 0;
            var distance = new RegState();
            distance.markKnown(offsetOf(reg) - offsetOf(known));
            reg.set(known);
            reg.off = off;
            reg.id = id;
            ScalarMath.add(reg, distance);
            if (narrow) {
                Ranges.zeroExtend32(reg);
            }
            Ranges.sync(reg);
        }
    }

    private static long offsetOf(RegState reg) {
        return (reg.id & RegState.ADD_CONST) != 0 ? reg.off : 0;
    }

    // ---- null checks ----

    void markOrNull(PathState state, int regNo, boolean isNull) {
        var reg = state.regs()[regNo];
        int id = reg.id;
        int reference = reg.refObjId;
        if (reference != 0 && reference == id && isNull) {
            state.removeReference(id);
        }
        state.eachReg(r -> markOrNull(r, id, isNull));
    }

    private void markOrNull(RegState reg, int id, boolean isNull) {
        if (!reg.maybeNull() || reg.id != id) {
            return;
        }
        if (reg.smin != 0 || reg.smax != 0) {
            return;
        }
        if (isNull) {
            reg.kind = RegKind.SCALAR;
            reg.flags = 0;
            reg.id = 0;
            reg.refObjId = 0;
            reg.setConstant(0);
            return;
        }
        markNotNull(reg);
        if (!w.mayHoldLock(reg)) {
            reg.id = 0;
        }
    }

    void markNotNull(RegState reg) {
        reg.flags &= ~Flag.MAYBE_NULL.bit;
        if (reg.kind != RegKind.MAP_VALUE) {
            return;
        }
        var map = reg.map();
        if (map.inner().isPresent()) {
            reg.kind = RegKind.MAP_PTR;
            reg.map = map.inner().get();
            if (reg.map.has(SpecialField.Kind.TIMER) || reg.map.has(SpecialField.Kind.WORKQUEUE)) {
                reg.mapUid = reg.id;
            }
            return;
        }
        switch (map.type()) {
            case XSKMAP -> reg.kind = RegKind.XDP_SOCK;
            case SOCKMAP, SOCKHASH -> reg.kind = RegKind.SOCKET;
            default -> {}
        }
    }

    // ---- packet bounds ----

    private boolean matchPackets(int i, int operation, boolean narrow, boolean x, PathState other) {
        if (!x || narrow) {
            return false;
        }
        var state = w.state();
        int dstNo = code.dst[i];
        int srcNo = code.src[i];
        var dst = state.regs()[dstNo];
        var src = state.regs()[srcNo];
        boolean left = (dst.kind == RegKind.PACKET && src.kind == RegKind.PACKET_END)
                || (dst.kind == RegKind.PACKET_META && atPacketStart(src));
        boolean right = (dst.kind == RegKind.PACKET_END && src.kind == RegKind.PACKET)
                || (atPacketStart(dst) && src.kind == RegKind.PACKET_META);
        if (!left && !right) {
            return false;
        }
        switch (operation) {
            case Code.JGT -> {
                if (left) {
                    goodUpTo(state, dst, false);
                    markEnd(other, dstNo, true);
                } else {
                    goodUpTo(other, src, true);
                    markEnd(state, srcNo, false);
                }
            }
            case Code.JLT -> {
                if (left) {
                    goodUpTo(other, dst, true);
                    markEnd(state, dstNo, false);
                } else {
                    goodUpTo(state, src, false);
                    markEnd(other, srcNo, true);
                }
            }
            case Code.JGE -> {
                if (left) {
                    goodUpTo(state, dst, true);
                    markEnd(other, dstNo, false);
                } else {
                    goodUpTo(other, src, false);
                    markEnd(state, srcNo, true);
                }
            }
            case Code.JLE -> {
                if (left) {
                    goodUpTo(other, dst, false);
                    markEnd(state, dstNo, true);
                } else {
                    goodUpTo(state, src, true);
                    markEnd(other, srcNo, false);
                }
            }
            default -> {
                return false;
            }
        }
        return true;
    }

    private static boolean atPacketStart(RegState reg) {
        return reg.kind == RegKind.PACKET
                && reg.off == 0
                && reg.id == 0
                && reg.var.isConstant()
                && reg.var.value() == 0;
    }

    /** Bytes below this pointer are within the packet, for every pointer of the same origin. */
    private static void goodUpTo(PathState state, RegState pointer, boolean open) {
        if (pointer.off < 0 || (pointer.off == 0 && open)) {
            return;
        }
        if (Long.compareUnsigned(pointer.umax, MAX_PACKET_OFFSET) > 0
                || pointer.umax + pointer.off > MAX_PACKET_OFFSET) {
            return;
        }
        int range = pointer.off + (open ? 1 : 0);
        var kind = pointer.kind;
        int id = pointer.id;
        state.eachReg(reg -> {
            if (reg.kind == kind && reg.flags == 0 && reg.id == id) {
                reg.range = Math.max(reg.range, range);
            }
        });
    }

    private static void markEnd(PathState state, int regNo, boolean open) {
        var reg = state.regs()[regNo];
        if (reg.kind == RegKind.PACKET) {
            reg.range = open ? RegState.BEYOND_END : RegState.AT_END;
        }
    }
}
