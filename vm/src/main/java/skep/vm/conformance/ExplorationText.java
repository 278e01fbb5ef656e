package skep.vm.conformance;

import java.util.Locale;
import skep.isa.Bytecode;
import skep.isa.Disassembler;
import skep.isa.InsnCodec;
import skep.isa.InvalidInsnException;
import skep.isa.object.LineTable;
import skep.vm.verifier.Verdict;

/** Draws what a verification cost: every instruction with a bar for how often it was stepped, by source line where known. */
final class ExplorationText {
    private static final int BAR = 30;

    private ExplorationText() {}

    static String of(String name, Bytecode code, LineTable lines, Verdict verdict) {
        var text = new StringBuilder();
        var stats = verdict.stats();
        text.append("== ").append(name).append('\n');
        int most = 1;
        for (int i = 0; i < code.size(); i++) {
            most = Math.max(most, stats.visits().at(i));
        }
        int line = -1;
        for (int i = 0; i < code.size(); i++) {
            var entry = lines.at(i);
            if (entry.isPresent() && entry.get().line() != line) {
                line = entry.get().line();
                text.append(lineCost(code, lines, line, verdict))
                        .append(entry.get().text().strip())
                        .append('\n');
            }
            int visits = stats.visits().at(i);
            int length = (int) Math.ceil((double) BAR * visits / most);
            text.append(String.format(
                    Locale.ROOT, "%8d %-" + BAR + "s %5d: %s%n", visits, "#".repeat(length), i, insn(code, i)));
            if (code.opcode(i) == 0x18) {
                i++;
            }
        }
        if (verdict instanceof Verdict.Rejected rejected) {
            text.append(rejected.explanation());
        }
        return text.append(stats.insnsProcessed())
                .append(" instructions processed, ")
                .append(stats.totalStates())
                .append(" states kept, at most ")
                .append(stats.maxStatesPerInsn())
                .append(" at one instruction\n\n")
                .toString();
    }

    private static String lineCost(Bytecode code, LineTable lines, int line, Verdict verdict) {
        int cost = 0;
        for (int i = 0; i < code.size(); i++) {
            if (lines.at(i).filter(e -> e.line() == line).isPresent()) {
                cost += verdict.stats().visits().at(i);
            }
        }
        return "; line " + line + ", " + cost + " steps: ";
    }

    private static String insn(Bytecode code, int i) {
        try {
            return Disassembler.text(InsnCodec.decode(code, i));
        } catch (InvalidInsnException e) {
            return String.format(Locale.ROOT, "invalid instruction %016x", code.slot(i));
        }
    }
}
