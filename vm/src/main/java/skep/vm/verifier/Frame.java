package skep.vm.verifier;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** One function's activation on a path: its registers and its stack. */
final class Frame {
    static final int REGISTERS = 11;
    static final int MAX_STACK_BYTES = 512;

    final RegState[] regs = new RegState[REGISTERS];
    StackSlot[] stack = new StackSlot[0];

    int number;
    int function;
    /** Slot of the call, or {@link #MAIN}. */
    int callsite;

    static final int MAIN = -1;

    boolean inCallback;
    boolean inAsyncCallback;
    boolean inExceptionCallback;
    int asyncEntries;
    int callbackDepth;
    int callbackRetMin;
    int callbackRetMax;
    boolean hasCallbackRange;

    Frame(int callsite, int number, int function) {
        this.callsite = callsite;
        this.number = number;
        this.function = function;
        for (int i = 0; i < REGISTERS; i++) {
            regs[i] = new RegState();
            regs[i].markNotInit();
        }
        regs[10].markPointer(RegKind.STACK, 0);
        regs[10].frame = number;
    }

    Frame(Frame other) {
        for (int i = 0; i < REGISTERS; i++) {
            regs[i] = new RegState(other.regs[i]);
        }
        stack = new StackSlot[other.stack.length];
        for (int i = 0; i < stack.length; i++) {
            stack[i] = new StackSlot(other.stack[i]);
        }
        copyRest(other);
    }

    private Frame() {}

    /** This, for a state that is kept: it shares with the frame of an earlier one what has not changed since. */
    Frame kept(@Nullable Frame earlier) {
        var kept = new Frame();
        for (int i = 0; i < REGISTERS; i++) {
            kept.regs[i] = regs[i].kept(earlier == null ? null : earlier.regs[i]);
        }
        kept.stack = new StackSlot[stack.length];
        for (int i = 0; i < stack.length; i++) {
            kept.stack[i] = stack[i].kept(earlier == null || i >= earlier.stack.length ? null : earlier.stack[i]);
        }
        kept.copyRest(this);
        return kept;
    }

    private void copyRest(Frame other) {
        number = other.number;
        function = other.function;
        callsite = other.callsite;
        inCallback = other.inCallback;
        inAsyncCallback = other.inAsyncCallback;
        inExceptionCallback = other.inExceptionCallback;
        asyncEntries = other.asyncEntries;
        callbackDepth = other.callbackDepth;
        callbackRetMin = other.callbackRetMin;
        callbackRetMax = other.callbackRetMax;
        hasCallbackRange = other.hasCallbackRange;
    }

    int stackBytes() {
        return stack.length * StackSlot.BYTES;
    }

    /** Makes room for at least so many bytes. */
    void growStack(int bytes) {
        int slots = (bytes + StackSlot.BYTES - 1) / StackSlot.BYTES;
        int old = stack.length;
        if (slots > old) {
            stack = Arrays.copyOf(stack, slots);
            for (int i = old; i < slots; i++) {
                stack[i] = new StackSlot();
            }
        }
    }

    void allowCallbackResult(int min, int max) {
        hasCallbackRange = true;
        callbackRetMin = min;
        callbackRetMax = max;
    }
}
