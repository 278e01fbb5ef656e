package skep.dsl.check;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import skep.btf.Btf;
import skep.dsl.CompileOptions;
import skep.dsl.ScriptConfig;
import skep.dsl.ScriptProgram;
import skep.dsl.Type;
import skep.dsl.ast.Script;
import skep.isa.kernel.AttachType;
import skep.isa.kernel.Feature;
import skep.isa.kernel.KernelInfo;
import skep.isa.kernel.ProbeKind;
import skep.isa.kernel.ProbeSpec;
import skep.isa.kernel.ProgramType;
import skep.isa.kernel.Registers;
import skep.isa.kernel.UsdtArgument;
import skep.source.Diagnostics;
import skep.source.Span;

/** The checker of whole scripts. */
public final class Checker {
    /** Types that still grow after so many visits refer to themselves in a way that has no end. */
    private static final int MAX_VISITS = 24;

    /** Categories of tracepoints whose events are made from others: they have no raw tracepoint of their name. */
    private static final Set<String> DERIVED_CATEGORIES =
            Set.of("syscalls", "ftrace", "kprobes", "uprobes", "synthetic", "eprobes");

    private static final Set<String> RAW_SYSCALL_FIELDS = Set.of("id", "ret");

    private final Checking checking;
    private final KernelInfo kernel;
    private final CompileOptions options;
    private final Diagnostics diagnostics;
    private final Script script;
    private final SystemCallPrograms systemCalls;
    private final TrampolinePrograms trampolines;
    private boolean filtered;
    private int programs;
    private int probes;

    private Checker(Script script, KernelInfo kernel, CompileOptions options, Diagnostics diagnostics) {
        this.script = script;
        this.kernel = kernel;
        this.options = options;
        this.diagnostics = diagnostics;
        var settings = Settings.of(script, options, diagnostics);
        var declared = CPreamble.read(script, kernel, options, diagnostics);
        this.checking = new Checking(kernel, options, settings, new CTypes(kernel, declared));
        this.systemCalls = new SystemCallPrograms(checking);
        this.trampolines = new TrampolinePrograms(checking);
    }

    /**
     * A checked script.
     *
     * @param measuresStacks whether stacks are stored with the number of their frames
     * @param typed empty if something is wrong
     */
    public record Result(
            Optional<Typed.Script> typed,
            ScriptConfig config,
            int maxMapEntries,
            int onStackBytes,
            String license,
            boolean measuresStacks) {}

    /** Checks a script; what is wrong goes to {@code diagnostics}. */
    public static Result check(Script script, KernelInfo kernel, CompileOptions options, Diagnostics diagnostics) {
        LanguageLevel.check(script, options, diagnostics);
        var expanded = MacroExpander.expand(Imports.resolve(script, options, diagnostics), diagnostics);
        var filtered = ProcessFilter.apply(expanded, options.pidFilter());
        return new Checker(filtered, kernel, options, diagnostics).check();
    }

    /**
     * A body to visit: a probe for some of its attach points.
     *
     * @param cases the system calls of a program that is for many of them; else empty
     */
    record Instance(
            Script.Probe probe,
            ProbeContext context,
            ProgramType type,
            Optional<AttachType> attachType,
            String attachTo,
            ScriptProgram.Role role,
            List<ProbeSpec> specs,
            List<String> shownAs,
            List<Instance> cases,
            Scope scope) {}

    private Result check() {
        for (var declaration : script.mapDeclarations()) {
            declare(declaration);
        }
        for (var subprogram : script.subprograms()) {
            checking.subprograms.put(subprogram.name(), subprogram);
        }
        var resolver = new ProbeResolver(kernel, options, diagnostics);
        var instances = new ArrayList<Instance>();
        for (var probe : script.probes()) {
            instances.addAll(instances(probe, resolver));
        }
        boolean nothing = script.probes().isEmpty() && script.subprograms().isEmpty()
                || instances.isEmpty() && !script.probes().isEmpty();
        if (nothing && !diagnostics.hasErrors()) {
            diagnostics.error("no-probes", script.source().span(0, 0), "No probes to attach");
        }
        var functionScopes = new ArrayList<Scope>();
        script.subprograms().forEach(_ -> functionScopes.add(new Scope()));
        findTypes(instances, functionScopes);
        checking.last = true;
        checking.diagnostics = diagnostics;
        var programs = new ArrayList<Typed.Program>();
        var names = new HashSet<String>();
        for (var instance : instances) {
            programs.add(visit(instance, names));
        }
        var subprograms = new ArrayList<Typed.Subprogram>();
        for (int i = 0; i < script.subprograms().size(); i++) {
            visit(script.subprograms().get(i), functionScopes.get(i)).ifPresent(subprograms::add);
        }
        var unknown = new java.util.TreeSet<>(options.named().keySet());
        unknown.removeAll(checking.namedParameters.keySet());
        if (!unknown.isEmpty()) {
            diagnostics.error(
                    "parameter",
                    script.source().span(0, 0),
                    "unexpected program command line options: --" + String.join(", --", unknown),
                    checking.namedParameters.isEmpty()
                            ? "the script has no named parameters"
                            : "expected program options: "
                                    + checking.namedParameters.entrySet().stream()
                                            .map(p -> "--" + p.getKey()
                                                    + (p.getValue().isEmpty() ? "" : ": " + p.getValue()))
                                            .collect(Collectors.joining(", ")));
        }
        var maps = checking.maps.values().stream().toList();
        for (var map : maps) {
            checkMap(map);
        }
        Optional<Typed.Script> typed = diagnostics.hasErrors()
                ? Optional.empty()
                : Optional.of(new Typed.Script(
                        programs,
                        maps.stream()
                                .filter(m -> !(m.value() instanceof Type.Void))
                                .toList(),
                        subprograms));
        return new Result(
                typed,
                checking.settings.forUserSpace(),
                checking.settings.maxMapEntries(),
                checking.settings.onStackBytes(),
                checking.settings.license(),
                checking.measuresStacks);
    }

    private void declare(Script.MapDeclaration declaration) {
        if (!(declaration.entries() instanceof skep.dsl.ast.Expr.IntLit entries) || entries.value() < 1) {
            diagnostics.error("map-declaration", declaration.span(), "map size must be a positive literal");
            return;
        }
        if (!Set.of("hash", "lruhash", "percpuhash", "percpulruhash", "scalar", "percpuarray", "array")
                .contains(declaration.kind())) {
            diagnostics.error(
                    "map-declaration",
                    declaration.kindSpan(),
                    "Invalid bpf map type: " + declaration.kind(),
                    "Valid map types: percpulruhash, percpuhash, lruhash, hash");
            return;
        }
        checking.map(declaration.map(), declaration.span())
                .declare(declaration.kind(), (int) Math.min(entries.value(), Integer.MAX_VALUE));
    }

    private void checkMap(MapSymbol map) {
        if (map.declaredKind().isEmpty()) {
            return;
        }
        if (map.value() instanceof Type.Void) {
            diagnostics.warning("unused-map", map.span(), "Unused map: " + map.name(), "");
            return;
        }
        boolean perCpu = map.declaredKind().get().startsWith("percpu");
        boolean needsPerCpu = map.value() instanceof Type.Aggregation;
        if (perCpu != needsPerCpu) {
            diagnostics.error(
                    "map-declaration",
                    map.span(),
                    "Incompatible map types. Type from declaration: "
                            + map.declaredKind().get() + ". Type from value/key type: "
                            + (needsPerCpu ? "percpuhash" : "hash"));
        }
    }

    // ---- visits

    private void findTypes(List<Instance> instances, List<Scope> functionScopes) {
        int before = -1;
        for (int visit = 0; visit < MAX_VISITS; visit++) {
            checking.diagnostics = new Diagnostics();
            instances.forEach(this::visitForTypes);
            for (int i = 0; i < functionScopes.size(); i++) {
                visit(script.subprograms().get(i), functionScopes.get(i));
            }
            int changes = checking.changes();
            for (var instance : instances) {
                changes += instance.scope.changes();
                for (var one : instance.cases) {
                    changes += one.scope.changes();
                }
            }
            for (var scope : functionScopes) {
                changes += scope.changes();
            }
            if (changes == before) {
                return;
            }
            before = changes;
        }
    }

    private void visitForTypes(Instance instance) {
        if (!instance.cases.isEmpty()) {
            instance.cases.forEach(this::visitForTypes);
            return;
        }
        instance.scope.restart();
        var body = new BodyChecker(checking, instance.context, instance.scope, Optional.empty(), "");
        instance.probe.predicate().ifPresent(body::predicate);
        body.statements(instance.probe.body().statements());
    }

    private Typed.SystemCalls.Case visitCase(Instance instance) {
        instance.scope.restart();
        var body = new BodyChecker(checking, instance.context, instance.scope, Optional.empty(), "");
        var predicate = instance.probe.predicate().flatMap(body::predicate);
        var statements = body.statements(instance.probe.body().statements());
        return new Typed.SystemCalls.Case(systemCalls.numbers(instance), predicate, statements);
    }

    private Typed.Program visit(Instance instance, Set<String> names) {
        instance.scope.restart();
        var body = new BodyChecker(checking, instance.context, instance.scope, Optional.empty(), "");
        Optional<Typed.Expr> predicate = Optional.empty();
        List<Typed.Stmt> statements;
        if (instance.cases.isEmpty()) {
            predicate = instance.probe.predicate().flatMap(body::predicate);
            statements = body.statements(instance.probe.body().statements());
        } else {
            var cases = instance.cases.stream().map(this::visitCase).toList();
            statements = List.of(systemCalls.statement(instance, cases));
        }
        return new Typed.Program(
                programName(instance, names),
                instance.type,
                instance.attachType,
                instance.attachTo,
                instance.role,
                instance.context,
                instance.specs,
                instance.shownAs,
                predicate,
                statements,
                instance.probe.span());
    }

    private Optional<Typed.Subprogram> visit(Script.Subprogram subprogram, Scope scope) {
        scope.restart();
        try {
            var context = context(ProbeKind.BEGIN, "", "", "");
            var plain = new BodyChecker(checking, context, scope, Optional.empty(), "");
            var result = plain.expressions().types.type(subprogram.result());
            var body = new BodyChecker(checking, context, scope, Optional.of(result), subprogram.name());
            var parameters = new ArrayList<LocalVariable>();
            for (var parameter : subprogram.parameters()) {
                var variable = scope.declare(
                        parameter,
                        parameter.variable().name(),
                        parameter.variable().span());
                if (!variable.cell().isFixed()) {
                    variable.cell().fix(body.expressions().types.type(parameter.type()));
                }
                parameters.add(variable);
            }
            var statements = body.statements(subprogram.body().statements());
            if (!(result instanceof Type.Void) && checking.last && !alwaysReturns(statements)) {
                checking.diagnostics.error("no-return", subprogram.span(), "Not all code paths returned a value");
            }
            return Optional.of(
                    new Typed.Subprogram(subprogram.name(), parameters, result, statements, subprogram.span()));
        } catch (CheckError error) {
            error.report(checking.diagnostics);
            return Optional.empty();
        }
    }

    private static boolean alwaysReturns(List<Typed.Stmt> statements) {
        for (var statement : statements) {
            boolean returns = switch (statement) {
                case Typed.Return _ -> true;
                case Typed.If s -> alwaysReturns(s.then()) && alwaysReturns(s.otherwise());
                case Typed.Sequence s -> alwaysReturns(s.statements());
                default -> false;
            };
            if (returns) {
                return true;
            }
        }
        return false;
    }

    /** A name for the kernel: letters, digits and underscores; unique; the first 15 characters reach the kernel. */
    private static String programName(Instance instance, Set<String> names) {
        var kind = instance.context.kind().longName();
        var target = instance.context.function().isEmpty() ? "" : "_" + instance.context.function();
        var base = (kind + target).replaceAll("[^A-Za-z0-9_]", "_");
        if (instance.role != ScriptProgram.Role.PROBE || base.length() > 60) {
            base = base.substring(0, Math.min(60, base.length()));
        }
        var name = base;
        for (int i = 2; !names.add(name); i++) {
            name = base + "_" + i;
        }
        return name;
    }

    // ---- probes

    private List<Instance> instances(Script.Probe probe, ProbeResolver resolver) {
        var uses = Uses.of(probe);
        var instances = new ArrayList<Instance>();
        var shared = new ArrayList<Group>();
        var seen = new HashSet<String>();
        for (var point : probe.attachPoints()) {
            var resolved =
                    resolver.resolve(point, checking.settings.forUserSpace().missingProbes());
            for (var one : resolved) {
                if (isFilteredOut(one)) {
                    filtered = true;
                    continue;
                }
                if (!seen.add(one.shownAs() + "+" + one.spec().offset())) {
                    continue;
                }
                var shape = shape(one, uses);
                boolean own = ownProgram(one.spec(), shape, uses);
                var group = own
                        ? null
                        : shared.stream()
                                .filter(g -> g.shape.equals(shape))
                                .findFirst()
                                .orElse(null);
                if (group == null) {
                    group = new Group(shape, new ArrayList<>(), new ArrayList<>(), one.spec(), one.shownAs());
                    shared.add(group);
                    if (own) {
                        shared.remove(group);
                        group.specs.add(attachPoint(one.spec(), shape));
                        group.names.add(one.shownAs());
                        instances.add(instance(probe, group));
                        continue;
                    }
                    instances.add(instance(probe, group));
                }
                group.specs.add(attachPoint(one.spec(), shape));
                if (!group.names.contains(one.shownAs())) {
                    group.names.add(one.shownAs());
                }
            }
        }
        var user = checking.settings.forUserSpace();
        resolver.reportUnmatched(!instances.isEmpty(), user.missingProbes());
        if (instances.isEmpty() && user.missingProbes().equals("warn") && !filtered) {
            diagnostics.warning(
                    "missing-probe",
                    probe.attachPoints().getFirst().span(),
                    "Probe has no valid attach points. It is being removed which may cause issues with program behavior.",
                    "");
        }
        limit(probe, instances);
        var own = instances.stream().map(Checker::frozen).toList();
        var typed = trampolines.substituted(probe, own, diagnostics);
        return systemCalls.gathered(probe, systemCalls.substituted(probe, typed, diagnostics));
    }

    private boolean isFilteredOut(ProbeResolver.Resolved one) {
        var filter = options.environment().getOrDefault(CompileOptions.PROBE_FILTER_VARIABLE, "");
        return switch (one.spec().kind()) {
            case BEGIN, END, SELF, TEST, BENCH -> false;
            default ->
                !filter.isEmpty()
                        && !Pattern.compile(filter).matcher(one.shownAs()).find();
        };
    }

    /** Programs and probes are bounded: a wildcard that matches everything costs minutes to attach. */
    private void limit(Script.Probe probe, List<Instance> instances) {
        var user = checking.settings.forUserSpace();
        programs += instances.size();
        probes += instances.stream().mapToInt(i -> i.specs.size()).sum();
        if (programs > user.maxPrograms()) {
            tooMany(
                    probe,
                    "generate more than " + user.maxPrograms() + " BPF programs",
                    user.maxPrograms(),
                    "MAX_BPF_PROGS");
        } else if (probes > user.maxProbes()) {
            tooMany(probe, "attach to " + probes + " probes", user.maxProbes(), "MAX_PROBES");
        }
        if (diagnostics.hasErrors()) {
            instances.clear();
        }
    }

    private void tooMany(Script.Probe probe, String what, int limit, String variable) {
        diagnostics.error(
                "limit",
                probe.attachPoints().getFirst().span(),
                "Your program is trying to " + what + ", which exceeds the current limit of " + limit,
                "You can increase the limit through the BPFTRACE_" + variable + " environment variable.");
    }

    private static Instance frozen(Instance i) {
        return new Instance(
                i.probe,
                i.context,
                i.type,
                i.attachType,
                i.attachTo,
                i.role,
                List.copyOf(i.specs),
                List.copyOf(i.shownAs),
                i.cases,
                i.scope);
    }

    /** The kind of program that attach points with the same shape share. */
    private record Shape(
            ProbeKind kind,
            ProgramType type,
            Optional<AttachType> attachType,
            String attachTo,
            boolean raw,
            List<UsdtArgument> arguments) {}

    private record Group(Shape shape, List<ProbeSpec> specs, List<String> names, ProbeSpec first, String shownAs) {}

    private Instance instance(Script.Probe probe, Group group) {
        var role = switch (group.shape.kind) {
            case BEGIN -> ScriptProgram.Role.BEGIN;
            case END -> ScriptProgram.Role.END;
            case SELF -> ScriptProgram.Role.SELF;
            case TEST -> ScriptProgram.Role.TEST;
            case BENCH -> ScriptProgram.Role.BENCH;
            default -> ScriptProgram.Role.PROBE;
        };
        var spec = group.first;
        var context = context(group.shape, spec, group.shownAs, Uses.of(probe).uses("args"));
        return new Instance(
                probe,
                context,
                group.shape.type,
                group.shape.attachType,
                group.shape.attachTo,
                role,
                group.specs,
                group.names,
                List.of(),
                new Scope());
    }

    private ProbeContext context(ProbeKind kind, String name, String function, String category) {
        return new ProbeContext(
                kind,
                name,
                function,
                category,
                0,
                kernel.arch(),
                Optional.empty(),
                false,
                false,
                List.of(),
                List.of(),
                Optional.empty(),
                Optional.empty());
    }

    private ProbeContext context(Shape shape, ProbeSpec spec, String shownAs, boolean usesArguments) {
        checking.using(spec);
        var binaryTypes = shape.kind == ProbeKind.UPROBE || shape.kind == ProbeKind.URETPROBE
                ? Optional.of(binaryTypes(spec))
                : Optional.<CTypes>empty();
        Optional<CTypes.Signature> signature = switch (shape.kind) {
            case FENTRY, FEXIT -> checking.function(spec);
            case RAWTRACEPOINT ->
                shape.type == ProgramType.TRACING ? checking.tracepoint(spec.target()) : Optional.empty();
            case UPROBE -> usesArguments ? userFunction(spec, binaryTypes.orElseThrow()) : Optional.empty();
            default -> Optional.empty();
        };
        var format = shape.kind == ProbeKind.TRACEPOINT
                ? kernel.tracepoint(spec.module(), spec.target())
                : Optional.<skep.isa.kernel.TracepointFormat>empty();
        return new ProbeContext(
                shape.kind,
                shownAs,
                spec.target(),
                spec.module(),
                spec.offset(),
                kernel.arch(),
                format,
                shape.raw,
                false,
                signature.map(CTypes.Signature::parameters).orElse(List.of()),
                shape.arguments,
                signature.map(CTypes.Signature::result),
                binaryTypes);
    }

    /** Types that the debugging information of a program has for a function; read when they are first asked for. */
    private CTypes binaryTypes(ProbeSpec spec) {
        var known = new ArrayList<Optional<Btf>>();
        return new CTypes(
                () -> {
                    if (known.isEmpty()) {
                        known.add(kernel.binary(spec.module(), spec.pid())
                                .flatMap(binary -> binary.functionTypes(spec.target())));
                    }
                    return known.getFirst();
                },
                checking.types.declared());
    }

    /** The arguments of a program's function, by its debugging information, where registers hold them. */
    private Optional<CTypes.Signature> userFunction(ProbeSpec spec, CTypes types) {
        var signature = types.function(spec.target());
        return signature.map(known -> {
            var placed = new ArrayList<Type.Field>();
            for (var parameter : known.parameters()) {
                Registers.argument(kernel.arch(), placed.size())
                        .ifPresent(offset -> placed.add(new Type.Field(parameter.name(), parameter.type(), offset)));
            }
            return new CTypes.Signature(placed, known.result());
        });
    }

    /** Whether the code depends on which of several attach points fired. */
    private static boolean ownProgram(ProbeSpec spec, Shape shape, Uses uses) {
        if (uses.uses("uaddr")) {
            return true;
        }
        if (uses.uses("probe") || uses.uses("args")) {
            return !(shape.raw && !uses.uses("probe") && !uses.wholeArguments());
        }
        return switch (spec.kind()) {
            case FENTRY, FEXIT, ITER, BEGIN, END, SELF, TEST, BENCH -> true;
            default -> false;
        };
    }

    private Shape shape(ProbeResolver.Resolved probe, Uses uses) {
        var spec = probe.spec();
        return switch (spec.kind()) {
            case BEGIN, END, SELF, TEST, BENCH -> plain(spec, ProgramType.RAW_TRACEPOINT);
            case FMOD_RET, LSM, SOCKET, XDP, TC, CGROUP -> throw new AssertionError(spec.kind() + " in a script");
            case USDT ->
                new Shape(
                        spec.kind(),
                        ProgramType.KPROBE,
                        Optional.empty(),
                        "",
                        false,
                        uses.usesNumbered() ? probe.arguments() : List.of());
            case KPROBE, KRETPROBE, UPROBE, URETPROBE -> plain(spec, ProgramType.KPROBE);
            case INTERVAL, PROFILE, SOFTWARE, HARDWARE, WATCHPOINT -> plain(spec, ProgramType.PERF_EVENT);
            case TRACEPOINT -> {
                boolean raw = canBeRaw(spec, uses);
                yield new Shape(
                        spec.kind(),
                        raw ? ProgramType.RAW_TRACEPOINT : ProgramType.TRACEPOINT,
                        Optional.empty(),
                        "",
                        raw,
                        List.of());
            }
            case RAWTRACEPOINT -> {
                if (uses.uses("args")) {
                    yield new Shape(
                            spec.kind(),
                            ProgramType.TRACING,
                            Optional.of(AttachType.TRACE_RAW_TP),
                            checking.attachToTracepoint(spec.target()),
                            false,
                            List.of());
                }
                yield plain(spec, ProgramType.RAW_TRACEPOINT);
            }
            case FENTRY -> typed(spec, AttachType.TRACE_FENTRY);
            case FEXIT -> typed(spec, AttachType.TRACE_FEXIT);
            case ITER ->
                new Shape(
                        spec.kind(),
                        ProgramType.TRACING,
                        Optional.of(AttachType.TRACE_ITER),
                        spec.target(),
                        false,
                        List.of());
        };
    }

    private static Shape plain(ProbeSpec spec, ProgramType type) {
        return new Shape(spec.kind(), type, Optional.empty(), "", false, List.of());
    }

    private static Shape typed(ProbeSpec spec, AttachType attachType) {
        return new Shape(
                spec.kind(), ProgramType.TRACING, Optional.of(attachType), Checking.attachTo(spec), false, List.of());
    }

    /**
     * Whether a raw tracepoint does the same, at less cost: when the record that the tracepoint makes is not looked at,
     * or only those of its fields that the raw arguments are.
     */
    private boolean canBeRaw(ProbeSpec spec, Uses uses) {
        if (DERIVED_CATEGORIES.contains(spec.module())
                || kernel.unsupported(Feature.RAW_TRACEPOINT).isPresent()
                || uses.wholeArguments()
                || uses.uses("kstack")) {
            // A kernel stack taken in a raw tracepoint begins with the frames of the program itself.
            return false;
        }
        if (!uses.uses("args")) {
            return true;
        }
        if (!spec.module().equals("raw_syscalls")) {
            return false;
        }
        var field = spec.target().equals("sys_enter") ? "id" : "ret";
        return RAW_SYSCALL_FIELDS.contains(field) && uses.argumentFields().equals(Set.of(field));
    }

    private static ProbeSpec attachPoint(ProbeSpec spec, Shape shape) {
        return shape.raw ? new ProbeSpec(ProbeKind.RAWTRACEPOINT, "", spec.target(), 0, 0, spec.pid()) : spec;
    }

    /** The place of a whole script, for what belongs to no part of it. */
    static Span everywhere(Script script) {
        return script.source().span(0, script.source().text().length());
    }
}
