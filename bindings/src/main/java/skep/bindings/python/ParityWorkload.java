package skep.bindings.python;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/**
 * What gives tools on a live kernel something to see: {@code workload.py} under the machine's own python3. It tells the
 * pids of what it started by name; closing it ends all of that.
 */
final class ParityWorkload implements AutoCloseable {
    private static final String SCRIPT = "/skep/parity/workload.py";

    /** How long it may take to end. */
    private static final int CLOSING_SECONDS = 5;

    /** For simulated kernels, which have their own. */
    static final ParityWorkload NONE = new ParityWorkload(Optional.empty(), Path.of(""));

    private final Optional<Process> process;
    private final Path script;
    private final Map<String, String> names = new HashMap<>();

    private ParityWorkload(Optional<Process> process, Path script) {
        this.process = process;
        this.script = script;
    }

    static ParityWorkload start() throws IOException {
        var script = Files.createTempFile("skep-workload", ".py");
        try (var in = ParityWorkload.class.getResourceAsStream(SCRIPT)) {
            if (in == null) {
                throw new IllegalStateException("the workload is missing on the class path");
            }
            Files.write(script, in.readAllBytes());
        }
        // The tools' own interpreter: distributions build it with static probes.
        var python = Files.isExecutable(Path.of("/usr/bin/python3")) ? "/usr/bin/python3" : "python3";
        var process = new ProcessBuilder(python, script.toString(), System.getProperty("java.home") + "/bin/java")
                .redirectError(ProcessBuilder.Redirect.DISCARD)
                .start();
        var workload = new ParityWorkload(Optional.of(process), script);
        // Not closed: the process would write to a broken pipe.
        var lines = new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
        for (var line = lines.readLine(); line != null && !line.startsWith("READY"); line = lines.readLine()) {
            int equals = line.indexOf('=');
            if (equals > 0) {
                workload.names.put(line.substring(0, equals), line.substring(equals + 1));
            }
        }
        return workload;
    }

    /** Pids and paths by the names that the table of arguments has for them. */
    Map<String, String> names() {
        return Map.copyOf(names);
    }

    @Override
    public void close() {
        process.ifPresent(this::end);
    }

    private void end(Process running) {
        try {
            running.getOutputStream().close();
            if (!running.waitFor(CLOSING_SECONDS, TimeUnit.SECONDS)) {
                running.destroyForcibly();
            }
            Files.deleteIfExists(script);
        } catch (IOException e) {
            running.destroyForcibly();
        } catch (InterruptedException e) {
            running.destroyForcibly();
            Thread.currentThread().interrupt();
        }
    }
}
