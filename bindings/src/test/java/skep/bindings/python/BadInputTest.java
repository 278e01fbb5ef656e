package skep.bindings.python;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What goes wrong says what happened where, and leaves nothing attached. */
@Timeout(300)
class BadInputTest {
    @TempDir
    static Path folder;

    private static Scripts scripts;

    @BeforeAll
    static void start() {
        scripts = new Scripts(folder);
    }

    @AfterAll
    static void stop() {
        scripts.close();
    }

    /** Runs a script that fails; its text holds each of these. */
    private static void fails(String script, String... wanted) {
        var outcome = scripts.run("from bcc import BPF\nimport sys\n" + script);
        for (var text : wanted) {
            assertTrue(outcome.text().contains(text), () -> "no '" + text + "' in\n" + outcome.text());
        }
        assertEquals(1, outcome.status(), outcome.text());
        assertEquals(0, outcome.stillAttached());
    }

    @Test
    void anErrorInCIsWordedAsClangDoesWithItsPlace() {
        fails(
                """
                b = BPF(text='''int f(struct pt_regs *ctx) {
                    int a = 1
                    return a + nosuch;
                }''')
                """,
                "<text>:2:14: error: expected ';' at end of declaration",
                "    int a = 1\n",
                "             ^",
                "Failed to compile BPF module");
        fails("""
                b = BPF(text='''int f(struct pt_regs *ctx) {
                    return 1 + nosuch;
                }''')
                """, "<text>:2:16: error: use of undeclared identifier 'nosuch'", "               ^~~~~~");
        fails("""
                b = BPF(text='''
                int f(struct pt_regs *ctx, struct file *file) { return file->f_nosuch; }''')
                """, "error: no member named 'f_nosuch' in 'struct file'");
    }

    @Test
    void anUnknownMacroIsNamed() {
        fails(
                "b = BPF(text='BPF_HASHMAP(t, u32, u64);\\nint f(void *ctx) { return 0; }')\n",
                "<text>:1:1: error:",
                "BPF_HASHMAP",
                "BPF_HASH");
    }

    @Test
    void aRejectedProgramShowsTheLineOfCThatMadeTheInstruction() {
        fails("""
                b = BPF(text='''BPF_HASH(t, u32, u64);
                int f(struct pt_regs *ctx) {
                    u32 key = 1;
                    u64 *value = t.lookup(&key);
                    *value += 1;
                    return 0;
                }''')
                b.attach_kprobe(event="vfs_read", fn_name="f")
                """, "Failed to load BPF program f", "<text>:5:", "*value += 1;");
    }

    @Test
    void aMissingFunctionComesWithTheNearestNames() {
        fails("""
                b = BPF(text='int f(struct pt_regs *ctx) { return 0; }')
                b.attach_kprobe(event="vfs_raed", fn_name="f")
                """, "Failed to attach BPF program b'f' to kprobe b'vfs_raed'", "Did you mean", "vfs_read");
        fails("""
                b = BPF(text='int count(struct pt_regs *ctx) { return 0; }')
                b.attach_kprobe(event="vfs_read", fn_name="cuont")
                """, "Unknown program cuont", "count");
        fails("""
                b = BPF(text='TRACEPOINT_PROBE(sched, sched_swich) { return 0; }')
                """, "sched_swich", "sched_switch");
    }

    private static final String COUNTER = """
            b = BPF(text='''BPF_PERF_OUTPUT(events);
            int kprobe__vfs_read(struct pt_regs *ctx) { u64 n = 1; events.perf_submit(ctx, &n, sizeof(n)); return 0; }
            ''')
            """;

    @Test
    void anExceptionInACallbackEndsTheScriptWithItsTraceback() {
        fails(COUNTER + """
                def got(cpu, data, size):
                    raise ValueError("in the callback")
                b["events"].open_perf_buffer(got)
                while True:
                    b.perf_buffer_poll()
                """, "Traceback (most recent call last)", "in got", "ValueError: in the callback");
    }

    @Test
    void ctrlCInACallbackIsAKeyboardInterrupt() {
        var outcome = scripts.run("from bcc import BPF\n" + COUNTER + """
                def got(cpu, data, size):
                    raise KeyboardInterrupt
                b["events"].open_perf_buffer(got)
                try:
                    while True:
                        b.perf_buffer_poll()
                except KeyboardInterrupt:
                    print("interrupted", b.num_open_kprobes())
                """);
        assertEquals("interrupted 1\n", outcome.text());
        assertEquals(0, outcome.stillAttached());
    }

    @Test
    void aFullBufferTellsHowMuchIsLost() {
        var slow = """
                from bcc import BPF
                import time
                b = BPF(text='''BPF_PERF_OUTPUT(events);
                struct big { char bytes[1000]; };
                int kprobe__vfs_read(struct pt_regs *ctx) { struct big e = {}; BIG; return 0; }
                '''.replace("struct big e = {}; BIG", "char e[400] = {}; events.perf_submit(ctx, &e, sizeof(e))"))
                got, lost = [], []
                b["events"].open_perf_buffer(lambda cpu, data, size: got.append(1), page_cnt=1%s)
                try:
                    time.sleep(100)
                except KeyboardInterrupt:
                    pass
                for _ in range(2):
                    # the first may read all that there is: then the second finds the kernel at its end
                    try:
                        b.perf_buffer_poll(10)
                    except KeyboardInterrupt:
                        pass
                print("got", len(got) > 0, "lost", sum(lost) > 0)
                """;
        var spec = "embedded:arch=x86-64,scenario=busy";
        var told = scripts.run(spec, Duration.ofSeconds(1), slow.formatted(", lost_cb=lost.append"));
        assertEquals("got True lost True\n", told.text());
        var printed = scripts.run(spec, Duration.ofSeconds(1), slow.formatted(""));
        // What is lost after the last poll is told at the end.
        var lost = "(Possibly lost \\d+ samples\n)";
        assertTrue(printed.text().matches(lost + "+got True lost False\n" + lost + "*"), printed.text());
    }

    @Test
    void anOldSignatureOfAnAttachFailsSoThatFallbacksRun() {
        var outcome = scripts.run("""
                from bcc import BPF
                b = BPF(text='int f(struct pt_regs *ctx) { return 0; }')
                try:
                    b.attach_kprobe(event="no_such_function_at_all", fn_name="f")
                except Exception:
                    b.attach_kprobe(event="vfs_read", fn_name="f")
                print(b.num_open_kprobes(), list(b.kprobe_fds))
                """);
        assertEquals("1 [b'p_vfs_read']\n", outcome.text());
    }
}
