package skep.ir;

import java.util.List;

/**
 * A basic block. The parameters take the place of phi functions: each edge into the block gives them values.
 *
 * @param id unique in its function
 */
public record Block(int id, List<Value> params, List<Inst> insts, Terminator end) {
    public Block {
        params = List.copyOf(params);
        insts = List.copyOf(insts);
    }

    public Block with(List<Inst> newInsts, Terminator newEnd) {
        return new Block(id, params, newInsts, newEnd);
    }
}
