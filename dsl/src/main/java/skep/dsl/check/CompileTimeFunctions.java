package skep.dsl.check;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import skep.dsl.Action;
import skep.dsl.Format;
import skep.dsl.Type;
import skep.dsl.ast.Expr;

/**
 * Functions that are answered while the script is compiled: parameters, the configuration, assertions, questions about
 * types.
 */
final class CompileTimeFunctions {
    private final Checking checking;
    private final ExpressionChecker expressions;
    private final CallArguments args;
    private final ActionEmitter actions;
    private final PrintingFunctions printing;

    CompileTimeFunctions(
            Checking checking,
            ExpressionChecker expressions,
            CallArguments args,
            ActionEmitter actions,
            PrintingFunctions printing) {
        this.checking = checking;
        this.expressions = expressions;
        this.args = args;
        this.actions = actions;
        this.printing = printing;
    }

    Typed.Expr getopt(Expr.Call c) {
        args.arity(c, 1, 3);
        var name = args.literal(c, 0);
        var description = c.arguments().size() == 3 ? args.literal(c, 2) : "";
        checking.namedParameters.merge(name, description, (a, b) -> a.isEmpty() ? b : a);
        var given = Optional.ofNullable(checking.options.named().get(name));
        if (c.arguments().size() == 1) {
            boolean on = given.isPresent()
                    && !given.get().equals("false")
                    && !given.get().equals("0");
            return new Typed.IntConst(Type.BOOL, on ? 1 : 0, c.span());
        }
        var otherwise = args.argument(c, 1);
        if (given.isEmpty()) {
            return otherwise;
        }
        var text = given.get();
        if (otherwise.type() instanceof Type.Bool) {
            return new Typed.IntConst(Type.BOOL, text.equals("false") || text.equals("0") ? 0 : 1, c.span());
        }
        if (otherwise.type() instanceof Type.Int) {
            var number = Strings.number(text);
            if (number.isEmpty()) {
                throw new CheckError(
                        "parameter", c.span(), "Value for named parameter '" + name + "' is not a number: " + text);
            }
            return new Typed.IntConst(Literals.smallest(number.getAsLong()), number.getAsLong(), c.span());
        }
        return ExpressionChecker.text(text, c.span());
    }

    /** The configuration as a record of constants. */
    Typed.Expr config(Expr.Call c) {
        args.arity(c, 0, 0);
        var settings = checking.settings;
        var user = settings.forUserSpace();
        var names = new ArrayList<String>();
        var values = new ArrayList<Typed.Expr>();
        java.util.function.BiConsumer<String, Typed.Expr> put = (name, value) -> {
            names.add(name);
            values.add(value);
        };
        put.accept("max_strlen", new Typed.IntConst(Type.UINT64, settings.maxStringBytes(), c.span()));
        put.accept("max_map_keys", new Typed.IntConst(Type.UINT64, settings.maxMapEntries(), c.span()));
        put.accept("on_stack_limit", new Typed.IntConst(Type.UINT64, settings.onStackBytes(), c.span()));
        put.accept("max_probes", new Typed.IntConst(Type.UINT64, user.maxProbes(), c.span()));
        put.accept("max_bpf_progs", new Typed.IntConst(Type.UINT64, user.maxPrograms(), c.span()));
        put.accept("max_cat_bytes", new Typed.IntConst(Type.UINT64, user.maxCatBytes(), c.span()));
        put.accept("print_maps_on_exit", new Typed.IntConst(Type.BOOL, user.printMapsAtExit() ? 1 : 0, c.span()));
        put.accept("cpp_demangle", new Typed.IntConst(Type.BOOL, user.demangle() ? 1 : 0, c.span()));
        put.accept("stack_mode", ExpressionChecker.text(settings.stackMode().title(), c.span()));
        put.accept("missing_probes", ExpressionChecker.text(user.missingProbes(), c.span()));
        put.accept("str_trunc_trailer", ExpressionChecker.text(user.stringTruncationTrailer(), c.span()));
        put.accept("license", ExpressionChecker.text(settings.license(), c.span()));
        var members = new ArrayList<Type.Member>();
        for (int i = 0; i < names.size(); i++) {
            members.add(new Type.Member(names.get(i), values.get(i).type()));
        }
        return new Typed.Compose(new Type.Rec(members), values, c.span());
    }

    Typed.Expr fail(Expr.Call c) {
        var arguments = new ArrayList<Typed.Expr>();
        var format = printing.format(c, arguments);
        if (checking.last) {
            throw new CheckError("fail", c.span(), FormatChecker.constantText(format, arguments));
        }
        return new Typed.Nothing(c.span());
    }

    Typed.Expr assertion(Expr.Call c) {
        args.arity(c, 2, 2);
        var condition = expressions.condition(c.arguments().getFirst());
        var message = args.literal(c, 1);
        if (condition instanceof Typed.IntConst constant) {
            if (constant.value() == 0 && checking.last) {
                throw new CheckError("assertion", c.span(), message);
            }
            return new Typed.Nothing(c.span());
        }
        if (c.name().equals("static_assert")) {
            throw new CheckError("comptime", c.span(), "Unable to resolve comptime expression");
        }
        var report = actions.emit(
                List.of(),
                a -> new Action.Print(
                        Action.Channel.ERRORF,
                        Format.parse("assert failed: " + message.replace("%", "%%") + "\n"),
                        a,
                        c.span()),
                c.span());
        var stop = actions.emit(
                List.of(new Typed.IntConst(Type.INT64, 1, c.span())),
                a -> new Action.Exit(Optional.of(a.getFirst()), c.span()),
                c.span());
        var failing = List.<Typed.Stmt>of(
                new Typed.Evaluate(report, c.span()),
                new Typed.Evaluate(stop, c.span()),
                new Typed.Return(Optional.empty(), c.span()));
        return new Typed.Block(
                List.of(new Typed.If(condition, List.of(), failing, c.span())), new Typed.Nothing(c.span()), c.span());
    }

    Typed.Expr predicate(Expr.Call c, java.util.function.Predicate<Typed.Expr> holds) {
        args.arity(c, 1, 1);
        return new Typed.IntConst(Type.BOOL, holds.test(args.argument(c, 0)) ? 1 : 0, c.span());
    }
}
