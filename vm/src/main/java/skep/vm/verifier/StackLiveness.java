package skep.vm.verifier;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Which stack slots are read later: collected while paths are walked (an instruction may read a slot on some visit, and
 * overwrites a slot if it does on every visit), solved backwards over each function whenever a path ends. A function is
 * looked at anew for each chain of calls that leads to it, so that reads of a caller's stack are attributed to that caller.
 */
final class StackLiveness {
    private final Walker w;
    private final Map<List<Integer>, Instance> instances = new HashMap<>();
    private @Nullable Instance current;
    private @Nullable Frame currentFrame;
    private int currentInsn;
    private final long[] writes = new long[PathState.MAX_FRAMES];

    StackLiveness(Walker walker) {
        this.w = walker;
    }

    /** Masks of slots of one frame's stack, by instruction of the function. */
    private static final class Masks {
        final long[] mayRead;
        final long[] mustWrite;

        /** Written on every way from here to the exit. */
        final long[] written;

        final long[] live;

        Masks(int length) {
            mayRead = new long[length];
            mustWrite = new long[length];
            written = new long[length];
            live = new long[length];
        }
    }

    /** A function under one chain of calls. */
    private static final class Instance {
        final List<Integer> chain;
        final int function;
        final int start;
        final int length;
        final int depth;
        final @Nullable Instance caller;
        final boolean[] visited;
        private final @Nullable Masks[] masks;
        boolean updated;
        boolean writeDropped;

        Instance(List<Integer> chain, int function, int start, int end, @Nullable Instance caller) {
            this.chain = chain;
            this.function = function;
            this.start = start;
            this.length = end - start;
            this.depth = chain.size() - 1;
            this.caller = caller;
            masks = new Masks[depth + 1];
            visited = new boolean[length];
        }

        Masks of(int frame) {
            var found = masks[frame];
            if (found == null) {
                found = new Masks(length);
                masks[frame] = found;
            }
            return found;
        }

        @Nullable
        Masks ifAny(int frame) {
            return masks[frame];
        }

        int callsite() {
            return chain.get(depth - 1);
        }

        /** The calls that lead here, then the function's first slot. */
        @Override
        public String toString() {
            var text = new StringBuilder();
            for (int insn : chain) {
                text.append(text.isEmpty() ? "(" : ",").append(insn);
            }
            return text.append(')').toString();
        }
    }

    private Instance instanceOf(PathState state, int depth) {
        var chain = new ArrayList<Integer>(depth + 1);
        for (int f = 1; f <= depth; f++) {
            chain.add(state.frame(f).callsite);
        }
        int function = state.frame(depth).function;
        int start = w.flow.functionStarts[function];
        chain.add(start);
        var found = instances.get(chain);
        if (found != null) {
            return found;
        }
        var caller = depth > 0 ? instanceOf(state, depth - 1) : null;
        var made = new Instance(List.copyOf(chain), function, start, w.flow.functionEnd(function), caller);
        instances.put(made.chain, made);
        return made;
    }

    /** Before an instruction is stepped. */
    void begin(PathState state, int insn) {
        if (currentFrame != state.current()) {
            current = instanceOf(state, state.depth());
            currentFrame = state.current();
        }
        currentInsn = insn;
        Arrays.fill(writes, 0);
    }

    void read(int frame, int spi) {
        var instance = current;
        if (instance != null && frame <= instance.depth) {
            read(instance, frame, currentInsn, 1L << spi);
        }
    }

    private static void read(Instance instance, int frame, int insn, long mask) {
        if (mask == 0) {
            return;
        }
        var masks = instance.of(frame);
        int at = insn - instance.start;
        if ((mask & ~masks.mayRead[at]) != 0 && ((masks.mayRead[at] | mask) & ~masks.live[at]) != 0) {
            instance.updated = true;
        }
        masks.mayRead[at] |= mask;
    }

    void write(int frame, int spi) {
        writes[frame] |= 1L << spi;
    }

    /** A function was entered: the call itself is not judged, the function's effects are put in its place. */
    void leave() {
        current = null;
        currentFrame = null;
    }

    /** After an instruction was stepped. */
    void commit() {
        var instance = current;
        if (instance != null) {
            commit(instance, currentInsn);
        }
    }

    private void commit(Instance instance, int insn) {
        int at = insn - instance.start;
        for (int f = 0; f <= instance.depth; f++) {
            long now = writes[f];
            if (now == 0 && (!instance.visited[at] || instance.ifAny(f) == null)) {
                continue;
            }
            var masks = instance.of(f);
            long before = masks.mustWrite[at];
            if (instance.visited[at]) {
                now &= before;
            }
            if (now != before) {
                masks.mustWrite[at] = now;
                instance.updated = true;
            }
            instance.writeDropped |= (before & ~now) != 0;
        }
        instance.visited[at] = true;
    }

    /** A path or a function ended: what was seen in its frames is spread over their functions. */
    void update(PathState state) {
        for (int f = state.depth(); f >= 0; f--) {
            var instance = instanceOf(state, f);
            if (instance.updated) {
                solve(instance);
                instance.updated = false;
                instance.writeDropped = false;
            }
        }
        leave();
    }

    private void solve(Instance instance) {
        if (instance.writeDropped) {
            for (int f = 0; f <= instance.depth; f++) {
                var masks = instance.ifAny(f);
                if (masks != null) {
                    Arrays.fill(masks.written, 0);
                }
            }
        }
        var order = w.flow.postorder(instance.function);
        int rounds = 0;
        boolean changed;
        do {
            rounds++;
            changed = false;
            for (int f = 0; f <= instance.depth; f++) {
                var masks = instance.ifAny(f);
                if (masks != null) {
                    for (int insn : order) {
                        changed |= solve(instance, masks, f, insn);
                    }
                }
            }
        } while (changed);
        if (w.log.allPaths()) {
            w.log.append(instance + " live stack update done in " + rounds + " iterations\n");
        }
        var caller = instance.caller;
        if (caller == null) {
            return;
        }
        Arrays.fill(writes, 0);
        for (int f = 0; f < instance.depth; f++) {
            var masks = instance.ifAny(f);
            if (masks != null) {
                writes[f] = masks.written[0];
                read(caller, f, instance.callsite(), masks.live[0]);
            }
        }
        commit(caller, instance.callsite());
    }

    private boolean solve(Instance instance, Masks masks, int frame, int insn) {
        int next = w.flow.successor(insn, false);
        int target = w.flow.successor(insn, true);
        if (next < 0 && target < 0) {
            return false;
        }
        long after = 0;
        long written = -1L;
        if (next >= 0) {
            after |= masks.live[next - instance.start];
            written &= masks.written[next - instance.start];
        }
        if (target >= 0) {
            after |= masks.live[target - instance.start];
            written &= masks.written[target - instance.start];
        }
        int at = insn - instance.start;
        written |= masks.mustWrite[at];
        long live = (after & ~masks.mustWrite[at]) | masks.mayRead[at];
        boolean changed = live != masks.live[at] || written != masks.written[at];
        if (changed && w.log.allPaths()) {
            boolean telling =
                    masks.mayRead[at] != 0 || masks.mustWrite[at] != 0 || at == 0 || w.flow.prunePoints.get(insn);
            if (telling) {
                tell(instance, "live", frame, insn, masks.live[at], live);
                tell(instance, "written", frame, insn, masks.written[at], written);
            }
        }
        masks.live[at] = live;
        masks.written[at] = written;
        return changed;
    }

    private void tell(Instance instance, String what, int frame, int insn, long old, long now) {
        if (old == now) {
            return;
        }
        w.log.append(instance + " frame " + frame + " insn " + insn + " ");
        if ((now & ~old) != 0) {
            w.log.append("+" + what + " " + StateText.slots(now & ~old) + " ");
        }
        if ((old & ~now) != 0) {
            w.log.append("-" + what + " " + StateText.slots(old & ~now));
        }
        w.log.append("\n");
    }

    /** Whether a slot of a frame of a state may be read after the place where the state is. */
    boolean alive(PathState state, int frame, int spi) {
        if (isLive(instanceOf(state, state.depth()), state.insn, frame, spi)) {
            return true;
        }
        for (int f = frame; f < state.depth(); f++) {
            int callsite = state.frame(f + 1).callsite;
            int from = w.flow.callbackCalls.get(callsite) ? callsite : callsite + 1;
            if (isLive(instanceOf(state, f), from, frame, spi)) {
                return true;
            }
        }
        return false;
    }

    private static boolean isLive(Instance instance, int insn, int frame, int spi) {
        var masks = instance.ifAny(frame);
        int at = insn - instance.start;
        if (at < 0 || at >= instance.length) {
            return true;
        }
        return masks != null && (masks.live[at] >> spi & 1) != 0;
    }
}
