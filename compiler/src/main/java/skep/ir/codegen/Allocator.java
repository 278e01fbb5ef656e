package skep.ir.codegen;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import skep.ir.codegen.MachineFunction.MachineBlock;
import skep.ir.codegen.MachineInsn.Base;
import skep.ir.codegen.MachineInsn.Move;
import skep.ir.codegen.MachineInsn.Source;
import skep.isa.MemSize;

/**
 * Gives every virtual register one of r0 to r9: graph colouring with iterated coalescing (George and Appel, 1996).
 * Calls destroy r0 to r5, so what lives across one ends up in r6 to r9 or, if those do not suffice, in the frame: the
 * register that is cheapest for its conflicts is loaded before each use and stored after each definition, and the
 * colouring starts again.
 */
final class Allocator {
    private static final int COLORS = 10;
    private static final int SPILL_BYTES = 8;
    private static final int MAX_ROUNDS = 64;

    private final MachineFunction function;
    /** Registers made by spilling: they live so shortly that to spill them again would not help. */
    private final BitSet temporaries;

    private final BitSet unspillable;
    private int n;
    private BitSet[] conflicts = {};
    private int[][] neighbours = {};
    private int[] degree = {};
    private double[] cost = {};
    private int[] alias = {};
    private int[] color = {};
    private List<List<Integer>> movesOf = new ArrayList<>();
    private List<Move> moves = new ArrayList<>();
    /** State of each move by index. */
    private MoveState[] moveState = {};

    private final ArrayDeque<Integer> moveWork = new ArrayDeque<>();
    private final BitSet simplify = new BitSet();
    private final BitSet freeze = new BitSet();
    private final BitSet spill = new BitSet();
    private final BitSet coalesced = new BitSet();
    private final BitSet onStack = new BitSet();
    private final List<Integer> stack = new ArrayList<>();

    private enum MoveState {
        WORK,
        ACTIVE,
        DONE
    }

    private Allocator(MachineFunction function, BitSet temporaries) {
        this.function = function;
        this.temporaries = temporaries;
        this.unspillable = (BitSet) temporaries.clone();
    }

    /** Renames every virtual register; adds slots and their loads and stores where registers do not suffice. */
    static void allocate(MachineFunction function) {
        var temporaries = new BitSet();
        for (int round = 0; round < MAX_ROUNDS; round++) {
            var allocator = new Allocator(function, temporaries);
            var spilled = allocator.color(Liveness.withoutDeadCode(function));
            if (spilled.isEmpty()) {
                FrameLayout.prepare(function);
                allocator.rename();
                return;
            }
            allocator.spill(spilled);
        }
        throw new IllegalStateException("no allocation for " + function.name);
    }

    private BitSet color(Liveness liveness) {
        n = function.registerLimit;
        conflicts = new BitSet[n];
        neighbours = new int[n][];
        degree = new int[n];
        cost = new double[n];
        alias = new int[n];
        color = new int[n];
        moveState = new MoveState[0];
        for (int i = 0; i < n; i++) {
            conflicts[i] = new BitSet();
            alias[i] = i;
            color[i] = i < COLORS ? i : -1;
            movesOf.add(new ArrayList<>());
        }
        build(liveness);
        fillWorklists();
        while (true) {
            if (!simplify.isEmpty()) {
                simplify();
            } else if (!moveWork.isEmpty()) {
                coalesce();
            } else if (!freeze.isEmpty()) {
                freeze();
            } else if (!spill.isEmpty()) {
                selectSpill();
            } else {
                break;
            }
        }
        return assignColors();
    }

    // Building the graph

    private void build(Liveness liveness) {
        for (int i = 0; i < function.blocks.size(); i++) {
            buildBlock(function.blocks.get(i), (BitSet) liveness.liveOut(i).clone());
        }
        moveState = new MoveState[moves.size()];
        Arrays.fill(moveState, MoveState.WORK);
        for (int i = 0; i < moves.size(); i++) {
            moveWork.add(i);
        }
        for (int i = 0; i < n; i++) {
            neighbours[i] = conflicts[i].stream().toArray();
            degree[i] = i < COLORS ? Integer.MAX_VALUE / 2 : neighbours[i].length;
        }
    }

    private void buildBlock(MachineBlock block, BitSet live) {
        double weight = Math.pow(10, Math.min(block.loopDepth, 6));
        for (var insn : block.insns.reversed()) {
            var defs = insn.defs();
            var uses = insn.uses();
            if (insn instanceof Move move) {
                live.clear(move.src());
                if (move.dst() != move.src()) {
                    movesOf.get(move.dst()).add(moves.size());
                    movesOf.get(move.src()).add(moves.size());
                    moves.add(move);
                }
            }
            for (int def : defs) {
                live.set(def);
            }
            for (int def : defs) {
                cost[def] += weight;
                for (int other = live.nextSetBit(0); other >= 0; other = live.nextSetBit(other + 1)) {
                    addConflict(def, other);
                }
            }
            for (int def : defs) {
                live.clear(def);
            }
            for (int use : uses) {
                cost[use] += weight;
                live.set(use);
            }
        }
    }

    private void addConflict(int a, int b) {
        if (a != b) {
            conflicts[a].set(b);
            conflicts[b].set(a);
        }
    }

    /** A conflict found while coalescing. */
    private void joinConflict(int a, int b) {
        if (a == b || conflicts[a].get(b)) {
            return;
        }
        addConflict(a, b);
        for (int node : new int[] {a, b}) {
            if (node >= COLORS) {
                neighbours[node] = Arrays.copyOf(neighbours[node], neighbours[node].length + 1);
                neighbours[node][neighbours[node].length - 1] = node == a ? b : a;
                degree[node]++;
            }
        }
    }

    private void fillWorklists() {
        for (int i = MachineInsn.FIRST_VIRTUAL; i < n; i++) {
            if (cost[i] == 0) {
                continue;
            }
            if (degree[i] >= COLORS) {
                spill.set(i);
            } else if (isMoveRelated(i)) {
                freeze.set(i);
            } else {
                simplify.set(i);
            }
        }
    }

    private boolean isGone(int node) {
        return onStack.get(node) || coalesced.get(node);
    }

    private boolean isMoveRelated(int node) {
        for (int move : movesOf.get(node)) {
            if (moveState[move] != MoveState.DONE) {
                return true;
            }
        }
        return false;
    }

    // The four steps

    private void simplify() {
        int node = simplify.nextSetBit(0);
        simplify.clear(node);
        push(node);
    }

    private void push(int node) {
        stack.add(node);
        onStack.set(node);
        for (int neighbour : neighbours[node]) {
            if (!isGone(neighbour)) {
                decrementDegree(neighbour);
            }
        }
    }

    private void decrementDegree(int node) {
        if (node < COLORS) {
            return;
        }
        degree[node]--;
        if (degree[node] == COLORS - 1) {
            enableMoves(node);
            for (int neighbour : neighbours[node]) {
                if (!isGone(neighbour)) {
                    enableMoves(neighbour);
                }
            }
            spill.clear(node);
            freeze.set(node, isMoveRelated(node));
            simplify.set(node, !freeze.get(node));
        }
    }

    private void enableMoves(int node) {
        for (int move : movesOf.get(node)) {
            if (moveState[move] == MoveState.ACTIVE) {
                moveState[move] = MoveState.WORK;
                moveWork.add(move);
            }
        }
    }

    private void coalesce() {
        int index = moveWork.poll();
        if (moveState[index] != MoveState.WORK) {
            return;
        }
        var move = moves.get(index);
        int x = find(move.dst());
        int y = find(move.src());
        int keep = y < COLORS ? y : x;
        int merge = y < COLORS ? x : y;
        if (keep == merge) {
            moveState[index] = MoveState.DONE;
            addToWorklist(keep);
        } else if (merge < COLORS || conflicts[keep].get(merge) || keep == 10 || merge == 10) {
            moveState[index] = MoveState.DONE;
            addToWorklist(keep);
            addToWorklist(merge);
        } else if (keep < COLORS ? allNeighboursFit(merge, keep) : isConservative(keep, merge)) {
            moveState[index] = MoveState.DONE;
            combine(keep, merge);
            addToWorklist(keep);
        } else {
            moveState[index] = MoveState.ACTIVE;
        }
    }

    private int find(int node) {
        int at = node;
        while (alias[at] != at) {
            at = alias[at];
        }
        return at;
    }

    private void addToWorklist(int node) {
        if (node >= COLORS && !isGone(node) && !isMoveRelated(node) && degree[node] < COLORS) {
            freeze.clear(node);
            simplify.set(node);
        }
    }

    /** George's test: each neighbour already conflicts with the machine register or is insignificant. */
    private boolean allNeighboursFit(int node, int machine) {
        for (int neighbour : neighbours[node]) {
            if (!isGone(neighbour)
                    && degree[neighbour] >= COLORS
                    && neighbour >= COLORS
                    && !conflicts[neighbour].get(machine)) {
                return false;
            }
            if (neighbour < COLORS && neighbour == machine) {
                return false;
            }
        }
        return true;
    }

    /** Briggs' test: the merged node has fewer than ten significant neighbours. */
    private boolean isConservative(int a, int b) {
        int significant = 0;
        var seen = new BitSet();
        for (int node : new int[] {a, b}) {
            for (int neighbour : neighbours[node]) {
                if (!isGone(neighbour) && !seen.get(neighbour)) {
                    seen.set(neighbour);
                    boolean common = conflicts[a].get(neighbour) && conflicts[b].get(neighbour);
                    int after = degree[neighbour] - (common && neighbour >= COLORS ? 1 : 0);
                    if (after >= COLORS) {
                        significant++;
                    }
                }
            }
        }
        return significant < COLORS;
    }

    private void combine(int keep, int merge) {
        freeze.clear(merge);
        spill.clear(merge);
        simplify.clear(merge);
        coalesced.set(merge);
        alias[merge] = keep;
        cost[keep] += cost[merge];
        unspillable.set(keep, unspillable.get(keep) && unspillable.get(merge));
        movesOf.get(keep).addAll(movesOf.get(merge));
        enableMoves(merge);
        for (int neighbour : neighbours[merge]) {
            if (!isGone(neighbour)) {
                joinConflict(neighbour, keep);
                decrementDegree(neighbour);
            }
        }
        if (keep >= COLORS && degree[keep] >= COLORS && freeze.get(keep)) {
            freeze.clear(keep);
            spill.set(keep);
        }
    }

    private void freeze() {
        int node = freeze.nextSetBit(0);
        freeze.clear(node);
        simplify.set(node);
        freezeMoves(node);
    }

    private void freezeMoves(int node) {
        for (int index : movesOf.get(node)) {
            if (moveState[index] == MoveState.DONE) {
                continue;
            }
            moveState[index] = MoveState.DONE;
            var move = moves.get(index);
            int x = find(move.dst());
            int y = find(move.src());
            int other = x == find(node) ? y : x;
            addToWorklist(other);
        }
    }

    private void selectSpill() {
        int best = -1;
        double bestCost = Double.POSITIVE_INFINITY;
        for (int node = spill.nextSetBit(0); node >= 0; node = spill.nextSetBit(node + 1)) {
            double price = unspillable.get(node) ? 1e30 : cost[node] / degree[node];
            if (best < 0 || price < bestCost) {
                best = node;
                bestCost = price;
            }
        }
        spill.clear(best);
        simplify.set(best);
        freezeMoves(best);
    }

    // Colours

    private BitSet assignColors() {
        var spilled = new BitSet();
        for (int node : stack.reversed()) {
            var taken = new BitSet();
            for (int neighbour : neighbours[node]) {
                int c = color[find(neighbour)];
                if (c >= 0) {
                    taken.set(c);
                }
            }
            int choice = preferred(node, taken);
            if (choice < 0) {
                choice = taken.nextClearBit(0);
            }
            if (choice < COLORS) {
                color[node] = choice;
            } else {
                spilled.set(node);
            }
        }
        return spilled;
    }

    /** The colour of what it is copied from or to, if that is free. */
    private int preferred(int node, BitSet taken) {
        for (int index : movesOf.get(node)) {
            var move = moves.get(index);
            int x = find(move.dst());
            int y = find(move.src());
            int other = x == node ? y : x;
            int c = color[other];
            if (c >= 0 && c < COLORS && !taken.get(c)) {
                return c;
            }
        }
        return -1;
    }

    private void rename() {
        for (var block : function.blocks) {
            List<MachineInsn> renamed = new ArrayList<>();
            for (var insn : block.insns) {
                var done = insn.rename(this::colorOf, this::colorOf);
                if (!(done instanceof Move move && move.dst() == move.src())) {
                    renamed.add(done);
                }
            }
            block.insns = renamed;
        }
    }

    private int colorOf(int register) {
        if (register < MachineInsn.FIRST_VIRTUAL) {
            return register;
        }
        int c = color[find(register)];
        assert c >= 0 : "register " + register + " of " + function.name + " has no colour";
        return c;
    }

    // Spilling

    private void spill(BitSet nodes) {
        Map<Integer, Integer> slotOf = new HashMap<>();
        var span = function.blocks.getFirst().end().span();
        for (int node = nodes.nextSetBit(0); node >= 0; node = nodes.nextSetBit(node + 1)) {
            slotOf.put(
                    node,
                    function.newSlot(new MachineFunction.Slot(SPILL_BYTES, SPILL_BYTES, "", span, Optional.empty())));
        }
        for (var block : function.blocks) {
            List<MachineInsn> rewritten = new ArrayList<>();
            for (var insn : block.insns) {
                spillInsn(insn, slotOf, rewritten);
            }
            block.insns = rewritten;
        }
    }

    private void spillInsn(MachineInsn insn, Map<Integer, Integer> slotOf, List<MachineInsn> out) {
        if (insn instanceof Move move) {
            var from = slotOf.get(find(move.src()));
            var to = slotOf.get(find(move.dst()));
            if (from != null && from.equals(to)) {
                return;
            }
            if (to != null && from == null) {
                out.add(store(insn, to, move.src()));
                return;
            }
            if (from != null && to == null) {
                out.add(load(insn, from, move.dst()));
                return;
            }
        }
        Map<Integer, Integer> fresh = new HashMap<>();
        for (int use : insn.uses()) {
            var slot = slotOf.get(find(use));
            if (slot != null && !fresh.containsKey(find(use))) {
                fresh.put(find(use), temporary());
                out.add(load(insn, slot, fresh.get(find(use))));
            }
        }
        List<MachineInsn> after = new ArrayList<>();
        for (int def : insn.defs()) {
            var slot = slotOf.get(find(def));
            if (slot != null) {
                fresh.computeIfAbsent(find(def), k -> temporary());
                after.add(store(insn, slot, fresh.get(find(def))));
            }
        }
        out.add(
                fresh.isEmpty()
                        ? insn
                        : insn.rename(r -> fresh.getOrDefault(find(r), r), r -> fresh.getOrDefault(find(r), r)));
        out.addAll(after);
    }

    private int temporary() {
        int register = function.newRegister();
        temporaries.set(register);
        return register;
    }

    private static MachineInsn load(MachineInsn at, int slot, int register) {
        return new MachineInsn.Load(at.span(), MemSize.DW, false, register, new Base.OfSlot(slot), 0);
    }

    private static MachineInsn store(MachineInsn at, int slot, int register) {
        return new MachineInsn.Store(at.span(), MemSize.DW, new Base.OfSlot(slot), 0, new Source.OfReg(register));
    }
}
