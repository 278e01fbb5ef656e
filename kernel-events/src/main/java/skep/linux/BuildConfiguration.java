package skep.linux;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.zip.GZIPInputStream;

/** How a kernel was configured when it was built, from {@code /proc/config.gz} or {@code /boot/config-RELEASE}. */
record BuildConfiguration(Map<String, String> values) {
    BuildConfiguration {
        values = Map.copyOf(values);
    }

    static BuildConfiguration read(Host host, String release) {
        var text = host.files()
                .read("/proc/config.gz")
                .flatMap(BuildConfiguration::unpacked)
                .or(() -> host.files().text("/boot/config-" + release))
                .orElse("");
        return parse(text);
    }

    private static Optional<String> unpacked(byte[] bytes) {
        try (var in = new GZIPInputStream(new ByteArrayInputStream(bytes))) {
            return Optional.of(new String(in.readAllBytes(), StandardCharsets.UTF_8));
        } catch (IOException _) {
            return Optional.empty();
        }
    }

    /** Lines of {@code NAME=value}; all others are comments. */
    static BuildConfiguration parse(String text) {
        var values = new HashMap<String, String>();
        text.lines().filter(line -> line.startsWith("CONFIG_")).forEach(line -> {
            int equals = line.indexOf('=');
            if (equals > 0) {
                values.put(line.substring(0, equals), line.substring(equals + 1));
            }
        });
        return new BuildConfiguration(values);
    }

    Optional<String> value(String name) {
        return Optional.ofNullable(values.get(name));
    }
}
