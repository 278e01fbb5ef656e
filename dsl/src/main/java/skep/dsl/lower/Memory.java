package skep.dsl.lower;

import skep.dsl.Type;
import skep.ir.Value;

/**
 * Where a compound value lies.
 *
 * @param base a pointer, or the address as an {@code i64} if it is not the program's own memory
 * @param offset bytes from there
 * @param space {@link Type.AddressSpace#BPF} if the program may load from it directly
 */
record Memory(Value base, int offset, Type.AddressSpace space) {
    static Memory own(Value base, int offset) {
        return new Memory(base, offset, Type.AddressSpace.BPF);
    }

    boolean direct() {
        return space == Type.AddressSpace.BPF;
    }

    Memory plus(int bytes) {
        return new Memory(base, offset + bytes, space);
    }
}
