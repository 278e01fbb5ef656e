package skep.cli;

import java.util.List;

/**
 * The options of the command, one a row: what parsing and help are made from. There is no library behind them because
 * the cache that starts the command fast holds no classes as old as those of the libraries there are.
 */
enum Option {
    PROGRAM("PROGRAM", "run this program", "-e"),
    TARGET("SPEC", "where to trace: linux (default), embedded[:arch=,seed=,speed=,cpus=], …", "--target"),
    COMMAND("CMD", "run this command and trace until it ends; cpid is its process", "-c", "--cmd"),
    PID("PID", "trace this process", "-p", "--pid"),
    DURATION("TIME", "end after this time (500ms, 3s, 1m)", "--duration"),
    LIST("", "list probes that match a pattern; with -v their arguments, or a type", "-l", "--list"),
    FORMAT("text|json", "form of the output", "-f", "--format"),
    OUTPUT("FILE", "write the script's output to a file", "-o", "--output"),
    BUFFERING("line|full|none", "when output is written: each line, each batch, at once", "-B", "--buffering"),
    QUIET("", "no messages but errors", "-q", "--quiet"),
    VERBOSE("", "say more: how probes are attached, the verifier's log", "-v", "--verbose"),
    STAGES(
            "STAGE",
            "print stages and stop: ast, typed, ir, asm, object, all; arm64 (machine code), arm64-linux, arm64-linux-6.12 (as Linux 6.1 or 6.12 would)",
            "-d",
            "--debug"),
    DRY_RUN("", "compile, load and attach, then end", "--dry-run"),
    HELPER_ERRORS("", "report helpers that fail (-kk: reads too)", "-k"),
    INCLUDE_DIR("DIR", "search headers here", "-I"),
    INCLUDE("FILE", "include this header", "--include"),
    UNSAFE("", "allow functions that change the system", "--unsafe"),
    NO_WARNINGS("", "no warnings", "--no-warnings"),
    PROBE_FILTER("REGEX", "only probes whose name matches", "--probe-filter"),
    KERNEL_INFO("FILE", "compile for the kernel that skep kernel-info wrote down (with -d)", "--kernel-info"),
    BACKEND("NAME", "how the embedded kernel runs programs: interp, jvm, …", "--backend"),
    LANGUAGE("VERSION", "level: 0.17 … 0.26; before 0.23, Attaching N probes... on standard output", "--lang"),
    WATCH("TIME", "show the maps again and again at this interval", "--watch"),
    EXPORT(
            "[FORM:]FILE",
            "write the maps at the end: csv, json, folded, pprof, trace, svg, png, html, txt",
            "--export"),
    FMT("", "print the script formatted", "--fmt"),
    TEST("", "run the script's test probes", "--test"),
    BENCH("", "run the script's bench probes", "--bench"),
    MODE("MODE", "format, test or bench", "--mode"),
    INFO("", "say what this kernel allows, and why not", "--info"),
    VERSION("", "version", "-V", "--version"),
    HELP("", "this help", "-h", "--help"),
    DEBUG_FOLDER("DIR", "look for debugging files of programs here too", "--debuginfo"),
    FUNCTIONS("FILE", "the kernel's functions that may be traced, one a line", "--traceable-functions"),
    DWARF_PID("PID", "processes whose stacks dw_ustack unwinds; several, or all without it", "--dwarf-pid"),
    EMIT_ELF("FILE", "write the compiled object to a file and stop", "--emit-elf"),
    AOT("FILE", "", "--aot"),
    EMIT_LLVM("FILE", "", "--emit-llvm"),
    // Options of the peer that mean nothing here: accepted, so that command lines keep working.
    IGNORED("", "", "--verify-llvm-ir", "--usdt-file-activation", "--no-debuginfo"),
    IGNORED_WITH_VALUE("VALUE", "", "--no-feature");

    private static final int HELP_COLUMN = 26;

    private final String label;
    private final String description;
    private final List<String> names;

    Option(String label, String description, String... names) {
        this.label = label;
        this.description = description;
        this.names = List.of(names);
    }

    boolean takesValue() {
        return !label.isEmpty();
    }

    boolean isNamed(String name) {
        return names.contains(name);
    }

    /** The lines of the help text that name the options. */
    static String helpLines() {
        var out = new StringBuilder();
        for (var option : values()) {
            if (option.description.isEmpty()) {
                continue;
            }
            var first = option.names.getFirst();
            var line = new StringBuilder(first.startsWith("--") ? "      " : "  ");
            line.append(String.join(", ", option.names));
            if (option.takesValue()) {
                line.append(' ').append(option.label);
            }
            line.repeat(' ', Math.max(2, HELP_COLUMN - line.length()));
            out.append(line).append(option.description).append('\n');
        }
        return out.toString();
    }
}
