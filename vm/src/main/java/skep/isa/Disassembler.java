package skep.isa;

import java.util.Locale;
import skep.isa.Insn.ImmKind;
import skep.isa.kernel.Helper;

/**
 * Writes instructions as the kernel's verifier log does, for example {@code r1 = *(u64 *)(r10 -8)}. {@link Assembler} reads them
 * back: a 64-bit immediate load shows its number in hexadecimal, a move in decimal, so the two differ.
 */
public final class Disassembler {
    private Disassembler() {}

    /** The program, one line an instruction: {@code slot: (opcode) text}. */
    public static String text(Bytecode code) {
        var out = new StringBuilder();
        for (int slot = 0; slot < code.size(); ) {
            var insn = InsnCodec.decode(code, slot);
            out.append("%4d: (%02x) ".formatted(slot, code.opcode(slot)))
                    .append(text(insn))
                    .append('\n');
            slot += insn.slots();
        }
        return out.toString();
    }

    /** One instruction; jumps are relative, as in {@code goto pc+3}. */
    public static String text(Insn insn) {
        return switch (insn) {
            case Insn.Alu alu -> alu(alu);
            case Insn.Swap(Insn.Swap.Order order, int bits, Reg dst) ->
                dst + " = " + order.name().toLowerCase(Locale.ROOT) + bits + " " + dst;
            case Insn.Load(MemSize size, boolean signed, Reg dst, Reg base, short off) ->
                dst + " = *(" + (signed ? "s" : "u") + bits(size) + " *)" + place(base, off);
            case Insn.Store(MemSize size, Reg base, short off, Operand src) ->
                "*(u" + bits(size) + " *)" + place(base, off) + " = " + src;
            case Insn.Atomic atomic -> atomic(atomic);
            case Insn.LoadImm64(Reg dst, ImmKind kind, long imm) -> dst + " = " + immediate(kind, imm);
            case Insn.LoadPacket(MemSize size, boolean indirect, Reg src, int imm) ->
                "r0 = *(u" + bits(size) + " *)skb[" + (indirect ? src + " + " : "") + imm + "]";
            case Insn.Jump(int off, boolean wide) -> (wide ? "gotol " : "goto ") + relative(off);
            case Insn.Branch(JumpOp op, Width width, Reg dst, Operand src, short off) ->
                "if " + reg(dst, width) + " " + op.symbol() + " " + compared(src, width) + " goto " + relative(off);
            case Insn.MayGoto(short off) -> "may_goto " + relative(off);
            case Insn.Call(Insn.CallKind kind, int imm, short off) ->
                switch (kind) {
                    case HELPER -> "call " + helper(imm) + "#" + imm;
                    case LOCAL -> "call " + relative(imm);
                    case KFUNC -> "call kfunc#" + imm + (off == 0 ? "" : ":" + off);
                };
            case Insn.CallX(Reg target) -> "callx " + target;
            case Insn.Exit() -> "exit";
            case Insn.AddrSpaceCast(Reg dst, Reg src, int imm) ->
                dst + " = addr_space_cast(" + src + ", " + (imm >>> 16) + ", " + (imm & 0xffff) + ")";
        };
    }

    private static String alu(Insn.Alu alu) {
        var dst = reg(alu.dst(), alu.width());
        var src = switch (alu.src()) {
            case Operand.OfReg(Reg reg) -> reg(reg, alu.width());
            case Operand.OfImm(int imm) -> Integer.toString(imm);
        };
        return switch (alu.op()) {
            case NEG -> dst + " = -" + dst;
            case MOVSX8, MOVSX16, MOVSX32 -> dst + " = (s" + alu.op().off() + ")" + src;
            default -> dst + " " + alu.op().symbol() + " " + src;
        };
    }

    private static String atomic(Insn.Atomic atomic) {
        var pointer = "(u" + bits(atomic.size()) + " *)" + place(atomic.base(), atomic.off());
        var name = (atomic.size() == MemSize.DW ? "atomic64_" : "atomic_")
                + atomic.op().name().toLowerCase(Locale.ROOT);
        var src = atomic.src();
        return switch (atomic.op()) {
            case ADD, OR, AND, XOR -> "lock *" + pointer + " " + atomic.op().symbol() + " " + src;
            case FETCH_ADD, FETCH_OR, FETCH_AND, FETCH_XOR, XCHG ->
                src + " = " + name + "(" + pointer + ", " + src + ")";
            case CMPXCHG -> "r0 = " + name + "(" + pointer + ", r0, " + src + ")";
            case LOAD_ACQ -> src + " = load_acquire(" + pointer + ")";
            case STORE_REL -> "store_release(" + pointer + ", " + src + ")";
        };
    }

    private static String immediate(ImmKind kind, long imm) {
        int low = (int) imm;
        int high = (int) (imm >>> 32);
        return switch (kind) {
            case NUMBER -> "0x" + Long.toHexString(imm);
            case MAP_FD -> "map[fd:" + low + "]" + more(high);
            case MAP_VALUE -> "map[fd:" + low + "][0]+" + high;
            case BTF_ID -> "btf[id:" + low + "]" + more(high);
            case FUNC -> "subprog[" + signed(low) + "]" + more(high);
            case MAP_IDX -> "map[idx:" + low + "]" + more(high);
            case MAP_IDX_VALUE -> "map[idx:" + low + "][0]+" + high;
        };
    }

    /** The high word where it has no meaning of its own, or is rarely used. */
    private static String more(int high) {
        return high == 0 ? "" : "@" + high;
    }

    private static String compared(Operand src, Width width) {
        return switch (src) {
            case Operand.OfReg(Reg reg) -> reg(reg, width);
            case Operand.OfImm(int imm) -> "0x" + Integer.toHexString(imm);
        };
    }

    private static String helper(int number) {
        return Helper.ofNumber(number).map(h -> "bpf_" + h.kernelName()).orElse("unknown");
    }

    private static String reg(Reg reg, Width width) {
        return (width == Width.W32 ? "w" : "r") + reg.number();
    }

    private static String place(Reg base, int off) {
        return "(" + base + " " + signed(off) + ")";
    }

    private static String relative(int off) {
        return "pc" + signed(off);
    }

    private static String signed(int number) {
        return number < 0 ? Integer.toString(number) : "+" + number;
    }

    private static int bits(MemSize size) {
        return size.bytes() * 8;
    }
}
