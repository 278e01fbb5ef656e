package skep.vm.verifier;

import org.jspecify.annotations.Nullable;
import skep.isa.object.LineTable;

/**
 * The lines of the log about single steps, as the kernel writes them at levels 1 and 2: each instruction, and behind it
 * the registers and stack slots that it touched.
 */
final class StepText {
    private static final int ALIGNMENT = 40;
    private static final int MIN_ALIGNMENT = 8;

    private final Walker w;

    /** Whether the next line is the first of a path. */
    boolean fresh;

    private int touchedRegs = -1;
    private long touchedSlots = -1L;
    private long behindInsn;
    private int insnChars;
    private LineTable.@Nullable Entry line;

    StepText(Walker walker) {
        this.w = walker;
    }

    void touchReg(int regNo) {
        touchedRegs |= 1 << regNo;
    }

    void touchSlot(int spi) {
        touchedSlots |= 1L << spi;
    }

    void touchAll() {
        touchedRegs = -1;
        touchedSlots = -1L;
    }

    /** One piece of text, as it is; nothing at level 0. */
    void say(String text) {
        if (w.log.steps()) {
            w.log.append(text);
        }
    }

    private static String speculative(PathState state) {
        return state.speculative ? " (speculative execution)" : "";
    }

    void safe(int insn, int from, PathState state) {
        if (!w.log.steps()) {
            return;
        }
        if (fresh) {
            w.log.append("\nfrom " + from + " to " + insn + speculative(state) + ": safe\n");
        } else {
            w.log.append(insn + ": safe\n");
        }
    }

    /** Before an instruction is stepped. */
    void before(int insn, int from, PathState state) {
        if (!w.log.steps()) {
            return;
        }
        if (fresh && w.log.allPaths()) {
            w.log.append("\nfrom " + from + " to " + insn + speculative(state) + ":");
            all(state, state.depth());
            fresh = false;
        }
        if (touchedRegs != 0 || touchedSlots != 0) {
            changes(insn, state);
        }
        source(insn);
        long start = w.log.position();
        w.log.append(insn + ": " + InsnText.of(w.input, insn) + "\n");
        behindInsn = w.log.position();
        insnChars = (int) (behindInsn - start);
    }

    /** What was touched since it was last written: behind the instruction if nothing was written since, else by itself. */
    void changes(int insn, PathState state) {
        if (!w.log.steps()) {
            return;
        }
        if (behindInsn != 0 && behindInsn == w.log.position()) {
            w.log.cutTo(behindInsn - 1);
            int column = Math.max(insnChars + MIN_ALIGNMENT / 2, ALIGNMENT);
            int rounded = (column + MIN_ALIGNMENT - 1) / MIN_ALIGNMENT * MIN_ALIGNMENT;
            w.log.append(" ".repeat(rounded - insnChars - 1) + ";");
        } else {
            w.log.append(insn + ":");
        }
        w.log.append(StateText.of(state, state.depth(), touchedRegs, touchedSlots))
                .append('\n');
        touchedRegs = 0;
        touchedSlots = 0;
    }

    /** Everything known of a frame, and the end of the line. */
    void all(PathState state, int frame) {
        if (w.log.steps()) {
            w.log.append(StateText.of(state, frame)).append('\n');
        }
    }

    private void source(int insn) {
        var entry = w.input.lines().entries().isEmpty()
                ? null
                : w.input.lines().at(insn).orElse(null);
        var previous = line;
        if (entry == null || entry == previous) {
            return;
        }
        line = entry;
        if (previous != null
                && previous.line() == entry.line()
                && previous.source().equals(entry.source())) {
            return;
        }
        w.log.append("; " + entry.text().stripLeading() + " @ " + fileName(entry.source()) + ":" + entry.line() + "\n");
    }

    private static String fileName(String path) {
        return path.substring(path.lastIndexOf('/') + 1);
    }
}
