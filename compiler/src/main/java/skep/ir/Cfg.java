package skep.ir;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;

/**
 * The control flow of a function: reachable blocks in reverse postorder, predecessors, dominators and loops. Blocks
 * are named by their <em>position</em> in that order here; position 0 is the entry.
 */
public final class Cfg {
    private final Function function;
    private final List<Block> order = new ArrayList<>();
    private final int[] positionOfId;
    private final int[][] successors;
    private final int[][] predecessors;
    private final int[] idom;
    private final int[] loopHeader;
    private final int[] loopDepth;

    public Cfg(Function function) {
        this.function = function;
        int limit = function.blockLimit();
        positionOfId = new int[limit];
        Arrays.fill(positionOfId, -1);
        computeOrder(limit);
        int n = order.size();
        successors = new int[n][];
        var preds = new ArrayList<List<Integer>>();
        for (int i = 0; i < n; i++) {
            preds.add(new ArrayList<>());
        }
        for (int i = 0; i < n; i++) {
            var targets = order.get(i).end().targets();
            successors[i] = new int[targets.size()];
            for (int k = 0; k < targets.size(); k++) {
                int to = positionOfId[targets.get(k).block()];
                successors[i][k] = to;
                preds.get(to).add(i);
            }
        }
        predecessors = new int[n][];
        for (int i = 0; i < n; i++) {
            predecessors[i] = preds.get(i).stream().mapToInt(Integer::intValue).toArray();
        }
        idom = computeDominators();
        loopHeader = new int[n];
        loopDepth = new int[n];
        computeLoops();
    }

    public Function function() {
        return function;
    }

    /** The reachable blocks in reverse postorder. */
    public List<Block> order() {
        return order;
    }

    public int size() {
        return order.size();
    }

    /** The position of the block with this id, or -1 if nothing reaches it. */
    public int position(int blockId) {
        return positionOfId[blockId];
    }

    public int[] successors(int position) {
        return successors[position];
    }

    /** One entry for each edge: a block with two edges to the same target is there twice. */
    public int[] predecessors(int position) {
        return predecessors[position];
    }

    /** The immediate dominator; of the entry the entry itself. */
    public int idom(int position) {
        return idom[position];
    }

    public boolean dominates(int a, int b) {
        int at = b;
        while (at > a) {
            at = idom[at];
        }
        return at == a;
    }

    /** The header of the innermost loop around the block, or -1. */
    public int loopHeader(int position) {
        return loopHeader[position];
    }

    /** How many loops are around the block. */
    public int loopDepth(int position) {
        return loopDepth[position];
    }

    /** The blocks of the natural loop with this header, header included. */
    public BitSet loopBody(int header) {
        var body = new BitSet();
        body.set(header);
        var work = new ArrayList<Integer>();
        for (int pred : predecessors[header]) {
            if (dominates(header, pred) && !body.get(pred)) {
                body.set(pred);
                work.add(pred);
            }
        }
        while (!work.isEmpty()) {
            int at = work.removeLast();
            for (int pred : predecessors[at]) {
                if (!body.get(pred)) {
                    body.set(pred);
                    work.add(pred);
                }
            }
        }
        return body;
    }

    /** The function without the blocks that nothing reaches; the others keep their order. */
    public static Function withoutUnreachable(Function function) {
        var cfg = new Cfg(function);
        if (cfg.size() == function.blocks().size()) {
            return function;
        }
        return function.withBlocks(function.blocks().stream()
                .filter(b -> cfg.position(b.id()) >= 0)
                .toList());
    }

    private void computeOrder(int limit) {
        var byId = new Block[limit];
        for (var block : function.blocks()) {
            byId[block.id()] = block;
        }
        var postorder = new ArrayList<Block>();
        var seen = new BitSet();
        var stack = new ArrayList<Block>();
        var next = new int[limit];
        var targets = new int[limit][];
        stack.add(function.entry());
        seen.set(function.entry().id());
        while (!stack.isEmpty()) {
            var block = stack.getLast();
            if (targets[block.id()] == null) {
                targets[block.id()] = block.end().targets().stream()
                        .mapToInt(Terminator.Edge::block)
                        .toArray();
                next[block.id()] = targets[block.id()].length;
            }
            // Last target first, so that in reverse the first target comes right behind its block.
            if (next[block.id()] > 0) {
                int target = targets[block.id()][--next[block.id()]];
                if (!seen.get(target)) {
                    seen.set(target);
                    stack.add(byId[target]);
                }
            } else {
                postorder.add(block);
                stack.removeLast();
            }
        }
        for (int i = postorder.size() - 1; i >= 0; i--) {
            positionOfId[postorder.get(i).id()] = order.size();
            order.add(postorder.get(i));
        }
    }

    /** Cooper, Harvey and Kennedy: iterate to a fixed point over the reverse postorder. */
    private int[] computeDominators() {
        int n = order.size();
        var dom = new int[n];
        Arrays.fill(dom, -1);
        dom[0] = 0;
        boolean changed = true;
        while (changed) {
            changed = false;
            for (int i = 1; i < n; i++) {
                int found = -1;
                for (int pred : predecessors[i]) {
                    if (dom[pred] >= 0) {
                        found = found < 0 ? pred : meet(dom, pred, found);
                    }
                }
                if (dom[i] != found) {
                    dom[i] = found;
                    changed = true;
                }
            }
        }
        return dom;
    }

    private static int meet(int[] dom, int a, int b) {
        int x = a;
        int y = b;
        while (x != y) {
            while (x > y) {
                x = dom[x];
            }
            while (y > x) {
                y = dom[y];
            }
        }
        return x;
    }

    private void computeLoops() {
        Arrays.fill(loopHeader, -1);
        // Outer headers come first in reverse postorder, so inner loops overwrite them.
        for (int header = 0; header < order.size(); header++) {
            boolean isHeader = false;
            for (int pred : predecessors[header]) {
                isHeader |= dominates(header, pred);
            }
            if (isHeader) {
                var body = loopBody(header);
                for (int at = body.nextSetBit(0); at >= 0; at = body.nextSetBit(at + 1)) {
                    loopHeader[at] = header;
                    loopDepth[at]++;
                }
            }
        }
    }
}
