package skep.ir;

import java.util.Locale;
import java.util.Optional;

/** What a pointer points into; decides how memory behind it may be reached and what may alias. */
public enum Region {
    /** Private memory of this run: a {@link Inst.StackSlot}, or scratch memory that stands for one. */
    STACK(true),
    /** The value of a map entry. */
    MAP_VALUE(true),
    /** A map itself: only passed to helpers. */
    MAP(false),
    /** The context of the program. */
    CTX(true),
    /** Reserved memory of a ring buffer. */
    RINGBUF(true),
    /** A kernel object that the verifier knows by its BTF type; loads are direct and faults read as zero. */
    BTF(true),
    /** A kernel address the verifier knows nothing about: a number, read through {@code probe_read_kernel}. */
    KERNEL(false),
    /** An address of user space: a number, read through {@code probe_read_user}. */
    USER(false),
    /** Packet data between {@code data} and {@code data_end}. */
    PACKET(true),
    /** A function of this module, handed to a helper that calls back. */
    FUNCTION(false),
    /** Anything else that may be dereferenced. */
    GENERIC(true);

    private final boolean dereferenceable;

    Region(boolean dereferenceable) {
        this.dereferenceable = dereferenceable;
    }

    /** Whether loads and stores may use such a pointer directly. */
    public boolean dereferenceable() {
        return dereferenceable;
    }

    String text() {
        return name().toLowerCase(Locale.ROOT);
    }

    static Optional<Region> ofText(String text) {
        for (var region : values()) {
            if (region.text().equals(text)) {
                return Optional.of(region);
            }
        }
        return Optional.empty();
    }
}
