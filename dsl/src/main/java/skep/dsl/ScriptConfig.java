package skep.dsl;

/**
 * The settings that user space heeds, from {@code config} blocks and environment variables.
 *
 * @param printMapsAtExit whether maps are printed at the end
 * @param stringTruncationTrailer what follows a string that was cut off
 * @param maxCatBytes the most bytes that {@code cat} prints
 * @param maxProbes the most probes that may be attached
 * @param maxPrograms the most programs that may be loaded
 * @param ringBufferPages size of the ring buffer in pages, or {@link #AUTO_PAGES}
 * @param demangle whether C++ symbols are demangled
 * @param showDebugInfo whether frames of user stacks tell where they are in the source
 * @param missingProbes {@code error}, {@code warn} or {@code ignore}
 */
public record ScriptConfig(
        boolean printMapsAtExit,
        String stringTruncationTrailer,
        int maxCatBytes,
        int maxProbes,
        int maxPrograms,
        int ringBufferPages,
        boolean demangle,
        boolean showDebugInfo,
        String missingProbes) {
    /** The size of the ring buffer follows the memory of the machine. */
    public static final int AUTO_PAGES = 0;

    public static final ScriptConfig DEFAULT =
            new ScriptConfig(true, "..", 10240, 1024, 1024, AUTO_PAGES, true, true, "error");
}
