package skep.vm.verifier;

/**
 * What a processor may do wrongly while it guesses (Spectre v1): for loaders without {@code CAP_PERFMON}, pointer arithmetic
 * must be maskable, and the paths that a wrong guess takes are explored too.
 */
final class Speculation {
    private static final int NEGATIVE = 1 << 2;
    private static final int IMMEDIATE = 1 << 1;
    private static final int SANITIZE_SRC = 1 << 3;
    private static final int SANITIZE_DST = 1 << 4;
    private static final int NON_POINTER = 1 << 5;

    private static final String TAIL = "pointer arithmetic with it prohibited for !root";

    private enum Reason {
        BOUNDS,
        TYPE,
        PATHS,
        LIMIT
    }

    private final Walker w;
    private final int[] states;
    private final long[] limits;
    final boolean[] barrier;
    final boolean[] barrierAfter;

    private boolean maskToLeft;
    private int pendingState;
    private long pendingLimit;

    Speculation(Walker walker) {
        this.w = walker;
        states = new int[walker.code.length];
        limits = new long[walker.code.length];
        barrier = new boolean[walker.code.length];
        barrierAfter = new boolean[walker.code.length];
    }

    private boolean skip(int i) {
        return w.bypassSpectre1 || !w.code.fromReg(i) || barrier[i];
    }

    void sanitizeScalar(int i, RegState dst, RegState src) {
        if (!skip(i) && !remember(i, NON_POINTER, 0)) {
            throw refuse(Reason.PATHS, i, dst, src, false);
        }
    }

    private boolean remember(int i, int state, long limit) {
        if (states[i] != 0 && (states[i] != state || limits[i] != limit)) {
            return false;
        }
        states[i] = state;
        limits[i] = limit;
        return true;
    }

    /** Forgets what an instruction on an impossible path claimed. */
    void forget(int i) {
        states[i] = 0;
    }

    /** Before the sum is computed: the limit of the mask, and the path on which the offset is masked to zero. */
    void beforePointer(int i, int operation, RegState dst, RegState ptr, RegState offset, boolean offsetIsDst) {
        if ((operation != Code.ADD && operation != Code.SUB) || skip(i)) {
            return;
        }
        boolean immediate = offset.var.isConstant();
        if (!w.state().speculative) {
            boolean negative = offset.smin < 0;
            if (!immediate && (offset.smin < 0) != (offset.smax < 0)) {
                throw refuse(Reason.BOUNDS, i, dst, offset, offsetIsDst);
            }
            maskToLeft = (operation == Code.ADD && negative) || (operation == Code.SUB && !negative);
            long limit = limit(ptr, i, dst, offset, offsetIsDst);
            int state = (negative ? NEGATIVE : 0)
                    | (immediate ? IMMEDIATE : 0)
                    | (offsetIsDst ? SANITIZE_DST : SANITIZE_SRC);
            if (!immediate) {
                w.exploreLimits = true;
            }
            pendingState = state;
            pendingLimit = limit;
        }
        if (immediate) {
            return;
        }
        RegState saved = null;
        if (offsetIsDst) {
            saved = new RegState(dst);
            dst.set(ptr);
        }
        pushSpeculative(i, i + 1, false);
        if (saved != null) {
            dst.set(saved);
        }
    }

    /** After the sum: bounds that a wrong guess must not leave, and the window narrowed to what really moved. */
    void afterPointer(int i, int operation, RegState dst, RegState offset, boolean offsetIsDst) {
        checkBounds(i, dst);
        if ((operation != Code.ADD && operation != Code.SUB) || skip(i) || w.state().speculative) {
            return;
        }
        long limit = Math.abs(pendingLimit - limit(dst, i, dst, offset, offsetIsDst));
        if (!remember(i, pendingState, limit)) {
            throw refuse(Reason.PATHS, i, dst, offset, offsetIsDst);
        }
    }

    private void checkBounds(int i, RegState dst) {
        if (w.bypassSpectre1) {
            return;
        }
        int dstNo = w.code.dst[i];
        if (dst.kind == RegKind.STACK) {
            if (!dst.var.isConstant()) {
                throw w.denied(
                        "R%d variable stack access prohibited for !root, var_off=%s off=%d",
                        dstNo, dst.var, dst.off + dst.var.value());
            }
            long off = dst.off + dst.var.value();
            if (off >= 0 || off < -Frame.MAX_STACK_BYTES) {
                throw w.denied(
                        "R%d stack pointer arithmetic goes out of range, prohibited for !root; off=%d", dstNo, off);
            }
        } else if (dst.kind == RegKind.MAP_VALUE) {
            try {
                w.memory.checkMapAccess(dstNo, dst, dst.off, 1, false, false);
            } catch (Refusal refusal) {
                throw w.denied("R%d pointer arithmetic of map value goes out of range, prohibited for !root", dstNo);
            }
        }
    }

    private long limit(RegState ptr, int i, RegState dst, RegState offset, boolean offsetIsDst) {
        long max;
        long limit;
        if (ptr.kind == RegKind.STACK) {
            max = Frame.MAX_STACK_BYTES + (maskToLeft ? 1 : 0);
            limit = -(ptr.var.value() + ptr.off);
        } else if (ptr.kind == RegKind.MAP_VALUE) {
            max = ptr.map().valueSizeBytes();
            limit = (maskToLeft ? ptr.smin : ptr.umax) + ptr.off;
        } else {
            throw refuse(Reason.TYPE, i, dst, offset, offsetIsDst);
        }
        if (Long.compareUnsigned(limit, max) >= 0) {
            throw refuse(Reason.LIMIT, i, dst, offset, offsetIsDst);
        }
        return limit;
    }

    private Refusal refuse(Reason reason, int i, RegState dst, RegState offset, boolean offsetIsDst) {
        int dstNo = w.code.dst[i];
        int srcNo = w.code.src[i];
        var op = w.code.operation(i) == Code.ADD ? "add" : "sub";
        return switch (reason) {
            case BOUNDS ->
                w.denied("R%d has unknown scalar with mixed signed bounds, %s", offsetIsDst ? dstNo : srcNo, TAIL);
            case TYPE ->
                w.denied("R%d has pointer with unsupported alu operation, %s", offsetIsDst ? srcNo : dstNo, TAIL);
            case PATHS -> w.denied("R%d tried to %s from different maps, paths or scalars, %s", dstNo, op, TAIL);
            case LIMIT -> w.denied("R%d tried to %s beyond pointer bounds, %s", dstNo, op, TAIL);
        };
    }

    /** Explores the way that a conditional jump does not take. */
    void wrongWay(int i, int target) {
        if (!w.bypassSpectre1) {
            pushSpeculative(i, target, true);
        }
    }

    private void pushSpeculative(int i, int target, boolean jump) {
        var branch = w.push(target, i, true);
        if (jump) {
            var regs = branch.regs();
            if (!w.code.fromReg(i)) {
                w.markUnknown(regs[w.code.dst[i]]);
            } else {
                w.markUnknown(regs[w.code.dst[i]]);
                w.markUnknown(regs[w.code.src[i]]);
            }
        }
    }
}
