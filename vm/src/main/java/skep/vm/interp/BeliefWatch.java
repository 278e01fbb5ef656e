package skep.vm.interp;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import skep.vm.Memory;
import skep.vm.VmFault;
import skep.vm.verifier.Belief;
import skep.vm.verifier.VerifiedProgram;

/** What was believed of a program, by slot. */
public final class BeliefWatch {
    private final List<Belief.At> beliefs;
    private final VerifiedProgram program;

    private BeliefWatch(VerifiedProgram program, List<Belief.At> beliefs) {
        this.program = program;
        this.beliefs = beliefs;
    }

    /** Null if the verifier was not asked to remember. */
    static @Nullable BeliefWatch of(VerifiedProgram program) {
        var beliefs = new ArrayList<Belief.At>();
        for (int slot = 0; slot < program.code().size(); slot++) {
            program.belief(slot).ifPresent(beliefs::add);
        }
        return beliefs.isEmpty() ? null : new BeliefWatch(program, beliefs);
    }

    /** Before the instruction at a slot is executed. */
    void check(int slot, long[] registers, long frame) {
        if (!program.fact(slot).reached()) {
            throw new VmFault(slot, "the verifier believed that nothing gets here");
        }
        var contradiction = beliefs.get(slot).contradiction(registers, frame, Memory::getLong);
        if (!contradiction.isEmpty()) {
            throw new VmFault(slot, "the verifier believed otherwise: " + contradiction);
        }
    }
}
