package skep.dsl.check;

import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import skep.dsl.CompileOptions;
import skep.dsl.ScriptConfig;
import skep.dsl.Type;
import skep.dsl.ast.Expr;
import skep.dsl.ast.Script;
import skep.source.Diagnostics;

/**
 * The configuration: defaults, then variables of the environment, then {@code config} blocks.
 *
 * @param maxStringBytes size of strings that {@code str} makes
 * @param maxMapEntries entries of maps that are not declared
 * @param onStackBytes bigger values lie in scratch memory
 * @param license of the programs
 */
record Settings(
        int maxStringBytes,
        int maxMapEntries,
        int onStackBytes,
        Type.StackMode stackMode,
        String license,
        ScriptConfig forUserSpace) {
    private static final Set<String> NAMES = Set.of(
            "max_strlen",
            "max_map_keys",
            "max_probes",
            "max_bpf_progs",
            "max_cat_bytes",
            "max_type_res_iterations",
            "on_stack_limit",
            "log_size",
            "perf_rb_pages",
            "stack_mode",
            "missing_probes",
            "print_maps_on_exit",
            "str_trunc_trailer",
            "license",
            "cpp_demangle",
            "show_debug_info",
            "cache_user_symbols",
            "lazy_symbolication",
            "use_blazesym",
            "unstable_import",
            "unstable_map_decl",
            "unstable_macro",
            "unstable_tseries",
            "unstable_addr",
            "unstable_typeinfo",
            "unstable_dw_ustack",
            "symbol_source",
            "max_ast_nodes",
            "strict_division");

    /** What the kernel takes as compatible with the GPL (include/linux/license.h). */
    private static final List<String> LICENSES =
            List.of("Dual MIT/GPL", "Dual BSD/GPL", "Dual MPL/GPL", "GPL and additional rights", "GPL v2", "GPL");

    private static final Set<String> ENVIRONMENT_ONLY =
            Set.of("kernel_build", "kernel_source", "btf", "debug_output", "color", "vmlinux", "no_cpp_demangle");

    static Settings of(Script script, CompileOptions options, Diagnostics diagnostics) {
        var reader = new Reader();
        for (var entry : options.environment().entrySet()) {
            if (entry.getKey().startsWith("BPFTRACE_")) {
                var name = entry.getKey().substring(9).toLowerCase(Locale.ROOT);
                if (NAMES.contains(name)) {
                    reader.set(name, entry.getValue());
                }
            }
        }
        for (var setting : script.config()) {
            reader.set(setting, diagnostics);
        }
        return reader.settings();
    }

    private static final class Reader {
        private int maxStringBytes = 1024;
        private int maxMapEntries = 4096;
        private int onStackBytes = 32;
        private int maxProbes = 1024;
        private int maxPrograms = 1024;
        private int maxCatBytes = 10240;
        private int pages = ScriptConfig.AUTO_PAGES;
        private boolean printMaps = true;
        private boolean demangle = true;
        private boolean showDebugInfo = true;
        private String trailer = "..";
        private String license = "GPL";
        private String missingProbes = "error";
        private Type.StackMode stackMode = Type.StackMode.BPFTRACE;

        void set(Script.Setting setting, Diagnostics diagnostics) {
            var name = setting.name().toLowerCase(Locale.ROOT);
            if (name.startsWith("bpftrace_")) {
                name = name.substring(9);
            }
            if (ENVIRONMENT_ONLY.contains(name)) {
                diagnostics.error("config", setting.span(), name + ": can only be set as an environment variable");
                return;
            }
            if (!NAMES.contains(name)) {
                diagnostics.error(
                        "config",
                        setting.span(),
                        setting.name() + ": not a known configuration option",
                        NearestNames.hint(name, NAMES.stream()));
                return;
            }
            var value = switch (setting.value()) {
                case Expr.IntLit i -> Long.toString(i.value());
                case Expr.StrLit s -> s.value();
                case Expr.BoolLit b -> b.value() ? "true" : "false";
                case Expr.Ident i -> i.name();
                default -> "";
            };
            if (!set(name, value)) {
                diagnostics.error(
                        "config",
                        setting.span(),
                        "Invalid value for " + name + ". Found: " + value + "." + expected(name));
            }
        }

        private static String expected(String name) {
            return switch (name) {
                case "stack_mode" -> " Valid values: bpftrace, perf, raw, build_id.";
                case "missing_probes" -> " Valid values: error, warn, ignore.";
                case "license" -> " Valid values: " + String.join(", ", LICENSES) + ".";
                default -> "";
            };
        }

        boolean set(String name, String value) {
            switch (name) {
                case "max_strlen" -> maxStringBytes = number(value, maxStringBytes);
                case "max_map_keys" -> maxMapEntries = number(value, maxMapEntries);
                case "on_stack_limit" -> onStackBytes = number(value, onStackBytes);
                case "max_probes" -> maxProbes = number(value, maxProbes);
                case "max_bpf_progs" -> maxPrograms = number(value, maxPrograms);
                case "max_cat_bytes" -> maxCatBytes = number(value, maxCatBytes);
                case "perf_rb_pages" ->
                    pages = value.equals("auto") ? ScriptConfig.AUTO_PAGES : Math.max(1, number(value, 64));
                case "print_maps_on_exit" -> printMaps = truth(value);
                case "cpp_demangle" -> demangle = truth(value);
                case "show_debug_info" -> showDebugInfo = truth(value);
                case "str_trunc_trailer" -> trailer = value;
                case "license" -> {
                    license = value;
                    return LICENSES.contains(value);
                }
                case "missing_probes" -> {
                    missingProbes = value;
                    return List.of("error", "warn", "ignore").contains(value);
                }
                case "cache_user_symbols" -> {
                    return List.of("PER_PROGRAM", "PER_PID", "NONE", "0", "1", "true", "false")
                            .contains(value.toUpperCase(Locale.ROOT));
                }
                case "stack_mode" -> {
                    var mode = stackMode(value);
                    mode.ifPresent(m -> stackMode = m);
                    return mode.isPresent();
                }
                default -> {}
            }
            return true;
        }

        private static int number(String text, int otherwise) {
            try {
                return (int) Math.min(Integer.MAX_VALUE, Long.parseLong(text.strip()));
            } catch (NumberFormatException notANumber) {
                return otherwise;
            }
        }

        private static boolean truth(String text) {
            return text.equals("1") || text.equals("true");
        }

        Settings settings() {
            var forUser = new ScriptConfig(
                    printMaps,
                    trailer,
                    maxCatBytes,
                    maxProbes,
                    maxPrograms,
                    pages,
                    demangle,
                    showDebugInfo,
                    missingProbes);
            return new Settings(maxStringBytes, maxMapEntries, onStackBytes, stackMode, license, forUser);
        }
    }

    static java.util.Optional<Type.StackMode> stackMode(String name) {
        return Stream.of(Type.StackMode.values())
                .filter(m -> m.title().equals(name))
                .findFirst();
    }

    /** Names that {@code config} knows, for the reference. */
    static Map<String, String> names() {
        var names = new java.util.TreeMap<String, String>();
        NAMES.forEach(n -> names.put(n, "BPFTRACE_" + n.toUpperCase(Locale.ROOT)));
        return names;
    }
}
