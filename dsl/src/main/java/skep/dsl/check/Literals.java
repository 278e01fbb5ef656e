package skep.dsl.check;

import skep.dsl.Type;

/** Types of integer literals: the smallest signed type that holds the value. */
final class Literals {
    private Literals() {}

    static Type.Int smallest(long value) {
        if (value == (byte) value) {
            return Type.INT8;
        }
        if (value == (short) value) {
            return Type.INT16;
        }
        return value == (int) value ? Type.INT32 : Type.INT64;
    }
}
