package skep.arm64.lower;

import java.util.List;
import java.util.function.IntToLongFunction;
import skep.arm64.a64.Assembler.External;

/**
 * A64 code of one program, position-independent but for the absolute addresses of helpers and maps in it and for {@code externals}.
 *
 * @param words the instructions
 * @param wordOfSlot for each slot of the bytecode the word where its code begins; one more entry for the end
 * @param functions word index of each function's first instruction, the entry first
 * @param marks what lies apart from the instruction that needs it, by ascending word
 * @param externals branches to addresses outside, whose distances are not filled in yet
 */
public record MachineCode(
        int[] words, int[] wordOfSlot, List<FunctionStart> functions, List<Mark> marks, List<External> externals) {
    /** Slot of a mark that belongs to no instruction. */
    public static final int NO_SLOT = -1;

    /** Width of the distance of {@code b} and {@code bl}, in words. */
    private static final int BRANCH_BITS = 26;

    public MachineCode {
        functions = List.copyOf(functions);
        marks = List.copyOf(marks);
        externals = List.copyOf(externals);
    }

    /**
     * The code for a place: branches to outside are filled in.
     *
     * @param addressOfWord where each word lies
     * @throws UnsupportedInsnException if one does not reach
     */
    public MachineCode placed(IntToLongFunction addressOfWord) {
        if (externals.isEmpty()) {
            return this;
        }
        int[] placed = words.clone();
        for (var external : externals) {
            long distance = external.address() - addressOfWord.applyAsLong(external.word()) >> 2;
            if (distance != distance << 64 - BRANCH_BITS >> 64 - BRANCH_BITS) {
                throw new UnsupportedInsnException(
                        slotOfWord(external.word()),
                        "its call of 0x" + Long.toHexString(external.address()) + " is too far");
            }
            placed[external.word()] |= (int) distance & (1 << BRANCH_BITS) - 1;
        }
        return new MachineCode(placed, wordOfSlot, functions, marks, List.of());
    }

    public int sizeBytes() {
        return words.length * 4;
    }

    /** Where the code of the function that begins at a slot begins. */
    public record FunctionStart(int slot, int word) {}

    /**
     * From this word on, up to the next mark or slot, lies something apart: a prologue, a slow path.
     *
     * @param slot of the instruction that it serves, or {@link #NO_SLOT}
     */
    public record Mark(int word, int slot, String what) {}

    /** The slot whose code a word belongs to; {@link #NO_SLOT} for what belongs to none. */
    public int slotOfWord(int word) {
        int low = -1;
        int high = wordOfSlot.length - 1;
        while (low < high) {
            int middle = (low + high + 1) >>> 1;
            if (wordOfSlot[middle] <= word) {
                low = middle;
            } else {
                high = middle - 1;
            }
        }
        int begins = low < 0 ? -1 : wordOfSlot[low];
        boolean behindAll = low == wordOfSlot.length - 1;
        for (int i = marks.size() - 1; i >= 0; i--) {
            var mark = marks.get(i);
            // Behind an instruction that made no code, its own begins where the mark is.
            if (mark.word() <= word && mark.word() >= begins) {
                return mark.slot();
            }
        }
        return behindAll ? NO_SLOT : low;
    }
}
