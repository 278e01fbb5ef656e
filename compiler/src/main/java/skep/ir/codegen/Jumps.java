package skep.ir.codegen;

import java.util.Optional;
import skep.isa.JumpOp;

/** What conditions mean to each other. */
final class Jumps {
    private Jumps() {}

    /** The condition that holds exactly when this one does not; a bit test has none. */
    static Optional<JumpOp> negated(JumpOp op) {
        return switch (op) {
            case JEQ -> Optional.of(JumpOp.JNE);
            case JNE -> Optional.of(JumpOp.JEQ);
            case JGT -> Optional.of(JumpOp.JLE);
            case JLE -> Optional.of(JumpOp.JGT);
            case JGE -> Optional.of(JumpOp.JLT);
            case JLT -> Optional.of(JumpOp.JGE);
            case JSGT -> Optional.of(JumpOp.JSLE);
            case JSLE -> Optional.of(JumpOp.JSGT);
            case JSGE -> Optional.of(JumpOp.JSLT);
            case JSLT -> Optional.of(JumpOp.JSGE);
            case JSET -> Optional.empty();
        };
    }
}
