package skep.arm64.lower;

import java.util.LinkedHashMap;
import java.util.Map;
import skep.arm64.a64.Assembler;
import skep.arm64.a64.Assembler.Reach;
import skep.arm64.a64.Encoding;
import skep.arm64.lower.Calls.CallTarget;

/**
 * Calls of what lies outside the program. A target that is called from one place is called there; what is called from several places has
 * a stub behind the program, which is shorter.
 *
 * <pre>
 *   mov x9, #number; mov x16, #address; blr x16          in place
 *   bl stub          stub: mov x9, #number; mov x16, #address; br x16
 * </pre>
 */
final class CallStubs {
    private final Assembler asm;
    private final Map<CallTarget, Integer> uses;
    private final Map<CallTarget, Integer> labels = new LinkedHashMap<>();

    /**
     * @param uses how many places call each target
     */
    CallStubs(Assembler asm, Map<CallTarget, Integer> uses) {
        this.asm = asm;
        this.uses = uses;
    }

    void call(CallTarget target, Reach reach) {
        if (target.near() && target.number() == CallTarget.NO_NUMBER) {
            asm.external(Encoding.BL, target.address());
            return;
        }
        if (uses.getOrDefault(target, 1) == 1) {
            load(target);
            asm.emit(Encoding.BLR, "n", RegisterMap.IP0);
            return;
        }
        int label = labels.computeIfAbsent(target, _ -> asm.label());
        asm.branch(Encoding.BL, label, reach);
    }

    boolean isEmpty() {
        return labels.isEmpty();
    }

    void emit() {
        labels.forEach((target, label) -> {
            asm.bind(label);
            load(target);
            asm.emit(Encoding.BR, "n", RegisterMap.IP0);
        });
    }

    private void load(CallTarget target) {
        if (target.number() != CallTarget.NO_NUMBER) {
            asm.move(RegisterMap.HELPER_NUMBER, target.number());
        }
        asm.move(RegisterMap.IP0, target.address());
    }
}
