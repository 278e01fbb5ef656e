package skep.events.embedded;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** Every attach point that the tools of BCC and bpftrace name exists in the embedded kernel, and is reached in some scenario. */
class AttachTargetsTest {
    /** Scenarios that reach everything between them, with the milliseconds that it takes. */
    private static final Map<String, Integer> SCENARIOS = Map.of(
            "mixed",
            4000,
            "desktop",
            4000,
            "file-systems",
            1500,
            "memory-pressure",
            2500,
            "network-loss",
            3000,
            "virtual-machines",
            500,
            "disk-saturated,rotating=1",
            500);

    private static final Path TABLE =
            Path.of(System.getProperty("skep.root", ".."), "..", "shared", "spec", "bcc", "attach_targets_head.csv");
    private static final Path SCRIPTS = Path.of("/usr/sbin");

    /** An attach point as a tool names it, and how often it was reached; -1 while nothing of that name was found. */
    private static final class Target {
        final String kind;
        final String name;
        long reached = -1;

        Target(String kind, String name) {
            this.kind = kind;
            this.name = name;
        }

        void found() {
            reached = Math.max(reached, 0);
        }
    }

    @Test
    void everyAttachPointOfBccToolsIsReached() throws IOException {
        assumeTrue(Files.isReadable(TABLE), TABLE + " is not there");
        var targets = new ArrayList<Target>();
        for (var line :
                Files.readAllLines(TABLE).subList(1, Files.readAllLines(TABLE).size())) {
            int comma = line.indexOf(',');
            var kind = line.substring(0, comma);
            var rest = line.substring(comma + 1);
            var name = rest.startsWith("\"")
                    ? rest.substring(1, rest.indexOf('"', 1))
                    : rest.substring(0, rest.indexOf(','));
            // where a tool fills a name in, the table has a 2
            if (!name.endsWith(":2")) {
                targets.add(new Target(kind, name));
            }
        }
        assertTrue(targets.size() > 200, targets.size() + " targets");
        assertReached(targets, true);
    }

    @Test
    void everyAttachPointOfBpftraceToolsIsReached() throws IOException {
        var targets = new ArrayList<Target>();
        var pattern = Pattern.compile(
                "^(kprobe|kretprobe|tracepoint|uprobe|uretprobe):([^\\s,/{]+(/[^\\s,{]+)?)", Pattern.MULTILINE);
        try (var scripts = Files.newDirectoryStream(SCRIPTS, "*.bt")) {
            for (var script : scripts) {
                var matcher = pattern.matcher(Files.readString(script));
                while (matcher.find()) {
                    if (matcher.group(2).equals("lookup_fast.constprop.*")) {
                        // what a compiler may make of lookup_fast, which is there
                        continue;
                    }
                    targets.add(new Target(matcher.group(1).replace("ret", ""), matcher.group(2)));
                }
            }
        }
        assumeTrue(!targets.isEmpty(), "no scripts of bpftrace's package are installed");
        assertReached(targets, false);
    }

    private static void assertReached(List<Target> targets, boolean expressions) {
        SCENARIOS.forEach((scenario, millis) -> {
            try (var observed = new Observed("arch=x86-64,scenario=" + scenario)) {
                targets.forEach(target -> observe(observed, target, expressions));
                observed.run(millis);
            }
        });
        var missing = new TreeSet<String>();
        var silent = new TreeSet<String>();
        for (var target : targets) {
            if (target.reached <= 0) {
                (target.reached < 0 ? missing : silent).add(target.kind + ":" + target.name);
            }
        }
        assertEquals(new TreeSet<String>(), missing, "do not exist");
        assertEquals(new TreeSet<String>(), silent, "are never reached");
    }

    private static void observe(Observed observed, Target target, boolean expressions) {
        var kernel = observed.kernel;
        switch (target.kind) {
            case "kprobe", "kfunc" ->
                matching(kernel.symbols.probeableNames(), target.name, expressions)
                        .forEach(name -> {
                            target.found();
                            observed.entry(name, f -> target.reached++);
                        });
            case "tracepoint" -> {
                var names = new TreeMap<String, Tracepoint>();
                kernel.allTracepoints().forEach(p -> names.put(p.category() + ":" + p.event(), p));
                matching(List.copyOf(names.keySet()), target.name, expressions).forEach(name -> {
                    target.found();
                    var point = names.get(name);
                    observed.event(point.category(), point.event(), (p, f) -> target.reached++);
                });
            }
            case "raw_tracepoint" ->
                kernel.findRawTracepoint(target.name).ifPresent(point -> {
                    target.found();
                    observed.raw(target.name, f -> target.reached++);
                });
            case "uprobe" -> user(observed, target);
            default -> throw new IllegalArgumentException(target.kind);
        }
    }

    private static void user(Observed observed, Target target) {
        int colon = target.name.lastIndexOf(':');
        var library = target.name.substring(0, colon).replaceAll("^2$", "c");
        var function = target.name.substring(colon + 1).replaceAll("^2", "");
        observed.kernel
                .userSpace
                .find(library)
                .flatMap(image -> image.symbols.find(function))
                .ifPresent(routine -> {
                    target.found();
                    observed.entry(routine, f -> target.reached++);
                });
    }

    /** @param expressions names that begin with {@code re:} are regular expressions; else stars stand for anything */
    private static List<String> matching(List<String> names, String wanted, boolean expressions) {
        if (expressions && wanted.startsWith("re:")) {
            var pattern = Pattern.compile(wanted.substring(3));
            return names.stream().filter(name -> pattern.matcher(name).find()).toList();
        }
        var pattern = Pattern.compile(wanted.replace(".", "\\.").replace("*", ".*"));
        return names.stream().filter(name -> pattern.matcher(name).matches()).toList();
    }
}
