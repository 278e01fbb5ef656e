package skep.vm.jit;

import java.lang.classfile.CodeBuilder;
import java.lang.classfile.Label;
import java.lang.classfile.Opcode;
import java.lang.classfile.instruction.OperatorInstruction;
import java.lang.constant.ClassDesc;
import java.lang.constant.ConstantDescs;
import java.lang.constant.MethodTypeDesc;
import java.util.BitSet;
import java.util.Optional;
import skep.isa.AluOp;
import skep.isa.AtomicOp;
import skep.isa.Insn;
import skep.isa.JumpOp;
import skep.isa.MemSize;
import skep.isa.Operand;
import skep.isa.Reg;
import skep.isa.Width;
import skep.isa.kernel.Helper;
import skep.vm.LinkedProgram;
import skep.vm.PacketLoad;
import skep.vm.VmCpu;
import skep.vm.VmMap;

/** Writes the instructions of one method but for jumps and returns. Registers are local variables. */
final class InsnEmitter {
    static final ClassDesc CPU = desc(skep.vm.VmCpu.class);
    static final ClassDesc CACHE = desc(skep.vm.RegionCache.class);
    static final ClassDesc SUPPORT = desc(JitSupport.class);
    private static final ClassDesc ARITHMETIC = desc(skep.vm.interp.Arithmetic.class);
    private static final ClassDesc ATOMICS = desc(skep.vm.interp.Atomics.class);
    private static final ClassDesc HELPER = desc(skep.vm.HelperFunction.class);
    private static final ClassDesc I = ConstantDescs.CD_int;
    private static final ClassDesc J = ConstantDescs.CD_long;
    private static final MethodTypeDesc CHECK = MethodTypeDesc.of(ConstantDescs.CD_void, J, CACHE, J, J, I, I);
    private static final MethodTypeDesc CALL = MethodTypeDesc.of(J, CPU, J, J, J, J, J);
    private static final long U32 = 0xffff_ffffL;

    private final CodeBuilder code;
    private final LinkedProgram linked;
    private final Constants constants;
    private final Locals locals;
    private final BitSet proved = new BitSet();

    InsnEmitter(CodeBuilder code, LinkedProgram linked, Constants constants, Locals locals) {
        this.code = code;
        this.linked = linked;
        this.constants = constants;
        this.locals = locals;
    }

    static ClassDesc desc(Class<?> type) {
        return type.describeConstable().orElseThrow();
    }

    /** Where the variables of a method lie. */
    record Locals(
            int[] regs,
            int budget,
            int stackLow,
            int stackEnd,
            int favouriteLow,
            int favouritePlaces,
            int reads,
            int writes,
            int mayGotos,
            int at,
            int temporary) {
        /** The variable that holds how many places an access of this size may begin at in the favourite region. */
        int places(MemSize size) {
            return favouritePlaces + 2 * Integer.numberOfTrailingZeros(size.bytes());
        }

        int of(Reg reg) {
            return regs[reg.number()];
        }
    }

    /** Writes an instruction that is neither jump, branch, local call, tail call nor exit. */
    void emit(Insn insn, int slot) {
        switch (insn) {
            case Insn.Alu alu when alu.width() == Width.W64 -> alu64(alu);
            case Insn.Alu alu -> alu32(alu);
            case Insn.Swap(Insn.Swap.Order order, int bits, Reg dst) -> swap(order, bits, dst);
            case Insn.Load load -> load(load, slot);
            case Insn.Store(MemSize size, Reg base, short off, Operand src) -> {
                beforeAddress();
                address(base, off);
                checkWrite(size, base, off, slot);
                storeValue(size, src);
            }
            case Insn.Atomic atomic -> atomic(atomic, slot);
            case Insn.LoadImm64 load -> {
                code.loadConstant(linked.immediate(slot));
                store(load.dst());
            }
            case Insn.LoadPacket(MemSize size, boolean indirect, Reg src, int imm) ->
                packet(size, indirect, src, imm, slot);
            case Insn.Call call -> helper(call, slot);
            case Insn.CallX(Reg target) -> callRegister(target, slot);
            case Insn.Jump _, Insn.Branch _, Insn.MayGoto _, Insn.Exit _, Insn.AddrSpaceCast _ ->
                throw new AssertionError(insn);
        }
    }

    /** Jumps to the label if the branch is taken. */
    void branch(Insn.Branch branch, Label taken) {
        boolean wide = branch.width() == Width.W64;
        var op = branch.op();
        load(branch.dst());
        if (!wide) {
            code.l2i();
        }
        operand(branch.src(), wide);
        if (op == JumpOp.JSET) {
            if (wide) {
                code.land().lconst_0().lcmp();
            } else {
                code.iand();
            }
            code.ifne(taken);
            return;
        }
        boolean unsigned = op == JumpOp.JGT || op == JumpOp.JGE || op == JumpOp.JLT || op == JumpOp.JLE;
        if (unsigned) {
            code.invokestatic(
                    wide ? ConstantDescs.CD_Long : ConstantDescs.CD_Integer,
                    "compareUnsigned",
                    wide ? MethodTypeDesc.of(I, J, J) : MethodTypeDesc.of(I, I, I));
        } else if (wide) {
            code.lcmp();
        } else {
            code.branch(
                    switch (op) {
                        case JEQ -> Opcode.IF_ICMPEQ;
                        case JNE -> Opcode.IF_ICMPNE;
                        case JSGT -> Opcode.IF_ICMPGT;
                        case JSGE -> Opcode.IF_ICMPGE;
                        case JSLT -> Opcode.IF_ICMPLT;
                        case JSLE -> Opcode.IF_ICMPLE;
                        case JSET, JGT, JGE, JLT, JLE -> throw new AssertionError(op);
                    },
                    taken);
            return;
        }
        code.branch(
                switch (op) {
                    case JEQ -> Opcode.IFEQ;
                    case JNE -> Opcode.IFNE;
                    case JGT, JSGT -> Opcode.IFGT;
                    case JGE, JSGE -> Opcode.IFGE;
                    case JLT, JSLT -> Opcode.IFLT;
                    case JLE, JSLE -> Opcode.IFLE;
                    case JSET -> throw new AssertionError(op);
                },
                taken);
    }

    private void alu64(Insn.Alu alu) {
        var op = alu.op();
        if (alu.src() instanceof Operand.OfImm(int imm) && divided(op, imm, true, alu.dst())) {
            return;
        }
        if (op != AluOp.MOV && op != AluOp.MOVSX8 && op != AluOp.MOVSX16 && op != AluOp.MOVSX32) {
            load(alu.dst());
        }
        boolean shifts = op == AluOp.LSH || op == AluOp.RSH || op == AluOp.ARSH;
        if (op != AluOp.NEG) {
            if (shifts) {
                operand(alu.src(), false);
            } else {
                operand(alu.src(), true);
            }
        }
        switch (op) {
            case ADD -> code.ladd();
            case SUB -> code.lsub();
            case MUL -> code.lmul();
            case DIV -> arithmetic("div", J);
            case SDIV -> arithmetic("sdiv", J);
            case MOD -> arithmetic("mod", J);
            case SMOD -> arithmetic("smod", J);
            case OR -> code.lor();
            case AND -> code.land();
            case XOR -> code.lxor();
            case LSH -> code.lshl();
            case RSH -> code.lushr();
            case ARSH -> code.lshr();
            case NEG -> code.lneg();
            case MOV -> {}
            case MOVSX8 -> code.l2i().i2b().i2l();
            case MOVSX16 -> code.l2i().i2s().i2l();
            case MOVSX32 -> code.l2i().i2l();
        }
        store(alu.dst());
    }

    private void alu32(Insn.Alu alu) {
        var op = alu.op();
        if (op == AluOp.MOV && alu.src() instanceof Operand.OfImm(int imm)) {
            code.loadConstant(imm & U32);
            store(alu.dst());
            return;
        }
        if (alu.src() instanceof Operand.OfImm(int imm) && divided(op, imm, false, alu.dst())) {
            return;
        }
        if (op != AluOp.MOV && op != AluOp.MOVSX8 && op != AluOp.MOVSX16) {
            load(alu.dst());
            code.l2i();
        }
        if (op != AluOp.NEG) {
            operand(alu.src(), false);
        }
        switch (op) {
            case ADD -> code.iadd();
            case SUB -> code.isub();
            case MUL -> code.imul();
            case DIV -> arithmetic("div", I);
            case SDIV -> arithmetic("sdiv", I);
            case MOD -> arithmetic("mod", I);
            case SMOD -> arithmetic("smod", I);
            case OR -> code.ior();
            case AND -> code.iand();
            case XOR -> code.ixor();
            case LSH -> code.ishl();
            case RSH -> code.iushr();
            case ARSH -> code.ishr();
            case NEG -> code.ineg();
            case MOV, MOVSX32 -> {}
            case MOVSX8 -> code.i2b();
            case MOVSX16 -> code.i2s();
        }
        zeroExtend();
        store(alu.dst());
    }

    private void arithmetic(String name, ClassDesc type) {
        code.invokestatic(ARITHMETIC, name, MethodTypeDesc.of(type, type, type));
    }

    /** Division by a constant; false if this is none, or the general way is as good. */
    private boolean divided(AluOp op, int imm, boolean wide, Reg dst) {
        boolean unsigned = op == AluOp.DIV || op == AluOp.MOD;
        boolean signed = op == AluOp.SDIV || op == AluOp.SMOD;
        if (imm == 0 || !(unsigned || signed)) {
            return false;
        }
        if (signed) {
            load(dst);
            if (wide) {
                code.loadConstant((long) imm);
            } else {
                code.l2i().loadConstant(imm);
            }
            signedDivision(op, wide);
        } else {
            long divisor = wide ? imm : imm & U32;
            unsignedDivision(op, divisor, wide, dst);
        }
        store(dst);
        return true;
    }

    private void signedDivision(AluOp op, boolean wide) {
        if (wide) {
            code.with(OperatorInstruction.of(op == AluOp.SDIV ? Opcode.LDIV : Opcode.LREM));
        } else {
            code.with(OperatorInstruction.of(op == AluOp.SDIV ? Opcode.IDIV : Opcode.IREM));
            zeroExtend();
        }
    }

    private void unsignedDivision(AluOp op, long divisor, boolean wide, Reg dst) {
        boolean powerOfTwo = Long.bitCount(divisor) == 1;
        if (powerOfTwo) {
            dividend(dst, wide);
            if (op == AluOp.DIV) {
                code.loadConstant(Long.numberOfTrailingZeros(divisor)).lushr();
            } else {
                code.loadConstant(divisor - 1).land();
            }
            return;
        }
        if (op == AluOp.MOD) {
            dividend(dst, wide);
        }
        quotient(MagicDivisor.of(divisor, wide ? 64 : 32), wide, dst);
        if (op == AluOp.MOD) {
            code.loadConstant(divisor).lmul().lsub();
        }
    }

    private void dividend(Reg dst, boolean wide) {
        load(dst);
        if (!wide) {
            code.loadConstant(U32).land();
        }
    }

    /** Leaves the quotient on the stack: see {@link MagicDivisor}. */
    private void quotient(MagicDivisor magic, boolean wide, Reg dst) {
        if (magic.carry()) {
            // q = high(n * m): ((n - q >>> 1) + q) >>> shift - 1
            dividend(dst, wide);
            upperHalf(magic, wide, dst);
            code.lsub().iconst_1().lushr();
            upperHalf(magic, wide, dst);
            code.ladd().loadConstant(magic.shift() - 1).lushr();
            return;
        }
        upperHalf(magic, wide, dst);
        code.loadConstant(magic.shift()).lushr();
    }

    private void upperHalf(MagicDivisor magic, boolean wide, Reg dst) {
        dividend(dst, wide);
        code.loadConstant(magic.multiplier());
        if (wide) {
            code.invokestatic(desc(Math.class), "unsignedMultiplyHigh", MethodTypeDesc.of(J, J, J));
        } else {
            code.lmul().bipush(32).lushr();
        }
    }

    private void swap(Insn.Swap.Order order, int bits, Reg dst) {
        load(dst);
        boolean little = order == Insn.Swap.Order.LE;
        switch (bits) {
            case 16 -> {
                code.l2i();
                if (!little) {
                    code.i2s()
                            .invokestatic(
                                    desc(Short.class),
                                    "reverseBytes",
                                    MethodTypeDesc.of(ConstantDescs.CD_short, ConstantDescs.CD_short));
                }
                code.loadConstant(0xffff).iand().i2l();
            }
            case 32 -> {
                code.l2i();
                if (!little) {
                    code.invokestatic(ConstantDescs.CD_Integer, "reverseBytes", MethodTypeDesc.of(I, I));
                }
                zeroExtend();
            }
            default -> {
                if (!little) {
                    code.invokestatic(ConstantDescs.CD_Long, "reverseBytes", MethodTypeDesc.of(J, J));
                }
            }
        }
        store(dst);
    }

    private void load(Insn.Load load, int slot) {
        if (linked.isKernelLoad(slot)) {
            code.aload(0);
            address(load.base(), load.off());
            code.loadConstant(load.size().bytes()).invokestatic(SUPPORT, "kernelLoad", MethodTypeDesc.of(J, CPU, J, I));
            if (load.signed()) {
                signExtend(load.size());
            }
            store(load.dst());
            return;
        }
        beforeAddress();
        address(load.base(), load.off());
        checkRead(load.size(), load.base(), load.off(), slot);
        fetch(load.size(), load.signed());
        store(load.dst());
    }

    private void signExtend(MemSize size) {
        switch (size) {
            case B -> code.l2i().i2b().i2l();
            case H -> code.l2i().i2s().i2l();
            case W -> code.l2i().i2l();
            case DW -> {}
        }
    }

    /** Pushes what accesses are made through; before the address. */
    void beforeAddress() {
        RawAccess.begin(code);
    }

    /** Replaces the address on the stack by what it holds. */
    void fetch(MemSize size, boolean signed) {
        RawAccess.get(code, size);
        switch (size) {
            case B -> {
                if (!signed) {
                    code.sipush(255).iand();
                }
                code.i2l();
            }
            case H -> {
                if (!signed) {
                    code.loadConstant(0xffff).iand();
                }
                code.i2l();
            }
            case W -> {
                if (signed) {
                    code.i2l();
                } else {
                    zeroExtend();
                }
            }
            case DW -> {}
        }
    }

    /** The address is on the stack. */
    void storeValue(MemSize size, Operand src) {
        operand(src, size == MemSize.DW);
        switch (size) {
            case B -> code.i2b();
            case H -> code.i2s();
            case W, DW -> {}
        }
        RawAccess.put(code, size);
    }

    private void atomic(Insn.Atomic atomic, int slot) {
        var size = atomic.size();
        address(atomic.base(), atomic.off());
        checkWrite(size, atomic.base(), atomic.off(), slot);
        switch (atomic.op()) {
            case LOAD_ACQ -> {
                code.loadConstant(size.bytes()).invokestatic(ATOMICS, "loadAcquire", MethodTypeDesc.of(J, J, I));
                store(atomic.src());
            }
            case STORE_REL -> {
                code.loadConstant(size.bytes());
                load(atomic.src());
                code.invokestatic(ATOMICS, "storeRelease", MethodTypeDesc.of(ConstantDescs.CD_void, J, I, J));
            }
            default -> modify(atomic, size == MemSize.DW);
        }
    }

    private void modify(Insn.Atomic atomic, boolean wide) {
        var type = wide ? J : I;
        operand(Operand.of(atomic.src()), wide);
        var op = atomic.op();
        boolean compares = op == AtomicOp.CMPXCHG;
        if (compares) {
            operand(Operand.of(Reg.R0), wide);
        }
        var name = switch (op) {
            case ADD, FETCH_ADD -> "add";
            case OR, FETCH_OR -> "or";
            case AND, FETCH_AND -> "and";
            case XOR, FETCH_XOR -> "xor";
            case XCHG -> "xchg";
            case CMPXCHG -> "cmpxchg";
            case LOAD_ACQ, STORE_REL -> throw new AssertionError(op);
        };
        code.invokestatic(
                ATOMICS, name, compares ? MethodTypeDesc.of(type, J, type, type) : MethodTypeDesc.of(type, J, type));
        if (!op.fetches()) {
            if (wide) {
                code.pop2();
            } else {
                code.pop();
            }
            return;
        }
        if (!wide) {
            zeroExtend();
        }
        store(compares ? Reg.R0 : atomic.src());
    }

    private void packet(MemSize size, boolean indirect, Reg src, int imm, int slot) {
        beforeCall(slot);
        constants.load(code, linked.call(slot), HELPER);
        code.aload(0);
        load(Reg.R6);
        if (indirect) {
            load(src);
            code.l2i().loadConstant(imm).iadd().i2l();
        } else {
            code.loadConstant((long) imm);
        }
        code.loadConstant((long) (size.bytes() | (indirect ? PacketLoad.INDIRECT : 0)));
        load(Reg.R0);
        load(Reg.R7);
        code.invokeinterface(HELPER, "call", CALL);
        store(Reg.R0);
        afterCall();
    }

    private void helper(Insn.Call call, int slot) {
        var map = call.kind() == Insn.CallKind.HELPER ? linked.map(slot) : Optional.<VmMap>empty();
        if (map.isPresent() && call.imm() == Helper.MAP_LOOKUP_ELEM.number() && arrayLookup(map.get())) {
            return;
        }
        var function = linked.call(slot);
        var special = map.flatMap(function::forMap).orElse(function);
        beforeCall(slot);
        constants.load(code, special, HELPER);
        code.aload(0);
        arguments();
        code.invokeinterface(HELPER, "call", CALL);
        store(Reg.R0);
        afterCall();
    }

    private boolean arrayLookup(VmMap map) {
        var layout = map.arrayLayout();
        if (layout.isEmpty()) {
            return false;
        }
        var array = layout.get();
        boolean perCpu = array.cpuStrideBytes() != 0;
        if (perCpu) {
            code.aload(0);
        }
        load(Reg.R2);
        code.loadConstant(array.base()).loadConstant(array.strideBytes()).loadConstant(array.maxEntries());
        if (perCpu) {
            code.loadConstant(array.cpuStrideBytes())
                    .invokestatic(SUPPORT, "perCpuLookup", MethodTypeDesc.of(J, CPU, J, J, I, I, J));
        } else {
            code.invokestatic(SUPPORT, "arrayLookup", MethodTypeDesc.of(J, J, J, I, I));
        }
        store(Reg.R0);
        return true;
    }

    private void callRegister(Reg target, int slot) {
        beforeCall(slot);
        code.aload(0);
        load(target);
        arguments();
        code.invokevirtual(CPU, "callRegister", MethodTypeDesc.of(J, J, J, J, J, J, J));
        store(Reg.R0);
        afterCall();
    }

    /** The CPU learns what helpers may need: how far the stack is in use; in checked code the budget too. */
    void beforeCall(int slot) {
        if (linked.checked()) {
            code.aload(0)
                    .lload(locals.budget())
                    .invokevirtual(CPU, "setBudget", MethodTypeDesc.of(ConstantDescs.CD_void, J));
            code.loadConstant(slot).istore(locals.at());
        } else {
            code.aload(0);
            load(Reg.R10);
            code.invokevirtual(CPU, "use", MethodTypeDesc.of(ConstantDescs.CD_void, J));
        }
    }

    void afterCall() {
        if (linked.checked()) {
            code.aload(0).invokevirtual(CPU, "budget", MethodTypeDesc.of(J)).lstore(locals.budget());
        }
    }

    /** Pushes r1 to r5. */
    void arguments() {
        load(Reg.R1);
        load(Reg.R2);
        load(Reg.R3);
        load(Reg.R4);
        load(Reg.R5);
    }

    private void address(Reg base, short off) {
        load(base);
        if (off != 0) {
            code.loadConstant((long) off).ladd();
        }
    }

    private void checkRead(MemSize size, Reg base, short off, int slot) {
        check("read", locals.reads(), size, base, off, slot);
    }

    private void checkWrite(MemSize size, Reg base, short off, int slot) {
        check("write", locals.writes(), size, base, off, slot);
    }

    /**
     * Tests the address on the stack and leaves it there: nothing for places in the function's own frame, one comparison for those
     * in the favourite region, the long way for all others.
     */
    private void check(String access, int cache, MemSize size, Reg base, short off, int slot) {
        boolean ownFrame = base == Reg.R10 && off >= -VmCpu.FRAME_BYTES && off <= -size.bytes();
        if (!linked.checked() || ownFrame || proved.get(slot)) {
            return;
        }
        var fine = code.newLabel();
        code.lstore(locals.temporary()).lload(locals.temporary());
        code.lload(locals.favouriteLow()).lsub().lload(locals.places(size));
        code.invokestatic(ConstantDescs.CD_Long, "compareUnsigned", MethodTypeDesc.of(I, J, J));
        code.iflt(fine);
        code.lload(locals.temporary())
                .aload(cache)
                .lload(locals.stackLow())
                .lload(locals.stackEnd())
                .loadConstant(size.bytes())
                .loadConstant(slot)
                .invokestatic(SUPPORT, access, CHECK);
        code.labelBinding(fine).lload(locals.temporary());
    }

    /** Goes to {@code outside} unless all places of a span lie in the favourite region. */
    void testSpan(AccessRun.Span span, Label outside) {
        load(span.reg());
        code.loadConstant(span.lowBytes()).ladd().lload(locals.favouriteLow()).lsub();
        // as many places as there are for one byte, less what the last byte is ahead of the first
        code.lload(locals.places(MemSize.B))
                .loadConstant((long) span.sizeBytes() - 1)
                .lsub();
        code.lconst_0().invokestatic(desc(Math.class), "max", MethodTypeDesc.of(J, J, J));
        code.invokestatic(ConstantDescs.CD_Long, "compareUnsigned", MethodTypeDesc.of(I, J, J));
        code.ifge(outside);
    }

    /** From now on these slots need no test. */
    void prove(BitSet slots) {
        proved.or(slots);
    }

    void nothingProved() {
        proved.clear();
    }

    void operand(Operand src, boolean wide) {
        switch (src) {
            case Operand.OfReg(Reg reg) -> {
                load(reg);
                if (!wide) {
                    code.l2i();
                }
            }
            case Operand.OfImm(int imm) when wide -> code.loadConstant((long) imm);
            case Operand.OfImm(int imm) -> code.loadConstant(imm);
        }
    }

    private void zeroExtend() {
        code.i2l().loadConstant(U32).land();
    }

    void load(Reg reg) {
        code.lload(locals.of(reg));
    }

    void store(Reg reg) {
        code.lstore(locals.of(reg));
    }
}
