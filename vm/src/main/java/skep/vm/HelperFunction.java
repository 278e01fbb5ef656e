package skep.vm;

import java.util.Optional;

/**
 * What a helper or kernel function does when a program calls it.
 *
 * <p>Arguments are r1 to r5 as they are, the result goes to r0. Arguments of a verified program have been proved;
 * of an unverified one nothing is known, so a helper that may be offered to those asks {@link VmCpu#allows} before it
 * touches memory. A map argument is a {@link VmMap#handle}. Called from any thread.
 */
@FunctionalInterface
public interface HelperFunction {
    /**
     * Runs it.
     *
     * @throws BpfUnwind to end the whole program with a result
     * @throws VmFault if an unverified program passed what must not be touched
     */
    long call(VmCpu cpu, long a, long b, long c, long d, long e);

    /**
     * The same function for calls whose first argument is always this map, if it can do better then: a JIT that knows
     * the map calls the result directly. {@code a} still holds the handle.
     */
    default Optional<HelperFunction> forMap(VmMap map) {
        return Optional.empty();
    }
}
