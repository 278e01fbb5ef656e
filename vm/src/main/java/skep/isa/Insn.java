package skep.isa;

/**
 * A decoded instruction. The permitted records are the table of contents of the instruction set
 * (RFC 9669, with the kernel's extensions up to Linux 6.18).
 *
 * <p>Jump offsets count slots and are relative to the slot after the instruction.
 */
public sealed interface Insn {
    /** How many 8-byte slots the instruction occupies: 1 or 2. */
    default int slots() {
        return 1;
    }

    /** {@code dst = dst op src}; for {@code MOV} and {@code MOVSX*} {@code dst = src}; for {@code NEG} {@code dst = -dst}. */
    record Alu(AluOp op, Width width, Reg dst, Operand src) implements Insn {}

    /** Byte order operations (RFC 9669 section 4.2); {@code bits} is 16, 32 or 64. */
    record Swap(Order order, int bits, Reg dst) implements Insn {
        public enum Order {
            /** To little-endian, truncating. */
            LE,
            /** To big-endian, truncating. */
            BE,
            /** Unconditional swap (class ALU64). */
            BSWAP
        }
    }

    /** {@code dst = *(size *)(base + off)}, sign-extended when {@code signed}. */
    record Load(MemSize size, boolean signed, Reg dst, Reg base, short off) implements Insn {}

    /** {@code *(size *)(base + off) = src}. */
    record Store(MemSize size, Reg base, short off, Operand src) implements Insn {}

    /** An atomic read-modify-write, load-acquire ({@code src} is the destination then) or store-release. */
    record Atomic(AtomicOp op, MemSize size, Reg base, short off, Reg src) implements Insn {}

    /** A 64-bit immediate load of two slots; what {@code imm} means depends on {@code kind}. */
    record LoadImm64(Reg dst, ImmKind kind, long imm) implements Insn {
        @Override
        public int slots() {
            return 2;
        }
    }

    /** The pseudo source register of a 64-bit immediate load (RFC 9669 section 5.4). */
    enum ImmKind {
        /** A plain number. */
        NUMBER,
        /** Low word: map fd. */
        MAP_FD,
        /** Low word: map fd; high word: offset into the map's first value. */
        MAP_VALUE,
        /** Low word: BTF id of a variable; high word: fd of the module's BTF. */
        BTF_ID,
        /** Low word: relative slot of a function. */
        FUNC,
        /** Low word: index into the fd array. */
        MAP_IDX,
        /** Low word: index into the fd array; high word: offset into the value. */
        MAP_IDX_VALUE
    }

    /** Legacy packet access: {@code r0 = ntoh(*(size *)(skb->data + imm [+ src]))}. */
    record LoadPacket(MemSize size, boolean indirect, Reg src, int imm) implements Insn {}

    /** An unconditional jump; {@code wide} is the form with a 32-bit offset ({@code gotol}). */
    record Jump(int off, boolean wide) implements Insn {}

    /** A conditional jump. */
    record Branch(JumpOp op, Width width, Reg dst, Operand src, short off) implements Insn {}

    /** Jumps by {@code off} once the loop budget of the program is used up ({@code may_goto}, Linux 6.9). */
    record MayGoto(short off) implements Insn {}

    /** A call; for {@code LOCAL} {@code imm} is the relative slot of the callee. */
    record Call(CallKind kind, int imm, short off) implements Insn {}

    /** What a call calls. */
    enum CallKind {
        /** A helper by number. */
        HELPER,
        /** Another function of the same program. */
        LOCAL,
        /** A kernel function by BTF id ({@code off}: index of the module's BTF in the fd array). */
        KFUNC
    }

    /** A call through a register ({@code callx}); assembled by LLVM, refused by the kernel. */
    record CallX(Reg target) implements Insn {}

    record Exit() implements Insn {}

    /** {@code dst = addr_space_cast(src, to, from)}: arenas, Linux 6.9. */
    record AddrSpaceCast(Reg dst, Reg src, int imm) implements Insn {}
}
