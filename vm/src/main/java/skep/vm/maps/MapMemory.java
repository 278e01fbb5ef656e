package skep.vm.maps;

import java.util.ArrayList;
import java.util.List;
import skep.isa.kernel.Errno;
import skep.vm.AddressSpace;
import skep.vm.AddressSpace.Access;
import skep.vm.Memory;

/** The memory of one map: accounted, registered as regions, freed together. */
final class MapMemory implements AutoCloseable {
    /** Alignment of every block: a cache line. */
    static final int ALIGN_BYTES = 64;

    private final MapContext context;
    private final String name;
    private final List<Memory.Block> blocks = new ArrayList<>();
    private final List<AddressSpace.Region> regions = new ArrayList<>();
    private long charged;

    MapMemory(MapContext context, String name) {
        this.context = context;
        this.name = name;
    }

    /**
     * Zeroed bytes that programs may access.
     *
     * @throws MapException ENOMEM beyond the machine's bound
     */
    synchronized long shared(long sizeBytes, Access access) {
        var block = allocate(sizeBytes);
        regions.add(context.addressSpace().add(block, access, "map " + name));
        return block.address();
    }

    /** Zeroed bytes of the map's own. */
    synchronized long hidden(long sizeBytes) {
        return allocate(sizeBytes).address();
    }

    private Memory.Block allocate(long sizeBytes) {
        charge(sizeBytes);
        try {
            var block = Memory.allocate(sizeBytes, ALIGN_BYTES);
            blocks.add(block);
            return block;
        } catch (OutOfMemoryError none) {
            throw new MapException(Errno.ENOMEM, "map " + name + " of " + sizeBytes + " bytes");
        }
    }

    /** Accounts Java memory that the map uses besides. */
    synchronized void charge(long bytes) {
        if (!context.charge(bytes)) {
            throw new MapException(Errno.ENOMEM, "map " + name + ": " + bytes + " bytes pass the machine's bound");
        }
        charged += bytes;
    }

    synchronized long chargedBytes() {
        return charged;
    }

    @Override
    public synchronized void close() {
        regions.forEach(context.addressSpace()::remove);
        regions.clear();
        if (!blocks.isEmpty()) {
            var freed = List.copyOf(blocks);
            context.retire(() -> freed.forEach(Memory.Block::close));
            blocks.clear();
        }
        context.uncharge(charged);
        charged = 0;
    }
}
