package skep.vm.verifier;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Remembered states, by instruction: a path that meets a state already explored ends there; loops are told apart. */
final class Pruning {
    /** Without {@code CAP_BPF}, no more states are remembered at one instruction. */
    private static final int MAX_STATES_UNPRIVILEGED = 64;

    private static final int MAX_HISTORY = 40;
    private static final int MAX_BACKEDGE_ROUNDS = 64;

    private final Walker w;
    private final Equality equality;
    private final @Nullable List<Remembered>[] explored;
    private final Map<List<Integer>, LoopVisit> loopVisits = new HashMap<>();

    private int jumpsAtLast;
    private int insnsAtLast;
    int totalStates;
    int peakStates;
    private int exploredStates;
    private int evictedStates;
    private int backEdges;
    int maxStatesPerInsn;

    Pruning(Walker walker) {
        this.w = walker;
        this.equality = new Equality(walker);
        this.explored = buckets(walker.code.length);
    }

    @SuppressWarnings("unchecked")
    private static @Nullable List<Remembered>[] buckets(int count) {
        return (@Nullable List<Remembered>[]) new List<?>[count];
    }

    /** The states remembered at a slot and called from the same place, and some others: the kernel counts them together. */
    private List<Remembered> bucket(int insn, int callsite) {
        int index = Integer.remainderUnsigned(insn ^ callsite, explored.length);
        var list = explored[index];
        if (list == null) {
            list = new ArrayList<>();
            explored[index] = list;
        }
        return list;
    }

    private static final class Remembered {
        final PathState state;
        int hits;
        int misses;

        Remembered(PathState state) {
            this.state = state;
        }
    }

    /** A loop being explored: where it was entered, and the states on its back edges. */
    private static final class LoopVisit {
        @Nullable
        PathState entry;

        final List<PathState> backEdges = new ArrayList<>();
    }

    /** Whether the path may end here because the same was explored before; otherwise the state may be remembered. */
    boolean visited(int insn) {
        var current = w.state();
        boolean forced = w.flow.forcedCheckpoints.get(insn);
        boolean force = w.input.everyStateKept() || forced || current.history.size > MAX_HISTORY;
        boolean add = force || (w.jumpsProcessed - jumpsAtLast >= 2 && w.insnsProcessed - insnsAtLast >= 8);
        var list = bucket(insn, current.current().callsite);
        if (!w.input.recordFacts()) {
            clean(list, insn, current);
        }
        int count = list.size();
        Iterator<Remembered> states = list.iterator();
        // the newest is at the front
        while (states.hasNext()) {
            var remembered = states.next();
            var old = remembered.state;
            if (old.insn != insn) {
                continue;
            }
            boolean hit = false;
            boolean loop = false;
            if (old.branches > 0) {
                var frame = old.current();
                boolean otherEntry = frame.inAsyncCallback && frame.asyncEntries != current.current().asyncEntries;
                boolean special = otherEntry;
                if (!special && w.flow.iteratorNexts.get(insn)) {
                    special = true;
                    hit = equality.equal(old, current, Equality.Mode.RANGES) && activeIterator(current);
                    loop = hit;
                }
                if (!special && w.code.isMayGoto(insn)) {
                    hit = old.mayGotoDepth != current.mayGotoDepth
                            && equality.equal(old, current, Equality.Mode.RANGES);
                    loop = hit;
                }
                if (!special && !hit && w.flow.callbackCalls.get(insn)) {
                    special = true;
                    hit = equality.equal(old, current, Equality.Mode.RANGES);
                    loop = hit;
                }
                if (!special && !hit) {
                    refuseEndlessLoop(insn, old, current);
                }
                if (!hit) {
                    if (!force && w.jumpsProcessed - jumpsAtLast < 20 && w.insnsProcessed - insnsAtLast < 100) {
                        add = false;
                    }
                }
            } else {
                loop = incomplete(old);
                boolean ranges = loop || w.input.recordFacts();
                hit = equality.equal(old, current, ranges ? Equality.Mode.RANGES : Equality.Mode.COVERED);
            }
            if (hit) {
                remembered.hits++;
                if (w.flow.jumpPoints.get(insn)) {
                    w.recordJump(0, 0);
                }
                w.precision.propagate(old, current);
                if (loop) {
                    var edge = current.kept();
                    edge.equalState = old;
                    edge.insn = insn;
                    var visit = loopVisit(old);
                    if (visit != null) {
                        visit.backEdges.add(edge);
                        tellLoop("backedge", old);
                        backEdges++;
                        notePeak();
                    }
                }
                return true;
            }
            if (add) {
                remembered.misses++;
            }
            int patience = forced && old.branches > 0 ? 64 : 3;
            if (remembered.misses > remembered.hits * patience + patience) {
                states.remove();
                exploredStates--;
                if (old.branches > 0) {
                    old.evicted = true;
                    evictedStates++;
                }
                notePeak();
            }
        }
        maxStatesPerInsn = Math.max(maxStatesPerInsn, count);
        if (!w.bpfCapable && count > MAX_STATES_UNPRIVILEGED) {
            return false;
        }
        if (!add) {
            return false;
        }
        totalStates++;
        exploredStates++;
        notePeak();
        jumpsAtLast = w.jumpsProcessed;
        insnsAtLast = w.insnsProcessed;
        if (w.bpfCapable) {
            Precision.forgetAll(current);
        }
        var kept = current.kept();
        kept.insn = insn;
        enterLoop(kept);
        current.parent = kept;
        current.firstInsn = insn;
        current.dfsDepth = kept.dfsDepth + 1;
        current.history.clear();
        list.add(0, new Remembered(kept));
        return false;
    }

    private void refuseEndlessLoop(int insn, PathState old, PathState current) {
        if (Equality.maybeLooping(old, current)
                && equality.equal(old, current, Equality.Mode.EXACT)
                && !Equality.iteratorDepthsDiffer(old, current)
                && old.mayGotoDepth == current.mayGotoDepth
                && old.callbackUnrollDepth == current.callbackUnrollDepth) {
            w.log.line("infinite loop detected at insn " + insn);
            w.log.line("cur state:" + StateText.of(current, current.depth()));
            w.endlessLoop = true;
            throw Refusal.of(w.log, Refusal.EINVAL, "%s", "old state:" + StateText.of(old, current.depth()));
        }
    }

    private static boolean activeIterator(PathState state) {
        var pointer = state.regs()[1];
        if (pointer.kind != RegKind.STACK) {
            return false;
        }
        int spi = (int) (-(pointer.off + pointer.var.value()) - 1) / 8;
        var frame = state.frame(pointer.frame);
        return spi < frame.stack.length && frame.stack[spi].spilled.iterState == RegState.IterState.ACTIVE;
    }

    /** Forgets, in fully explored states, what nothing reads later: more paths are covered by them. */
    private void clean(List<Remembered> list, int insn, PathState current) {
        for (var remembered : list) {
            var state = remembered.state;
            if (state.insn != insn
                    || state.branches > 0
                    || state.cleaned
                    || !state.sameCallsites(current)
                    || incomplete(state)) {
                continue;
            }
            state.cleaned = true;
            for (int f = 0; f <= state.depth(); f++) {
                var frame = state.frame(f);
                int live = w.flow.liveBefore[state.insnOf(f)];
                for (int r = 0; r < 10; r++) {
                    if ((live >> r & 1) == 0) {
                        frame.regs[r] = RegState.NOTHING;
                    }
                }
                for (int s = 0; s < frame.stack.length; s++) {
                    if (!w.stackLiveness.alive(state, f, s)) {
                        frame.stack[s] = StackSlot.EMPTY;
                    }
                }
            }
        }
    }

    /** The nearest remembered state of this path at a slot. */
    @Nullable
    PathState previousEntry(@Nullable PathState from, int insn) {
        for (var state = from; state != null; state = state.parent) {
            if (state.insn == insn && state.sameCallsites(w.state())) {
                return state;
            }
        }
        return null;
    }

    /** The one before that which was remembered on this visit of the slot. */
    @Nullable
    PathState entryBefore(PathState current, int insn) {
        var latest = current.parent;
        return latest == null ? null : previousEntry(latest.parent, insn);
    }

    void widenImprecise(PathState old, PathState current) {
        equality.forgetIds();
        for (int f = Math.min(old.depth(), current.depth()); f >= 0; f--) {
            var a = old.frame(f);
            var b = current.frame(f);
            for (int r = 0; r < Frame.REGISTERS; r++) {
                equality.widen(a.regs[r], b.regs[r]);
            }
            for (int s = 0; s < a.stack.length && s < b.stack.length; s++) {
                if (a.stack[s].isSpilledReg() && b.stack[s].isSpilledReg()) {
                    equality.widen(a.stack[s].spilled, b.stack[s].spilled);
                }
            }
        }
    }

    // ---- loops ----

    /** The outermost loop that a state is in, told apart by the calls that lead to it; empty outside of loops. */
    private List<Integer> loopKey(PathState state) {
        var key = new ArrayList<Integer>();
        for (int f = 0; f <= state.depth(); f++) {
            int insn = state.insnOf(f);
            int loop = w.flow.loop[insn];
            if (loop != 0) {
                key.add(-loop);
                return key;
            }
            key.add(insn);
        }
        return List.of();
    }

    private @Nullable LoopVisit loopVisit(PathState state) {
        var key = loopKey(state);
        return key.isEmpty() ? null : loopVisits.computeIfAbsent(key, k -> new LoopVisit());
    }

    private void tellLoop(String what, PathState state) {
        if (!w.log.allPaths()) {
            return;
        }
        var text = new StringBuilder("SCC ").append(what).append(" (");
        for (int part : loopKey(state)) {
            if (part != 0) {
                text.append(part < 0 ? -part : part).append(part < 0 ? ")\n" : ",");
            }
        }
        w.log.append(text.toString());
    }

    private void enterLoop(PathState state) {
        var visit = loopVisit(state);
        if (visit != null && visit.entry == null) {
            visit.entry = state;
            tellLoop("enter", state);
        }
    }

    private boolean incomplete(PathState state) {
        var key = loopKey(state);
        if (key.isEmpty()) {
            return false;
        }
        var visit = loopVisits.get(key);
        return visit != null && !visit.backEdges.isEmpty();
    }

    /** A path ended: states all of whose paths ended are complete, and so are their loops. */
    void pathEnded(PathState ended) {
        for (PathState state = ended; state != null; ) {
            state.branches--;
            if (state.branches > 0) {
                return;
            }
            if (state.evicted) {
                state.evicted = false;
                evictedStates--;
            }
            var key = loopKey(state);
            var visit = key.isEmpty() ? null : loopVisits.get(key);
            if (visit != null && visit.entry == state) {
                tellLoop("exit", state);
                visit.entry = null;
                spreadOverBackEdges(visit);
            }
            var parent = state.parent;
            if (key.isEmpty()) {
                // Nobody walks back through it any more: what is above it and no longer compared with can go.
                state.parent = null;
            }
            state = parent;
        }
    }

    /** What the loop's head needs precisely is needed at the end of its body: until nothing changes. */
    private void spreadOverBackEdges(LoopVisit visit) {
        int rounds = 0;
        boolean changed;
        do {
            changed = false;
            if (rounds++ > MAX_BACKEDGE_ROUNDS) {
                for (var edge : visit.backEdges) {
                    w.precision.markAll(edge);
                }
                break;
            }
            for (var edge : visit.backEdges) {
                var equal = edge.equalState;
                if (equal != null) {
                    w.precision.changed = false;
                    w.precision.propagate(equal, edge);
                    changed |= w.precision.changed;
                }
            }
        } while (changed);
        backEdges -= visit.backEdges.size();
        visit.backEdges.clear();
    }

    private void notePeak() {
        peakStates = Math.max(peakStates, exploredStates + evictedStates + backEdges);
    }
}
