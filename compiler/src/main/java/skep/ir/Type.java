package skep.ir;

import java.util.Optional;

/**
 * The type of a value: an integer of some width, without sign, or a pointer with its region.
 *
 * <p>A register holds an integer narrower than 64 bits zero-extended.
 */
public sealed interface Type {
    Type I1 = Int.I1;
    Type I8 = Int.I8;
    Type I16 = Int.I16;
    Type I32 = Int.I32;
    Type I64 = Int.I64;

    static Type ptr(Region region) {
        return new Ptr(region, false);
    }

    static Type nullable(Region region) {
        return new Ptr(region, true);
    }

    /** The integer type of a memory access of that many bytes: 1, 2, 4 or 8. */
    static Type ofBytes(int bytes) {
        return switch (bytes) {
            case 1 -> I8;
            case 2 -> I16;
            case 4 -> I32;
            case 8 -> I64;
            default -> throw new IllegalArgumentException("no integer of " + bytes + " bytes");
        };
    }

    /** Width in bits; 64 for pointers. */
    int bits();

    default boolean isPointer() {
        return this instanceof Ptr;
    }

    /** The region if this is a pointer into that region. */
    default boolean isPointerTo(Region region) {
        return this instanceof Ptr ptr && ptr.region == region;
    }

    /** How the text form writes it. */
    String text();

    /** The type that {@link #text} writes so. */
    static Optional<Type> ofText(String text) {
        for (var type : Int.values()) {
            if (type.text().equals(text)) {
                return Optional.of(type);
            }
        }
        if (!text.startsWith("ptr.")) {
            return Optional.empty();
        }
        boolean nullable = text.endsWith("?");
        return Region.ofText(text.substring(4, text.length() - (nullable ? 1 : 0)))
                .map(region -> new Ptr(region, nullable));
    }

    /** An integer; {@code I1} is the result of a comparison. */
    enum Int implements Type {
        I1(1),
        I8(8),
        I16(16),
        I32(32),
        I64(64);

        private final int bits;

        Int(int bits) {
            this.bits = bits;
        }

        @Override
        public int bits() {
            return bits;
        }

        @Override
        public String text() {
            return "i" + bits;
        }
    }

    /**
     * A pointer.
     *
     * @param nullable whether it has to be compared with null before it is used
     */
    record Ptr(Region region, boolean nullable) implements Type {
        @Override
        public int bits() {
            return 64;
        }

        @Override
        public String text() {
            return "ptr." + region.text() + (nullable ? "?" : "");
        }
    }
}
