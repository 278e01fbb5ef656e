package skep.ir.pass;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import skep.ir.Block;
import skep.ir.CastOp;
import skep.ir.Cfg;
import skep.ir.CompareOp;
import skep.ir.Function;
import skep.ir.Inst;
import skep.ir.Module;
import skep.ir.Region;
import skep.ir.Terminator;
import skep.ir.Terminator.Edge;
import skep.ir.Type;
import skep.ir.Value;
import skep.isa.MemSize;
import skep.isa.kernel.Helper;
import skep.isa.kernel.MapType;
import skep.isa.object.MapSpec;
import skep.source.Span;

/**
 * Moves stack slots into a per-CPU map, for values that are too large for the 512 bytes of stack. A function has an
 * entry of its own in that map, so that a program which interrupts another finds its own memory. The entry is looked up
 * once, where the first of the slots comes to use and outside loops; should the look-up fail, which the kernel does not
 * let happen, the function returns 0.
 */
public final class ScratchPlacement {
    /** Name of the map. */
    public static final String MAP = "scratch";

    private static final int ALIGN_BYTES = 8;

    private final Function function;
    private final Cfg cfg;
    private final Fresh fresh;
    private final int entry;
    private final List<Inst.StackSlot> moved = new ArrayList<>();

    private ScratchPlacement(Function function, Set<Value> slots, int entry) {
        this.function = function;
        this.cfg = new Cfg(function);
        this.fresh = new Fresh(function);
        this.entry = entry;
        for (var block : cfg.order()) {
            for (var inst : block.insts()) {
                if (inst instanceof Inst.StackSlot s && slots.contains(s.result())) {
                    moved.add(s);
                }
            }
        }
    }

    /**
     * The module with these slots moved.
     *
     * @param slots for the names of functions, the results of the slots to move
     */
    public static Module move(Module module, Map<String, Set<Value>> slots) {
        var functions = new ArrayList<Function>();
        int entries = 0;
        int valueBytes = 0;
        for (var function : module.functions()) {
            var chosen = slots.getOrDefault(function.name(), Set.of());
            if (chosen.isEmpty()) {
                functions.add(function);
                continue;
            }
            var placement = new ScratchPlacement(function, chosen, entries++);
            functions.add(placement.rewrite());
            valueBytes = Math.max(valueBytes, placement.sizeBytes());
        }
        if (entries == 0) {
            return module;
        }
        var maps = new ArrayList<>(module.maps());
        maps.add(new MapSpec(MAP, MapType.PERCPU_ARRAY, 4, valueBytes, entries, 0));
        return new Module(functions, maps);
    }

    private int sizeBytes() {
        return moved.stream().mapToInt(ScratchPlacement::place).sum();
    }

    private static int place(Inst.StackSlot slot) {
        return (slot.sizeBytes() + ALIGN_BYTES - 1) / ALIGN_BYTES * ALIGN_BYTES;
    }

    private Function rewrite() {
        Set<Value> values = new HashSet<>();
        moved.forEach(s -> values.add(s.result()));
        int home = home(values);
        var blocks = new ArrayList<Block>();
        for (var block : function.blocks()) {
            var insts = new ArrayList<>(block.insts());
            insts.removeIf(i -> i instanceof Inst.StackSlot s && values.contains(s.result()));
            if (block.id() == cfg.order().get(home).id()) {
                split(block, insts, values, blocks);
            } else {
                blocks.add(block.with(insts, block.end()));
            }
        }
        return function.withBlocks(blocks);
    }

    /** The block that dominates all uses, outside loops. */
    private int home(Set<Value> values) {
        int home = -1;
        for (int at = 0; at < cfg.size(); at++) {
            var block = cfg.order().get(at);
            boolean uses = block.end().operands().stream().anyMatch(values::contains)
                    || block.insts().stream()
                            .anyMatch(i -> i.operands().stream().anyMatch(values::contains));
            if (uses) {
                home = home < 0 ? at : meet(home, at);
            }
        }
        home = Math.max(home, 0);
        while (cfg.loopDepth(home) > 0) {
            home = cfg.idom(home);
        }
        return home;
    }

    private int meet(int a, int b) {
        int at = a;
        while (!cfg.dominates(at, b)) {
            at = cfg.idom(at);
        }
        return at;
    }

    private void split(Block block, List<Inst> insts, Set<Value> values, List<Block> out) {
        int first = 0;
        while (first < insts.size() && insts.get(first).operands().stream().noneMatch(values::contains)) {
            first++;
        }
        var span = moved.getFirst().span();
        var before = new ArrayList<>(insts.subList(0, first));
        var key = fresh.value(Type.ptr(Region.STACK));
        before.add(new Inst.StackSlot(span, key, 4, 4, ""));
        var index = constant(span, Type.I32, entry, before);
        before.add(new Inst.Store(span, MemSize.W, key, 0, index));
        var map = fresh.value(Type.ptr(Region.MAP));
        before.add(new Inst.MapRef(span, map, MAP));
        var found = fresh.value(Type.nullable(Region.MAP_VALUE));
        before.add(new Inst.CallHelper(span, found, Helper.MAP_LOOKUP_ELEM, List.of(map, key)));
        var isNull = fresh.value(Type.I1);
        before.add(new Inst.Compare(
                span, isNull, CompareOp.EQ, found, constant(span, Type.nullable(Region.MAP_VALUE), 0, before)));
        int rest = fresh.block();
        int absent = fresh.block();
        out.add(block.with(before, new Terminator.Branch(span, isNull, Edge.to(absent), Edge.to(rest))));
        var behind = new ArrayList<Inst>();
        var base = fresh.value(Type.ptr(Region.MAP_VALUE));
        behind.add(new Inst.Cast(span, base, CastOp.PTRCAST, found));
        int offset = 0;
        for (var slot : moved) {
            var at = fresh.value(base.type());
            behind.add(new Inst.PtrAdd(slot.span(), at, base, constant(slot.span(), Type.I64, offset, behind)));
            behind.add(new Inst.Cast(slot.span(), slot.result(), CastOp.PTRCAST, at));
            offset += place(slot);
        }
        behind.addAll(insts.subList(first, insts.size()));
        out.add(new Block(rest, List.of(), behind, block.end()));
        var nothing = new ArrayList<Inst>();
        var zero = constant(span, function.result(), 0, nothing);
        out.add(new Block(absent, List.of(), nothing, new Terminator.Return(span, zero)));
    }

    private Value constant(Span span, Type type, long number, List<Inst> out) {
        var value = fresh.value(type);
        out.add(new Inst.Const(span, value, number));
        return value;
    }
}
