package skep.vm.jit;

import java.util.BitSet;
import skep.isa.DecodedProgram;
import skep.isa.Insn;

/** The basic blocks of one function: where they begin and from how many places each is entered. Dead code is in none. */
public final class Blocks {
    private final DecodedProgram program;
    private final int start;
    private final int end;
    private final BitSet leaders = new BitSet();
    private final int[] predecessors;

    public Blocks(DecodedProgram program, int start, int end) {
        this.program = program;
        this.start = start;
        this.end = end;
        predecessors = new int[end - start];
        leaders.set(start);
        enter(start);
        for (int slot = start; slot < end; slot = program.next(slot)) {
            if (program.reachable(slot)) {
                visit(slot);
            }
        }
    }

    private void visit(int slot) {
        var insn = program.at(slot);
        int target = program.target(slot);
        if (target >= 0) {
            leaders.set(target);
            enter(target);
        }
        boolean ends = insn instanceof Insn.Jump || insn instanceof Insn.Exit;
        int next = program.next(slot);
        if (!ends) {
            enter(next);
        }
        if ((target >= 0 || ends) && next < end) {
            leaders.set(next);
        }
    }

    private void enter(int slot) {
        predecessors[slot - start]++;
    }

    /** Whether a block begins here. */
    public boolean begins(int slot) {
        return leaders.get(slot);
    }

    /** How many instructions go to this slot, the one before it included; the caller counts for the first slot. */
    public int predecessors(int slot) {
        return predecessors[slot - start];
    }

    int start() {
        return start;
    }

    int end() {
        return end;
    }
}
