package skep.c.lower;

import skep.ir.Value;

/** What an expression comes to. */
public sealed interface Operand {
    int type();

    /**
     * A place in memory: what the {@code &} operator takes.
     *
     * @param base a pointer that may be dereferenced
     * @param bitOffset of a bit-field, from the least significant bit of the unit of its type at {@code offset}
     * @param bits width of a bit-field, 0 for others
     */
    record Place(int type, Value base, long offset, int bitOffset, int bits) implements Operand {
        public Place(int type, Value base, long offset) {
            this(type, base, offset, 0, 0);
        }

        public Place as(int newType) {
            return new Place(newType, base, offset, bitOffset, bits);
        }
    }

    /**
     * A scalar in a register: an integer of the size of its type, an {@code i1} that stands for 0 or 1, or a pointer;
     * of {@code void} there is a value that nobody reads.
     */
    record Scalar(int type, Value value) implements Operand {}

    /** A place in a packet, {@code offset} bytes from its start; read by helpers in network order. */
    record PacketPlace(int type, Value offset, int bitOffset, int bits) implements Operand {}

    /** A table of the dialect by its name: its methods can be called, its address taken. */
    record Table(String name) implements Operand {
        @Override
        public int type() {
            return 0;
        }
    }

    /** A function by name. */
    record FunctionName(String name) implements Operand {
        @Override
        public int type() {
            return 0;
        }
    }
}
