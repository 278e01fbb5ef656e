package skep.truffle.lang;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.math.BigInteger;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.graalvm.polyglot.Context;
import org.graalvm.polyglot.PolyglotException;
import org.graalvm.polyglot.Source;
import org.graalvm.polyglot.Value;
import org.graalvm.polyglot.proxy.ProxyArray;
import org.graalvm.polyglot.proxy.ProxyExecutable;
import org.graalvm.polyglot.proxy.ProxyObject;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import skep.truffle.interop.Guests;

@Timeout(300)
class SkepLanguageTest {
    private static Context context() {
        return Context.newBuilder("skep", "bpf-c")
                .option("engine.WarnInterpreterOnly", "false")
                .build();
    }

    @Test
    void evaluatingAScriptReturnsATraceThatRuns() {
        try (var context = context()) {
            var trace = context.eval("skep", "kprobe:vfs_read { @ = hist(arg2); @by[comm] = count(); }");
            assertFalse(trace.getMember("started").asBoolean());
            trace.invokeMember("run", 0.3);
            assertTrue(trace.getMember("ended").asBoolean());
            var histogram = trace.getMember("@").getMember("value");
            assertTrue(histogram.hasArrayElements());
            long samples = 0;
            for (long i = 0; i < histogram.getArraySize(); i++) {
                var bucket = histogram.getArrayElement(i);
                assertTrue(bucket.getMember("low").asLong()
                        <= bucket.getMember("high").asLong());
                samples += bucket.getMember("count").asLong();
            }
            assertEquals(samples, histogram.getMember("samples").asLong());
            long counted = 0;
            var by = trace.getMember("@by");
            for (var entries = by.getHashEntriesIterator(); entries.hasIteratorNextElement(); ) {
                var entry = entries.getIteratorNextElement();
                assertEquals(
                        entry.getArrayElement(1).asLong(),
                        by.getHashValue(entry.getArrayElement(0)).asLong());
                counted += entry.getArrayElement(1).asLong();
            }
            assertEquals(samples, counted);
        }
    }

    @Test
    void valuesKeepTheirTypes() {
        try (var context = context()) {
            var trace = context.eval("skep", """
                    begin {
                        @i = -7; @u = (uint64)-1; @s = "text"; @b = true; @t = (1, "a", (2, 3)); @k[1, "a"] = 5;
                        @buf = buf("\\x01\\xff", 2); @avg = avg(3); @avg = avg(4); @st = stats(6); exit();
                    }""").invokeMember("run");
            assertEquals(-7, trace.invokeMember("value", "i").asLong());
            assertEquals(
                    new BigInteger("18446744073709551615"),
                    trace.invokeMember("value", "u").asBigInteger());
            assertEquals("text", trace.invokeMember("value", "s").asString());
            assertTrue(trace.invokeMember("value", "b").asBoolean());
            var tuple = trace.invokeMember("value", "t");
            assertEquals("a", tuple.getArrayElement(1).asString());
            assertEquals(3, tuple.getArrayElement(2).getArrayElement(1).asInt());
            assertEquals(
                    5,
                    trace.invokeMember("map", "k")
                            .getHashValue(ProxyArray.fromArray(1, "a"))
                            .asInt());
            var bytes = trace.invokeMember("value", "buf");
            assertTrue(bytes.hasBufferElements());
            assertEquals(-1, bytes.readBufferByte(1));
            assertEquals(255, bytes.getArrayElement(1).asInt());
            assertEquals(3.5, trace.invokeMember("value", "avg").asDouble());
            assertEquals(6, trace.invokeMember("value", "st").getMember("total").asInt());
        }
    }

    @Test
    void callbacksMayBeWrittenInJava() {
        try (var context = context()) {
            var seen = new ArrayList<String>();
            var trace = context.eval("skep", "begin { printf(\"hi\"); print((1, 2)); exit(); }");
            trace.invokeMember("on", "event", (ProxyExecutable)
                    a -> seen.add(a[0].getMember("kind").asString()));
            trace.invokeMember("on", "print", (ProxyExecutable)
                    a -> seen.add(a[0].getMember("value").getArrayElement(1).toString()));
            trace.invokeMember("run");
            assertEquals(List.of("attached", "printf", "print", "2"), seen);
        }
    }

    @Test
    void eventsAreIteratedAsTheyCome() {
        try (var context = context()) {
            var trace = context.eval("skep", "begin { $i = 0; while ($i < 500) { print($i); $i++; } exit(); }");
            long sum = 0;
            for (var events = trace.getIterator(); events.hasIteratorNextElement(); ) {
                var event = events.getIteratorNextElement();
                if (event.getMember("kind").asString().equals("print")) {
                    sum += event.getMember("value").asLong();
                }
            }
            assertEquals(499 * 500 / 2, sum);
        }
    }

    @Test
    void aSyntaxErrorHasItsPlaceInTheSource() {
        try (var context = context()) {
            var source = Source.newBuilder("skep", "begin {\n  nosuch(1);\n}", "tool.bt")
                    .buildLiteral();
            var failure = assertThrows(PolyglotException.class, () -> context.parse(source));
            assertTrue(failure.isSyntaxError());
            assertTrue(failure.isGuestException());
            assertFalse(failure.isIncompleteSource());
            assertEquals(2, failure.getSourceLocation().getStartLine());
            assertTrue(failure.getSourceLocation().getCharacters().toString().contains("nosuch"));
            assertEquals("tool.bt", failure.getSourceLocation().getSource().getName());
            var diagnostic = failure.getGuestObject().getMember("diagnostics").getArrayElement(0);
            assertEquals(2, diagnostic.getMember("line").asInt());
            assertTrue(failure.getMessage().contains("tool.bt:2:"), failure.getMessage());
            var open = assertThrows(PolyglotException.class, () -> context.eval("skep", "begin { print("));
            assertTrue(open.isIncompleteSource());
        }
    }

    @Test
    void whatTheVerifierRefusesIsSaidAtItsLine() {
        try (var context = context()) {
            var failure = assertThrows(
                    PolyglotException.class,
                    () -> context.eval(
                                    "bpf-c",
                                    "BPF_HASH(h, u32, u64);\nint f(void *ctx) {\n  u32 k = 1;\n  u64 *v = h.lookup(&k);\n  return *v;\n}\n")
                            .invokeMember("attachKprobe", "vfs_read", "f"));
            assertEquals(5, failure.getSourceLocation().getStartLine(), failure.getMessage());
        }
    }

    @Test
    void cancellingTheContextStopsTheTrace() throws Exception {
        var context = context();
        context.getBindings("skep").putMember("target", "embedded");
        var trace = context.eval("skep", "kprobe:vfs_read { @ = count(); }");
        var running = CompletableFuture.supplyAsync(() -> {
            try {
                return trace.invokeMember("run").toString();
            } catch (PolyglotException e) {
                return e.isCancelled() ? "cancelled" : e.toString();
            }
        });
        while (!trace.getMember("started").asBoolean()) {
            Thread.sleep(10);
        }
        context.close(true);
        assertEquals("cancelled", running.get(200, TimeUnit.SECONDS));
        // Its thread has nothing left to do but to end.
        for (var thread : Thread.getAllStackTraces().keySet()) {
            if (thread.getName().startsWith("skep-trace-Unnamed")) {
                assertTrue(thread.join(Duration.ofSeconds(200)), "the trace goes on");
            }
        }
    }

    @Test
    void anInterruptStopsTheTraceAndTheContextGoesOn() throws Exception {
        try (var context = context()) {
            context.getBindings("skep").putMember("target", "embedded");
            var trace = context.eval("skep", "kprobe:vfs_read { @ = count(); }");
            var running = CompletableFuture.supplyAsync(() -> {
                try {
                    return trace.invokeMember("run").toString();
                } catch (PolyglotException e) {
                    return e.isInterrupted() ? "interrupted" : e.toString();
                }
            });
            while (!trace.getMember("started").asBoolean()) {
                Thread.sleep(10);
            }
            context.interrupt(Duration.ofSeconds(200));
            assertEquals("interrupted", running.get(200, TimeUnit.SECONDS));
            assertTrue(trace.getMember("ended").asBoolean());
            assertEquals(
                    1,
                    context.eval("skep", "begin { @x = 1; exit(); }")
                            .invokeMember("run")
                            .invokeMember("value", "x")
                            .asInt());
        }
    }

    @Test
    void ctrlCEndsTheTraceAndKeepsItsResults() throws Exception {
        try (var context = context()) {
            context.getBindings("skep").putMember("target", "embedded");
            var trace = context.eval("skep", "kprobe:vfs_read { @ = count(); } end { printf(\"bye\"); }");
            var thread = Thread.currentThread();
            Thread.ofVirtual().start(() -> {
                while (!Guests.isWaiting(thread)) {
                    Thread.onSpinWait();
                }
                thread.interrupt();
            });
            trace.invokeMember("run");
            assertEquals("bye", trace.getMember("output").asString());
        }
    }

    @Test
    void optionsAreMembersAndWrongOnesAreNamed() {
        try (var context = context()) {
            var scope = context.getBindings("skep");
            var trace = scope.invokeMember(
                    "run",
                    "begin { @ = $1; @c = str($2); exit(); }",
                    ProxyObject.fromMap(java.util.Map.of("args", ProxyArray.fromArray(5, "x"))));
            assertEquals(5, trace.invokeMember("value", "@").asInt());
            assertEquals("x", trace.invokeMember("value", "@c").asString());
            var failure = assertThrows(
                    PolyglotException.class,
                    () -> scope.invokeMember(
                            "run", "begin { }", ProxyObject.fromMap(java.util.Map.of("durations", 3))));
            assertTrue(failure.getMessage().contains("durations"), failure.getMessage());
            assertTrue(failure.isGuestException());
        }
    }

    @Test
    void aContextWithoutRightsTracesTheEmbeddedKernelOnly() {
        try (var context = context()) {
            var scope = context.getBindings("skep");
            var live = assertThrows(PolyglotException.class, () -> scope.putMember("target", "linux"));
            assertTrue(live.getMessage().contains("native access"), live.getMessage());
            var command = assertThrows(
                    PolyglotException.class,
                    () -> scope.invokeMember(
                            "trace", "begin { }", ProxyObject.fromMap(java.util.Map.of("command", "ls"))));
            assertTrue(command.getMessage().contains("processes"), command.getMessage());
        }
    }

    @Test
    void aCProgramHasTablesAndCallbacks() {
        try (var context = context()) {
            Value program = context.eval("bpf-c", """
                    struct event { u32 pid; u64 bytes; char comm[16]; };
                    struct key { u32 a; u32 b; };
                    BPF_PERF_OUTPUT(events);
                    BPF_HASH(counts, struct key, u64);
                    int kprobe__vfs_read(struct pt_regs *ctx) {
                        struct event e = {};
                        struct key k = {1, 2};
                        e.pid = bpf_get_current_pid_tgid() >> 32;
                        e.bytes = PT_REGS_PARM3(ctx);
                        bpf_get_current_comm(&e.comm, sizeof(e.comm));
                        counts.increment(k);
                        events.perf_submit(ctx, &e, sizeof(e));
                        return 0;
                    }
                    """);
            var seen = new ArrayList<String>();
            program.invokeMember("on", "events", (ProxyExecutable)
                    a -> seen.add(a[0].getMember("comm").asString()));
            while (seen.isEmpty()) {
                program.invokeMember("poll", 100);
            }
            var counts = program.invokeMember("table", "counts");
            var key = ProxyObject.fromMap(java.util.Map.of("a", 1, "b", 2));
            assertTrue(counts.getHashValue(key).asLong() > 0);
            counts.putHashEntry(ProxyObject.fromMap(java.util.Map.of("a", 7)), 9);
            assertEquals(9, counts.getHashValue(ProxyArray.fromArray(7, 0)).asInt());
            assertTrue(counts.removeHashEntry(ProxyArray.fromArray(7, 0)));
            assertEquals("[events, counts]", program.getMember("tables").toString());
            var unknown = assertThrows(PolyglotException.class, () -> program.invokeMember("table", "count"));
            assertTrue(unknown.getMessage().contains("counts"), unknown.getMessage());
            program.invokeMember("close");
        }
    }

    @Test
    void aMistakeInCIsSaidAtItsLine() {
        try (var context = context()) {
            var failure = assertThrows(
                    PolyglotException.class, () -> context.eval("bpf-c", "int f(void *ctx) {\n  return nosuch;\n}\n"));
            assertTrue(failure.isSyntaxError());
            assertEquals(2, failure.getSourceLocation().getStartLine(), failure.getMessage());
        }
    }
}
