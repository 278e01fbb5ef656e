package skep.events.embedded;

import java.util.ArrayList;

/** Tasks that wait for something; woken in the order in which they came. */
final class WaitQueue {
    private final ArrayList<Task> waiters = new ArrayList<>();

    void add(Task task) {
        if (task.waitingOn != this) {
            task.waitingOn = this;
            waiters.add(task);
        }
    }

    void remove(Task task) {
        if (task.waitingOn == this) {
            task.waitingOn = null;
            waiters.remove(task);
        }
    }

    boolean isEmpty() {
        return waiters.isEmpty();
    }

    int size() {
        return waiters.size();
    }

    Task get(int index) {
        return waiters.get(index);
    }

    Task first() {
        return waiters.getFirst();
    }
}
