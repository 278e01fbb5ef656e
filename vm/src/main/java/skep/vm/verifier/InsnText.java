package skep.vm.verifier;

import skep.isa.Bytecode;
import skep.isa.Disassembler;
import skep.isa.InsnCodec;
import skep.isa.InvalidInsnException;

/** One slot in the kernel's notation, whatever it holds. */
final class InsnText {
    private InsnText() {}

    /** As the kernel's log shows it: addresses as zero, kernel functions by name. */
    static String of(VerifierInput input, int slot) {
        var code = input.code();
        int opcode = code.opcode(slot);
        int src = code.src(slot);
        if (opcode == Code.LD_IMM64 && slot + 1 < code.size()) {
            long value = code.imm(slot) & 0xffff_ffffL | (long) code.imm(slot + 1) << 32;
            boolean address = src != 0 && src != Code.PSEUDO_FUNC;
            return "(18) r%d = 0x%x".formatted(code.dst(slot), address ? 0 : value);
        }
        if (opcode == (Code.JMP | Code.CALL) && src == Code.PSEUDO_KFUNC_CALL) {
            var name = input.kfuncs().get(code.imm(slot));
            return "(85) call " + (name == null ? "" : name) + "#" + code.imm(slot);
        }
        return of(code, slot);
    }

    static String of(Bytecode code, int slot) {
        var prefix = "(%02x) ".formatted(code.opcode(slot));
        try {
            return prefix + Disassembler.text(InsnCodec.decode(code, slot));
        } catch (InvalidInsnException | IllegalArgumentException | IndexOutOfBoundsException e) {
            return prefix + "BUG_%02x".formatted(code.opcode(slot));
        }
    }
}
