package skep.truffle.lang;

import com.oracle.truffle.api.ThreadLocalAction;
import com.oracle.truffle.api.TruffleLanguage;
import com.oracle.truffle.api.source.Source;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import skep.session.Listing;
import skep.session.RunningScript;
import skep.session.ScriptException;
import skep.session.Targets;
import skep.target.Target;
import skep.target.TargetException;
import skep.truffle.interop.GuestException;
import skep.truffle.interop.TraceObject;
import skep.truffle.interop.TraceOptions;

/**
 * What a context of one of our languages holds: which kernel is traced, and all that it has opened there. A context without
 * native access traces the embedded kernel only, one without processes starts none, and the scripts of one that may not read
 * files have none but those of a simulated machine.
 */
public final class Tracing {
    private final TruffleLanguage.Env env;
    private final Set<AutoCloseable> open = new LinkedHashSet<>();
    private String spec;

    Tracing(TruffleLanguage.Env env, String spec) {
        this.env = env;
        this.spec = spec;
    }

    /** The target of traces that name none. */
    public synchronized String spec() {
        return spec;
    }

    /** Traces somewhere else from now on. Does not open it. */
    public synchronized void setSpec(String newSpec) {
        spec = newSpec;
    }

    /**
     * Opens a target, which the caller closes.
     *
     * @throws GuestException if it cannot be opened, or the context may not
     */
    public Target open(String wanted) {
        boolean simulated = wanted.equals("embedded") || wanted.startsWith("embedded:");
        if (!simulated && !env.isNativeAccessAllowed()) {
            throw GuestException.plain(
                    "target " + wanted + ": a context without native access traces the embedded kernel only");
        }
        try {
            return Targets.open(wanted);
        } catch (TargetException | IllegalArgumentException refused) {
            throw GuestException.plain(String.valueOf(refused.getMessage()));
        }
    }

    /**
     * Compiles and verifies a script.
     *
     * @throws GuestException with the place of what is wrong
     */
    public TraceObject trace(Source source, TraceOptions options) {
        if (options.wantsProcesses() && !env.isCreateProcessAllowed()) {
            throw GuestException.plain("this context may not start processes: neither command nor unsafe is allowed");
        }
        var target = open(options.target().orElseGet(this::spec));
        try {
            var script = new RunningScript(
                    target,
                    options.name(),
                    source.getCharacters().toString(),
                    readsFiles() ? options.session() : options.session().withoutFiles(),
                    options.overflow(),
                    options.queueEvents());
            verify(script);
            // A simulated kernel at full speed would go on and on.
            var closing = once(target);
            script.whenEnded(closing);
            var held = new AutoCloseable[1];
            var trace = new TraceObject(script, source, () -> {
                closing.run();
                forget(held[0]);
            });
            held[0] = trace;
            keep(trace);
            return trace;
        } catch (ScriptException mistake) {
            target.close();
            throw GuestException.of(mistake, source, true);
        } catch (RuntimeException | Error failure) {
            target.close();
            throw failure;
        }
    }

    /** Whether the context's file system lets it read files, wherever they are. */
    private boolean readsFiles() {
        try {
            return env.isFileIOAllowed() && env.getPublicTruffleFile("/").isReadable();
        } catch (SecurityException refused) {
            return false;
        }
    }

    /** Closes it at the first call; later ones wait for that. */
    private static Runnable once(Target target) {
        var closed = new boolean[1];
        return () -> {
            synchronized (closed) {
                if (!closed[0]) {
                    closed[0] = true;
                    target.close();
                }
            }
        };
    }

    private static void verify(RunningScript script) {
        try {
            script.load();
        } catch (RuntimeException | Error refused) {
            script.close();
            throw refused;
        }
    }

    /** Closes it with the context, if nobody does before. */
    public synchronized void keep(AutoCloseable thing) {
        open.add(thing);
    }

    synchronized boolean owns(AutoCloseable thing) {
        return open.contains(thing);
    }

    public synchronized void forget(AutoCloseable thing) {
        open.remove(thing);
    }

    /**
     * Throws an interrupt into what a thread of the context runs, from another thread. Unlike {@code Context.interrupt} it
     * waits for nobody, and the context lets everybody in meanwhile.
     */
    public void interrupt(Thread thread) {
        env.submitThreadLocal(new Thread[] {thread}, new ThreadLocalAction(true, false) {
            @Override
            protected void perform(Access access) {
                throw GuestException.interrupt();
            }
        });
    }

    /** The probes of the current target that match a pattern; with their arguments if {@code detailed}. */
    public List<String> probes(String pattern, boolean detailed) {
        try (var target = open(spec())) {
            var lines = new ArrayList<String>();
            Listing.list(target, pattern, detailed, lines::add);
            return lines;
        }
    }

    /** The context ends: everything stops. */
    void close() {
        List<AutoCloseable> left;
        synchronized (this) {
            left = new ArrayList<>(open).reversed();
        }
        left.forEach(Tracing::close);
    }

    /** Things of ours throw nothing that is checked. */
    static void close(AutoCloseable thing) {
        try {
            thing.close();
        } catch (RuntimeException e) {
            throw e;
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
    }
}
