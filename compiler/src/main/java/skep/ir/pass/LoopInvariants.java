package skep.ir.pass;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import skep.ir.BinaryOp;
import skep.ir.Block;
import skep.ir.Cfg;
import skep.ir.Function;
import skep.ir.Inst;
import skep.ir.Region;
import skep.ir.Value;

/**
 * Moves in front of a loop what gives the same answer in each of its turns: helper calls that are constant in a run, reads
 * of the context, and shifts, masks and casts of these. What does not happen in every turn stays where it is.
 *
 * <p>Other arithmetic is not moved: the verifier takes bounds from comparisons, and they hold only for what is computed
 * behind them.
 */
final class LoopInvariants {
    private final Function function;
    private final Cfg cfg;
    private final Map<Value, Integer> definedAt = new HashMap<>();
    private final Map<Value, Inst.Def> definition = new HashMap<>();
    private final Set<Value> moved = new HashSet<>();
    private final Map<Integer, List<Inst>> atEndOf = new HashMap<>();

    private LoopInvariants(Function function) {
        this.function = function;
        this.cfg = new Cfg(function);
    }

    static Function hoist(Function function) {
        return new LoopInvariants(Cfg.withoutUnreachable(function)).hoist();
    }

    private Function hoist() {
        boolean loops = false;
        boolean contextIsConstant = true;
        for (int at = 0; at < cfg.size(); at++) {
            loops |= cfg.loopDepth(at) > 0;
            for (var inst : cfg.order().get(at).insts()) {
                if (inst instanceof Inst.Def def) {
                    definedAt.put(def.result(), at);
                    definition.put(def.result(), def);
                }
                contextIsConstant &=
                        !(inst instanceof Inst.Store s && s.base().type().isPointerTo(Region.CTX));
            }
            for (var param : cfg.order().get(at).params()) {
                definedAt.put(param, at);
            }
        }
        if (!loops) {
            return function;
        }
        // A block comes behind those that dominate it, and what it needs has been moved by then.
        for (int at = 0; at < cfg.size(); at++) {
            for (var inst : cfg.order().get(at).insts()) {
                if (inst instanceof Inst.Def def && isInvariant(def, contextIsConstant)) {
                    move(def, at);
                }
            }
        }
        return moved.isEmpty() ? function : rewritten();
    }

    private boolean isInvariant(Inst.Def def, boolean contextIsConstant) {
        return switch (def) {
            case Inst.CallHelper c -> HelperFacts.isConstantInRun(c.helper());
            case Inst.Load l -> contextIsConstant && l.base().type().isPointerTo(Region.CTX);
            case Inst.Binary b ->
                (b.op() == BinaryOp.LSHR || b.op() == BinaryOp.SHL || b.op() == BinaryOp.AND)
                        && moved.contains(b.a())
                        && definition.get(b.b()) instanceof Inst.Const;
            case Inst.Cast c -> moved.contains(c.a()) && !c.result().type().isPointer();
            default -> false;
        };
    }

    /** Out of as many loops as it is in, as long as it happens in each of their turns. */
    private void move(Inst.Def def, int from) {
        int block = from;
        int to = -1;
        for (int header = cfg.loopHeader(from); header >= 0; ) {
            var body = cfg.loopBody(header);
            int entry = -1;
            boolean simple = true;
            for (int pred : cfg.predecessors(header)) {
                if (body.get(pred)) {
                    simple &= cfg.dominates(block, pred);
                } else {
                    simple &= entry < 0;
                    entry = pred;
                }
            }
            if (!simple || entry < 0 || !isKnownAt(def, entry)) {
                break;
            }
            to = entry;
            block = entry;
            header = cfg.loopHeader(entry);
        }
        if (to >= 0) {
            moved.add(def.result());
            definedAt.put(def.result(), to);
            atEndOf.computeIfAbsent(to, _ -> new ArrayList<>()).add(def);
        }
    }

    private boolean isKnownAt(Inst.Def def, int block) {
        return def.operands().stream()
                .allMatch(v -> !definedAt.containsKey(v) || cfg.dominates(definedAt.get(v), block));
    }

    private Function rewritten() {
        var blocks = new ArrayList<Block>();
        for (var block : function.blocks()) {
            var insts = new ArrayList<Inst>();
            for (var inst : block.insts()) {
                if (!(inst instanceof Inst.Def def && moved.contains(def.result()))) {
                    insts.add(inst);
                }
            }
            insts.addAll(atEndOf.getOrDefault(cfg.position(block.id()), List.of()));
            blocks.add(block.with(insts, block.end()));
        }
        return function.withBlocks(blocks);
    }
}
