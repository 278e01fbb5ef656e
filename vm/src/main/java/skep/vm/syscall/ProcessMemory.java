package skep.vm.syscall;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import skep.vm.AddressSpace;
import skep.vm.AddressSpace.Access;
import skep.vm.Memory;

/** Memory of a simulated process: blocks that live until it is closed, and nothing between them. Safe from any thread until then. */
public final class ProcessMemory implements UserMemory, AutoCloseable {
    private final AddressSpace space = new AddressSpace();
    private final List<Memory.Block> blocks = new ArrayList<>();

    /** The address of fresh zeroed bytes. */
    public synchronized long allocate(int sizeBytes) {
        var block = Memory.allocate(sizeBytes, 8);
        blocks.add(block);
        space.add(block, Access.READ_WRITE, "process");
        return block.address();
    }

    /** The address of fresh bytes with this content. */
    public long allocate(byte[] content) {
        long address = allocate(content.length);
        Memory.copy(content, 0, address, content.length);
        return address;
    }

    /** The address of a string with a final zero. */
    public long allocate(String text) {
        return allocate((text + '\0').getBytes(StandardCharsets.UTF_8));
    }

    /** Takes back what {@link #allocate} gave; its addresses lead nowhere then. */
    public synchronized void free(long address) {
        blocks.removeIf(block -> {
            boolean found = block.address() == address;
            if (found) {
                space.regions().stream()
                        .filter(region -> region.base() == address)
                        .forEach(space::remove);
                block.close();
            }
            return found;
        });
    }

    @Override
    public synchronized boolean read(long address, byte[] into) {
        if (!space.contains(address, into.length, false)) {
            return false;
        }
        Memory.copy(address, into, 0, into.length);
        return true;
    }

    @Override
    public synchronized boolean write(long address, byte[] from) {
        if (!space.contains(address, from.length, true)) {
            return false;
        }
        Memory.copy(from, 0, address, from.length);
        return true;
    }

    @Override
    public synchronized void close() {
        space.regions().forEach(space::remove);
        blocks.forEach(Memory.Block::close);
        blocks.clear();
    }
}
