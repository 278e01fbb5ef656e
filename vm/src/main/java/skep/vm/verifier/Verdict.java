package skep.vm.verifier;

import java.util.List;
import java.util.Optional;
import skep.isa.object.LineTable;

/** What the verifier says of a program. */
public sealed interface Verdict {
    /** The log in the kernel's manner; what it holds depends on the level asked for. */
    String log();

    /** What the judgement cost. */
    Stats stats();

    /** The program is safe. */
    record Accepted(VerifiedProgram program, String log, Stats stats) implements Verdict {}

    /**
     * The program is not safe, or too complex to tell.
     *
     * @param insn the slot at which it failed
     * @param message the last line the kernel would log
     * @param errno the positive error number the kernel would return: 1, 7, 13, 14, 22, 28 …
     * @param path the conditional jumps, taken or not, from the entry to {@code insn}, oldest first; the newest hundred at most
     * @param registers the registers that {@code insn} reads, as they were when it failed
     * @param hint what to do about it, for the common causes
     * @param source the place in the source that made {@code insn}
     */
    record Rejected(
            int insn,
            String message,
            int errno,
            String log,
            List<BranchStep> path,
            List<RegisterFact> registers,
            Optional<String> hint,
            Optional<LineTable.Entry> source,
            Stats stats)
            implements Verdict {
        public Rejected {
            path = List.copyOf(path);
            registers = List.copyOf(registers);
        }

        /** Several lines for a person: the source line, the instruction, the assertion, the facts, the hint. */
        public String explanation() {
            return Explanation.of(this);
        }
    }

    /** One conditional jump on the way to a failure; {@code target} is the next slot where it was not taken. */
    record BranchStep(int insn, int target, String text) {}

    /** What was known of a register, for example {@code R1} and {@code scalar(umax=255)}. */
    record RegisterFact(String register, String fact) {}
}
