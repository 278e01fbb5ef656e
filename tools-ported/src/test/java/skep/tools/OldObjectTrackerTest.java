package skep.tools;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.regex.Pattern;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import skep.events.embedded.EmbeddedOptions;
import skep.events.embedded.EmbeddedTarget;
import skep.events.embedded.GroundTruth;
import skep.session.Session;
import skep.session.SessionOptions;
import skep.session.view.View;

/** The tracker's list is compared with the objects that the embedded kernel really holds. */
class OldObjectTrackerTest {
    private static final long SECOND = 1_000_000_000;

    /** After one second nothing can be old; the only list is printed after two. Half a second later the clock stops. */
    private static final Duration DURATION = Duration.ofMillis(2500);

    private static final long AFTER_LIST_MILLIS = 500;

    private static final Pattern LINE =
            Pattern.compile("object 0x([0-9a-f]+) is (\\d+) ms old, allocated at\\s+(\\w+)\\+\\d+\\s*");

    /** One line of the tracker. */
    private record Listed(long address, long ageMillis, String site) {}

    @ParameterizedTest
    @ValueSource(strings = {"arch=arm64", "arch=x86_64", "arch=arm64,seed=7"})
    void itListsTheOldObjectsWithTheirAgeAndSite(String machine) throws IOException {
        var lists = new ArrayList<Listed>();
        try (var target = new EmbeddedTarget(EmbeddedOptions.parse(machine + ",speed=max"))) {
            run(target, lists);
            var truth = new HashMap<Long, GroundTruth.LiveObject>();
            for (var object : target.model().liveObjects()) {
                truth.put(object.address(), object);
            }
            long end = target.model().nowNanos();
            var last = new HashMap<Long, Listed>();
            for (var listed : lists) {
                assertFalse(last.containsKey(listed.address), "listed twice: " + listed);
                last.put(listed.address, listed);
            }
            assertFalse(last.isEmpty(), "nothing is old after two seconds");

            int compared = 0;
            for (var listed : last.values()) {
                var object = truth.get(listed.address);
                if (object == null) {
                    continue; // freed after it was listed
                }
                compared++;
                long age = (end - object.allocatedNanos()) / 1_000_000 - AFTER_LIST_MILLIS;
                assertTrue(Math.abs(age - listed.ageMillis) <= 1, listed + ", but it is " + age + " ms old");
                assertEquals(
                        target.kernel().symbolAt(object.site()).orElseThrow().name(), listed.site, listed.toString());
            }
            assertTrue(compared > 0, "no listed object is alive at the end");

            var sites = new HashSet<String>();
            lists.forEach(listed -> sites.add(listed.site));
            for (var object : truth.values()) {
                var site = target.kernel().symbolAt(object.site()).map(symbol -> symbol.name());
                boolean old = end - object.allocatedNanos() > SECOND * 3 / 2 + 1_000_000;
                if (old && site.filter(sites::contains).isPresent()) {
                    assertTrue(last.containsKey(object.address()), "not listed: " + object + " of " + site);
                }
            }
        }
    }

    private static void run(EmbeddedTarget target, List<Listed> into) throws IOException {
        var root = Path.of(System.getProperty("skep.root", ".."));
        var script = Files.readString(root.resolve("tools-ported/old-object-tracker/old-object-tracker.bt"));
        var options = SessionOptions.DEFAULT.withDuration(DURATION);
        try (var session = Session.prepare(target, "old-object-tracker.bt", script, options, view -> {
            if (view instanceof View.Text text) {
                var line = LINE.matcher(text.text());
                assertTrue(line.matches(), text.text());
                into.add(new Listed(
                        Long.parseUnsignedLong(line.group(1), 16), Long.parseLong(line.group(2)), line.group(3)));
            }
        })) {
            assertEquals(0, session.run());
        }
    }
}
