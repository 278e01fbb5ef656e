package skep.session;

/** What happens to events that come faster than they are taken; what is dropped is counted. */
public enum Overflow {
    /** The script waits for the reader, if there is one. */
    WAIT,
    /** The oldest event that waits makes room. */
    DROP_OLDEST,
    /** The new event is dropped. */
    DROP_NEWEST
}
