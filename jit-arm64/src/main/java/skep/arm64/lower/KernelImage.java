package skep.arm64.lower;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.function.IntToLongFunction;
import java.util.stream.IntStream;
import skep.arm64.a64.Encoding;
import skep.arm64.lower.LoweringOptions.Hints;
import skep.arm64.lower.LoweringOptions.Style;
import skep.isa.DecodedProgram;
import skep.isa.InvalidInsnException;
import skep.isa.Xlated;
import skep.isa.object.LineTable;
import skep.target.MachineImage;

/**
 * A kernel's code beside ours: the kernel's bytecode is lowered in Linux's styles with the addresses that the kernel's code holds, so that
 * each word of the one is a word of the other. Of the styles the one is taken that differs in the fewest words.
 *
 * @param style whose it is
 * @param bytecode the kernel's
 * @param program the same, decoded
 * @param code the kernel's words, with our marks and places of the bytecode's instructions
 * @param styled ours in the kernel's style
 * @param own ours as Skep writes it, calling and loading the same addresses
 * @param differing the words in which the first two differ
 * @param addressOfWord where each of the kernel's words lies
 */
public record KernelImage(
        Style style,
        Xlated bytecode,
        DecodedProgram program,
        MachineCode code,
        MachineCode styled,
        MachineCode own,
        int[] differing,
        IntToLongFunction addressOfWord) {
    private static final int ENTRY_WORDS = 5;

    /** One of the three codes with the bytecode; addresses are the kernel's, or of our own code at the same place. */
    public String listing(MachineCode shown, LineTable lines) {
        long first = addressOfWord.applyAsLong(0);
        return Listing.of(
                shown, program, bytecode::text, lines, shown == own ? word -> first + 4L * word : addressOfWord);
    }

    /** Lays the two on each other; empty if they are not of one length: the kernel's JIT is another one. */
    public static Optional<KernelImage> of(MachineImage image) {
        var xlated = Xlated.of(image.xlated());
        DecodedProgram program;
        try {
            program = DecodedProgram.of(xlated.plain());
        } catch (InvalidInsnException unknown) {
            return Optional.empty();
        }
        int[] words = Listing.words(image.code());
        var candidates = new ArrayList<KernelImage>();
        for (var style : List.of(Style.LINUX_6_1, Style.LINUX_6_12)) {
            for (boolean lse : new boolean[] {true, false}) {
                var options =
                        LoweringOptions.VERIFIED.withStyle(style).withLse(lse).withHints(hints(words));
                try {
                    var calls = new ImageCalls(xlated, program, words, image, style);
                    var styled = Lowering.lower(program, options, calls).placed(calls::addressOfWord);
                    if (styled.words().length == words.length) {
                        long first = calls.addressOfWord(0);
                        var own = Lowering.lower(program, options.withStyle(Style.SKEP), calls)
                                .placed(word -> first + 4L * word);
                        candidates.add(laidOn(style, xlated, program, styled, own, words, calls::addressOfWord));
                    }
                } catch (UnsupportedInsnException notInThisStyle) {
                    // Then none of this style.
                }
            }
        }
        return candidates.stream().min(Comparator.comparingInt(one -> one.differing.length));
    }

    /** Where each word of the kernel's code lies. */
    public static IntToLongFunction addresses(MachineImage image) {
        return word -> ImageCalls.addressOfWord(image, word);
    }

    /** Which hints the kernel was built with. */
    private static Hints hints(int[] words) {
        if (Encoding.BTI_C.matches(words[0]) || Encoding.BTI_JC.matches(words[0])) {
            return Hints.BTI_AND_PAC;
        }
        return IntStream.of(words).limit(ENTRY_WORDS).anyMatch(Encoding.PACIASP::matches) ? Hints.PAC : Hints.NONE;
    }

    private static KernelImage laidOn(
            Style style,
            Xlated bytecode,
            DecodedProgram program,
            MachineCode ours,
            MachineCode own,
            int[] words,
            IntToLongFunction addressOfWord) {
        int[] differing = IntStream.range(0, words.length)
                .filter(i -> words[i] != ours.words()[i])
                .toArray();
        return new KernelImage(
                style,
                bytecode,
                program,
                new MachineCode(words, ours.wordOfSlot(), ours.functions(), ours.marks(), List.of()),
                ours,
                own,
                differing,
                addressOfWord);
    }
}
