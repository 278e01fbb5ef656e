package skep.c.bcc;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import skep.btf.Btf;
import skep.c.check.CDeclarations;
import skep.c.pp.IncludeProvider;
import skep.isa.kernel.Arch;
import skep.isa.kernel.Feature;
import skep.isa.kernel.KernelInfo;
import skep.isa.kernel.KernelVersion;
import skep.isa.kernel.ProbeKind;
import skep.isa.kernel.TracepointFormat;
import skep.isa.kernel.Unsupported;
import skep.source.Diagnostics;
import skep.source.Source;

/** A kernel with a handful of types and one tracepoint, for both architectures. */
record SmallKernel(Arch arch, Optional<Btf> types) implements KernelInfo {
    private static final String COMMON = """
            typedef unsigned char u8; typedef unsigned short u16; typedef unsigned int u32;
            typedef unsigned long long u64; typedef long long s64; typedef int pid_t; typedef unsigned long size_t;
            struct task_struct { long state; int pid; int tgid; char comm[16]; struct task_struct *real_parent; u32 on_cpu:1, policy:7; };
            struct sock_common { u16 skc_family; volatile u8 skc_state; u16 skc_dport; u32 skc_daddr; };
            struct sock { struct sock_common __sk_common; struct task_struct *owner; };
            struct file { u32 f_mode; struct file *next; };
            enum state { STATE_IDLE, STATE_BUSY = 7 };
            struct __sk_buff { u32 len; u32 pkt_type; };
            """;
    private static final String X86 = """
            struct pt_regs { unsigned long r15, r14, r13, r12, bp, bx, r11, r10, r9, r8, ax, cx, dx, si, di, orig_ax, ip, cs, flags, sp, ss; };
            """;
    private static final String ARM = """
            struct pt_regs { u64 regs[31]; u64 sp; u64 pc; u64 pstate; u64 orig_x0; int syscallno; };
            """;

    static SmallKernel of(Arch arch) {
        var diagnostics = new Diagnostics();
        var text = COMMON + (arch == Arch.X86_64 ? X86 : ARM);
        var c = CDeclarations.read(
                new Source("kernel", text), Optional.empty(), IncludeProvider.NONE, Map.of(), diagnostics);
        assert diagnostics.list().isEmpty() : diagnostics.list();
        return new SmallKernel(arch, Optional.of(c.types()));
    }

    @Override
    public String description() {
        return "small kernel";
    }

    @Override
    public KernelVersion version() {
        return new KernelVersion(6, 12, 3);
    }

    @Override
    public int possibleCpus() {
        return 4;
    }

    @Override
    public Optional<TracepointFormat> tracepoint(String category, String event) {
        return category.equals("sched") && event.equals("wake")
                ? Optional.of(new TracepointFormat(
                        category,
                        event,
                        List.of(
                                new TracepointFormat.Field("unsigned short", "common_type", 0, 2, false, 0, false),
                                new TracepointFormat.Field("char", "comm", 8, 16, true, 16, false),
                                new TracepointFormat.Field("pid_t", "pid", 24, 4, true, 0, false),
                                new TracepointFormat.Field("char", "name", 28, 4, true, 0, true),
                                new TracepointFormat.Field("const char *", "where", 32, 8, false, 0, false))))
                : Optional.empty();
    }

    @Override
    public Stream<String> probes(ProbeKind kind) {
        return Stream.empty();
    }

    @Override
    public boolean hasFunction(String module, String function) {
        return false;
    }

    @Override
    public Optional<Long> symbolAddress(String name) {
        return Optional.empty();
    }

    @Override
    public Optional<Symbol> symbolAt(long address) {
        return Optional.empty();
    }

    @Override
    public Optional<Unsupported> unsupported(Feature feature) {
        return Optional.empty();
    }
}
