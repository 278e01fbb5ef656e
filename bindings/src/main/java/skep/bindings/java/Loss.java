package skep.bindings.java;

/** What happens to events that come faster than they are taken. Whatever is lost is counted: {@link Trace#dropped}. */
public enum Loss {
    /**
     * The trace waits for the reader. The kernel does not: when its ring buffer is full too, it drops and counts. An embedded
     * kernel at full speed waits as well, so that nothing is lost.
     */
    WAIT,
    /** The oldest event that waits makes room: the reader sees the present. */
    DROP_OLDEST,
    /** The new event is dropped: the reader sees an unbroken past. */
    DROP_NEWEST
}
