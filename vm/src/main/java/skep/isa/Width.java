package skep.isa;

/** Width of an arithmetic or compare operation. */
public enum Width {
    W32(32),
    W64(64);

    private final int bits;

    Width(int bits) {
        this.bits = bits;
    }

    public int bits() {
        return bits;
    }
}
