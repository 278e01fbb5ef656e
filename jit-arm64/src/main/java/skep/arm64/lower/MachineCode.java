package skep.arm64.lower;

import java.util.List;

/**
 * A64 code of one program, position-independent but for the absolute addresses of helpers and maps in it.
 *
 * @param words the instructions
 * @param wordOfSlot for each slot of the bytecode the word where its code begins; one more entry for the end
 * @param functions word index of each function's first instruction, the entry first
 * @param marks what lies apart from the instruction that needs it, by ascending word
 */
public record MachineCode(int[] words, int[] wordOfSlot, List<FunctionStart> functions, List<Mark> marks) {
    /** Slot of a mark that belongs to no instruction. */
    public static final int NO_SLOT = -1;

    public MachineCode {
        functions = List.copyOf(functions);
        marks = List.copyOf(marks);
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
