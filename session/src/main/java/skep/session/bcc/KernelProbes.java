package skep.session.bcc;

import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.stream.Collectors;
import skep.btf.BtfKind;
import skep.c.bcc.FunctionUse;
import skep.c.bcc.FunctionUse.Form;
import skep.isa.kernel.AttachType;
import skep.isa.kernel.Feature;
import skep.isa.kernel.KernelInfo;
import skep.isa.kernel.ProbeKind;
import skep.isa.kernel.ProbeSpec;
import skep.isa.kernel.ProgramType;
import skep.session.SyscallNames;

/** How the kprobe of a function is served by a kernel: as a kprobe, else by what means the same there. */
final class KernelProbes {
    private static final List<String> SYSCALL_PREFIXES =
            List.of("__x64_sys_", "__arm64_sys_", "__se_sys_", "__do_sys_", "sys_", "__ia32_sys_");

    /** System calls whose function has another name (syscall_64.tbl and unistd.h of Linux 6.18). */
    private static final Map<String, String> FUNCTION_NAMES = Map.of(
            "stat", "newstat",
            "lstat", "newlstat",
            "fstat", "newfstat",
            "uname", "newuname",
            "umount2", "umount",
            "sendfile", "sendfile64");

    private static final int SUGGESTIONS = 3;

    /** A tracepoint of the scheduler, since Linux 6.16, at the end of {@code __schedule}. */
    private static final String AFTER_SWITCH = "sched_exit_tp";

    private final BccHost host;
    private final KernelInfo kernel;
    private Map<String, Integer> syscalls = Map.of();

    KernelProbes(BccHost host) {
        this.host = host;
        this.kernel = host.target().kernel();
    }

    /**
     * A function's use, and where to attach it.
     *
     * @param before what has to be attached before it, and goes with it
     */
    record Plan(FunctionUse use, ProbeSpec probe, Optional<Plan> before) {
        Plan(FunctionUse use, ProbeSpec probe) {
            this(use, probe, Optional.empty());
        }
    }

    /**
     * @param program the name that the use gets
     * @throws BccException if this kernel has no such function, or refuses every way to it
     */
    Plan plan(String function, boolean returns, String event, long offset) {
        var kind = returns ? ProbeKind.KRETPROBE : ProbeKind.KPROBE;
        var refusal = kernel.unsupported(Feature.KPROBE);
        if (refusal.isEmpty()) {
            int colon = event.indexOf(':');
            var module = colon < 0 ? "" : event.substring(0, colon);
            return new Plan(
                    FunctionUse.of(function, ProgramType.KPROBE),
                    new ProbeSpec(kind, module, event.substring(colon + 1), offset, 0, OptionalInt.empty()));
        }
        var number = syscallNumber(event);
        if (number.isPresent()
                && offset == 0
                && kernel.unsupported(Feature.RAW_TRACEPOINT).isEmpty()) {
            return syscall(function, returns, event, number.get(), refusal.get().reason());
        }
        if (offset == 0 && kernel.unsupported(Feature.FENTRY).isEmpty() && isTyped(event)) {
            host.tellOnce(
                    "kprobes are served by fentry and fexit: " + refusal.get().reason());
            var type = returns ? AttachType.TRACE_FEXIT : AttachType.TRACE_FENTRY;
            Form form = returns ? new Form.TrampolineExit() : new Form.TrampolineEntry();
            var use = new FunctionUse(
                    function, function + "@" + event, ProgramType.TRACING, Optional.of(type), event, form);
            return new Plan(use, ProbeSpec.of(returns ? ProbeKind.FEXIT : ProbeKind.FENTRY, event));
        }
        if (offset == 0
                && !returns
                && kernel.unsupported(Feature.RAW_TRACEPOINT).isEmpty()) {
            var tracepoint = tracepoint(function, event, refusal.get().reason());
            if (tracepoint.isPresent()) {
                return tracepoint.get();
            }
        }
        throw new BccException(
                BccException.Step.ATTACH,
                "cannot attach " + function + " to " + kind.longName() + " " + event + ": "
                        + refusal.get().reason() + ". " + refusal.get().instead());
    }

    private Plan syscall(String function, boolean returns, String event, int number, String reason) {
        host.tellOnce("kprobes of system calls are served by the raw tracepoints sys_enter and sys_exit: " + reason);
        Form form = returns ? new Form.SyscallExit(List.of(number)) : new Form.SyscallEntry(List.of(number));
        var use = new FunctionUse(
                function, function + "@" + event, ProgramType.RAW_TRACEPOINT, Optional.empty(), "", form);
        return new Plan(use, ProbeSpec.of(ProbeKind.RAWTRACEPOINT, returns ? "sys_exit" : "sys_enter"));
    }

    private Optional<Plan> tracepoint(String function, String event, String reason) {
        if (event.equals("finish_task_switch") || event.startsWith("finish_task_switch.isra.")) {
            if (!servesSwitches(kernel)) {
                return Optional.empty();
            }
            host.tellOnce("kprobes of finish_task_switch are served by the tracepoint " + AFTER_SWITCH
                    + ", which does not see the first switch to a new task: " + reason);
            var note = new FunctionUse(
                    function,
                    function + "@sched_switch",
                    ProgramType.RAW_TRACEPOINT,
                    Optional.empty(),
                    "",
                    new Form.SwitchNote());
            return Optional.of(new Plan(
                    raw(function, event, new Form.AfterSwitch()),
                    ProbeSpec.of(ProbeKind.RAWTRACEPOINT, AFTER_SWITCH),
                    Optional.of(new Plan(note, ProbeSpec.of(ProbeKind.RAWTRACEPOINT, "sched_switch")))));
        }
        return TracepointEquivalents.of(kernel, event).map(same -> {
            host.tellOnce("kprobes of " + event + " are served by the tracepoint " + same.tracepoint()
                    + (same.difference().isEmpty() ? "" : " (" + same.difference() + ")") + ": " + reason);
            return new Plan(
                    raw(function, event, new Form.Tracepoint(same.words())),
                    ProbeSpec.of(ProbeKind.RAWTRACEPOINT, same.tracepoint()));
        });
    }

    /** Whether kprobes of {@code finish_task_switch} are served by a tracepoint, since there are no kprobes. */
    static boolean servesSwitches(KernelInfo kernel) {
        return kernel.unsupported(Feature.KPROBE).isPresent() && TracepointEquivalents.has(kernel, AFTER_SWITCH);
    }

    private static FunctionUse raw(String function, String event, Form form) {
        return new FunctionUse(
                function, function + "@" + event, ProgramType.RAW_TRACEPOINT, Optional.empty(), "", form);
    }

    private boolean isTyped(String event) {
        return kernel.types()
                .map(btf -> btf.find(event, BtfKind.FUNC).isPresent())
                .orElse(false);
    }

    private Optional<Integer> syscallNumber(String event) {
        for (var prefix : SYSCALL_PREFIXES) {
            if (event.startsWith(prefix)) {
                if (syscalls.isEmpty()) {
                    var names = new HashMap<String, Integer>();
                    SyscallNames.all(kernel.arch()).forEach((number, name) -> names.put(name, number.intValue()));
                    FUNCTION_NAMES.forEach((syscall, functionName) -> {
                        var known = names.get(syscall);
                        if (known != null) {
                            names.put(functionName, known);
                        }
                    });
                    syscalls = names;
                }
                return Optional.ofNullable(syscalls.get(event.substring(prefix.length())));
            }
        }
        return Optional.empty();
    }

    /** A sentence that names the closest of the known names, or nothing. */
    static String didYouMean(String name, java.util.stream.Stream<String> known) {
        var nearest = known.filter(other -> Math.abs(other.length() - name.length()) <= name.length())
                .map(other -> Map.entry(distance(name, other), other))
                .filter(entry -> entry.getKey() <= Math.max(2, name.length() / 2))
                .sorted(Comparator.comparing((Map.Entry<Integer, String> entry) -> entry.getKey())
                        .thenComparing(Map.Entry::getValue))
                .limit(SUGGESTIONS)
                .map(Map.Entry::getValue)
                .collect(Collectors.joining(", "));
        return nearest.isEmpty() ? "" : " Did you mean " + nearest + "?";
    }

    private static int distance(String a, String b) {
        var row = new int[b.length() + 1];
        for (int j = 0; j <= b.length(); j++) {
            row[j] = j;
        }
        for (int i = 1; i <= a.length(); i++) {
            int diagonal = row[0];
            row[0] = i;
            for (int j = 1; j <= b.length(); j++) {
                int changed = diagonal + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.min(changed, Math.min(row[j], row[j - 1]) + 1);
            }
        }
        return row[b.length()];
    }
}
