package skep.vm.helpers;

import skep.isa.kernel.Errno;
import skep.vm.HelperFunction;
import skep.vm.Machine;
import skep.vm.Memory;
import skep.vm.VmCpu;
import skep.vm.maps.SpinLock;
import skep.vm.maps.UserRingBuffer;

/** Loops, locks, timers, pointers in map values, memory behind dynptrs. */
final class ControlHelpers {
    /** {@code BPF_MAX_LOOPS}. */
    private static final long MAX_LOOPS = 8 << 20;

    private ControlHelpers() {}

    /** {@code long bpf_loop(count, callback, ctx, flags)}: how often the callback ran; not 0 from it ends the loop. */
    static long loop(VmCpu cpu, long count, long callback, long context, long flags, long e) {
        long times = count & 0xffff_ffffL;
        if (flags != 0) {
            return Errno.EINVAL.negated();
        }
        if (times > MAX_LOOPS) {
            return Errno.E2BIG.negated();
        }
        for (long i = 0; i < times; i++) {
            if (cpu.callback(callback, i, context, 0, 0, 0) != 0) {
                return i + 1;
            }
        }
        return times;
    }

    static long lock(VmCpu cpu, long lock, long b, long c, long d, long e) {
        SpinLock.lock(lock);
        return 0;
    }

    static long unlock(VmCpu cpu, long lock, long b, long c, long d, long e) {
        SpinLock.unlock(lock);
        return 0;
    }

    static HelperFunction timerInit(Machine machine) {
        return (_, timer, map, clock, _, _) -> machine.timers().init(timer, map, clock);
    }

    static HelperFunction timerSetCallback(Machine machine) {
        return (_, timer, callback, _, _, _) -> machine.timers().setCallback(timer, callback);
    }

    /** The callback is given the map, the key and the value that the timer lies in. */
    static HelperFunction timerStart(Machine machine) {
        return (cpu, timer, nanos, flags, _, _) -> {
            long map = machine.timers().mapOf(timer);
            if (map == 0) {
                return Errno.EINVAL.negated();
            }
            var home = machine.mapOf(map).elementAt(timer);
            return machine.timers().start(timer, nanos, flags, cpu.services().ktimeNanos(), home.key(), home.value());
        };
    }

    static HelperFunction timerCancel(Machine machine) {
        return (_, timer, _, _, _, _) -> machine.timers().cancel(timer);
    }

    /** {@code void *bpf_kptr_xchg(place, pointer)}. */
    static long exchangePointer(VmCpu cpu, long place, long pointer, long c, long d, long e) {
        return Memory.getAndSet(place, pointer);
    }

    /**
     * {@code long bpf_user_ringbuf_drain(map, callback, ctx, flags)}: how many records the callback was given, as
     * read-only dynptrs; not 0 from it ends the draining.
     */
    static HelperFunction drain(Machine machine) {
        return (cpu, map, callback, context, flags, _) -> {
            final long wakeUps = 3;
            if ((flags & ~wakeUps) != 0) {
                return Errno.EINVAL.negated();
            }
            long frame = cpu.push();
            try {
                return ((UserRingBuffer) machine.mapOf(map)).drain((data, size) -> {
                    DynptrHelpers.setReadOnly(frame - 16, data, size);
                    return cpu.callback(callback, frame - 16, context, 0, 0, 0);
                });
            } finally {
                cpu.pop(frame);
            }
        };
    }
}
