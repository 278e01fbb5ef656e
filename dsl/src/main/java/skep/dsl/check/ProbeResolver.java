package skep.dsl.check;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.stream.Stream;
import skep.btf.BtfKind;
import skep.dsl.CompileOptions;
import skep.dsl.ast.Script;
import skep.dsl.parse.IntegerLiteral;
import skep.isa.kernel.Feature;
import skep.isa.kernel.KernelInfo;
import skep.isa.kernel.ProbeKind;
import skep.isa.kernel.ProbeSpec;
import skep.isa.kernel.Signal;
import skep.isa.kernel.UsdtArgument;
import skep.isa.kernel.UserBinary;
import skep.source.Diagnostics;
import skep.source.Span;

/** Turns attach points as written into probes: positional parameters, wildcards, periods, offsets. */
final class ProbeResolver {
    private static final Set<String> SOFTWARE_EVENTS = Set.of(
            "cpu",
            "cpu-clock",
            "task-clock",
            "faults",
            "page-faults",
            "cs",
            "context-switches",
            "cpu-migrations",
            "minor-faults",
            "major-faults",
            "alignment-faults",
            "emulation-faults",
            "dummy",
            "bpf-output",
            "bpf-output-data",
            "cgroup-switches");
    private static final Set<String> HARDWARE_EVENTS = Set.of(
            "cpu-cycles",
            "cycles",
            "instructions",
            "cache-references",
            "cache-misses",
            "branch-instructions",
            "branches",
            "bus-cycles",
            "frontend-stalls",
            "backend-stalls",
            "ref-cycles",
            "branch-misses");

    /** Kinds of programs that decide something, which scripts do not. */
    private static final Set<String> IN_C = Set.of("fmod_ret", "lsm", "socket", "xdp", "tc", "cgroup");

    /** Iterators that the kernel can confine to a process. */
    private static final Set<String> OF_ONE_PROCESS = Set.of("task", "task_file", "task_vma");

    private static final String NO_MATCHES = "no-matches";

    private static final long MIN_PERIOD_NANOS = 1_000;

    private final KernelInfo kernel;
    private final CompileOptions options;
    private final Diagnostics diagnostics;
    private final List<CheckError> unmatched = new ArrayList<>();

    ProbeResolver(KernelInfo kernel, CompileOptions options, Diagnostics diagnostics) {
        this.kernel = kernel;
        this.options = options;
        this.diagnostics = diagnostics;
    }

    /** One probe, the name that the script sees, and where a static probe's arguments are. */
    record Resolved(ProbeSpec spec, String shownAs, List<UsdtArgument> arguments) {
        Resolved(ProbeSpec spec, String shownAs) {
            this(spec, shownAs, List.of());
        }
    }

    /** Tells of the wildcards of a probe that matched nothing: a mistake if no other attach point did. */
    void reportUnmatched(boolean othersMatched, String missingProbes) {
        for (var problem : unmatched) {
            if (missingProbes.equals("error") && !othersMatched) {
                problem.report(diagnostics);
            } else if (!missingProbes.equals("ignore")) {
                problem.warn(diagnostics);
            }
        }
        unmatched.clear();
    }

    /** All probes of an attach point; empty, with an error said, if there is none. */
    List<Resolved> resolve(Script.AttachPoint point, String missingProbes) {
        var parts = new ArrayList<String>();
        var quoted = new ArrayList<Boolean>();
        for (var part : point.parts()) {
            var text = text(part, point.span());
            boolean wholePoint = parts.isEmpty() && part.pieces().stream().anyMatch(Script.Piece::positional);
            for (var piece : wholePoint ? text.split(":", -1) : new String[] {text}) {
                parts.add(piece);
                quoted.add(part.pieces().stream().anyMatch(Script.Piece::quoted));
            }
        }
        var found = new ArrayList<Resolved>();
        var provider = parts.getFirst();
        if (Glob.isGlob(provider)) {
            for (var kind : ProbeKind.values()) {
                if (Glob.matches(provider.toLowerCase(Locale.ROOT), kind.longName())) {
                    found.addAll(quietly(kind, parts, quoted, point.span()));
                }
            }
            if (found.isEmpty()) {
                error(point.span(), "No matches for probe " + point.span().text());
            }
            return found;
        }
        var kind = ProbeKind.ofName(provider);
        if (kind.isEmpty()) {
            var names = Stream.of(ProbeKind.values()).map(ProbeKind::longName);
            diagnostics.error(
                    "unknown-probe",
                    point.span(),
                    "Invalid probe type: " + provider,
                    IN_C.contains(provider)
                            ? "programs for " + provider + " are written in C: skep run FILE.c"
                            : NearestNames.hint(provider.toLowerCase(Locale.ROOT), names));
            return List.of();
        }
        try {
            found.addAll(resolve(kind.get(), parts, quoted, point.span()));
        } catch (CheckError problem) {
            if (problem.code().equals(NO_MATCHES)) {
                unmatched.add(problem);
            } else if (missingProbes.equals("error") || !problem.code().equals("missing-probe")) {
                problem.report(diagnostics);
            } else if (missingProbes.equals("warn")) {
                diagnostics.warning("missing-probe", point.span(), problem.getMessage() + " Skipping.", "");
            }
        }
        return found;
    }

    private List<Resolved> quietly(ProbeKind kind, List<String> parts, List<Boolean> quoted, Span span) {
        try {
            return resolve(kind, parts, quoted, span);
        } catch (CheckError ignored) {
            return List.of();
        }
    }

    private String text(Script.Part part, Span span) {
        var text = new StringBuilder();
        for (var piece : part.pieces()) {
            if (!piece.positional()) {
                text.append(piece.text());
                continue;
            }
            if (piece.text().length() > 18) {
                error(
                        span,
                        "positional parameter is not valid: overflow error, maximum value is 18446744073709551615: "
                                + piece.text());
                continue;
            }
            long index = Long.parseLong(piece.text());
            if (index >= 1 && index <= options.positional().size()) {
                text.append(options.positional().get((int) index - 1));
            }
        }
        return text.toString();
    }

    private void error(Span span, String message) {
        diagnostics.error("probe", span, message);
    }

    private static CheckError problem(Span span, String message) {
        return new CheckError("probe", span, message);
    }

    /** A wildcard matched nothing. */
    private static CheckError noMatches(Span span) {
        return new CheckError(NO_MATCHES, span, "No matches for probe " + span.text());
    }

    private static CheckError missing(ProbeKind kind, String name, Span span, Stream<String> near) {
        return new CheckError(
                "missing-probe",
                span,
                "No matches for " + kind.longName() + " " + name + ".",
                NearestNames.hint(name, near));
    }

    private static CheckError arity(ProbeKind kind, Span span, String wanted, int found) {
        return problem(span, kind.longName() + " probe type requires " + wanted + " arguments, found " + found);
    }

    private List<Resolved> resolve(ProbeKind kind, List<String> parts, List<Boolean> quoted, Span span) {
        int count = parts.size() - 1;
        return switch (kind) {
            case BEGIN, END -> {
                if (count != 0) {
                    throw arity(kind, span, "0", count);
                }
                yield List.of(new Resolved(
                        ProbeSpec.of(kind, ""),
                        parts.getFirst().equals(parts.getFirst().toUpperCase(Locale.ROOT))
                                ? parts.getFirst()
                                : kind.longName()));
            }
            case SELF -> {
                if (count != 2 || !parts.get(1).equals("signal")) {
                    throw arity(kind, span, "2", count);
                }
                if (!parts.get(2).startsWith("SIG")
                        || Signal.number(parts.get(2)).isEmpty()) {
                    throw problem(span, parts.get(2) + " is not a supported signal");
                }
                yield one(kind, "signal", parts.get(2), 0, 0, span);
            }
            case TEST, BENCH -> {
                if (count != 1) {
                    throw arity(kind, span, "1", count);
                }
                yield one(kind, "", parts.get(1), 0, 0, span);
            }
            case INTERVAL, PROFILE -> timed(kind, parts, span);
            case SOFTWARE, HARDWARE -> counted(kind, parts, span);
            case KPROBE, KRETPROBE -> kprobes(kind, parts, quoted, span);
            case FENTRY, FEXIT -> functions(kind, parts, span);
            case TRACEPOINT -> tracepoints(parts, span);
            case RAWTRACEPOINT -> rawTracepoints(parts, span);
            case UPROBE, URETPROBE -> userProbes(kind, parts, quoted, span);
            case USDT -> usdt(parts, quoted, span);
            case WATCHPOINT -> watchpoint(parts, span);
            case ITER -> iterator(parts, span);
            case FMOD_RET, LSM, SOCKET, XDP, TC, CGROUP ->
                throw problem(span, "Invalid probe type: " + kind.longName());
        };
    }

    private List<Resolved> one(ProbeKind kind, String module, String target, long offset, long value, Span span) {
        var spec = new ProbeSpec(kind, module, target, offset, value, pidFilter(kind, target));
        return List.of(new Resolved(spec, shown(kind, span)));
    }

    /** What the script wrote, with the provider's long name. */
    private static String shown(ProbeKind kind, Span span) {
        var text = span.text();
        int colon = text.indexOf(':');
        return colon < 0 ? kind.longName() : kind.longName() + text.substring(colon);
    }

    /** The process of {@code -p} where the kernel can attach to it alone; for others there is {@link ProcessFilter}. */
    private OptionalInt pidFilter(ProbeKind kind, String target) {
        return switch (kind) {
            case UPROBE, URETPROBE, USDT, PROFILE, SOFTWARE, HARDWARE, WATCHPOINT -> options.pidFilter();
            case ITER -> OF_ONE_PROCESS.contains(target) ? options.pidFilter() : OptionalInt.empty();
            default -> OptionalInt.empty();
        };
    }

    /** {@code interval:s:1}, {@code interval:100ms}, {@code profile:hz:99}. */
    private List<Resolved> timed(ProbeKind kind, List<String> parts, Span span) {
        int count = parts.size() - 1;
        if (count != 1 && count != 2) {
            throw arity(kind, span, "1 or 2", count);
        }
        var word = parts.get(count);
        var number = word.isEmpty() || !Character.isDigit(word.charAt(0))
                ? new IntegerLiteral(0, 0, "invalid integer: " + word)
                : IntegerLiteral.parse(word);
        if (!number.problem().isEmpty()) {
            throw problem(span, "Invalid rate of " + kind.longName() + " probe: " + number.problem());
        }
        long nanos;
        if (count == 1) {
            nanos = number.value();
        } else {
            nanos = switch (parts.get(1)) {
                case "s" -> number.value() * 1_000_000_000L;
                case "ms" -> number.value() * 1_000_000L;
                case "us" -> number.value() * 1_000L;
                case "hz" -> {
                    if (number.value() == 0) {
                        throw problem(span, kind.longName() + " frequency must be at least 1");
                    }
                    if (kind == ProbeKind.PROFILE) {
                        yield -number.value();
                    }
                    yield 1_000_000_000L / number.value();
                }
                default ->
                    throw problem(span, parts.get(1) + " is not an accepted unit for " + kind.longName() + " probes");
            };
        }
        if (nanos < 0) {
            return one(kind, "", "hz", 0, -nanos, span);
        }
        if (nanos < MIN_PERIOD_NANOS) {
            throw problem(
                    span,
                    "Invalid rate of " + kind.longName() + " probe. Minimum is 1000 or 1us. Found: " + nanos
                            + " nanoseconds");
        }
        return one(kind, "", "ns", 0, nanos, span);
    }

    /** {@code software:faults:100}. */
    private List<Resolved> counted(ProbeKind kind, List<String> parts, Span span) {
        int count = parts.size() - 1;
        if (count != 1 && count != 2) {
            throw arity(kind, span, "1 or 2", count);
        }
        var events = kind == ProbeKind.SOFTWARE ? SOFTWARE_EVENTS : HARDWARE_EVENTS;
        if (!events.contains(parts.get(1))) {
            throw new CheckError(
                    "probe",
                    span,
                    parts.get(1) + " is not a " + kind.longName() + " probe",
                    NearestNames.hint(parts.get(1), events.stream()));
        }
        long every = count == 2 && !parts.get(2).isEmpty() ? number(parts.get(2), "count", span) : 0;
        return one(kind, "", parts.get(1), 0, every, span);
    }

    private static long number(String word, String what, Span span) {
        if (word.isEmpty() || !Character.isDigit(word.charAt(0))) {
            throw problem(span, "Invalid " + what + " argument: " + word);
        }
        var number = IntegerLiteral.parse(word);
        if (!number.problem().isEmpty()) {
            throw problem(span, "Invalid " + what + " argument: " + number.problem());
        }
        return number.value();
    }

    private List<Resolved> kprobes(ProbeKind kind, List<String> parts, List<Boolean> quoted, Span span) {
        int count = parts.size() - 1;
        if (count != 1 && count != 2) {
            throw arity(kind, span, "1 or 2", count);
        }
        var module = count == 2 ? parts.get(1) : "";
        var target = parts.get(count);
        long offset = 0;
        int plus = target.lastIndexOf('+');
        if (plus > 0) {
            if (kind == ProbeKind.KRETPROBE) {
                throw problem(span, "Offset not allowed");
            }
            offset = number(target.substring(plus + 1), "offset", span);
            target = target.substring(0, plus);
        }
        if (target.startsWith("0x")) {
            if (!options.unsafe()) {
                throw problem(span, "Probing by address requires --unsafe");
            }
            number(target, "function/address", span);
            return one(kind, module, target, offset, 0, span);
        }
        if (Glob.isGlob(target) && !quoted.get(count) || Glob.isGlob(module)) {
            return matching(kind, module, target, span);
        }
        requireFunction(kind, Feature.KPROBE, module, target, span);
        return one(kind, module, target, offset, 0, span);
    }

    /** The module of a function that is none of the kernel proper; else empty. */
    private String itsModule(String function) {
        boolean inKernel = kernel.types()
                .filter(types -> types.find(function, BtfKind.FUNC).isPresent())
                .isPresent();
        return inKernel ? "" : kernel.moduleOf(function).orElse("");
    }

    private void requireFunction(ProbeKind kind, Feature feature, String module, String function, Span span) {
        if (kernel.unsupported(feature).isPresent() || kernel.hasFunction(module, function)) {
            return;
        }
        if (!module.isEmpty()
                && !module.equals("vmlinux")
                && kernel.probes(kind).noneMatch(probe -> probe.startsWith(module + ":"))) {
            throw problem(span, "specified module " + module + " in probe " + shown(kind, span) + " is not loaded.");
        }
        if (kind == ProbeKind.KPROBE || kind == ProbeKind.KRETPROBE) {
            diagnostics.warning(
                    "missing-probe",
                    span,
                    function
                            + " is not traceable (either non-existing, inlined, or marked as \"notrace\"); attaching to it"
                            + " will likely fail",
                    "");
        }
        throw missing(
                kind,
                (module.isEmpty() ? "" : module + ":") + function,
                span,
                kernel.probes(kind).map(p -> p.substring(p.indexOf(':') + 1)));
    }

    /** Every attach point of the kind that a wildcard matches. */
    private List<Resolved> matching(ProbeKind kind, String module, String target, Span span) {
        var found = new ArrayList<Resolved>();
        kernel.probes(kind).forEach(probe -> {
            int colon = probe.indexOf(':');
            var itsModule = colon < 0 ? "" : probe.substring(0, colon);
            var name = probe.substring(colon + 1);
            boolean moduleMatches = module.isEmpty()
                    || Glob.matches(module, itsModule)
                    || itsModule.isEmpty() && Glob.matches(module, "vmlinux");
            if (moduleMatches && Glob.matches(target, name)) {
                found.add(new Resolved(
                        new ProbeSpec(kind, itsModule, name, 0, 0, pidFilter(kind, name)),
                        kind.longName() + ":" + (module.isEmpty() || itsModule.isEmpty() ? "" : itsModule + ":")
                                + name));
            }
        });
        if (found.isEmpty()) {
            throw noMatches(span);
        }
        return found;
    }

    private List<Resolved> functions(ProbeKind kind, List<String> parts, Span span) {
        int count = parts.size() - 1;
        if (count >= 2 && parts.get(1).equals("bpf")) {
            var target = parts.get(count);
            return one(kind, count == 3 ? "bpf:" + parts.get(2) : "bpf", target, 0, 0, span);
        }
        if (count != 1 && count != 2) {
            throw arity(kind, span, "1 or 2", count);
        }
        var module = count == 2 ? parts.get(1) : "";
        var target = parts.get(count);
        if (Glob.isGlob(target) || Glob.isGlob(module)) {
            return matching(kind, module, target, span);
        }
        requireFunction(kind, Feature.FENTRY, module, target, span);
        return one(kind, module.isEmpty() ? itsModule(target) : module, target, 0, 0, span);
    }

    private List<Resolved> tracepoints(List<String> parts, Span span) {
        int count = parts.size() - 1;
        if (count == 1 && Glob.isGlob(parts.get(1)) && !parts.get(1).isEmpty()) {
            return matching(ProbeKind.TRACEPOINT, parts.get(1), "*", span);
        }
        if (count != 2) {
            throw arity(ProbeKind.TRACEPOINT, span, "2", count);
        }
        var category = parts.get(1);
        var event = parts.get(2);
        if (Glob.isGlob(category) || Glob.isGlob(event)) {
            return matching(ProbeKind.TRACEPOINT, category, event, span);
        }
        if (kernel.unsupported(Feature.TRACEPOINT).isEmpty()
                && kernel.tracepoint(category, event).isEmpty()) {
            throw missing(ProbeKind.TRACEPOINT, category + ":" + event, span, kernel.probes(ProbeKind.TRACEPOINT));
        }
        return one(ProbeKind.TRACEPOINT, category, event, 0, 0, span);
    }

    private List<Resolved> rawTracepoints(List<String> parts, Span span) {
        int count = parts.size() - 1;
        if (count != 1 && count != 2) {
            throw arity(ProbeKind.RAWTRACEPOINT, span, "1 or 2", count);
        }
        var module = count == 2 ? parts.get(1) : "";
        var event = parts.get(count);
        if (Glob.isGlob(event) || Glob.isGlob(module)) {
            return matching(ProbeKind.RAWTRACEPOINT, module, event, span);
        }
        return one(ProbeKind.RAWTRACEPOINT, module, event, 0, 0, span);
    }

    private List<Resolved> userProbes(ProbeKind kind, List<String> parts, List<Boolean> quoted, Span span) {
        int count = parts.size() - 1;
        if (count == 1 && parts.get(1).indexOf('@') > 0
                || count >= 2 && parts.get(1).indexOf('@') > 0) {
            return sourceLine(kind, parts, span);
        }
        if (count != 2 && count != 3) {
            throw arity(kind, span, "2 or 3", count);
        }
        var target = parts.get(count);
        long offset = 0;
        int plus = target.lastIndexOf('+');
        if (plus > 0 && plus + 1 < target.length() && Character.isDigit(target.charAt(plus + 1))) {
            if (kind == ProbeKind.URETPROBE) {
                throw problem(span, "Offset not allowed");
            }
            offset = number(target.substring(plus + 1), "offset", span);
            target = target.substring(0, plus);
        }
        var path = parts.get(1);
        if (count == 3) {
            if (!parts.get(2).equals("cpp")) {
                throw problem(span, "'" + parts.get(2) + "' is not a language of binaries, expected cpp");
            }
            return cppFunctions(kind, path, target, offset, span);
        }
        if (Glob.isGlob(path)) {
            return inBinaries(kind, path, target, offset, quoted.get(count), span);
        }
        requireFile(kind, path, span);
        if (Glob.isGlob(target) && !quoted.get(count)) {
            return userFunctions(kind, path, target, span);
        }
        requireUserFunction(kind, path, target, span);
        return one(kind, path, target, offset, 0, span);
    }

    /** The functions of a binary that a wildcard matches. */
    private List<Resolved> userFunctions(ProbeKind kind, String path, String target, Span span) {
        var binary = kernel.binary(path, options.pidFilter());
        Stream<String> names = binary.isPresent()
                ? binary.get().functions().stream()
                : kernel.probes(kind).filter(p -> p.startsWith(path + ":")).map(p -> p.substring(path.length() + 1));
        var found = names.filter(name -> Glob.matches(target, name))
                .distinct()
                .map(name -> new Resolved(
                        new ProbeSpec(kind, path, name, 0, 0, pidFilter(kind, name)),
                        kind.longName() + ":" + path + ":" + name))
                .toList();
        if (found.isEmpty()) {
            throw noMatches(span);
        }
        return found;
    }

    /**
     * The functions of a name as C++ writes it, with its parameters or without: overloads share the latter. The files of a kernel
     * that is not at hand are looked at when the probe is attached.
     */
    private List<Resolved> cppFunctions(ProbeKind kind, String path, String name, long offset, Span span) {
        var binaries = kernel.binaries(path, options.pidFilter());
        if (binaries.isEmpty()) {
            requireFile(kind, path, span);
            return one(kind, path, "cpp:" + name, offset, 0, span);
        }
        var found = new ArrayList<Resolved>();
        for (var binary : binaries) {
            var shown = path.isEmpty() || Glob.isGlob(path) ? binary.path() : path;
            binary.cppFunctions(name)
                    .forEach(function -> found.add(new Resolved(
                            new ProbeSpec(kind, shown, function.name(), offset, 0, pidFilter(kind, function.name())),
                            kind.longName() + ":" + shown + ":cpp:" + function.readable())));
        }
        if (found.isEmpty() && Glob.isGlob(name)) {
            throw noMatches(span);
        }
        if (found.isEmpty()) {
            var names = binaries.stream().flatMap(binary -> binary.cppFunctions("*").stream());
            throw missing(kind, path + ":cpp:" + name, span, names.map(UserBinary.CppFunction::readable));
        }
        return found;
    }

    /** The same in all binaries that a path with wildcards stands for; {@code *} are all that processes have mapped. */
    private List<Resolved> inBinaries(
            ProbeKind kind, String path, String target, long offset, boolean exact, Span span) {
        var found = new ArrayList<Resolved>();
        for (var binary : kernel.binaries(path, options.pidFilter())) {
            var names = Glob.isGlob(target) && !exact
                    ? binary.functions().stream().filter(name -> Glob.matches(target, name))
                    : Stream.of(target).filter(binary::hasFunction);
            names.map(name -> new Resolved(
                            new ProbeSpec(kind, binary.path(), name, offset, 0, pidFilter(kind, name)),
                            kind.longName() + ":" + binary.path() + ":" + name))
                    .forEach(found::add);
        }
        if (found.isEmpty()) {
            throw noMatches(span);
        }
        return found;
    }

    private void requireFile(ProbeKind kind, String path, Span span) {
        if (!path.isEmpty()
                && kernel.knowsFiles()
                && kernel.binary(path, options.pidFilter()).isEmpty()) {
            throw new CheckError(
                    "missing-probe",
                    span,
                    kind.longName() + " target file '" + path + "' does not exist or is not executable",
                    "give its path, a command of PATH, or the name of a library such as libc");
        }
    }

    private void requireUserFunction(ProbeKind kind, String path, String target, Span span) {
        if (target.isEmpty() || target.contains("::")) {
            return;
        }
        var binary = kernel.binary(path, options.pidFilter());
        if (binary.isEmpty()) {
            return;
        }
        if (Character.isDigit(target.charAt(0))) {
            long address = number(target, "function/address", span);
            if (!options.unsafe() && !binary.get().isCode(address)) {
                throw problem(span, "Could not resolve address: " + path + ":0x" + Long.toHexString(address));
            }
            return;
        }
        if (!binary.get().hasFunction(target)) {
            throw new CheckError(
                    "missing-probe",
                    span,
                    "No matches for " + kind.longName() + " " + path + ":" + target + ".",
                    NearestNames.hint(target, binary.get().functions().stream()));
        }
    }

    private List<Resolved> sourceLine(ProbeKind kind, List<String> parts, Span span) {
        int at = parts.get(1).indexOf('@');
        if (kind != ProbeKind.UPROBE || parts.size() < 3 || parts.size() > 4) {
            throw problem(span, "Invalid uprobe arguments, expected format: uprobe:TARGET@FILE:LINE[:COL]");
        }
        if (parts.get(2).isEmpty() || !parts.get(2).chars().allMatch(c -> c >= '0' && c <= '9')) {
            throw problem(span, "Invalid line number: " + parts.get(2));
        }
        return one(
                kind,
                parts.get(1).substring(0, at),
                "@" + parts.get(1).substring(at + 1) + ":" + String.join(":", parts.subList(2, parts.size())),
                0,
                0,
                span);
    }

    private List<Resolved> usdt(List<String> parts, List<Boolean> quoted, Span span) {
        int count = parts.size() - 1;
        if (count != 2 && count != 3 && !(count == 1 && options.pidFilter().isPresent())) {
            throw arity(ProbeKind.USDT, span, "2 or 3", count);
        }
        var path = count == 1 ? "*" : parts.get(1);
        var provider = count == 3 && !parts.get(2).isEmpty() ? parts.get(2) : "*";
        boolean exact = quoted.get(count);
        var binaries = path.isEmpty() || Glob.isGlob(path)
                ? kernel.binaries(path, options.pidFilter())
                : kernel.binary(path, options.pidFilter()).stream().toList();
        if (!path.isEmpty() && !Glob.isGlob(path)) {
            requireFile(ProbeKind.USDT, path, span);
        }
        var found = new ArrayList<Resolved>();
        for (var binary : binaries) {
            var shown = path.isEmpty() || Glob.isGlob(path) ? binary.path() : path;
            staticProbes(binary, shown, provider, parts.get(count), exact).forEach(found::add);
        }
        boolean wild = count == 1 || path.isEmpty() || Glob.isGlob(path) || Glob.isGlob(parts.get(count));
        if (found.isEmpty() && wild) {
            throw noMatches(span);
        }
        if (found.isEmpty()) {
            var target = count == 3 ? parts.get(2) + ":" + parts.get(3) : parts.get(count);
            return one(ProbeKind.USDT, path, target, 0, 0, span);
        }
        return found;
    }

    /** The places of static probes: several may have the same name, with their arguments in different registers. */
    private Stream<Resolved> staticProbes(UserBinary binary, String path, String provider, String name, boolean exact) {
        return binary.staticProbes().stream()
                .filter(p -> Glob.matches(provider, p.provider())
                        && (exact ? name.equals(p.name()) : Glob.matches(name, p.name())))
                .map(p -> {
                    var target = p.provider() + ":" + p.name();
                    return new Resolved(
                            new ProbeSpec(ProbeKind.USDT, path, target, p.offset(), 0, options.pidFilter()),
                            ProbeKind.USDT.longName() + ":" + path + ":" + target,
                            p.arguments());
                });
    }

    /** {@code watchpoint:0x1234:8:rw}. */
    private List<Resolved> watchpoint(List<String> parts, Span span) {
        int count = parts.size() - 1;
        if (count != 3) {
            throw arity(ProbeKind.WATCHPOINT, span, "3", count);
        }
        long address = number(parts.get(1), "function/address", span);
        long length = number(parts.get(2), "length", span);
        if (address == 0) {
            throw problem(span, "watchpoint must be attached to a non-zero address");
        }
        if (length != 1 && length != 2 && length != 4 && length != 8) {
            throw problem(span, "watchpoint length must be one of (1,2,4,8)");
        }
        var mode = parts.get(3);
        var sorted = mode.chars()
                .sorted()
                .collect(StringBuilder::new, StringBuilder::appendCodePoint, StringBuilder::append)
                .toString();
        if (!Set.of("r", "w", "x", "rw").contains(sorted)) {
            throw problem(span, "watchpoint mode must be one of r, w, x or rw, found '" + mode + "'");
        }
        return one(ProbeKind.WATCHPOINT, sorted, parts.get(1), 0, length, span);
    }

    private List<Resolved> iterator(List<String> parts, Span span) {
        int count = parts.size() - 1;
        if (count != 1 && count != 2) {
            throw arity(ProbeKind.ITER, span, "1 or 2", count);
        }
        if (Glob.isGlob(parts.get(1))) {
            return matching(ProbeKind.ITER, "", parts.get(1), span);
        }
        if (kernel.unsupported(Feature.ITER).isEmpty()) {
            var names = kernel.probes(ProbeKind.ITER).toList();
            if (!names.isEmpty() && !names.contains(parts.get(1))) {
                throw missing(ProbeKind.ITER, parts.get(1), span, names.stream());
            }
        }
        return one(ProbeKind.ITER, count == 2 ? parts.get(2) : "", parts.get(1), 0, 0, span);
    }

    /** The value of a probe's first resolved attach point, for messages. */
    static Optional<Resolved> first(List<Resolved> probes) {
        return probes.isEmpty() ? Optional.empty() : Optional.of(probes.getFirst());
    }
}
