package skep.vm.conformance;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import skep.isa.Bytecode;
import skep.isa.Disassembler;
import skep.isa.InsnCodec;
import skep.isa.InvalidInsnException;
import skep.isa.object.LineTable;
import skep.vm.verifier.Exploration;
import skep.vm.verifier.Verdict;
import skep.vm.verifier.VerifierInput;

/**
 * Draws what a verification cost and why: by source line, by loop, by branch, then the tree of paths with equal ones folded,
 * then every instruction with how often it was stepped.
 */
final class ExplorationText {
    private static final int BAR = 30;
    private static final int MOST_ROWS = 12;
    private static final int MOST_TREE_LINES = 60;
    private static final int MOST_TREE_DEPTH = 12;
    private static final int JMP = 5;
    private static final int JMP32 = 6;

    private final StringBuilder text = new StringBuilder();
    private final Bytecode code;
    private final LineTable lines;
    private final Verdict verdict;
    private final int all;

    private ExplorationText(VerifierInput input, Verdict verdict) {
        this.code = input.code();
        this.lines = input.lines();
        this.verdict = verdict;
        this.all = Math.max(1, verdict.stats().insnsProcessed());
    }

    static String of(String name, VerifierInput input, Verdict verdict) {
        return new ExplorationText(input, verdict).draw(name);
    }

    private String draw(String name) {
        var stats = verdict.stats();
        text.append("== ").append(name).append('\n');
        if (verdict instanceof Verdict.Rejected rejected) {
            text.append(rejected.explanation());
        }
        text.append(
                "%,d instructions processed of 1,000,000 allowed, %,d paths, %,d states kept, at most %,d at one slot%n"
                        .formatted(
                                stats.insnsProcessed(),
                                stats.paths().total(),
                                stats.totalStates(),
                                stats.maxStatesPerInsn()));
        var loops = loops();
        var branches = branches();
        verdictInWords(loops, branches);
        byLine();
        table("by loop", loops);
        table("by branch: paths that it put aside, and what was processed on them", branches);
        tree();
        listing();
        return text.append('\n').toString();
    }

    /** A row of a table: what, how much, and what to add. */
    private record Cost(int insn, String what, long insns, long count) {}

    // ---- where ----

    private String place(int insn) {
        return lines.at(insn)
                .map(e -> "line " + e.line() + ": " + e.text().strip())
                .orElseGet(() -> "slot " + insn + ": " + insn(insn));
    }

    private void byLine() {
        var sums = new LinkedHashMap<Integer, Long>();
        var texts = new HashMap<Integer, String>();
        for (int i = 0; i < code.size(); i++) {
            var entry = lines.at(i);
            if (entry.isPresent()) {
                sums.merge(entry.get().line(), (long) verdict.stats().visits().at(i), Long::sum);
                texts.putIfAbsent(entry.get().line(), entry.get().text().strip());
            }
        }
        var rows = new ArrayList<Cost>();
        sums.forEach((line, cost) -> rows.add(new Cost(line, "line " + line + ": " + texts.get(line), cost, 0)));
        rows.sort(Comparator.comparingLong(Cost::insns).reversed());
        table("by source line", rows);
    }

    /** What lies between a jump back and where it goes. */
    private List<Cost> loops() {
        var rows = new ArrayList<Cost>();
        for (int i = 0; i < code.size(); i++) {
            int target = target(i);
            if (target >= 0 && target <= i) {
                long cost = 0;
                for (int k = target; k <= i; k++) {
                    cost += verdict.stats().visits().at(k);
                }
                int rounds = verdict.stats().visits().at(i);
                rows.add(new Cost(
                        target,
                        "slots %d to %d, %,d rounds; it begins at %s".formatted(target, i, rounds, place(target)),
                        cost,
                        rounds));
            }
        }
        rows.sort(Comparator.comparingLong(Cost::insns).reversed());
        return rows;
    }

    private List<Cost> branches() {
        var count = new HashMap<Integer, Integer>();
        var cost = new HashMap<Integer, Long>();
        for (var path : verdict.stats().paths().paths()) {
            if (path.parent() >= 0) {
                count.merge(path.from(), 1, Integer::sum);
                cost.merge(path.from(), (long) path.insns(), Long::sum);
            }
        }
        var rows = new ArrayList<Cost>();
        count.forEach((from, n) -> rows.add(
                new Cost(from, "%,d paths put aside at %s".formatted(n, place(from)), cost.getOrDefault(from, 0L), n)));
        rows.sort(Comparator.comparingLong(Cost::insns).reversed());
        return rows;
    }

    /** The slot that a jump goes to, -1 for what is no jump within a function. */
    private int target(int insn) {
        int cls = code.opcode(insn) & 7;
        int operation = code.opcode(insn) & 0xf0;
        if ((cls != JMP && cls != JMP32) || operation == 0x80 || operation == 0x90) {
            return -1;
        }
        boolean far = cls == JMP32 && operation == 0;
        return insn + 1 + (far ? code.imm(insn) : code.off(insn));
    }

    // ---- words ----

    private void verdictInWords(List<Cost> loops, List<Cost> branches) {
        if (!loops.isEmpty() && loops.getFirst().insns() * 2 > all) {
            text.append("Most of it, %d %%, is the loop of %s%n"
                    .formatted(
                            loops.getFirst().insns() * 100 / all,
                            loops.getFirst().what()));
        }
        if (!branches.isEmpty() && branches.getFirst().insns() * 4 > all) {
            text.append("%d %% were processed on %s%n"
                    .formatted(
                            branches.getFirst().insns() * 100 / all,
                            branches.getFirst().what()));
        }
    }

    private void table(String title, List<Cost> rows) {
        if (rows.isEmpty()) {
            return;
        }
        text.append("-- ").append(title).append('\n');
        for (var row : rows.subList(0, Math.min(MOST_ROWS, rows.size()))) {
            text.append("%,10d %3d %% %s%n".formatted(row.insns(), row.insns() * 100 / all, row.what()));
        }
        if (rows.size() > MOST_ROWS) {
            text.append("           and %d more%n".formatted(rows.size() - MOST_ROWS));
        }
    }

    // ---- the tree ----

    /** Paths that begin, end and go on alike are one. */
    private static final class Branch {
        int count;
        long insns;
        long below;
        final Map<String, Branch> further = new LinkedHashMap<>();
    }

    private void tree() {
        var paths = verdict.stats().paths().paths();
        if (paths.size() < 2) {
            return;
        }
        var root = new Branch();
        var folded = new Branch[paths.size()];
        for (int i = 0; i < paths.size(); i++) {
            var path = paths.get(i);
            var parent = path.parent() < 0 ? root : folded[path.parent()];
            folded[i] = parent.further.computeIfAbsent(label(path), key -> new Branch());
            folded[i].count++;
            folded[i].insns += path.insns();
        }
        sum(root);
        text.append("-- the tree of paths: × how many alike, instructions on them, and with those put aside there\n");
        int[] left = {MOST_TREE_LINES};
        root.further.forEach((label, branch) -> draw(label, branch, 0, left));
        if (left[0] <= 0) {
            text.append("   … and more\n");
        }
    }

    private static long sum(Branch branch) {
        branch.below = branch.insns;
        for (var next : branch.further.values()) {
            branch.below += sum(next);
        }
        return branch.below;
    }

    private static String label(Exploration.Path path) {
        var end = switch (path.end()) {
            case EXIT -> "to the exit at " + path.last();
            case PRUNED -> "as explored before at " + path.last();
            case REFUSED -> "REFUSED at " + path.last();
            case NOT_WALKED -> "not walked any more";
        };
        return (path.parent() < 0 ? "from " + path.start() : "from " + path.from() + " to " + path.start()) + ", "
                + end;
    }

    private void draw(String label, Branch branch, int depth, int[] left) {
        if (left[0]-- <= 0) {
            return;
        }
        text.append("   ").append("│ ".repeat(depth)).append("├ ").append(label);
        if (branch.count > 1) {
            text.append(" × %,d".formatted(branch.count));
        }
        text.append(": %,d".formatted(branch.insns));
        if (branch.below != branch.insns) {
            text.append(", in all %,d".formatted(branch.below));
        }
        text.append('\n');
        if (depth >= MOST_TREE_DEPTH) {
            if (!branch.further.isEmpty()) {
                text.append("   ").append("│ ".repeat(depth + 1)).append("…\n");
            }
            return;
        }
        branch.further.forEach((next, further) -> draw(next, further, depth + 1, left));
    }

    // ---- every instruction ----

    private void listing() {
        int most = 1;
        for (int i = 0; i < code.size(); i++) {
            most = Math.max(most, verdict.stats().visits().at(i));
        }
        text.append("-- by instruction\n");
        int line = -1;
        for (int i = 0; i < code.size(); i++) {
            var entry = lines.at(i);
            if (entry.isPresent() && entry.get().line() != line) {
                line = entry.get().line();
                text.append("; ").append(place(i)).append('\n');
            }
            int visits = verdict.stats().visits().at(i);
            int length = (int) Math.ceil((double) BAR * visits / most);
            text.append(
                    String.format(Locale.ROOT, "%8d %-" + BAR + "s %5d: %s%n", visits, "#".repeat(length), i, insn(i)));
            if (code.opcode(i) == 0x18) {
                i++;
            }
        }
    }

    private String insn(int i) {
        try {
            return Disassembler.text(InsnCodec.decode(code, i));
        } catch (InvalidInsnException e) {
            return String.format(Locale.ROOT, "invalid instruction %016x", code.slot(i));
        }
    }
}
