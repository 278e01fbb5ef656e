package skep.truffle.interop;

import java.util.Map;
import java.util.NoSuchElementException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;

/**
 * How a thing crosses between Java and the guest languages by reference: one side gives it and gets a number, the other takes
 * it with that number, once. Thread-safe.
 */
public final class Handover {
    private static final AtomicLong NEXT = new AtomicLong(1);
    private static final Map<Long, Object> WAITING = new ConcurrentHashMap<>();

    private Handover() {}

    /** @param thing a {@code RunningScript}, a {@code View.MapView}, a {@code Value} or an {@code Aggregate} */
    public static long give(Object thing) {
        long number = NEXT.getAndIncrement();
        WAITING.put(number, thing);
        return number;
    }

    /** @throws NoSuchElementException if nobody gave it, or it was taken already */
    public static Object take(long number) {
        var thing = WAITING.remove(number);
        if (thing == null) {
            throw new NoSuchElementException("nothing waits under the number " + number);
        }
        return thing;
    }
}
