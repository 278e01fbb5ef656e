package skep.vm.maps;

import skep.isa.kernel.Errno;
import skep.isa.kernel.MapFlags;
import skep.isa.kernel.MapType;
import skep.isa.object.MapSpec;

/**
 * What the kernel asks of a map before it makes one, in the order in which it asks: the {@code map_alloc_check} of each type, Linux 6.18.
 * Sizes are unsigned.
 */
final class MapChecks {
    /** {@code KMALLOC_MAX_SIZE}. */
    private static final long MAX_ALLOCATION_BYTES = 4 << 20;

    /** {@code sizeof(struct htab_elem)}, and of the node of a trie. */
    private static final int HASH_ELEMENT_BYTES = 48;

    private static final int TRIE_NODE_BYTES = 40;
    private static final int MAX_PREFIX_BYTES = 256;

    /** The largest object that the kernel allocates per CPU ({@code PCPU_MIN_UNIT_SIZE}). */
    private static final int MAX_PERCPU_VALUE_BYTES = 32 << 10;

    /** {@code BPF_LOCAL_STORAGE_MAX_VALUE_SIZE}: less than 64 KiB with the element around the value. */
    private static final int MAX_STORED_BYTES = (1 << 16) - 1 - 128;

    /** {@code MAX_BPF_STACK}: keys of socket hashes come from there. */
    private static final int MAX_SOCKET_KEY_BYTES = 512;

    private static final int MAX_CPUS = 8192;
    private static final int PAGE_BYTES = 4096;
    private static final long MAX_BUCKETS = 1L << 31;
    /** {@code kernel.perf_event_max_stack}. */
    private static final int MAX_STACK_FRAMES = 127;

    private static final int ONE_WAY = MapFlags.RDONLY | MapFlags.WRONLY;
    private static final int PROGRAMS_ONE_WAY = MapFlags.RDONLY_PROG | MapFlags.WRONLY_PROG;
    private static final int ACCESS = ONE_WAY | PROGRAMS_ONE_WAY;

    private final MapSpec spec;
    private final long key;
    private final long value;
    private final long entries;

    private MapChecks(MapSpec spec) {
        this.spec = spec;
        this.key = Integer.toUnsignedLong(spec.keySizeBytes());
        this.value = Integer.toUnsignedLong(spec.valueSizeBytes());
        this.entries = Integer.toUnsignedLong(spec.maxEntries());
    }

    /**
     * Checks a request.
     *
     * @throws MapException EINVAL, E2BIG, ENOMEM or ENOTSUPP as the kernel refuses
     */
    static void check(MapRequest request) {
        var checks = new MapChecks(request.spec());
        checks.access();
        checks.type(request.extra());
        // What no map of the VM can hold, the kernel has no memory for either.
        boolean holdable = checks.entries <= Integer.MAX_VALUE - 8 || checks.spec.type() == MapType.LPM_TRIE;
        checks.limit(Errno.ENOMEM, holdable, checks.entries + " entries");
        checks.limit(
                Errno.ENOMEM,
                checks.key <= Integer.MAX_VALUE && checks.value <= Integer.MAX_VALUE,
                "sizes beyond 2^31");
    }

    private void access() {
        require((spec.flags() & ONE_WAY) != ONE_WAY, "user space may read or write, at least");
    }

    private void type(long extra) {
        switch (spec.type()) {
            case HASH, LRU_HASH, PERCPU_HASH, LRU_PERCPU_HASH -> hash();
            case HASH_OF_MAPS -> {
                require(value == 4, "a value is a descriptor, 4 bytes");
                hash();
            }
            case ARRAY, PERCPU_ARRAY -> array();
            case PROG_ARRAY, PERF_EVENT_ARRAY, CGROUP_ARRAY, ARRAY_OF_MAPS -> {
                require(value == 4, "a value is a descriptor, 4 bytes");
                require((spec.flags() & PROGRAMS_ONE_WAY) == 0, "programs read and write it");
                array();
            }
            case REUSEPORT_SOCKARRAY -> {
                require(value == 4 || value == 8, "values are 4 or 8 bytes");
                array();
            }
            case DEVMAP, DEVMAP_HASH -> numbers(MapFlags.NUMA_NODE | ONE_WAY, "devices have values of 4 or 8 bytes");
            case CPUMAP -> {
                numbers(MapFlags.NUMA_NODE, "CPUs have values of 4 or 8 bytes");
                limit(Errno.E2BIG, entries <= MAX_CPUS, entries + " CPUs");
            }
            case XSKMAP -> {
                require(value == 4, "values are 4 bytes");
                numbers(MapFlags.NUMA_NODE | ONE_WAY, "values are 4 bytes");
            }
            case SOCKMAP -> numbers(MapFlags.NUMA_NODE | ONE_WAY, "sockets have values of 4 or 8 bytes");
            case SOCKHASH -> {
                require(entries > 0 && key > 0 && (value == 4 || value == 8), "values are 4 or 8 bytes");
                flags(MapFlags.NUMA_NODE | ONE_WAY);
                limit(Errno.E2BIG, key <= MAX_SOCKET_KEY_BYTES, "a key of " + key + " bytes");
                require(entries <= MAX_BUCKETS / 8, entries + " entries");
            }
            case RINGBUF, USER_RINGBUF -> {
                flags(MapFlags.NUMA_NODE);
                boolean pages = entries % PAGE_BYTES == 0 && Long.bitCount(entries) == 1;
                require(key == 0 && value == 0 && pages, "its size is a power of two of whole pages");
            }
            case STACK_TRACE -> stacks();
            case QUEUE, STACK -> {
                require(entries > 0 && key == 0 && value > 0, "queues and stacks have no keys");
                flags(MapFlags.NUMA_NODE | ACCESS);
                limit(Errno.E2BIG, value <= MAX_ALLOCATION_BYTES, "a value of " + value + " bytes");
            }
            case BLOOM_FILTER -> {
                limit(Errno.E2BIG, value <= MAX_ALLOCATION_BYTES, "a value of " + value + " bytes");
                require(entries > 0 && key == 0 && value > 0, "a bloom filter has no keys");
                flags(MapFlags.NUMA_NODE | MapFlags.ZERO_SEED | ACCESS);
                require((extra & ~15L) == 0, "at most 15 hash functions");
            }
            case LPM_TRIE -> {
                require(
                        entries > 0 && (spec.flags() & MapFlags.NO_PREALLOC) != 0,
                        "flag BPF_F_NO_PREALLOC is required");
                flags(MapFlags.NO_PREALLOC | MapFlags.NUMA_NODE | ACCESS);
                require(key > 4 && key <= 4 + MAX_PREFIX_BYTES, "a key is 4 bytes of length and 1 to 256 of data");
                long longest = MAX_ALLOCATION_BYTES - MAX_PREFIX_BYTES - TRIE_NODE_BYTES;
                require(value > 0 && value <= longest, "a value of " + value + " bytes");
            }
            case TASK_STORAGE, INODE_STORAGE, SK_STORAGE, CGRP_STORAGE -> {
                flags(MapFlags.NO_PREALLOC | MapFlags.CLONE);
                require((spec.flags() & MapFlags.NO_PREALLOC) != 0, "flag BPF_F_NO_PREALLOC is required");
                require(entries == 0 && key == 4 && value > 0, "local storage has keys of 4 bytes and no bound");
                limit(Errno.E2BIG, value <= MAX_STORED_BYTES, "a value of " + value + " bytes");
            }
            case CGROUP_STORAGE, PERCPU_CGROUP_STORAGE -> {
                require((key == 8 || key == 16) && value > 0, "keys are 8 or 16 bytes");
                long most = spec.perCpu() ? MAX_PERCPU_VALUE_BYTES : MAX_STORED_BYTES;
                limit(Errno.E2BIG, value <= most, "a value of " + value + " bytes");
                flags(MapFlags.NUMA_NODE | ACCESS);
                require(entries == 0, "storage of cgroups has no bound");
            }
            case ARENA, STRUCT_OPS, UNSPEC -> {}
        }
    }

    private void hash() {
        flags(MapFlags.NO_PREALLOC | MapFlags.NO_COMMON_LRU | MapFlags.NUMA_NODE | MapFlags.ZERO_SEED | ACCESS);
        boolean lru = spec.type().kernelName().startsWith("lru");
        boolean perCpuLists = has(MapFlags.NO_COMMON_LRU);
        require(lru || !perCpuLists, "only LRU maps have lists");
        if (lru && has(MapFlags.NO_PREALLOC)) {
            throw Maps.refused(Errno.ENOTSUPP, spec, "LRU maps are preallocated");
        }
        require(!has(MapFlags.NUMA_NODE) || !(spec.perCpu() || perCpuLists), "each CPU has a node of its own");
        require(entries > 0 && key > 0 && value > 0, "key, value and entries must not be 0");
        limit(
                Errno.E2BIG,
                key + value < MAX_ALLOCATION_BYTES - HASH_ELEMENT_BYTES,
                "an element of " + (key + value) + " bytes");
        perCpuValue();
        limit(Errno.E2BIG, entries <= MAX_BUCKETS, entries + " entries");
    }

    private void array() {
        require(entries > 0 && key == 4 && value > 0, "an array has keys of 4 bytes, and entries");
        flags(MapFlags.NUMA_NODE | MapFlags.MMAPABLE | MapFlags.PRESERVE_ELEMS | MapFlags.INNER_MAP | ACCESS);
        require(!(spec.perCpu() && has(MapFlags.NUMA_NODE)), "each CPU has a node of its own");
        boolean plain = spec.type() == MapType.ARRAY;
        require(plain || !has(MapFlags.MMAPABLE | MapFlags.INNER_MAP), "flags are for plain arrays");
        boolean events = spec.type() == MapType.PERF_EVENT_ARRAY;
        require(events || !has(MapFlags.PRESERVE_ELEMS), "only perf event arrays keep elements");
        limit(Errno.E2BIG, value <= Integer.MAX_VALUE, "a value of " + value + " bytes");
        perCpuValue();
    }

    private void perCpuValue() {
        boolean fits = !spec.perCpu() || (value + 7 & ~7L) <= MAX_PERCPU_VALUE_BYTES;
        limit(Errno.E2BIG, fits, "a value of " + value + " bytes is too large for one per CPU");
    }

    private void numbers(int flags, String rule) {
        require(entries > 0 && key == 4 && (value == 4 || value == 8), rule);
        flags(flags);
        require(spec.type() != MapType.DEVMAP_HASH || entries <= MAX_BUCKETS, entries + " entries");
    }

    private void stacks() {
        flags(MapFlags.NUMA_NODE | ONE_WAY | MapFlags.STACK_BUILD_ID);
        boolean frames = value >= 8 && value % 8 == 0 && value / 8 <= MAX_STACK_FRAMES;
        require(entries > 0 && key == 4 && frames, "a value is 1 to 127 frames of 8 bytes");
        require(!has(MapFlags.STACK_BUILD_ID), "build ids need files, which there are none");
        limit(Errno.E2BIG, entries <= MAX_BUCKETS, entries + " entries");
    }

    private boolean has(int flags) {
        return (spec.flags() & flags) != 0;
    }

    /** Flags that a type knows. */
    private void flags(int known) {
        require((spec.flags() & ~known) == 0, "flags 0x" + Integer.toHexString(spec.flags() & ~known));
        require((spec.flags() & PROGRAMS_ONE_WAY) != PROGRAMS_ONE_WAY, "programs may read or write, at least");
    }

    private void require(boolean condition, String rule) {
        limit(Errno.EINVAL, condition, rule);
    }

    private void limit(Errno errno, boolean condition, String offence) {
        if (!condition) {
            throw Maps.refused(errno, spec, offence);
        }
    }
}
