package skep.isa;

/** The second operand of an arithmetic, jump or store instruction: a register or a 32-bit immediate. */
public sealed interface Operand {
    static Operand of(Reg reg) {
        return new OfReg(reg);
    }

    static Operand of(int imm) {
        return new OfImm(imm);
    }

    /** A register operand ({@code BPF_X}). */
    record OfReg(Reg reg) implements Operand {
        @Override
        public String toString() {
            return reg.toString();
        }
    }

    /** An immediate operand ({@code BPF_K}), sign-extended to 64 bits when the operation is 64 bits wide. */
    record OfImm(int imm) implements Operand {
        @Override
        public String toString() {
            return Integer.toString(imm);
        }
    }
}
