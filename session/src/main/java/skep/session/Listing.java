package skep.session;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.function.Consumer;
import java.util.regex.Pattern;
import skep.btf.Btf;
import skep.btf.BtfKind;
import skep.btf.BtfType;
import skep.dsl.CompileResult;
import skep.dsl.Compiler;
import skep.dsl.ScriptProgram;
import skep.isa.kernel.Feature;
import skep.isa.kernel.KernelInfo;
import skep.isa.kernel.KernelVersion;
import skep.isa.kernel.ProbeKind;
import skep.isa.kernel.Unsupported;
import skep.isa.kernel.UsdtProbe;
import skep.isa.kernel.UserBinary;
import skep.source.Source;
import skep.target.Target;

/** Lists what a target can be asked: probes, their arguments, types, features. */
public final class Listing {
    private static final List<ProbeKind> BY_TIME = List.of(ProbeKind.INTERVAL, ProbeKind.PROFILE);
    private static final List<String> TIME_UNITS = List.of("hz:", "ms:", "s:", "us:");
    private static final String FIELD_INDENT = "    ";

    private Listing() {}

    /** The same without a process: {@link #list(Target, String, boolean, OptionalInt, Consumer)}. */
    public static void list(Target target, String pattern, boolean verbose, Consumer<String> lines) {
        list(target, pattern, verbose, OptionalInt.empty(), lines);
    }

    /**
     * Lists the probes that match a pattern, one a line, in the order of kinds and names.
     *
     * @param pattern globs of a provider and a probe separated by commas ({@code kprobe:vfs_*,tracepoint:sched:*}), a
     *     glob of any probe ({@code *sleep*}), a type ({@code struct file}), or nothing for all
     * @param verbose whether the arguments of each probe follow it
     * @param pid the process whose programs {@code *} stands for in probes of programs; without one it stands for none
     */
    public static void list(Target target, String pattern, boolean verbose, OptionalInt pid, Consumer<String> lines) {
        var kernel = target.kernel();
        if (isType(pattern)) {
            types(kernel, pattern, lines);
            return;
        }
        var patterns = pattern.isEmpty() ? List.of("*") : Arrays.asList(pattern.split(","));
        for (var one : patterns) {
            probes(kernel, one.strip(), verbose, pid, lines);
        }
    }

    /**
     * Lists the probes that a script attaches to.
     *
     * @throws ScriptException if it does not compile
     */
    public static void listScript(
            Target target, String name, String text, SessionOptions options, boolean verbose, Consumer<String> lines) {
        CompileResult result = Compiler.compile(
                new Source(name, text), target.kernel(), Session.compileOptions(options, Optional.empty()));
        var script = result.script().orElseThrow(() -> new ScriptException(result.diagnostics()));
        for (var program : script.programs()) {
            if (program.role() == ScriptProgram.Role.PROBE) {
                program.shownAs().stream()
                        .map(Listing::withoutPeriod)
                        .distinct()
                        .forEach(lines);
            }
        }
    }

    // A listing shows where one can attach, not how often: interval:s:1 is listed as interval:s:
    private static String withoutPeriod(String probe) {
        var parts = probe.split(":");
        return parts.length == 3
                        && List.of("interval", "profile", "software", "hardware")
                                .contains(parts[0])
                ? parts[0] + ":" + parts[1] + ":"
                : probe;
    }

    private static void probes(
            KernelInfo kernel, String pattern, boolean verbose, OptionalInt pid, Consumer<String> lines) {
        int colon = pattern.indexOf(':');
        var provider = colon < 0 ? "*" : pattern.substring(0, colon);
        var rest = colon < 0 ? pattern : pattern.substring(colon + 1);
        // Without a provider the pattern is looked for anywhere in the name.
        var wanted = colon < 0 ? Pattern.compile(".*" + regex(rest) + ".*") : Pattern.compile(regex(rest));
        for (var kind : ProbeKind.values()) {
            if (!matches(provider, kind)) {
                continue;
            }
            if (OF_PROGRAMS.contains(kind)) {
                // All functions of all libraries are a hundred thousand lines: only who names the kind gets them.
                ofPrograms(kernel, kind, rest, verbose, colon < 0 ? OptionalInt.empty() : pid, lines);
                continue;
            }
            names(kernel, kind)
                    .filter(name -> wanted.matcher(name).matches()
                            || wanted.matcher(name.substring(name.indexOf(':') + 1))
                                            .matches()
                                    && !rest.contains(":"))
                    .forEach(name -> {
                        lines.accept(kind.longName() + ":" + name);
                        if (verbose) {
                            arguments(kernel, kind, name).forEach(argument -> lines.accept(FIELD_INDENT + argument));
                        }
                    });
        }
    }

    /** In front of names as C++ writes them. */
    private static final String CPP = "cpp:";

    private static final Set<ProbeKind> OF_PROGRAMS = Set.of(ProbeKind.UPROBE, ProbeKind.URETPROBE, ProbeKind.USDT);

    /** Functions and static probes of the programs that the part before the colon names. */
    private static void ofPrograms(
            KernelInfo kernel, ProbeKind kind, String rest, boolean verbose, OptionalInt pid, Consumer<String> lines) {
        int colon = rest.indexOf(':');
        var program = colon < 0 ? rest : rest.substring(0, colon);
        if ((program.isEmpty() || program.equals("*")) && pid.isEmpty()) {
            return;
        }
        var function = colon < 0 ? "*" : rest.substring(colon + 1);
        var wanted = Pattern.compile(regex(function));
        for (var binary : kernel.binaries(program, pid)) {
            if (kind == ProbeKind.USDT) {
                var seen = new HashSet<String>();
                for (var probe : binary.staticProbes()) {
                    var name = probe.provider() + ":" + probe.name();
                    if ((wanted.matcher(name).matches()
                                    || wanted.matcher(probe.name()).matches())
                            && seen.add(name)) {
                        lines.accept(kind.longName() + ":" + binary.path() + ":" + name);
                        if (verbose) {
                            arguments(probe).forEach(argument -> lines.accept(FIELD_INDENT + argument));
                        }
                    }
                }
                continue;
            }
            if (function.startsWith(CPP)) {
                var name = function.substring(CPP.length()).replace("\"", "");
                binary.cppFunctions(name).stream()
                        .map(UserBinary.CppFunction::readable)
                        .distinct()
                        .forEach(readable -> lines.accept(
                                kind.longName() + ":" + binary.path() + ":" + CPP + "\"" + readable + "\""));
                continue;
            }
            binary.functions().stream()
                    .filter(name -> wanted.matcher(name).matches())
                    .forEach(name -> lines.accept(kind.longName() + ":" + binary.path() + ":" + name));
        }
    }

    private static List<String> arguments(UsdtProbe probe) {
        var lines = new ArrayList<String>();
        for (var argument : probe.arguments()) {
            lines.add((argument.signed() ? "int" : "uint") + 8 * argument.sizeBytes() + " arg" + lines.size());
        }
        return lines;
    }

    private static java.util.stream.Stream<String> names(KernelInfo kernel, ProbeKind kind) {
        if (BY_TIME.contains(kind)) {
            return TIME_UNITS.stream();
        }
        // Events that take a count show the place for it.
        return kind == ProbeKind.SOFTWARE || kind == ProbeKind.HARDWARE
                ? kernel.probes(kind).map(name -> name.endsWith(":") ? name : name + ":")
                : kernel.probes(kind);
    }

    private static boolean matches(String provider, ProbeKind kind) {
        var known = ProbeKind.ofName(provider);
        return known.map(kind::equals)
                .orElseGet(() -> Pattern.matches(regex(provider.toLowerCase(Locale.ROOT)), kind.longName()));
    }

    private static String regex(String glob) {
        var out = new StringBuilder();
        for (char c : glob.toCharArray()) {
            out.append(
                    switch (c) {
                        case '*' -> ".*";
                        case '?' -> ".";
                        default -> Pattern.quote(String.valueOf(c));
                    });
        }
        return out.toString();
    }

    /** The arguments of a probe as declarations in C. */
    private static List<String> arguments(KernelInfo kernel, ProbeKind kind, String name) {
        int colon = name.indexOf(':');
        var function = name.substring(colon + 1);
        return switch (kind) {
            case TRACEPOINT ->
                kernel.tracepoint(name.substring(0, Math.max(0, colon)), function)
                        .map(format -> format.fields().stream()
                                .filter(field -> !field.name().startsWith("common_"))
                                .map(field -> field.type() + " " + field.name()
                                        + (field.arrayLength() > 0 ? "[" + field.arrayLength() + "]" : ""))
                                .toList())
                        .orElse(List.of());
            case RAWTRACEPOINT -> parameters(kernel, "btf_trace_" + function, true);
            case FENTRY, KPROBE -> parameters(kernel, name, false);
            case FEXIT -> {
                var all = new ArrayList<>(parameters(kernel, name, false));
                kernel.types(module(name))
                        .ifPresent(btf -> btf.function(function)
                                .filter(prototype -> prototype.returnId() != 0)
                                .ifPresent(prototype -> all.add(btf.cName(prototype.returnId()) + " retval")));
                yield all;
            }
            default -> List.of();
        };
    }

    /** The names of a function's parameters, or of a raw tracepoint's by the name of its type. */
    static List<String> parameterNames(KernelInfo kernel, String function, boolean typedef) {
        return kernel.types().stream()
                .flatMap(btf -> (typedef ? tracepointPrototype(btf, function) : btf.function(function)).stream())
                .flatMap(prototype -> prototype.parameters().stream().skip(typedef ? 1 : 0))
                .map(BtfType.Parameter::name)
                .filter(name -> !name.isEmpty())
                .toList();
    }

    private static String module(String name) {
        return name.substring(0, Math.max(0, name.indexOf(':')));
    }

    private static List<String> parameters(KernelInfo kernel, String name, boolean typedef) {
        var btf = kernel.types(module(name));
        var function = name.substring(name.indexOf(':') + 1);
        if (btf.isEmpty()) {
            return List.of();
        }
        var prototype =
                typedef ? tracepointPrototype(btf.get(), function) : btf.get().function(function);
        // The first argument of a tracepoint's function is its private data.
        return prototype
                .map(p -> p.parameters().stream()
                        .skip(typedef ? 1 : 0)
                        .filter(parameter -> parameter.typeId() != 0)
                        .map(parameter -> btf.get().cDeclaration(parameter.typeId(), parameter.name()))
                        .toList())
                .orElse(List.of());
    }

    private static Optional<BtfType.Prototype> tracepointPrototype(Btf btf, String typedef) {
        var id = btf.find(typedef, BtfKind.TYPEDEF);
        if (id.isPresent()
                && btf.resolved(id.getAsInt()) instanceof BtfType.Pointer pointer
                && btf.resolved(pointer.typeId()) instanceof BtfType.Prototype prototype) {
            return Optional.of(prototype);
        }
        return Optional.empty();
    }

    private static boolean isType(String pattern) {
        return pattern.startsWith("struct ") || pattern.startsWith("union ") || pattern.startsWith("enum ");
    }

    private static void types(KernelInfo kernel, String pattern, Consumer<String> lines) {
        int space = pattern.indexOf(' ');
        var keyword = pattern.substring(0, space);
        var wanted = Pattern.compile(regex(pattern.substring(space + 1).strip()));
        var kinds = switch (keyword) {
            case "struct" -> List.of(BtfKind.STRUCT);
            case "union" -> List.of(BtfKind.UNION);
            default -> List.of(BtfKind.ENUM, BtfKind.ENUM64);
        };
        kernel.types()
                .ifPresent(btf -> kinds.stream()
                        .flatMap(kind -> btf.ids(kind).boxed())
                        .filter(id -> wanted.matcher(btf.name(id)).matches())
                        .forEach(id -> {
                            lines.accept("vmlinux: " + keyword + " " + btf.name(id) + " {");
                            members(btf, btf.type(id)).forEach(member -> lines.accept(FIELD_INDENT + member));
                            lines.accept("};");
                        }));
    }

    private static List<String> members(Btf btf, BtfType type) {
        return switch (type) {
            case BtfType.Struct s ->
                s.members().stream().map(m -> member(btf, m)).toList();
            case BtfType.Union u ->
                u.members().stream().map(m -> member(btf, m)).toList();
            case BtfType.Enumeration e ->
                e.values().stream().map(v -> v.name() + " = " + v.value() + ",").toList();
            default -> List.of();
        };
    }

    private static String member(Btf btf, BtfType.Member member) {
        return btf.cDeclaration(member.typeId(), member.name())
                + (member.bitFieldBits() > 0 ? " : " + member.bitFieldBits() : "")
                + ";";
    }

    /** What a target allows, as lines {@code name: yes} and {@code name: no}, each refusal with its reason below it. */
    public static void features(Target target, String version, Consumer<String> lines) {
        var kernel = target.kernel();
        lines.accept("System");
        lines.accept("  Kernel: " + kernel.description());
        lines.accept("  Arch: " + kernel.arch().machine());
        lines.accept("  CPUs: " + kernel.possibleCpus());
        lines.accept("");
        lines.accept("Build");
        lines.accept("  version: " + version);
        lines.accept("  java: " + Runtime.version());
        lines.accept("");
        lines.accept("Kernel features");
        for (var feature : Feature.values()) {
            var refusal = kernel.unsupported(feature);
            feature(feature.name().toLowerCase(Locale.ROOT), refusal, lines);
            if (feature == Feature.KPROBE_MULTI) {
                feature("kprobe_session", refusal.or(() -> session(kernel)), lines);
            }
        }
    }

    private static Optional<Unsupported> session(KernelInfo kernel) {
        return kernel.version().compareTo(new KernelVersion(6, 10, 0)) >= 0
                ? Optional.empty()
                : Optional.of(new Unsupported(Feature.KPROBE_MULTI, "kprobe sessions came with Linux 6.10", ""));
    }

    private static void feature(String name, Optional<Unsupported> refusal, Consumer<String> lines) {
        lines.accept("  " + name + ": " + (refusal.isEmpty() ? "yes" : "no"));
        refusal.ifPresent(reason ->
                lines.accept("    " + reason.reason() + (reason.instead().isEmpty() ? "" : ". " + reason.instead())));
    }
}
