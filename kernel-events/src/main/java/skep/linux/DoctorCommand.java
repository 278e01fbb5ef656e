package skep.linux;

import java.io.InputStream;
import java.io.PrintStream;
import java.util.List;
import java.util.Optional;
import skep.isa.kernel.Feature;
import skep.isa.kernel.Unsupported;
import skep.linux.sys.LocalSyscalls;
import skep.target.TargetException;
import skep.target.ToolCommand;

/**
 * {@code skep doctor}: what the kernel of this machine allows, what is missing, and how a person with the right to do so
 * could enable it. It tries the smallest thing of each kind and changes nothing.
 */
public final class DoctorCommand implements ToolCommand {
    @Override
    public String name() {
        return "doctor";
    }

    @Override
    public String summary() {
        return """
                says what this machine allows, what is missing and how to enable it
                  doctor [--markdown]    --markdown prints a row of the table in docs/kernels.md""";
    }

    @Override
    public int run(List<String> arguments, InputStream in, PrintStream out, PrintStream err) {
        boolean markdown = arguments.contains("--markdown");
        if (arguments.stream().anyMatch(word -> !word.equals("--markdown"))) {
            err.println("ERROR: doctor takes only --markdown");
            return 2;
        }
        if (!System.getProperty("os.name").equals("Linux")) {
            out.println("This is " + System.getProperty("os.name") + ": there is no Linux kernel to trace here.");
            out.println("Scripts run with --target embedded.");
            return 0;
        }
        var host = Host.of(LocalSyscalls.instance());
        try {
            var kernel = new LinuxKernel(host);
            if (markdown) {
                markdown(kernel, out);
            } else {
                report(host, kernel, out);
            }
            return 0;
        } catch (TargetException failure) {
            err.println("ERROR: " + failure.getMessage());
            return 1;
        }
    }

    private static void report(Host host, LinuxKernel kernel, PrintStream out) {
        out.println(kernel.description() + ", " + kernel.possibleCpus() + " CPUs");
        boolean privileged = LinuxTargetProvider.missing(host) == 0;
        line(out, privileged, "this user may trace", "run as root, or with CAP_BPF and CAP_PERFMON");
        out.println();
        for (var feature : Feature.values()) {
            var refusal = kernel.unsupported(feature);
            line(
                    out,
                    refusal.isEmpty(),
                    feature.title(),
                    refusal.map(DoctorCommand::explained).orElse(""));
        }
        out.println();
        setting(host, out, "the BPF JIT", "/proc/sys/net/core/bpf_jit_enable", "1", "sysctl net.core.bpf_jit_enable=1");
        setting(
                host,
                out,
                "run time statistics of programs",
                "/proc/sys/kernel/bpf_stats_enabled",
                "1",
                "sysctl kernel.bpf_stats_enabled=1 (costs about 20 ns a run)");
        boolean pins = host.files().text("/proc/self/mounts").orElse("").contains(" bpf ");
        line(out, pins, "bpffs, for pins", "mount -t bpf bpf /sys/fs/bpf (Skep itself pins nothing)");
        line(
                out,
                !kernel.symbols().addressesHidden(),
                "addresses of kernel symbols",
                "sysctl kernel.kptr_restrict=0, or run as root");
        out.println();
        out.println("What is missing here can be tried with --target embedded.");
    }

    private static void setting(Host host, PrintStream out, String what, String file, String wanted, String how) {
        var value = host.files().text(file).orElse("");
        line(out, value.equals(wanted), what, how);
    }

    private static void line(PrintStream out, boolean allowed, String what, String otherwise) {
        out.println(
                (allowed ? "  yes  " : "  no   ") + what + (allowed || otherwise.isEmpty() ? "" : ": " + otherwise));
    }

    private static String explained(Unsupported refusal) {
        var how = enabling(refusal.feature());
        var sentence = refusal.reason() + (how.isEmpty() ? "" : "; " + how);
        return refusal.instead().isEmpty() ? sentence : sentence + ". " + refusal.instead();
    }

    /** What the owner of a machine could change; empty where it is a matter of hardware or policy alone. */
    private static String enabling(Feature feature) {
        return switch (feature) {
            case BPF_SYSCALL -> "needs a kernel with CONFIG_BPF_SYSCALL=y";
            case KPROBE -> "needs a kernel with CONFIG_KPROBES=y and CONFIG_KPROBE_EVENTS=y";
            case KPROBE_MULTI -> "needs Linux 5.18 with CONFIG_FPROBE=y";
            case KPROBE_SESSION -> "needs Linux 6.10 with CONFIG_FPROBE=y";
            case FMOD_RET -> "needs Linux 5.7 with CONFIG_DEBUG_INFO_BTF=y, not locked down";
            case LSM -> "needs CONFIG_BPF_LSM=y and bpf in the boot option lsm=";
            case UPROBE_SESSION -> "needs Linux 6.13";
            case SOCKET_FILTER, XDP -> "needs CONFIG_BPF_SYSCALL=y and CONFIG_NET=y";
            case TC -> "needs Linux 6.6 with CONFIG_NET_XGRESS=y";
            case CGROUP -> "needs CONFIG_CGROUP_BPF=y";
            case FENTRY -> "needs Linux 5.5 with CONFIG_DEBUG_INFO_BTF=y, not locked down (boot without lockdown=)";
            case TRACEPOINT -> "needs CONFIG_EVENT_TRACING=y and tracefs";
            case RAW_TRACEPOINT -> "needs Linux 4.17";
            case BTF_TRACEPOINT, ITER -> "needs Linux 5.8 with CONFIG_DEBUG_INFO_BTF=y";
            case UPROBE -> "needs CONFIG_UPROBE_EVENTS=y";
            case UPROBE_MULTI -> "needs Linux 6.6";
            case WATCHPOINT -> "needs CONFIG_HAVE_HW_BREAKPOINT=y";
            case PERF_SOFTWARE -> "needs CONFIG_PERF_EVENTS=y";
            case PERF_HARDWARE -> "a virtual machine needs its host to pass the counters through";
            case RING_BUFFER -> "needs Linux 5.8";
            case USER_STACK_COPY -> "needs Linux 5.15";
            case BTF -> "needs CONFIG_DEBUG_INFO_BTF=y";
        };
    }

    private static void markdown(LinuxKernel kernel, PrintStream out) {
        var row = new StringBuilder("| ").append(kernel.description()).append(" |");
        for (var feature : Feature.values()) {
            Optional<Unsupported> refusal = kernel.unsupported(feature);
            row.append(refusal.isEmpty() ? " yes |" : " no |");
        }
        var head = new StringBuilder("| kernel |");
        var rule = new StringBuilder("|---|");
        for (var feature : Feature.values()) {
            head.append(' ').append(feature.title()).append(" |");
            rule.append("---|");
        }
        out.println(head);
        out.println(rule);
        out.println(row);
    }
}
