package skep.isa.object;

import java.util.List;
import java.util.Optional;

/** Which source made which instruction: entries sorted by slot, each valid up to the next. */
public record LineTable(List<Entry> entries) {
    public static final LineTable EMPTY = new LineTable(List.of());

    public LineTable {
        entries = List.copyOf(entries);
    }

    /**
     * @param insn first slot that this place made
     * @param source name of the source, for example {@code stdin} or a path
     * @param start offset of the first character
     * @param end offset behind the last character
     * @param line line number from 1
     * @param text the source line, without its end
     */
    public record Entry(int insn, String source, int start, int end, int line, String text) {}

    /** The place that made the instruction at this slot. */
    public Optional<Entry> at(int insn) {
        Entry found = null;
        for (var entry : entries) {
            if (entry.insn() > insn) {
                break;
            }
            found = entry;
        }
        return Optional.ofNullable(found);
    }
}
