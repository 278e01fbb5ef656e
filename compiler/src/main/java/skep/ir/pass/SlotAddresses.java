package skep.ir.pass;

import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import skep.ir.Function;
import skep.ir.Inst;
import skep.ir.Value;

/**
 * Which values are addresses in stack slots. A slot is followed as long as its address only serves to load, to store and
 * as an argument of helpers; then every access to it is in sight.
 */
final class SlotAddresses {
    /** Larger slots are not followed: what is known of each byte would cost too much. */
    private static final int MAX_FOLLOWED_BYTES = 512;

    private final Map<Value, Inst.Def> definition = new HashMap<>();
    private final Set<Value> followed = new HashSet<>();

    /** A place in a slot. */
    record Place(Value slot, int offset) {}

    SlotAddresses(Function function) {
        for (var block : function.blocks()) {
            for (var inst : block.insts()) {
                if (inst instanceof Inst.Def def) {
                    definition.put(def.result(), def);
                }
                if (inst instanceof Inst.StackSlot s && s.sizeBytes() <= MAX_FOLLOWED_BYTES) {
                    followed.add(s.result());
                }
            }
        }
        for (var block : function.blocks()) {
            block.insts().forEach(this::findEscapes);
            block.end().operands().forEach(this::escape);
        }
    }

    private void findEscapes(Inst inst) {
        switch (inst) {
            case Inst.Load l -> {}
            case Inst.Store s -> escape(s.value());
            case Inst.Zero z -> {}
            case Inst.Copy c -> {}
            case Inst.AtomicUpdate a -> escape(a.value());
            case Inst.PtrAdd p -> {}
            case Inst.CallHelper c -> {}
            default -> inst.operands().forEach(this::escape);
        }
    }

    private void escape(Value value) {
        followed.remove(base(value));
    }

    /** What the address is computed from. */
    Value base(Value value) {
        var at = value;
        while (definition.get(at) instanceof Inst.PtrAdd p) {
            at = p.base();
        }
        return at;
    }

    boolean isFollowed(Value slot) {
        return followed.contains(slot);
    }

    int sizeBytes(Value slot) {
        return ((Inst.StackSlot) definition.get(slot)).sizeBytes();
    }

    int alignBytes(Value slot) {
        return ((Inst.StackSlot) definition.get(slot)).alignBytes();
    }

    /** Where in a followed slot an address with an offset points, if that is known. */
    Optional<Place> place(Value address, int offset) {
        var at = address;
        long sum = offset;
        while (definition.get(at) instanceof Inst.PtrAdd p) {
            if (!(definition.get(p.offset()) instanceof Inst.Const c)) {
                return Optional.empty();
            }
            sum += c.value();
            at = p.base();
        }
        return followed.contains(at) ? Optional.of(new Place(at, (int) sum)) : Optional.empty();
    }

    Optional<Long> number(Value value) {
        return definition.get(value) instanceof Inst.Const c ? Optional.of(c.value()) : Optional.empty();
    }
}
