package skep.vm.maps;

import java.util.List;
import java.util.Optional;
import skep.isa.kernel.Errno;
import skep.isa.object.MapSpec;
import skep.vm.HelperFunction;
import skep.vm.VmMap;
import skep.vm.verifier.MapDefinition;
import skep.vm.verifier.SpecialField;

/**
 * A map. Keys and values are addresses of at least the declared sizes; results are 0 or a negated {@link Errno}.
 * Methods with a {@code cpu} are what programs call, on that CPU; those with {@code User} in their name are what the
 * system call does. Safe from any thread until {@link #close}.
 */
public interface BpfMap extends VmMap, AutoCloseable {
    int ENOTSUPP = -524;

    /** Address of the value of a key (of this CPU's, in a per-CPU map), or 0. For maps of maps: a handle. */
    default long lookup(long key, int cpu) {
        return 0;
    }

    /** {@link #lookup} as generated code calls it that knows the map. */
    default HelperFunction lookups() {
        return (cpu, _, key, _, _, _) -> lookup(key, cpu.services().cpu());
    }

    /** {@link #update} as generated code calls it that knows the map. */
    default HelperFunction updates() {
        return (cpu, _, key, value, flags, _) ->
                update(key, value, flags, cpu.services().cpu());
    }

    /** Creates or replaces; flags as {@link skep.isa.kernel.MapFlags}. */
    default int update(long key, long value, long flags, int cpu) {
        return ENOTSUPP;
    }

    default int delete(long key) {
        return ENOTSUPP;
    }

    default int push(long value, long flags) {
        return ENOTSUPP;
    }

    default int pop(long value) {
        return ENOTSUPP;
    }

    default int peek(long value) {
        return ENOTSUPP;
    }

    /** Address of the value of another CPU, or 0. */
    default long lookupPerCpu(long key, int cpu) {
        return 0;
    }

    /** Size of what user space reads and writes for a key: for per-CPU maps all CPUs' values, each padded to 8. */
    default int userValueBytes() {
        return spec().valueSizeBytes();
    }

    /** Copies out what user space sees of a key. */
    default int readUser(long key, long into, long flags) {
        long value = lookup(key, 0);
        if (value == 0) {
            return Errno.ENOENT.negated();
        }
        skep.vm.Memory.copy(value, into, spec().valueSizeBytes());
        return 0;
    }

    default int updateUser(long key, long value, long flags) {
        return update(key, value, flags, 0);
    }

    default int deleteUser(long key) {
        return delete(key);
    }

    /** Copies out the key after {@code key}, or the first if that is 0 or not there; -ENOENT at the end. */
    default int nextKey(long key, long next) {
        return ENOTSUPP;
    }

    /** Reads and deletes at once ({@code BPF_MAP_LOOKUP_AND_DELETE_ELEM}). */
    default int takeUser(long key, long into) {
        int result = readUser(key, into, 0);
        return result != 0 ? result : deleteUser(key);
    }

    /**
     * Visits all elements, as {@code bpf_for_each_map_elem} does.
     *
     * @param keyScratch 8 bytes that programs may read, for maps whose keys lie nowhere
     * @return how many were visited, or a negated error
     */
    default long forEach(Visitor visitor, int cpu, long keyScratch) {
        return Errno.EINVAL.negated();
    }

    /** Calls {@code visitor} with the address of each key that user space may read; {@code room} holds one key. */
    default void walkKeys(KeyVisitor visitor, long room) {
        for (int result = nextKey(0, room); result == 0; result = nextKey(room, room)) {
            visitor.visit(room);
        }
    }

    /** Called with the address of a key. */
    @FunctionalInterface
    interface KeyVisitor {
        void visit(long key);
    }

    /** Called with the addresses of a key and its value; not 0 ends the walk. */
    @FunctionalInterface
    interface Visitor {
        long visit(long key, long value);
    }

    /** The element whose value holds an address. */
    default Element elementAt(long address) {
        throw new UnsupportedOperationException("map " + spec().name() + " has no elements with timers");
    }

    /** A key's bytes and the address of its value. */
    record Element(byte[] key, long value) {}

    /**
     * The value of an owner in local storage, made from {@code initial} (or zeros, if that is 0) when asked to.
     *
     * @param owner address of the owner's number, 8 bytes
     */
    default long storage(long owner, long initial, boolean create, int cpu) {
        return 0;
    }

    default int deleteStorage(long owner) {
        return Errno.ENOENT.negated();
    }

    /** Special fields of a value. */
    default List<SpecialField> fields() {
        return List.of();
    }

    /** What the maps inside this one look like, if it is a map of maps. */
    default Optional<MapSpec> innerSpec() {
        return Optional.empty();
    }

    /** Stops user space from writing ({@code BPF_MAP_FREEZE}). */
    default int freeze() {
        return ENOTSUPP;
    }

    /** Whether user space can write no more. */
    default boolean frozen() {
        return false;
    }

    /** The contents, once neither programs nor user space can change them. */
    default Optional<MapDefinition.Constants> frozenConstants() {
        return Optional.empty();
    }

    /** Bytes charged for this map. */
    long memoryBytes();

    /** Frees all. No program that refers to the map may run, or start, any more. */
    @Override
    void close();
}
