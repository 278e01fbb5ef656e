package skep.events.embedded;

import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * The symbol table: routines of the kernel by name and address. Addresses follow the order of declaration, with sizes
 * that depend on the name alone.
 */
final class Symbols {
    private final Map<String, Routine> byName = new LinkedHashMap<>();
    private final TreeMap<Long, Routine> byAddress = new TreeMap<>();
    private final Map<Long, List<String>> otherNames = new HashMap<>();
    private final Map<String, Long> data = new LinkedHashMap<>();
    private long next;

    Symbols(long text) {
        next = text;
    }

    Routine add(Routine routine) {
        if (byName.putIfAbsent(routine.name(), routine) != null) {
            throw new IllegalStateException("declared twice: " + routine.name());
        }
        routine.sizeBytes = 640 + (routine.name().hashCode() >>> 8 & 0x1f) * 64;
        routine.address = next;
        next += routine.sizeBytes;
        byAddress.put(routine.address, routine);
        return routine;
    }

    /** A second name for a routine. */
    void alias(String name, Routine routine) {
        byName.put(name, routine);
        otherNames.computeIfAbsent(routine.address, a -> new ArrayList<>()).add(name);
    }

    void addData(String name, long address) {
        data.put(name, address);
    }

    /** Addresses of variables by name. */
    Map<String, Long> data() {
        return data;
    }

    Optional<Routine> find(String name) {
        return Optional.ofNullable(byName.get(name));
    }

    Optional<Long> address(String name) {
        var routine = byName.get(name);
        return routine != null ? Optional.of(routine.address) : Optional.ofNullable(data.get(name));
    }

    /** The routine that covers an address. */
    Optional<Routine> at(long address) {
        var entry = byAddress.floorEntry(address);
        return entry == null || address >= entry.getKey() + entry.getValue().sizeBytes
                ? Optional.empty()
                : Optional.of(entry.getValue());
    }

    /** Every name that can be probed, with aliases. */
    List<String> probeableNames() {
        return byName.entrySet().stream()
                .filter(e -> e.getValue().probeable())
                .map(Map.Entry::getKey)
                .sorted()
                .toList();
    }

    /** Routines by name, aliases included, in the order of declaration. */
    Map<String, Routine> named() {
        return byName;
    }

    Collection<Routine> all() {
        return byAddress.values();
    }
}
