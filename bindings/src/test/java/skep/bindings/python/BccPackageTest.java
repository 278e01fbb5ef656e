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

/** The package bcc as its callers use it, on the embedded kernel. */
@Timeout(300)
class BccPackageTest {
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

    private static String printed(String script, String... arguments) {
        var outcome = scripts.run(script, arguments);
        assertEquals(0, outcome.status(), outcome.text());
        return outcome.text();
    }

    @Test
    void aScriptHasItsArgumentsItsFileAndItsExitStatus() {
        var outcome = scripts.run("""
                import sys, os
                print(sys.argv[1:], __name__, os.path.basename(__file__), os.path.basename(sys.argv[0]))
                exit(7)
                """, "-d", "5");
        assertEquals("['-d', '5'] __main__ tool.py tool.py\n", outcome.text());
        assertEquals(7, outcome.status());
    }

    @Test
    void tablesAreDictionaries() {
        assertEquals("""
                10 20 True False 2
                [(1, 10), (2, 20)] [1, 2] [10, 20]
                KeyError 7 [(2, 25)]
                [(2, 25), (5, 50), (6, 60)]
                [(5, 50)]
                [(5, 50)] 0
                """, printed("""
                from bcc import BPF
                b = BPF(text="BPF_HASH(t, u32, u64);")
                t = b["t"]
                t[t.Key(1)] = t.Leaf(10)
                t[t.Key(2)] = t.Leaf(20)
                show = lambda entries: sorted((k.value, v.value) for k, v in entries)
                print(t[t.Key(1)].value, t[t.Key(2)].value, t.Key(1) in t, t.Key(9) in t, len(t))
                print(show(t.items()), sorted(k.value for k in t), sorted(v.value for v in t.values()))
                try:
                    t[t.Key(9)]
                except KeyError:
                    print("KeyError", t.get(t.Key(9), t.Leaf(7)).value, end=" ")
                del t[t.Key(1)]
                t[t.Key(2)] = t.Leaf(25)
                print(show(t.items()))
                import ctypes as ct
                t.items_update_batch((ct.c_uint * 2)(5, 6), (ct.c_ulonglong * 2)(50, 60))
                print(show(t.items_lookup_batch()))
                t.items_delete_batch((ct.c_uint * 2)(2, 6))
                print(show(t.items()))
                print(show(t.items_lookup_and_delete_batch()), len(t))
                """));
    }

    @Test
    void arraysPerCpuTablesQueuesAndProgramsInTables() {
        assertEquals("""
                3 0 7 IndexError
                4 [1, 2, 3, 4] 10 4 2.5
                1 1 2 KeyError
                3 3 2
                """, printed("""
                from bcc import BPF
                b = BPF(text='''
                BPF_ARRAY(a, u64, 3);
                BPF_PERCPU_HASH(p, u32, u64);
                BPF_QUEUE(q, u64, 8);
                BPF_STACK(s, u64, 8);
                ''')
                a, p, q, s = b["a"], b["p"], b["q"], b["s"]
                a[2] = a.Leaf(7)
                try:
                    a[3]
                except IndexError as e:
                    print(len(a), a[0].value, a[-1].value, type(e).__name__)
                p[p.Key(1)] = p.Leaf(*range(1, p.total_cpu + 1))
                k = p.Key(1)
                print(p.total_cpu, list(p[k]), p.sum(k).value, p.max(k).value, p.average(k))
                q.push(q.Leaf(1)); q.push(q.Leaf(2))
                print(q.peek().value, q.pop().value, q.pop().value, end=" ")
                try:
                    q.pop()
                except KeyError as e:
                    print("KeyError")
                s.push(s.Leaf(2)); s.push(s.Leaf(3))
                print(s.peek().value, s.pop().value, s.pop().value)
                """));
    }

    @Test
    void histogramsArePrintedAsBccPrintsThem() {
        assertEquals("""
                     usecs               : count     distribution
                         0 -> 1          : 0        |                                        |
                         2 -> 3          : 4        |****************************************|
                         4 -> 7          : 1        |**********                              |
                     value         : count     distribution
                        0          : 0        |                                        |
                        1          : 2        |****************************************|

                disk = a
                     value               : count     distribution
                         0 -> 1          : 3        |****************************************|
                {'ts': 'now', 'val_type': 'usecs', 'data': [{'interval-start': 0, 'interval-end': 1, 'count': 0}, {'interval-start': 2, 'interval-end': 3, 'count': 4}, {'interval-start': 4, 'interval-end': 7, 'count': 1}]}
                """, printed("""
                from bcc import BPF
                import time
                time.strftime = lambda *_: "now"
                b = BPF(text='''
                struct key_t { char disk[8]; u64 slot; };
                BPF_HISTOGRAM(h);
                BPF_HISTOGRAM(l);
                BPF_HISTOGRAM(k, struct key_t);
                ''')
                h, l, k = b["h"], b["l"], b["k"]
                h[h.Key(2)] = h.Leaf(4)
                h[h.Key(3)] = h.Leaf(1)
                h.print_log2_hist("usecs")
                l[l.Key(1)] = l.Leaf(2)
                l.print_linear_hist()
                k[k.Key(b"a", 1)] = k.Leaf(3)
                k.print_log2_hist("value", "disk", section_print_fn=lambda d: d.decode())
                h.print_json_hist("usecs")
                """));
    }

    private static final String EVENTS = """
            struct data_t { u32 pid; s32 change; u64 ts; u8 flag; char comm[16]; unsigned char raw[4]; };
            """;

    @Test
    void eventsOfAPerfBufferHaveTheFieldsOfTheirStructure() {
        var text = printed("""
                from bcc import BPF
                b = BPF(text='''%s
                BPF_PERF_OUTPUT(events);
                int f(struct pt_regs *ctx) {
                    struct data_t d = {};
                    d.pid = bpf_get_current_pid_tgid() >> 32;
                    d.change = -5;
                    d.ts = -1;
                    d.flag = 200;
                    d.raw[1] = 9;
                    bpf_get_current_comm(&d.comm, sizeof(d.comm));
                    events.perf_submit(ctx, &d, sizeof(d));
                    return 0;
                }
                ''')
                b.attach_kprobe(event="vfs_read", fn_name="f")
                seen = []
                def got(cpu, data, size):
                    e = b["events"].event(data)
                    seen.append((cpu, size, e.pid, e.change, e.ts, e.flag, e.comm, list(e.raw)))
                b["events"].open_perf_buffer(got, page_cnt=64)
                try:
                    while True:
                        b.perf_buffer_poll(timeout=50)
                except KeyboardInterrupt:
                    pass
                cpu, size, pid, change, ts, flag, comm, raw = seen[0]
                print(len(seen) > 10, 0 <= cpu < 4, size >= 40, pid > 0, change, ts == 2**64 - 1, flag, type(comm).__name__, len(comm) > 1, raw)
                """.formatted(EVENTS));
        assertEquals("True True True True -5 True 200 bytes True [0, 9, 0, 0]\n", text);
    }

    @Test
    void aRingBufferHandsOverItsContextAndItsRecords() {
        assertEquals("mine True True\n", printed("""
                from bcc import BPF
                import ctypes as ct
                b = BPF(text='''
                struct e { u64 n; };
                BPF_RINGBUF_OUTPUT(ring, 8);
                int kprobe__vfs_read(struct pt_regs *ctx) {
                    struct e *r = ring.ringbuf_reserve(sizeof(*r));
                    if (!r) return 0;
                    r->n = 77;
                    ring.ringbuf_submit(r, 0);
                    return 0;
                }
                ''')
                seen = []
                b["ring"].open_ring_buffer(lambda ctx, data, size: seen.append((ctx, b["ring"].event(data).n)) and None, "mine")
                try:
                    while True:
                        b.ring_buffer_poll(50)
                except KeyboardInterrupt:
                    pass
                print(seen[0][0], all(n == 77 for _, n in seen), len(seen) > 10)
                """));
    }

    @Test
    void countsAreWhatTheKernelDid() {
        var outcome = scripts.run("""
                from bcc import BPF
                import time
                b = BPF(text='''
                BPF_ARRAY(n, u64, 1);
                TRACEPOINT_PROBE(raw_syscalls, sys_enter) { n.increment(0); return 0; }
                ''')
                try:
                    time.sleep(100)
                except KeyboardInterrupt:
                    pass
                print(b["n"][0].value)
                """);
        assertEquals(outcome.truth().get("syscall enters") + "\n", outcome.text());
    }

    @Test
    void traceLinesComeWithTheirFields() {
        assertEquals("True True True hello 42\n", printed("""
                from bcc import BPF
                b = BPF(text='int kprobe__vfs_read(void *ctx) { bpf_trace_printk("hello %d\\\\n", 42); return 0; }')
                task, pid, cpu, flags, ts, message = b.trace_fields()
                print(len(task) > 0, pid > 0, ts > 3600, message.decode())
                """));
    }

    @Test
    void symbolsAndStacksResolve() {
        assertEquals("""
                True b'vfs_read' b'vfs_read+0x4' b'vfs_read+0x4 [kernel]' -1
                True True
                """, printed("""
                from bcc import BPF
                b = BPF(text='''
                BPF_STACK_TRACE(stacks, 1024);
                BPF_HASH(ids, int, u64);
                int f(struct pt_regs *ctx) { int id = stacks.get_stackid(ctx, 0); ids.increment(id); return 0; }
                ''')
                a = BPF.ksymname("vfs_read")
                print(a > 2**63, b.ksym(a), b.ksym(a + 4, show_offset=True), b.ksym(a + 4, show_offset=True, show_module=True),
                      BPF.ksymname("nosuch"))
                b.attach_kprobe(event="vfs_read", fn_name="f")
                import time
                try:
                    time.sleep(100)
                except KeyboardInterrupt:
                    pass
                best = max(b["ids"].items(), key=lambda e: e[1].value)[0].value
                names = [b.ksym(address) for address in b["stacks"].walk(best)]
                print(names[0] == b"vfs_read", len(names) > 2)
                """));
    }

    @Test
    void anUnsignedMinusOneIsTheKernelsProcess() {
        assertEquals("b'vfs_read' b'[unknown]'\n", printed("""
                from bcc import BPF
                b = BPF(text="")
                print(b.sym(BPF.ksymname("vfs_read"), 0xffffffff), b.sym(0x1000, 0xffffffff))
                """));
    }

    @Test
    void countersForProgramsAreThoseOfALiveKernel() {
        assertTrue(printed("""
                from bcc import BPF, PerfType, PerfSWConfig
                b = BPF(text="BPF_PERF_ARRAY(cycles, 4); int f(void *ctx) { return cycles.perf_read(0) > 0; }")
                try:
                    b["cycles"].open_perf_event(PerfType.SOFTWARE, PerfSWConfig.CPU_CLOCK)
                except Exception as e:
                    print(e)
                """).startsWith("Could not open perf event: "));
    }

    @Test
    void whatTheTargetHasIsAskedOfTheTarget() {
        assertEquals("""
                [b'vfs_read', b'vfs_write'] b'__x64_sys_openat' True False
                1 0 True True
                ['0-3'] [0, 1, 2, 3] False
                """, printed("""
                from bcc import BPF
                from bcc.utils import get_online_cpus
                import os
                b = BPF(text="")
                print(sorted(BPF.get_kprobe_functions(b"vfs_(read|write)")), b.get_syscall_fnname(b"openat"),
                      BPF.tracepoint_exists("sched", "sched_switch"), BPF.tracepoint_exists("sched", "nosuch"))
                print(BPF.kernel_struct_has_field(b"task_struct", b"pid"), BPF.kernel_struct_has_field(b"task_struct", b"nosuch"),
                      BPF.support_kfunc(), BPF.support_raw_tracepoint())
                print([line.strip() for line in open("/sys/devices/system/cpu/online")], get_online_cpus(), os.path.exists("/proc/nosuch"))
                """));
    }

    @Test
    void theReferenceIsThere() {
        assertEquals("[]\n", printed("""
                import bcc, bcc.utils, bcc.containers, bcc.syscall, bcc.exec, bcc.table, bcc.usdt, bcc.perf
                from bcc import BPF, USDT, PerfType, PerfHWConfig, PerfSWConfig, ArgString, StrcmpRewrite
                b = BPF(text="BPF_HASH(h); BPF_PERF_OUTPUT(p); BPF_RINGBUF_OUTPUT(r, 1); BPF_STACK_TRACE(s, 8); BPF_QUEUE(q, u64, 2);")
                of_bpf = '''attach_kprobe attach_kretprobe attach_tracepoint attach_raw_tracepoint attach_uprobe attach_uretprobe
                    attach_perf_event attach_perf_event_raw attach_kfunc attach_kretfunc attach_fmod_ret attach_lsm attach_bpf_iter attach_xdp
                    remove_xdp attach_raw_socket attach_func detach_func detach_kprobe detach_kretprobe detach_tracepoint
                    detach_raw_tracepoint detach_uprobe detach_uretprobe detach_perf_event detach_kfunc detach_kretfunc detach_fmod_ret
                    detach_lsm trace_print trace_fields trace_open trace_readline perf_buffer_poll perf_buffer_consume ring_buffer_poll
                    ring_buffer_consume kprobe_poll get_table get_kprobe_functions get_tracepoints get_user_functions
                    get_user_addresses get_user_functions_and_addresses get_syscall_prefix get_syscall_fnname fix_syscall_fnname
                    ksym ksymname sym num_open_kprobes num_open_uprobes num_open_tracepoints load_func load_funcs dump_func
                    disassemble_func find_library find_exe monotonic_time cleanup close add_module add_prefix
                    generate_auto_includes support_kfunc support_fmod_ret support_lsm support_raw_tracepoint
                    support_raw_tracepoint_in_module kernel_struct_has_field tracepoint_exists get_probe_limit free_bcc_memory
                    kprobe_fds uprobe_fds tracepoint_fds raw_tracepoint_fds perf_buffers open_perf_events tables funcs debug'''.split()
                of_table = '''items values keys clear zero pop get update items_lookup_batch items_update_batch items_delete_batch
                    items_lookup_and_delete_batch print_log2_hist print_linear_hist print_json_hist iteritems itervalues iterkeys next
                    key_sprintf leaf_sprintf key_scanf leaf_scanf Key Leaf get_fd map_id map_fd max_entries flags'''.split()
                of_usdt = '''enable_probe enable_probe_or_bail get_text get_probe_arg_ctype enumerate_probes enumerate_active_probes
                    get_context addsem_probe attach_uprobes'''.split()
                lack = [n for n in of_bpf if not hasattr(b, n)]
                lack += ["table." + n for n in of_table if not hasattr(b["h"], n)]
                lack += [n for n in ["open_perf_buffer", "open_perf_event", "event"] if not hasattr(b["p"], n)]
                lack += [n for n in ["open_ring_buffer", "event"] if not hasattr(b["r"], n)]
                lack += [n for n in ["walk", "get_stack"] if not hasattr(b["s"], n)]
                lack += [n for n in ["push", "pop", "peek", "values", "itervalues"] if not hasattr(b["q"], n)]
                lack += ["USDT." + n for n in of_usdt if not hasattr(USDT, n)]
                lack += [n for n in ["SOFTWARE", "HARDWARE"] if not hasattr(PerfType, n)]
                lack += [n for n in ["CPU_CLOCK", "TASK_CLOCK"] if not hasattr(PerfSWConfig, n)]
                print(lack)
                """));
    }

    @Test
    void aTailCallGoesThroughATableOfPrograms() {
        assertEquals("True\n", printed("""
                from bcc import BPF
                import ctypes as ct, time
                b = BPF(text='''
                BPF_PROG_ARRAY(next, 4);
                BPF_ARRAY(n, u64, 1);
                int second(void *ctx) { n.increment(0); return 0; }
                int first(void *ctx) { next.call(ctx, 2); return 0; }
                ''')
                tail = b.load_func("second", BPF.KPROBE)
                b["next"][ct.c_int(2)] = ct.c_int(tail.fd)
                b.attach_kprobe(event="vfs_read", fn_name="first")
                try:
                    time.sleep(100)
                except KeyboardInterrupt:
                    pass
                print(b["n"][0].value > 10)
                """));
    }

    @Test
    void thePreprocessorIsGivenFlags() {
        assertEquals("12\n", printed("""
                from bcc import BPF
                import time
                b = BPF(text="BPF_ARRAY(n, u64, 1); int kprobe__vfs_read(void *ctx) { u64 v = SIZE(3); n.update(&(int){0}, &v); return 0; }",
                        cflags=["-DSIZE(x)=((x) * FACTOR)", "-DFACTOR=4"])
                try:
                    time.sleep(100)
                except KeyboardInterrupt:
                    pass
                print(b["n"][0].value)
                """));
    }

    @Test
    void codeAndModulesRunAsWithPython3() {
        var code = scripts.words(
                "-c", "import sys, bcc; print(sys.argv, __name__, sys.path[0] == ''); sys.exit(4)", "a", "-b");
        assertEquals("['-c', 'a', '-b'] __main__ True\n", code.text());
        assertEquals(4, code.status());
        var module = scripts.words("-m", "calendar", "2024", "2");
        assertTrue(module.text().contains("February 2024"), module.text());
        assertEquals(0, module.status());
        var failing = scripts.words("-c", "x = 1\nundefined(x)");
        assertTrue(failing.text().contains("File \"<string>\", line 2"), failing.text());
        assertEquals(1, failing.status());
    }

    @Test
    void handlersOfCtrlCRun() {
        var outcome = scripts.run(Scripts.EMBEDDED, Duration.ofMillis(100), """
                import signal, sys, time
                from bcc import BPF
                b = BPF(text="int kprobe__vfs_read(void *ctx) { return 0; }")
                def leave(number, frame):
                    print("handled", number)
                    sys.exit(3)
                signal.signal(signal.SIGINT, leave)
                time.sleep(100)
                """);
        assertEquals("handled 2\n", outcome.text());
        assertEquals(3, outcome.status());
    }

    @Test
    void ctypesIsWhatTheToolsUseOfIt() {
        assertEquals("""
                16 -2 2 b'abc' 258 True
                [1, 2] 5 3 4
                """, printed("""
                import ctypes as ct
                class Pair(ct.Structure):
                    _fields_ = [("a", ct.c_short), ("b", ct.c_ulonglong)]
                class Bits(ct.Structure):
                    _fields_ = [("low", ct.c_uint, 3), ("high", ct.c_uint, 5)]
                class Either(ct.Union):
                    _fields_ = [("word", ct.c_uint), ("bytes", ct.c_ubyte * 4)]
                p = Pair(-2, 2)
                text = ct.create_string_buffer(b"abc", 8) if hasattr(ct, "create_string_buffer") else (ct.c_char * 8)(*b"abc")
                e = Either(); e.bytes[0] = 2; e.bytes[1] = 1
                print(ct.sizeof(Pair), p.a, p.b, text.value, e.word, Pair.from_buffer_copy(bytes(p)).b == 2)
                array = (ct.c_int * 2)(1, 2)
                bits = Bits(3, 4)
                print(list(array), ct.cast(ct.pointer(ct.c_int(5)), ct.POINTER(ct.c_int)).contents.value, bits.low, bits.high)
                """));
    }

    @Test
    void textsThatToolsGenerateCompile() {
        assertTrue(printed("""
                from bcc import BPF, StrcmpRewrite
                from bcc.containers import filter_by_containers
                class Args: cgroupmap = None; mntnsmap = None
                made = StrcmpRewrite.rewrite_expr('STRCMP("bash", comm)', False, False, [], "", 0)
                text = filter_by_containers(Args) + made["streq_functions"] + '''
                int kprobe__vfs_read(void *ctx) {
                    char comm[16];
                    bpf_get_current_comm(&comm, 16);
                    if (container_should_be_filtered() || !(''' + made["expr"] + ''')) return 0;
                    return 0;
                }
                '''
                b = BPF(text=text)
                print(made["expr"], b.num_open_kprobes())
                """).endsWith(" 1\n"));
    }

    @Test
    void aScriptReachesNothingOfJavaButTheBridge() {
        assertEquals("no java\nno class\nno close\n", printed("""
                import bcc_bridge
                try:
                    import java
                    java.type("java.lang.System")
                    print("java")
                except Exception:
                    print("no java")
                for name, what in (("getClass", "class"), ("close", "close")):
                    try:
                        getattr(bcc_bridge.host, name)()
                        print(what)
                    except AttributeError:
                        print("no", what)
                """));
    }

    @Test
    void aSandboxedScriptTracesAndReachesNoFilesAndProcesses() {
        var outcome = scripts.sandboxed("""
                from bcc import BPF
                import time
                b = BPF(text='BPF_ARRAY(n, u64, 1); int kprobe__vfs_read(void *ctx) { n.increment(0); return 0; }')
                try:
                    time.sleep(100)
                except KeyboardInterrupt:
                    pass
                print(b["n"][0].value > 0, open("/proc/loadavg").read().count("."))
                try:
                    open("/etc/passwd")
                    print("file")
                except OSError:
                    print("no file")
                try:
                    import os
                    os.system("true")
                    print("process")
                except BaseException:
                    print("no process")
                """);
        assertEquals("True 3\nno file\nno process\n", outcome.text());
    }
}
