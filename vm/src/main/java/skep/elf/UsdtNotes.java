package skep.elf;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;

/**
 * The static probes of a program: notes that {@code <sys/sdt.h>} leaves in {@code .note.stapsdt}, one a place.
 *
 * <pre>  pc 8 | base 8 | semaphore 8 | provider \0 | name \0 | arguments \0</pre>
 *
 * <p>A prelinked file's addresses have moved by as much as {@code .stapsdt.base} has moved from {@code base}.
 */
public final class UsdtNotes {
    private static final int STAPSDT = 3;

    private UsdtNotes() {}

    /**
     * One place of a static probe.
     *
     * @param offset where the place is in the file
     * @param semaphoreOffset where in the file the counter is that turns the probe on, or 0 if it is always on
     * @param arguments their sizes and where they are, in the assembler's notation: {@code -4@%edi 8@16(%rbp)}
     */
    public record Place(String provider, String name, long offset, long semaphoreOffset, String arguments) {}

    /** All places in the order of the file; those outside any segment are left out. */
    public static List<Place> of(ElfFile file) {
        long base = file.section(".stapsdt.base").map(ElfFile.Section::address).orElse(0L);
        var places = new ArrayList<Place>();
        for (var note : file.notes()) {
            if (!note.owner().equals("stapsdt") || note.type() != STAPSDT || note.content().length < 27) {
                continue;
            }
            var content = ByteBuffer.wrap(note.content()).order(ByteOrder.LITTLE_ENDIAN);
            long moved = base == 0 ? 0 : base - content.getLong(8);
            var offset = file.fileOffset(content.getLong(0) + moved);
            long semaphore = content.getLong(16);
            var provider = ElfFile.string(note.content(), 24);
            int at = 24 + provider.length() + 1;
            var name = ElfFile.string(note.content(), at);
            var arguments = ElfFile.string(note.content(), at + name.length() + 1);
            if (offset.isPresent()) {
                long semaphoreOffset =
                        semaphore == 0 ? 0 : file.fileOffset(semaphore + moved).orElse(0);
                places.add(new Place(provider, name, offset.getAsLong(), semaphoreOffset, arguments));
            }
        }
        return places;
    }
}
