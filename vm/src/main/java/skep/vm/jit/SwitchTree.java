package skep.vm.jit;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import skep.isa.DecodedProgram;
import skep.isa.Insn;
import skep.isa.JumpOp;
import skep.isa.Operand;
import skep.isa.Reg;
import skep.isa.Width;

/**
 * A tree of comparisons of one register with constants, as compilers make of a {@code switch}, turned into a table: for each value from
 * {@code low} on a slot to go to, and one slot for all smaller and one for all greater values (unsigned).
 *
 * @param absorbed slots of the comparisons that the table replaces, without the first
 */
public record SwitchTree(Reg reg, Width width, long low, int[] targets, int below, int above, Set<Integer> absorbed) {
    private static final int MIN_COMPARISONS = 4;
    private static final int MAX_COMPARISONS = 4096;
    private static final int MAX_TABLE = 1024;
    /** Chains of jumps are followed that far. */
    private static final int MAX_JUMPS = 8;

    /** At least one value in this many must have a target of its own. */
    private static final int MAX_SPARSENESS = 10;

    /** The tree whose first comparison is at this slot, if a table pays. */
    public static Optional<SwitchTree> at(DecodedProgram program, Blocks blocks, int slot) {
        if (program.at(slot) instanceof Insn.Branch(JumpOp op, Width width, Reg dst, Operand.OfImm _, short _)
                && op != JumpOp.JSET) {
            return new Builder(program, blocks, dst, width).build(slot);
        }
        return Optional.empty();
    }

    private static final class Builder {
        private final DecodedProgram program;
        private final Blocks blocks;
        private final Reg reg;
        private final Width width;
        private final long max;
        /** First value of each range → where the range leads; ordered as unsigned. */
        private final TreeMap<Long, Integer> leaves = new TreeMap<>(Long::compareUnsigned);

        private final Set<Integer> absorbed = new HashSet<>();
        private int comparisons;

        Builder(DecodedProgram program, Blocks blocks, Reg reg, Width width) {
            this.program = program;
            this.blocks = blocks;
            this.reg = reg;
            this.width = width;
            this.max = width == Width.W64 ? -1L : 0xffff_ffffL;
        }

        Optional<SwitchTree> build(int root) {
            var pending = new ArrayList<Visit>();
            compare(root, List.of(new Range(0, max)), pending);
            while (!pending.isEmpty()) {
                var visit = pending.removeLast();
                if (continues(visit.slot)) {
                    absorbed.add(visit.slot);
                    compare(visit.slot, visit.ranges, pending);
                } else {
                    visit.ranges.forEach(range -> leaves.put(range.first, visit.slot));
                }
            }
            return comparisons < MIN_COMPARISONS ? Optional.empty() : table();
        }

        /** Whether a slot holds nothing but one more comparison, and nobody else goes there. */
        private boolean continues(int slot) {
            return comparisons < MAX_COMPARISONS
                    && blocks.predecessors(slot) == 1
                    && !absorbed.contains(slot)
                    && program.at(slot) instanceof Insn.Branch(JumpOp op, Width w, Reg dst, Operand.OfImm _, short _)
                    && op != JumpOp.JSET
                    && w == width
                    && dst == reg;
        }

        private void compare(int slot, List<Range> ranges, List<Visit> pending) {
            comparisons++;
            var branch = (Insn.Branch) program.at(slot);
            long imm = branch.src() instanceof Operand.OfImm(int value) ? value & max : 0;
            var holds = new ArrayList<Range>();
            var fails = new ArrayList<Range>();
            for (var range : ranges) {
                for (var piece : pieces(range, imm)) {
                    (holds(branch.op(), piece.first, imm) ? holds : fails).add(piece);
                }
            }
            if (!holds.isEmpty()) {
                pending.add(new Visit(followed(program.target(slot)), holds));
            }
            if (!fails.isEmpty()) {
                pending.add(new Visit(followed(program.next(slot)), fails));
            }
        }

        /** Where one gets to by jumps alone. */
        private int followed(int slot) {
            int at = slot;
            for (int jumps = 0; jumps < MAX_JUMPS && program.at(at) instanceof Insn.Jump; jumps++) {
                at = program.target(at);
            }
            return at;
        }

        /** Cuts a range where a comparison with {@code imm} can change: before it, after it, and where the sign changes. */
        private List<Range> pieces(Range range, long imm) {
            long signBit = max ^ max >>> 1;
            var pieces = new ArrayList<Range>();
            long first = range.first;
            for (long cut : sorted(imm, imm + 1 & max, signBit)) {
                if (Long.compareUnsigned(cut, first) > 0 && Long.compareUnsigned(cut, range.last) <= 0) {
                    pieces.add(new Range(first, cut - 1));
                    first = cut;
                }
            }
            pieces.add(new Range(first, range.last));
            return pieces;
        }

        private static long[] sorted(long... values) {
            for (int i = 1; i < values.length; i++) {
                for (int j = i; j > 0 && Long.compareUnsigned(values[j - 1], values[j]) > 0; j--) {
                    long swap = values[j];
                    values[j] = values[j - 1];
                    values[j - 1] = swap;
                }
            }
            return values;
        }

        private boolean holds(JumpOp op, long value, long imm) {
            int unsigned = Long.compareUnsigned(value, imm);
            int signed = width == Width.W64 ? Long.compare(value, imm) : Integer.compare((int) value, (int) imm);
            return switch (op) {
                case JEQ -> unsigned == 0;
                case JNE -> unsigned != 0;
                case JGT -> unsigned > 0;
                case JGE -> unsigned >= 0;
                case JLT -> unsigned < 0;
                case JLE -> unsigned <= 0;
                case JSGT -> signed > 0;
                case JSGE -> signed >= 0;
                case JSLT -> signed < 0;
                case JSLE -> signed <= 0;
                case JSET -> throw new AssertionError("never part of a tree");
            };
        }

        private Optional<SwitchTree> table() {
            mergeLeaves();
            if (leaves.size() < 3) {
                return Optional.empty();
            }
            // the first and the last range are open; between them lies the table
            long low = leaves.higherKey(leaves.firstKey());
            long end = leaves.lastKey();
            long size = end - low;
            long own = distinctValues(low, end);
            if (Long.compareUnsigned(size, MAX_TABLE) > 0 || size > own * MAX_SPARSENESS) {
                return Optional.empty();
            }
            var targets = new int[(int) size];
            for (int i = 0; i < targets.length; i++) {
                targets[i] = leaves.floorEntry(low + i).getValue();
            }
            int below = leaves.firstEntry().getValue();
            int above = leaves.lastEntry().getValue();
            return Optional.of(new SwitchTree(reg, width, low, targets, below, above, absorbed));
        }

        private void mergeLeaves() {
            var merged = new TreeMap<Long, Integer>(Long::compareUnsigned);
            for (var leaf : leaves.entrySet()) {
                if (merged.isEmpty() || !merged.lastEntry().getValue().equals(leaf.getValue())) {
                    merged.put(leaf.getKey(), leaf.getValue());
                }
            }
            leaves.clear();
            leaves.putAll(merged);
        }

        /** How many values of the table do not lead to its most frequent target. */
        private long distinctValues(long low, long end) {
            Map<Integer, Long> counts = new HashMap<>();
            long most = 0;
            for (long at = low; Long.compareUnsigned(at, end) < 0; ) {
                var next = leaves.higherKey(at);
                long count = next - at;
                long sum = counts.merge(leaves.get(at), count, Long::sum);
                most = Math.max(most, sum);
                at = next;
            }
            return Math.max(end - low - most, 1);
        }
    }

    /** A range of unsigned values, both ends included. */
    private record Range(long first, long last) {}

    private record Visit(int slot, List<Range> ranges) {}
}
