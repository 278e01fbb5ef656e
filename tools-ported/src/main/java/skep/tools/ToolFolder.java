package skep.tools;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import skep.session.Session;
import skep.session.SessionOptions;
import skep.session.Targets;
import skep.session.ViewSink;
import skep.session.view.TextRenderer;
import skep.target.Target;

/**
 * A ported tool.
 *
 * @param script its text
 * @param target spec of the target that its expectation holds for
 * @param duration how long it runs there
 * @param expectation the shape of what it prints
 */
public record ToolFolder(String name, String script, String target, Duration duration, Expectation expectation) {
    /** All tools of a folder, by name. */
    public static List<ToolFolder> all(Path tools) throws IOException {
        var found = new ArrayList<ToolFolder>();
        try (var folders = Files.list(tools)) {
            for (var folder : folders.sorted().toList()) {
                if (Files.exists(folder.resolve(folder.getFileName() + ".bt"))) {
                    found.add(read(folder));
                }
            }
        }
        return found;
    }

    /** Reads {@code NAME/NAME.bt} and {@code NAME/expected.txt}. */
    public static ToolFolder read(Path folder) throws IOException {
        var name = folder.getFileName().toString();
        var script = Files.readString(folder.resolve(name + ".bt"));
        Map<String, String> settings = new LinkedHashMap<>();
        var lines = new ArrayList<String>();
        for (var line : Files.readAllLines(folder.resolve("expected.txt"))) {
            if (line.startsWith("# ")) {
                int colon = line.indexOf(':');
                settings.put(line.substring(2, colon), line.substring(colon + 1).strip());
            } else if (!line.isEmpty()) {
                lines.add(line);
            }
        }
        return new ToolFolder(
                name,
                script,
                settings.getOrDefault("target", "embedded:speed=max"),
                Duration.parse("PT" + settings.getOrDefault("duration", "1s")),
                new Expectation(lines));
    }

    /** Runs it on the target it names; the result is what it printed, without messages. */
    public String run() {
        var out = new StringBuilder();
        var renderer = new TextRenderer();
        try (var opened = Targets.open(target)) {
            run(opened, view -> {
                if (!renderer.isForStandardError(view)) {
                    out.append(renderer.render(view));
                }
            });
        }
        return out.toString();
    }

    /** Runs it on a target at hand. */
    public void run(Target on, ViewSink sink) {
        try (var session =
                Session.prepare(on, name + ".bt", script, SessionOptions.DEFAULT.withDuration(duration), sink)) {
            session.run();
        }
    }
}
