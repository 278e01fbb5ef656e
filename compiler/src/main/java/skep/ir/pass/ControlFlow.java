package skep.ir.pass;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.UnaryOperator;
import skep.ir.Block;
import skep.ir.Cfg;
import skep.ir.Function;
import skep.ir.Inst;
import skep.ir.Terminator;
import skep.ir.Terminator.Edge;
import skep.ir.Type;
import skep.ir.Value;

/**
 * Straightens control flow, one change after another until none is left: block parameters that always get the same
 * value vanish, a block joins its only predecessor, edges skip blocks that only pass on, an edge into a block that
 * decides on what the edge hands it goes where the decision leads, and a branch that only chooses between values
 * becomes a selection.
 */
final class ControlFlow {
    /** A block of so many pure instructions before a decision is copied for a predecessor that knows the outcome. */
    private static final int MAX_COPIED = 3;

    /** A branch that differs in more values than this stays a branch. */
    private static final int MAX_SELECTS = 2;

    private static final int MAX_ROUNDS = 200;

    private Map<Integer, Block> blocks = new HashMap<>();
    private List<Integer> order = new ArrayList<>();
    private final Map<Value, Inst.Def> definition = new HashMap<>();
    private final Function function;
    private final Fresh fresh;
    private final int entry;

    private ControlFlow(Function function) {
        this.function = function;
        this.fresh = new Fresh(function);
        this.entry = function.entry().id();
    }

    static Function straighten(Function function) {
        var at = function;
        for (int round = 0; round < MAX_ROUNDS; round++) {
            var next = new ControlFlow(Cfg.withoutUnreachable(at)).round();
            if (next.isEmpty()) {
                return Cfg.withoutUnreachable(at);
            }
            at = next.get();
        }
        return at;
    }

    /** The function after each kind of change was tried, or empty if none applied. */
    private Optional<Function> round() {
        for (var block : function.blocks()) {
            blocks.put(block.id(), block);
            order.add(block.id());
            for (var inst : block.insts()) {
                if (inst instanceof Inst.Def def) {
                    definition.put(def.result(), def);
                }
            }
        }
        boolean changed = dropConstantParameters();
        if (!changed) {
            changed = thread();
        }
        if (!changed) {
            changed = select();
        }
        changed |= merge();
        return changed
                ? Optional.of(
                        function.withBlocks(order.stream().map(blocks::get).toList()))
                : Optional.empty();
    }

    // Parameters that always get the same

    private boolean dropConstantParameters() {
        Map<Integer, List<Edge>> into = edges();
        Map<Value, Value> replacement = new HashMap<>();
        boolean changed = false;
        for (int id : order) {
            var block = blocks.get(id);
            var edges = into.getOrDefault(id, List.of());
            if (id == entry || block.params().isEmpty() || edges.isEmpty()) {
                continue;
            }
            var kept = new ArrayList<Integer>();
            var insts = new ArrayList<Inst>();
            for (int i = 0; i < block.params().size(); i++) {
                var param = block.params().get(i);
                var same = sameArgument(param, i, edges);
                if (same.isEmpty()) {
                    kept.add(i);
                } else if (definition.get(same.get()) instanceof Inst.Const c) {
                    insts.add(new Inst.Const(c.span(), param, c.value()));
                } else {
                    replacement.put(param, same.get());
                }
            }
            if (kept.size() < block.params().size()) {
                insts.addAll(block.insts());
                blocks.put(
                        id, new Block(id, kept.stream().map(block.params()::get).toList(), insts, block.end()));
                retarget(
                        id,
                        edge -> new Edge(id, kept.stream().map(edge.args()::get).toList()));
                changed = true;
                if (!replacement.isEmpty()) {
                    break;
                }
            }
        }
        if (!replacement.isEmpty()) {
            replaceAll(replacement);
        }
        return changed;
    }

    private Optional<Value> sameArgument(Value param, int index, List<Edge> edges) {
        Optional<Value> same = Optional.empty();
        for (var edge : edges) {
            var arg = edge.args().get(index);
            if (arg.equals(param)) {
                continue;
            }
            if (same.isPresent() && !isEqual(same.get(), arg)) {
                return Optional.empty();
            }
            same = same.isPresent() ? same : Optional.of(arg);
        }
        return same.filter(v -> v.type().equals(param.type()));
    }

    private boolean isEqual(Value a, Value b) {
        return a.equals(b)
                || definition.get(a) instanceof Inst.Const x
                        && definition.get(b) instanceof Inst.Const y
                        && x.value() == y.value();
    }

    private Map<Integer, List<Edge>> edges() {
        Map<Integer, List<Edge>> into = new HashMap<>();
        for (int id : order) {
            for (var edge : blocks.get(id).end().targets()) {
                into.computeIfAbsent(edge.block(), k -> new ArrayList<>()).add(edge);
            }
        }
        return into;
    }

    private void retarget(int target, UnaryOperator<Edge> change) {
        for (int id : order) {
            var block = blocks.get(id);
            var end = block.end().mapEdges(e -> e.block() == target ? change.apply(e) : e);
            blocks.put(id, block.with(block.insts(), end));
        }
    }

    private void replaceAll(Map<Value, Value> replacement) {
        for (int id : order) {
            var block = blocks.get(id);
            blocks.put(
                    id,
                    block.with(
                            block.insts().stream()
                                    .map(i -> i.map(v -> follow(v, replacement)))
                                    .toList(),
                            block.end().map(v -> follow(v, replacement))));
        }
    }

    private static Value follow(Value value, Map<Value, Value> replacement) {
        var at = value;
        while (replacement.containsKey(at)) {
            at = replacement.get(at);
        }
        return at;
    }

    // Edges that know where they lead

    private boolean thread() {
        var escaping = valuesUsedElsewhere();
        boolean changed = false;
        for (int id : List.copyOf(order)) {
            var block = blocks.get(id);
            if (block.end() instanceof Terminator.Jump jump) {
                var copied = copyDecision(jump.target(), escaping);
                if (copied.isPresent() && jump.target().block() != id) {
                    var insts = new ArrayList<>(block.insts());
                    insts.addAll(copied.get().insts());
                    blocks.put(id, block.with(insts, copied.get().end()));
                    changed = true;
                    continue;
                }
            }
            var end = block.end().mapEdges(edge -> skip(edge, id, escaping));
            end = Simplifier.simplify(end, definition);
            if (!end.equals(block.end())) {
                blocks.put(id, block.with(block.insts(), end));
                changed = true;
            }
        }
        return changed;
    }

    /** Values that another block than the one defining them uses. */
    private Set<Value> valuesUsedElsewhere() {
        Set<Value> elsewhere = new HashSet<>();
        for (int id : order) {
            var block = blocks.get(id);
            Set<Value> own = new HashSet<>(block.params());
            for (var inst : block.insts()) {
                if (inst instanceof Inst.Def def) {
                    own.add(def.result());
                }
            }
            for (var inst : block.insts()) {
                inst.operands().stream().filter(v -> !own.contains(v)).forEach(elsewhere::add);
            }
            block.end().operands().stream().filter(v -> !own.contains(v)).forEach(elsewhere::add);
        }
        return elsewhere;
    }

    /** The edge past a block that does nothing, or past one whose decision is known from what the edge hands it. */
    private Edge skip(Edge edge, int from, Set<Value> escaping) {
        var target = blocks.get(edge.block());
        if (target.id() == from || target.params().stream().anyMatch(escaping::contains)) {
            return edge;
        }
        Map<Value, Value> arguments = new HashMap<>();
        for (int i = 0; i < target.params().size(); i++) {
            arguments.put(target.params().get(i), edge.args().get(i));
        }
        if (target.insts().isEmpty()) {
            var end = target.end().map(v -> arguments.getOrDefault(v, v));
            return Simplifier.simplify(end, definition) instanceof Terminator.Jump jump
                            && jump.target().block() != target.id()
                    ? jump.target()
                    : edge;
        }
        return decided(target, arguments, escaping)
                .filter(e -> e.block() != target.id())
                .orElse(edge);
    }

    /** Where a block that only computes and decides goes, if these arguments make that known. */
    private Optional<Edge> decided(Block target, Map<Value, Value> arguments, Set<Value> escaping) {
        if (!(target.end() instanceof Terminator.Branch branch)) {
            return Optional.empty();
        }
        Map<Value, Long> numbers = new HashMap<>();
        Set<Value> local = new HashSet<>();
        for (var inst : target.insts()) {
            if (!(inst instanceof Inst.Def def) || escaping.contains(def.result()) || !isCopyable(def)) {
                return Optional.empty();
            }
            local.add(def.result());
            evaluate((Inst.Def) inst.map(v -> arguments.getOrDefault(v, v)), numbers)
                    .ifPresent(n -> numbers.put(def.result(), n));
        }
        var condition = number(arguments.getOrDefault(branch.condition(), branch.condition()), numbers);
        if (condition.isEmpty()) {
            return Optional.empty();
        }
        var edge = condition.get() != 0 ? branch.then() : branch.otherwise();
        if (edge.args().stream().anyMatch(local::contains)) {
            return Optional.empty();
        }
        return Optional.of(new Edge(
                edge.block(),
                edge.args().stream().map(v -> arguments.getOrDefault(v, v)).toList()));
    }

    private Optional<Long> evaluate(Inst.Def inst, Map<Value, Long> numbers) {
        return switch (inst) {
            case Inst.Const c -> Optional.of(c.value());
            case Inst.Compare c ->
                number(c.a(), numbers)
                        .flatMap(a -> number(c.b(), numbers)
                                .map(b -> c.op().evaluate(c.a().type().bits(), a, b) ? 1L : 0L));
            case Inst.Cast c ->
                number(c.a(), numbers)
                        .map(a -> c.op().evaluate(
                                        c.a().type().bits(), c.result().type().bits(), a));
            default -> Optional.empty();
        };
    }

    private Optional<Long> number(Value value, Map<Value, Long> numbers) {
        var known = numbers.get(value);
        if (known != null) {
            return Optional.of(known);
        }
        return definition.get(value) instanceof Inst.Const c ? Optional.of(c.value()) : Optional.empty();
    }

    private static boolean isCopyable(Inst.Def def) {
        return def instanceof Inst.Const
                || def instanceof Inst.Compare
                || def instanceof Inst.Cast
                || def instanceof Inst.Binary;
    }

    private record Copied(List<Inst> insts, Terminator end) {}

    /**
     * The content of a small block that decides on its parameters, for a predecessor that jumps there: with its
     * arguments in place of the parameters.
     */
    private Optional<Copied> copyDecision(Edge edge, Set<Value> escaping) {
        var target = blocks.get(edge.block());
        boolean decides = target.end() instanceof Terminator.Branch || target.end() instanceof Terminator.Switch;
        if (!decides
                || target.params().isEmpty()
                || target.params().stream().anyMatch(escaping::contains)
                || target.end().targets().stream().anyMatch(e -> e.block() == target.id())
                || !dependsOnParameters(target)) {
            return Optional.empty();
        }
        int copies = 0;
        for (var inst : target.insts()) {
            boolean copyable = inst instanceof Inst.Def def && !escaping.contains(def.result()) && isCopyable(def);
            if (!copyable) {
                return Optional.empty();
            }
            copies += inst instanceof Inst.Const ? 0 : 1;
        }
        boolean known = edge.args().stream().anyMatch(a -> definition.get(a) instanceof Inst.Const);
        boolean onlyDecides = copies == 0 && target.end() instanceof Terminator.Branch;
        if (!(known && copies <= MAX_COPIED) && !onlyDecides) {
            return Optional.empty();
        }
        Map<Value, Value> renamed = new HashMap<>();
        for (int i = 0; i < target.params().size(); i++) {
            renamed.put(target.params().get(i), edge.args().get(i));
        }
        var insts = new ArrayList<Inst>();
        for (var inst : target.insts()) {
            var copy = (Inst.Def) inst.map(v -> renamed.getOrDefault(v, v));
            var result = fresh.value(copy.result().type());
            renamed.put(copy.result(), result);
            var named = withResult(copy, result);
            definition.put(result, named);
            insts.add(named);
        }
        return Optional.of(new Copied(insts, target.end().map(v -> renamed.getOrDefault(v, v))));
    }

    /** Whether what it decides on is one of its parameters or computed from them. */
    private boolean dependsOnParameters(Block block) {
        Set<Value> dependent = new HashSet<>(block.params());
        for (var inst : block.insts()) {
            if (inst instanceof Inst.Def def && inst.operands().stream().anyMatch(dependent::contains)) {
                dependent.add(def.result());
            }
        }
        return switch (block.end()) {
            case Terminator.Branch b -> dependent.contains(b.condition());
            case Terminator.Switch s -> dependent.contains(s.value());
            default -> false;
        };
    }

    private static Inst.Def withResult(Inst.Def inst, Value result) {
        return switch (inst) {
            case Inst.Const c -> new Inst.Const(c.span(), result, c.value());
            case Inst.Compare c -> new Inst.Compare(c.span(), result, c.op(), c.a(), c.b());
            case Inst.Cast c -> new Inst.Cast(c.span(), result, c.op(), c.a());
            case Inst.Binary b -> new Inst.Binary(b.span(), result, b.op(), b.a(), b.b());
            default -> throw new IllegalStateException("not copyable: " + inst);
        };
    }

    // Branches that choose values

    private boolean select() {
        boolean changed = false;
        for (int id : order) {
            var block = blocks.get(id);
            if (!(block.end() instanceof Terminator.Branch b)
                    || b.then().block() != b.otherwise().block()) {
                continue;
            }
            var differing = new ArrayList<Integer>();
            for (int i = 0; i < b.then().args().size(); i++) {
                if (!isEqual(b.then().args().get(i), b.otherwise().args().get(i))) {
                    differing.add(i);
                }
            }
            var params = blocks.get(b.then().block()).params();
            if (differing.size() > MAX_SELECTS
                    || differing.stream().anyMatch(i -> params.get(i).type() instanceof Type.Ptr)) {
                continue;
            }
            var insts = new ArrayList<>(block.insts());
            var args = new ArrayList<>(b.then().args());
            for (int i : differing) {
                var result = fresh.value(params.get(i).type());
                var inst = new Inst.Select(
                        b.span(),
                        result,
                        b.condition(),
                        b.then().args().get(i),
                        b.otherwise().args().get(i));
                definition.put(result, inst);
                insts.add(inst);
                args.set(i, result);
            }
            blocks.put(
                    id,
                    block.with(
                            insts,
                            new Terminator.Jump(b.span(), new Edge(b.then().block(), args))));
            changed = true;
        }
        return changed;
    }

    // Blocks with one way in from a block with one way out

    private boolean merge() {
        var into = edges();
        Map<Value, Value> replacement = new HashMap<>();
        Set<Integer> gone = new HashSet<>();
        for (int id : order) {
            if (gone.contains(id)) {
                continue;
            }
            while (blocks.get(id).end() instanceof Terminator.Jump jump
                    && jump.target().block() != id
                    && jump.target().block() != entry
                    && into.getOrDefault(jump.target().block(), List.of()).size() == 1) {
                var block = blocks.get(id);
                var next = blocks.get(jump.target().block());
                for (int i = 0; i < next.params().size(); i++) {
                    replacement.put(next.params().get(i), jump.target().args().get(i));
                }
                var insts = new ArrayList<>(block.insts());
                insts.addAll(next.insts());
                blocks.put(id, block.with(insts, next.end()));
                gone.add(next.id());
            }
        }
        if (gone.isEmpty()) {
            return false;
        }
        order.removeAll(gone);
        replaceAll(replacement);
        return true;
    }
}
