package skep.arm64.lower;

import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.IntFunction;
import java.util.function.IntToLongFunction;
import skep.isa.DecodedProgram;
import skep.isa.Disassembler;
import skep.isa.object.LineTable;

/**
 * Code to read: source line, bytecode, bytes and A64 below one another.
 *
 * <pre>
 * ; stdin:1: kprobe:vfs_read { @ = count(); }
 * ; 3: r2 = r10
 *       10:  e1 83 00 91  add x1, sp, #32
 * </pre>
 */
public final class Listing {
    private Listing() {}

    /**
     * The text.
     *
     * @param address where the code lies, for targets of branches and calls; 0 if nowhere yet
     */
    public static String of(MachineCode code, DecodedProgram program, LineTable lines, long address) {
        return of(code, program, slot -> Disassembler.text(program.at(slot)), lines, word -> address + word * 4L);
    }

    /**
     * The text.
     *
     * @param bytecode each slot's instruction as text
     * @param addressOfWord where each word lies
     */
    public static String of(
            MachineCode code,
            DecodedProgram program,
            IntFunction<String> bytecode,
            LineTable lines,
            IntToLongFunction addressOfWord) {
        var out = new StringBuilder();
        Optional<LineTable.Entry> line = Optional.empty();
        int word = 0;
        var marks = code.marks().iterator();
        Optional<MachineCode.Mark> mark = marks.hasNext() ? Optional.of(marks.next()) : Optional.empty();
        for (int slot = 0; slot <= program.size(); slot = slot == program.size() ? slot + 1 : program.next(slot)) {
            int begin = slot == program.size() ? code.words().length : code.wordOfSlot()[slot];
            while (mark.isPresent() && mark.get().word() <= begin) {
                words(out, code.words(), word, mark.get().word(), addressOfWord);
                word = mark.get().word();
                out.append("; -- ").append(mark.get().what()).append('\n');
                mark = marks.hasNext() ? Optional.of(marks.next()) : Optional.empty();
            }
            words(out, code.words(), word, begin, addressOfWord);
            word = begin;
            if (slot == program.size()) {
                break;
            }
            var at = lines.at(slot);
            source(out, at, line);
            line = at;
            out.append("; ").append(slot).append(": ").append(bytecode.apply(slot));
            out.append('\n');
        }
        return out.toString();
    }

    private static boolean isSameLine(LineTable.Entry a, LineTable.Entry b) {
        return a.line() == b.line() && a.source().equals(b.source());
    }

    /**
     * The text of code of which the bytecode's places are not known, but perhaps those of source lines.
     *
     * @param lineAddresses where the code of each entry of {@code lines} lies; empty if nobody knows
     */
    public static String of(int[] words, IntToLongFunction addressOfWord, LineTable lines, List<Long> lineAddresses) {
        var entryAt = new HashMap<Long, LineTable.Entry>();
        for (int i = 0; i < lineAddresses.size(); i++) {
            entryAt.put(lineAddresses.get(i), lines.entries().get(i));
        }
        var out = new StringBuilder();
        Optional<LineTable.Entry> line = Optional.empty();
        for (int word = 0; word < words.length; word++) {
            var at = Optional.ofNullable(entryAt.get(addressOfWord.applyAsLong(word)));
            if (at.isPresent()) {
                source(out, at, line);
                line = at;
            }
            words(out, words, word, word + 1, addressOfWord);
        }
        return out.toString();
    }

    /** A line of the source, unless it is the one that was shown last. */
    private static void source(StringBuilder out, Optional<LineTable.Entry> at, Optional<LineTable.Entry> shown) {
        if (at.isPresent() && (shown.isEmpty() || !isSameLine(at.get(), shown.get()))) {
            var entry = at.get();
            out.append("; ")
                    .append(entry.source())
                    .append(':')
                    .append(entry.line())
                    .append(": ");
            out.append(entry.text().strip()).append('\n');
        }
    }

    private static void words(StringBuilder out, int[] words, int from, int to, IntToLongFunction addressOfWord) {
        for (int at = from; at < to; at++) {
            int word = words[at];
            long address = addressOfWord.applyAsLong(at);
            out.append(String.format(
                    Locale.ROOT,
                    "%8x:  %02x %02x %02x %02x  %s%n",
                    address,
                    word & 0xff,
                    word >> 8 & 0xff,
                    word >> 16 & 0xff,
                    word >>> 24,
                    skep.arm64.a64.Disassembler.disassemble(word, address)));
        }
    }

    /** The machine code of an image, four bytes a word. */
    public static int[] words(byte[] image) {
        var words = new int[image.length / 4];
        Arrays.setAll(
                words,
                i -> image[4 * i] & 0xff
                        | (image[4 * i + 1] & 0xff) << 8
                        | (image[4 * i + 2] & 0xff) << 16
                        | image[4 * i + 3] << 24);
        return words;
    }
}
