package skep.events.embedded;

import org.jspecify.annotations.Nullable;

/** One activation of a routine on a task's stack. Frames are reused: nothing in them outlives the activation. */
final class Frame {
    Routine routine = Routine.NONE;
    /** The next step of the body. */
    int pc;
    /** Arguments as the caller passed them. */
    long a0;

    long a1;
    long a2;
    long a3;
    long a4;
    long a5;
    /** Locals of the body. */
    long v0;

    long v1;
    long v2;
    long v3;
    /** Model objects that the body works on; an address in the arguments stands for them in what programs see. */
    @Nullable
    Object object;

    @Nullable
    Object other;
    /** A return probe was there when the routine was entered. */
    boolean returnArmed;
    /** This frame is an interruption of what lies below it. */
    boolean interrupt;
    /** Nanoseconds of the interrupted work that were still to do. */
    long remainingNanos;

    /** The step to do now; the following one is next. */
    int next() {
        return pc++;
    }

    long argument(int index) {
        return switch (index) {
            case 0 -> a0;
            case 1 -> a1;
            case 2 -> a2;
            case 3 -> a3;
            case 4 -> a4;
            default -> a5;
        };
    }

    void reset(Routine routine) {
        this.routine = routine;
        pc = 0;
        v0 = 0;
        v1 = 0;
        v2 = 0;
        v3 = 0;
        object = null;
        other = null;
        returnArmed = false;
        interrupt = false;
    }

    /** The object that the caller attached; a bug in the model if there is none. */
    Object object() {
        return java.util.Objects.requireNonNull(object, routine.name());
    }
}
