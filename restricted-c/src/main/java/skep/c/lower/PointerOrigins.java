package skep.c.lower;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import skep.ir.Block;
import skep.ir.CastOp;
import skep.ir.Function;
import skep.ir.Inst;
import skep.ir.Region;
import skep.ir.Terminator;
import skep.ir.Type;
import skep.ir.Value;
import skep.isa.MemSize;
import skep.isa.kernel.Helper;
import skep.isa.kernel.HelperPrototype.ResultKind;
import skep.isa.kernel.Registers;
import skep.source.Span;

/**
 * Finds out where each pointer comes from, and reads through those that the verifier would not let a program follow by
 * {@code probe_read}. This is BCC's implicit dereference, found by data flow instead of by the shape of the source: a
 * pointer is followed directly if it is the address of a variable, of a map's value, of reserved memory or of the
 * context on every way there; any other pointer was read from the kernel.
 *
 * <p>Reads of the context find the registers where the way of attaching puts them, see {@link ProgramKind.Context}.
 */
public final class PointerOrigins {
    private static final int NULL = 0;
    private static final int DIRECT = 1;
    private static final int CONTEXT = 2;
    /** A kernel object that the verifier knows by its type. */
    private static final int TYPED = 4;

    private static final int FOREIGN = 8;
    private static final int MAP_VALUE = 16;

    private final Function function;
    private final ProgramKind kind;
    private final Map<Value, Inst.Def> definition = new HashMap<>();
    private final Map<Value, Integer> origins = new HashMap<>();
    private final Map<Value, Map<Integer, Integer>> stored = new HashMap<>();
    private int nextValue;

    private PointerOrigins(Function function, ProgramKind kind) {
        this.function = function;
        this.kind = kind;
        this.nextValue = function.valueLimit();
    }

    /** The function with such reads made explicit; its variables are values already. */
    public static Function resolve(Function function, ProgramKind kind) {
        var pass = new PointerOrigins(function, kind);
        pass.find();
        return pass.rewrite();
    }

    // Where pointers come from

    private void find() {
        for (var block : function.blocks()) {
            for (var inst : block.insts()) {
                if (inst instanceof Inst.Def def) {
                    definition.put(def.result(), def);
                }
            }
        }
        for (int i = 0; i < function.params().size(); i++) {
            boolean program = function.program().isPresent();
            var param = function.params().get(i);
            origins.put(param, program ? CONTEXT : param.type().isPointer() ? DIRECT : FOREIGN);
        }
        boolean changed = true;
        while (changed) {
            changed = false;
            for (var block : function.blocks()) {
                for (var inst : block.insts()) {
                    changed |= step(inst);
                }
                for (var edge : block.end().targets()) {
                    changed |= follow(edge);
                }
            }
        }
    }

    private boolean step(Inst inst) {
        if (inst instanceof Inst.Store s && s.size() == MemSize.DW) {
            var place = slotOf(s.base(), s.offset());
            if (place.isPresent()) {
                var offsets = stored.computeIfAbsent(place.get().slot, k -> new HashMap<>());
                int before = offsets.getOrDefault(place.get().offset, NULL);
                int now = before | origin(s.value());
                offsets.put(place.get().offset, now);
                return now != before;
            }
        }
        return inst instanceof Inst.Def def && add(def.result(), originOf(def));
    }

    private boolean follow(Terminator.Edge edge) {
        if (edge.args().isEmpty()) {
            return false;
        }
        boolean changed = false;
        var target = blockOf(edge.block());
        for (int i = 0; i < edge.args().size(); i++) {
            changed |= add(target.params().get(i), origin(edge.args().get(i)));
        }
        return changed;
    }

    private final Map<Integer, Block> blocks = new HashMap<>();

    private Block blockOf(int id) {
        if (blocks.isEmpty()) {
            function.blocks().forEach(b -> blocks.put(b.id(), b));
        }
        return blocks.get(id);
    }

    private boolean add(Value value, int bits) {
        int before = origin(value);
        origins.put(value, before | bits);
        return (before | bits) != before;
    }

    private int origin(Value value) {
        return origins.getOrDefault(value, NULL);
    }

    private int originOf(Inst.Def def) {
        return switch (def) {
            case Inst.Const c -> NULL;
            case Inst.StackSlot s -> DIRECT;
            case Inst.MapValueRef m -> MAP_VALUE;
            case Inst.MapRef m -> DIRECT;
            case Inst.FunctionRef f -> DIRECT;
            case Inst.Cast c -> origin(c.a());
            case Inst.Opaque o -> origin(o.a());
            case Inst.PtrAdd p -> sum(origin(p.base()), origin(p.offset()));
            case Inst.Binary b ->
                switch (b.op()) {
                    case ADD, SUB, AND, OR -> sum(origin(b.a()), origin(b.b()));
                    default -> FOREIGN;
                };
            case Inst.Select s -> origin(s.a()) | origin(s.b());
            case Inst.CallHelper c -> originOf(c);
            case Inst.Load l -> originOf(l);
            default -> FOREIGN;
        };
    }

    /** An address plus a number points where the address does. */
    private static int sum(int a, int b) {
        if (a != NULL && a != FOREIGN) {
            return a;
        }
        return b != NULL && b != FOREIGN ? b : FOREIGN;
    }

    private static int originOf(Inst.CallHelper c) {
        var result = c.helper().prototype().result().kind();
        if (result == ResultKind.INTEGER || result == ResultKind.VOID) {
            return FOREIGN;
        }
        if (result == ResultKind.MAP_VALUE) {
            return MAP_VALUE;
        }
        return result == ResultKind.BTF ? TYPED : DIRECT;
    }

    private int originOf(Inst.Load l) {
        int base = origin(l.base());
        if (base == CONTEXT) {
            return kind.isNetwork() ? DIRECT : kind.isIterator() ? TYPED : FOREIGN;
        }
        if (base == TYPED && kind.isIterator()) {
            return TYPED;
        }
        var place = slotOf(l.base(), l.offset());
        if (place.isPresent() && l.size() == MemSize.DW) {
            var offsets = stored.getOrDefault(place.get().slot, Map.of());
            return offsets.getOrDefault(place.get().offset, FOREIGN);
        }
        return FOREIGN;
    }

    private record Place(Value slot, int offset) {}

    private Optional<Place> slotOf(Value base, int offset) {
        return rooted(base, offset).filter(p -> definition.get(p.slot) instanceof Inst.StackSlot);
    }

    /** The address that a pointer is a known number of bytes behind. */
    private Optional<Place> rooted(Value base, int offset) {
        var at = base;
        long sum = offset;
        while (true) {
            switch (definition.get(at)) {
                case Inst.PtrAdd p
                when definition.get(p.offset()) instanceof Inst.Const c -> {
                    sum += c.value();
                    at = p.base();
                }
                case Inst.Cast c when c.op() == CastOp.PTRCAST -> at = c.a();
                case null, default -> {
                    return sum == (int) sum ? Optional.of(new Place(at, (int) sum)) : Optional.empty();
                }
            }
        }
    }

    // Reads made explicit

    private Function rewrite() {
        var result = new ArrayList<Block>();
        for (var block : function.blocks()) {
            var insts = new ArrayList<Inst>();
            for (var inst : block.insts()) {
                switch (inst) {
                    case Inst.Load l when isContext(l.base()) -> context(l, insts);
                    case Inst.Store s
                    when isContext(s.base()) -> {
                        var place = rooted(s.base(), s.offset()).orElseThrow();
                        insts.add(new Inst.Store(s.span(), s.size(), place.slot, place.offset, s.value()));
                    }
                    case Inst.Load l
                    when isForeign(l.base()) -> {
                        var address = shifted(l.span(), l.base(), l.offset(), insts);
                        read(l, address, insts);
                    }
                    case Inst.Copy c
                    when isForeign(c.source()) -> {
                        var from = shifted(c.span(), c.source(), c.sourceOffset(), insts);
                        var to = shifted(c.span(), c.target(), c.targetOffset(), insts);
                        probe(c.span(), to, c.sizeBytes(), from, insts);
                    }
                    case Inst.CallHelper c -> insts.add(call(c));
                    case Inst.Load l
                    when isMapValue(l.base()) ->
                        insts.add(new Inst.Load(
                                l.span(), l.result(), l.size(), l.signed(), mapValue(l, l.base(), insts), l.offset()));
                    case Inst.Store s
                    when isMapValue(s.base()) ->
                        insts.add(new Inst.Store(
                                s.span(), s.size(), mapValue(s, s.base(), insts), s.offset(), s.value()));
                    default -> insts.add(inst);
                }
            }
            result.add(block.with(insts, block.end()));
        }
        return function.withBlocks(result);
    }

    /** Casts of the context cost nothing, but the optimiser knows the context only by its region. */
    private Inst call(Inst.CallHelper c) {
        return c.map(v -> isContext(v)
                ? rooted(v, 0).filter(p -> p.offset == 0).map(Place::slot).orElse(v)
                : v);
    }

    /** Loads of map values are known to give the same until something is written: the region says that it is one. */
    private boolean isMapValue(Value pointer) {
        return origin(pointer) == MAP_VALUE && !pointer.type().isPointerTo(Region.MAP_VALUE);
    }

    private Value mapValue(Inst inst, Value pointer, List<Inst> out) {
        var result = value(Type.ptr(Region.MAP_VALUE));
        out.add(new Inst.Cast(inst.span(), result, CastOp.PTRCAST, pointer));
        return result;
    }

    private boolean isForeign(Value pointer) {
        int origin = origin(pointer);
        return origin == NULL || (origin & FOREIGN) != 0;
    }

    private boolean isContext(Value pointer) {
        return origin(pointer) == CONTEXT
                && rooted(pointer, 0)
                        .filter(p -> p.slot.equals(function.params().getFirst()))
                        .isPresent();
    }

    private void read(Inst.Load l, Value address, List<Inst> out) {
        var memory = value(Type.ptr(Region.STACK));
        out.add(new Inst.StackSlot(l.span(), memory, 8, 8, "read"));
        probe(l.span(), memory, l.size().bytes(), address, out);
        out.add(new Inst.Load(l.span(), l.result(), l.size(), l.signed(), memory, 0));
    }

    private void probe(Span span, Value target, int size, Value address, List<Inst> out) {
        var bytes = number(span, size, out);
        var helper = kind.isNetwork() ? Helper.PROBE_READ_KERNEL : Helper.PROBE_READ;
        out.add(new Inst.CallHelper(span, value(Type.I64), helper, List.of(target, bytes, address)));
    }

    private Value shifted(Span span, Value base, int offset, List<Inst> out) {
        if (offset == 0) {
            return base;
        }
        var result = value(base.type());
        var bytes = number(span, offset, out);
        out.add(new Inst.PtrAdd(span, result, base, bytes));
        return result;
    }

    private Value number(Span span, long number, List<Inst> out) {
        var result = value(Type.I64);
        out.add(new Inst.Const(span, result, number));
        return result;
    }

    private Value value(Type type) {
        return new Value(nextValue++, type);
    }

    // The context

    private void context(Inst.Load l, List<Inst> out) {
        var place = rooted(l.base(), l.offset()).orElseThrow();
        var context = place.slot;
        int offset = place.offset;
        switch (kind.context()) {
            case AS_WRITTEN -> out.add(new Inst.Load(l.span(), l.result(), l.size(), l.signed(), context, offset));
            case SYSCALL_ENTRY -> {
                if (kind.wrappers() && isArgument(offset, 0)) {
                    word(l, context, 0, out);
                } else {
                    callerRegister(l, context, offset, out);
                }
            }
            case SYSCALL_EXIT -> {
                if (offset == Registers.result(kind.arch())) {
                    word(l, context, 8, out);
                } else {
                    callerRegister(l, context, offset, out);
                }
            }
            case TRAMPOLINE_ENTRY, TRAMPOLINE_EXIT -> trampoline(l, context, offset, out);
            case WORDS -> words(l, context, offset, out);
        }
    }

    private void trampoline(Inst.Load l, Value context, int offset, List<Inst> out) {
        if (kind.context() == ProgramKind.Context.TRAMPOLINE_EXIT && offset == Registers.result(kind.arch())) {
            word(l, context, 8 * kind.arguments(), out);
            return;
        }
        for (int i = 0; i < kind.arguments(); i++) {
            if (isArgument(offset, i)) {
                word(l, context, 8 * i, out);
                return;
            }
        }
        if (offset == Registers.instructionPointer(kind.arch())) {
            var address = value(Type.I64);
            out.add(new Inst.CallHelper(l.span(), address, Helper.GET_FUNC_IP, List.of(context)));
            as(l, address, out);
        } else {
            as(l, number(l.span(), 0, out), out);
        }
    }

    private void words(Inst.Load l, Value context, int offset, List<Inst> out) {
        for (int i = 0; i < kind.words().size(); i++) {
            if (isArgument(offset, i) && kind.words().get(i) >= 0) {
                word(l, context, 8 * kind.words().get(i), out);
                return;
            }
        }
        as(l, number(l.span(), 0, out), out);
    }

    private boolean isArgument(int offset, int index) {
        return Registers.argument(kind.arch(), index).equals(OptionalInt.of(offset));
    }

    private void word(Inst.Load l, Value context, int offset, List<Inst> out) {
        var word = value(Type.I64);
        out.add(new Inst.Load(l.span(), word, MemSize.DW, false, context, offset));
        as(l, word, out);
    }

    private void callerRegister(Inst.Load l, Value context, int offset, List<Inst> out) {
        var word = value(Type.I64);
        out.add(new Inst.Load(l.span(), word, MemSize.DW, false, context, 0));
        var registers = value(Lowering.POINTER);
        out.add(new Inst.Cast(l.span(), registers, CastOp.INTTOPTR, word));
        read(l, shifted(l.span(), registers, offset, out), out);
    }

    /** The word as the value that the load was to give. */
    private static void as(Inst.Load l, Value word, List<Inst> out) {
        var type = l.result().type();
        if (type.isPointer()) {
            out.add(new Inst.Cast(l.span(), l.result(), CastOp.INTTOPTR, word));
        } else if (type.bits() < 64) {
            out.add(new Inst.Cast(l.span(), l.result(), CastOp.TRUNC, word));
        } else {
            out.add(new Inst.Opaque(l.span(), l.result(), word));
        }
    }
}
