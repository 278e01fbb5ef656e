package skep.ir.pass;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import skep.ir.Block;
import skep.ir.Function;
import skep.ir.Inst;
import skep.ir.Region;
import skep.ir.Value;

/**
 * Reads the only thing that a program wants of its context at its start. A call takes the context's register away: it would
 * have to be saved before the call, which costs as much as the load does.
 */
final class EarlyContextLoad {
    private EarlyContextLoad() {}

    static Function move(Function function) {
        if (function.program().isEmpty() || function.params().size() != 1) {
            return function;
        }
        var context = function.params().getFirst();
        var loads = new ArrayList<Inst.Load>();
        for (var block : function.blocks()) {
            for (var inst : block.insts()) {
                if (inst instanceof Inst.Load l && l.base().equals(context)) {
                    loads.add(l);
                } else if (inst.operands().contains(context)
                        || inst instanceof Inst.Store s && s.base().type().isPointerTo(Region.CTX)) {
                    return function;
                }
            }
            if (block.end().operands().contains(context)) {
                return function;
            }
        }
        boolean one = !loads.isEmpty() && loads.stream().allMatch(l -> same(l, loads.getFirst()));
        return one ? withFirst(function, loads) : function;
    }

    private static boolean same(Inst.Load a, Inst.Load b) {
        return a.offset() == b.offset()
                && a.size() == b.size()
                && a.signed() == b.signed()
                && a.result().type().equals(b.result().type());
    }

    private static Function withFirst(Function function, List<Inst.Load> loads) {
        var first = loads.getFirst();
        Map<Value, Value> replaced = new HashMap<>();
        loads.forEach(l -> replaced.put(l.result(), first.result()));
        var blocks = new ArrayList<Block>();
        for (var block : function.blocks()) {
            var insts = new ArrayList<Inst>();
            if (block == function.entry()) {
                insts.add(first);
            }
            for (var inst : block.insts()) {
                if (!(inst instanceof Inst.Load l && loads.contains(l))) {
                    insts.add(inst.map(v -> replaced.getOrDefault(v, v)));
                }
            }
            blocks.add(block.with(insts, block.end().map(v -> replaced.getOrDefault(v, v))));
        }
        return function.withBlocks(blocks);
    }
}
