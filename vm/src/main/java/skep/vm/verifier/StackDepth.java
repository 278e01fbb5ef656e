package skep.vm.verifier;

import java.util.Map;

/** The deepest chain of calls fits the kernel's stack. */
final class StackDepth {
    private static final int MAX_BYTES = 512;
    private static final int MAX_WITH_TAIL_CALL = 256;

    private final Walker w;
    private final Map<Integer, Integer> depths;

    StackDepth(Walker walker, Map<Integer, Integer> depths) {
        this.w = walker;
        this.depths = depths;
    }

    static int rounded(int bytes) {
        return (Math.max(bytes, 1) + 31) / 32 * 32;
    }

    void check() {
        for (int f = 0; f < w.flow.functionCount(); f++) {
            if (f == 0 || isEntry(f)) {
                walk(f, 0, 0, false);
            }
        }
    }

    private boolean isEntry(int function) {
        return w.calls.asyncEntries.get(function);
    }

    private void walk(int function, int above, int frames, boolean tailCall) {
        int own = jitRounded(depths.getOrDefault(function, 0));
        int depth = above + own;
        if (depth > MAX_BYTES) {
            throw Refusal.of(
                    w.log, Refusal.EACCES, "combined stack size of %d calls is %d. Too large", frames + 1, depth);
        }
        if (frames > 0 && w.flow.hasTailCall.get(function) && above >= MAX_WITH_TAIL_CALL) {
            throw Refusal.of(
                    w.log,
                    Refusal.EACCES,
                    "tail_calls are not allowed when call stack of previous frames is %d bytes. Too large",
                    above);
        }
        int end = w.flow.functionEnd(function);
        for (int i = w.flow.functionStarts[function]; i < end; i++) {
            boolean call = w.code.isFunctionCall(i);
            boolean reference = w.code.isFunctionReference(i);
            if (!call && !reference) {
                continue;
            }
            int callee = w.flow.functionStartingAt(i + w.code.imm[i] + 1);
            if (reference && w.calls.asyncEntries.get(callee)) {
                continue;
            }
            if (frames + 1 >= PathState.MAX_FRAMES) {
                throw Refusal.of(w.log, Refusal.E2BIG, "the call stack of %d frames is too deep !", frames + 1);
            }
            walk(callee, depth, frames + 1, tailCall);
        }
    }

    /** What a function costs when it is compiled. */
    private static int jitRounded(int bytes) {
        return (Math.max(bytes, 1) + 15) / 16 * 16;
    }
}
