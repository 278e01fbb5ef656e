package skep.vm.verifier;

import skep.isa.Bytecode;
import skep.isa.Disassembler;
import skep.isa.InsnCodec;
import skep.isa.InvalidInsnException;

/** One slot in the kernel's notation, whatever it holds. */
final class InsnText {
    private InsnText() {}

    static String of(Bytecode code, int slot) {
        var prefix = "(%02x) ".formatted(code.opcode(slot));
        try {
            return prefix + Disassembler.text(InsnCodec.decode(code, slot));
        } catch (InvalidInsnException | IllegalArgumentException | IndexOutOfBoundsException e) {
            return prefix + "BUG_%02x".formatted(code.opcode(slot));
        }
    }
}
