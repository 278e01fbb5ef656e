package skep.vm.verifier;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import skep.isa.Bytecode;
import skep.isa.kernel.ProgramType;
import skep.vm.verifier.InsnFact.Branch;
import skep.vm.verifier.InsnFact.PointerKind;

/** Makes verified programs of code that a test vouches for. */
public final class Trusted {
    private Trusted() {}

    /** With a map for some of its calls, by slot. */
    public static VerifiedProgram program(Bytecode code, Map<Integer, Integer> mapOfSlot) {
        var facts = new InsnFact[code.size()];
        Arrays.setAll(
                facts,
                slot -> new InsnFact(
                        true, PointerKind.MEMORY, false, Optional.ofNullable(mapOfSlot.get(slot)), false, Branch.BOTH));
        var input = VerifierInput.of(code, ProgramType.KPROBE).build();
        return new VerifiedProgram(input, List.of(), Map.of(), facts, List.of(), new VerifiedProgram.BufferUse(0, 0));
    }
}
