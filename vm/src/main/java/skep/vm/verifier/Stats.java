package skep.vm.verifier;

/**
 * The cost of a verification, counted as the kernel counts.
 *
 * @param insnsProcessed instructions stepped over all paths
 * @param totalStates states remembered for pruning
 * @param peakStates most states held at once
 * @param maxStatesPerInsn most states compared at one instruction
 * @param nanos wall time
 * @param visits how often each slot was stepped; empty when it was rejected before the walk
 * @param paths the tree of paths, if it was asked for
 */
public record Stats(
        int insnsProcessed,
        int totalStates,
        int peakStates,
        int maxStatesPerInsn,
        long nanos,
        Visits visits,
        Exploration paths) {
    public static final Stats NONE = new Stats(0, 0, 0, 0, 0, Visits.NONE, Exploration.NONE);

    /** How often each slot was stepped. */
    public static final class Visits {
        public static final Visits NONE = new Visits(new int[0]);

        private final int[] counts;

        Visits(int[] counts) {
            this.counts = counts;
        }

        /** Zero for a slot that no path reached. */
        public int at(int insn) {
            return insn < counts.length ? counts[insn] : 0;
        }
    }
}
