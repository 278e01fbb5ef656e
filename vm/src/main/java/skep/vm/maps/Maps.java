package skep.vm.maps;

import skep.isa.kernel.Errno;
import skep.isa.object.MapSpec;

/** Makes maps, with the checks that the kernel makes on creation. */
public final class Maps {
    private Maps() {}

    /**
     * Makes a map.
     *
     * @param id its number in the machine, which handles carry
     * @throws MapException EINVAL, E2BIG, ENOMEM or ENOTSUPP as the kernel refuses
     */
    public static BpfMap create(int id, MapRequest request, MapContext context) {
        MapChecks.check(request);
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

    static MapException refused(Errno errno, MapSpec spec, String reason) {
        return new MapException(
                errno, "map " + spec.name() + " of type " + spec.type().kernelName() + ": " + reason);
    }
}
