package skep.dsl.lower;

import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import skep.dsl.CompiledScript;
import skep.dsl.MapView;
import skep.dsl.Type;
import skep.dsl.check.LocalVariable;
import skep.dsl.check.Typed;
import skep.ir.CompareOp;
import skep.ir.FunctionBuilder;
import skep.ir.Region;
import skep.isa.kernel.Helper;
import skep.source.Span;

/**
 * Loops whose body is a function of its own, which a helper of the kernel calls: the body shares variables with the
 * function around it in a frame.
 */
final class LoopCallbacks {
    private final FunctionLowering lowering;
    private final FunctionBuilder f;
    private final ScriptPlan plan;

    LoopCallbacks(FunctionLowering lowering) {
        this.lowering = lowering;
        this.f = lowering.f;
        this.plan = lowering.plan;
    }

    void forRange(Typed.ForRange s) {
        if (s.from() instanceof Typed.IntConst from
                && s.to() instanceof Typed.IntConst to
                && to.value() - from.value() <= 8) {
            lowering.control.smallRange(s, from.value(), to.value());
            return;
        }
        var from = lowering.scalars.scalar(s.from());
        var to = lowering.scalars.scalar(s.to());
        var count = f.binary(skep.ir.BinaryOp.SUB, to, from);
        var some = f.newBlock();
        var out = f.newBlock();
        f.branch(f.compare(CompareOp.SGT, count, 0), some, out);
        f.enter(some);
        var frame = frame(s.body(), s.variable(), 1);
        f.store(frame.memory.base(), frame.memory.offset() + frame.extraOffset, from);
        var name = plan.callbackName();
        callback(name, List.of(skep.ir.Type.I64, skep.ir.Type.ptr(Region.STACK)), 1, frame, s.span(), body -> {
            var shared = body.f.param(1);
            var start = body.f.load(skep.ir.Type.I64, shared, frame.extraOffset);
            var index = body.f.add(start, body.f.param(0));
            body.access.writeScalar(body.place(s.variable()), s.variable().type(), index);
            body.control.statements(s.body());
        });
        f.helper(
                skep.ir.Type.I64,
                Helper.LOOP,
                count,
                f.functionRef(name),
                lowering.access.pointer(frame.memory),
                f.i64(0));
        afterCallback(frame);
        f.jump(out);
        f.enter(out);
    }

    void forMap(Typed.ForMap s) {
        var view = plan.view(s.map());
        var frame = frame(s.body(), s.variable(), 0);
        var name = plan.callbackName();
        var parameters = List.of(
                skep.ir.Type.ptr(Region.MAP),
                skep.ir.Type.ptr(Region.GENERIC),
                skep.ir.Type.ptr(Region.MAP_VALUE),
                skep.ir.Type.ptr(Region.STACK));
        callback(name, parameters, 3, frame, s.span(), body -> {
            body.maps.bindEntry(s.map(), s.variable(), body.f.param(1), body.f.param(2));
            body.control.statements(s.body());
        });
        f.helper(
                skep.ir.Type.I64,
                Helper.FOR_EACH_MAP_ELEM,
                f.mapRef(view.mapName()),
                f.functionRef(name),
                lowering.access.pointer(frame.memory),
                f.i64(0));
        afterCallback(frame);
    }

    private Frame frame(List<Typed.Stmt> body, LocalVariable own, int extraWords) {
        var declared = new LinkedHashSet<LocalVariable>();
        var used = new LinkedHashSet<LocalVariable>();
        TypedWalker.variables(body, used, declared);
        used.remove(own);
        var offsets = new LinkedHashMap<LocalVariable, Integer>();
        int at = 0;
        for (var variable : used) {
            if (lowering.locals.containsKey(variable)) {
                offsets.put(variable, at);
                at += sizeInFrame(variable);
            }
        }
        int returnOffset = at;
        at += 8;
        int extra = at;
        at += 8 * extraWords;
        var memory = lowering.allocate(at, "loop");
        for (var entry : offsets.entrySet()) {
            lowering.access.copy(
                    memory.plus(entry.getValue()), lowering.place(entry.getKey()), sizeInFrame(entry.getKey()));
        }
        f.store(memory.base(), memory.offset() + returnOffset, f.i64(0));
        return new Frame(memory, offsets, returnOffset, extra);
    }

    static int sizeInFrame(LocalVariable variable) {
        return FunctionLowering.isScalar(variable.type())
                ? 8
                : Type.Layout.alignUp(Math.max(1, variable.type().sizeBytes()), 8);
    }

    private void callback(
            String name,
            List<skep.ir.Type> parameters,
            int frameParameter,
            Frame frame,
            Span span,
            java.util.function.Consumer<FunctionLowering> write) {
        var mark = plan.mark();
        int needed =
                writeCallback(new skep.ir.ModuleBuilder(), name, parameters, frameParameter, frame, span, write, 0);
        plan.reset(mark);
        writeCallback(lowering.module, name, parameters, frameParameter, frame, span, write, needed);
    }

    private int writeCallback(
            skep.ir.ModuleBuilder into,
            String name,
            List<skep.ir.Type> parameters,
            int frameParameter,
            Frame frame,
            Span span,
            java.util.function.Consumer<FunctionLowering> write,
            int scratchBytes) {
        var g = into.function(name, skep.ir.Type.I64, parameters, span);
        var shared = g.param(frameParameter);
        var inner = new FunctionLowering(
                plan,
                g,
                Optional.empty(),
                skep.ir.Type.I64,
                scratchBytes,
                Optional.of(Memory.own(shared, frame.returnOffset)));
        inner.module = into;
        frame.offsets.forEach((variable, offset) -> inner.locals.put(variable, Memory.own(shared, offset)));
        write.accept(inner);
        inner.finish(span);
        return inner.scratchUsed;
    }

    /** Takes back what the loop changed; a {@code return} in it leaves this function too. */
    private void afterCallback(Frame frame) {
        for (var entry : frame.offsets.entrySet()) {
            lowering.access.copy(
                    lowering.place(entry.getKey()), frame.memory.plus(entry.getValue()), sizeInFrame(entry.getKey()));
        }
        var returned = f.load(skep.ir.Type.I64, frame.memory.base(), frame.memory.offset() + frame.returnOffset);
        var left = f.newBlock();
        var on = f.newBlock();
        f.branch(f.compare(CompareOp.NE, returned, 0), left, on);
        f.enter(left);
        if (lowering.returnFlag.isPresent()) {
            f.store(lowering.returnFlag.get().base(), lowering.returnFlag.get().offset(), f.i64(1));
            f.ret(f.i64(1));
        } else {
            f.jump(lowering.exit);
        }
        f.enter(on);
    }

    /** A function that loops over a map and adds those of one generation up in its context. */
    String countingCallback(MapView view, Span span) {
        var name = plan.callbackName();
        var g = lowering.module.function(
                name,
                skep.ir.Type.I64,
                List.of(
                        skep.ir.Type.ptr(Region.MAP),
                        skep.ir.Type.ptr(Region.GENERIC),
                        skep.ir.Type.ptr(Region.MAP_VALUE),
                        skep.ir.Type.ptr(Region.STACK)),
                span);
        var own = g.newBlock();
        var out = g.newBlock();
        var generation = g.load(skep.ir.Type.I64, g.param(1), view.generationInKey());
        var now = g.load(skep.ir.Type.I64, g.mapValueRef(CompiledScript.GENERATIONS_MAP, view.generation()), 0);
        g.branch(g.compare(CompareOp.EQ, generation, now), own, out);
        g.enter(own);
        g.store(g.param(3), 0, g.binary(skep.ir.BinaryOp.ADD, g.load(skep.ir.Type.I64, g.param(3), 0), 1));
        g.jump(out);
        g.enter(out);
        g.ret(g.i64(0));
        return name;
    }

    /** A function that loops over a map and does nothing. */
    String emptyCallback(Span span) {
        var name = plan.callbackName();
        var g = lowering.module.function(
                name,
                skep.ir.Type.I64,
                List.of(
                        skep.ir.Type.ptr(Region.MAP),
                        skep.ir.Type.ptr(Region.GENERIC),
                        skep.ir.Type.ptr(Region.MAP_VALUE),
                        skep.ir.Type.I64),
                span);
        g.ret(g.i64(0));
        return name;
    }

    /** Variables that a loop body shares with what is around it, next to each other in memory. */
    private record Frame(Memory memory, Map<LocalVariable, Integer> offsets, int returnOffset, int extraOffset) {}
}
