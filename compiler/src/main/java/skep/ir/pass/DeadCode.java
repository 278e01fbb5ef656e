package skep.ir.pass;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import skep.ir.Block;
import skep.ir.Cfg;
import skep.ir.Function;
import skep.ir.Inst;
import skep.ir.Terminator.Edge;
import skep.ir.Value;

/** Drops what nothing reads: instructions, block parameters with their arguments, writes to memory that is only written. */
final class DeadCode {
    private final Function function;
    private final Map<Integer, Block> byId = new HashMap<>();
    private final Map<Value, Inst.Def> definition = new HashMap<>();
    private final Map<Value, List<Value>> argumentsOf = new HashMap<>();
    private final BitSet live = new BitSet();
    private final List<Value> work = new ArrayList<>();

    private DeadCode(Function function) {
        this.function = function;
    }

    static Function remove(Function function) {
        return new DeadCode(Cfg.withoutUnreachable(function)).run();
    }

    private Function run() {
        for (var block : function.blocks()) {
            byId.put(block.id(), block);
            for (var inst : block.insts()) {
                if (inst instanceof Inst.Def def) {
                    definition.put(def.result(), def);
                }
            }
        }
        var readSlots = readSlots();
        for (var block : function.blocks()) {
            for (var edge : block.end().targets()) {
                var params = byId.get(edge.block()).params();
                for (int i = 0; i < params.size(); i++) {
                    argumentsOf
                            .computeIfAbsent(params.get(i), p -> new ArrayList<>())
                            .add(edge.args().get(i));
                }
            }
        }
        for (var block : function.blocks()) {
            for (var inst : block.insts()) {
                if (!HelperFacts.isRemovable(inst) && !isDeadWrite(inst, readSlots)) {
                    inst.operands().forEach(this::mark);
                    if (inst instanceof Inst.Def def) {
                        live.set(def.result().id());
                    }
                }
            }
            // The arguments of edges come to life with the parameters.
            var own = block.end().operands().size()
                    - block.end().targets().stream()
                            .mapToInt(e -> e.args().size())
                            .sum();
            block.end().operands().stream().limit(own).forEach(this::mark);
        }
        while (!work.isEmpty()) {
            var value = work.removeLast();
            var def = definition.get(value);
            if (def != null) {
                def.operands().forEach(this::mark);
            }
            argumentsOf.getOrDefault(value, List.of()).forEach(this::mark);
        }
        return function.withBlocks(
                function.blocks().stream().map(b -> sweep(b, readSlots)).toList());
    }

    private void mark(Value value) {
        if (!live.get(value.id())) {
            live.set(value.id());
            work.add(value);
        }
    }

    /** The ids of slots that are used otherwise than as the target of a write. */
    private BitSet readSlots() {
        var read = new BitSet();
        for (var block : function.blocks()) {
            for (var inst : block.insts()) {
                switch (inst) {
                    case Inst.Store s -> markSlot(s.value(), read);
                    case Inst.Zero z -> {}
                    case Inst.Copy c -> markSlot(c.source(), read);
                    case Inst.PtrAdd p -> markSlot(p.offset(), read);
                    default -> inst.operands().forEach(v -> markSlot(v, read));
                }
            }
            block.end().operands().forEach(v -> markSlot(v, read));
        }
        return read;
    }

    private void markSlot(Value value, BitSet read) {
        slotOf(value).ifPresent(slot -> read.set(slot.id()));
    }

    private Optional<Value> slotOf(Value value) {
        var at = value;
        while (definition.get(at) instanceof Inst.PtrAdd p) {
            at = p.base();
        }
        return definition.get(at) instanceof Inst.StackSlot s ? Optional.of(s.result()) : Optional.empty();
    }

    private boolean isDeadWrite(Inst inst, BitSet readSlots) {
        var target = switch (inst) {
            case Inst.Store s -> slotOf(s.base());
            case Inst.Zero z -> slotOf(z.base());
            case Inst.Copy c -> slotOf(c.target());
            default -> Optional.<Value>empty();
        };
        return target.isPresent() && !readSlots.get(target.get().id());
    }

    private Block sweep(Block block, BitSet readSlots) {
        var insts = new ArrayList<Inst>();
        for (var inst : block.insts()) {
            boolean keep = inst instanceof Inst.Def def
                    ? live.get(def.result().id())
                    : !HelperFacts.isRemovable(inst) && !isDeadWrite(inst, readSlots);
            if (keep) {
                insts.add(inst);
            }
        }
        boolean entry = block == function.entry();
        var params = entry
                ? block.params()
                : block.params().stream().filter(p -> live.get(p.id())).toList();
        return new Block(block.id(), params, insts, block.end().mapEdges(this::sweep));
    }

    private Edge sweep(Edge edge) {
        var params = byId.get(edge.block()).params();
        var args = new ArrayList<Value>();
        for (int i = 0; i < params.size(); i++) {
            if (live.get(params.get(i).id())) {
                args.add(edge.args().get(i));
            }
        }
        return args.size() == params.size() ? edge : new Edge(edge.block(), args);
    }
}
