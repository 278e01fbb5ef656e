package skep.arm64.lower;

import java.util.List;

/**
 * A64 code of one program, position-independent but for the absolute addresses of helpers and maps in it.
 *
 * @param words the instructions
 * @param wordOfSlot for each slot of the bytecode the word where its code begins; one more entry for the end
 * @param functions word index of each function's first instruction, the entry first
 */
public record MachineCode(int[] words, int[] wordOfSlot, List<FunctionStart> functions) {
    public MachineCode {
        functions = List.copyOf(functions);
    }

    public int sizeBytes() {
        return words.length * 4;
    }

    /** Where the code of the function that begins at a slot begins. */
    public record FunctionStart(int slot, int word) {}

    /** The slot whose code a word belongs to; -1 for what belongs to none (the checks' common end). */
    public int slotOfWord(int word) {
        int low = 0;
        int high = wordOfSlot.length - 1;
        while (low < high) {
            int middle = (low + high + 1) >>> 1;
            if (wordOfSlot[middle] <= word) {
                low = middle;
            } else {
                high = middle - 1;
            }
        }
        return low == wordOfSlot.length - 1 ? -1 : low;
    }
}
