package skep.vm.verifier;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** Everything that is believed at a point of a path: frames, references, locks. Mutable; copied when paths part. */
final class PathState {
    static final int MAX_FRAMES = 8;

    final List<Frame> frames = new ArrayList<>(2);
    final List<Reference> references = new ArrayList<>(0);

    int insn;
    int firstInsn;
    int lastInsn;
    boolean speculative;
    boolean sleepable;

    int activeLocks;
    int activeLockId;

    @Nullable
    Object activeLockOwner;

    int activePreemptLocks;
    int activeRcuLocks;
    int activeIrqId;

    int callbackUnrollDepth;
    int mayGotoDepth;
    int dfsDepth;

    /** Paths not yet fully explored from here, while remembered for pruning. */
    int branches;

    boolean cleaned;

    /** No longer compared with, but kept while paths go on from here. */
    boolean evicted;

    @Nullable
    PathState parent;
    /** On a back edge, the remembered state that this one equals. */
    @Nullable
    PathState equalState;

    final JumpHistory history = new JumpHistory();

    PathState() {}

    PathState(PathState other) {
        for (var frame : other.frames) {
            frames.add(new Frame(frame));
        }
        copyRest(other);
        history.copyFrom(other.history);
    }

    /**
     * This state to be kept and compared with. It shares with the state kept before it on the path what has not changed
     * since: kept states are never changed, but get other registers and slots ({@link RegState#markedPrecise}).
     */
    PathState kept() {
        var kept = new PathState();
        for (int i = 0; i < frames.size(); i++) {
            var frame = frames.get(i);
            var earlier = parent != null && i < parent.frames.size() ? parent.frames.get(i) : null;
            kept.frames.add(frame.kept(earlier));
        }
        kept.copyRest(this);
        kept.history.copyFrom(history);
        return kept;
    }

    private void copyRest(PathState other) {
        for (var reference : other.references) {
            references.add(reference);
        }
        insn = other.insn;
        firstInsn = other.firstInsn;
        lastInsn = other.lastInsn;
        speculative = other.speculative;
        sleepable = other.sleepable;
        activeLocks = other.activeLocks;
        activeLockId = other.activeLockId;
        activeLockOwner = other.activeLockOwner;
        activePreemptLocks = other.activePreemptLocks;
        activeRcuLocks = other.activeRcuLocks;
        activeIrqId = other.activeIrqId;
        callbackUnrollDepth = other.callbackUnrollDepth;
        mayGotoDepth = other.mayGotoDepth;
        dfsDepth = other.dfsDepth;
        branches = other.branches;
        parent = other.parent;
        equalState = other.equalState;
    }

    /**
     * Something that must be given back: an object, a lock, saved interrupts. Immutable.
     *
     * @param owner for locks, the map or allocation that holds the lock
     */
    record Reference(Kind kind, int id, int insn, @Nullable Object owner) {
        enum Kind {
            OBJECT,
            IRQ,
            LOCK,
            RES_LOCK,
            RES_LOCK_IRQ
        }

        boolean isLock() {
            return kind == Kind.LOCK || kind == Kind.RES_LOCK || kind == Kind.RES_LOCK_IRQ;
        }
    }

    Frame current() {
        return frames.get(frames.size() - 1);
    }

    int depth() {
        return frames.size() - 1;
    }

    Frame frame(int number) {
        return frames.get(number);
    }

    RegState[] regs() {
        return current().regs;
    }

    /** The slot at which a frame stands: the call for those that wait. */
    int insnOf(int frameNumber) {
        return frameNumber == depth() ? insn : frames.get(frameNumber + 1).callsite;
    }

    boolean sameCallsites(PathState other) {
        if (frames.size() != other.frames.size()) {
            return false;
        }
        for (int i = 0; i < frames.size(); i++) {
            if (frames.get(i).callsite != other.frames.get(i).callsite) {
                return false;
            }
        }
        return true;
    }

    /** Visits every register of every frame, spilled ones included. */
    void eachReg(Consumer<RegState> visit) {
        for (var frame : frames) {
            for (var reg : frame.regs) {
                visit.accept(reg);
            }
            for (var slot : frame.stack) {
                if (slot.isSpilledReg()) {
                    visit.accept(slot.spilled);
                }
            }
        }
    }

    boolean holdsReference(int id) {
        for (var reference : references) {
            if (reference.kind() == Reference.Kind.OBJECT && reference.id() == id) {
                return true;
            }
        }
        return false;
    }

    boolean removeReference(int id) {
        return references.removeIf(r -> r.kind() == Reference.Kind.OBJECT && r.id() == id);
    }

    int objectReferences() {
        int count = 0;
        for (var reference : references) {
            if (!reference.isLock()) {
                count++;
            }
        }
        return count;
    }
}
