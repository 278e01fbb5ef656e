package skep.c.bcc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import skep.c.pp.IncludeProvider;
import skep.isa.Insn;
import skep.isa.InsnCodec;
import skep.isa.kernel.Arch;
import skep.isa.kernel.AttachType;
import skep.isa.kernel.Helper;
import skep.isa.kernel.MapType;
import skep.isa.kernel.ProgramType;
import skep.isa.kernel.UsdtArgument;

class BccCompilerTest {
    private static final SmallKernel KERNEL = SmallKernel.of(Arch.X86_64);

    private static BccProgram compile(String text) {
        return BccCompiler.compile(BccRequest.of(text, KERNEL));
    }

    private static String mistakes(String text) {
        return assertThrows(CompileException.class, () -> compile(text)).getMessage();
    }

    /** The helpers that a function calls, in the order of its code. */
    private static List<Helper> calls(BccProgram program, FunctionUse use) {
        var list = new ArrayList<Helper>();
        for (var insn : InsnCodec.decode(
                program.object(List.of(use)).programs().getFirst().code())) {
            if (insn instanceof Insn.Call c && c.kind() == Insn.CallKind.HELPER) {
                list.add(Helper.ofNumber(c.imm()).orElseThrow());
            }
        }
        return list;
    }

    private static List<Helper> calls(String text) {
        var program = compile(text);
        return calls(program, FunctionUse.of(program.functions().getFirst().name(), ProgramType.KPROBE));
    }

    @Test
    @DisplayName("table macros give tables with types, sizes and the type of their events")
    void tables() {
        var program = compile("""
                struct key_t { u32 pid; char name[12]; };
                struct event_t { u64 ts; struct key_t key; u32 a:3, b:5; };
                BPF_HASH(start);
                BPF_HASH(byKey, struct key_t, u32, 77);
                BPF_ARRAY(slots, u32, 3);
                BPF_HISTOGRAM(dist);
                BPF_HISTOGRAM(perKey, struct key_t);
                BPF_STACK_TRACE(stacks, 100);
                BPF_PERF_OUTPUT(events);
                BPF_RINGBUF_OUTPUT(ring, 4);
                BPF_TABLE("lru_hash", u32, u64, recent, 5);
                BPF_QUEUE(waiting, struct key_t, 9);
                int f(struct pt_regs *ctx) {
                    struct event_t e = {};
                    e.a = 5;
                    events.perf_submit(ctx, &e, sizeof(e));
                    struct key_t *k = ring.ringbuf_reserve(sizeof(struct key_t));
                    if (k) { k->pid = 1; ring.ringbuf_submit(k, 0); }
                    return 0;
                }
                """);
        assertEquals(
                "start HASH unsigned long unsigned long 10240; byKey HASH struct key_t u32 77; slots ARRAY int u32 3; "
                        + "dist ARRAY int unsigned long 64; perKey HASH struct key_t unsigned long 64; "
                        + "stacks STACK_TRACE int unsigned long [127] 100; events PERF_EVENT_ARRAY int unsigned int 0; "
                        + "ring RINGBUF void void 16384; recent LRU_HASH u32 u64 5; waiting QUEUE void struct key_t 9",
                String.join(
                        "; ",
                        program.tables().stream().map(BccCompilerTest::text).toList()));
        var event = (CTypeInfo.CompositeType)
                program.table("events").orElseThrow().event().orElseThrow();
        assertEquals(32, event.sizeBytes());
        assertEquals(
                List.of("ts 0 0 0", "key 8 0 0", "a 24 0 3", "b 24 3 5"),
                event.members().stream()
                        .map(m -> m.name() + " " + m.offsetBytes() + " " + m.bitOffset() + " " + m.bitSize())
                        .toList());
        assertEquals(
                "struct key_t",
                program.table("ring").orElseThrow().event().orElseThrow().name());
        var maps = program.object(List.of()).maps();
        assertEquals(
                4,
                maps.stream()
                        .filter(m -> m.name().equals("events"))
                        .findFirst()
                        .orElseThrow()
                        .maxEntries());
    }

    private static String text(BccTable t) {
        return t.name() + " " + t.type() + " " + t.key().name() + " " + t.leaf().name() + " " + t.maxEntries();
    }

    @ParameterizedTest(name = "{0} is read by {1} calls of probe_read")
    @CsvSource(
            delimiter = '|',
            value = {
                "struct sock *sk; return sk->__sk_common.skc_family; | sk = (void *)PT_REGS_PARM1(ctx) | 1",
                "struct task_struct *t; return t->real_parent->real_parent->pid; | t = (void *)bpf_get_current_task() | 3",
                "struct sock **p; if (!p) return 0; struct sock *s = *p; return s->sk_state; | p = kept.lookup(&k) | 1",
                "struct sock *sk; return sk->owner->policy; | sk = (void *)ctx->di | 2",
                "u64 *v; if (!v) return 0; return *v; | v = plain.lookup(&k) | 0",
                "struct file f, *p; p = &f; return p->f_mode; | f.f_mode = 1 | 0",
                "struct pt_regs *r; return r->ip; | r = ctx | 0",
                "struct file *p; struct file c = *p; return c.f_mode; | p = (void *)ctx->di | 1",
            })
    void implicitReads(String body, String first, int reads) {
        int semicolon = body.indexOf(';') + 1;
        var calls = calls("BPF_HASH(kept, u32, struct sock *); BPF_HASH(plain, u32, u64);\n"
                + "int f(struct pt_regs *ctx) { u32 k = 1; " + body.substring(0, semicolon) + first + ";"
                + body.substring(semicolon) + " }");
        assertEquals(reads, calls.stream().filter(h -> h == Helper.PROBE_READ).count(), calls::toString);
    }

    @Test
    @DisplayName("taint goes through calls of functions, and what is direct stays direct")
    void throughFunctions() {
        var calls = calls("""
                static int mode(struct file *f) { return f->f_mode; }
                int f(struct pt_regs *ctx, struct file *file) {
                    struct file mine = {};
                    mine.f_mode = 3;
                    return mode(file) + mode(&mine);
                }
                """);
        assertEquals(List.of(Helper.PROBE_READ), calls);
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "int x = y; | use of undeclared identifier 'y'",
                "struct file f; f.f_mod = 1; | no member named 'f_mod' in 'struct file'; did you mean 'f_mode'?",
                "struct file f; f->f_mode = 1; | member reference type 'struct file' is not a pointer; did you mean to use '.'?",
                "struct file *f = 0; f.f_mode = 1; | member reference type 'struct file *' is a pointer; did you mean to use '->'?",
                "struct nowhere *f = 0; f->x = 1; | incomplete definition of type 'struct nowhere'",
                "int x = 1; *x = 2; | indirection requires pointer operand ('int' invalid)",
                "5 = 6; | expression is not assignable",
                "bpf_get_curent_comm(0, 0); | call to undeclared function 'bpf_get_curent_comm'",
                "bpf_get_curent_comm(0, 0); | did you mean 'bpf_get_current_comm'?",
                "bpf_ktime_get_ns(1); | too many arguments to function call, expected 0, have 1",
                "counts.lookp(&ctx); | invalid bpf_table operation lookp",
                "counts.lookp(&ctx); | did you mean 'lookup'?",
                "goto out; | use of undeclared label 'out'",
                "break; | 'break' statement not in loop or switch statement",
                "struct file f = {}; int x = f; | initializing 'int' with an expression of incompatible type 'struct file'",
                "struct file f = {.mode = 1}; | field designator 'mode' does not refer to any field in type 'struct file'",
                "int x = 1 + ; | expected expression",
                "switch (1) { case 1: case 1: break; } | duplicate case value '1'",
                "struct file f = {}; if (f) return 1; | statement requires expression of scalar type ('struct file' invalid)",
                "f(ctx); | function 'f' calls itself, which a BPF program cannot do",
            })
    void mistakesAreToldAsClangDoes(String body, String message) {
        var text = mistakes("BPF_HASH(counts);\nint f(struct pt_regs *ctx) {\n  " + body + "\n  return 0;\n}\n");
        assertTrue(text.contains(message), text);
    }

    @Test
    @DisplayName("a mistake shows the line with a caret, and nothing is said of what follows from it")
    void caret() {
        assertEquals(
                """
                program.c:2:16: error: no member named 'nod' in 'struct file'
                  return file->nod->next->f_mode;
                               ^~~
                """,
                mistakes("int f(struct pt_regs *ctx, struct file *file) {\n  return file->nod->next->f_mode;\n}\n"));
    }

    @Test
    @DisplayName("an unknown macro is told with the nearest one")
    void unknownMacro() {
        assertTrue(mistakes("BPF_HAHS(x);").contains("did you mean BPF_HASH?"));
    }

    @Test
    @DisplayName("a missing header is told, those of the kernel are all there")
    void headers() {
        assertTrue(mistakes("#include <nothing.h>").contains("'nothing.h' file not found"));
        compile("#include <uapi/linux/ptrace.h>\n#include <net/inet_sock.h>\n#include <linux/fs.h>\n"
                + "int f(void *ctx) { return READ + ntohs(1) + AF_INET6 + TASK_COMM_LEN; }");
    }

    @Test
    @DisplayName("the user's files and -D come before the library")
    void flags() {
        var request = new BccRequest(
                "#include \"mine.h\"\n#if N == 3 && defined(MARK)\nint f(void *ctx) { return MINE; }\n#endif\n",
                "program.c",
                List.of("-DN=3", "-D", "MARK", "-Wno-unused"),
                KERNEL,
                List.of(),
                (name, angled, includer) -> name.equals("mine.h")
                        ? Optional.of(new skep.source.Source("mine.h", "#define MINE 4\n"))
                        : IncludeProvider.NONE.find(name, angled, includer));
        assertEquals(1, BccCompiler.compile(request).functions().size());
    }

    @Test
    @DisplayName("names and macros say where functions are to be attached")
    void hints() {
        var program = compile("""
                int kprobe__vfs_read(struct pt_regs *ctx) { return 0; }
                int kretprobe__vfs_read(struct pt_regs *ctx) { return 0; }
                TRACEPOINT_PROBE(sched, wake) { return args->pid; }
                RAW_TRACEPOINT_PROBE(sched_switch) { return 0; }
                KFUNC_PROBE(vfs_open, struct file *a, struct file *b) { return b->f_mode; }
                KRETFUNC_PROBE(vfs_open, struct file *a, struct file *b, int ret) { return ret; }
                LSM_PROBE(file_open, struct file *f) { return 0; }
                static int helper(void) { return 1; }
                int plain(struct pt_regs *ctx) { return helper(); }
                SEC("kprobe/do_exit") int section(struct pt_regs *ctx) { return 0; }
                """);
        assertEquals(
                List.of(
                        new AttachHint.Kprobe("vfs_read"),
                        new AttachHint.Kretprobe("vfs_read"),
                        new AttachHint.Tracepoint("sched", "wake"),
                        new AttachHint.RawTracepoint("sched_switch"),
                        new AttachHint.Kfunc("vfs_open"),
                        new AttachHint.Kretfunc("vfs_open"),
                        new AttachHint.Lsm("file_open"),
                        new AttachHint.None(),
                        new AttachHint.Section("kprobe/do_exit")),
                program.functions().stream().map(BccFunction::hint).toList());
    }

    @Test
    @DisplayName("tracepoint structures follow the kernel's format")
    void tracepoints() {
        var program = compile("""
                BPF_PERF_OUTPUT(out);
                TRACEPOINT_PROBE(sched, wake) {
                    struct { u32 pid; char comm[16]; char name[8]; } e = {.pid = args->pid};
                    __builtin_memcpy(e.comm, args->comm, 16);
                    TP_DATA_LOC_READ_STR(e.name, name, sizeof(e.name));
                    out.perf_submit(args, &e, sizeof(e));
                    return 0;
                }
                """);
        var use = FunctionUse.of("tracepoint__sched__wake", ProgramType.TRACEPOINT);
        assertEquals(List.of(Helper.PROBE_READ_STR, Helper.PERF_EVENT_OUTPUT), calls(program, use));
    }

    @Test
    @DisplayName("the arguments of a system call are read from the caller's registers")
    void systemCalls() {
        var calls = calls("int syscall__openat(struct pt_regs *ctx, int fd, const char *name) { return fd; }");
        assertEquals(List.of(Helper.PROBE_READ), calls);
    }

    @ParameterizedTest(name = "a kprobe function runs as {0}")
    @ValueSource(strings = {"SyscallEntry", "SyscallExit", "TrampolineEntry", "TrampolineExit"})
    void otherForms(String form) {
        var program = compile("""
                BPF_HASH(t, u64, u64);
                int f(struct pt_regs *ctx) {
                    struct pt_regs *regs = (struct pt_regs *)PT_REGS_PARM1(ctx);
                    u64 key = PT_REGS_PARM2(regs), rc = PT_REGS_RC(ctx);
                    t.update(&key, &rc);
                    return 0;
                }
                """);
        FunctionUse.Form chosen = switch (form) {
            case "SyscallEntry" -> new FunctionUse.Form.SyscallEntry(List.of(0, 257));
            case "SyscallExit" -> new FunctionUse.Form.SyscallExit(List.of(0));
            case "TrampolineEntry" -> new FunctionUse.Form.TrampolineEntry();
            default -> new FunctionUse.Form.TrampolineExit();
        };
        boolean raw = form.startsWith("Syscall");
        var use = new FunctionUse(
                "f",
                "p",
                raw ? ProgramType.RAW_TRACEPOINT : ProgramType.TRACING,
                raw ? Optional.empty() : Optional.of(AttachType.TRACE_FENTRY),
                "",
                chosen);
        assertTrue(calls(program, use).contains(Helper.MAP_UPDATE_ELEM));
    }

    @Test
    @DisplayName("arguments of static probes come from where the note says")
    void staticProbes() {
        var program = compile("""
                int f(struct pt_regs *ctx) {
                    u64 a = 0; int b = 0;
                    bpf_usdt_readarg(1, ctx, &a);
                    bpf_usdt_readarg(2, ctx, &b);
                    return a + b;
                }
                """);
        var arguments = UsdtArgument.parse("8@%rdi -4@-12(%rbp)", Arch.X86_64);
        var use = new FunctionUse(
                "f", "p", ProgramType.KPROBE, Optional.empty(), "", new FunctionUse.Form.StaticProbe(arguments));
        assertEquals(List.of(Helper.PROBE_READ_USER), calls(program, use));
    }

    @Test
    @DisplayName("maps and reads in libbpf's manner")
    void libbpf() {
        var program = compile("""
                #include "vmlinux.h"
                #include <bpf/bpf_helpers.h>
                #include <bpf/bpf_core_read.h>
                char LICENSE[] SEC("license") = "Dual MIT/GPL";
                struct { __uint(type, BPF_MAP_TYPE_HASH); __type(key, u32); __type(value, u64); __uint(max_entries, 64); } seen SEC(".maps");
                int total;
                SEC("kprobe/f")
                int BPF_KPROBE(on_f, struct sock *sk) {
                    u32 key = BPF_CORE_READ(sk, owner, pid);
                    u64 one = 1, *old = bpf_map_lookup_elem(&seen, &key);
                    if (old) __sync_fetch_and_add(old, 1);
                    else bpf_map_update_elem(&seen, &key, &one, BPF_ANY);
                    total++;
                    if (bpf_core_field_exists(sk->nothing)) return 1;
                    bpf_printk("pid %d", key);
                    return 0;
                }
                """);
        assertEquals("Dual MIT/GPL", program.license());
        var seen = program.table("seen").orElseThrow();
        assertEquals(MapType.HASH, seen.type());
        assertEquals(64, seen.maxEntries());
        assertEquals(8, seen.leaf().sizeBytes());
        var helpers = calls(program, FunctionUse.of("on_f", ProgramType.KPROBE));
        assertEquals(
                List.of(Helper.PROBE_READ, Helper.PROBE_READ, Helper.MAP_LOOKUP_ELEM),
                helpers.stream().limit(3).toList());
    }

    @Test
    @DisplayName("C as programs use it compiles")
    void language() {
        compile("""
                typedef struct { u32 a; union { u64 wide; struct { u32 low, high; }; }; u8 tail[3]; } mixed_t;
                enum kind { FIRST = 1, SECOND, LAST = FIRST + 8 };
                static const int table[] = {1, 2, [5] = 9};
                struct ip { unsigned __int128 addr; };
                static inline int sum(int n) { int s = 0; for (int i = 0; i < n; i++) { if (i == 3) continue; s += i; } return s; }
                #define SWAP(x, y) ({ typeof(x) t = x; x = y; y = t; t; })
                int f(struct pt_regs *ctx, struct file *file) {
                    mixed_t m = {.a = 1, .low = 2, .tail = {1, 2, 3}};
                    mixed_t n = m, *p = &n;
                    struct ip x = {}, y = {.addr = 5};
                    u16 h = 7; u8 b = m.tail[1]; s64 neg = -5;
                    char text[] = "hello", *q = text;
                    int a = 1, c = 2;
                    x.addr = y.addr;
                    if (x.addr == y.addr && !(x.addr & 1)) a++;
                    SWAP(a, c);
                    #pragma unroll
                    for (int i = 0; i < 4; i++) { text[i] = q[i + 1]; }
                    switch (h) { case FIRST ... SECOND: a = 3; break; case LAST: a = 4; default: c = h > 3 ? b : neg; }
                    do { a -= 2; } while (a > 100);
                    if (h == 9) goto out;
                    n.tail[h & 1] = sizeof(mixed_t) + __builtin_offsetof(mixed_t, tail) + table[5];
                    neg = neg / 2 % 3 + (neg >> 1);
                    h += b << 2; h ^= ~b; p->wide |= 1ULL << 40;
                    asm volatile("" : "=r"(a) : "0"(a));
                out:
                    return sum(5) + p->high + (neg ?: 4) + __builtin_memcmp(&m, &n, 8);
                }
                """).object(List.of(FunctionUse.of("f", ProgramType.KPROBE)));
    }

    @Test
    @DisplayName("arm64 programs find their registers")
    void otherArchitecture() {
        var program = BccCompiler.compile(BccRequest.of(
                "int f(struct pt_regs *ctx, struct file *file) { return file->f_mode + PT_REGS_PARM2(ctx); }",
                SmallKernel.of(Arch.ARM64)));
        assertEquals(List.of(Helper.PROBE_READ), calls(program, FunctionUse.of("f", ProgramType.KPROBE)));
    }

    @Test
    @DisplayName("a floating constant that is a whole number compares with integers; others are refused")
    void wholeFloatingConstants() {
        compile("int f(void *ctx) { return bpf_ktime_get_ns() >= 5000000.0; }");
        assertTrue(mistakes("int f(void *ctx) { return bpf_ktime_get_ns() >= 1.5; }")
                .contains("BPF has no floating point"));
    }

    @Test
    @DisplayName("a kprobe's function reads its arguments from the words of a raw tracepoint that passes the same")
    void tracepointInPlaceOfAKprobe() {
        var program = compile(
                "BPF_ARRAY(a, u64, 1); int f(struct pt_regs *ctx, u64 first, u64 second) { a.increment(0, second); return 0; }");
        var use = tracepoint("f", List.of(-1, 2));
        var refused = assertThrows(CompileException.class, () -> program.object(List.of(use)));
        assertTrue(refused.getMessage().contains("does not pass this argument"), refused.getMessage());
        var code = InsnCodec.decode(program.object(List.of(tracepoint("f", List.of(0, 2))))
                .programs()
                .getFirst()
                .code());
        assertTrue(
                code.stream().anyMatch(insn -> insn instanceof Insn.Load l && l.off() == 16),
                () -> "the third word is not read: " + code);
    }

    private static FunctionUse tracepoint(String function, List<Integer> words) {
        return new FunctionUse(
                function,
                function,
                ProgramType.RAW_TRACEPOINT,
                Optional.empty(),
                "",
                new FunctionUse.Form.Tracepoint(words));
    }

    @Test
    @DisplayName(
            "a kprobe of finish_task_switch runs where the switch is over, with the task that another program noted")
    void switches() {
        var program = compile(
                "BPF_ARRAY(a, u64, 1); int f(struct pt_regs *ctx, u64 prev) { a.increment(0, prev); return 0; }");
        for (var form : List.of(new FunctionUse.Form.AfterSwitch(), new FunctionUse.Form.SwitchNote())) {
            var use = new FunctionUse("f", "f", ProgramType.RAW_TRACEPOINT, Optional.empty(), "", form);
            var object = program.object(List.of(use));
            assertTrue(object.maps().stream().anyMatch(map -> map.type() == MapType.PERCPU_ARRAY));
            assertEquals(Helper.MAP_LOOKUP_ELEM, calls(program, use).getFirst());
        }
    }
}
