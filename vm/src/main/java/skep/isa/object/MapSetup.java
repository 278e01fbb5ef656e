package skep.isa.object;

import java.util.Map;
import java.util.Optional;

/**
 * What a map needs besides its shape, before programs use it.
 *
 * @param extra {@code map_extra}: for bloom filters the number of hash functions
 * @param inner for maps of maps, what the maps inside look like
 * @param members what the object puts into the map, by index: names of its maps, or of its programs in a program array
 * @param contents the value of the first element, for maps of global data
 * @param frozen whether nobody may write from user space once the contents are in
 * @param keyTypeId type of a key in the object's types, 0 if not known
 * @param valueTypeId type of a value there, 0 if not known; says where locks, timers and kernel pointers lie
 */
public record MapSetup(
        long extra,
        Optional<MapSpec> inner,
        Map<Integer, String> members,
        Optional<Octets> contents,
        boolean frozen,
        int keyTypeId,
        int valueTypeId) {
    /** Nothing more. */
    public static final MapSetup NONE = new MapSetup(0, Optional.empty(), Map.of(), Optional.empty(), false, 0, 0);

    public MapSetup {
        members = Map.copyOf(members);
    }

    /** A map of global data. */
    public static MapSetup data(Optional<Octets> contents, boolean frozen, int valueTypeId) {
        return new MapSetup(0, Optional.empty(), Map.of(), contents, frozen, 0, valueTypeId);
    }

    public MapSetup withExtra(long value) {
        return new MapSetup(value, inner, members, contents, frozen, keyTypeId, valueTypeId);
    }

    public MapSetup withInner(MapSpec template, Map<Integer, String> inside) {
        return new MapSetup(extra, Optional.of(template), inside, contents, frozen, keyTypeId, valueTypeId);
    }
}
