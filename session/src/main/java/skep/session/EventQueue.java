package skep.session;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;

/** Events between the thread that runs a script and the one that reads them, bounded. Thread-safe. */
public final class EventQueue {
    private final Overflow overflow;
    private final int capacity;
    private final ArrayDeque<ScriptEvent> waiting = new ArrayDeque<>();
    private boolean read;
    private boolean ended;
    private boolean nudged;
    private long dropped;

    EventQueue(Overflow overflow, int capacity) {
        this.overflow = overflow;
        this.capacity = capacity;
    }

    /** From the script. Without a reader it never waits: the oldest go. */
    synchronized void put(ScriptEvent event) {
        while (waiting.size() >= capacity && !ended) {
            if (overflow == Overflow.DROP_NEWEST) {
                dropped++;
                return;
            }
            if (overflow == Overflow.DROP_OLDEST || !read) {
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
        if (waiting.size() == 1) {
            notifyAll();
        }
    }

    /** Whether somebody reads: from then on a full queue makes the script wait, if that is the policy. */
    public synchronized void setRead(boolean isRead) {
        read = isRead;
        notifyAll();
    }

    synchronized void end() {
        ended = true;
        notifyAll();
    }

    /** Whether all has been taken and nothing more will come. */
    public synchronized boolean isAtEnd() {
        return ended && waiting.isEmpty();
    }

    /**
     * Takes what waits, in order.
     *
     * @param most how many at most
     * @param timeoutMillis how long to wait for the first; 0 not at all, negative until there is one
     * @return empty at the end, when the time is over, or after {@link #nudge}
     */
    public synchronized List<ScriptEvent> take(int most, long timeoutMillis) throws InterruptedException {
        long deadline = System.nanoTime() + timeoutMillis * 1_000_000;
        while (waiting.isEmpty() && !ended && !nudged && timeoutMillis != 0) {
            if (timeoutMillis < 0) {
                wait();
                continue;
            }
            long left = (deadline - System.nanoTime() + 999_999) / 1_000_000;
            if (left <= 0) {
                break;
            }
            wait(left);
        }
        var taken = new ArrayList<ScriptEvent>(Math.min(most, waiting.size()));
        while (taken.size() < most && !waiting.isEmpty()) {
            taken.add(waiting.removeFirst());
        }
        if (!taken.isEmpty()) {
            notifyAll();
        }
        return taken;
    }

    /** Waits until nothing more will come, or {@link #nudge}; takes nothing. Returns whether the end has come. */
    public synchronized boolean waitForEnd() throws InterruptedException {
        while (!ended && !nudged) {
            wait();
        }
        return ended;
    }

    /** Lets {@link #take} return at once, until {@link #settle}: someone wants its thread. */
    public synchronized void nudge() {
        nudged = true;
        notifyAll();
    }

    public synchronized boolean isNudged() {
        return nudged;
    }

    /** Undoes {@link #nudge}. */
    public synchronized void settle() {
        nudged = false;
    }

    synchronized long dropped() {
        return dropped;
    }
}
