package skep.events.embedded;

import org.jspecify.annotations.Nullable;

/**
 * A function of the kernel or of a user program: its declaration, its address, what it does, and what is attached to it.
 * The addresses are dealt out when the kernel is built, in the order of declaration.
 */
final class Routine {
    static final Routine NONE = new Routine(Prototype.parse("void none(void)"), "", Space.ENTRY, (task, frame) -> {});

    /** Where a routine runs. */
    enum Space {
        KERNEL,
        /** Kernel entry code: shows in stacks, takes no probes. */
        ENTRY,
        USER
    }

    private final Prototype prototype;
    private final String module;
    private final Space space;
    final Body body;
    long address;
    int sizeBytes = 256;
    /** Names of callers that the model does not step through, innermost first; they show in stacks. */
    Routine[] callers = {};
    /** Attached programs, or null: tested at every call. Changed under the kernel's lock only. */
    Attachment @Nullable [] onEntry;

    Attachment @Nullable [] onReturn;

    Routine(Prototype prototype, String module, Space space, Body body) {
        this.prototype = prototype;
        this.module = module;
        this.space = space;
        this.body = body;
    }

    String name() {
        return prototype.name();
    }

    Prototype prototype() {
        return prototype;
    }

    /** Kernel module or path of the binary; empty for the kernel proper. */
    String module() {
        return module;
    }

    boolean user() {
        return space == Space.USER;
    }

    boolean probeable() {
        return space != Space.ENTRY;
    }

    /** Where a call from step {@code pc} of this routine returns to. Each step is a call site of its own. */
    long returnAddress(int pc) {
        return address + 0x14 + 12L * pc;
    }

    @Override
    public String toString() {
        return name();
    }
}
