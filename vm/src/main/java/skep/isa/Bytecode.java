package skep.isa;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;

/**
 * An immutable eBPF program as the machine sees it: a sequence of 8-byte slots.
 *
 * <pre>
 *   63            32 31        16 15  12 11   8 7        0
 *  +----------------+------------+------+------+----------+
 *  |      imm       |    off     | src  | dst  |  opcode  |   RFC 9669 section 3, little-endian
 *  +----------------+------------+------+------+----------+
 * </pre>
 *
 * <p>Nothing is checked here: a slot may hold any 64 bits. {@link Insn} is the decoded view. Indices
 * are slots; a 64-bit immediate load occupies two.
 */
public final class Bytecode {
    /** Size of one slot in bytes. */
    public static final int SLOT_BYTES = 8;

    private final long[] slots;

    private Bytecode(long[] slots) {
        this.slots = slots;
    }

    public static Bytecode of(long... slots) {
        return new Bytecode(slots.clone());
    }

    /**
     * Reads little-endian slots.
     *
     * @throws IllegalArgumentException if the length is not a multiple of eight
     */
    public static Bytecode ofBytes(byte[] bytes) {
        if (bytes.length % SLOT_BYTES != 0) {
            throw new IllegalArgumentException("program of " + bytes.length + " bytes is not a multiple of 8");
        }
        var slots = new long[bytes.length / SLOT_BYTES];
        ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).asLongBuffer().get(slots);
        return new Bytecode(slots);
    }

    /** Packs the five fields of a slot. */
    public static long pack(int opcode, int dst, int src, int off, int imm) {
        return (opcode & 0xffL)
                | (dst & 0xfL) << 8
                | (src & 0xfL) << 12
                | (off & 0xffffL) << 16
                | (imm & 0xffff_ffffL) << 32;
    }

    public byte[] toBytes() {
        var bytes = new byte[slots.length * SLOT_BYTES];
        ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).asLongBuffer().put(slots);
        return bytes;
    }

    /** The number of slots. */
    public int size() {
        return slots.length;
    }

    public long slot(int index) {
        return slots[index];
    }

    public long[] slots() {
        return slots.clone();
    }

    /** The opcode byte, 0 to 255. */
    public int opcode(int index) {
        return (int) slots[index] & 0xff;
    }

    /** The destination register number, 0 to 15 (only 0 to 10 exist). */
    public int dst(int index) {
        return (int) (slots[index] >>> 8) & 0xf;
    }

    /** The source register number or pseudo source, 0 to 15. */
    public int src(int index) {
        return (int) (slots[index] >>> 12) & 0xf;
    }

    /** The signed 16-bit offset. */
    public int off(int index) {
        return (short) (slots[index] >>> 16);
    }

    /** The signed 32-bit immediate. */
    public int imm(int index) {
        return (int) (slots[index] >>> 32);
    }

    /** This program with one slot replaced. */
    public Bytecode with(int index, long slot) {
        var copy = slots.clone();
        copy[index] = slot;
        return new Bytecode(copy);
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Bytecode that && Arrays.equals(slots, that.slots);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(slots);
    }

    @Override
    public String toString() {
        return "Bytecode[" + slots.length + " slots]";
    }
}
