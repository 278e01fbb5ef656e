package skep.vm.verifier;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Which stack slots are read later: collected while paths are walked (an instruction may read a slot on some visit, and
 * overwrites a slot if it does on every visit), solved backwards over each function. A function is looked at anew for each
 * chain of calls that leads to it, so that reads of a caller's stack are attributed to that caller.
 */
final class StackLiveness {
    private final Walker w;
    private final Map<List<Integer>, Instance> instances = new HashMap<>();
    private final Deque<Instance> dirty = new ArrayDeque<>();
    private @Nullable Instance current;
    private @Nullable Frame currentFrame;
    private int currentInsn;
    private final long[] writes = new long[PathState.MAX_FRAMES];

    StackLiveness(Walker walker) {
        this.w = walker;
    }

    /** A function under one chain of calls; masks are by frame and slot of the function. */
    private static final class Instance {
        final int start;
        final int end;
        final int depth;
        final @Nullable Instance caller;
        final int callsite;
        final long[][] mayRead;
        final long[][] mustWrite;
        final boolean[] visited;
        final long[][] live;
        boolean isDirty;

        Instance(int start, int end, int depth, @Nullable Instance caller, int callsite) {
            this.start = start;
            this.end = end;
            this.depth = depth;
            this.caller = caller;
            this.callsite = callsite;
            int n = end - start;
            mayRead = new long[depth + 1][n];
            mustWrite = new long[depth + 1][n];
            live = new long[depth + 1][n];
            visited = new boolean[n];
        }
    }

    private Instance instanceOf(PathState state) {
        return instanceOf(state, state.depth());
    }

    private Instance instanceOf(PathState state, int depth) {
        var key = new ArrayList<Integer>(depth + 1);
        for (int f = 1; f <= depth; f++) {
            key.add(state.frame(f).callsite);
        }
        int start = w.flow.functionStarts[state.frame(depth).function];
        key.add(start);
        key.add(state.frame(0).function);
        var found = instances.get(key);
        if (found != null) {
            return found;
        }
        var caller = depth > 0 ? instanceOf(state, depth - 1) : null;
        var made = new Instance(
                start,
                w.flow.functionEnd(state.frame(depth).function),
                depth,
                caller,
                depth > 0 ? state.frame(depth).callsite : -1);
        instances.put(key, made);
        return made;
    }

    /** Before an instruction is stepped. */
    void begin(PathState state, int insn) {
        if (currentFrame != state.current()) {
            current = instanceOf(state);
            currentFrame = state.current();
        }
        currentInsn = insn;
        Arrays.fill(writes, 0);
    }

    void read(int frame, int spi) {
        var instance = current;
        if (instance == null || frame > instance.depth) {
            return;
        }
        int at = currentInsn - instance.start;
        long bit = 1L << spi;
        if ((instance.mayRead[frame][at] & bit) == 0) {
            instance.mayRead[frame][at] |= bit;
            soil(instance);
        }
    }

    void write(int frame, int spi) {
        writes[frame] |= 1L << spi;
    }

    /** After an instruction was stepped. */
    void commit() {
        var instance = current;
        if (instance == null) {
            return;
        }
        int at = currentInsn - instance.start;
        for (int f = 0; f <= instance.depth; f++) {
            long before = instance.mustWrite[f][at];
            long now = instance.visited[at] ? before & writes[f] : writes[f];
            if (now != before) {
                instance.mustWrite[f][at] = now;
                soil(instance);
            }
        }
        instance.visited[at] = true;
    }

    private void soil(Instance instance) {
        if (!instance.isDirty) {
            instance.isDirty = true;
            dirty.add(instance);
        }
    }

    private void solve() {
        while (!dirty.isEmpty()) {
            var instance = dirty.poll();
            instance.isDirty = false;
            solve(instance);
            var caller = instance.caller;
            if (caller == null) {
                continue;
            }
            int at = instance.callsite - caller.start;
            for (int f = 0; f <= caller.depth; f++) {
                long entry = instance.live[f][0];
                if ((entry & ~caller.mayRead[f][at]) != 0) {
                    caller.mayRead[f][at] |= entry;
                    soil(caller);
                }
            }
        }
    }

    private void solve(Instance instance) {
        for (int f = 0; f <= instance.depth; f++) {
            var live = instance.live[f];
            Arrays.fill(live, 0);
            boolean changed = true;
            while (changed) {
                changed = false;
                for (int i = instance.end - 1; i >= instance.start; i--) {
                    long after = 0;
                    int next = w.flow.successor(i, false);
                    if (next >= 0 && next < instance.end) {
                        after |= live[next - instance.start];
                    }
                    int target = w.flow.successor(i, true);
                    if (target >= 0) {
                        after |= live[target - instance.start];
                    }
                    int at = i - instance.start;
                    long before = (after & ~instance.mustWrite[f][at]) | instance.mayRead[f][at];
                    if (before != live[at]) {
                        live[at] = before;
                        changed = true;
                    }
                }
            }
        }
    }

    /** Whether a slot of a frame of a state may be read after the place where the state is. */
    boolean alive(PathState state, int frame, int spi) {
        solve();
        var instance = instanceOf(state);
        if (isLive(instance, state.insn, frame, spi)) {
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
        int at = insn - instance.start;
        return at < 0 || at >= instance.end - instance.start || (instance.live[frame][at] >> spi & 1) != 0;
    }
}
