package skep.ir.pass;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import skep.ir.Block;
import skep.ir.CastOp;
import skep.ir.Cfg;
import skep.ir.Function;
import skep.ir.Inst;
import skep.ir.Terminator.Edge;
import skep.ir.Type;
import skep.ir.Value;
import skep.isa.MemSize;
import skep.source.Span;

/**
 * Turns stack slots into values. A slot qualifies if its address is only used to load and store (or zero) at known
 * offsets and if no two accesses overlap without being the same piece; each piece becomes a variable in SSA form. A
 * variable read before it is written is 0.
 */
final class SlotPromotion {
    private final Function function;
    private final Cfg cfg;
    private final Fresh fresh;
    private final Map<Value, Inst.Def> definition = new HashMap<>();
    private final Map<Value, Pieces> slots = new LinkedHashMap<>();
    private final List<Variable> variables = new ArrayList<>();

    /** The accessed pieces of a slot by offset; {@code escapes} if it does not qualify. */
    private static final class Pieces {
        final TreeMap<Integer, Variable> byOffset = new TreeMap<>();
        final List<Inst.Zero> zeros = new ArrayList<>();
        boolean escapes;
    }

    private static final class Variable {
        final int index;
        final int offset;
        final MemSize size;
        final Span span;
        Optional<Type> pointer = Optional.empty();
        boolean mixed;

        Variable(int index, int offset, MemSize size, Span span) {
            this.index = index;
            this.offset = offset;
            this.size = size;
            this.span = span;
        }

        int end() {
            return offset + size.bytes();
        }

        /** A pointer type if nothing else is stored or loaded, an integer of its size otherwise. */
        Type type() {
            return pointer.isPresent() && !mixed ? pointer.get() : Type.ofBytes(size.bytes());
        }

        void sees(Type type) {
            if (!(type instanceof Type.Ptr seen)) {
                mixed = true;
            } else if (pointer.isEmpty()) {
                pointer = Optional.of(type);
            } else if (pointer.get() instanceof Type.Ptr before && before.region() == seen.region()) {
                pointer = Optional.of(new Type.Ptr(seen.region(), before.nullable() || seen.nullable()));
            } else {
                mixed = true;
            }
        }
    }

    /** An address inside a slot. */
    private record Place(Value slot, int offset) {}

    private SlotPromotion(Function function) {
        this.function = function;
        this.cfg = new Cfg(function);
        this.fresh = new Fresh(function);
    }

    static Function promote(Function function) {
        return new SlotPromotion(Cfg.withoutUnreachable(function)).run();
    }

    private Function run() {
        for (var block : cfg.order()) {
            for (var inst : block.insts()) {
                if (inst instanceof Inst.Def def) {
                    definition.put(def.result(), def);
                    if (inst instanceof Inst.StackSlot s) {
                        slots.put(s.result(), new Pieces());
                    }
                }
            }
        }
        if (slots.isEmpty()) {
            return function;
        }
        for (var block : cfg.order()) {
            block.insts().forEach(this::inspect);
            block.end().operands().forEach(this::escape);
        }
        slots.values().removeIf(pieces -> pieces.escapes || !isDisjoint(pieces));
        if (slots.isEmpty()) {
            return function;
        }
        variables.removeIf(v -> slots.values().stream().noneMatch(p -> p.byOffset.get(v.offset) == v));
        return rewrite();
    }

    // Which slots qualify

    private Optional<Place> place(Value value, int offset) {
        var at = value;
        long sum = offset;
        while (true) {
            var def = definition.get(at);
            if (def instanceof Inst.PtrAdd p && definition.get(p.offset()) instanceof Inst.Const c) {
                sum += c.value();
                at = p.base();
            } else if (def instanceof Inst.StackSlot s && slots.containsKey(at) && sum >= 0 && sum < s.sizeBytes()) {
                return Optional.of(new Place(at, (int) sum));
            } else {
                return Optional.empty();
            }
        }
    }

    private void inspect(Inst inst) {
        switch (inst) {
            case Inst.Load l ->
                access(l.base(), l.offset(), l.size(), l.result().type(), l.span());
            case Inst.Store s -> {
                escape(s.value());
                access(s.base(), s.offset(), s.size(), s.value().type(), s.span());
            }
            case Inst.Zero z -> {
                var place = place(z.base(), z.offset());
                if (place.isPresent()) {
                    slots.get(place.get().slot).zeros.add(z);
                } else {
                    escape(z.base());
                }
            }
            case Inst.PtrAdd p
            when definition.get(p.offset()) instanceof Inst.Const -> {
                if (place(p.result(), 0).isEmpty()) {
                    escape(p.base());
                }
            }
            default -> inst.operands().forEach(this::escape);
        }
    }

    private void access(Value base, int offset, MemSize size, Type type, Span span) {
        var place = place(base, offset);
        if (place.isEmpty()) {
            escape(base);
            return;
        }
        var pieces = slots.get(place.get().slot);
        var variable = pieces.byOffset.get(place.get().offset);
        if (variable == null) {
            variable = new Variable(variables.size(), place.get().offset, size, span);
            variables.add(variable);
            pieces.byOffset.put(variable.offset, variable);
        }
        pieces.escapes |= variable.size != size;
        variable.sees(size == MemSize.DW ? type : Type.I8);
    }

    private void escape(Value value) {
        var at = value;
        while (definition.get(at) instanceof Inst.PtrAdd p) {
            at = p.base();
        }
        var pieces = slots.get(at);
        if (pieces != null) {
            pieces.escapes = true;
        }
    }

    private boolean isDisjoint(Pieces pieces) {
        int end = 0;
        for (var variable : pieces.byOffset.values()) {
            if (variable.offset < end) {
                return false;
            }
            end = variable.end();
            for (var zero : pieces.zeros) {
                int from = place(zero.base(), zero.offset()).orElseThrow().offset;
                int to = from + zero.sizeBytes();
                boolean overlaps = variable.offset < to && from < variable.end();
                boolean covers = from <= variable.offset && variable.end() <= to;
                if (overlaps && !covers) {
                    return false;
                }
                if (covers) {
                    variable.mixed |= variable.pointer.isPresent() && !isNullable(variable);
                }
            }
        }
        return true;
    }

    private static boolean isNullable(Variable variable) {
        return variable.pointer.get() instanceof Type.Ptr ptr && ptr.nullable();
    }

    // SSA construction

    private Function rewrite() {
        int n = cfg.size();
        var frontier = frontiers();
        List<List<Variable>> joins = new ArrayList<>();
        var params = new ArrayList<Map<Variable, Value>>();
        for (int i = 0; i < n; i++) {
            joins.add(new ArrayList<>());
            params.add(new HashMap<>());
        }
        for (var variable : variables) {
            for (int at = 0; at < n; at++) {
                if (isJoin(variable, at, frontier)) {
                    joins.get(at).add(variable);
                    params.get(at).put(variable, fresh.value(variable.type()));
                }
            }
        }
        List<Map<Variable, Value>> out = new ArrayList<>();
        List<List<Inst>> bodies = new ArrayList<>();
        var replacement = new HashMap<Value, Value>();
        for (int i = 0; i < n; i++) {
            Map<Variable, Value> state = i == 0 ? new HashMap<>() : new HashMap<>(out.get(cfg.idom(i)));
            state.putAll(params.get(i));
            var insts = new ArrayList<Inst>();
            if (i == 0) {
                for (var variable : variables) {
                    var zero = fresh.value(variable.type());
                    insts.add(new Inst.Const(variable.span, zero, 0));
                    state.put(variable, zero);
                }
            }
            for (var inst : cfg.order().get(i).insts()) {
                rewrite(inst.map(v -> replacement.getOrDefault(v, v)), state, replacement, insts);
            }
            out.add(state);
            bodies.add(insts);
        }
        var blocks = new ArrayList<Block>();
        for (var old : function.blocks()) {
            int at = cfg.position(old.id());
            var newParams = new ArrayList<>(old.params());
            joins.get(at).forEach(v -> newParams.add(params.get(at).get(v)));
            var end = old.end().map(v -> replacement.getOrDefault(v, v)).mapEdges(edge -> {
                var args = new ArrayList<>(edge.args());
                joins.get(cfg.position(edge.block()))
                        .forEach(v -> args.add(out.get(at).get(v)));
                return new Edge(edge.block(), args);
            });
            blocks.add(new Block(old.id(), newParams, bodies.get(at), end));
        }
        return function.withBlocks(blocks);
    }

    private void rewrite(Inst inst, Map<Variable, Value> state, Map<Value, Value> replacement, List<Inst> out) {
        switch (inst) {
            case Inst.Load l
            when variable(l.base(), l.offset()).isPresent() -> {
                var value = state.get(variable(l.base(), l.offset()).get());
                replacement.put(l.result(), convert(l.span(), value, l.result().type(), l.signed(), out));
            }
            case Inst.Store s
            when variable(s.base(), s.offset()).isPresent() -> {
                var variable = variable(s.base(), s.offset()).get();
                state.put(variable, convert(s.span(), s.value(), variable.type(), false, out));
            }
            case Inst.Zero z
            when place(z.base(), z.offset()).isPresent() -> {
                var place = place(z.base(), z.offset()).get();
                for (var variable : slots.get(place.slot)
                        .byOffset
                        .subMap(place.offset, place.offset + z.sizeBytes())
                        .values()) {
                    var zero = fresh.value(variable.type());
                    out.add(new Inst.Const(z.span(), zero, 0));
                    state.put(variable, zero);
                }
            }
            case Inst.StackSlot s when slots.containsKey(s.result()) -> {}
            case Inst.PtrAdd p when place(p.result(), 0).isPresent() -> {}
            default -> out.add(inst);
        }
    }

    private Optional<Variable> variable(Value base, int offset) {
        return place(base, offset).map(p -> slots.get(p.slot).byOffset.get(p.offset));
    }

    private Value convert(Span span, Value value, Type to, boolean signed, List<Inst> out) {
        var from = value.type();
        if (from.equals(to)) {
            return value;
        }
        if (from.isPointer() && to.isPointer()) {
            return cast(span, CastOp.PTRCAST, value, to, out);
        }
        if (from.isPointer()) {
            return convert(span, cast(span, CastOp.PTRTOINT, value, Type.I64, out), to, signed, out);
        }
        if (to.isPointer()) {
            return cast(span, CastOp.INTTOPTR, convert(span, value, Type.I64, signed, out), to, out);
        }
        if (from.bits() > to.bits()) {
            return cast(span, CastOp.TRUNC, value, to, out);
        }
        return cast(span, signed ? CastOp.SEXT : CastOp.ZEXT, value, to, out);
    }

    private Value cast(Span span, CastOp op, Value value, Type to, List<Inst> out) {
        var result = fresh.value(to);
        out.add(new Inst.Cast(span, result, op, value));
        return result;
    }

    private BitSet[] frontiers() {
        int n = cfg.size();
        var frontier = new BitSet[n];
        for (int i = 0; i < n; i++) {
            frontier[i] = new BitSet();
        }
        for (int i = 0; i < n; i++) {
            var preds = cfg.predecessors(i);
            if (preds.length > 1) {
                for (int pred : preds) {
                    for (int at = pred; at != cfg.idom(i); at = cfg.idom(at)) {
                        frontier[at].set(i);
                    }
                }
            }
        }
        return frontier;
    }

    private final Map<Variable, BitSet> joinsOf = new HashMap<>();

    private boolean isJoin(Variable variable, int at, BitSet[] frontier) {
        return joinsOf.computeIfAbsent(variable, v -> iteratedFrontier(v, frontier))
                .get(at);
    }

    private BitSet iteratedFrontier(Variable variable, BitSet[] frontier) {
        var result = new BitSet();
        List<Integer> work = new ArrayList<>();
        for (int i = 0; i < cfg.size(); i++) {
            if (i == 0 || writes(cfg.order().get(i), variable)) {
                work.add(i);
            }
        }
        while (!work.isEmpty()) {
            var next = frontier[work.removeLast()];
            for (int i = next.nextSetBit(0); i >= 0; i = next.nextSetBit(i + 1)) {
                if (!result.get(i)) {
                    result.set(i);
                    work.add(i);
                }
            }
        }
        return result;
    }

    private boolean writes(Block block, Variable variable) {
        for (var inst : block.insts()) {
            boolean writes = switch (inst) {
                case Inst.Store s ->
                    variable(s.base(), s.offset()).filter(v -> v == variable).isPresent();
                case Inst.Zero z ->
                    place(z.base(), z.offset())
                            .filter(p -> slots.get(p.slot).byOffset.containsValue(variable))
                            .isPresent();
                default -> false;
            };
            if (writes) {
                return true;
            }
        }
        return false;
    }
}
