package skep.jupyter;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.HttpURLConnection;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** The kernel under the front ends that people use; each test needs packages of Debian, and is skipped without them. */
@Timeout(600)
class FrontEndsTest {
    private static final long PATIENCE_SECONDS = 300;

    /** Where npm keeps what the browser tests need, from run to run. */
    private static final Path NODE = Path.of("target", "browser").toAbsolutePath();

    private static final String PLAYWRIGHT = "playwright-core@1.65.1";

    private static final List<String> LAB = List.of(
            "@jupyterlab/services@7",
            "@jupyterlab/notebook@4",
            "@jupyterlab/docmanager@4",
            "@jupyterlab/docregistry@4",
            "@jupyterlab/codemirror@4",
            "@jupyterlab/completer@4",
            "@jupyterlab/rendermime@4",
            "@jupyterlab/theme-light-extension@4",
            "@jupyterlab/theme-dark-extension@4",
            "@lumino/widgets@2",
            "esbuild@0.25");

    private static final String TOKEN = "walk";

    private static final String EMPTY = """
            {"cells": [{"cell_type": "code", "execution_count": null, "metadata": {}, "outputs": [], "source": []}],
             "metadata": {"kernelspec": {"display_name": "Skep", "language": "skep", "name": "skep"}},
             "nbformat": 4, "nbformat_minor": 4}
            """;

    @TempDir
    Path folder;

    /** In its short form: two notebooks. */
    @ParameterizedTest
    @ValueSource(strings = {"1-first-steps", "5-tcp-retransmissions"})
    void nbconvertRunsTheGallery(String notebook) throws IOException, InterruptedException {
        converts(List.of(Jupyter.GALLERY.resolve(notebook + ".ipynb")));
    }

    @Test
    @Tag("slow")
    void nbconvertRunsTheWholeGallery() throws IOException, InterruptedException {
        try (var files = Files.list(Jupyter.GALLERY)) {
            converts(files.filter(file -> file.toString().endsWith(".ipynb"))
                    .sorted()
                    .toList());
        }
    }

    private void converts(List<Path> notebooks) throws IOException, InterruptedException {
        Jupyter.needsModule("nbconvert", "jupyter-nbconvert");
        var command = new ArrayList<>(List.of(
                Jupyter.PYTHON,
                "-m",
                "nbconvert",
                "--execute",
                "--to",
                "html",
                "--ExecutePreprocessor.timeout=" + PATIENCE_SECONDS,
                "--output-dir",
                folder.toString()));
        notebooks.forEach(notebook -> command.add(notebook.toAbsolutePath().toString()));
        var result = new Jupyter(folder).run(PATIENCE_SECONDS * notebooks.size(), command);
        assertEquals(0, result.status(), result.text());
        for (var notebook : notebooks) {
            var page = Files.readString(
                    folder.resolve(notebook.getFileName().toString().replace(".ipynb", ".html")));
            assertTrue(page.contains("embedded kernel"), "results are marked");
            assertTrue(page.contains("<svg") || page.contains("<table"), "pictures are in the page");
            assertFalse(page.contains("ERROR:"), notebook.toString());
        }
    }

    /** On a terminal of its own: a cell, completion by Tab, the end by Ctrl-D. */
    @Test
    void jupyterConsoleRunsACellAndCompletes() throws IOException, InterruptedException {
        Jupyter.needsModule("jupyter_console", "jupyter-console");
        var jupyter = new Jupyter(folder);
        var result = jupyter.run(
                PATIENCE_SECONDS,
                List.of(Jupyter.PYTHON, jupyter.script("console.py").toString()));
        assertEquals(0, result.status(), result.text());
    }

    @Test
    void classicNotebookInABrowserRunsRefreshesCompletesStopsSavesAndIsSeenUntrusted()
            throws IOException, InterruptedException {
        Jupyter.needsModule("notebook", "jupyter-notebook");
        Jupyter.needsCommand("chromium", "chromium");
        var jupyter = new Jupyter(folder);
        needsPlaywright(jupyter);
        var shots = Files.createDirectories(NODE.resolve("screenshots"));
        Files.writeString(folder.resolve("walk.ipynb"), EMPTY);
        withServer(jupyter, port -> {
            var walked = browse(jupyter, "classic.mjs", port, shots);
            var saved = walked.lines()
                    .filter(line -> line.startsWith("saved "))
                    .findFirst()
                    .orElseThrow(() -> new AssertionError(walked));
            Files.writeString(folder.resolve("foreign.ipynb"), withoutTrust(saved.substring("saved ".length())));
            browse(jupyter, "untrusted.mjs", port, shots);
        });
    }

    /** A lab of its notebook panel, editor, completer and themes: cells run, refresh, complete, stop, and are seen dark and untrusted. */
    @Test
    @Tag("slow")
    void aJupyterLabBuiltFromNpmRunsANotebook() throws IOException, InterruptedException {
        Jupyter.needsModule("notebook", "jupyter-notebook");
        Jupyter.needsCommand("chromium", "chromium");
        var jupyter = new Jupyter(folder);
        needsPlaywright(jupyter);
        needsPackages(jupyter, "@jupyterlab/theme-dark-extension", LAB);
        var shots = Files.createDirectories(NODE.resolve("screenshots"));
        Files.copy(
                jupyter.script("lab-page.js"),
                NODE.resolve("lab-page.js"),
                java.nio.file.StandardCopyOption.REPLACE_EXISTING);
        Files.writeString(folder.resolve("lab.ipynb"), EMPTY);
        withServer(jupyter, port -> browse(jupyter, "lab.mjs", port, shots));
    }

    private interface Visit {
        void on(int port) throws IOException, InterruptedException;
    }

    /** A notebook server on the loopback interface, and none of its processes afterwards. */
    private void withServer(Jupyter jupyter, Visit visit) throws IOException, InterruptedException {
        for (int attempt = 1; !servedOn(Jupyter.freePort(), jupyter, visit); attempt++) {
            // Another process may have taken the port meanwhile; three times is no chance.
            assertTrue(attempt < 3, () -> "the notebook server ended: " + Jupyter.text(folder.resolve("server.log")));
        }
    }

    /** Whether the server came up on that port. */
    private boolean servedOn(int port, Jupyter jupyter, Visit visit) throws IOException, InterruptedException {
        var server = jupyter.builder(List.of(
                        Jupyter.PYTHON,
                        "-m",
                        "notebook",
                        "--allow-root",
                        "--no-browser",
                        "--ip=127.0.0.1",
                        "--port=" + port,
                        "--NotebookApp.port_retries=0",
                        "--NotebookApp.allow_origin=*",
                        "--NotebookApp.disable_check_xsrf=True",
                        "--NotebookApp.token=" + TOKEN))
                .redirectOutput(folder.resolve("server.log").toFile())
                .start();
        try {
            if (!answers(server, port)) {
                return false;
            }
            visit.on(port);
            return true;
        } finally {
            var started = server.descendants().toList();
            server.destroy();
            server.waitFor();
            for (var process : started) {
                process.onExit()
                        .orTimeout(PATIENCE_SECONDS, java.util.concurrent.TimeUnit.SECONDS)
                        .join();
            }
        }
    }

    private static void needsPlaywright(Jupyter jupyter) throws IOException, InterruptedException {
        Jupyter.needsCommand("node", "nodejs");
        needsPackages(jupyter, "playwright-core", List.of(PLAYWRIGHT));
    }

    /** Installs packages of npm by name, none of their scripts run; skips the test if that cannot be. */
    private static void needsPackages(Jupyter jupyter, String proof, List<String> packages)
            throws IOException, InterruptedException {
        if (Files.isDirectory(NODE.resolve("node_modules").resolve(proof))) {
            return;
        }
        Jupyter.needsCommand("npm", "npm");
        Files.createDirectories(NODE);
        var command = new ArrayList<>(
                List.of("npm", "install", "--prefix", NODE.toString(), "--ignore-scripts", "--no-audit", "--no-fund"));
        command.addAll(packages);
        var installed = jupyter.run(PATIENCE_SECONDS, command);
        Assumptions.assumeTrue(installed.status() == 0, () -> "npm cannot install " + packages);
    }

    private String browse(Jupyter jupyter, String name, int port, Path shots) throws IOException, InterruptedException {
        // Beside node_modules, where imports are looked up.
        var script = NODE.resolve(name);
        Files.copy(jupyter.script(name), script, java.nio.file.StandardCopyOption.REPLACE_EXISTING);
        var result = jupyter.run(
                PATIENCE_SECONDS,
                List.of(
                        "node",
                        script.toString(),
                        "http://127.0.0.1:" + port,
                        TOKEN,
                        "/usr/bin/chromium",
                        folder.resolve("profile-" + name).toString(),
                        shots.toString()));
        assertEquals(0, result.status(), result.text());
        return result.text();
    }

    /** Waits for a server; false if it ends instead. */
    private static boolean answers(Process server, int port) throws IOException, InterruptedException {
        while (server.isAlive()) {
            try {
                var connection = (HttpURLConnection) URI.create("http://127.0.0.1:" + port + "/api?token=" + TOKEN)
                        .toURL()
                        .openConnection();
                if (connection.getResponseCode() == HttpURLConnection.HTTP_OK) {
                    return true;
                }
            } catch (java.net.ConnectException e) {
                Thread.sleep(100);
            }
        }
        return false;
    }

    /** As a file that came by mail: no front end here has signed what is in it. */
    private static String withoutTrust(String notebook) {
        var root = (ObjectNode) JsonMapper.shared().readTree(notebook);
        ((ObjectNode) root.path("metadata")).put("from", "elsewhere");
        for (var cell : root.path("cells")) {
            ((ObjectNode) cell.path("metadata")).remove("trusted");
        }
        return root.toString();
    }
}
