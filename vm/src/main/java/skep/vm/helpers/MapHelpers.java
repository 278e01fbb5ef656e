package skep.vm.helpers;

import java.util.Optional;
import skep.isa.kernel.Errno;
import skep.vm.HelperFunction;
import skep.vm.Machine;
import skep.vm.Memory;
import skep.vm.VmCpu;
import skep.vm.VmMap;
import skep.vm.maps.BpfMap;

/** Reading and writing maps. */
final class MapHelpers {
    private MapHelpers() {}

    /** {@code void *bpf_map_lookup_elem(map, key)}. */
    record Lookup(Machine machine) implements HelperFunction {
        @Override
        public long call(VmCpu cpu, long map, long key, long c, long d, long e) {
            return machine.mapOf(map).lookup(key, cpu.services().cpu());
        }

        @Override
        public Optional<HelperFunction> forMap(VmMap map) {
            return Optional.of(((BpfMap) map).lookups());
        }
    }

    /** {@code long bpf_map_update_elem(map, key, value, flags)}. */
    record Update(Machine machine) implements HelperFunction {
        @Override
        public long call(VmCpu cpu, long map, long key, long value, long flags, long e) {
            return machine.mapOf(map).update(key, value, flags, cpu.services().cpu());
        }

        @Override
        public Optional<HelperFunction> forMap(VmMap map) {
            return Optional.of(((BpfMap) map).updates());
        }
    }

    /** {@code long bpf_map_delete_elem(map, key)}. */
    record Delete(Machine machine) implements HelperFunction {
        @Override
        public long call(VmCpu cpu, long map, long key, long c, long d, long e) {
            return machine.mapOf(map).delete(key);
        }

        @Override
        public Optional<HelperFunction> forMap(VmMap map) {
            var known = (BpfMap) map;
            return Optional.of((_, _, key, _, _, _) -> known.delete(key));
        }
    }

    static HelperFunction push(Machine machine) {
        return (_, map, value, flags, _, _) -> machine.mapOf(map).push(value, flags);
    }

    static HelperFunction pop(Machine machine) {
        return (_, map, value, _, _, _) -> machine.mapOf(map).pop(value);
    }

    static HelperFunction peek(Machine machine) {
        return (_, map, value, _, _, _) -> machine.mapOf(map).peek(value);
    }

    static HelperFunction lookupPerCpu(Machine machine) {
        return (_, map, key, cpu, _, _) -> machine.mapOf(map).lookupPerCpu(key, (int) cpu);
    }

    /** {@code long bpf_for_each_map_elem(map, callback, ctx, flags)}; the callback takes map, key, value, ctx. */
    static HelperFunction forEach(Machine machine) {
        return (cpu, map, callback, context, flags, _) -> {
            if (flags != 0) {
                return Errno.EINVAL.negated();
            }
            long frame = cpu.push();
            try {
                return machine.mapOf(map)
                        .forEach(
                                (key, value) -> cpu.callback(callback, map, key, value, context, 0),
                                cpu.services().cpu(),
                                frame - 8);
            } finally {
                cpu.pop(frame);
            }
        };
    }

    /** {@code long bpf_redirect_map(map, key, flags)}: XDP_REDIRECT if the slot is filled, else the flags' low bits. */
    static HelperFunction redirectMap(Machine machine) {
        return (cpu, map, key, flags, _, _) -> {
            final long xdpAborted = 0;
            final long xdpRedirect = 4;
            final long broadcast = 1 << 3;
            final long excludeIngress = 1 << 4;
            if ((flags & ~(3L | broadcast | excludeIngress)) != 0) {
                return xdpAborted;
            }
            long frame = cpu.push();
            try {
                Memory.putInt(frame - 8, (int) key);
                long found = machine.mapOf(map).lookup(frame - 8, cpu.services().cpu());
                return found != 0 || (flags & broadcast) != 0 ? xdpRedirect : flags & 3;
            } finally {
                cpu.pop(frame);
            }
        };
    }

    /** {@code void *bpf_*_storage_get(map, owner, value, flags)}: the owner's value, made if flag 1 asks for it. */
    static HelperFunction storageGet(Machine machine) {
        return (cpu, map, owner, value, flags, _) ->
                owner == 0 || (flags & ~1L) != 0 ? 0 : storage(machine, cpu, map, owner, value, (flags & 1) != 0);
    }

    private static long storage(Machine machine, VmCpu cpu, long map, long owner, long value, boolean create) {
        long frame = cpu.push();
        try {
            Memory.putLong(frame - 8, owner);
            return machine.mapOf(map)
                    .storage(frame - 8, value, create, cpu.services().cpu());
        } finally {
            cpu.pop(frame);
        }
    }

    static HelperFunction storageDelete(Machine machine) {
        return (cpu, map, owner, _, _, _) -> {
            if (owner == 0) {
                return Errno.EINVAL.negated();
            }
            long frame = cpu.push();
            try {
                Memory.putLong(frame - 8, owner);
                return machine.mapOf(map).deleteStorage(frame - 8);
            } finally {
                cpu.pop(frame);
            }
        };
    }

    /** {@code void *bpf_get_local_storage(map, flags)}: the value of the program's cgroup. */
    static HelperFunction cgroupStorage(Machine machine) {
        return (cpu, map, _, _, _, _) ->
                storage(machine, cpu, map, cpu.services().cgroupId(), 0, true);
    }

    /** {@code long bpf_current_task_under_cgroup(map, index)}. */
    static HelperFunction underCgroup(Machine machine) {
        return (cpu, map, index, _, _, _) -> {
            var array = machine.mapOf(map);
            if (Long.compareUnsigned(index & 0xffff_ffffL, array.spec().maxEntries()) >= 0) {
                return Errno.E2BIG.negated();
            }
            long frame = cpu.push();
            try {
                Memory.putInt(frame - 8, (int) index);
                long found = array.lookup(frame - 8, 0);
                if (found == 0) {
                    return Errno.EAGAIN.negated();
                }
                return Memory.getInt(found) == (int) cpu.services().cgroupId() ? 1 : 0;
            } finally {
                cpu.pop(frame);
            }
        };
    }
}
