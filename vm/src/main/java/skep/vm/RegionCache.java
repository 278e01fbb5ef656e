package skep.vm;

/**
 * Tests accesses of a running program against the regions of its address space, trying the region that was hit last before all
 * others. One for reads and one for writes; used by one thread.
 */
public final class RegionCache {
    private final VmCpu cpu;
    private final boolean write;
    private long low;
    private long high;

    public RegionCache(VmCpu cpu, boolean write) {
        this.cpu = cpu;
        this.write = write;
    }

    /** Whether a region holds the whole range. The stack is the caller's business. */
    public boolean holds(long address, int sizeBytes) {
        return address >= low && address <= high - sizeBytes || search(address, sizeBytes);
    }

    private boolean search(long address, int sizeBytes) {
        var table = cpu.runtime().addressSpace().table();
        int found = table.find(address, sizeBytes, write);
        if (found < 0) {
            return false;
        }
        low = table.start(found);
        high = table.end(found);
        return true;
    }

    /**
     * A load from outside every region: zero-extended from kernel memory if the program may, zero if nothing is mapped there.
     *
     * @throws VmFault if it may not
     */
    public long elsewhere(long address, int sizeBytes, boolean kernelAllowed) {
        if (!kernelAllowed) {
            throw new VmFault(outside("read", address, sizeBytes));
        }
        return cpu.loadKernel(address, sizeBytes);
    }

    /** A store to outside every writable region. */
    public void refuse(long address, int sizeBytes) {
        throw new VmFault(outside("write", address, sizeBytes));
    }

    private static String outside(String what, long address, int sizeBytes) {
        return what + " of " + sizeBytes + " bytes at 0x" + Long.toHexString(address) + " is outside every region";
    }
}
