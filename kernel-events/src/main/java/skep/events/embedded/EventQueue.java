package skep.events.embedded;

import java.util.Arrays;

/** Events by time; those of the same time in the order they were posted. A binary heap that allocates nothing per event. */
final class EventQueue {
    private Event[] heap = new Event[64];
    private int size;
    private long nextSequence;

    /** Time of the first event, or {@code Long.MAX_VALUE}. */
    long firstTime() {
        return size == 0 ? Long.MAX_VALUE : heap[0].timeNanos;
    }

    void post(Event event, long timeNanos) {
        if (event.slot >= 0) {
            cancel(event);
        }
        event.timeNanos = timeNanos;
        event.sequence = nextSequence++;
        if (size == heap.length) {
            heap = Arrays.copyOf(heap, 2 * size);
        }
        up(event, size++);
    }

    void cancel(Event event) {
        int slot = event.slot;
        if (slot < 0) {
            return;
        }
        event.slot = -1;
        var last = heap[--size];
        if (last != event) {
            up(last, slot);
            down(last, last.slot);
        }
    }

    Event take() {
        var first = heap[0];
        cancel(first);
        return first;
    }

    private void up(Event event, int slot) {
        while (slot > 0) {
            int parent = (slot - 1) >>> 1;
            if (!before(event, heap[parent])) {
                break;
            }
            place(heap[parent], slot);
            slot = parent;
        }
        place(event, slot);
    }

    private void down(Event event, int slot) {
        while (true) {
            int child = 2 * slot + 1;
            if (child >= size) {
                break;
            }
            if (child + 1 < size && before(heap[child + 1], heap[child])) {
                child++;
            }
            if (!before(heap[child], event)) {
                break;
            }
            place(heap[child], slot);
            slot = child;
        }
        place(event, slot);
    }

    private void place(Event event, int slot) {
        heap[slot] = event;
        event.slot = slot;
    }

    private static boolean before(Event a, Event b) {
        return a.timeNanos != b.timeNanos ? a.timeNanos < b.timeNanos : a.sequence < b.sequence;
    }
}
