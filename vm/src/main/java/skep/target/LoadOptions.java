package skep.target;

import java.util.Map;

/**
 * How to load.
 *
 * @param verifierLogLevel 0 for none, 1 or 2 as the kernel counts; a rejection always carries a log
 * @param backend name of the VM's backend, or empty for the default; ignored by a live kernel
 * @param reuse maps of other objects of the same target that take the place of this object's maps of these names; they
 *     stay their owner's, which must be closed after this object
 */
public record LoadOptions(int verifierLogLevel, String backend, Map<String, LoadedMap> reuse) {
    public static final LoadOptions DEFAULT = new LoadOptions(0, "");

    public LoadOptions {
        reuse = Map.copyOf(reuse);
    }

    public LoadOptions(int verifierLogLevel, String backend) {
        this(verifierLogLevel, backend, Map.of());
    }

    /** These with a backend, if they name none. */
    public LoadOptions orBackend(String name) {
        return backend.isEmpty() ? new LoadOptions(verifierLogLevel, name, reuse) : this;
    }

    public LoadOptions reusing(Map<String, LoadedMap> maps) {
        return new LoadOptions(verifierLogLevel, backend, maps);
    }
}
