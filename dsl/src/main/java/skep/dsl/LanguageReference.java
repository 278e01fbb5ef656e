package skep.dsl;

import java.util.List;
import skep.isa.kernel.ProbeKind;

/**
 * The words of the language with one line each: what the reference in {@code docs} is generated from, and what an editor
 * can offer. Every name that the compiler knows has its row.
 */
public final class LanguageReference {
    private LanguageReference() {}

    /** What a word is. */
    public enum Kind {
        BUILTIN("Builtins"),
        FUNCTION("Functions"),
        AGGREGATION("Aggregations"),
        STATEMENT("Statements");

        private final String title;

        Kind(String title) {
            this.title = title;
        }

        public String title() {
            return title;
        }
    }

    /**
     * A word.
     *
     * @param syntax how it is written, for example {@code str(pointer [, length])}
     */
    public record Word(Kind kind, String name, String syntax, String meaning) {}

    private static Word builtin(String name, String meaning) {
        return new Word(Kind.BUILTIN, name, name, meaning);
    }

    private static Word function(String syntax, String meaning) {
        return new Word(Kind.FUNCTION, syntax.substring(0, syntax.indexOf('(')), syntax, meaning);
    }

    private static Word aggregation(String syntax, String meaning) {
        return new Word(Kind.AGGREGATION, syntax.substring(0, syntax.indexOf('(')), syntax, meaning);
    }

    private static Word statement(String name, String syntax, String meaning) {
        return new Word(Kind.STATEMENT, name, syntax, meaning);
    }

    /** All words, by kind, in the order of the reference. */
    public static List<Word> words() {
        return List.of(
                builtin("arg0", "argument of a function, usdt probe or raw tracepoint: arg0, arg1, …"),
                builtin("args", "the fields of a tracepoint or the named arguments of a function: args.name"),
                builtin("cgroup", "id of the current cgroup (version 2)"),
                builtin("comm", "name of the current thread"),
                builtin("cpid", "process started with -c"),
                builtin("cpu", "processor that the probe runs on"),
                builtin("ctx", "the context of the probe"),
                builtin("curtask", "the current struct task_struct"),
                builtin("elapsed", "nanoseconds since the script began"),
                builtin("func", "the function that is probed"),
                builtin("gid", "group of the current process"),
                builtin("has_cpid", "whether a command was given with -c"),
                builtin("jiffies", "ticks since boot"),
                builtin("kstack", "stack of the kernel; kstack([mode,] [depth])"),
                builtin("leader_comm", "name of the thread-group leader"),
                builtin("leader_tid", "thread id of the thread-group leader"),
                builtin("ncpus", "number of possible processors"),
                builtin("nsecs", "nanoseconds since boot; nsecs(monotonic), nsecs(tai)"),
                builtin("numaid", "NUMA node"),
                builtin("pcomm", "name of the parent; pcomm(task) of another task's"),
                builtin("pid", "process id (thread-group id)"),
                builtin("ppid", "process id of the parent; ppid(task) of another task's"),
                builtin("probe", "name of the probe"),
                builtin("probetype", "kind of the probe"),
                builtin("rand", "32 random bits"),
                builtin("retval", "what the function returned"),
                builtin("self", "self->name: a variable of the current thread, gone when the thread ends"),
                builtin("tid", "thread id"),
                builtin("uid", "user of the current process"),
                builtin("usermode", "whether the processor was in user mode"),
                builtin("username", "name of the user"),
                builtin(
                        "dw_ustack",
                        "as ustack, by the unwinding tables of the process's files (.eh_frame): needs no frame pointers; dw_ustack([mode,] [depth])"),
                builtin("ustack", "stack of the process; ustack([mode,] [depth])"),
                function(
                        "assert(condition, \"text\")", "stops the script with an error if the condition does not hold"),
                function("bswap(n)", "the bytes of an integer in reverse order"),
                function("buf(pointer, length)", "bytes, printed with %r"),
                function("cat(format, …)", "prints a file"),
                function("cgroup_path(id [, glob])", "path of a cgroup"),
                function("cgroupid(path)", "id of a cgroup"),
                function("clear(@map)", "removes all entries"),
                function("commit(id)", "does what a speculation held back: see speculate"),
                function("config()", "the configuration as a record; also config.name"),
                function("container_of(p, type, field)", "the structure whose field is at an address"),
                function("debugf(format, …)", "writes to the kernel's trace buffer"),
                function("delete(@map, key)", "removes an entry; also delete(@map[key]), @map[key] = delete"),
                function("discard(id)", "forgets what a speculation held back: see speculate"),
                function("errorf(format, …)", "printf to standard error, with the place in the script"),
                function("exit([code])", "ends the script"),
                function("fail(format, …)", "an error when the script is compiled"),
                function("find(@map, key, $variable)", "looks up an entry; tells whether it exists"),
                function("getopt(\"name\" [, default])", "a named parameter given behind --"),
                function("has_key(@map, key)", "whether an entry exists"),
                function("is_array(e)", "whether the type is an array, when the script is compiled"),
                function("is_err(pointer)", "whether a pointer is an error number of the kernel"),
                function("is_integer(e)", "whether the type is an integer"),
                function("is_literal(e)", "whether the value is known when the script is compiled"),
                function("is_ptr(e)", "whether the type is a pointer"),
                function("is_scalar(@map)", "whether a map has no key"),
                function("is_str(e)", "whether the type is a string"),
                function("is_unsigned_integer(e)", "whether the type is an unsigned integer"),
                function("join(argv [, separator])", "prints an array of strings"),
                function("kaddr(\"symbol\")", "address of a kernel symbol"),
                function("kfunc_allowed(\"name\")", "whether a kernel function may be called"),
                function("kfunc_exist(\"name\")", "whether a kernel function exists"),
                function("kptr(pointer)", "the pointer as one into kernel memory"),
                function("kstack([mode,] [depth])", "stack of the kernel"),
                function("ksym(address)", "symbol at a kernel address"),
                function("len(@map)", "number of entries; length of an array or string"),
                function("macaddr(bytes)", "a MAC address"),
                function("memcmp(a, b, length)", "compares bytes"),
                function("nsecs([clock])", "time of a clock"),
                function("ntop([family,] address)", "an internet address as text"),
                function("offsetof(type, field)", "offset of a field in bytes"),
                function("override(value)", "makes the probed function return at once (unsafe)"),
                function("path(pointer [, length])", "path of a struct path"),
                function("percpu_kaddr(\"symbol\" [, cpu])", "address of a per-CPU variable"),
                function("pid([init])", "process id in a namespace"),
                function(
                        "print(value)",
                        "prints a value; print(@map [, top [, divisor]]) a map; print(@map, form [, \"file\"]) a picture: table, histogram,"
                                + " heatmap, flame, timeline, lanes, folded, csv, json, pprof, trace"),
                function(
                        "printa(@a, @b, … [, form] [, \"settings\"])",
                        "maps as columns of one table; settings top=N, sort=@b, div=N, rate, percent, percentiles, descending"),
                function("printf(format, …)", "prints formatted text"),
                function("pton(\"address\")", "bytes of an internet address"),
                function("reg(\"name\")", "a register"),
                function("signal(number)", "sends a signal to the current process (unsafe)"),
                function("signal_name(number)", "name of a signal"),
                function("signal_thread(number)", "sends a signal to the current thread (unsafe)"),
                function("sizeof(e)", "size of a type or value in bytes"),
                function("skboutput(path, skb, length, offset)", "writes a packet to a file"),
                function("socket_cookie(socket)", "a number that identifies a socket"),
                function(
                        "speculate(id)",
                        "holds back what is printed from here to the end of the block, until commit(id) or discard(id)"),
                function("speculation()", "a new number for speculate"),
                function("static_assert(condition, \"text\")", "an error when the script is compiled"),
                function("str(pointer [, length])", "string at an address"),
                function("str_concat(a, b)", "both strings, one behind the other"),
                function("strcap(s)", "capacity of a string in bytes"),
                function("strcontains(s, part)", "whether a string contains another"),
                function("strerror(number)", "text of an error number"),
                function("strftime(format, nsecs)", "a time as text"),
                function("strlen(s)", "length of a string"),
                function("strncmp(a, b, length)", "0 if the strings agree so far"),
                function("strstr(s, part)", "position of a part, or -1"),
                function("syscall_name(number)", "name of a system call"),
                function("system(format, …)", "runs a command (unsafe)"),
                function("tid([init])", "thread id in a namespace"),
                function("time([format])", "prints the time of day"),
                function("uaddr(\"symbol\")", "address of a symbol of the traced program"),
                function("unwatch(address)", "removes a watchpoint"),
                function("uptr(pointer)", "the pointer as one into user memory"),
                function("ustack([mode,] [depth])", "stack of the process"),
                function("usym(address)", "symbol at an address of the process"),
                function("warnf(format, …)", "printf to standard error, as a warning with the place in the script"),
                function("write_user(pointer, value, length)", "writes user memory (unsafe)"),
                function("zero(@map)", "sets all values to zero"),
                aggregation("avg(n)", "average"),
                aggregation("count()", "how often"),
                aggregation("hist(n [, bits])", "histogram by powers of two, each divided into 2^bits (0 to 5)"),
                aggregation("lhist(n, min, max, step)", "histogram of equal steps, at most 1000"),
                aggregation(
                        "llhist(n, factor, low, high, steps)",
                        "histogram of powers of factor from factor^low to factor^(high+1), each in equal steps"),
                aggregation("max(n)", "greatest value"),
                aggregation("min(n)", "least value"),
                aggregation("p50(n)", "one quantile: p50, p90, p95, p99, p999"),
                aggregation("p90(n)", "see p50"),
                aggregation("p95(n)", "see p50"),
                aggregation("p99(n)", "see p50"),
                aggregation("p999(n)", "see p50"),
                aggregation(
                        "quantiles(n [, level, …])",
                        "quantiles, within 1.6 % of the value; levels 50, 99, 999 (99.9 %); 50, 90, 99 if none is given"),
                aggregation("stats(n)", "count, average and total"),
                aggregation("sum(n)", "total"),
                aggregation(
                        "tseries(n, interval, count [, \"avg\" | \"max\" | \"min\" | \"sum\"])", "values over time"),
                statement("if", "if (condition) { … } else { … }", "also as a value: $x = if (c) { 1 } else { 2 }"),
                statement("while", "while (condition) { … }", "a loop; break and continue"),
                statement("for", "for ($kv : @map) { … }", "each entry, $kv.0 the key, $kv.1 the value"),
                statement("for range", "for ($i : from..to) { … }", "integers from, up to but not including to"),
                statement("unroll", "unroll(count) { … }", "the body count times, at most 100"),
                statement("let", "let $x : type = value;", "declares a variable"),
                statement("return", "return [value];", "leaves the probe or function"),
                statement("macro", "macro name(x, $v, @m) { … }", "hygienic; chosen by number and kind of arguments"),
                statement("fn", "fn name($a : int64) : int64 { … }", "a function that probes can call"),
                statement("map", "let @m = lruhash(100);", "hash, lruhash, percpuhash, percpulruhash with a size"),
                statement(
                        "import",
                        "import \"file.bt\";",
                        "macros, functions and probes of another script; also file.h, file.bpf.c for its functions, a folder"),
                statement("config", "config = { name = value; … }", "settings of the script"));
    }

    /** The reference as Markdown. */
    public static String markdown() {
        var out = new StringBuilder("# The tracing language\n\n");
        out.append("Generated from the tables that the compiler uses; `-Dskep.rewrite=true` writes it anew.\n\n");
        out.append(
                "A script is a list of probes: `probe /condition/ { statements }`. The body may also stand in angle\n");
        out.append("brackets: `probe < statements >`.\n\n## Probes\n\n| name | short |\n|---|---|\n");
        for (var kind : ProbeKind.values()) {
            out.append("| `").append(kind.longName()).append("` | ");
            out.append(kind.shortName().isEmpty() ? "" : "`" + kind.shortName() + "`")
                    .append(" |\n");
        }
        for (var kind : Kind.values()) {
            out.append("\n## ").append(kind.title()).append("\n\n| written | meaning |\n|---|---|\n");
            for (var word : words()) {
                if (word.kind() == kind) {
                    out.append("| `").append(word.syntax().replace("|", "\\|")).append("` | ");
                    out.append(word.meaning()).append(" |\n");
                }
            }
        }
        return out.toString();
    }
}
