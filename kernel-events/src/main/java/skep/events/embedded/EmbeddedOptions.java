package skep.events.embedded;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import skep.isa.kernel.Arch;

/**
 * What follows {@code embedded:} in a target's name: {@code arch=arm64,seed=7,cpus=4,speed=max,scenario=mixed}.
 *
 * @param parameters of the scenario, where they are not what it presets
 * @param speed virtual seconds a second; {@link Double#POSITIVE_INFINITY} for as fast as possible
 * @param overhead whether programs take virtual time
 */
public record EmbeddedOptions(
        Arch arch, long seed, int cpus, double speed, String scenario, Map<String, Long> parameters, boolean overhead) {
    public static final EmbeddedOptions DEFAULT =
            new EmbeddedOptions(Arch.ARM64, 1, 4, 1, Scenario.DEFAULT, Map.of(), false);
    private static final int MAX_CPUS = 128;

    public EmbeddedOptions {
        if (cpus < 1 || cpus > MAX_CPUS) {
            throw new IllegalArgumentException("option cpus=" + cpus + ": wants 1 to " + MAX_CPUS);
        }
        if (!(speed > 0)) {
            throw new IllegalArgumentException("option speed=" + speed + ": wants real, max, or a factor above 0");
        }
        if (!Scenario.names().contains(scenario)) {
            throw new IllegalArgumentException("option scenario=" + scenario
                    + ": there is none of that name; there are " + String.join(", ", Scenario.names()));
        }
        parameters = Map.copyOf(parameters);
    }

    /**
     * Reads the options.
     *
     * @throws IllegalArgumentException naming the option and what it permits
     */
    public static EmbeddedOptions parse(String text) {
        var values = new LinkedHashMap<String, String>(Map.of(
                "arch",
                "arm64",
                "seed",
                "1",
                "cpus",
                "4",
                "speed",
                "real",
                "scenario",
                Scenario.DEFAULT,
                "overhead",
                "off"));
        for (var part : text.split(",")) {
            if (part.isBlank()) {
                continue;
            }
            int equals = part.indexOf('=');
            var key = (equals < 0 ? part : part.substring(0, equals)).strip();
            if (equals < 0 || key.isEmpty()) {
                throw new IllegalArgumentException(
                        "no option '" + part.strip() + "' of the embedded kernel; options are name=value");
            }
            values.put(key, part.substring(equals + 1).strip());
        }
        var arch = switch (get(values, "arch")) {
            case "arm64", "aarch64" -> Arch.ARM64;
            case "x86-64", "x86_64", "amd64" -> Arch.X86_64;
            default -> throw new IllegalArgumentException("option arch=" + get(values, "arch") + ": arm64 or x86-64");
        };
        var speed = switch (get(values, "speed")) {
            case "real" -> 1.0;
            case "max" -> Double.POSITIVE_INFINITY;
            default -> number("speed", values, Double::parseDouble, "real, max, or a factor such as 10");
        };
        boolean overhead = switch (get(values, "overhead")) {
            case "on" -> true;
            case "off" -> false;
            default -> throw new IllegalArgumentException("option overhead=" + get(values, "overhead") + ": on or off");
        };
        var parameters = parameters(values);
        return new EmbeddedOptions(
                arch,
                number("seed", values, Long::decode, "a whole number"),
                number("cpus", values, Integer::parseInt, "1 to " + MAX_CPUS),
                speed,
                get(values, "scenario"),
                parameters,
                overhead);
    }

    /** The options that are not ours but the scenario's. */
    private static Map<String, Long> parameters(Map<String, String> values) {
        var ours = List.of("arch", "seed", "cpus", "speed", "scenario", "overhead");
        var scenario = get(values, "scenario");
        var parameters = new LinkedHashMap<String, Long>();
        if (!Scenario.names().contains(scenario)) {
            return parameters;
        }
        var known = Scenario.load(scenario).parameters();
        for (var key : values.keySet()) {
            if (ours.contains(key)) {
                continue;
            }
            if (!known.containsKey(key)) {
                throw new IllegalArgumentException("no option '" + key + "' of the embedded kernel; there are "
                        + String.join("=, ", ours) + "="
                        + known.keySet().stream()
                                .sorted()
                                .map(k -> ", " + k + "=")
                                .reduce("", String::concat));
            }
            parameters.put(key, number(key, values, Long::decode, "a whole number"));
        }
        return parameters;
    }

    private static String get(Map<String, String> values, String key) {
        return values.getOrDefault(key, "");
    }

    private static <T> T number(
            String key, Map<String, String> values, java.util.function.Function<String, T> parse, String permitted) {
        try {
            return parse.apply(get(values, key));
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException("option " + key + "=" + get(values, key) + ": " + permitted, e);
        }
    }

    /** The spec of a target with these options, defaults left out. */
    String spec() {
        var parts = new java.util.ArrayList<String>();
        if (arch != DEFAULT.arch) {
            parts.add("arch=x86-64");
        }
        if (seed != DEFAULT.seed) {
            parts.add("seed=" + seed);
        }
        if (cpus != DEFAULT.cpus) {
            parts.add("cpus=" + cpus);
        }
        if (speed != DEFAULT.speed) {
            parts.add("speed=" + (Double.isInfinite(speed) ? "max" : String.valueOf(speed)));
        }
        if (!scenario.equals(DEFAULT.scenario)) {
            parts.add("scenario=" + scenario);
        }
        if (overhead) {
            parts.add("overhead=on");
        }
        parameters.entrySet().stream()
                .sorted(Map.Entry.comparingByKey())
                .forEach(e -> parts.add(e.getKey() + "=" + e.getValue()));
        return parts.isEmpty() ? "embedded" : "embedded:" + String.join(",", parts);
    }
}
