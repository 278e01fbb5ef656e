package skep.vm.verifier;

import java.util.EnumSet;
import java.util.Set;
import skep.isa.kernel.Helper;
import skep.isa.kernel.MapType;

/** What helpers do to the state beyond their prototype, and which maps they take: rules of Linux 6.18. */
final class HelperRules {
    private HelperRules() {}

    private static final Set<Helper> CHANGE_PACKET = EnumSet.of(
            Helper.SKB_VLAN_PUSH,
            Helper.SKB_VLAN_POP,
            Helper.SKB_STORE_BYTES,
            Helper.SKB_CHANGE_PROTO,
            Helper.SKB_CHANGE_HEAD,
            Helper.SKB_CHANGE_TAIL,
            Helper.SKB_PULL_DATA,
            Helper.SKB_ADJUST_ROOM,
            Helper.CLONE_REDIRECT,
            Helper.L3_CSUM_REPLACE,
            Helper.L4_CSUM_REPLACE,
            Helper.XDP_ADJUST_HEAD,
            Helper.XDP_ADJUST_META,
            Helper.XDP_ADJUST_TAIL,
            Helper.MSG_PULL_DATA,
            Helper.MSG_PUSH_DATA,
            Helper.MSG_POP_DATA,
            Helper.LWT_PUSH_ENCAP,
            Helper.LWT_SEG6_STORE_BYTES,
            Helper.LWT_SEG6_ADJUST_SRH,
            Helper.LWT_SEG6_ACTION,
            Helper.STORE_HDR_OPT,
            Helper.TAIL_CALL);

    /** Packet pointers are worthless after it. */
    static boolean changesPacketData(Helper helper) {
        return CHANGE_PACKET.contains(helper);
    }

    /** Runs a function of the program before it returns. */
    static boolean callsCallbackNow(Helper helper) {
        return switch (helper) {
            case FOR_EACH_MAP_ELEM, FIND_VMA, LOOP, USER_RINGBUF_DRAIN -> true;
            default -> false;
        };
    }

    static boolean acquires(Helper helper, MapType mapType) {
        return switch (helper) {
            case SK_LOOKUP_TCP, SK_LOOKUP_UDP, SKC_LOOKUP_TCP, RINGBUF_RESERVE, KPTR_XCHG -> true;
            case MAP_LOOKUP_ELEM -> mapType == MapType.SOCKMAP || mapType == MapType.SOCKHASH;
            default -> false;
        };
    }

    /** The result is another view of the object that is the argument. */
    static boolean castsPointer(Helper helper) {
        return switch (helper) {
            case TCP_SOCK,
                    SK_FULLSOCK,
                    SKC_TO_TCP_SOCK,
                    SKC_TO_TCP6_SOCK,
                    SKC_TO_UDP6_SOCK,
                    SKC_TO_MPTCP_SOCK,
                    SKC_TO_TCP_TIMEWAIT_SOCK,
                    SKC_TO_TCP_REQUEST_SOCK -> true;
            default -> false;
        };
    }

    static boolean readsDynptrObject(Helper helper) {
        return helper == Helper.DYNPTR_DATA;
    }

    /** Whether a helper that takes maps takes this one. */
    static boolean mapFits(MapType map, Helper helper) {
        boolean mapTakes = switch (map) {
            case PROG_ARRAY -> helper == Helper.TAIL_CALL;
            case PERF_EVENT_ARRAY ->
                switch (helper) {
                    case PERF_EVENT_READ, PERF_EVENT_OUTPUT, SKB_OUTPUT, PERF_EVENT_READ_VALUE, XDP_OUTPUT -> true;
                    default -> false;
                };
            case RINGBUF ->
                switch (helper) {
                    case RINGBUF_OUTPUT,
                            RINGBUF_RESERVE,
                            RINGBUF_QUERY,
                            RINGBUF_RESERVE_DYNPTR,
                            RINGBUF_SUBMIT_DYNPTR,
                            RINGBUF_DISCARD_DYNPTR -> true;
                    default -> false;
                };
            case USER_RINGBUF -> helper == Helper.USER_RINGBUF_DRAIN;
            case STACK_TRACE -> helper == Helper.GET_STACKID;
            case CGROUP_ARRAY -> helper == Helper.SKB_UNDER_CGROUP || helper == Helper.CURRENT_TASK_UNDER_CGROUP;
            case CGROUP_STORAGE, PERCPU_CGROUP_STORAGE -> helper == Helper.GET_LOCAL_STORAGE;
            case DEVMAP, DEVMAP_HASH -> helper == Helper.REDIRECT_MAP || helper == Helper.MAP_LOOKUP_ELEM;
            case CPUMAP -> helper == Helper.REDIRECT_MAP;
            case XSKMAP -> helper == Helper.REDIRECT_MAP || helper == Helper.MAP_LOOKUP_ELEM;
            case ARRAY_OF_MAPS, HASH_OF_MAPS -> helper == Helper.MAP_LOOKUP_ELEM;
            case SOCKMAP ->
                switch (helper) {
                    case SK_REDIRECT_MAP, SOCK_MAP_UPDATE, MSG_REDIRECT_MAP, SK_SELECT_REUSEPORT, MAP_LOOKUP_ELEM ->
                        true;
                    default -> false;
                };
            case SOCKHASH ->
                switch (helper) {
                    case SK_REDIRECT_HASH, SOCK_HASH_UPDATE, MSG_REDIRECT_HASH, SK_SELECT_REUSEPORT, MAP_LOOKUP_ELEM ->
                        true;
                    default -> false;
                };
            case REUSEPORT_SOCKARRAY -> helper == Helper.SK_SELECT_REUSEPORT;
            case QUEUE, STACK ->
                switch (helper) {
                    case MAP_PEEK_ELEM, MAP_POP_ELEM, MAP_PUSH_ELEM -> true;
                    default -> false;
                };
            case SK_STORAGE ->
                switch (helper) {
                    case SK_STORAGE_GET, SK_STORAGE_DELETE, KPTR_XCHG -> true;
                    default -> false;
                };
            case INODE_STORAGE ->
                switch (helper) {
                    case INODE_STORAGE_GET, INODE_STORAGE_DELETE, KPTR_XCHG -> true;
                    default -> false;
                };
            case TASK_STORAGE ->
                switch (helper) {
                    case TASK_STORAGE_GET, TASK_STORAGE_DELETE, KPTR_XCHG -> true;
                    default -> false;
                };
            case CGRP_STORAGE ->
                switch (helper) {
                    case CGRP_STORAGE_GET, CGRP_STORAGE_DELETE, KPTR_XCHG -> true;
                    default -> false;
                };
            case BLOOM_FILTER -> helper == Helper.MAP_PEEK_ELEM || helper == Helper.MAP_PUSH_ELEM;
            default -> true;
        };
        if (!mapTakes) {
            return false;
        }
        return switch (helper) {
            case TAIL_CALL -> map == MapType.PROG_ARRAY;
            case PERF_EVENT_READ, PERF_EVENT_OUTPUT, PERF_EVENT_READ_VALUE, SKB_OUTPUT, XDP_OUTPUT ->
                map == MapType.PERF_EVENT_ARRAY;
            case RINGBUF_OUTPUT,
                    RINGBUF_RESERVE,
                    RINGBUF_QUERY,
                    RINGBUF_RESERVE_DYNPTR,
                    RINGBUF_SUBMIT_DYNPTR,
                    RINGBUF_DISCARD_DYNPTR -> map == MapType.RINGBUF;
            case USER_RINGBUF_DRAIN -> map == MapType.USER_RINGBUF;
            case GET_STACKID -> map == MapType.STACK_TRACE;
            case CURRENT_TASK_UNDER_CGROUP, SKB_UNDER_CGROUP -> map == MapType.CGROUP_ARRAY;
            case REDIRECT_MAP ->
                switch (map) {
                    case DEVMAP, DEVMAP_HASH, CPUMAP, XSKMAP -> true;
                    default -> false;
                };
            case SK_REDIRECT_MAP, MSG_REDIRECT_MAP, SOCK_MAP_UPDATE -> map == MapType.SOCKMAP;
            case SK_REDIRECT_HASH, MSG_REDIRECT_HASH, SOCK_HASH_UPDATE -> map == MapType.SOCKHASH;
            case GET_LOCAL_STORAGE -> map == MapType.CGROUP_STORAGE || map == MapType.PERCPU_CGROUP_STORAGE;
            case SK_SELECT_REUSEPORT ->
                map == MapType.REUSEPORT_SOCKARRAY || map == MapType.SOCKMAP || map == MapType.SOCKHASH;
            case MAP_POP_ELEM -> map == MapType.QUEUE || map == MapType.STACK;
            case MAP_PEEK_ELEM, MAP_PUSH_ELEM ->
                map == MapType.QUEUE || map == MapType.STACK || map == MapType.BLOOM_FILTER;
            case MAP_LOOKUP_PERCPU_ELEM ->
                map == MapType.PERCPU_ARRAY || map == MapType.PERCPU_HASH || map == MapType.LRU_PERCPU_HASH;
            case SK_STORAGE_GET, SK_STORAGE_DELETE -> map == MapType.SK_STORAGE;
            case INODE_STORAGE_GET, INODE_STORAGE_DELETE -> map == MapType.INODE_STORAGE;
            case TASK_STORAGE_GET, TASK_STORAGE_DELETE -> map == MapType.TASK_STORAGE;
            case CGRP_STORAGE_GET, CGRP_STORAGE_DELETE -> map == MapType.CGRP_STORAGE;
            default -> true;
        };
    }
}
