package skep.ir.pass;

import skep.ir.Function;
import skep.ir.Type;
import skep.ir.Value;

/** New values and block ids for a function under change. */
final class Fresh {
    private int nextValue;
    private int nextBlock;

    Fresh(Function function) {
        nextValue = function.valueLimit();
        nextBlock = function.blockLimit();
    }

    Value value(Type type) {
        return new Value(nextValue++, type);
    }

    int block() {
        return nextBlock++;
    }
}
