package skep.vm.verifier;

import java.util.HashMap;
import java.util.Map;
import skep.isa.kernel.MapType;
import skep.isa.kernel.ProgramType;

/** The 64-bit immediate loads that name maps: resolved before the walk, and what they load. */
final class MapReferences {
    private static final int MAX_MAPS = 64;

    private final Walker w;
    private final Map<Integer, MapDefinition> byFd = new HashMap<>();
    private boolean arena;
    private boolean cgroupStorage;
    private boolean perCpuCgroupStorage;

    MapReferences(Walker walker) {
        this.w = walker;
    }

    Map<Integer, MapDefinition> byFd() {
        return byFd;
    }

    boolean hasArena() {
        return arena;
    }

    /** Also the first check of every opcode. */
    void resolve() {
        var code = w.code;
        for (int i = 0; i < code.length; i++) {
            int cls = code.cls(i);
            if (cls == Code.LDX
                    && ((code.mode(i) != Code.MODE_MEM && code.mode(i) != Code.MODE_MEMSX) || code.imm[i] != 0)) {
                throw w.invalid("BPF_LDX uses reserved fields");
            }
            if (!code.isLdImm64(i)) {
                if (!Code.isDefined(code.op[i])) {
                    throw w.invalid("unknown opcode %02x", code.op[i]);
                }
                continue;
            }
            if (i == code.length - 1
                    || code.op[i + 1] != 0
                    || code.dst[i + 1] != 0
                    || code.src[i + 1] != 0
                    || code.off[i + 1] != 0) {
                throw w.invalid("invalid bpf_ld_imm64 insn");
            }
            resolve(i);
            i++;
        }
    }

    private void resolve(int i) {
        var code = w.code;
        switch (code.src[i]) {
            case 0, Code.PSEUDO_FUNC -> {
                return;
            }
            case Code.PSEUDO_BTF_ID -> {
                w.kernelObjects.resolveSymbol(i);
                return;
            }
            case Code.PSEUDO_MAP_VALUE, Code.PSEUDO_MAP_IDX_VALUE -> {}
            case Code.PSEUDO_MAP_FD, Code.PSEUDO_MAP_IDX -> {
                if (code.imm[i + 1] != 0) {
                    throw w.invalid("unrecognized bpf_ld_imm64 insn");
                }
            }
            default -> throw w.invalid("unrecognized bpf_ld_imm64 insn");
        }
        if (code.src[i] == Code.PSEUDO_MAP_IDX || code.src[i] == Code.PSEUDO_MAP_IDX_VALUE) {
            throw Refusal.of(w.log, 71, "fd_idx without fd_array is invalid");
        }
        int fd = code.imm[i];
        var known = byFd.get(fd);
        MapDefinition map;
        if (known == null) {
            map = w.input
                    .maps()
                    .map(fd)
                    .orElseThrow(() -> Refusal.of(w.log, Refusal.EBADF, "fd %d is not pointing to valid bpf_map", fd));
            checkCompatible(map);
            if (byFd.size() >= MAX_MAPS) {
                throw Refusal.of(
                        w.log,
                        Refusal.E2BIG,
                        "The total number of maps per program has reached the limit of %d",
                        MAX_MAPS);
            }
            byFd.put(fd, map);
        } else {
            map = known;
        }
        if (code.src[i] != Code.PSEUDO_MAP_VALUE) {
            return;
        }
        long off = code.imm[i + 1] & 0xffff_ffffL;
        if (off >= Arithmetic.MAX_VAR_OFFSET) {
            throw w.invalid("direct value offset of %d is not allowed", off);
        }
        boolean direct = map.type() == MapType.ARENA || (map.type() == MapType.ARRAY && map.maxEntries() == 1);
        if (map.type() != MapType.ARRAY && map.type() != MapType.ARENA) {
            throw w.invalid("no direct value access support for this map type");
        }
        if (!direct || (map.type() == MapType.ARRAY && off >= map.valueSizeBytes())) {
            throw w.invalid("invalid access to map value pointer, value_size=%d off=%d", map.valueSizeBytes(), off);
        }
    }

    private void checkCompatible(MapDefinition map) {
        var type = w.input.type();
        boolean tracing = switch (type) {
            case KPROBE, TRACEPOINT, PERF_EVENT, RAW_TRACEPOINT, RAW_TRACEPOINT_WRITABLE -> true;
            default -> false;
        };
        if (tracing && (map.has(SpecialField.Kind.LIST_HEAD) || map.has(SpecialField.Kind.RB_ROOT))) {
            throw w.invalid("tracing progs cannot use bpf_{list_head,rb_root} yet");
        }
        if (map.has(SpecialField.Kind.SPIN_LOCK) || map.has(SpecialField.Kind.RES_SPIN_LOCK)) {
            if (type == ProgramType.SOCKET_FILTER) {
                throw w.invalid("socket filter progs cannot use bpf_spin_lock yet");
            }
            if (tracing) {
                throw w.invalid("tracing progs cannot use bpf_spin_lock yet");
            }
        }
        if (tracing && map.has(SpecialField.Kind.TIMER)) {
            throw w.invalid("tracing progs cannot use bpf_timer yet");
        }
        if (tracing && map.has(SpecialField.Kind.WORKQUEUE)) {
            throw w.invalid("tracing progs cannot use bpf_wq yet");
        }
        if (w.input.sleepable()) {
            boolean allowed = switch (map.type()) {
                case HASH,
                        LRU_HASH,
                        ARRAY,
                        PERCPU_HASH,
                        PERCPU_ARRAY,
                        LRU_PERCPU_HASH,
                        ARRAY_OF_MAPS,
                        HASH_OF_MAPS,
                        RINGBUF,
                        USER_RINGBUF,
                        INODE_STORAGE,
                        SK_STORAGE,
                        TASK_STORAGE,
                        CGRP_STORAGE,
                        QUEUE,
                        STACK,
                        ARENA -> true;
                default -> false;
            };
            if (!allowed) {
                throw w.invalid("Sleepable programs can only use array, hash, ringbuf and local storage maps");
            }
        }
        checkOnlyOne(map);
    }

    private void checkOnlyOne(MapDefinition map) {
        switch (map.type()) {
            case CGROUP_STORAGE -> {
                if (cgroupStorage) {
                    throw w.invalid("only one cgroup storage of each type is allowed");
                }
                cgroupStorage = true;
            }
            case PERCPU_CGROUP_STORAGE -> {
                if (perCpuCgroupStorage) {
                    throw w.invalid("only one cgroup storage of each type is allowed");
                }
                perCpuCgroupStorage = true;
            }
            case ARENA -> {
                if (arena) {
                    throw w.invalid("Only one arena per program");
                }
                if (!w.allowPointerLeaks || !w.bpfCapable) {
                    throw Refusal.of(w.log, Refusal.EPERM, "CAP_BPF and CAP_PERFMON are required to use arena");
                }
                arena = true;
            }
            default -> {}
        }
    }

    void load(int i, RegState reg) {
        var map = byFd.get(w.code.imm[i]);
        if (map == null) {
            throw w.invalid("unrecognized bpf_ld_imm64 insn");
        }
        w.facts.map(i, w.code.imm[i]);
        if (w.code.src[i] == Code.PSEUDO_MAP_VALUE) {
            if (map.type() == MapType.ARENA) {
                w.markUnknown(reg);
                return;
            }
            reg.markPointer(RegKind.MAP_VALUE, 0);
            reg.map = map;
            reg.off = w.code.imm[i + 1];
        } else {
            reg.markPointer(RegKind.MAP_PTR, 0);
            reg.map = map;
        }
    }
}
