package skep.jupyter.cell;

import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import skep.bindings.java.Variables;
import skep.session.Targets;
import skep.target.Target;

/**
 * What the cells of a notebook share: the target, how long a trace runs, and variables by name. A variable is held by
 * reference: all languages see the same object.
 */
public final class Workspace implements AutoCloseable {
    /** What a notebook traces until told otherwise: the same picture on every machine. */
    public static final String DEFAULT_TARGET = "embedded";

    /** How long a trace runs until told otherwise. */
    public static final Duration DEFAULT_DURATION = Duration.ofSeconds(5);

    private String spec;
    private @Nullable Target target;
    private Map<String, Long> groundTruth = Map.of();
    private Optional<Duration> duration = Optional.of(DEFAULT_DURATION);
    private final Guests guests = new Guests(this);

    public Workspace(String spec) {
        this.spec = spec;
    }

    /**
     * The target, opened at first use.
     *
     * @throws skep.target.TargetException if it cannot be opened
     * @throws IllegalArgumentException if the spec names none
     */
    public synchronized Target target() {
        if (target == null) {
            target = Targets.open(spec);
        }
        return target;
    }

    public synchronized String spec() {
        return spec;
    }

    /** Traces somewhere else from now on. If that cannot be opened nothing changes. */
    public synchronized void retarget(String newSpec) {
        var opened = Targets.open(newSpec);
        if (target != null) {
            target.close();
        }
        target = opened;
        spec = newSpec;
    }

    /** A target that is as new: the embedded kernel starts from its beginning for each trace. */
    public Target fresh() {
        var name = spec();
        return name.startsWith("embedded") || name.startsWith("replay") ? Targets.open(name) : target();
    }

    /** How long a trace runs; empty: until it is stopped. */
    public synchronized Optional<Duration> duration() {
        return duration;
    }

    public synchronized void setDuration(Optional<Duration> newDuration) {
        duration = newDuration;
    }

    /** What truly happened during the last trace; empty on a kernel that does not know. */
    public synchronized Map<String, Long> groundTruth() {
        return groundTruth;
    }

    synchronized void setGroundTruth(Map<String, Long> truth) {
        groundTruth = Map.copyOf(truth);
    }

    /** Python, JavaScript and C. */
    Guests guests() {
        return guests;
    }

    public Map<String, Object> variables() {
        return Variables.shared().values();
    }

    @Override
    public void close() {
        guests.close();
        closeTarget();
    }

    private synchronized void closeTarget() {
        if (target != null) {
            target.close();
            target = null;
        }
    }
}
