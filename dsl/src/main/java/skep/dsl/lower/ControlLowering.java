package skep.dsl.lower;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import skep.dsl.Type;
import skep.dsl.ast.Expr.BinaryOp;
import skep.dsl.check.LocalVariable;
import skep.dsl.check.Typed;
import skep.ir.CompareOp;
import skep.ir.FunctionBuilder;
import skep.ir.FunctionBuilder.Label;
import skep.ir.Region;
import skep.ir.Value;
import skep.isa.MemSize;
import skep.isa.kernel.Helper;
import skep.source.Span;

/** Statements and conditions: where control goes. */
final class ControlLowering {
    private final FunctionLowering lowering;
    private final FunctionBuilder f;
    private final ScriptPlan plan;
    private final List<Loop> loops = new ArrayList<>();

    ControlLowering(FunctionLowering lowering) {
        this.lowering = lowering;
        this.f = lowering.f;
        this.plan = lowering.plan;
    }

    void statements(List<Typed.Stmt> statements) {
        for (var statement : statements) {
            statement(statement);
        }
    }

    private void statement(Typed.Stmt statement) {
        f.at(statement.span());
        switch (statement) {
            case Typed.Evaluate s -> evaluate(s.expr());
            case Typed.SetLocal s -> setLocal(s);
            case Typed.ClearLocal s -> {
                var place = lowering.place(s.variable());
                lowering.access.clear(place, LoopCallbacks.sizeInFrame(s.variable()));
            }
            case Typed.SetMap s -> lowering.maps.set(s);
            case Typed.UpdateMap s -> lowering.maps.update(s);
            case Typed.Aggregate s -> lowering.maps.aggregate(s);
            case Typed.If s -> ifStatement(s);
            case Typed.While s -> whileLoop(s);
            case Typed.ForMap s -> lowering.callbacks.forMap(s);
            case Typed.ForRange s -> lowering.callbacks.forRange(s);
            case Typed.Return s -> returnStatement(s);
            case Typed.Break s -> breakLoop(s.span());
            case Typed.Continue s -> continueLoop(s.span());
            case Typed.Sequence s -> statements(s.statements());
            case Typed.SystemCalls s -> systemCalls(s);
            case Typed.Ending _ -> {
                plan.useEnding();
                f.store(f.mapValueRef(ScriptPlan.ENDING_MAP, 0), 0, f.i64(1));
            }
        }
    }

    private void evaluate(Typed.Expr expr) {
        switch (expr) {
            case Typed.Emit e -> lowering.records.emit(e);
            case Typed.Nothing _ -> {}
            case Typed.Block b -> {
                statements(b.statements());
                evaluate(b.value());
            }
            case Typed.Delete d -> lowering.maps.delete(d);
            case Typed.Conditional c
            when c.type() instanceof Type.Void -> {
                var then = f.newBlock();
                var otherwise = f.newBlock();
                var out = f.newBlock();
                branch(c.condition(), then, otherwise);
                f.enter(then);
                evaluate(c.then());
                f.jump(out);
                f.enter(otherwise);
                evaluate(c.otherwise());
                f.jump(out);
                f.enter(out);
            }
            case Typed.Expr e
            when FunctionLowering.isScalar(e.type()) || e.type() instanceof Type.Void -> lowering.scalars.scalar(e);
            case Typed.Expr e -> lowering.access.memory(e);
        }
    }

    private void setLocal(Typed.SetLocal s) {
        var variable = s.variable();
        if (FunctionLowering.isScalar(variable.type())) {
            var value = lowering.scalars.scalar(s.value());
            f.at(s.span());
            lowering.access.writeScalar(lowering.place(variable), variable.type(), value);
            return;
        }
        boolean readsItself = mentions(s.value(), variable);
        if (readsItself) {
            var copy = lowering.access.memory(s.value());
            lowering.access.copy(lowering.place(variable), copy, variable.type().sizeBytes());
            return;
        }
        lowering.values.write(s.value(), lowering.place(variable), true);
    }

    private static boolean mentions(Typed.Expr expr, LocalVariable variable) {
        var found = new boolean[1];
        TypedWalker.walk(expr, e -> found[0] |= e instanceof Typed.Local l && l.variable() == variable);
        return found[0];
    }

    private void ifStatement(Typed.If s) {
        var then = f.newBlock();
        var out = f.newBlock();
        var otherwise = s.otherwise().isEmpty() ? out : f.newBlock();
        branch(s.condition(), then, otherwise);
        f.enter(then);
        statements(s.then());
        if (f.isOpen()) {
            f.jump(out);
        }
        if (!s.otherwise().isEmpty()) {
            f.enter(otherwise);
            statements(s.otherwise());
            if (f.isOpen()) {
                f.jump(out);
            }
        }
        f.enter(out);
    }

    private void whileLoop(Typed.While s) {
        var head = f.newBlock();
        var body = f.newBlock();
        var out = f.newBlock();
        f.jump(head);
        f.enter(head);
        branch(s.condition(), body, out);
        f.enter(body);
        loops.add(new Loop(head, out));
        statements(s.body());
        loops.removeLast();
        if (f.isOpen()) {
            f.jump(head);
        }
        f.enter(out);
    }

    void smallRange(Typed.ForRange s, long from, long to) {
        var out = f.newBlock();
        for (long i = from; i < to; i++) {
            var next = f.newBlock();
            lowering.access.writeScalar(
                    lowering.place(s.variable()), s.variable().type(), f.i64(i));
            loops.add(new Loop(next, out));
            statements(s.body());
            loops.removeLast();
            if (f.isOpen()) {
                f.jump(next);
            }
            f.enter(next);
        }
        f.jump(out);
        f.enter(out);
    }

    private void breakLoop(Span span) {
        if (loops.isEmpty()) {
            f.ret(f.i64(1));
        } else {
            f.jump(loops.getLast().out());
        }
        f.at(span);
    }

    private void continueLoop(Span span) {
        if (loops.isEmpty()) {
            f.ret(f.i64(0));
        } else {
            f.jump(loops.getLast().again());
        }
        f.at(span);
    }

    private void returnStatement(Typed.Return s) {
        if (lowering.returnFlag.isPresent()) {
            f.store(lowering.returnFlag.get().base(), lowering.returnFlag.get().offset(), f.i64(1));
            f.ret(f.i64(1));
            return;
        }
        if (s.value().isPresent() && !(s.value().get().type() instanceof Type.Void)) {
            var value = lowering.scalars.scalar(s.value().get());
            f.ret(value);
            return;
        }
        f.jump(lowering.exit);
    }

    /** One case runs, if any: all may use the same memory. */
    void systemCalls(Typed.SystemCalls s) {
        var task = f.helper(skep.ir.Type.ptr(Region.BTF), Helper.GET_CURRENT_TASK_BTF);
        var word = f.load(
                skep.ir.Type.I64, MemSize.ofBytes(4), false, task, s.foreign().offsetBytes());
        var own = f.newBlock();
        f.branch(
                f.compare(
                        CompareOp.EQ,
                        f.binary(skep.ir.BinaryOp.AND, word, s.foreign().mask()),
                        0),
                own,
                lowering.exit);
        f.enter(own);
        var targets = new ArrayList<Label>();
        var numbers = new ArrayList<Long>();
        var bodies = new ArrayList<Label>();
        for (var one : s.cases()) {
            var body = f.newBlock();
            bodies.add(body);
            one.numbers().forEach(n -> {
                numbers.add(n);
                targets.add(body);
            });
        }
        f.switchOn(
                lowering.scalars.scalar(s.number()),
                numbers.stream().mapToLong(n -> n).toArray(),
                targets,
                lowering.exit);
        int stackBefore = lowering.stackUsed;
        int scratchBefore = lowering.scratchUsed;
        int scratchMost = lowering.scratchUsed;
        for (int i = 0; i < bodies.size(); i++) {
            var one = s.cases().get(i);
            lowering.stackUsed = stackBefore;
            lowering.scratchUsed = scratchBefore;
            f.enter(bodies.get(i));
            body(one.predicate(), one.body());
            if (f.isOpen()) {
                f.jump(lowering.exit);
            }
            scratchMost = Math.max(scratchMost, lowering.scratchUsed);
        }
        lowering.scratchUsed = scratchMost;
    }

    void body(Optional<Typed.Expr> predicate, List<Typed.Stmt> statements) {
        TypedWalker.hoisted(statements)
                .forEach(v -> lowering.access.clear(lowering.place(v), LoopCallbacks.sizeInFrame(v)));
        predicate.ifPresent(p -> {
            var hit = f.newBlock();
            f.at(p.span());
            branch(p, hit, lowering.exit);
            f.enter(hit);
        });
        statements(statements);
    }

    // ---- conditions

    /** Branches on a truth value, without computing it where that can be avoided. */
    void branch(Typed.Expr condition, Label then, Label otherwise) {
        f.at(condition.span());
        switch (condition) {
            case Typed.IntConst c -> f.jump(c.value() != 0 ? then : otherwise);
            case Typed.Not n -> branch(n.operand(), otherwise, then);
            case Typed.Logic l -> {
                var second = f.newBlock();
                if (l.and()) {
                    branch(l.left(), second, otherwise);
                } else {
                    branch(l.left(), then, second);
                }
                f.enter(second);
                branch(l.right(), then, otherwise);
            }
            case Typed.Compare c -> f.branch(compare(c), then, otherwise);
            case Typed.TextCompare c -> lowering.texts.compare(c, then, otherwise);
            case Typed.HasKey h -> f.branch(lowering.maps.hasKey(h), then, otherwise);
            default -> f.branch(f.compare(CompareOp.NE, lowering.scalars.scalar(condition), 0), then, otherwise);
        }
    }

    Value compare(Typed.Compare c) {
        var left = lowering.scalars.scalar(c.left());
        var right = lowering.scalars.scalar(c.right());
        f.at(c.span());
        return f.compare(compareOp(c.op(), c.signed()), left, right);
    }

    private static CompareOp compareOp(BinaryOp op, boolean signed) {
        return switch (op) {
            case EQ -> CompareOp.EQ;
            case NE -> CompareOp.NE;
            case LT -> signed ? CompareOp.SLT : CompareOp.ULT;
            case GT -> signed ? CompareOp.SGT : CompareOp.UGT;
            case LE -> signed ? CompareOp.SLE : CompareOp.ULE;
            case GE -> signed ? CompareOp.SGE : CompareOp.UGE;
            default -> throw new IllegalArgumentException("no comparison: " + op);
        };
    }

    /** A truth value of branches as a number. */
    Value number(Typed.Expr condition) {
        var yes = f.newBlock();
        var no = f.newBlock();
        var out = f.newBlock(skep.ir.Type.I64);
        branch(condition, yes, no);
        f.enter(yes);
        f.jump(out, f.i64(1));
        f.enter(no);
        f.jump(out, f.i64(0));
        f.enter(out);
        return out.param(0);
    }

    /** Where {@code continue} and {@code break} of a loop in this function go. */
    private record Loop(Label again, Label out) {}
}
