package skep.c.pp;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import skep.c.lex.Lexer;
import skep.c.lex.Token;
import skep.source.Diagnostics;
import skep.source.Source;
import skep.source.Span;

/**
 * The preprocessor of C11 (6.10), with GNU's named variadics and comma deletion: directives are carried out, macros
 * expanded. Works through sources in the order given; definitions stay. One is used by one thread, for one compilation.
 */
public final class Preprocessor {
    private static final int MAX_INCLUDE_DEPTH = 100;

    /** More tokens than this are not made: the input would be an expansion bomb. */
    private static final int MAX_TOKENS = 4_000_000;

    private final IncludeProvider includes;
    private final Diagnostics diagnostics;
    private final Map<String, Macro> macros = new LinkedHashMap<>();
    private final Set<String> onlyOnce = new HashSet<>();
    private final List<Token> out = new ArrayList<>();
    private final MacroExpander expander;
    private int depth;

    public Preprocessor(IncludeProvider includes, Diagnostics diagnostics) {
        this.includes = includes;
        this.diagnostics = diagnostics;
        this.expander = new MacroExpander(macros, diagnostics);
        define("__STDC__", "1");
        define("__STDC_VERSION__", "201112L");
        define("__STDC_HOSTED__", "0");
    }

    /** Defines an object-like macro, or with {@code NAME(a,b)} a function-like one, as {@code -D} does. */
    public void define(String name, String value) {
        var source = new Source("<command line>", name + " " + value);
        var tokens = Lexer.tokens(source, diagnostics);
        defineMacro(tokens.subList(0, tokens.size() - 1), source.span(0, name.length()));
    }

    public void undefine(String name) {
        macros.remove(name);
    }

    /** The macros defined so far, in the order of their definition. */
    public Map<String, Macro> macros() {
        return Map.copyOf(macros);
    }

    /** What a macro without parameters stands for, fully expanded; empty if there is none of that name. */
    public Optional<List<Token>> value(String name) {
        var macro = macros.get(name);
        if (macro == null || macro.isFunctionLike()) {
            return Optional.empty();
        }
        return Optional.of(expander.expand(macro.body()));
    }

    /** The tokens of a source after preprocessing, ended by one of kind {@code END}. */
    public List<Token> process(Source source) {
        out.clear();
        var tokens = Lexer.tokens(source, diagnostics);
        file(tokens, source);
        out.add(tokens.getLast());
        return List.copyOf(out);
    }

    // Files and conditionals

    /** A group between {@code #if} and {@code #endif}. */
    private static final class Condition {
        final Token start;
        /** Whether the lines around the whole are wanted. */
        final boolean outer;

        boolean taken;
        boolean active;
        boolean sawElse;

        Condition(Token start, boolean outer, boolean active) {
            this.start = start;
            this.outer = outer;
            this.taken = active;
            this.active = outer && active;
        }
    }

    private void file(List<Token> tokens, Source source) {
        Deque<Condition> conditions = new ArrayDeque<>();
        var text = new ArrayList<Token>();
        int at = 0;
        while (!tokens.get(at).isEnd()) {
            var token = tokens.get(at);
            boolean active = conditions.isEmpty() || conditions.peek().active;
            if (token.startsLine() && token.is("#")) {
                int end = at + 1;
                while (!tokens.get(end).startsLine()) {
                    end++;
                }
                boolean onlyConditional = !active;
                flush(text);
                directive(tokens.subList(at + 1, end), token, conditions, onlyConditional, source);
                at = end;
            } else {
                if (active) {
                    text.add(token);
                }
                at++;
            }
        }
        flush(text);
        for (var open : conditions) {
            diagnostics.error("unterminated-conditional", open.start.span(), "unterminated conditional directive");
        }
    }

    /** Expands the text between two directives as a whole: a call may stretch over lines. */
    private void flush(List<Token> text) {
        if (text.isEmpty()) {
            return;
        }
        if (out.size() < MAX_TOKENS) {
            out.addAll(expander.expand(text));
        } else {
            diagnostics.error("too-many-tokens", text.getFirst().span(), "the expanded source is too long");
        }
        text.clear();
    }

    private void directive(List<Token> line, Token hash, Deque<Condition> conditions, boolean skipping, Source source) {
        if (line.isEmpty()) {
            return;
        }
        var name = line.getFirst();
        var rest = line.subList(1, line.size());
        switch (name.text()) {
            case "if", "ifdef", "ifndef" -> {
                boolean holds = !skipping && condition(name, rest);
                conditions.push(new Condition(hash, !skipping, holds));
            }
            case "elif", "elifdef", "elifndef", "else" -> otherwise(name, rest, conditions);
            case "endif" -> {
                if (conditions.poll() == null) {
                    diagnostics.error("stray-directive", name.span(), "#endif without #if");
                }
            }
            default -> {
                if (!skipping) {
                    active(name, rest, source);
                }
            }
        }
    }

    private boolean condition(Token name, List<Token> rest) {
        return switch (name.text()) {
            case "ifdef", "elifdef" -> isDefined(name, rest);
            case "ifndef", "elifndef" -> !isDefined(name, rest);
            default -> new ConditionEvaluator(macros, expander, includes, diagnostics, name.span()).holds(rest);
        };
    }

    private boolean isDefined(Token directive, List<Token> rest) {
        if (rest.isEmpty() || rest.getFirst().kind() != Token.Kind.IDENTIFIER) {
            diagnostics.error("macro-name", directive.span(), "macro name missing");
            return false;
        }
        return macros.containsKey(rest.getFirst().text());
    }

    private void otherwise(Token name, List<Token> rest, Deque<Condition> conditions) {
        var condition = conditions.peek();
        if (condition == null || condition.sawElse) {
            diagnostics.error(
                    "stray-directive",
                    name.span(),
                    "#" + name.text() + (condition == null ? " without #if" : " after #else"));
            return;
        }
        condition.sawElse = name.is("else");
        boolean holds = condition.outer && !condition.taken && (condition.sawElse || condition(name, rest));
        condition.active = holds;
        condition.taken |= holds;
    }

    // Other directives

    private void active(Token name, List<Token> rest, Source source) {
        switch (name.text()) {
            case "define" -> defineMacro(rest, name.span());
            case "undef" -> {
                if (rest.isEmpty()) {
                    diagnostics.error("macro-name", name.span(), "macro name missing");
                } else {
                    macros.remove(rest.getFirst().text());
                }
            }
            case "include", "include_next", "import" -> include(name, rest, source);
            case "error" -> diagnostics.error("error-directive", spanOf(name, rest), text(rest));
            case "warning" -> diagnostics.warning("warning-directive", spanOf(name, rest), text(rest), "");
            case "pragma" -> pragma(name, rest, source);
            case "line", "ident" -> {}
            default -> {
                // "# 12 "file"" is a line marker of another preprocessor.
                if (name.kind() != Token.Kind.NUMBER) {
                    diagnostics.error(
                            "unknown-directive", name.span(), "invalid preprocessing directive #" + name.text());
                }
            }
        }
    }

    private void pragma(Token name, List<Token> rest, Source source) {
        if (rest.size() == 1 && rest.getFirst().is("once")) {
            onlyOnce.add(source.name());
        } else {
            out.add(new Token(Token.Kind.PRAGMA, text(rest), spanOf(name, rest), true, true));
        }
    }

    private static Span spanOf(Token name, List<Token> rest) {
        return rest.isEmpty() ? name.span() : name.span().to(rest.getLast().span());
    }

    private static String text(List<Token> tokens) {
        var text = new StringBuilder();
        for (var token : tokens) {
            if (token.spaceBefore() && !text.isEmpty()) {
                text.append(' ');
            }
            text.append(token.text());
        }
        return text.toString();
    }

    private void include(Token directive, List<Token> rest, Source source) {
        var name = HeaderName.read(rest).or(() -> HeaderName.read(expander.expand(rest)));
        if (name.isEmpty()) {
            diagnostics.error("include-syntax", directive.span(), "expected \"FILENAME\" or <FILENAME>");
            return;
        }
        var found = includes.find(name.get().name(), name.get().angled(), source.name());
        if (found.isEmpty()) {
            diagnostics.error(
                    "include-missing", spanOf(directive, rest), "'" + name.get().name() + "' file not found");
            return;
        }
        if (onlyOnce.contains(found.get().name())) {
            return;
        }
        if (depth >= MAX_INCLUDE_DEPTH) {
            diagnostics.error("include-depth", directive.span(), "#include nested too deeply");
            return;
        }
        depth++;
        file(Lexer.tokens(found.get(), diagnostics), found.get());
        depth--;
    }

    /** What stands between the quotes or angle brackets of an {@code #include}. */
    record HeaderName(String name, boolean angled) {
        static Optional<HeaderName> read(List<Token> tokens) {
            if (tokens.isEmpty()) {
                return Optional.empty();
            }
            var first = tokens.getFirst();
            if (first.kind() == Token.Kind.STRING) {
                return Optional.of(
                        new HeaderName(first.text().substring(1, first.text().length() - 1), false));
            }
            if (!first.is("<")) {
                return Optional.empty();
            }
            var name = new StringBuilder();
            for (var token : tokens.subList(1, tokens.size())) {
                if (token.is(">")) {
                    return Optional.of(new HeaderName(name.toString(), true));
                }
                name.append(token.text());
            }
            return Optional.empty();
        }
    }

    private void defineMacro(List<Token> line, Span place) {
        if (line.isEmpty() || line.getFirst().kind() != Token.Kind.IDENTIFIER) {
            diagnostics.error(
                    "macro-name", line.isEmpty() ? place : line.getFirst().span(), "macro name missing");
            return;
        }
        var name = line.getFirst();
        Optional<List<String>> parameters = Optional.empty();
        var variadic = "";
        int at = 1;
        if (line.size() > 1 && line.get(1).is("(") && !line.get(1).spaceBefore()) {
            var names = new ArrayList<String>();
            at = 2;
            while (at < line.size() && !line.get(at).is(")")) {
                var token = line.get(at);
                if (token.is("...")) {
                    variadic = "__VA_ARGS__";
                } else if (token.kind() == Token.Kind.IDENTIFIER) {
                    if (at + 1 < line.size() && line.get(at + 1).is("...")) {
                        variadic = token.text();
                        at++;
                    } else {
                        names.add(token.text());
                    }
                } else if (!token.is(",")) {
                    diagnostics.error("macro-parameter", token.span(), "invalid token in macro parameter list");
                    return;
                }
                at++;
            }
            if (at >= line.size()) {
                diagnostics.error("macro-parameter", name.span(), "missing ')' in macro parameter list");
                return;
            }
            at++;
            parameters = Optional.of(names);
        }
        var macro = new Macro(name.text(), parameters, variadic, line.subList(at, line.size()));
        var before = macros.put(name.text(), macro);
        if (before != null && !before.sameAs(macro)) {
            diagnostics.warning("macro-redefined", name.span(), "'" + name.text() + "' macro redefined", "");
        }
    }
}
