package skep.events.embedded;

import java.util.BitSet;

/** A file or directory of a file system, with the pages of it that are in memory. */
final class Inode {
    final long number;
    /** Address of its {@code struct inode}. */
    final long address;

    final boolean directory;
    long sizeBytes;
    int links = 1;
    /** Open files of it. */
    int opened;

    /** Page frame numbers by page index, 0 where the page is not cached. */
    private long[] pages = {};
    /** Pages that are being read from the disk. */
    final BitSet reading = new BitSet();

    final BitSet dirty = new BitSet();
    /** Writes on their way to the disk. */
    int writing;

    final WaitQueue writeWaiters = new WaitQueue();
    final WaitQueue pageWaiters = new WaitQueue();
    int cached;
    /** Where reclaim looks next. */
    long scan;
    /** First sector of its data on the disk. */
    final long sector;

    /** Address of its {@code struct address_space}. */
    final long mapping;

    /** Type and permissions. */
    final int mode;
    /** Addresses of the super block and the mount that it belongs to. */
    long superBlock;

    long mount;

    Inode(EmbeddedKernel kernel, long number, long address, boolean directory, long sizeBytes, long sector) {
        this(kernel, number, address, directory ? 0040755 : 0100644, sizeBytes, sector);
    }

    Inode(EmbeddedKernel kernel, long number, long address, int mode, long sizeBytes, long sector) {
        this.number = number;
        this.address = address;
        this.mode = mode;
        directory = (mode & 0170000) == 0040000;
        superBlock = kernel.objects.superBlock;
        mount = kernel.objects.mount;
        this.sizeBytes = sizeBytes;
        this.sector = sector;
        mapping = address + kernel.objects.inodeData.offBytes();
        kernel.objects.inode(this);
    }

    /** It is on another file system than the root's. */
    void on(EmbeddedKernel kernel, long superBlock, long mount) {
        this.superBlock = superBlock;
        this.mount = mount;
        kernel.objects.inode(this);
    }

    long page(long index) {
        return index < pages.length ? pages[(int) index] : 0;
    }

    void setPage(long index, long pfn) {
        if (index >= pages.length) {
            pages = java.util.Arrays.copyOf(pages, (int) Math.max(index + 1, pages.length * 2L));
        }
        if (pages[(int) index] == 0 && pfn != 0) {
            cached++;
        } else if (pages[(int) index] != 0 && pfn == 0) {
            cached--;
        }
        pages[(int) index] = pfn;
    }

    long pageCount() {
        return sizeBytes + SparseMemory.PAGE_BYTES - 1 >> 12;
    }
}
