package skep.vm.verifier;

import java.util.Optional;

/**
 * What holds at one slot on every path that reaches it; the JITs may rely on it.
 *
 * @param reached whether any path gets here; otherwise the slot is dead code
 * @param pointer what the address of a load, store or atomic points to
 * @param probed whether a load reads kernel memory that may fault and then yields zero
 * @param mapFd the one map that a helper call or access is about, as the descriptor in the code
 * @param nonNull whether a helper call's map and memory arguments are all non-null
 * @param branch which ways a conditional jump goes
 */
public record InsnFact(
        boolean reached, PointerKind pointer, boolean probed, Optional<Integer> mapFd, boolean nonNull, Branch branch) {
    public static final InsnFact DEAD =
            new InsnFact(false, PointerKind.NONE, false, Optional.empty(), false, Branch.NONE);

    /** What an access goes through; every kind but {@link #KERNEL} and {@link #ARENA} is proved within bounds. */
    public enum PointerKind {
        NONE,
        STACK,
        CONTEXT,
        MAP_VALUE,
        MAP_KEY,
        PACKET,
        MEMORY,
        KERNEL,
        SOCKET,
        ARENA,
        /** Different on different paths. */
        MIXED
    }

    /** The ways of a conditional jump. */
    public enum Branch {
        NONE,
        ALWAYS,
        NEVER,
        BOTH
    }
}
