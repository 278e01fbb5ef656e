package skep.events.embedded;

import skep.target.Target;
import skep.target.TargetProvider;

/** Makes {@code embedded} targets. */
public final class EmbeddedProvider implements TargetProvider {
    @Override
    public String scheme() {
        return "embedded";
    }

    @Override
    public String title() {
        return "a simulated kernel inside this process: no privileges, reproducible"
                + " (arch=arm64|x86-64, seed=, cpus=, speed=real|max|N, scenario=" + String.join("|", Scenario.names())
                + ")";
    }

    @Override
    public Target open(String options) {
        return new EmbeddedTarget(EmbeddedOptions.parse(options));
    }
}
