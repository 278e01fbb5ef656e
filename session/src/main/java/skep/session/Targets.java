package skep.session;

import java.util.ArrayList;
import java.util.List;
import java.util.ServiceLoader;
import skep.target.Target;
import skep.target.TargetException;
import skep.target.TargetProvider;

/** Finds targets by their spec: a scheme, and options behind a colon. */
public final class Targets {
    /** The kernel that this machine runs. */
    public static final String LIVE = "linux";

    private Targets() {}

    /**
     * Opens a target.
     *
     * @param spec for example {@code embedded:arch=arm64,seed=7}
     * @throws TargetException if it cannot be opened
     * @throws IllegalArgumentException if there is no such scheme, or its options are malformed
     */
    public static Target open(String spec) {
        return open(spec, "");
    }

    /**
     * Opens a target whose programs a certain backend of the VM will run.
     *
     * @param backend its name, or empty for the default; live kernels ignore it
     * @throws TargetException if it cannot be opened
     * @throws IllegalArgumentException if there is no such scheme, or its options are malformed
     */
    public static Target open(String spec, String backend) {
        int colon = spec.indexOf(':');
        var scheme = colon < 0 ? spec : spec.substring(0, colon);
        var known = new ArrayList<String>();
        for (var provider : ServiceLoader.load(TargetProvider.class)) {
            if (provider.scheme().equals(scheme)) {
                return provider.open(colon < 0 ? "" : spec.substring(colon + 1), backend);
            }
            known.add(provider.scheme());
        }
        throw new IllegalArgumentException(
                "there is no target " + scheme + (known.isEmpty() ? "" : "; known are " + String.join(", ", known)));
    }

    /** All schemes with their titles, {@code scheme  title}. */
    public static List<String> known() {
        var lines = new ArrayList<String>();
        for (var provider : ServiceLoader.load(TargetProvider.class)) {
            lines.add(String.format("%-10s %s", provider.scheme(), provider.title()));
        }
        return lines;
    }

    /** One line for people about the kernel behind a target. */
    public static String describe(Target target) {
        return target.kernel().description();
    }
}
