package skep.events.embedded;

/** Something that happens at a time, independently of what CPUs do: a timer expires, a device has finished. */
abstract class Event {
    long timeNanos;
    long sequence;
    /** Place in the queue's heap, or -1. */
    int slot = -1;

    abstract void happen();

    boolean pending() {
        return slot >= 0;
    }
}
