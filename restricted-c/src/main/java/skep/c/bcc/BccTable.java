package skep.c.bcc;

import java.util.Optional;
import skep.isa.kernel.MapType;
import skep.source.Span;

/**
 * A table that the program declares.
 *
 * @param key the type of its keys; of a table without keys (queue, ring buffer), {@code void}
 * @param leaf the type of its values
 * @param maxEntries of a perf buffer or an array of programs as declared; 0 where the loader decides (number of CPUs)
 * @param flags {@code BPF_F_*} of creation
 * @param event the type of what the program submits through it, if it is seen to submit something
 * @param innerMap the table whose shape the inner maps have, of a map of maps
 * @param pinnedPath where it is pinned in the BPF file system, or empty
 * @param visibility how far the table is known
 * @param histogram whether it was declared as a histogram
 */
public record BccTable(
        String name,
        MapType type,
        CTypeInfo key,
        CTypeInfo leaf,
        int maxEntries,
        int flags,
        Optional<CTypeInfo> event,
        Optional<String> innerMap,
        String pinnedPath,
        Visibility visibility,
        boolean histogram,
        Span span) {
    /** How far a table is known. */
    public enum Visibility {
        /** In its program. */
        PRIVATE,
        /** To later programs of the same process, which declare it {@link #EXTERN}. */
        SHARED,
        /** To later programs and, pinned, to other processes. */
        PUBLIC,
        /** Another program of the process declares it. */
        EXTERN
    }
}
