package skep.dsl.check;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import skep.dsl.ast.Expr;
import skep.dsl.ast.Script;
import skep.dsl.ast.Stmt;
import skep.dsl.ast.TypeRef;
import skep.source.Diagnostics;
import skep.source.Span;

/**
 * Replaces calls of macros by their bodies. Macros are hygienic: variables of a body are renamed for each call, and maps
 * of the script are seen only if they are passed. Several macros of one name differ in the number and kinds of their
 * parameters: a name takes any expression, {@code $x} a variable, {@code @x} a map.
 */
final class MacroExpander {
    private final Map<String, List<Script.Macro>> macros = new HashMap<>();
    private final Diagnostics diagnostics;
    private final List<String> chain = new ArrayList<>();
    private int calls;

    private MacroExpander(Diagnostics diagnostics) {
        this.diagnostics = diagnostics;
    }

    /** What names mean inside the body of a macro; {@link #OUTSIDE} where there is none. */
    private record Names(
            Map<String, Expr> expressions,
            Map<String, String> variables,
            Map<String, String> maps,
            String suffix,
            String macro,
            Optional<Span> call) {
        static final Names OUTSIDE = new Names(Map.of(), Map.of(), Map.of(), "", "", Optional.empty());

        /** A place of the body, with the call that brought it here. */
        Span at(Span span) {
            return call.map(span::calledAt).orElse(span);
        }

        boolean inside() {
            return !suffix.isEmpty();
        }
    }

    static Script expand(Script script, Diagnostics diagnostics) {
        if (script.macros().isEmpty()) {
            return script;
        }
        return new MacroExpander(diagnostics).script(script);
    }

    private Script script(Script script) {
        for (var macro : script.macros()) {
            define(macro);
        }
        var probes = new ArrayList<Script.Probe>();
        for (var probe : script.probes()) {
            probes.add(new Script.Probe(
                    probe.name(),
                    probe.attachPoints(),
                    probe.predicate().map(p -> expr(p, Names.OUTSIDE)),
                    block(probe.body(), Names.OUTSIDE),
                    probe.span()));
        }
        var subprograms = new ArrayList<Script.Subprogram>();
        for (var s : script.subprograms()) {
            subprograms.add(new Script.Subprogram(
                    s.name(), s.parameters(), s.result(), block(s.body(), Names.OUTSIDE), s.nameSpan(), s.span()));
        }
        return new Script(
                script.source(),
                script.interpreterLine(),
                script.preamble(),
                script.config(),
                script.imports(),
                script.mapDeclarations(),
                script.macros(),
                subprograms,
                probes);
    }

    private void define(Script.Macro macro) {
        var seen = new HashSet<String>();
        for (var parameter : macro.parameters()) {
            var name = nameOf(parameter);
            if (!seen.add(name)) {
                diagnostics.error(
                        "macro",
                        parameter.span(),
                        (name.startsWith("@") ? "Map" : "Variable") + " for macro argument has already been used: "
                                + name);
            }
        }
        for (var other : macros.getOrDefault(macro.name(), List.of())) {
            if (sameKinds(other, macro)) {
                diagnostics.error(
                        "macro",
                        macro.nameSpan(),
                        "Redefinition of macro: " + macro.name() + " with the same number and kinds of parameters");
            }
        }
        macros.computeIfAbsent(macro.name(), _ -> new ArrayList<>()).add(macro);
    }

    private static boolean sameKinds(Script.Macro a, Script.Macro b) {
        if (a.parameters().size() != b.parameters().size()) {
            return false;
        }
        for (int i = 0; i < a.parameters().size(); i++) {
            if (a.parameters().get(i).getClass() != b.parameters().get(i).getClass()) {
                return false;
            }
        }
        return true;
    }

    private static String nameOf(Expr parameter) {
        return switch (parameter) {
            case Expr.Var v -> v.name();
            case Expr.MapRef m -> m.name();
            case Expr.Ident i -> i.name();
            default -> "";
        };
    }

    // ---- calls

    /** The expansion of a call; the call itself, with its arguments expanded, if it is none of a macro. */
    private Expr call(Expr.Call c, Names names) {
        var arguments = c.arguments().stream().map(a -> expr(a, names)).toList();
        var plain = new Expr.Call(c.name(), arguments, names.at(c.nameSpan()), names.at(c.span()));
        var candidates = macros.get(c.name());
        if (candidates == null) {
            return plain;
        }
        var best = choose(candidates, arguments);
        if (best.isPresent()) {
            return expand(best.get(), arguments, names.at(c.span()));
        }
        if (skep.dsl.parse.Words.isBuiltin(c.name()) || CallChecker.names().anyMatch(n -> n.equals(c.name()))) {
            return plain;
        }
        mismatch(c.name(), candidates, arguments, names.at(c.span()));
        return new Expr.IntLit(0, false, false, names.at(c.span()));
    }

    private void mismatch(String name, List<Script.Macro> candidates, List<Expr> arguments, Span span) {
        if (candidates.size() > 1) {
            diagnostics.error(
                    "macro",
                    span,
                    "Call to " + name + "() has arguments that do not match any definition.",
                    definitions(candidates));
            return;
        }
        var only = candidates.getFirst();
        if (only.parameters().size() != arguments.size()) {
            diagnostics.error(
                    "macro",
                    span,
                    "Call to " + name
                            + "() has the wrong number of arguments. The closest definition of " + name
                            + "() has a different number of arguments. Expected: "
                            + only.parameters().size() + " but got "
                            + arguments.size(),
                    definitions(candidates));
            return;
        }
        for (int i = 0; i < arguments.size(); i++) {
            if (score(only.parameters().get(i), arguments.get(i)) < 0) {
                diagnostics.error(
                        "macro",
                        arguments.get(i).span(),
                        "Call to " + name + "() needs a "
                                + (only.parameters().get(i) instanceof Expr.Var ? "variable" : "map")
                                + " for its parameter "
                                + nameOf(only.parameters().get(i)),
                        definitions(candidates));
            }
        }
    }

    private static String definitions(List<Script.Macro> candidates) {
        return "defined: "
                + String.join(
                        "; ",
                        candidates.stream()
                                .map(m -> m.name() + "("
                                        + String.join(
                                                ", ",
                                                m.parameters().stream()
                                                        .map(MacroExpander::nameOf)
                                                        .toList())
                                        + ")")
                                .toList());
    }

    /** The definition whose parameters fit most closely. */
    private static Optional<Script.Macro> choose(List<Script.Macro> candidates, List<Expr> arguments) {
        Script.Macro best = null;
        int bestScore = -1;
        for (var candidate : candidates) {
            if (candidate.parameters().size() != arguments.size()) {
                continue;
            }
            int total = 0;
            for (int i = 0; i < arguments.size() && total >= 0; i++) {
                int one = score(candidate.parameters().get(i), arguments.get(i));
                total = one < 0 ? -1 : total + one;
            }
            if (total > bestScore) {
                best = candidate;
                bestScore = total;
            }
        }
        return Optional.ofNullable(best);
    }

    private static int score(Expr parameter, Expr argument) {
        return switch (parameter) {
            case Expr.Var _ -> argument instanceof Expr.Var ? 1 : -1;
            case Expr.MapRef _ -> argument instanceof Expr.MapRef m && m.key().isEmpty() ? 1 : -1;
            default -> 0;
        };
    }

    private Expr expand(Script.Macro macro, List<Expr> arguments, Span span) {
        var id = macro.name();
        if (chain.contains(id)
                && chain.stream().filter(id::equals).count() >= macros.get(id).size()) {
            var path = new ArrayList<>(chain.subList(chain.indexOf(id), chain.size()));
            path.add(id);
            diagnostics.error("macro", span, "Recursive macro call detected. Call chain: " + String.join(" > ", path));
            return new Expr.IntLit(0, false, false, span);
        }
        var expressions = new HashMap<String, Expr>();
        var variables = new HashMap<String, String>();
        var maps = new HashMap<String, String>();
        for (int i = 0; i < arguments.size(); i++) {
            switch (macro.parameters().get(i)) {
                case Expr.Var p -> variables.put(p.name(), ((Expr.Var) arguments.get(i)).name());
                case Expr.MapRef p -> maps.put(p.name(), ((Expr.MapRef) arguments.get(i)).name());
                case Expr.Ident p -> expressions.put(p.name(), arguments.get(i));
                default -> {}
            }
        }
        var names = new Names(expressions, variables, maps, "#" + ++calls, macro.name(), Optional.of(span));
        chain.add(id);
        try {
            return blockValue(macro.body(), names);
        } finally {
            chain.removeLast();
        }
    }

    // ---- names

    private Expr.Var variable(Expr.Var v, Names names) {
        if (!names.inside()) {
            return v;
        }
        var passed = names.variables.get(v.name());
        return new Expr.Var(passed != null ? passed : v.name() + names.suffix, names.at(v.span()));
    }

    private Expr.MapRef map(Expr.MapRef m, Names names) {
        var key = m.key().map(k -> expr(k, names));
        if (!names.inside()) {
            return new Expr.MapRef(m.name(), key, names.at(m.span()));
        }
        var passed = names.maps.get(m.name());
        if (passed == null) {
            diagnostics.error(
                    "macro",
                    names.at(m.span()),
                    "Unhygienic access to map: " + m.name() + ". Prefer passing the map as an argument to the macro "
                            + names.macro);
        }
        return new Expr.MapRef(passed != null ? passed : m.name(), key, names.at(m.span()));
    }

    private Expr name(Expr.Ident i, Names names) {
        var passed = names.expressions.get(i.name());
        if (passed != null) {
            return passed;
        }
        var candidates = macros.get(i.name());
        if (candidates == null || skep.dsl.parse.Words.isBuiltin(i.name())) {
            return i;
        }
        var best = choose(candidates, List.of());
        if (best.isPresent()) {
            return expand(best.get(), List.of(), names.at(i.span()));
        }
        mismatch(i.name(), candidates, List.of(), names.at(i.span()));
        return new Expr.IntLit(0, false, false, names.at(i.span()));
    }

    // ---- copies of nodes

    private Stmt.Block block(Stmt.Block block, Names names) {
        return new Stmt.Block(statements(block.statements(), names), names.at(block.span()));
    }

    private List<Stmt> statements(List<Stmt> statements, Names names) {
        return statements.stream().map(s -> statement(s, names)).toList();
    }

    private Expr.BlockValue blockValue(Expr.BlockValue b, Names names) {
        return new Expr.BlockValue(
                statements(b.statements(), names), b.value().map(v -> expr(v, names)), names.at(b.span()));
    }

    private Stmt statement(Stmt statement, Names names) {
        return switch (statement) {
            case Stmt.ExprStmt s -> new Stmt.ExprStmt(expr(s.expr(), names), names.at(s.span()));
            case Stmt.Assign s ->
                new Stmt.Assign(expr(s.target(), names), s.op(), expr(s.value(), names), names.at(s.span()));
            case Stmt.DeleteAssign s -> new Stmt.DeleteAssign(map(s.target(), names), names.at(s.span()));
            case Stmt.Let s -> {
                if (names.variables.containsKey(s.variable().name())) {
                    diagnostics.error(
                            "macro",
                            names.at(s.span()),
                            "Variable declaration shadows macro arg "
                                    + s.variable().name());
                }
                yield new Stmt.Let(
                        variable(s.variable(), names),
                        s.type().map(t -> type(t, names)),
                        s.value().map(v -> expr(v, names)),
                        names.at(s.span()));
            }
            case Stmt.Discard s -> new Stmt.Discard(expr(s.expr(), names), names.at(s.span()));
            case Stmt.If s ->
                new Stmt.If(
                        expr(s.condition(), names),
                        block(s.then(), names),
                        s.otherwise().map(o -> block(o, names)),
                        names.at(s.span()));
            case Stmt.While s -> new Stmt.While(expr(s.condition(), names), block(s.body(), names), names.at(s.span()));
            case Stmt.Unroll s -> new Stmt.Unroll(expr(s.count(), names), block(s.body(), names), names.at(s.span()));
            case Stmt.ForMap s ->
                new Stmt.ForMap(
                        variable(s.variable(), names),
                        map(s.map(), names),
                        block(s.body(), names),
                        names.at(s.headSpan()),
                        names.at(s.span()));
            case Stmt.ForRange s ->
                new Stmt.ForRange(
                        variable(s.variable(), names),
                        expr(s.from(), names),
                        expr(s.to(), names),
                        block(s.body(), names),
                        names.at(s.headSpan()),
                        names.at(s.span()));
            case Stmt.Return s -> new Stmt.Return(s.value().map(v -> expr(v, names)), names.at(s.span()));
            case Stmt.Break s -> s;
            case Stmt.Continue s -> s;
            case Stmt.Block s -> block(s, names);
        };
    }

    private Expr expr(Expr expr, Names names) {
        return switch (expr) {
            case Expr.IntLit e -> e;
            case Expr.BoolLit e -> e;
            case Expr.StrLit e -> e;
            case Expr.Positional e -> e;
            case Expr.PositionalCount e -> e;
            case Expr.Ident e -> name(e, names);
            case Expr.Var e -> variable(e, names);
            case Expr.MapRef e -> map(e, names);
            case Expr.Call e -> call(e, names);
            case Expr.Unary e -> new Expr.Unary(e.op(), expr(e.operand(), names), names.at(e.span()));
            case Expr.Increment e ->
                new Expr.Increment(expr(e.target(), names), e.up(), e.prefix(), names.at(e.span()));
            case Expr.Binary e ->
                new Expr.Binary(
                        e.op(),
                        expr(e.left(), names),
                        expr(e.right(), names),
                        names.at(e.opSpan()),
                        names.at(e.span()));
            case Expr.Conditional e ->
                new Expr.Conditional(
                        expr(e.condition(), names),
                        e.then().map(t -> expr(t, names)),
                        expr(e.otherwise(), names),
                        names.at(e.span()));
            case Expr.Field e ->
                new Expr.Field(
                        expr(e.object(), names), e.name(), e.arrow(), names.at(e.nameSpan()), names.at(e.span()));
            case Expr.TupleElement e -> new Expr.TupleElement(expr(e.object(), names), e.index(), names.at(e.span()));
            case Expr.Index e -> new Expr.Index(expr(e.object(), names), expr(e.index(), names), names.at(e.span()));
            case Expr.Cast e ->
                new Expr.Cast(
                        type(e.type(), names), expr(e.operand(), names), names.at(e.typeSpan()), names.at(e.span()));
            case Expr.Sizeof e -> new Expr.Sizeof(subject(e.subject(), names), names.at(e.span()));
            case Expr.Offsetof e -> new Expr.Offsetof(subject(e.subject(), names), path(e, names), names.at(e.span()));
            case Expr.TypeArgument e -> new Expr.TypeArgument(type(e.type(), names), names.at(e.span()));
            case Expr.Typeinfo e -> new Expr.Typeinfo(subject(e.subject(), names), names.at(e.span()));
            case Expr.Tuple e ->
                new Expr.Tuple(e.elements().stream().map(x -> expr(x, names)).toList(), names.at(e.span()));
            case Expr.RecordLit e ->
                new Expr.RecordLit(
                        e.members().stream()
                                .map(m -> new Expr.Named(m.name(), expr(m.value(), names), names.at(m.span())))
                                .toList(),
                        names.at(e.span()));
            case Expr.BlockValue e -> blockValue(e, names);
            case Expr.Comptime e -> new Expr.Comptime(expr(e.operand(), names), names.at(e.span()));
        };
    }

    /** The path of {@code offsetof} may be a parameter: then the argument is a path of names. */
    private List<String> path(Expr.Offsetof e, Names names) {
        if (e.path().size() != 1 || !names.expressions.containsKey(e.path().getFirst())) {
            return e.path();
        }
        var path = new ArrayList<String>();
        var at = names.expressions.get(e.path().getFirst());
        while (at instanceof Expr.Field f) {
            path.addFirst(f.name());
            at = f.object();
        }
        if (at instanceof Expr.Ident i) {
            path.addFirst(i.name());
            return path;
        }
        diagnostics.error(
                "macro",
                names.at(e.span()),
                "FieldAccess expressions must be made up entirely of idents (e.g. a.b.c) to replace the second argument"
                        + " in `offsetof`");
        return e.path();
    }

    private Expr.TypeOrExpr subject(Expr.TypeOrExpr subject, Names names) {
        return switch (subject) {
            case Expr.OfExpr e -> {
                var replaced = expr(e.expr(), names);
                yield replaced instanceof Expr.TypeArgument t ? new Expr.OfType(t.type()) : new Expr.OfExpr(replaced);
            }
            case Expr.OfType t
            when t.type() instanceof TypeRef.Name n && names.expressions.containsKey(n.name()) -> {
                var passed = names.expressions.get(n.name());
                yield passed instanceof Expr.TypeArgument type ? new Expr.OfType(type.type()) : new Expr.OfExpr(passed);
            }
            case Expr.OfType t -> new Expr.OfType(type(t.type(), names));
        };
    }

    private TypeRef type(TypeRef type, Names names) {
        return switch (type) {
            case TypeRef.Name n -> {
                int space = n.name().indexOf(' ');
                if (space > 0 && names.expressions.containsKey(n.name().substring(space + 1))) {
                    diagnostics.error(
                            "macro",
                            n.span(),
                            "Invalid replacement for macro '" + names.macro + "' type parameter '"
                                    + n.name().substring(space + 1) + "' which makes up the type '" + n.name() + "'");
                }
                var passed = names.expressions.get(n.name());
                yield switch (passed) {
                    case Expr.TypeArgument t -> t.type();
                    case Expr.Ident i -> new TypeRef.Name(i.name(), n.span());
                    case null, default -> n;
                };
            }
            case TypeRef.PointerTo p -> new TypeRef.PointerTo(type(p.target(), names), p.span());
            case TypeRef.ArrayOf a ->
                new TypeRef.ArrayOf(type(a.element(), names), a.length().map(l -> expr(l, names)), a.span());
            case TypeRef.TypeOf t -> new TypeRef.TypeOf(subject(t.subject(), names), t.span());
        };
    }
}
