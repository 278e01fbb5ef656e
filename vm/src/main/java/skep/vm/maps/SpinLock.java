package skep.vm.maps;

import skep.vm.Memory;

/** A lock in one 32-bit word of off-heap memory: {@code struct bpf_spin_lock}. */
public final class SpinLock {
    private static final int SPINS_BEFORE_YIELD = 100;

    private SpinLock() {}

    public static void lock(long address) {
        for (int spins = 0; Memory.compareAndExchange(address, 0, 1) != 0; spins++) {
            pause(spins);
        }
    }

    public static void unlock(long address) {
        Memory.putRelease(address, 4, 0);
    }

    /** Waits a moment: on the processor first, then by giving it away, since the owner may not be running. */
    static void pause(int spins) {
        if (spins < SPINS_BEFORE_YIELD) {
            Thread.onSpinWait();
        } else {
            Thread.yield();
        }
    }
}
