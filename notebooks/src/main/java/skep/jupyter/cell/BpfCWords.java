package skep.jupyter.cell;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;
import java.util.regex.Pattern;
import skep.jupyter.protocol.Kernel;

/** What can be written in a C program: BCC's macros, the helpers that tools use most, and the program's own names. */
final class BpfCWords {
    private static final Pattern WORD = Pattern.compile("[A-Za-z_]\\w*$");

    private static final Pattern NAMES = Pattern.compile("[A-Za-z_]\\w{2,}");

    private static final Map<String, String> MEANINGS = new LinkedHashMap<>();

    static {
        meaning("BPF_HASH(name, key, leaf, size)", "a hash table; key is u64 and leaf u64 unless given");
        meaning("BPF_ARRAY(name, leaf, size)", "an array with keys from 0");
        meaning("BPF_HISTOGRAM(name, key, size)", "a table of counts, drawn as a histogram");
        meaning("BPF_PERF_OUTPUT(name)", "events to user space: name.perf_submit(ctx, &data, sizeof(data))");
        meaning(
                "BPF_RINGBUF_OUTPUT(name, pages)",
                "events to user space in one buffer: name.ringbuf_output(&data, sizeof(data), 0)");
        meaning("BPF_PERCPU_HASH(name, key, leaf, size)", "a hash table with a value for each CPU");
        meaning("BPF_PERCPU_ARRAY(name, leaf, size)", "an array with a value for each CPU");
        meaning("BPF_LRU_HASH(name, key, leaf, size)", "a hash table that lets go of what was used least recently");
        meaning("BPF_STACK_TRACE(name, size)", "stacks by their ids: name.get_stackid(ctx, flags)");
        meaning("TRACEPOINT_PROBE(category, event)", "a function for a tracepoint; args has its fields");
        meaning("RAW_TRACEPOINT_PROBE(event)", "a function for a raw tracepoint");
        meaning("KFUNC_PROBE(function, …)", "a function at the entry of a kernel function, with its typed arguments");
        meaning("KRETFUNC_PROBE(function, …)", "a function at the return of a kernel function");
        meaning("kprobe__FUNCTION(struct pt_regs *ctx, …)", "a function at the entry of a kernel function");
        meaning("kretprobe__FUNCTION(struct pt_regs *ctx)", "a function at the return of a kernel function");
        meaning("PT_REGS_RC(ctx)", "what the probed function returns");
        meaning("PT_REGS_PARM1(ctx)", "the first argument of the probed function");
        meaning("bpf_ktime_get_ns()", "time since boot in nanoseconds, without sleep");
        meaning("bpf_get_current_pid_tgid()", "process id in the upper half, thread id in the lower");
        meaning("bpf_get_current_uid_gid()", "group id in the upper half, user id in the lower");
        meaning("bpf_get_current_comm(&buffer, sizeof(buffer))", "the name of the current thread");
        meaning("bpf_get_current_task()", "the current task_struct");
        meaning("bpf_get_smp_processor_id()", "the CPU");
        meaning("bpf_probe_read_kernel(dst, size, src)", "copies from kernel memory; 0 or an error");
        meaning(
                "bpf_probe_read_kernel_str(dst, size, src)",
                "copies a string from kernel memory; its length or an error");
        meaning("bpf_probe_read_user(dst, size, src)", "copies from the process's memory; 0 or an error");
        meaning("bpf_probe_read_user_str(dst, size, src)", "copies a string from the process's memory");
        meaning("bpf_trace_printk(format, …)", "prints a line; for trying things out");
        meaning("bpf_log2l(value)", "the slot of a value in a histogram");
        meaning("lookup_or_try_init(&key, &zero)", "a pointer to the value, made if it was not there");
        meaning("increment(key)", "adds one to the value");
    }

    private BpfCWords() {}

    private static void meaning(String syntax, String text) {
        MEANINGS.put(name(syntax), syntax + ": " + text);
    }

    private static String name(String syntax) {
        return syntax.replaceFirst("\\(.*", "").replaceFirst("FUNCTION$", "");
    }

    static Kernel.Completions complete(String body, int cursor) {
        var match = WORD.matcher(body.substring(0, cursor));
        if (!match.find()) {
            return new Kernel.Completions(List.of(), cursor, cursor);
        }
        var words = new TreeSet<>(MEANINGS.keySet());
        var names = NAMES.matcher(body);
        while (names.find()) {
            if (names.end() != cursor) {
                words.add(names.group());
            }
        }
        return new Kernel.Completions(
                words.stream().filter(word -> word.startsWith(match.group())).toList(), match.start(), cursor);
    }

    static Optional<String> meaning(String body, int cursor) {
        int end = cursor;
        while (end < body.length() && Character.isJavaIdentifierPart(body.charAt(end))) {
            end++;
        }
        var match = WORD.matcher(body.substring(0, end));
        return match.find() ? Optional.ofNullable(MEANINGS.get(match.group())) : Optional.empty();
    }
}
