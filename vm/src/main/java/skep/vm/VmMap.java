package skep.vm;

import java.util.Optional;
import java.util.OptionalLong;
import skep.isa.object.MapSpec;

/** A map as running programs and backends see it. */
public interface VmMap {
    /** Where handles begin; the low 32 bits are the map's id. No memory is ever mapped there. */
    long HANDLE_BASE = 0x00ba_0000_0000_0000L;

    /** The VM-wide number of this map, from 1, as the kernel's map ids. */
    int id();

    MapSpec spec();

    /** What a program holds in a register for this map: an opaque number that only helpers understand. */
    default long handle() {
        return HANDLE_BASE | id();
    }

    /** The id in a handle, or 0 if the number is no handle. */
    static int idOf(long handle) {
        return handle >>> 32 == HANDLE_BASE >>> 32 ? (int) handle : 0;
    }

    /** Address of the byte at this offset from the first value, for maps whose values can be addressed directly. */
    default OptionalLong directValueAddress(int offBytes) {
        return OptionalLong.empty();
    }

    /** Where the elements of an array map lie, so that a JIT can look them up without a call. */
    default Optional<ArrayLayout> arrayLayout() {
        return Optional.empty();
    }

    /**
     * Element {@code i} of CPU {@code c} lies at {@code base + c * cpuStrideBytes + i * strideBytes}.
     *
     * @param cpuStrideBytes 0 if all CPUs share the elements
     */
    record ArrayLayout(long base, int strideBytes, int maxEntries, long cpuStrideBytes) {}

    /** A program array: what tail calls go through. */
    interface Programs extends VmMap {
        /** The program at this (unsigned) index, if there is one. */
        Optional<Executable> program(int index);
    }
}
