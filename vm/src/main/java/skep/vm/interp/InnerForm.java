package skep.vm.interp;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import skep.isa.AluOp;
import skep.isa.AtomicOp;
import skep.isa.Insn;
import skep.isa.MemSize;
import skep.isa.Operand;
import skep.isa.Reg;
import skep.isa.Width;
import skep.vm.HelperFunction;
import skep.vm.LinkedProgram;
import skep.vm.PacketLoad;
import skep.vm.verifier.InsnFact.PointerKind;

/**
 * The program as the interpreter runs it: two longs an instruction, immediates extended, jumps and calls as indices.
 *
 * <pre>
 *   63            32 31     16 15  12 11   8 7        0
 *  +----------------+---------+------+------+----------+      +---------+
 *  | offset, target |    0    | src  | dst  |    op    |      |   imm   |
 *  +----------------+---------+------+------+----------+      +---------+
 *                     words[i]                                  imms[i]
 * </pre>
 *
 * @param words operation, registers, and an offset or an index of another instruction
 * @param imms immediate; index into {@code functions} for calls; atomic operation and size for atomics
 * @param slotOf the slot of each instruction in the program
 * @param indexOf the instruction that begins at each slot
 * @param watch what is asked before each instruction; null for most programs
 * @param kernelLoads which loads may go to kernel memory, because the verifier allowed it
 */
public record InnerForm(
        long[] words,
        long[] imms,
        int[] slotOf,
        int[] indexOf,
        boolean[] kernelLoads,
        HelperFunction[] functions,
        boolean checked,
        @Nullable BeliefWatch watch) {
    public static InnerForm of(LinkedProgram linked, @Nullable BeliefWatch watch) {
        return new Builder(linked, watch).build();
    }

    void watch(int slot, long[] registers, long frame) {
        if (watch != null) {
            watch.check(slot, registers, frame);
        }
    }

    /** {@code imms} of an atomic: operation in the upper half, size below. */
    static long atomic(AtomicOp op, MemSize size) {
        return (long) op.ordinal() << 32 | size.bytes();
    }

    private static final class Builder {
        private final LinkedProgram linked;
        private final int[] slotOf;
        private final int[] indexOf;
        private final long[] words;
        private final long[] imms;
        private final boolean[] kernelLoads;
        private final List<HelperFunction> functions = new ArrayList<>();
        private int slot;
        private int index;
        private final @Nullable BeliefWatch watch;

        Builder(LinkedProgram linked, @Nullable BeliefWatch watch) {
            this.linked = linked;
            this.watch = watch;
            var program = linked.program();
            indexOf = new int[program.size()];
            int count = 0;
            for (int s = 0; s < program.size(); s = program.next(s)) {
                indexOf[s] = count;
                count += watch == null ? 1 : 2;
            }
            slotOf = new int[count];
            words = new long[count];
            imms = new long[count];
            kernelLoads = new boolean[count];
        }

        InnerForm build() {
            var program = linked.program();
            for (slot = 0; slot < program.size(); slot = program.next(slot)) {
                if (watch != null) {
                    slotOf[index] = slot;
                    emit(Op.WATCH, Reg.R0, Reg.R0, 0, slot);
                    index++;
                }
                slotOf[index] = slot;
                translate(linked.insn(slot));
                index++;
            }
            return new InnerForm(
                    words,
                    imms,
                    slotOf,
                    indexOf,
                    kernelLoads,
                    functions.toArray(HelperFunction[]::new),
                    linked.checked(),
                    watch);
        }

        private void translate(Insn insn) {
            switch (insn) {
                case Insn.Alu alu -> alu(alu);
                case Insn.Swap(Insn.Swap.Order order, int bits, Reg dst) -> emit(swap(order, bits), dst, dst, 0, 0);
                case Insn.Load(MemSize size, boolean signed, Reg dst, Reg base, short off) -> {
                    var pointer = linked.fact(slot).pointer();
                    kernelLoads[index] = linked.fact(slot).probed()
                            || pointer == PointerKind.KERNEL
                            || pointer == PointerKind.SOCKET
                            || pointer == PointerKind.MIXED;
                    emit(load(size, signed), dst, base, off, 0);
                }
                case Insn.Store(MemSize size, Reg base, short off, Operand src) ->
                    emitOperand(store(size), base, src, off);
                case Insn.Atomic(AtomicOp op, MemSize size, Reg base, short off, Reg src) ->
                    emit(Op.ATOMIC, base, src, off, atomic(op, size));
                case Insn.LoadImm64 load -> emit(Op.MOV64_K, load.dst(), Reg.R0, 0, linked.immediate(slot));
                case Insn.LoadPacket(MemSize size, boolean indirect, Reg src, int imm) -> {
                    functions.add(linked.call(slot));
                    long function = (long) (functions.size() - 1) << 32;
                    int what = size.bytes() | (indirect ? PacketLoad.INDIRECT : 0);
                    emit(Op.LOAD_PACKET, Reg.of(indirect ? 1 : 0), src, imm, function | what);
                }
                case Insn.Jump _ -> emit(Op.JA, Reg.R0, Reg.R0, target(), 0);
                case Insn.Branch branch -> emitOperand(branch(branch), branch.dst(), branch.src(), target());
                case Insn.MayGoto _ -> emit(Op.MAY_GOTO, Reg.R0, Reg.R0, target(), 0);
                case Insn.Call call -> call(call);
                case Insn.CallX(Reg target) -> emit(Op.CALL_REGISTER, target, Reg.R0, 0, 0);
                case Insn.Exit() -> emit(Op.EXIT, Reg.R0, Reg.R0, 0, 0);
                case Insn.AddrSpaceCast _ -> throw new AssertionError("refused by the linker");
            }
        }

        private void call(Insn.Call call) {
            if (LinkedProgram.isTailCall(call)) {
                emit(Op.TAIL_CALL, Reg.R0, Reg.R0, 0, 0);
            } else if (call.kind() == Insn.CallKind.LOCAL) {
                emit(Op.CALL_LOCAL, Reg.R0, Reg.R0, indexOf[linked.program().callee(slot)], 0);
            } else {
                functions.add(linked.call(slot));
                emit(Op.CALL_HELPER, Reg.R0, Reg.R0, 0, functions.size() - 1);
            }
        }

        private int target() {
            return indexOf[linked.program().target(slot)];
        }

        private void alu(Insn.Alu alu) {
            boolean wide = alu.width() == Width.W64;
            switch (alu.op()) {
                case NEG -> emit(wide ? Op.NEG64 : Op.NEG32, alu.dst(), alu.dst(), 0, 0);
                case MOVSX8 -> emitOperandX(wide ? Op.MOVSX8_64 : Op.MOVSX8_32, alu);
                case MOVSX16 -> emitOperandX(wide ? Op.MOVSX16_64 : Op.MOVSX16_32, alu);
                case MOVSX32 -> emitOperandX(Op.MOVSX32_64, alu);
                default -> binary(alu, wide);
            }
        }

        private void binary(Insn.Alu alu, boolean wide) {
            switch (alu.src()) {
                case Operand.OfReg(Reg reg) -> emit(binary(alu.op(), wide) + 1, alu.dst(), reg, 0, 0);
                case Operand.OfImm(int imm)
                when alu.op() == AluOp.MOV && !wide -> emit(Op.MOV64_K, alu.dst(), Reg.R0, 0, imm & 0xffff_ffffL);
                case Operand.OfImm(int imm) -> emit(binary(alu.op(), wide), alu.dst(), Reg.R0, 0, imm);
            }
        }

        private static int binary(AluOp op, boolean wide) {
            return switch (op) {
                case ADD -> wide ? Op.ADD64_K : Op.ADD32_K;
                case SUB -> wide ? Op.SUB64_K : Op.SUB32_K;
                case MUL -> wide ? Op.MUL64_K : Op.MUL32_K;
                case DIV -> wide ? Op.DIV64_K : Op.DIV32_K;
                case SDIV -> wide ? Op.SDIV64_K : Op.SDIV32_K;
                case OR -> wide ? Op.OR64_K : Op.OR32_K;
                case AND -> wide ? Op.AND64_K : Op.AND32_K;
                case LSH -> wide ? Op.LSH64_K : Op.LSH32_K;
                case RSH -> wide ? Op.RSH64_K : Op.RSH32_K;
                case MOD -> wide ? Op.MOD64_K : Op.MOD32_K;
                case SMOD -> wide ? Op.SMOD64_K : Op.SMOD32_K;
                case XOR -> wide ? Op.XOR64_K : Op.XOR32_K;
                case MOV -> wide ? Op.MOV64_K : Op.MOV32_X - 1;
                case ARSH -> wide ? Op.ARSH64_K : Op.ARSH32_K;
                case NEG, MOVSX8, MOVSX16, MOVSX32 -> throw new AssertionError(op);
            };
        }

        private static int branch(Insn.Branch branch) {
            int first = branch.width() == Width.W64 ? Op.JEQ64_K : Op.JEQ32_K;
            int index = switch (branch.op()) {
                case JEQ -> 0;
                case JGT -> 1;
                case JGE -> 2;
                case JSET -> 3;
                case JNE -> 4;
                case JSGT -> 5;
                case JSGE -> 6;
                case JLT -> 7;
                case JLE -> 8;
                case JSLT -> 9;
                case JSLE -> 10;
            };
            return first + 2 * index;
        }

        private static int swap(Insn.Swap.Order order, int bits) {
            if (order == Insn.Swap.Order.LE) {
                return bits == 16 ? Op.ZEXT16 : bits == 32 ? Op.ZEXT32 : Op.MOV64_X;
            }
            return bits == 16 ? Op.SWAP16 : bits == 32 ? Op.SWAP32 : Op.SWAP64;
        }

        private static int load(MemSize size, boolean signed) {
            return switch (size) {
                case B -> signed ? Op.LOAD_SB : Op.LOAD_B;
                case H -> signed ? Op.LOAD_SH : Op.LOAD_H;
                case W -> signed ? Op.LOAD_SW : Op.LOAD_W;
                case DW -> Op.LOAD_DW;
            };
        }

        private static int store(MemSize size) {
            return switch (size) {
                case B -> Op.STORE_B_K;
                case H -> Op.STORE_H_K;
                case W -> Op.STORE_W_K;
                case DW -> Op.STORE_DW_K;
            };
        }

        private void emitOperandX(int op, Insn.Alu alu) {
            if (alu.src() instanceof Operand.OfReg(Reg reg)) {
                emit(op, alu.dst(), reg, 0, 0);
            } else {
                throw new AssertionError("no such encoding: " + alu);
            }
        }

        private void emitOperand(int opK, Reg dst, Operand src, int off) {
            switch (src) {
                case Operand.OfReg(Reg reg) -> emit(opK + 1, dst, reg, off, 0);
                case Operand.OfImm(int imm) -> emit(opK, dst, Reg.R0, off, imm);
            }
        }

        private void emit(int op, Reg dst, Reg src, int off, long imm) {
            words[index] = op | (long) dst.number() << 8 | (long) src.number() << 12 | (long) off << 32;
            imms[index] = imm;
        }
    }
}
