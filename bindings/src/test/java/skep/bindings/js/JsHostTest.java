package skep.bindings.js;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.graalvm.polyglot.PolyglotException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import skep.bindings.java.Variables;

@Timeout(300)
class JsHostTest {
    @TempDir
    Path folder;

    private String run(String text, String... arguments) throws IOException {
        var file = folder.resolve("tool.mjs");
        Files.writeString(file, text);
        var out = new ByteArrayOutputStream();
        try (var host = new JsHost("embedded:speed=max", List.of(arguments), false, out, out)) {
            host.run(file);
        }
        return out.toString(StandardCharsets.UTF_8);
    }

    @Test
    void mapsAreMapsAndHistogramsKnowTheirPercentiles() throws IOException {
        assertEquals("true true true\n", run("""
                        import {trace} from 'skep';
                        const t = await trace('kprobe:vfs_read { @n = count(); @[comm] = count(); @h = hist(arg2); }', {duration: 0.3});
                        const sum = [...t.map('@').values()].reduce((a, b) => a + b, 0);
                        const h = t.histogram('@h');
                        console.log(sum === t.value('@n'), h.samples === sum, h.p50 <= h.p99);
                        """));
    }

    @Test
    void valuesKeepTheirTypes() throws IOException {
        assertEquals("number 7 bigint 18446744073709551615 string x boolean true 1,a\n", run("""
                        import {trace} from 'skep';
                        const t = trace('begin { @a = 7; @b = (uint64)-1; @c = "x"; @d = true; @e[1, "a"] = 1; exit(); }');
                        const show = v => typeof v + ' ' + v;
                        console.log(show(t.value('@a')), show(t.value('@b')), show(t.value('@c')), show(t.value('@d')), t.rows('@e')[0][0].join());
                        """));
    }

    @Test
    void eventsAreIteratedAndCalledBack() throws IOException {
        assertEquals("0,1,2 3\n", run("""
                        import {start, Trace} from 'skep';
                        const seen = [];
                        for await (const e of start('begin { $i = 0; while ($i < 3) { print($i); $i++; } exit(); }'))
                          if (e.kind === 'print') seen.push(e.value);
                        let calls = 0;
                        new Trace('begin { print(1); print(2); print(3); exit(); }').on('print', () => calls++).run();
                        console.log(seen.join(), calls);
                        """));
    }

    @Test
    void argumentsArrive() throws IOException {
        assertEquals("a-b\n", run("import {argv} from 'skep'; console.log(argv.join('-'));", "a", "b"));
    }

    @Test
    void anErrorOfTheScriptIsAJavaScriptError() throws IOException {
        assertTrue(run("""
                        import {trace} from 'skep';
                        try { trace('kprobe:vfs_read { nosuch(); }'); } catch (e) { console.log(String(e)); }
                        """).contains("nosuch"));
        var failure = assertThrows(PolyglotException.class, () -> run("\nthrow new Error('as asked');"));
        assertTrue(
                JsCommand.lines(failure).toString().contains("tool.mjs:2"),
                JsCommand.lines(failure).toString());
    }

    @Test
    void programsOfBccsShapeHaveTablesAndEvents() throws IOException {
        assertEquals("true true 9  1,2 later\n", run("""
                        import {BPF} from 'skep';
                        const b = new BPF({target: 'embedded', text: `
                          struct event { u32 pid; char comm[16]; };
                          struct pair { u32 a; u32 b; };
                          BPF_PERF_OUTPUT(events);
                          BPF_HASH(counts, u32, u64);
                          BPF_HASH(pairs, struct pair, u64);
                          int hello(struct pt_regs *ctx) {
                            struct event e = {};
                            u32 key = 1;
                            bpf_get_current_comm(&e.comm, sizeof(e.comm));
                            counts.increment(key);
                            events.perf_submit(ctx, &e, sizeof(e));
                            return 0;
                          }`});
                        b.attach_kprobe({event: 'vfs_read', fn_name: 'hello'});
                        let comm = '';
                        b.openPerfBuffer('events', event => { comm = event.comm; });
                        while (comm === '') b.perfBufferPoll(100);
                        const counts = b.table('counts'), pairs = b.getTable('pairs');
                        const counted = counts.get(1) > 0;
                        counts.set(7, 9);
                        pairs.set({a: 1, b: 2}, 3);
                        const [[pair]] = pairs.rows();
                        const shown = [counted, comm.length > 0, counts.get(7), counts.get(8), [pair.a, pair.b]].join(' ');
                        setTimeout(() => console.log(shown + ' later'), 1);
                        b.close();
                        """));
        var failure = assertThrows(
                PolyglotException.class,
                () -> run("import {BPF} from 'skep'; new BPF({text: 'int f(void *ctx) { return nosuch; }'});"));
        assertTrue(failure.getMessage().contains("nosuch"), failure.getMessage());
        assertThrows(PolyglotException.class, () -> run("import {BPF} from 'skep'; new BPF({});"));
    }

    @Test
    void lossesAreToldWithoutARecordAfterThem() throws IOException {
        assertEquals("0\n", run("""
                import {BPF} from 'skep';
                const b = new BPF({text: 'BPF_PERF_OUTPUT(events); int f(void *ctx) { u64 n = 1; events.perf_submit(ctx, &n, sizeof(n)); return 0; }'});
                b.attachKprobe({event: 'vfs_read', fnName: 'f'});
                b.openPerfBuffer('events', () => {});
                b.poll(100);
                console.log(b.lost);
                """));
    }

    @Test
    void theVirtualMachineIsOutOfReach() {
        assertThrows(PolyglotException.class, () -> run("Java.type('java.lang.System');"));
        assertThrows(PolyglotException.class, () -> run("skepBridge.getClass().forName('java.lang.System');"));
    }

    @Test
    void aSandboxHasNoFiles() throws IOException {
        Files.writeString(folder.resolve("other.mjs"), "export const x = 1;");
        var text = "import {x} from './other.mjs'; console.log(x);";
        assertEquals("1\n", run(text));
        var file = folder.resolve("tool.mjs");
        try (var host = new JsHost(
                "embedded:speed=max", List.of(), true, new ByteArrayOutputStream(), new ByteArrayOutputStream())) {
            assertThrows(PolyglotException.class, () -> host.run(file));
        }
    }

    @Test
    void variablesAreSharedByReference() {
        var list = new ArrayList<Object>(List.of(1));
        Variables.shared().put("list", list);
        try (var host = new JsHost(
                "embedded:speed=max", List.of(), false, new ByteArrayOutputStream(), new ByteArrayOutputStream())) {
            host.eval("cell", "shared.list.push(2); shared.answer = 42;");
            assertEquals(List.of(1, 2), list);
            assertSame(list, Variables.shared().get("list"));
            host.importAll();
            assertEquals(3, host.eval("cell", "const three = 3; three").asInt());
            assertEquals(
                    "embedded:speed=max", host.eval("cell", "three && target()").asString());
        } finally {
            Variables.shared().values().clear();
        }
    }
}
