package skep.events.embedded;

import java.util.Optional;
import skep.target.Target;
import skep.target.TargetException;
import skep.target.TargetProvider;
import skep.vm.Backend;

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

    @Override
    public Target open(String options, String backend) {
        var parsed = EmbeddedOptions.parse(options);
        var remark = backend.isEmpty() ? Optional.<String>empty() : prepare(backend);
        return new EmbeddedTarget(parsed, backend, remark.stream().toList());
    }

    private static Optional<String> prepare(String name) {
        Backend backend;
        try {
            backend = Backend.named(name);
        } catch (IllegalArgumentException unknown) {
            throw new TargetException(String.valueOf(unknown.getMessage()), unknown);
        }
        var unavailable = backend.unavailableReason();
        if (unavailable.isPresent()) {
            throw new TargetException("backend " + name + " cannot be used: " + unavailable.get());
        }
        backend.prepare();
        return backend.remark();
    }
}
