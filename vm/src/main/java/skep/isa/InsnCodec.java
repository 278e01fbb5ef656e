package skep.isa;

import java.util.ArrayList;
import java.util.List;
import skep.isa.Insn.ImmKind;
import skep.isa.Insn.Swap.Order;

/**
 * Between slots and instructions. Decoding accepts exactly the encodings of RFC 9669 and the kernel's extensions: a field that an
 * instruction does not use must be zero. Encoding what was decoded gives the same slots.
 *
 * <p>What depends on more than one instruction (where jumps lead, what a constant divisor means) is not judged here:
 * {@link DecodedProgram} and the verifier do that.
 */
public final class InsnCodec {
    /** The offset field that makes a 64-bit register move an address space cast (Linux 6.9). */
    private static final int ADDR_SPACE_CAST_OFF = 1;

    private static final AluOp[] ALU_OPS = AluOp.values();
    private static final JumpOp[] JUMP_OPS = JumpOp.values();
    private static final AtomicOp[] ATOMIC_OPS = AtomicOp.values();
    private static final ImmKind[] IMM_KINDS = ImmKind.values();

    private InsnCodec() {}

    /** Decodes a whole program; the result has one element an instruction, not one a slot. */
    public static List<Insn> decode(Bytecode code) {
        var insns = new ArrayList<Insn>(code.size());
        for (int slot = 0; slot < code.size(); ) {
            var insn = decode(code, slot);
            insns.add(insn);
            slot += insn.slots();
        }
        return insns;
    }

    public static Bytecode encode(List<Insn> insns) {
        int size = 0;
        for (var insn : insns) {
            size += insn.slots();
        }
        var slots = new long[size];
        int at = 0;
        for (var insn : insns) {
            slots[at] = encode(insn);
            if (insn instanceof Insn.LoadImm64 load) {
                slots[at + 1] = encodeSecond(load);
            }
            at += insn.slots();
        }
        return Bytecode.of(slots);
    }

    /**
     * Decodes the instruction that begins at this slot.
     *
     * @throws InvalidInsnException if none does
     */
    public static Insn decode(Bytecode code, int slot) {
        return new Fields(code, slot).decode();
    }

    /** The slot of an instruction; the first one of a 64-bit immediate load. */
    public static long encode(Insn insn) {
        return switch (insn) {
            case Insn.Alu alu -> encodeAlu(alu);
            case Insn.Swap(Order order, int bits, Reg dst) ->
                switch (order) {
                    case LE -> slot(Opcode.ALU | Opcode.END | Opcode.K, dst, 0, 0, bits);
                    case BE -> slot(Opcode.ALU | Opcode.END | Opcode.X, dst, 0, 0, bits);
                    case BSWAP -> slot(Opcode.ALU64 | Opcode.END | Opcode.K, dst, 0, 0, bits);
                };
            case Insn.Load(MemSize size, boolean signed, Reg dst, Reg base, short off) ->
                slot(Opcode.LDX | (signed ? Opcode.MEMSX : Opcode.MEM) | size.code(), dst, base.number(), off, 0);
            case Insn.Store(MemSize size, Reg base, short off, Operand src) ->
                switch (src) {
                    case Operand.OfReg(Reg reg) ->
                        slot(Opcode.STX | Opcode.MEM | size.code(), base, reg.number(), off, 0);
                    case Operand.OfImm(int imm) -> slot(Opcode.ST | Opcode.MEM | size.code(), base, 0, off, imm);
                };
            case Insn.Atomic atomic -> encodeAtomic(atomic);
            case Insn.LoadImm64(Reg dst, ImmKind kind, long imm) ->
                slot(Opcode.LD_IMM64, dst, kind.ordinal(), 0, (int) imm);
            case Insn.LoadPacket(MemSize size, boolean indirect, Reg src, int imm) ->
                slot(
                        Opcode.LD | (indirect ? Opcode.IND : Opcode.ABS) | size.code(),
                        Reg.R0,
                        indirect ? src.number() : 0,
                        0,
                        imm);
            case Insn.Jump(int off, boolean wide) ->
                wide
                        ? slot(Opcode.JMP32 | Opcode.JA, Reg.R0, 0, 0, off)
                        : slot(Opcode.JMP | Opcode.JA, Reg.R0, 0, off, 0);
            case Insn.Branch branch -> encodeBranch(branch);
            case Insn.MayGoto(short off) -> slot(Opcode.JMP | Opcode.JCOND, Reg.R0, 0, off, 0);
            case Insn.Call(Insn.CallKind kind, int imm, short off) ->
                slot(Opcode.JMP | Opcode.CALL, Reg.R0, kind.ordinal(), off, imm);
            case Insn.CallX(Reg target) -> slot(Opcode.JMP | Opcode.CALL | Opcode.X, target, 0, 0, 0);
            case Insn.Exit() -> slot(Opcode.JMP | Opcode.EXIT, Reg.R0, 0, 0, 0);
            case Insn.AddrSpaceCast(Reg dst, Reg src, int imm) ->
                slot(Opcode.ALU64 | AluOp.MOV.code() | Opcode.X, dst, src.number(), ADDR_SPACE_CAST_OFF, imm);
        };
    }

    /** The second slot of a 64-bit immediate load: the high word. */
    public static long encodeSecond(Insn.LoadImm64 load) {
        return Bytecode.pack(0, 0, 0, 0, (int) (load.imm() >>> 32));
    }

    private static long encodeAlu(Insn.Alu alu) {
        int opcode = alu.op().code() | (alu.width() == Width.W64 ? Opcode.ALU64 : Opcode.ALU);
        if (alu.op() == AluOp.NEG) {
            return slot(opcode | Opcode.K, alu.dst(), 0, 0, 0);
        }
        return switch (alu.src()) {
            case Operand.OfReg(Reg reg) ->
                slot(opcode | Opcode.X, alu.dst(), reg.number(), alu.op().off(), 0);
            case Operand.OfImm(int imm) ->
                slot(opcode | Opcode.K, alu.dst(), 0, alu.op().off(), imm);
        };
    }

    private static long encodeBranch(Insn.Branch branch) {
        int opcode = branch.op().code() | (branch.width() == Width.W64 ? Opcode.JMP : Opcode.JMP32);
        return switch (branch.src()) {
            case Operand.OfReg(Reg reg) -> slot(opcode | Opcode.X, branch.dst(), reg.number(), branch.off(), 0);
            case Operand.OfImm(int imm) -> slot(opcode | Opcode.K, branch.dst(), 0, branch.off(), imm);
        };
    }

    private static long encodeAtomic(Insn.Atomic atomic) {
        int opcode = Opcode.STX | Opcode.ATOMIC | atomic.size().code();
        int imm = atomic.op().imm();
        return atomic.op() == AtomicOp.LOAD_ACQ
                ? slot(opcode, atomic.src(), atomic.base().number(), atomic.off(), imm)
                : slot(opcode, atomic.base(), atomic.src().number(), atomic.off(), imm);
    }

    private static long slot(int opcode, Reg dst, int src, int off, int imm) {
        return Bytecode.pack(opcode, dst.number(), src, off, imm);
    }

    /** One slot taken apart, on its way to becoming an instruction. */
    private record Fields(Bytecode code, int slot, int opcode, int dst, int src, int off, int imm) {
        Fields(Bytecode code, int slot) {
            this(code, slot, code.opcode(slot), code.dst(slot), code.src(slot), code.off(slot), code.imm(slot));
        }

        Insn decode() {
            return switch (Opcode.classOf(opcode)) {
                case Opcode.LD -> decodeLd();
                case Opcode.LDX -> decodeLdx();
                case Opcode.ST -> decodeSt();
                case Opcode.STX -> decodeStx();
                case Opcode.ALU -> decodeAlu(Width.W32);
                case Opcode.ALU64 -> decodeAlu(Width.W64);
                case Opcode.JMP -> decodeJump(Width.W64);
                default -> decodeJump(Width.W32);
            };
        }

        private Insn decodeLd() {
            if (opcode == Opcode.LD_IMM64) {
                return decodeLoadImm64();
            }
            int mode = Opcode.modeOf(opcode);
            var size = MemSize.ofOpcode(opcode);
            if ((mode != Opcode.ABS && mode != Opcode.IND) || size == MemSize.DW) {
                throw unknown();
            }
            boolean indirect = mode == Opcode.IND;
            require(dst == 0 && off == 0 && (indirect || src == 0), "packet load");
            return new Insn.LoadPacket(size, indirect, indirect ? srcReg() : Reg.R0, imm);
        }

        private Insn decodeLoadImm64() {
            if (slot + 1 >= code.size()) {
                throw invalid("64-bit immediate load without its second slot");
            }
            long second = code.slot(slot + 1);
            if ((second & 0xffff_ffffL) != 0) {
                throw invalid("second slot of a 64-bit immediate load holds more than the immediate");
            }
            if (src >= IMM_KINDS.length) {
                throw invalid("64-bit immediate load with unknown pseudo source " + src);
            }
            require(off == 0, "64-bit immediate load");
            return new Insn.LoadImm64(dstReg(), IMM_KINDS[src], second & ~0xffff_ffffL | imm & 0xffff_ffffL);
        }

        private Insn decodeLdx() {
            var size = MemSize.ofOpcode(opcode);
            int mode = Opcode.modeOf(opcode);
            boolean signed = mode == Opcode.MEMSX && size != MemSize.DW;
            if (mode != Opcode.MEM && !signed) {
                throw unknown();
            }
            require(imm == 0, "load");
            return new Insn.Load(size, signed, dstReg(), srcReg(), (short) off);
        }

        private Insn decodeSt() {
            if (Opcode.modeOf(opcode) != Opcode.MEM) {
                throw unknown();
            }
            require(src == 0, "store of an immediate");
            return new Insn.Store(MemSize.ofOpcode(opcode), dstReg(), (short) off, Operand.of(imm));
        }

        private Insn decodeStx() {
            var size = MemSize.ofOpcode(opcode);
            switch (Opcode.modeOf(opcode)) {
                case Opcode.MEM -> {
                    require(imm == 0, "store");
                    return new Insn.Store(size, dstReg(), (short) off, Operand.of(srcReg()));
                }
                case Opcode.ATOMIC -> {
                    var op = atomicOp();
                    boolean ordered = op == AtomicOp.LOAD_ACQ || op == AtomicOp.STORE_REL;
                    if (!ordered && size != MemSize.W && size != MemSize.DW) {
                        throw invalid("atomic operation of " + size.bytes() + " bytes");
                    }
                    return op == AtomicOp.LOAD_ACQ
                            ? new Insn.Atomic(op, size, srcReg(), (short) off, dstReg())
                            : new Insn.Atomic(op, size, dstReg(), (short) off, srcReg());
                }
                default -> throw unknown();
            }
        }

        private AtomicOp atomicOp() {
            for (var op : ATOMIC_OPS) {
                if (op.imm() == imm) {
                    return op;
                }
            }
            throw invalid("unknown atomic operation 0x" + Integer.toHexString(imm));
        }

        private Insn decodeAlu(Width width) {
            int code = Opcode.codeOf(opcode);
            boolean register = Opcode.usesRegister(opcode);
            if (code == Opcode.END) {
                return decodeSwap(width, register);
            }
            if (code == AluOp.MOV.code() && register && width == Width.W64 && off == ADDR_SPACE_CAST_OFF) {
                return new Insn.AddrSpaceCast(dstReg(), srcReg(), imm);
            }
            var op = aluOp(code, register, width);
            if (op == AluOp.NEG) {
                if (register) {
                    throw invalid("negation with a register operand");
                }
                require(src == 0 && imm == 0, "negation");
                return new Insn.Alu(op, width, dstReg(), Operand.of(dstReg()));
            }
            return new Insn.Alu(op, width, dstReg(), operand("arithmetic"));
        }

        private AluOp aluOp(int code, boolean register, Width width) {
            boolean known = false;
            for (var op : ALU_OPS) {
                if (op.code() == code) {
                    known = true;
                    boolean movsx = code == AluOp.MOV.code() && op.off() != 0;
                    boolean permitted = !movsx || (register && op.off() < width.bits());
                    if (op.off() == off && permitted) {
                        return op;
                    }
                }
            }
            throw known ? invalid("arithmetic with unknown offset field " + off) : unknown();
        }

        private Insn decodeSwap(Width width, boolean big) {
            if (width == Width.W64 && big) {
                throw unknown();
            }
            require(src == 0 && off == 0, "byte swap");
            if (imm != 16 && imm != 32 && imm != 64) {
                throw invalid("byte swap of " + imm + " bits");
            }
            var order = width == Width.W64 ? Order.BSWAP : big ? Order.BE : Order.LE;
            return new Insn.Swap(order, imm, dstReg());
        }

        private Insn decodeJump(Width width) {
            boolean register = Opcode.usesRegister(opcode);
            boolean wide = width == Width.W32;
            switch (Opcode.codeOf(opcode)) {
                case Opcode.JA -> {
                    only(!register);
                    require(dst == 0 && src == 0 && (wide ? off : imm) == 0, "jump");
                    return new Insn.Jump(wide ? imm : off, wide);
                }
                case Opcode.CALL -> {
                    only(!wide);
                    return register ? decodeCallX() : decodeCall();
                }
                case Opcode.EXIT -> {
                    only(!wide && !register);
                    require(dst == 0 && src == 0 && off == 0 && imm == 0, "exit");
                    return new Insn.Exit();
                }
                case Opcode.JCOND -> {
                    only(!wide && !register);
                    require(dst == 0 && src == 0 && imm == 0, "may_goto");
                    return new Insn.MayGoto((short) off);
                }
                default -> {
                    return new Insn.Branch(jumpOp(), width, dstReg(), operand("branch"), (short) off);
                }
            }
        }

        private Insn decodeCall() {
            if (src > 2) {
                throw invalid("call with unknown pseudo source " + src);
            }
            var kind = Insn.CallKind.values()[src];
            require(dst == 0 && (off == 0 || kind == Insn.CallKind.KFUNC), "call");
            return new Insn.Call(kind, imm, (short) off);
        }

        private Insn decodeCallX() {
            require(src == 0 && off == 0 && imm == 0, "callx");
            return new Insn.CallX(dstReg());
        }

        private JumpOp jumpOp() {
            for (var op : JUMP_OPS) {
                if (op.code() == Opcode.codeOf(opcode)) {
                    return op;
                }
            }
            throw unknown();
        }

        private Operand operand(String what) {
            if (Opcode.usesRegister(opcode)) {
                require(imm == 0, what);
                return Operand.of(srcReg());
            }
            require(src == 0, what);
            return Operand.of(imm);
        }

        private Reg dstReg() {
            return reg(dst);
        }

        private Reg srcReg() {
            return reg(src);
        }

        private Reg reg(int number) {
            if (number > Reg.R10.number()) {
                throw invalid("register r" + number + " does not exist");
            }
            return Reg.of(number);
        }

        private void only(boolean known) {
            if (!known) {
                throw unknown();
            }
        }

        private void require(boolean unusedFieldsAreZero, String what) {
            if (!unusedFieldsAreZero) {
                throw invalid(what + " uses reserved fields");
            }
        }

        private InvalidInsnException unknown() {
            return invalid("unknown opcode 0x%02x".formatted(opcode));
        }

        private InvalidInsnException invalid(String reason) {
            return new InvalidInsnException(slot, reason);
        }
    }
}
