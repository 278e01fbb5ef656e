package skep.dsl.check;

import java.util.HashMap;
import java.util.Map;
import skep.dsl.CompileOptions;
import skep.dsl.ast.AstWalker;
import skep.dsl.ast.Expr;
import skep.dsl.ast.Script;
import skep.dsl.ast.Stmt;
import skep.source.Diagnostics;
import skep.source.Span;

/**
 * Refuses what a chosen level of the language ({@code --lang=0.17} to {@code 0.26}) does not have yet, so that a script can be
 * kept in a form that older tracers take. Without a choice everything is allowed.
 */
final class LanguageLevel {
    /** The variable of the environment that carries the choice. */
    private static final String VARIABLE = "SKEP_LANG";

    /** Since this level a variable belongs to the block that assigns it. */
    static final int BLOCK_SCOPE = 22;

    private static final int OLDEST = 17;
    private static final int NEWEST = 26;

    private static final Map<String, Integer> FUNCTIONS = functions();

    private static final Map<String, Integer> BUILTINS = Map.ofEntries(
            Map.entry("jiffies", 20),
            Map.entry("ncpus", 24),
            Map.entry("usermode", 24),
            Map.entry("ppid", 24),
            Map.entry("pcomm", 26),
            Map.entry("leader_tid", 26),
            Map.entry("leader_comm", 26),
            Map.entry("has_cpid", 25),
            Map.entry("probetype", 25));

    private static final Map<String, Integer> PROVIDERS =
            Map.of("begin", 24, "end", 24, "fentry", 20, "fexit", 20, "self", 22, "test", 25, "bench", 24);

    private final int level;
    private final Diagnostics diagnostics;

    private LanguageLevel(int level, Diagnostics diagnostics) {
        this.level = level;
        this.diagnostics = diagnostics;
    }

    private static Map<String, Integer> functions() {
        var since = new HashMap<String, Integer>();
        since(since, 18, "offsetof");
        since(since, 20, "is_scalar");
        since(since, 21, "percpu_kaddr");
        since(since, 22, "has_key");
        since(
                since,
                24,
                "getopt",
                "errorf",
                "warnf",
                "static_assert",
                "assert",
                "strlen",
                "strcap",
                "strstr",
                "memcmp",
                "socket_cookie",
                "tseries");
        since(
                since,
                25,
                "fail",
                "find",
                "signal_thread",
                "syscall_name",
                "is_err",
                "is_ptr",
                "is_str",
                "is_array",
                "is_integer",
                "is_unsigned_integer",
                "is_literal",
                "kfunc_exist",
                "kfunc_allowed");
        since(since, 26, "signal_name", "write_user", "str_concat", "dw_ustack");
        return Map.copyOf(since);
    }

    private static void since(Map<String, Integer> table, int version, String... names) {
        for (var name : names) {
            table.put(name, version);
        }
    }

    static void check(Script script, CompileOptions options, Diagnostics diagnostics) {
        var chosen = options.environment().getOrDefault(VARIABLE, "");
        if (chosen.isEmpty()) {
            return;
        }
        int level = minor(chosen);
        if (level < OLDEST || level > NEWEST) {
            diagnostics.error(
                    "language-level",
                    script.source().span(0, 0),
                    "There is no level '" + chosen + "' of the language",
                    "levels are 0." + OLDEST + " to 0." + NEWEST);
            return;
        }
        new LanguageLevel(level, diagnostics).script(script);
    }

    /** The second number of the chosen level; below 0 if there is no choice. */
    static int chosen(CompileOptions options) {
        return minor(options.environment().getOrDefault(VARIABLE, ""));
    }

    private static int minor(String version) {
        return version.matches("0\\.\\d\\d") ? Integer.parseInt(version.substring(2)) : -1;
    }

    private void require(int since, String what, Span span) {
        if (since > level) {
            diagnostics.error(
                    "language-level",
                    span,
                    what + " came with 0." + since + "; the chosen level is 0." + level,
                    "choose --lang=0." + since + " or write it in another way");
        }
    }

    private void script(Script script) {
        script.config().forEach(s -> require(20, "the config block", s.span()));
        script.imports().forEach(i -> require(24, "import", i.span()));
        script.macros().forEach(m -> require(24, "a macro", m.nameSpan()));
        script.mapDeclarations().forEach(d -> require(24, "the declaration of a map", d.span()));
        script.subprograms().forEach(f -> require(21, "fn", f.nameSpan()));
        for (var probe : script.probes()) {
            probe.attachPoints().forEach(this::attachPoint);
            probe.predicate().ifPresent(p -> AstWalker.walk(p, this::expr));
            AstWalker.walk(probe.body(), this::expr, this::statement);
        }
        script.macros().forEach(m -> AstWalker.walk(m.body(), this::expr));
        script.subprograms().forEach(f -> AstWalker.walk(f.body(), this::expr, this::statement));
    }

    private void attachPoint(Script.AttachPoint point) {
        var pieces = point.parts().getFirst().pieces();
        var provider = pieces.isEmpty() ? "" : pieces.getFirst().text();
        require(PROVIDERS.getOrDefault(provider, 0), "the probe " + provider, point.span());
    }

    private void statement(Stmt statement) {
        switch (statement) {
            case Stmt.ForMap s -> require(21, "for over a map", s.headSpan());
            case Stmt.ForRange s -> require(24, "for over a range", s.headSpan());
            case Stmt.Let s -> require(22, "let", s.span());
            case Stmt.Discard s -> require(25, "_ =", s.span());
            case Stmt.Return s when s.value().isPresent() -> require(25, "return with a value", s.span());
            default -> {}
        }
    }

    private void expr(Expr expr) {
        switch (expr) {
            case Expr.Call c -> require(FUNCTIONS.getOrDefault(Uses.plain(c.name()), 0), c.name() + "()", c.nameSpan());
            case Expr.Ident i -> require(BUILTINS.getOrDefault(Uses.plain(i.name()), 0), i.name(), i.span());
            case Expr.Comptime c -> require(25, "comptime", c.span());
            case Expr.RecordLit r -> require(25, "a record", r.span());
            case Expr.Typeinfo t -> require(25, "typeinfo", t.span());
            case Expr.BlockValue b -> require(24, "a block with a value", b.span());
            case Expr.Tuple t when t.elements().size() < 2 -> require(25, "a tuple of fewer than two", t.span());
            case Expr.Conditional c when c.then().isEmpty() -> require(26, "?:", c.span());
            case Expr.Unary u when u.op() == Expr.UnaryOp.ADDRESS_OF -> require(25, "the address of", u.span());
            case Expr.Field f
            when !f.arrow()
                    && f.object() instanceof Expr.Ident i
                    && Uses.plain(i.name()).equals("args") -> require(18, "args. in place of args->", f.span());
            default -> {}
        }
    }
}
