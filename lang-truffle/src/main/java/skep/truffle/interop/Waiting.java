package skep.truffle.interop;

import com.oracle.truffle.api.TruffleSafepoint;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import skep.session.RunningScript;
import skep.session.ScriptEvent;
import skep.target.Target;

/**
 * Waiting on a guest's thread. Truffle may want the thread meanwhile (to cancel or interrupt its context, say) and gets it; an
 * interrupt of the Java thread is Ctrl-C: it stops the script, whose end is then waited for.
 */
final class Waiting {
    private static final int EVENTS_AT_ONCE = 256;

    private static final Set<Thread> THREADS = ConcurrentHashMap.newKeySet();

    private Waiting() {}

    static boolean isWaiting(Thread thread) {
        return THREADS.contains(thread);
    }

    /** Truffle's way to get a thread back, told apart from {@link Thread#interrupt}. */
    private record Nudge(RunningScript script) implements TruffleSafepoint.Interrupter {
        @Override
        public void interrupt(Thread thread) {
            script.events().nudge();
        }

        @Override
        public void resetInterrupted() {
            script.events().settle();
        }
    }

    /**
     * The next events of a script.
     *
     * @param timeoutMillis 0 not to wait, negative to wait until there are some or the script ends
     * @return empty at the end or when the time is over
     */
    static List<ScriptEvent> events(RunningScript script, long timeoutMillis) {
        long deadline = System.nanoTime() + timeoutMillis * 1_000_000;
        while (true) {
            long left = timeoutMillis <= 0
                    ? timeoutMillis
                    : Math.max(0, (deadline - System.nanoTime() + 999_999) / 1_000_000);
            var taken = TruffleSafepoint.getCurrent()
                    .setBlockedFunction(null, new Nudge(script), running -> take(running, left), script, null, null);
            if (!taken.isEmpty() || script.events().isAtEnd() || left == 0) {
                return taken;
            }
        }
    }

    private static List<ScriptEvent> take(RunningScript script, long millis) throws InterruptedException {
        List<ScriptEvent> taken;
        THREADS.add(Thread.currentThread());
        try {
            taken = script.events().take(EVENTS_AT_ONCE, millis);
        } catch (InterruptedException ctrlC) {
            script.stop();
            return List.of();
        } finally {
            THREADS.remove(Thread.currentThread());
        }
        if (taken.isEmpty() && script.events().isNudged()) {
            throw new InterruptedException();
        }
        return taken;
    }

    /** Waits for the end of a script; its events stay. */
    static void end(RunningScript script) {
        TruffleSafepoint.getCurrent()
                .setBlockedFunction(null, new Nudge(script), Waiting::waitForEnd, script, null, null);
    }

    private static boolean waitForEnd(RunningScript script) throws InterruptedException {
        while (true) {
            boolean ended;
            THREADS.add(Thread.currentThread());
            try {
                ended = script.events().waitForEnd();
            } catch (InterruptedException ctrlC) {
                script.stop();
                continue;
            } finally {
                THREADS.remove(Thread.currentThread());
            }
            if (ended) {
                return true;
            }
            throw new InterruptedException();
        }
    }

    /** Sleeps, the same way. */
    static void sleep(long millis) {
        TruffleSafepoint.setBlockedThreadInterruptible(null, Thread::sleep, millis);
    }

    /** Sleeps until a target's clock shows a time, or it has ended. */
    static void sleepUntil(Target target, long monotonicNanos) {
        TruffleSafepoint.setBlockedThreadInterruptible(
                null,
                end -> {
                    while (!target.sleepUntil(end, Duration.ofSeconds(1))) {
                        // as long as it takes
                    }
                },
                monotonicNanos);
    }
}
