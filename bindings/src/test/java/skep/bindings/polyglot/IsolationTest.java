package skep.bindings.polyglot;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import skep.bindings.java.Variables;
import skep.bindings.polyglot.PolyglotSession.Language;
import skep.bindings.polyglot.PolyglotSession.Outcome;

/**
 * What texts of guests do not reach: the virtual machine in any session; files, processes, the environment, the network and the
 * live kernel in a sandbox. In the texts FILE is a file with a secret, and NEW one that must not come to be.
 */
@Timeout(300)
class IsolationTest {
    private static final String SECRET = "what nobody is told";
    private static final ByteArrayOutputStream OUT = new ByteArrayOutputStream();

    @TempDir
    static Path folder;

    private static Path file;
    private static PolyglotSession open;
    private static PolyglotSession sandbox;

    @BeforeAll
    static void start() throws Exception {
        file = Files.writeString(folder.resolve("secret.h"), SECRET);
        open = new PolyglotSession("embedded:speed=max", false, OUT, OUT);
        sandbox = new PolyglotSession("embedded:speed=max", true, OUT, OUT);
        Variables.shared().put("host_list", new ArrayList<Object>(List.of("a")));
        Variables.shared().put("host_object", new Thread(() -> {}));
    }

    @AfterAll
    static void stop() {
        sandbox.close();
        open.close();
        Variables.shared().values().clear();
    }

    /** It fails as texts fail, or says {@code none}; and nothing has leaked out. */
    private static void isRefused(PolyglotSession session, Language language, String text) {
        OUT.reset();
        var outcome = session.run(
                language,
                "cell",
                text.replace("FILE", file.toString())
                        .replace("NEW", folder.resolve("new").toString()));
        var shown = outcome + "\n" + OUT.toString(StandardCharsets.UTF_8);
        assertFalse(shown.contains(SECRET), shown);
        assertFalse(Files.exists(folder.resolve("new")), shown);
        if (outcome instanceof Outcome.Done done) {
            // Nothing is what asking for nothing gives; a promise tells later that it failed.
            assertTrue(
                    List.of("", "none", "'none'").contains(done.text())
                            || done.text().contains("Operation is not allowed"),
                    shown);
        } else {
            assertInstanceOf(Outcome.Failed.class, outcome, shown);
        }
        assertInstanceOf(Outcome.Done.class, session.run(language, "cell", harmless(language)), "the session goes on");
    }

    private static String harmless(Language language) {
        return switch (language) {
            case SKEP -> "begin { exit(); }";
            case BPF -> "BPF_ARRAY(a, u64, 1);";
            case PYTHON, JS, JAVA -> "1 + 1";
        };
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "Java.type('java.lang.Runtime')",
                "Java.type('java.lang.System').exit(7)",
                "java.lang.System.exit(7)",
                "Packages.java.lang.Runtime.getRuntime()",
                "skepBridge.getClass()",
                "host_list.getClass()",
                "host_list.getClass().forName('java.lang.Runtime')",
                "host_list.constructor.constructor('return Java')().type('java.lang.Runtime')",
                "host_object.getContextClassLoader()",
                "host_object.start()",
                "Polyglot.eval('java', 'System.exit(7)')",
                "Polyglot.import('java')",
                "load('classpath:skep/bindings/js/skep.mjs')",
                "Function('return Java.type(\"java.lang.Runtime\")')()",
                "quit(7)",
                "exit(7)",
                "last.getClass()",
            })
    void javaScriptDoesNotReachTheVirtualMachine(String text) {
        run("begin { exit(); }");
        isRefused(open, Language.JS, text);
        isRefused(sandbox, Language.JS, text);
    }

    /** Leaves a trace as {@code last}. */
    private static void run(String script) {
        assertInstanceOf(Outcome.Done.class, open.run(Language.SKEP, "cell", script));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "import java\njava.type('java.lang.Runtime')",
                "import java.lang\njava.lang.System.exit(7)",
                "from java.lang import Runtime",
                "import polyglot\npolyglot.eval(language='java', string='System.exit(7)')",
                "import polyglot\npolyglot.import_value('java')",
                "host_list.getClass()",
                "host_object.start()",
                "host_object.getContextClassLoader()",
                "last.getClass()",
                "__import__('__graalpython__').java_interop",
            })
    void pythonDoesNotReachTheVirtualMachine(String text) {
        run("begin { exit(); }");
        isRefused(open, Language.PYTHON, text);
        isRefused(sandbox, Language.PYTHON, text);
    }

    /** A script may ask to end; the process that runs it goes on. */
    @ParameterizedTest
    @ValueSource(strings = {"exit(7)", "quit(7)", "raise SystemExit(7)", "import sys\nsys.exit(7)"})
    void askingToLeaveEndsTheTextOnly(String text) {
        for (var session : List.of(open, sandbox)) {
            assertEquals(new Outcome.Exit(7), session.run(Language.PYTHON, "cell", text), text);
            assertEquals(
                    "2",
                    assertInstanceOf(Outcome.Done.class, session.run(Language.PYTHON, "cell", "1 + 1"))
                            .text());
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "open('FILE').read()",
                "open('NEW', 'w').write('x')",
                "import io\nio.FileIO('FILE').readall()",
                "import pathlib\npathlib.Path('FILE').read_text()",
                "import os\nos.listdir('/etc') and 'listed'",
                "import os\nos.open('FILE', os.O_RDONLY)",
                "import os\nos.mkdir('NEW')",
                "import os\nos.system('touch NEW')",
                "import os\nos.popen('cat FILE').read()",
                "import os\nos.fork()",
                "import os\nos.execv('/bin/true', ['true'])",
                "import os\nos.kill(os.getpid(), 15)",
                "import subprocess\nsubprocess.check_output(['cat', 'FILE'])",
                "import socket\nsocket.create_connection(('127.0.0.1', 9))",
                "import _socket\n_socket.socket()",
                "import ctypes\nctypes.CDLL('libc.so.6').getpid()",
                "import os\nos.environ.get('PATH', 'none')",
                "import threading\nt = threading.Thread(target=print)\nt.start()",
                "import polyglot\npolyglot.eval(language='js', string='load(\"FILE\")')",
                "import polyglot\npolyglot.eval(language='skep', string='#include \"FILE\"\\nbegin { exit(); }')",
                "import skep\nskep.trace('begin { exit(); }', target='linux')",
                "import skep\nskep.trace('begin { exit(); }', command='touch NEW')",
                "import skep\nskep.trace('begin { system(\"touch NEW\"); exit(); }', unsafe=True)",
                "import importlib.util\nspec = importlib.util.spec_from_file_location('m', 'FILE')\n"
                        + "importlib.util.module_from_spec(spec).__loader__.get_data('FILE')",
            })
    void pythonInASandboxReachesNothingOfTheMachine(String text) {
        isRefused(sandbox, Language.PYTHON, text);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "load('FILE')",
                "read('FILE')",
                "readFully('FILE')",
                "import('FILE')",
                "import x from 'FILE'; x",
                "import * as fs from 'fs'; fs.readFileSync('FILE')",
                "require('fs').readFileSync('FILE')",
                "Polyglot.eval('python', \"open('FILE').read()\")",
                "Polyglot.eval('skep', '#include \"FILE\"\\nbegin { exit(); }')",
                "Polyglot.eval('bpf-c', '#include \"FILE\"')",
                "trace('begin { exit(); }', {target: 'linux'})",
                "trace('begin { exit(); }', {target: 'ssh:root@localhost'})",
                "trace('begin { exit(); }', {command: 'touch NEW'})",
                "trace('begin { system(\"touch NEW\"); exit(); }', {unsafe: true})",
                "Polyglot.eval('skep', 'begin { system(\"touch NEW\"); exit(); }').run()",
                "typeof process === 'undefined' ? 'none' : process.env.PATH",
                "new Worker('FILE')",
                "$EXEC('touch NEW')",
            })
    void javaScriptInASandboxReachesNothingOfTheMachine(String text) {
        isRefused(sandbox, Language.JS, text);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "#include \"FILE\"\nbegin { exit(); }",
                "#include <FILE>\nbegin { exit(); }",
                "import \"FILE\";\nbegin { exit(); }",
                "begin { system(\"touch NEW\"); exit(); }",
                "begin { cat(\"FILE\"); exit(); } end { printf(\"none\"); }",
                "begin { @n = 1; print(@n, json, \"NEW\"); exit(); }",
                "begin { @n[kstack] = 1; print(@n, flame, \"NEW.svg\"); exit(); }",
                "kprobe:vfs_read { skboutput(\"NEW\", arg0, 10, 0); }",
                "config = { unsafe_mode = true } begin { system(\"touch NEW\"); exit(); }",
            })
    void aScriptInASandboxReachesNothingOfTheMachine(String text) {
        sandbox.setDuration(Optional.of(java.time.Duration.ofMillis(50)));
        OUT.reset();
        var outcome = sandbox.run(
                Language.SKEP,
                "cell",
                text.replace("FILE", file.toString())
                        .replace("NEW", folder.resolve("new").toString()));
        var shown = outcome + "\n" + OUT.toString(StandardCharsets.UTF_8);
        assertFalse(shown.contains(SECRET), shown);
        assertFalse(Files.exists(folder.resolve("new")), shown);
        assertFalse(Files.exists(folder.resolve("new.svg")), shown);
    }

    @ParameterizedTest
    @ValueSource(strings = {"#include \"FILE\"\n", "#include <FILE>\n"})
    void cInASandboxReachesNothingOfTheMachine(String text) {
        isRefused(sandbox, Language.BPF, text + "int f(void *ctx) { return 0; }");
    }

    @Test
    void aSandboxHasNoJava() {
        var failed = assertInstanceOf(Outcome.Failed.class, sandbox.run(Language.JAVA, "cell", "System.exit(7);"));
        assertTrue(failed.message().contains("no Java in a sandbox"), failed.message());
    }

    /** Numbers by which the two sides hand things over are no way to what was not meant for whoever guesses. */
    @Test
    void numbersThatAreGuessedLeadToNothing() {
        for (var session : List.of(open, sandbox)) {
            for (var text : List.of(
                    "const top = Polyglot.eval('skep', 'begin { }'); Polyglot.import('skep.scope').adopt(1)",
                    "for (let i = 0; i < 1000; i++) { try { Polyglot.import('skep.scope')().adopt(i); throw 'got'; }"
                            + " catch (e) { if (e === 'got') throw e; } } 'none'")) {
                isRefused(session, Language.JS, text);
            }
        }
    }
}
