package skep.ir.pass;

import skep.ir.Function;
import skep.ir.Module;
import skep.ir.WellFormed;

/** The passes in their order. A module comes out that means the same. */
public final class Optimizer {
    /** More rounds are not tried even if the last one still changed something. */
    private static final int MAX_ROUNDS = 4;

    private Optimizer() {}

    public static Module optimize(Module module) {
        assert WellFormed.check(module);
        var result = module.mapFunctions(f -> optimize(module, f));
        assert WellFormed.check(result);
        return result;
    }

    /** Only folds and drops: for what code generation has expanded. */
    public static Function fold(Function function) {
        return DeadCode.remove(ValueNumbering.run(function));
    }

    private static Function optimize(Module module, Function function) {
        var at = ControlFlow.straighten(function);
        for (int round = 0; round < MAX_ROUNDS; round++) {
            var before = at;
            at = SlotPromotion.promote(at);
            at = ValueNumbering.run(at);
            at = LookupSharing.share(module, at);
            at = ControlFlow.straighten(at);
            at = DeadCode.remove(at);
            if (at.equals(before)) {
                break;
            }
        }
        return fold(EarlyContextLoad.move(SlotStores.reduce(LoopInvariants.hoist(at))));
    }
}
