package skep.vm.helpers;

import java.util.HashMap;
import java.util.Map;
import java.util.OptionalLong;
import java.util.PriorityQueue;
import java.util.function.LongConsumer;
import skep.isa.kernel.Errno;
import skep.vm.Memory;
import skep.vm.VmCpu;

/**
 * {@code struct bpf_timer} values: started by programs, run by the kernel around when their time has come. A timer is
 * known by the address of its field in a map value.
 *
 * <p>The kernel around asks {@link #nextNanos} and calls {@link #runDue} on the CPU that it chooses; nothing runs by
 * itself, so that a simulated kernel stays deterministic. Safe from any thread.
 */
public final class TimerQueue {
    /** Timers known at once. */
    private static final int MAX_TIMERS = 1 << 20;

    private static final long ABSOLUTE = 1;
    private static final long PIN_CPU = 2;

    private final Map<Long, Timer> timers = new HashMap<>();
    private final PriorityQueue<Timer> started = new PriorityQueue<>(
            (a, b) -> a.atNanos != b.atNanos ? Long.compare(a.atNanos, b.atNanos) : Long.compare(a.order, b.order));
    private long order;
    private LongConsumer alarm = _ -> {};

    /** One timer; changed under the queue's lock. */
    private static final class Timer {
        final long address;
        final long map;
        byte[] key = {};
        long value;
        long callback;
        long atNanos;
        long order;
        boolean waiting;

        Timer(long address, long map) {
            this.address = address;
            this.map = map;
        }
    }

    /** Whom to tell when a timer is started, and for when; the kernel around then calls {@link #runDue} in time. */
    public synchronized void setAlarm(LongConsumer alarm) {
        this.alarm = alarm;
    }

    /** {@code long bpf_timer_init(timer, map, clock)}. */
    synchronized long init(long address, long map, long clock) {
        if (clock < 0 || clock > 11) {
            return Errno.EINVAL.negated();
        }
        if (timers.containsKey(address)) {
            return Errno.EBUSY.negated();
        }
        if (timers.size() >= MAX_TIMERS) {
            return Errno.ENOMEM.negated();
        }
        timers.put(address, new Timer(address, map));
        Memory.putLong(address, 1);
        return 0;
    }

    /** {@code long bpf_timer_set_callback(timer, function)}. */
    synchronized long setCallback(long address, long callback) {
        var timer = timers.get(address);
        if (timer == null) {
            return Errno.EINVAL.negated();
        }
        timer.callback = callback;
        return 0;
    }

    /** {@code long bpf_timer_start(timer, nanos, flags)}; {@code key} and {@code value} are what the callback is given. */
    synchronized long start(long address, long nanos, long flags, long nowNanos, byte[] key, long value) {
        var timer = timers.get(address);
        if (timer == null || timer.callback == 0 || (flags & ~(ABSOLUTE | PIN_CPU)) != 0) {
            return Errno.EINVAL.negated();
        }
        started.remove(timer);
        timer.key = key;
        timer.value = value;
        timer.atNanos = (flags & ABSOLUTE) != 0 ? nanos : nowNanos + nanos;
        timer.order = order++;
        timer.waiting = true;
        started.add(timer);
        alarm.accept(timer.atNanos);
        return 0;
    }

    /** {@code long bpf_timer_cancel(timer)}: 1 if it was waiting. */
    synchronized long cancel(long address) {
        var timer = timers.get(address);
        if (timer == null) {
            return Errno.EINVAL.negated();
        }
        boolean waited = timer.waiting;
        timer.waiting = false;
        timer.callback = 0;
        started.remove(timer);
        return waited ? 1 : 0;
    }

    /** Forgets a timer whose map value is deleted. */
    public synchronized void forget(long address) {
        var timer = timers.remove(address);
        if (timer != null) {
            started.remove(timer);
        }
    }

    /** Forgets the timers of a map that goes. */
    public synchronized void forgetMap(long map) {
        timers.values().removeIf(timer -> timer.map == map);
        started.removeIf(timer -> timer.map == map);
    }

    /** The map that a timer was made for, or 0. */
    synchronized long mapOf(long address) {
        var timer = timers.get(address);
        return timer == null ? 0 : timer.map;
    }

    /** Forgets all. */
    public synchronized void clear() {
        timers.clear();
        started.clear();
    }

    /** When the next timer is due, in monotonic nanoseconds. */
    public synchronized OptionalLong nextNanos() {
        var first = started.peek();
        return first == null ? OptionalLong.empty() : OptionalLong.of(first.atNanos);
    }

    /** Runs the callbacks that are due on this CPU, by its kernel's clock; returns how many. */
    public int runDue(VmCpu cpu) {
        int ran = 0;
        for (var timer = takeDue(cpu.services().ktimeNanos());
                timer != null;
                timer = takeDue(cpu.services().ktimeNanos())) {
            long callback = timer.callback;
            if (callback != 0) {
                cpu.runCallback(callback, timer.map, timer.key, timer.value);
                ran++;
            }
        }
        return ran;
    }

    private synchronized @org.jspecify.annotations.Nullable Timer takeDue(long nowNanos) {
        var first = started.peek();
        if (first == null || first.atNanos > nowNanos) {
            return null;
        }
        started.poll();
        first.waiting = false;
        return first;
    }
}
