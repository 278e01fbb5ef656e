package skep.session.bcc;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import skep.c.bcc.BccCompiler;
import skep.c.bcc.BccRequest;
import skep.c.bcc.CompileException;
import skep.c.bcc.UsdtArguments;
import skep.c.pp.IncludeProvider;
import skep.target.LoadedMap;
import skep.target.Target;

/**
 * A target on which BCC programs run: it opens a session for each, and keeps what they share. Closing it closes them, not
 * the target. Safe for many threads as far as its sessions are.
 */
public final class BccHost implements AutoCloseable {
    private final Target target;
    private final Optional<Duration> duration;
    private final Consumer<String> notices;
    private final Set<String> told = new HashSet<>();
    private final Map<String, LoadedMap> shared = new LinkedHashMap<>();
    private final List<BccSession> sessions = new ArrayList<>();
    private boolean started;

    /**
     * @param duration how long the target's clock runs once a program is attached
     * @param notices told, once each, what works in another way than the program asked for
     */
    public BccHost(Target target, Optional<Duration> duration, Consumer<String> notices) {
        this.target = target;
        this.duration = duration;
        this.notices = notices;
    }

    public Target target() {
        return target;
    }

    /**
     * Compiles a program and makes its tables.
     *
     * @throws BccException with the mistakes of the source, or if a table cannot be made
     */
    public synchronized BccSession open(
            String text, String fileName, List<String> cflags, List<UsdtArguments> usdt, IncludeProvider includes) {
        try {
            var program = BccCompiler.compile(new BccRequest(text, fileName, cflags, target.kernel(), usdt, includes));
            var session = new BccSession(this, program, text);
            sessions.add(session);
            return session;
        } catch (CompileException mistakes) {
            throw new BccException(BccException.Step.COMPILE, String.valueOf(mistakes.getMessage()), mistakes);
        }
    }

    /** The same without static probes and headers of the user. */
    public BccSession open(String text, String fileName, List<String> cflags) {
        return open(text, fileName, cflags, List.of(), IncludeProvider.NONE);
    }

    /** The clock of a simulated kernel starts with the first program that is attached. */
    synchronized void start() {
        if (!started) {
            started = true;
            target.start(duration);
        }
    }

    /** Starts the target's clock if nothing is attached: for scripts that only wait. */
    public void startIfNeeded() {
        start();
    }

    synchronized void tellOnce(String notice) {
        if (told.add(notice)) {
            notices.accept(notice);
        }
    }

    synchronized Optional<LoadedMap> sharedTable(String name) {
        return Optional.ofNullable(shared.get(name));
    }

    synchronized void share(String name, LoadedMap map) {
        shared.put(name, map);
    }

    synchronized void forget(BccSession session, List<LoadedMap> maps) {
        sessions.remove(session);
        shared.values().removeAll(maps);
    }

    @Override
    public void close() {
        List<BccSession> open;
        synchronized (this) {
            // Those that use another's tables go before it.
            open = new ArrayList<>(sessions).reversed();
        }
        open.forEach(BccSession::close);
    }
}
