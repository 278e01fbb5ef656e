package skep.ir.codegen;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import skep.ir.codegen.MachineFunction.MachineBlock;

/** Which registers are read later, at the end of each block. */
final class Liveness {
    private final BitSet[] liveOut;

    private Liveness(BitSet[] liveOut) {
        this.liveOut = liveOut;
    }

    BitSet liveOut(int block) {
        return liveOut[block];
    }

    static Liveness of(MachineFunction function) {
        int n = function.blocks.size();
        var use = new BitSet[n];
        var def = new BitSet[n];
        var liveIn = new BitSet[n];
        var liveOut = new BitSet[n];
        var successors = new int[n][];
        for (int i = 0; i < n; i++) {
            use[i] = new BitSet();
            def[i] = new BitSet();
            liveIn[i] = new BitSet();
            liveOut[i] = new BitSet();
            successors[i] = function.blocks.get(i).successors();
            summarize(function.blocks.get(i), use[i], def[i]);
        }
        boolean changed = true;
        while (changed) {
            changed = false;
            for (int i = n - 1; i >= 0; i--) {
                for (int successor : successors[i]) {
                    liveOut[i].or(liveIn[successor]);
                }
                var in = (BitSet) liveOut[i].clone();
                in.andNot(def[i]);
                in.or(use[i]);
                if (!in.equals(liveIn[i])) {
                    liveIn[i] = in;
                    changed = true;
                }
            }
        }
        return new Liveness(liveOut);
    }

    private static void summarize(MachineBlock block, BitSet use, BitSet def) {
        for (var insn : block.insns) {
            for (int reg : insn.uses()) {
                if (!def.get(reg)) {
                    use.set(reg);
                }
            }
            for (int reg : insn.defs()) {
                def.set(reg);
            }
        }
    }

    /** Drops instructions whose results nothing reads; returns the liveness of what remains. */
    static Liveness withoutDeadCode(MachineFunction function) {
        while (true) {
            var liveness = of(function);
            boolean dropped = false;
            for (int i = 0; i < function.blocks.size(); i++) {
                dropped |= dropDead(function.blocks.get(i), (BitSet) liveness.liveOut[i].clone());
            }
            if (!dropped) {
                return liveness;
            }
        }
    }

    private static boolean dropDead(MachineBlock block, BitSet live) {
        List<MachineInsn> kept = new ArrayList<>();
        for (int k = block.insns.size() - 1; k >= 0; k--) {
            var insn = block.insns.get(k);
            if (insn.pure() && noneLive(insn.defs(), live)) {
                continue;
            }
            kept.add(insn);
            for (int reg : insn.defs()) {
                live.clear(reg);
            }
            for (int reg : insn.uses()) {
                live.set(reg);
            }
        }
        if (kept.size() == block.insns.size()) {
            return false;
        }
        block.insns = new ArrayList<>(kept.reversed());
        return true;
    }

    private static boolean noneLive(int[] regs, BitSet live) {
        for (int reg : regs) {
            if (live.get(reg)) {
                return false;
            }
        }
        return true;
    }
}
