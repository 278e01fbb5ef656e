package skep.arm64.lower;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import skep.arm64.a64.Encoding;
import skep.arm64.lower.LoweringOptions.Hints;
import skep.isa.Bytecode;
import skep.isa.DecodedProgram;
import skep.isa.Insn;
import skep.isa.InvalidInsnException;
import skep.target.MachineImage;

/**
 * A kernel's code beside ours: the kernel's bytecode is lowered in Linux's style with the addresses that the kernel's code holds, so that
 * each word of the one is a word of the other.
 *
 * @param program the kernel's bytecode
 * @param code the kernel's words, with our marks and places of the bytecode's instructions
 * @param styled ours in the kernel's style
 * @param own ours as Skep writes it, calling and loading the same addresses
 * @param differing the words in which the first two differ
 */
public record KernelImage(
        DecodedProgram program, MachineCode code, MachineCode styled, MachineCode own, int[] differing) {
    /** Of each eight bytes of bytecode the offset field of a call, which the kernel uses for itself. */
    private static final long CALL_OFF_MASK = 0xffff_0000L;

    private static final int ENTRY_WORDS = 5;
    private static final int CALL_OPCODE = 0x85;
    private static final int PSEUDO_CALL = 1;

    /** Lays the two on each other; empty if they are not of one length: the kernel's JIT is another one. */
    public static Optional<KernelImage> of(MachineImage image) {
        DecodedProgram program;
        try {
            program = DecodedProgram.of(normal(image.xlated()));
        } catch (InvalidInsnException unknown) {
            return Optional.empty();
        }
        int[] words = Listing.words(image.code());
        var candidates = new ArrayList<KernelImage>();
        for (boolean lse : new boolean[] {true, false}) {
            var options = LoweringOptions.VERIFIED
                    .withStyle(LoweringOptions.Style.LINUX_6_1)
                    .withLse(lse)
                    .withHints(hints(words));
            try {
                var calls = new ImageCalls(program, words, image);
                var styled = Lowering.lower(program, options, calls);
                if (styled.words().length == words.length) {
                    var own = Lowering.lower(program, options.withStyle(LoweringOptions.Style.SKEP), calls);
                    candidates.add(laidOn(program, styled, own, words));
                }
            } catch (UnsupportedInsnException notInThisStyle) {
                // Then none of this style.
            }
        }
        return candidates.stream().min(java.util.Comparator.comparingInt(one -> one.differing.length));
    }

    /** Which hints the kernel was built with. */
    private static Hints hints(int[] words) {
        if (Encoding.BTI_C.matches(words[0])) {
            return Hints.BTI_AND_PAC;
        }
        return java.util.Arrays.stream(words).limit(ENTRY_WORDS).anyMatch(Encoding.PACIASP::matches)
                ? Hints.PAC
                : Hints.NONE;
    }

    private static KernelImage laidOn(DecodedProgram program, MachineCode ours, MachineCode own, int[] words) {
        var differing = new ArrayList<Integer>();
        for (int i = 0; i < words.length; i++) {
            if (words[i] != ours.words()[i]) {
                differing.add(i);
            }
        }
        return new KernelImage(
                program,
                new MachineCode(words, ours.wordOfSlot(), ours.functions(), ours.marks()),
                ours,
                own,
                differing.stream().mapToInt(Integer::intValue).toArray());
    }

    /** The bytecode without what the kernel keeps in the offset field of calls. */
    public static Bytecode normal(Bytecode xlated) {
        var slots = xlated.slots();
        for (int i = 0; i < slots.length; i++) {
            boolean local = (slots[i] & 0xff) == CALL_OPCODE && (slots[i] >>> 12 & 0xf) == PSEUDO_CALL;
            if (local) {
                slots[i] &= ~CALL_OFF_MASK;
            }
        }
        return Bytecode.of(slots);
    }

    /** What a kernel's code calls and loads, read out of the code itself. */
    private static final class ImageCalls implements Calls {
        private final DecodedProgram program;
        private final int[] words;
        private final MachineImage image;
        /** What was found at each slot of a call or load. */
        private final Map<Integer, Long> found = new HashMap<>();

        private int at;

        ImageCalls(DecodedProgram program, int[] words, MachineImage image) {
            this.program = program;
            this.words = words;
            this.image = image;
        }

        @Override
        public void at(int slot, Insn insn, int word) {
            at = word;
        }

        @Override
        public CallTarget target(int slot) {
            return new CallTarget(moved(slot), CallTarget.NO_NUMBER);
        }

        @Override
        public long throughRegister() {
            return 0;
        }

        @Override
        public long immediate(int slot) {
            if (program.at(slot) instanceof Insn.LoadImm64 load && load.kind() == Insn.ImmKind.NUMBER) {
                return load.imm();
            }
            return moved(slot);
        }

        /** A function that is called: where, the instruction at hand says. */
        @Override
        public long functionAddress(int functionSlot) {
            return moved().orElse(0);
        }

        private long moved(int slot) {
            return found.computeIfAbsent(slot, _ -> moved().orElse(0));
        }

        /** The number that wide moves put into one register from here on. */
        private OptionalLong moved() {
            if (at >= words.length || !(Encoding.MOVZ.matches(words[at]) || Encoding.MOVN.matches(words[at]))) {
                return OptionalLong.empty();
            }
            boolean inverse = Encoding.MOVN.matches(words[at]);
            int register = Encoding.MOVZ.field(words[at], 'd');
            boolean wide = Encoding.MOVZ.field(words[at], 's') == 1;
            long value = (long) Encoding.MOVZ.field(words[at], 'i') << 16 * Encoding.MOVZ.field(words[at], 'h');
            value = inverse ? ~value : value;
            for (int i = at + 1;
                    i < words.length
                            && Encoding.MOVK.matches(words[i])
                            && Encoding.MOVK.field(words[i], 'd') == register;
                    i++) {
                int shift = 16 * Encoding.MOVK.field(words[i], 'h');
                value = value & ~(0xffffL << shift) | (long) Encoding.MOVK.field(words[i], 'i') << shift;
            }
            return OptionalLong.of(wide ? value : value & 0xffff_ffffL);
        }

        /** The subtraction from the stack pointer in the function's prologue. */
        @Override
        public int stackBytes(int functionSlot) {
            int function = program.functionAt(functionSlot);
            int from = 0;
            for (int i = 0; i < function && i < image.functionBytes().size(); i++) {
                from += image.functionBytes().get(i) / 4;
            }
            for (int i = from; i < words.length; i++) {
                var row = Encoding.SUB_IMM;
                if (row.matches(words[i]) && row.field(words[i], 'd') == 31 && row.field(words[i], 'n') == 31) {
                    return row.field(words[i], 'i');
                }
            }
            return 0;
        }
    }
}
