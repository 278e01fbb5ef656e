package skep.c.pp;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import skep.c.lex.Lexer;
import skep.c.lex.Token;
import skep.source.Diagnostics;
import skep.source.Source;
import skep.source.Span;

/**
 * Macro expansion by hide sets (Dave Prosser's algorithm, on which C11 6.10.3 rests): a token remembers the macros it
 * came out of and is not expanded by them again.
 */
final class MacroExpander {
    /** More steps than this are an expansion bomb. */
    private static final int MAX_STEPS = 2_000_000;

    private final Map<String, Macro> macros;
    private final Diagnostics diagnostics;
    private int counter;
    private int steps;

    /** A token with its hide set. */
    private record Hidden(Token token, Set<String> hidden) {
        Hidden(Token token) {
            this(token, Set.of());
        }
    }

    MacroExpander(Map<String, Macro> macros, Diagnostics diagnostics) {
        this.macros = macros;
        this.diagnostics = diagnostics;
    }

    List<Token> expand(List<Token> tokens) {
        steps = 0;
        return expandHidden(tokens.stream().map(Hidden::new).toList()).stream()
                .map(Hidden::token)
                .toList();
    }

    private List<Hidden> expandHidden(List<Hidden> input) {
        var out = new ArrayList<Hidden>();
        // A stack with the next token on top.
        var work = new ArrayList<>(input.reversed());
        while (!work.isEmpty()) {
            var next = work.removeLast();
            var token = next.token;
            if (steps++ > MAX_STEPS || token.kind() != Token.Kind.IDENTIFIER || next.hidden.contains(token.text())) {
                out.add(next);
                continue;
            }
            var macro = macros.get(token.text());
            if (macro == null) {
                out.add(dynamic(next));
            } else if (!macro.isFunctionLike()) {
                var body = substitute(macro, Map.of(), token, plus(next.hidden, macro.name()));
                work.addAll(body.reversed());
            } else if (!work.isEmpty() && work.getLast().token.is("(")) {
                call(next, macro, work, out);
            } else {
                out.add(next);
            }
        }
        return out;
    }

    /** Macros whose value depends on where they stand. */
    private Hidden dynamic(Hidden at) {
        var span = at.token.span();
        return switch (at.token.text()) {
            case "__LINE__" ->
                new Hidden(made(at.token, Token.Kind.NUMBER, "" + span.source().line(span.start())));
            case "__FILE__" ->
                new Hidden(made(at.token, Token.Kind.STRING, quote(span.source().name())));
            case "__COUNTER__" -> new Hidden(made(at.token, Token.Kind.NUMBER, "" + counter++));
            default -> at;
        };
    }

    private static Token made(Token at, Token.Kind kind, String text) {
        return new Token(kind, text, at.span(), at.spaceBefore(), false);
    }

    private void call(Hidden name, Macro macro, List<Hidden> work, List<Hidden> out) {
        var args = new ArrayList<List<Hidden>>();
        var current = new ArrayList<Hidden>();
        int fixed = macro.parameters().orElseThrow().size();
        int nesting = 0;
        int at = work.size() - 1;
        Optional<Hidden> close = Optional.empty();
        while (at >= 0 && close.isEmpty()) {
            var item = work.get(at--);
            if (item.token.is("(")) {
                if (nesting++ > 0) {
                    current.add(item);
                }
            } else if (item.token.is(")")) {
                if (--nesting == 0) {
                    close = Optional.of(item);
                } else {
                    current.add(item);
                }
            } else if (item.token.is(",") && nesting == 1 && !(isVariadic(macro) && args.size() == fixed)) {
                args.add(current);
                current = new ArrayList<>();
            } else {
                current.add(item);
            }
        }
        if (close.isEmpty()) {
            diagnostics.error(
                    "macro-arguments",
                    name.token.span(),
                    "unterminated function-like macro invocation '" + macro.name() + "'");
            out.add(name);
            return;
        }
        args.add(current);
        while (work.size() > at + 1) {
            work.removeLast();
        }
        var bound = bind(macro, args, name.token);
        if (bound.isEmpty()) {
            out.add(name);
            return;
        }
        var hidden = new TreeSet<>(name.hidden);
        hidden.retainAll(close.get().hidden);
        var body = substitute(macro, bound.get(), name.token, plus(hidden, macro.name()));
        work.addAll(body.reversed());
    }

    private static boolean isVariadic(Macro macro) {
        return !macro.variadic().isEmpty();
    }

    private Optional<Map<String, List<Hidden>>> bind(Macro macro, List<List<Hidden>> args, Token name) {
        var parameters = macro.parameters().orElseThrow();
        int given = parameters.isEmpty() && args.size() == 1 && args.getFirst().isEmpty() && !isVariadic(macro)
                ? 0
                : args.size();
        boolean fits = isVariadic(macro) ? given >= parameters.size() : given == parameters.size();
        if (!fits) {
            diagnostics.error(
                    "macro-arguments",
                    name.span(),
                    (given < parameters.size() ? "too few" : "too many")
                            + " arguments provided to function-like macro invocation '" + macro.name() + "': "
                            + given + " instead of " + parameters.size());
            return Optional.empty();
        }
        Map<String, List<Hidden>> bound = new HashMap<>();
        for (int i = 0; i < parameters.size(); i++) {
            bound.put(parameters.get(i), args.get(i));
        }
        if (isVariadic(macro)) {
            bound.put(macro.variadic(), given > parameters.size() ? args.get(parameters.size()) : List.of());
        }
        return Optional.of(bound);
    }

    /** The body with arguments in place; every token gets the place of the call, those of arguments keep their own. */
    private List<Hidden> substitute(Macro macro, Map<String, List<Hidden>> bound, Token call, Set<String> hidden) {
        var out = new ArrayList<Hidden>();
        var body = macro.body();
        for (int i = 0; i < body.size(); i++) {
            var token = body.get(i);
            boolean last = i + 1 >= body.size();
            if (token.is("#")
                    && macro.isFunctionLike()
                    && !last
                    && bound.containsKey(body.get(i + 1).text())) {
                out.add(new Hidden(stringify(bound.get(body.get(i + 1).text()), call)));
                i++;
            } else if (token.is("##") && !out.isEmpty() && !last) {
                i++;
                paste(macro, body.get(i), bound, call, out);
            } else if (token.is("__VA_OPT__")
                    && isVariadic(macro)
                    && !last
                    && body.get(i + 1).is("(")) {
                i = vaOpt(macro, i + 1, bound, call, out);
            } else if (bound.containsKey(token.text()) && token.kind() == Token.Kind.IDENTIFIER) {
                boolean pasted = !last && body.get(i + 1).is("##");
                var arg = bound.get(token.text());
                var put = pasted ? arg : expandHidden(arg);
                addSpaced(put, token, out);
                if (pasted && arg.isEmpty()) {
                    // An empty left operand: the right one stands alone.
                    out.add(new Hidden(new Token(Token.Kind.OTHER, "", call.span(), token.spaceBefore(), false)));
                }
            } else {
                out.add(new Hidden(token.at(call.span(), token.spaceBefore())));
            }
        }
        out.removeIf(h -> h.token.text().isEmpty());
        for (int i = 0; i < out.size(); i++) {
            var h = out.get(i);
            var token = i == 0 ? h.token.at(h.token.span(), call.spaceBefore()) : h.token;
            out.set(i, new Hidden(token, union(h.hidden, hidden)));
        }
        return out;
    }

    private static void addSpaced(List<Hidden> arg, Token parameter, List<Hidden> out) {
        for (int i = 0; i < arg.size(); i++) {
            var h = arg.get(i);
            out.add(i == 0 ? new Hidden(h.token.at(h.token.span(), parameter.spaceBefore()), h.hidden) : h);
        }
    }

    /** Skips or keeps {@code __VA_OPT__(…)}; returns the index of its closing parenthesis. */
    private int vaOpt(Macro macro, int open, Map<String, List<Hidden>> bound, Token call, List<Hidden> out) {
        int nesting = 0;
        int close = open;
        do {
            if (macro.body().get(close).is("(")) {
                nesting++;
            } else if (macro.body().get(close).is(")")) {
                nesting--;
            }
            close++;
        } while (nesting > 0 && close < macro.body().size());
        if (!bound.get(macro.variadic()).isEmpty() && close - 1 > open) {
            var inner = new Macro(
                    macro.name(),
                    macro.parameters(),
                    macro.variadic(),
                    macro.body().subList(open + 1, close - 1));
            out.addAll(substitute(inner, bound, call, Set.of()));
        }
        return close - 1;
    }

    private void paste(Macro macro, Token right, Map<String, List<Hidden>> bound, Token call, List<Hidden> out) {
        var operand = bound.containsKey(right.text())
                ? bound.get(right.text())
                : List.of(new Hidden(right.at(call.span(), false)));
        var left = out.removeLast();
        // GNU: a comma in front of ## and empty variadic arguments vanishes.
        if (left.token.is(",") && right.text().equals(macro.variadic())) {
            if (!operand.isEmpty()) {
                out.add(left);
                out.addAll(expandHidden(operand));
            }
            return;
        }
        if (operand.isEmpty()) {
            out.add(left);
            return;
        }
        var text = left.token.text() + operand.getFirst().token.text();
        out.add(new Hidden(glued(text, left.token, call.span())));
        out.addAll(operand.subList(1, operand.size()));
    }

    private Token glued(String text, Token left, Span place) {
        var tokens = Lexer.tokens(new Source("<paste>", text), new Diagnostics());
        if (tokens.size() != 2) {
            diagnostics.error("macro-paste", place, "pasting formed '" + text + "', an invalid preprocessing token");
        }
        return new Token(tokens.getFirst().kind(), text, place, left.spaceBefore(), false);
    }

    private static Token stringify(List<Hidden> arg, Token call) {
        var text = new StringBuilder();
        for (var h : arg) {
            if (h.token.spaceBefore() && !text.isEmpty()) {
                text.append(' ');
            }
            boolean literal = h.token.kind() == Token.Kind.STRING || h.token.kind() == Token.Kind.CHARACTER;
            text.append(literal ? h.token.text().replace("\\", "\\\\").replace("\"", "\\\"") : h.token.text());
        }
        return new Token(Token.Kind.STRING, '"' + text.toString() + '"', call.span(), call.spaceBefore(), false);
    }

    private static String quote(String text) {
        return '"' + text.replace("\\", "\\\\").replace("\"", "\\\"") + '"';
    }

    private static Set<String> plus(Set<String> set, String name) {
        return union(set, Set.of(name));
    }

    private static Set<String> union(Set<String> a, Set<String> b) {
        if (b.isEmpty() || a.containsAll(b)) {
            return a;
        }
        var union = new TreeSet<>(a);
        union.addAll(b);
        return union;
    }
}
