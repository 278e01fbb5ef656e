package skep.truffle.interop;

/** What hosts of guest languages ask about their threads. */
public final class Guests {
    private Guests() {}

    /** Whether a thread of a guest waits for a trace: then interrupting it stops the trace, which keeps its results. */
    public static boolean isWaiting(Thread thread) {
        return Waiting.isWaiting(thread);
    }
}
