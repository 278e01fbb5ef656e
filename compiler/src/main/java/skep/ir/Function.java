package skep.ir;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * A function. Its first block is the entry; the parameters of that block are the parameters of the function and
 * nothing jumps there.
 *
 * @param name unique in its module
 * @param program present if the kernel calls it: then the only parameter is the context
 */
public record Function(String name, Optional<ProgramInfo> program, Type result, List<Block> blocks) {
    public Function {
        blocks = List.copyOf(blocks);
    }

    public Block entry() {
        return blocks.getFirst();
    }

    public List<Value> params() {
        return entry().params();
    }

    public Function withBlocks(List<Block> newBlocks) {
        return new Function(name, program, result, newBlocks);
    }

    /** One above the greatest value id. */
    public int valueLimit() {
        int limit = 0;
        for (var block : blocks) {
            for (var param : block.params()) {
                limit = Math.max(limit, param.id() + 1);
            }
            for (var inst : block.insts()) {
                if (inst instanceof Inst.Def def) {
                    limit = Math.max(limit, def.result().id() + 1);
                }
            }
        }
        return limit;
    }

    /** One above the greatest block id. */
    public int blockLimit() {
        return blocks.stream().mapToInt(Block::id).max().orElse(-1) + 1;
    }

    /** The names of the functions it calls or hands to helpers. */
    public List<String> callees() {
        var names = new ArrayList<String>();
        for (var block : blocks) {
            for (var inst : block.insts()) {
                if (inst instanceof Inst.Call call) {
                    names.add(call.function());
                } else if (inst instanceof Inst.FunctionRef ref) {
                    names.add(ref.function());
                }
            }
        }
        return names;
    }
}
