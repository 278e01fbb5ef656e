package skep.dsl.check;

import java.util.ArrayList;
import java.util.List;
import skep.dsl.Type;
import skep.dsl.ast.Expr;
import skep.dsl.parse.Parser;
import skep.source.Diagnostics;

/** What a name, a positional parameter or a number of the script means. */
final class NameResolver {
    private final ExpressionChecker expressions;
    private final Checking checking;
    private final BuiltinChecker builtins;
    /** The names that are being replaced, one inside of the other. */
    private final List<String> expanding = new ArrayList<>();

    NameResolver(ExpressionChecker expressions, Checking checking, BuiltinChecker builtins) {
        this.expressions = expressions;
        this.checking = checking;
        this.builtins = builtins;
    }

    static Typed.IntConst literal(Expr.IntLit e) {
        Type type = e.unsigned() ? Type.UINT64 : e.pinned() ? Type.INT64 : Literals.smallest(e.value());
        return new Typed.IntConst(type, e.value(), e.span());
    }

    Typed.Expr name(Expr.Ident e) {
        var plain = Uses.plain(e.name());
        var builtin = builtins.value(plain, e.span());
        if (builtin.isPresent()) {
            return builtin.get();
        }
        var define = checking.types.declared().define(e.name());
        if (define.isPresent()) {
            return expand(e, define.get());
        }
        var enumerator = checking.enumerator(e.name(), e.span());
        if (enumerator.isPresent()) {
            return enumerator.get();
        }
        var known = SystemConstants.known(e.name());
        if (known.isPresent()) {
            return new Typed.IntConst(Type.INT32, known.getAsInt(), e.span());
        }
        throw new CheckError(
                "unknown-name",
                e.span(),
                "Unknown identifier: '" + e.name() + "'",
                NearestNames.hint(e.name(), builtins.names()));
    }

    /** The value of a {@code #define}. */
    private Typed.Expr expand(Expr.Ident e, skep.source.Source replacement) {
        if (expanding.contains(e.name())) {
            throw new CheckError("macro", e.span(), "Macro recursion: " + e.name());
        }
        var parsed = Parser.parseExpression(replacement, new Diagnostics());
        if (parsed.isEmpty()) {
            throw new CheckError(
                    "macro",
                    e.span(),
                    "unable to expand macro as an expression: "
                            + replacement.text().replaceAll("\\s+", ""));
        }
        expanding.add(e.name());
        try {
            return expressions.expr(parsed.get());
        } finally {
            expanding.removeLast();
        }
    }

    Typed.Expr positional(Expr.Positional e) {
        var given = checking.positional();
        if (e.index() > given.size()) {
            return new Typed.IntConst(Type.INT64, 0, e.span());
        }
        var text = given.get((int) e.index() - 1);
        var number = Strings.number(text);
        if (number.isPresent()) {
            long value = number.getAsLong();
            boolean unsigned = value < 0 && !text.startsWith("-");
            return new Typed.IntConst(unsigned ? Type.UINT64 : Literals.smallest(value), value, e.span());
        }
        return ExpressionChecker.text(text, e.span());
    }
}
