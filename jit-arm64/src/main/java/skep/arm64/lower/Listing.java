package skep.arm64.lower;

import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;
import skep.arm64.a64.Disassembler;
import skep.isa.DecodedProgram;
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
        var out = new StringBuilder();
        Optional<LineTable.Entry> line = Optional.empty();
        int word = 0;
        var marks = code.marks().iterator();
        Optional<MachineCode.Mark> mark = marks.hasNext() ? Optional.of(marks.next()) : Optional.empty();
        for (int slot = 0; slot <= program.size(); slot = slot == program.size() ? slot + 1 : program.next(slot)) {
            int begin = slot == program.size() ? code.words().length : code.wordOfSlot()[slot];
            while (mark.isPresent() && mark.get().word() <= begin) {
                words(out, code, word, mark.get().word(), address);
                word = mark.get().word();
                out.append("; -- ").append(mark.get().what()).append('\n');
                mark = marks.hasNext() ? Optional.of(marks.next()) : Optional.empty();
            }
            words(out, code, word, begin, address);
            word = begin;
            if (slot == program.size()) {
                break;
            }
            var at = lines.at(slot);
            if (at.isPresent() && (line.isEmpty() || !isSameLine(at.get(), line.get()))) {
                out.append("; ")
                        .append(at.get().source())
                        .append(':')
                        .append(at.get().line())
                        .append(": ");
                out.append(at.get().text().strip()).append('\n');
            }
            line = at;
            out.append("; ").append(slot).append(": ").append(skep.isa.Disassembler.text(program.at(slot)));
            out.append('\n');
        }
        return out.toString();
    }

    private static boolean isSameLine(LineTable.Entry a, LineTable.Entry b) {
        return a.line() == b.line() && a.source().equals(b.source());
    }

    /** The text of code of which only the words are known. */
    public static String of(int[] words, long address) {
        var out = new StringBuilder();
        words(
                out,
                new MachineCode(words, new int[0], java.util.List.of(), java.util.List.of()),
                0,
                words.length,
                address);
        return out.toString();
    }

    private static void words(StringBuilder out, MachineCode code, int from, int to, long address) {
        for (int at = from; at < to; at++) {
            int word = code.words()[at];
            out.append(String.format(
                    Locale.ROOT,
                    "%8x:  %02x %02x %02x %02x  %s%n",
                    address + at * 4L,
                    word & 0xff,
                    word >> 8 & 0xff,
                    word >> 16 & 0xff,
                    word >>> 24,
                    Disassembler.disassemble(word, address + at * 4L)));
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
