package skep.ir.pass;

import java.util.Arrays;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import skep.ir.Cfg;
import skep.ir.Function;
import skep.ir.Inst;
import skep.ir.Module;
import skep.ir.Region;
import skep.ir.Type;
import skep.ir.Value;
import skep.isa.kernel.Helper;

/**
 * Looks a key up once where the source names the same entry several times, as in {@code /@s[tid]/ { … nsecs - @s[tid] }}:
 * a second look-up of a map with a key of the same content gives the first one's answer where that was made on every way
 * there, until something may have added or deleted an entry. A second load of a value found that way is the first load,
 * until something may have written to map values.
 *
 * <p>The content of a key is known byte by byte from the stores into its stack slot, so different slots may hold the
 * same key.
 */
final class LookupSharing {
    private final Module module;
    private final Function function;
    private final Cfg cfg;
    private final Map<Value, Inst.Def> definition = new HashMap<>();
    private final SlotAddresses slots;
    private final Map<Value, Value> leader = new HashMap<>();

    /** Calls that read a slot for which another with the same content stands in. */
    private final Map<Inst, Inst> rewritten = new IdentityHashMap<>();

    /** One byte of a slot: which byte of which value (or number). */
    private record KnownByte(Object of, int index) {}

    private record Lookup(String map, List<KnownByte> key) {}

    private record Loaded(Value base, int offset, Object size, boolean signed, Type type) {}

    private static final class State {
        final Map<Value, KnownByte[]> contents = new HashMap<>();
        final Map<Lookup, Value> lookups = new HashMap<>();
        final Map<Loaded, Value> loads = new HashMap<>();

        void keepCommon(State other) {
            contents.keySet().retainAll(other.contents.keySet());
            contents.forEach((slot, bytes) -> {
                var theirs = other.contents.get(slot);
                for (int i = 0; i < bytes.length; i++) {
                    if (bytes[i] != null && !bytes[i].equals(theirs[i])) {
                        bytes[i] = null;
                    }
                }
            });
            lookups.entrySet().retainAll(other.lookups.entrySet());
            loads.entrySet().retainAll(other.loads.entrySet());
        }

        State copy() {
            var copy = new State();
            contents.forEach((slot, bytes) -> copy.contents.put(slot, bytes.clone()));
            copy.lookups.putAll(lookups);
            copy.loads.putAll(loads);
            return copy;
        }
    }

    private LookupSharing(Module module, Function function) {
        this.module = module;
        this.function = function;
        this.cfg = new Cfg(function);
        this.slots = new SlotAddresses(function);
    }

    static Function share(Module module, Function function) {
        return new LookupSharing(module, Cfg.withoutUnreachable(function)).run();
    }

    private Function run() {
        for (var block : cfg.order()) {
            for (var inst : block.insts()) {
                if (inst instanceof Inst.Def def) {
                    definition.put(def.result(), def);
                }
            }
        }
        var states = new State[cfg.size()];
        for (int at = 0; at < cfg.size(); at++) {
            states[at] = incoming(at, states);
            for (var inst : cfg.order().get(at).insts()) {
                step(inst, states[at]);
            }
        }
        if (leader.isEmpty() && rewritten.isEmpty()) {
            return function;
        }
        return function.withBlocks(function.blocks().stream()
                .map(b -> b.with(
                        b.insts().stream()
                                .filter(i -> !(i instanceof Inst.Def d && leader.containsKey(d.result())))
                                .map(i -> rewritten.getOrDefault(i, i).map(this::resolve))
                                .toList(),
                        b.end().map(this::resolve)))
                .toList());
    }

    /** What is known on all ways into a block; nothing at the head of a loop. */
    private State incoming(int at, State[] states) {
        var preds = cfg.predecessors(at);
        if (preds.length == 0) {
            return new State();
        }
        for (int pred : preds) {
            if (pred >= at) {
                return new State();
            }
        }
        var state = states[preds[0]].copy();
        for (int pred : preds) {
            state.keepCommon(states[pred]);
        }
        return state;
    }

    private Value resolve(Value value) {
        var at = value;
        while (leader.containsKey(at)) {
            at = leader.get(at);
        }
        return at;
    }

    // What instructions do to what is known

    private void step(Inst inst, State state) {
        switch (inst) {
            case Inst.Store s -> {
                var value = resolve(s.value());
                write(state, s.base(), s.offset(), s.size().bytes(), i -> byteOf(value, i));
            }
            case Inst.Zero z -> write(state, z.base(), z.offset(), z.sizeBytes(), i -> new KnownByte(0L, 0));
            case Inst.Copy c -> write(state, c.target(), c.targetOffset(), c.sizeBytes(), i -> null);
            case Inst.AtomicUpdate a ->
                write(state, a.base(), a.offset(), a.size().bytes(), i -> null);
            case Inst.CompareExchange c ->
                write(state, c.base(), c.offset(), c.size().bytes(), i -> null);
            case Inst.CallHelper c
            when c.helper() == Helper.MAP_LOOKUP_ELEM -> {
                useTwins(c, state);
                lookup(c, state);
            }
            case Inst.CallHelper c -> {
                useTwins(c, state);
                call(c, state);
            }
            case Inst.CallKfunc c -> forgetAll(state);
            case Inst.Call c -> forgetAll(state);
            case Inst.Load l
            when l.base().type().isPointerTo(Region.MAP_VALUE) -> {
                var base = resolve(l.base());
                while (definition.get(base) instanceof Inst.Cast cast) {
                    base = resolve(cast.a());
                }
                var key = new Loaded(
                        base, l.offset(), l.size(), l.signed(), l.result().type());
                var before = state.loads.putIfAbsent(key, l.result());
                if (before != null) {
                    leader.put(l.result(), before);
                }
            }
            default -> {}
        }
    }

    /** A number by its bytes, so that equal constants are equal whatever their width. */
    private KnownByte byteOf(Value value, int index) {
        return definition.get(value) instanceof Inst.Const c
                ? new KnownByte(c.value() >>> 8 * index & 0xff, 0)
                : new KnownByte(value, index);
    }

    private interface Bytes {
        @Nullable
        KnownByte at(int index);
    }

    private void write(State state, Value base, int offset, int size, Bytes bytes) {
        if (!base.type().isPointerTo(Region.STACK)) {
            state.loads.clear();
            if (base.type().isPointerTo(Region.GENERIC)) {
                state.contents.clear();
            }
            return;
        }
        var place = slots.place(base, offset);
        if (place.isEmpty()) {
            state.contents.remove(slots.base(base));
            return;
        }
        var slot = place.get().slot();
        var content = state.contents.computeIfAbsent(slot, s -> new KnownByte[slots.sizeBytes(s)]);
        for (int i = 0; i < size; i++) {
            int at = place.get().offset() + i;
            if (at >= 0 && at < content.length) {
                content[at] = bytes.at(i);
            }
        }
    }

    /** A helper that only reads may as well read the first slot that holds the same: the later stores are then dead. */
    private void useTwins(Inst.CallHelper call, State state) {
        if (!HelperFacts.onlyReadsMemory(call.helper())) {
            return;
        }
        var changed = call.map(arg -> twin(arg, state));
        if (!changed.equals(call)) {
            rewritten.put(call, changed);
        }
    }

    private Value twin(Value arg, State state) {
        var content = state.contents.get(arg);
        if (content == null || Arrays.asList(content).contains(null)) {
            return arg;
        }
        var first = arg;
        for (var other : state.contents.entrySet()) {
            if (other.getKey().id() < first.id() && Arrays.equals(other.getValue(), content)) {
                first = other.getKey();
            }
        }
        return first;
    }

    private void lookup(Inst.CallHelper call, State state) {
        if (!(definition.get(resolve(call.args().get(0))) instanceof Inst.MapRef map)) {
            return;
        }
        var key = content(call.args().get(1), module.map(map.map()).keySizeBytes(), state);
        if (key.isEmpty()) {
            return;
        }
        var before = state.lookups.putIfAbsent(new Lookup(map.map(), key.get()), call.result());
        if (before != null && before.type().equals(call.result().type())) {
            leader.put(call.result(), before);
        }
    }

    private Optional<List<KnownByte>> content(Value key, int size, State state) {
        var place = slots.place(key, 0);
        if (place.isEmpty() || !state.contents.containsKey(place.get().slot())) {
            return Optional.empty();
        }
        var content = state.contents.get(place.get().slot());
        int from = place.get().offset();
        if (from < 0 || from + size > content.length) {
            return Optional.empty();
        }
        var bytes = Arrays.copyOfRange(content, from, from + size);
        for (var b : bytes) {
            if (b == null) {
                return Optional.empty();
            }
        }
        return Optional.of(List.of(bytes));
    }

    private void call(Inst.CallHelper call, State state) {
        if (HelperFacts.changesMaps(call.helper())) {
            forgetEntries(call, state);
        }
        if (!HelperFacts.onlyReadsMemory(call.helper())) {
            for (var arg : call.args()) {
                state.contents.remove(slots.base(arg));
            }
            if (call.args().stream()
                    .anyMatch(a ->
                            a.type().isPointerTo(Region.MAP_VALUE) || a.type().isPointerTo(Region.GENERIC))) {
                state.loads.clear();
            }
        }
    }

    /** An update or deletion changes one map; of other helpers nothing is known. */
    private void forgetEntries(Inst.CallHelper call, State state) {
        state.loads.clear();
        boolean one = call.helper() == Helper.MAP_UPDATE_ELEM || call.helper() == Helper.MAP_DELETE_ELEM;
        if (one && definition.get(resolve(call.args().get(0))) instanceof Inst.MapRef map) {
            state.lookups.keySet().removeIf(l -> l.map().equals(map.map()));
        } else {
            state.lookups.clear();
        }
    }

    private static void forgetAll(State state) {
        state.contents.clear();
        state.lookups.clear();
        state.loads.clear();
    }
}
