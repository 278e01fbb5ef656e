package skep.bindings.java;

import java.time.Duration;
import java.util.List;

/**
 * What a Java shell has at hand without importing it: the current target and short forms of what people do most. The
 * commands {@code skep jshell} and {@code %%java} start with {@code import static skep.bindings.java.Shell.*}.
 */
public final class Shell {
    private static volatile String spec = "embedded:speed=max";
    private static volatile List<String> arguments = List.of();

    private Shell() {}

    /** Traces somewhere else from now on. Checks that it can be opened. */
    public static String target(String newSpec) {
        Skep.open(newSpec).close();
        spec = newSpec;
        return spec;
    }

    public static String target() {
        return spec;
    }

    /** Sets the target without opening it; for hosts that have a target already. */
    public static void setTarget(String newSpec) {
        spec = newSpec;
    }

    /** A target of its own, which the caller closes. */
    public static Skep skep() {
        return Skep.open(spec);
    }

    /** Runs a script for some seconds of the target's time; Ctrl-C ends it and keeps what it gathered. */
    public static Trace trace(String script, double seconds) {
        try (var skep = skep()) {
            var trace = skep.trace(script);
            return Double.isFinite(seconds) ? trace.run(duration(seconds)) : trace.run();
        }
    }

    /** Runs a script until it ends by itself or is stopped. */
    public static Trace trace(String script) {
        try (var skep = skep()) {
            return skep.trace(script).run();
        }
    }

    /** Runs a script in the background until it is stopped. Closing the trace closes its target. */
    public static Trace start(String script) {
        return skep().trace(script).start();
    }

    /** Runs a script in the background for at most some seconds of the target's time. */
    public static Trace start(String script, double seconds) {
        var described = skep().script(script);
        return (Double.isFinite(seconds) ? described.duration(duration(seconds)) : described).start();
    }

    private static Duration duration(double seconds) {
        return Duration.ofNanos((long) (seconds * 1e9));
    }

    /** The words behind the name of the script that the shell runs. */
    public static List<String> arguments() {
        return arguments;
    }

    /** For hosts of scripts. */
    public static void setArguments(List<String> words) {
        arguments = List.copyOf(words);
    }

    /** The first of {@link #arguments} as seconds; without one, infinity: until Ctrl-C. */
    public static double seconds() {
        return arguments.isEmpty() ? Double.POSITIVE_INFINITY : Double.parseDouble(arguments.getFirst());
    }

    /** What another language of the session has defined. */
    public static Object shared(String name) {
        return Variables.shared().get(name);
    }

    /** Lets the other languages see a value. */
    public static <T> T share(String name, T value) {
        Variables.shared().put(name, value);
        return value;
    }
}
