package skep.vm.maps;

import skep.isa.kernel.Errno;
import skep.isa.kernel.MapFlags;
import skep.isa.object.MapSpec;

/** Makes maps, with the checks that the kernel makes on creation. */
public final class Maps {
    /** Key and value of a hash element come from one allocation ({@code KMALLOC_MAX_SIZE}); keys have no other limit since Linux 5.11. */
    private static final int MAX_ELEMENT_BYTES = 4 << 20;

    /** The largest object that the kernel allocates per CPU ({@code PCPU_MIN_UNIT_SIZE}). */
    private static final int MAX_PERCPU_VALUE_BYTES = 32 << 10;

    private static final int PAGE_BYTES = 4096;
    /** {@code kernel.perf_event_max_stack}. */
    private static final int MAX_STACK_FRAMES = 127;

    private Maps() {}

    /**
     * Makes a map.
     *
     * @param id its number in the machine, which handles carry
     * @throws MapException EINVAL, E2BIG, ENOMEM or ENOTSUPP as the kernel refuses
     */
    public static BpfMap create(int id, MapRequest request, MapContext context) {
        check(request);
        return switch (request.spec().type()) {
            case HASH -> new HashMaps(id, request, context, false);
            case LRU_HASH -> new HashMaps(id, request, context, true);
            case PERCPU_HASH -> new HashMaps.PerCpu(id, request, context, false);
            case LRU_PERCPU_HASH -> new HashMaps.PerCpu(id, request, context, true);
            case ARRAY -> new ArrayMap(id, request, context, false);
            case PERCPU_ARRAY -> new ArrayMap(id, request, context, true);
            case RINGBUF -> new RingBuffer(id, request, context);
            case PERF_EVENT_ARRAY -> new PerfEventArray(id, request, context);
            case PROG_ARRAY -> new ProgramArray(id, request, context);
            case STACK_TRACE -> new StackTraceMap(id, request, context);
            case DEVMAP, SOCKMAP, CPUMAP, XSKMAP, CGROUP_ARRAY, REUSEPORT_SOCKARRAY ->
                new NumberArray(id, request, context);
            case SOCKHASH, DEVMAP_HASH -> new HashMaps(id, request, context, false);
            case LPM_TRIE -> new LpmTrie(id, request, context);
            case ARRAY_OF_MAPS, HASH_OF_MAPS -> new MapOfMaps(id, request, context);
            case QUEUE -> new QueueMap(id, request, context, false);
            case STACK -> new QueueMap(id, request, context, true);
            case BLOOM_FILTER -> new BloomFilter(id, request, context);
            case USER_RINGBUF -> new UserRingBuffer(id, request, context);
            case TASK_STORAGE, INODE_STORAGE, SK_STORAGE, CGRP_STORAGE, CGROUP_STORAGE, PERCPU_CGROUP_STORAGE ->
                new StorageMap(id, request, context);
            case ARENA ->
                throw refused(
                        Errno.EOPNOTSUPP,
                        request.spec(),
                        "an arena needs pages mapped at one address in two address spaces, which the VM does not have");
            case STRUCT_OPS ->
                throw refused(Errno.EOPNOTSUPP, request.spec(), "the VM has no kernel structures to register");
            case UNSPEC -> throw refused(Errno.EINVAL, request.spec(), "no map type");
        };
    }

    private static MapException refused(Errno errno, MapSpec spec, String reason) {
        return new MapException(
                errno, "map " + spec.name() + " of type " + spec.type().kernelName() + ": " + reason);
    }

    private static void check(MapRequest request) {
        var spec = request.spec();
        long key = spec.keySizeBytes();
        long value = spec.valueSizeBytes();
        long entries = Integer.toUnsignedLong(spec.maxEntries());
        if (key < 0 || value < 0) {
            throw refused(Errno.E2BIG, spec, "sizes " + key + " and " + value);
        }
        switch (spec.type()) {
            case HASH, LRU_HASH, PERCPU_HASH, LRU_PERCPU_HASH, HASH_OF_MAPS, SOCKHASH, DEVMAP_HASH -> {
                require(spec, key > 0 && value > 0 && entries > 0, "key, value and entries must not be 0");
                limit(
                        spec,
                        key + value < MAX_ELEMENT_BYTES,
                        "an element of " + (key + value) + " bytes is larger than " + MAX_ELEMENT_BYTES);
                boolean lru = spec.type().kernelName().startsWith("lru");
                require(spec, !lru || (spec.flags() & MapFlags.NO_PREALLOC) == 0, "LRU maps are preallocated");
            }
            case ARRAY, PERCPU_ARRAY, ARRAY_OF_MAPS ->
                require(spec, key == 4 && value > 0 && entries > 0, "an array has keys of 4 bytes, and entries");
            case PROG_ARRAY, PERF_EVENT_ARRAY, CGROUP_ARRAY ->
                require(spec, key == 4 && value == 4 && entries > 0, "keys and values are 4 bytes");
            case DEVMAP, CPUMAP ->
                require(spec, key == 4 && (value == 4 || value == 8) && entries > 0, "values are 4 or 8 bytes");
            case SOCKMAP, XSKMAP, REUSEPORT_SOCKARRAY ->
                require(spec, key == 4 && (value == 4 || value == 8) && entries > 0, "values are 4 or 8 bytes");
            case RINGBUF, USER_RINGBUF -> {
                boolean pages = entries > 0 && entries % PAGE_BYTES == 0 && Long.bitCount(entries) == 1;
                require(spec, key == 0 && value == 0 && pages, "its size is a power of two of whole pages");
            }
            case STACK_TRACE -> {
                require(
                        spec,
                        (spec.flags() & MapFlags.STACK_BUILD_ID) == 0,
                        "build ids need files, which there are none");
                boolean frames = value > 0 && value % 8 == 0 && value / 8 <= MAX_STACK_FRAMES;
                require(spec, key == 4 && frames && entries > 0, "a value is 1 to 127 frames of 8 bytes");
            }
            case QUEUE, STACK -> require(spec, key == 0 && value > 0 && entries > 0, "queues and stacks have no keys");
            case BLOOM_FILTER -> {
                require(spec, key == 0 && value > 0 && entries > 0, "a bloom filter has no keys");
                require(spec, (request.extra() & ~15L) == 0, "at most 15 hash functions");
            }
            case LPM_TRIE -> {
                boolean prefixed = key > 4 && key <= 4 + 256;
                require(spec, prefixed && value > 0 && entries > 0, "a key is 4 bytes of length and 1 to 256 of data");
                require(spec, (spec.flags() & MapFlags.NO_PREALLOC) != 0, "flag BPF_F_NO_PREALLOC is required");
            }
            case TASK_STORAGE, INODE_STORAGE, SK_STORAGE, CGRP_STORAGE -> {
                require(spec, key == 4 && value > 0 && entries == 0, "local storage has keys of 4 bytes and no bound");
                require(spec, (spec.flags() & MapFlags.NO_PREALLOC) != 0, "flag BPF_F_NO_PREALLOC is required");
            }
            case CGROUP_STORAGE, PERCPU_CGROUP_STORAGE ->
                require(spec, (key == 8 || key == 16) && value > 0 && entries == 0, "keys are 8 or 16 bytes");
            case ARENA, STRUCT_OPS, UNSPEC -> {}
        }
        if (spec.perCpu()) {
            limit(spec, value <= MAX_PERCPU_VALUE_BYTES, "a value of " + value + " bytes is too large for one per CPU");
        }
        limit(spec, entries <= Integer.MAX_VALUE - 8, entries + " entries");
    }

    private static void require(MapSpec spec, boolean condition, String rule) {
        if (!condition) {
            throw refused(Errno.EINVAL, spec, rule);
        }
    }

    private static void limit(MapSpec spec, boolean condition, String offence) {
        if (!condition) {
            throw refused(Errno.E2BIG, spec, offence);
        }
    }
}
