package skep.ir.pass;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import skep.ir.BinaryOp;
import skep.ir.Block;
import skep.ir.Cfg;
import skep.ir.CompareOp;
import skep.ir.Function;
import skep.ir.Inst;
import skep.ir.Region;
import skep.ir.Terminator;
import skep.ir.Type;
import skep.ir.Value;
import skep.source.Span;

/**
 * Walks the dominator tree with what is known there: expressions already computed, copies, and conditions that a branch
 * above has decided. Replaces an expression by an equal one that dominates it, folds constants and simplifies
 * ({@link Simplifier}).
 *
 * <p>A second null check of one pointer thus becomes a constant. Nothing is learned from ranges: the kernel's verifier
 * has to see every bound it needs.
 */
final class ValueNumbering {
    private final Function function;
    private final Cfg cfg;
    private final Fresh fresh;
    private final boolean contextIsConstant;
    private final Map<Value, Value> leader = new HashMap<>();
    private final Map<Value, Inst.Def> definition = new HashMap<>();
    private final List<Map<Object, Value>> known = new ArrayList<>();
    private final int[] depth;

    /** What each use makes anew, so that it may as well stand in the entry block, where it is in nobody's way. */
    private final List<Inst> pinned = new ArrayList<>();

    /** An expression without its result and span. */
    private record Expression(Object op, Type type, List<Object> parts) {}

    private ValueNumbering(Function function) {
        this.function = function;
        this.cfg = new Cfg(function);
        this.fresh = new Fresh(function);
        this.contextIsConstant = !writesContext();
        this.depth = new int[cfg.size()];
    }

    static Function run(Function function) {
        return new ValueNumbering(Cfg.withoutUnreachable(function)).number();
    }

    private boolean writesContext() {
        for (var block : cfg.order()) {
            for (var inst : block.insts()) {
                if (inst instanceof Inst.Store s && s.base().type().isPointerTo(Region.CTX)) {
                    return true;
                }
            }
        }
        return false;
    }

    private Function number() {
        int n = cfg.size();
        List<List<Integer>> children = new ArrayList<>();
        for (int i = 0; i < n; i++) {
            children.add(new ArrayList<>());
        }
        for (int i = n - 1; i > 0; i--) {
            children.get(cfg.idom(i)).add(i);
        }
        var done = new Block[n];
        List<Integer> work = new ArrayList<>(List.of(0));
        // Preorder of the dominator tree; children are in reverse, so that the first is walked first.
        while (!work.isEmpty()) {
            int at = work.removeLast();
            depth[at] = at == 0 ? 0 : depth[cfg.idom(at)] + 1;
            while (known.size() > depth[at]) {
                known.removeLast();
            }
            known.add(new HashMap<>());
            done[at] = block(at);
            work.addAll(children.get(at));
        }
        var blocks = new ArrayList<Block>();
        for (var block : function.blocks()) {
            var walked = done[cfg.position(block.id())];
            var insts = new ArrayList<Inst>();
            if (block == function.entry()) {
                insts.addAll(pinned);
            }
            insts.addAll(walked.insts());
            blocks.add(walked.with(insts, walked.end().map(this::resolve)));
        }
        return function.withBlocks(blocks);
    }

    private Block block(int position) {
        var block = cfg.order().get(position);
        var insts = new ArrayList<Inst>();
        if (position > 0) {
            learn(position, insts);
        }
        for (var inst : block.insts()) {
            inst(inst.map(this::resolve), insts);
        }
        var end = Simplifier.simplify(block.end().map(v -> belowEquals(resolve(v))), definition);
        return block.with(insts, end);
    }

    private Value resolve(Value value) {
        var at = value;
        while (leader.containsKey(at)) {
            at = leader.get(at);
        }
        return at;
    }

    // What a branch above has decided

    private void learn(int position, List<Inst> insts) {
        var preds = cfg.predecessors(position);
        if (preds.length != 1) {
            return;
        }
        var end = cfg.order().get(preds[0]).end();
        if (end instanceof Terminator.Branch b
                && b.then().block() != b.otherwise().block()) {
            boolean holds = cfg.position(b.then().block()) == position;
            assume(resolve(b.condition()), holds, end.span(), insts);
        } else if (end instanceof Terminator.Switch s) {
            var into = s.cases().stream()
                    .filter(c -> cfg.position(c.target().block()) == position)
                    .toList();
            if (into.size() == 1 && cfg.position(s.otherwise().block()) != position) {
                var number =
                        constant(end.span(), s.value().type(), into.getFirst().number(), insts);
                replaceBelow(resolve(s.value()), number);
            }
        }
    }

    private void assume(Value condition, boolean holds, Span span, List<Inst> insts) {
        if (!(definition.get(condition) instanceof Inst.Compare c)) {
            replaceBelow(condition, constant(span, Type.I1, holds ? 1 : 0, insts));
            if (definition.get(condition) instanceof Inst.Binary b
                    && b.op() == BinaryOp.XOR
                    && definition.get(b.b()) instanceof Inst.Const truth
                    && truth.value() == 1) {
                assume(b.a(), !holds, span, insts);
            }
            return;
        }
        var yes = constant(span, Type.I1, 1, insts);
        var no = constant(span, Type.I1, 0, insts);
        remember(c.op(), c.a(), c.b(), holds ? yes : no);
        remember(c.op().negated(), c.a(), c.b(), holds ? no : yes);
        replaceBelow(condition, holds ? yes : no);
        boolean equal = holds ? c.op() == CompareOp.EQ : c.op() == CompareOp.NE;
        if (equal && !c.a().type().isPointer() && definition.get(c.b()) instanceof Inst.Const) {
            replaceBelow(c.a(), c.b());
        }
    }

    private void remember(CompareOp op, Value a, Value b, Value answer) {
        known.getLast().put(new Expression(op, Type.I1, List.of(key(a), key(b))), answer);
        known.getLast().put(new Expression(op.swapped(), Type.I1, List.of(key(b), key(a))), answer);
    }

    /** In the blocks below, one value is known to equal another. */
    private void replaceBelow(Value value, Value equal) {
        known.getLast().put(value, equal);
    }

    private Value constant(Span span, Type type, long number, List<Inst> insts) {
        var known = find(new Expression("const", type, List.of(number)));
        if (known.isPresent()) {
            return known.get();
        }
        var def = new Inst.Const(span, fresh.value(type), number);
        enter(new Expression("const", type, List.of(number)), def, insts);
        return def.result();
    }

    // Instructions

    private void inst(Inst inst, List<Inst> out) {
        var known = inst.map(this::belowEquals);
        if (!(known instanceof Inst.Def def)) {
            out.add(known);
            return;
        }
        var simple = Simplifier.simplify(def, definition, (span, op) -> add(span, op, out));
        switch (simple) {
            case Simplifier.Same same -> leader.put(def.result(), resolve(same.value()));
            case Simplifier.Number number -> unify(new Inst.Const(def.span(), def.result(), number.value()), out);
            case Simplifier.Changed changed -> unify(changed.inst(), out);
        }
    }

    private Value belowEquals(Value value) {
        return find(value).orElse(value);
    }

    private Value add(Span span, Simplifier.Operation operation, List<Inst> out) {
        var def = operation.define(span, fresh.value(operation.type()));
        inst(def, out);
        return resolve(def.result());
    }

    private void unify(Inst.Def def, List<Inst> out) {
        var key = expression(def);
        if (key.isEmpty()) {
            definition.put(def.result(), def);
            (isPinned(def) ? pinned : out).add(def);
            return;
        }
        var equal = find(key.get());
        if (equal.isPresent()) {
            leader.put(def.result(), equal.get());
        } else {
            enter(key.get(), def, out);
        }
    }

    private void enter(Expression key, Inst.Def def, List<Inst> out) {
        definition.put(def.result(), def);
        if (isPinned(def)) {
            known.getFirst().put(key, def.result());
            pinned.add(def);
        } else {
            known.getLast().put(key, def.result());
            out.add(def);
        }
    }

    private static boolean isPinned(Inst.Def def) {
        return switch (def) {
            case Inst.Const c -> true;
            case Inst.MapRef m -> true;
            case Inst.MapValueRef m -> true;
            case Inst.KernelVariable v -> true;
            case Inst.FunctionRef f -> true;
            case Inst.StackSlot s -> true;
            default -> false;
        };
    }

    private Optional<Value> find(Object key) {
        for (int i = known.size() - 1; i >= 0; i--) {
            var value = known.get(i).get(key);
            if (value != null) {
                return Optional.of(value);
            }
        }
        return Optional.empty();
    }

    /** A constant is known by its number: constants of different blocks are equal. */
    private Object key(Value value) {
        return definition.get(value) instanceof Inst.Const c ? List.of(c.value(), value.type()) : value;
    }

    private Optional<Expression> expression(Inst.Def def) {
        var type = def.result().type();
        return switch (def) {
            case Inst.Const c -> of("const", type, c.value());
            case Inst.Binary b -> of(b.op(), type, key(b.a()), key(b.b()));
            case Inst.Neg n -> of("neg", type, key(n.a()));
            case Inst.Swap s -> of("swap", type, s.bits(), key(s.a()));
            case Inst.Compare c -> of(c.op(), type, key(c.a()), key(c.b()));
            case Inst.Select s -> of("select", type, key(s.condition()), key(s.a()), key(s.b()));
            case Inst.Cast c -> of(c.op(), type, key(c.a()));
            case Inst.PtrAdd p -> of("ptradd", type, p.base(), key(p.offset()));
            case Inst.MapRef m -> of("map", type, m.map());
            case Inst.MapValueRef m -> of("mapvalue", type, m.map(), m.offset());
            case Inst.KernelVariable v -> of("kernelvar", type, v.btfId());
            case Inst.FunctionRef f -> of("func", type, f.function());
            case Inst.Load l
            when contextIsConstant && l.base().type().isPointerTo(Region.CTX) ->
                of("load", type, l.size(), l.signed(), l.base(), l.offset());
            case Inst.CallHelper c
            when HelperFacts.isConstantInRun(c.helper()) ->
                of(c.helper(), type, c.args().toArray());
            default -> Optional.empty();
        };
    }

    private static Optional<Expression> of(Object op, Type type, Object... parts) {
        return Optional.of(new Expression(op, type, List.of(parts)));
    }
}
