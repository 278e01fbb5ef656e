package skep.bindings.java;

import java.util.ArrayDeque;
import java.util.Optional;

/** Events between the thread that runs the trace and the one that reads, bounded. Thread-safe. */
final class EventQueue {
    private final Loss loss;
    private final int capacity;
    private final ArrayDeque<Event> waiting = new ArrayDeque<>();
    private boolean read;
    private boolean ended;
    private long dropped;

    EventQueue(Loss loss, int capacity) {
        this.loss = loss;
        this.capacity = capacity;
    }

    /** From the trace. Without a reader it never waits: the oldest go. */
    synchronized void put(Event event) {
        while (waiting.size() >= capacity && !ended) {
            if (loss == Loss.DROP_NEWEST) {
                dropped++;
                return;
            }
            if (loss == Loss.DROP_OLDEST || !read) {
                waiting.removeFirst();
                dropped++;
            } else {
                try {
                    wait();
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                    dropped++;
                    return;
                }
            }
        }
        waiting.addLast(event);
        notifyAll();
    }

    /** Whether somebody reads: from then on a full queue makes the trace wait, if that is the policy. */
    synchronized void setRead(boolean isRead) {
        read = isRead;
        notifyAll();
    }

    synchronized void end() {
        ended = true;
        notifyAll();
    }

    /** The next event; waits for it. Empty at the end. */
    synchronized Optional<Event> take() throws InterruptedException {
        while (waiting.isEmpty() && !ended) {
            wait();
        }
        var event = Optional.ofNullable(waiting.pollFirst());
        notifyAll();
        return event;
    }

    synchronized long dropped() {
        return dropped;
    }
}
