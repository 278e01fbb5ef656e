package skep.c.lower;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import skep.c.check.Types;
import skep.c.lower.Operand.Place;
import skep.c.lower.Operand.Scalar;
import skep.c.parse.Declaration;
import skep.c.parse.Expr;
import skep.c.parse.Initializer;
import skep.c.parse.Stmt;
import skep.ir.BinaryOp;
import skep.ir.CompareOp;
import skep.ir.FunctionBuilder;
import skep.ir.FunctionBuilder.Label;
import skep.ir.Type;

/** Statements and the declarations among them. */
final class Statements {
    /** A loop is written out at most so many times. */
    private static final int MAX_UNROLL = 256;

    private final Lowering lowering;
    private final FunctionBuilder b;
    private final Types types;

    Statements(Lowering lowering) {
        this.lowering = lowering;
        this.b = lowering.b;
        this.types = lowering.types;
    }

    void lower(Stmt statement) {
        lowering.at(statement.span());
        switch (statement) {
            case Stmt.Block s -> inScope(() -> s.statements().forEach(this::lower));
            case Stmt.Declare s -> declare(s.declaration());
            case Stmt.Evaluate s -> lowering.expressions.discard(s.expr());
            case Stmt.Empty s -> {}
            case Stmt.If s -> ifElse(s);
            case Stmt.While s -> loop(Optional.of(s.condition()), Optional.empty(), s.body());
            case Stmt.DoWhile s -> doWhile(s);
            case Stmt.For s -> forLoop(s);
            case Stmt.Switch s -> switchCase(s);
            case Stmt.Case s -> enterCase(s, s.statement());
            case Stmt.Default s -> enterCase(s, s.statement());
            case Stmt.Label s -> label(s);
            case Stmt.Goto s -> {
                lowering.frame().labelUses.putIfAbsent(s.label(), s.span());
                b.jump(target(s.label()));
            }
            case Stmt.Continue s -> leave(lowering.frame().continues.peek(), s, "continue", "loop");
            case Stmt.Break s -> leave(lowering.frame().breaks.peek(), s, "break", "loop or switch");
            case Stmt.Return s -> giveBack(s);
            case Stmt.Asm s -> assembly(s);
        }
    }

    private void inScope(Runnable work) {
        lowering.frame().scopes.push(new HashMap<>());
        work.run();
        lowering.frame().scopes.pop();
    }

    private void declare(Declaration declaration) {
        if (declaration.declarators().isEmpty()) {
            types.layout.idOf(declaration.type());
        }
        for (var declarator : declaration.declarators()) {
            if (declaration.isTypedef()) {
                types.layout.typedef(declarator.name(), declarator.type());
                continue;
            }
            if (declaration.storage().contains("extern") || declarator.type() instanceof skep.c.parse.CType.Function) {
                continue;
            }
            int type = types.layout.idOf(declarator.type());
            if (declarator.initializer().isPresent()) {
                type = lowering.initializers.completed(
                        type, declarator.initializer().get());
            }
            if (types.isIncomplete(type) || types.isVoid(type)) {
                lowering.error(declarator.span(), "variable has incomplete type '" + types.name(type) + "'");
                type = types.signedInt;
            }
            var place = lowering.temporary(declarator.name(), type);
            if (declarator.initializer().isPresent()) {
                // The name is in scope in its own initialiser, but nobody reads it there.
                lowering.declare(declarator.name(), new Lowering.Variable(type, place));
                lowering.initializers.initialize(place, declarator.initializer().get());
            }
            lowering.declare(declarator.name(), new Lowering.Variable(type, place));
        }
    }

    private void ifElse(Stmt.If s) {
        var known = lowering.constantOf(s.condition());
        var then = b.newBlock();
        var otherwise = b.newBlock();
        var after = b.newBlock();
        if (known.isPresent()) {
            b.jump(known.get() != 0 ? then : otherwise);
        } else {
            lowering.expressions.branch(s.condition(), then, otherwise);
        }
        b.enter(then);
        lower(s.then());
        jumpIfOpen(after);
        b.enter(otherwise);
        s.otherwise().ifPresent(this::lower);
        jumpIfOpen(after);
        b.enter(after);
    }

    private void jumpIfOpen(Label target) {
        if (b.isOpen()) {
            b.jump(target);
        }
    }

    private void loop(Optional<Expr> condition, Optional<Expr> step, Stmt body) {
        var test = b.newBlock();
        var inside = b.newBlock();
        var next = b.newBlock();
        var after = b.newBlock();
        b.jump(test);
        b.enter(test);
        if (condition.isPresent()) {
            lowering.expressions.branch(condition.get(), inside, after);
        } else {
            b.jump(inside);
        }
        b.enter(inside);
        body(body, after, next);
        jumpIfOpen(next);
        b.enter(next);
        step.ifPresent(lowering.expressions::discard);
        b.jump(test);
        b.enter(after);
    }

    private void body(Stmt body, Label after, Label next) {
        var frame = lowering.frame();
        frame.breaks.push(after);
        frame.continues.push(next);
        lower(body);
        frame.breaks.pop();
        frame.continues.pop();
    }

    private void doWhile(Stmt.DoWhile s) {
        var inside = b.newBlock();
        var next = b.newBlock();
        var after = b.newBlock();
        b.jump(inside);
        b.enter(inside);
        body(s.body(), after, next);
        jumpIfOpen(next);
        b.enter(next);
        if (lowering.constantOf(s.condition()).filter(v -> v == 0).isPresent()) {
            b.jump(after);
        } else {
            lowering.expressions.branch(s.condition(), inside, after);
        }
        b.enter(after);
    }

    private void forLoop(Stmt.For s) {
        inScope(() -> {
            s.start().ifPresent(this::lower);
            int times = s.unroll() == 0 ? 0 : tripCount(s);
            if (times > 0
                    && times <= MAX_UNROLL
                    && ChangedNames.ofRepeatable(s.body()).isPresent()) {
                unrolled(s, times);
            } else {
                loop(s.condition(), s.step(), s.body());
            }
        });
    }

    /** The body as often as it runs; the condition stays, and folds where the counter is known. */
    private void unrolled(Stmt.For s, int times) {
        var after = b.newBlock();
        for (int i = 0; i < times; i++) {
            var inside = b.newBlock();
            var next = b.newBlock();
            if (s.condition().isPresent()) {
                lowering.expressions.branch(s.condition().get(), inside, after);
            } else {
                b.jump(inside);
            }
            b.enter(inside);
            body(s.body(), after, next);
            jumpIfOpen(next);
            b.enter(next);
            s.step().ifPresent(lowering.expressions::discard);
        }
        b.jump(after);
        b.enter(after);
    }

    /** How often {@code for (i = A; i < B; i++)} runs, if A and B are constants and only the step changes i; 0 if unknown. */
    private int tripCount(Stmt.For s) {
        if (s.condition().isEmpty()
                || s.step().isEmpty()
                || !(s.condition().get() instanceof Expr.Binary test)
                || !(test.left() instanceof Expr.Name counter)) {
            return 0;
        }
        var start = s.start().flatMap(st -> startOf(st, counter.name()));
        var end = lowering.constantOf(test.right());
        long step = stepOf(s.step().get(), counter.name());
        if (start.isEmpty() || end.isEmpty() || step == 0) {
            return 0;
        }
        var changed = ChangedNames.ofRepeatable(s.body());
        if (changed.isEmpty() || changed.get().contains(counter.name())) {
            return 0;
        }
        int count = 0;
        long at = start.get();
        while (count <= MAX_UNROLL && holds(test.op(), at, end.get())) {
            at += step;
            count++;
        }
        return count;
    }

    private static boolean holds(String op, long a, long b) {
        return switch (op) {
            case "<" -> a < b;
            case "<=" -> a <= b;
            case ">" -> a > b;
            case ">=" -> a >= b;
            case "!=" -> a != b;
            default -> false;
        };
    }

    private Optional<Long> startOf(Stmt start, String name) {
        if (start instanceof Stmt.Evaluate e && e.expr() instanceof Expr.Assign a && a.op().isEmpty()) {
            return a.target() instanceof Expr.Name n && n.name().equals(name)
                    ? lowering.constantOf(a.value())
                    : Optional.empty();
        }
        if (start instanceof Stmt.Declare d) {
            for (var declarator : d.declaration().declarators()) {
                if (declarator.name().equals(name)
                        && declarator.initializer().orElse(null) instanceof Initializer.Value v) {
                    return lowering.constantOf(v.expr());
                }
            }
        }
        return Optional.empty();
    }

    private long stepOf(Expr step, String name) {
        return switch (step) {
            case Expr.Postfix p when isName(p.operand(), name) -> p.op().equals("++") ? 1 : -1;
            case Expr.Unary u when isName(u.operand(), name) && u.op().equals("++") -> 1;
            case Expr.Unary u when isName(u.operand(), name) && u.op().equals("--") -> -1;
            case Expr.Assign a
            when isName(a.target(), name) && a.op().equals("+") ->
                lowering.constantOf(a.value()).orElse(0L);
            case Expr.Assign a
            when isName(a.target(), name) && a.op().equals("-") ->
                -lowering.constantOf(a.value()).orElse(0L);
            default -> 0;
        };
    }

    private static boolean isName(Expr expr, String name) {
        return expr instanceof Expr.Name n && n.name().equals(name);
    }

    // switch

    private void switchCase(Stmt.Switch s) {
        if (!(lowering.value(s.value()) instanceof Scalar value)
                || value.value().type().isPointer()) {
            lowering.error(s.value().span(), "statement requires expression of integer type");
            return;
        }
        int type = types.promoted(value.type());
        var number = lowering.arithmetic.resized(value, type);
        var after = b.newBlock();
        Map<Stmt, Label> labels = new IdentityHashMap<>();
        var numbers = new ArrayList<Long>();
        var targets = new ArrayList<Label>();
        var ranges = new ArrayList<Stmt.Case>();
        Optional<Label> otherwise = Optional.empty();
        for (var labelled : labelled(s.body())) {
            var label = b.newBlock();
            labels.put(labelled, label);
            switch (labelled) {
                case Stmt.Case c when c.last().isPresent() -> ranges.add(c);
                case Stmt.Case c -> {
                    var at = lowering.constantOf(c.first());
                    if (at.isEmpty()) {
                        lowering.error(c.first().span(), "expression is not an integer constant expression");
                    } else if (numbers.contains(held(number.type(), at.get()))) {
                        lowering.error(c.first().span(), "duplicate case value '" + at.get() + "'");
                    } else {
                        numbers.add(held(number.type(), at.get()));
                        targets.add(label);
                    }
                }
                default -> otherwise = Optional.of(label);
            }
        }
        for (var range : ranges) {
            long first = lowering.constantOf(range.first()).orElse(0L);
            long last = lowering.constantOf(range.last().orElseThrow()).orElse(0L);
            var distance = b.binary(BinaryOp.SUB, number, first);
            var next = b.newBlock();
            b.branch(b.compare(CompareOp.ULE, distance, last - first), labels.get(range), next);
            b.enter(next);
        }
        b.switchOn(number, numbers.stream().mapToLong(Long::longValue).toArray(), targets, otherwise.orElse(after));
        var frame = lowering.frame();
        frame.cases.push(labels);
        frame.breaks.push(after);
        lower(s.body());
        frame.breaks.pop();
        frame.cases.pop();
        jumpIfOpen(after);
        b.enter(after);
    }

    private static long held(Type type, long number) {
        return type.bits() == 64 ? number : number & ((1L << type.bits()) - 1);
    }

    /** The case and default labels of a switch, not those of switches inside. */
    private static List<Stmt> labelled(Stmt body) {
        var list = new ArrayList<Stmt>();
        collect(body, list);
        return list;
    }

    private static void collect(Stmt statement, List<Stmt> out) {
        switch (statement) {
            case Stmt.Block s -> s.statements().forEach(i -> collect(i, out));
            case Stmt.Case s -> {
                out.add(s);
                collect(s.statement(), out);
            }
            case Stmt.Default s -> {
                out.add(s);
                collect(s.statement(), out);
            }
            case Stmt.Label s -> collect(s.statement(), out);
            case Stmt.If s -> {
                collect(s.then(), out);
                s.otherwise().ifPresent(o -> collect(o, out));
            }
            case Stmt.While s -> collect(s.body(), out);
            case Stmt.DoWhile s -> collect(s.body(), out);
            case Stmt.For s -> collect(s.body(), out);
            default -> {}
        }
    }

    private void enterCase(Stmt label, Stmt statement) {
        var labels = lowering.frame().cases.peek();
        var target = labels == null ? null : labels.get(label);
        if (target == null) {
            lowering.error(
                    label.span(),
                    "'" + (label instanceof Stmt.Case ? "case" : "default") + "' statement not in switch statement");
        } else {
            jumpIfOpen(target);
            b.enter(target);
        }
        lower(statement);
    }

    // Jumps

    private Label target(String name) {
        return lowering.frame().labels.computeIfAbsent(name, n -> b.newBlock());
    }

    private void label(Stmt.Label s) {
        var frame = lowering.frame();
        if (frame.labels.containsKey("defined " + s.name())) {
            lowering.error(s.span(), "redefinition of label '" + s.name() + "'");
            return;
        }
        var label = target(s.name());
        frame.labels.put("defined " + s.name(), label);
        jumpIfOpen(label);
        b.enter(label);
        lower(s.statement());
    }

    private void leave(Label target, Stmt s, String word, String where) {
        if (target == null) {
            lowering.error(s.span(), "'" + word + "' statement not in " + where + " statement");
        } else {
            b.jump(target);
        }
    }

    private void giveBack(Stmt.Return s) {
        var frame = lowering.frame();
        if (s.value().isPresent()) {
            if (frame.resultSlot.isEmpty()) {
                lowering.expressions.discard(s.value().get());
            } else {
                var value = lowering.expressions.converted(s.value().get(), frame.resultType, "returning", "");
                lowering.expressions.store(new Place(frame.resultType, frame.resultSlot.get(), 0), value);
            }
        }
        b.jump(frame.exit);
    }

    /** Assembly without instructions only hides a value from the compiler; other assembly is not understood. */
    private void assembly(Stmt.Asm s) {
        var template = s.tokens().isEmpty() ? "\"\"" : s.tokens().getFirst();
        if (!template.equals("\"\"")) {
            lowering.error(s.span(), "only inline assembly without instructions is supported");
            return;
        }
        for (int i = 0; i + 3 < s.tokens().size(); i++) {
            var name = s.tokens().get(i + 2);
            if (s.tokens().get(i).matches("\"[=+]r\"") && s.tokens().get(i + 1).equals("(")) {
                lowering.find(name).ifPresent(v -> {
                    if (v.operand() instanceof Place p && types.isScalar(p.type())) {
                        var value = lowering.expressions.load(p).value();
                        b.store(p.base(), (int) p.offset(), b.opaque(value));
                    }
                });
            }
        }
    }
}
