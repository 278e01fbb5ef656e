package skep.dsl.lower;

import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import skep.dsl.CompiledScript;
import skep.dsl.Histograms;
import skep.dsl.MapView;
import skep.dsl.RuntimeFault;
import skep.dsl.Type;
import skep.dsl.ast.Expr.BinaryOp;
import skep.dsl.check.LocalVariable;
import skep.dsl.check.MapSymbol;
import skep.dsl.check.Typed;
import skep.ir.CompareOp;
import skep.ir.FunctionBuilder;
import skep.ir.Region;
import skep.ir.Value;
import skep.isa.AtomicOp;
import skep.isa.MemSize;
import skep.isa.kernel.Helper;
import skep.source.Span;

/**
 * Reads and writes maps. What can be changed in place is: a value that is there is looked up and added to, and only one
 * that is not there is inserted, so that an event costs one look-up.
 */
final class MapAccess {
    /** {@code BPF_NOEXIST}. */
    private static final long NO_EXIST = 1;

    private final FunctionLowering lowering;

    MapAccess(FunctionLowering lowering) {
        this.lowering = lowering;
    }

    private FunctionBuilder f() {
        return lowering.f;
    }

    private MapView view(MapSymbol map) {
        return lowering.plan.view(map);
    }

    // ---- keys

    /** The key in memory, as the look-up takes it. */
    private Value key(MapView view, Optional<Typed.Expr> key, Span span) {
        var f = f();
        f.at(span);
        if (view.hasGenerations()) {
            return keyOfGeneration(view, key);
        }
        if (view.storage() != MapView.Storage.HASH) {
            var slot = f.slot(4, 4, "key");
            f.store(slot, 0, f.i32(0));
            return slot;
        }
        if (key.isEmpty()) {
            var slot = f.slot(8, 8, "key");
            f.store(slot, 0, f.i64(0));
            return slot;
        }
        return stored(key.get(), view.key().orElseThrow(), "key");
    }

    /** The key, and behind it the generation that there is now. */
    private Value keyOfGeneration(MapView view, Optional<Typed.Expr> key) {
        var f = f();
        int at = view.generationInKey();
        var memory = lowering.allocate(view.keyBytes(), "key");
        if (key.isPresent()) {
            var value = key.get();
            var type = view.key().orElseThrow();
            if (type.sizeBytes() != at) {
                lowering.access.clear(memory, at);
            }
            if (FunctionLowering.isScalar(value.type())) {
                var number = lowering.scalars.integer(lowering.scalars.scalar(value));
                f.store(MemSize.ofBytes(type.sizeBytes()), memory.base(), memory.offset(), number);
            } else {
                lowering.values.write(value, memory, true);
            }
        }
        f.store(memory.base(), memory.offset() + at, generation(view));
        return lowering.access.pointer(memory);
    }

    private Value generation(MapView view) {
        return f().load(skep.ir.Type.I64, f().mapValueRef(CompiledScript.GENERATIONS_MAP, view.generation()), 0);
    }

    /** The number of the generation that ended. */
    Value nextGeneration(Typed.NextGeneration e) {
        var f = f();
        return f.atomic(
                AtomicOp.ADD,
                f.mapValueRef(CompiledScript.GENERATIONS_MAP, view(e.map()).generation()),
                0,
                f.i64(1));
    }

    /** A value in memory as maps store it: integers in 64 bits, padding zero. */
    private Value stored(Typed.Expr value, Type type, String name) {
        var f = f();
        if (FunctionLowering.isScalar(value.type())) {
            var number = lowering.scalars.integer(lowering.scalars.scalar(value));
            var slot = f.slot(Math.max(1, type.sizeBytes()), 8, name);
            f.store(MemSize.ofBytes(type.sizeBytes()), slot, 0, number);
            return slot;
        }
        if (value instanceof Typed.Local local && local.type().equals(type)) {
            return lowering.access.pointer(lowering.place(local.variable()));
        }
        var memory = lowering.allocate(type.sizeBytes(), name);
        lowering.values.write(value, memory, true);
        return lowering.access.pointer(memory);
    }

    // ---- reading

    /** The value of an entry as a number; 0 if there is none. */
    Value read(Typed.MapGet e) {
        var view = view(e.map());
        var f = f();
        if (e.map().value() instanceof Type.Aggregation a) {
            return total(view, a, e.key(), e.span());
        }
        if (view.storage() == MapView.Storage.SCALAR) {
            return lowering.access.readScalar(Memory.own(f.mapValueRef(view.mapName(), 0), 0), view.value(), false);
        }
        var key = key(view, e.key(), e.span());
        f.at(e.span());
        var found = f.lookup(view.mapName(), key);
        var some = f.newBlock();
        var out = f.newBlock(skep.ir.Type.I64);
        f.branch(f.compare(CompareOp.NE, found, 0), some, List.of(), out, List.of(f.i64(0)));
        f.enter(some);
        var value = lowering.access.readScalar(Memory.own(f.nonNull(found), 0), view.value(), false);
        f.jump(out, lowering.scalars.integer(value));
        f.enter(out);
        return out.param(0);
    }

    /** Copies the value of an entry; zeros if there is none. */
    void readInto(Typed.MapGet e, Memory to) {
        var view = view(e.map());
        var f = f();
        int bytes = view.value().sizeBytes();
        var key = key(view, e.key(), e.span());
        f.at(e.span());
        var found = f.lookup(view.mapName(), key);
        var some = f.newBlock();
        var none = f.newBlock();
        var out = f.newBlock();
        f.branch(f.compare(CompareOp.NE, found, 0), some, none);
        f.enter(none);
        lowering.access.clear(to, bytes);
        f.jump(out);
        f.enter(some);
        lowering.access.copy(to, Memory.own(f.nonNull(found), 0), bytes);
        f.jump(out);
        f.enter(out);
    }

    Value hasKey(Typed.HasKey e) {
        var view = view(e.map());
        var f = f();
        if (view.storage() == MapView.Storage.SCALAR) {
            var set = f.load(skep.ir.Type.I64, f.mapValueRef(view.mapName(), 0), view.presenceOffsetBytes());
            return f.compare(CompareOp.NE, set, 0);
        }
        var found = f.lookup(view.mapName(), key(view, e.key(), e.span()));
        return f.compare(CompareOp.NE, found, 0);
    }

    Value find(Typed.Find e) {
        var view = view(e.map());
        var f = f();
        var found = f.lookup(view.mapName(), key(view, Optional.of(e.key()), e.span()));
        var some = f.newBlock();
        var out = f.newBlock(skep.ir.Type.I64);
        f.branch(f.compare(CompareOp.NE, found, 0), some, List.of(), out, List.of(f.i64(0)));
        f.enter(some);
        if (view.perCpu()) {
            var total = total(view, (Type.Aggregation) e.map().value(), Optional.of(e.key()), e.span());
            lowering.access.writeScalar(
                    lowering.place(e.variable()), e.variable().type(), total);
        } else {
            load(Memory.own(f.nonNull(found), 0), view.value(), e.variable());
        }
        f.jump(out, f.i64(1));
        f.enter(out);
        return out.param(0);
    }

    private void load(Memory from, Type stored, LocalVariable variable) {
        if (FunctionLowering.isScalar(variable.type())) {
            var value = lowering.access.readScalar(from, stored, false);
            lowering.access.writeScalar(lowering.place(variable), variable.type(), value);
        } else {
            lowering.access.copy(lowering.place(variable), from, variable.type().sizeBytes());
        }
    }

    /** In the body of a loop over a map: the variable becomes the pair of this entry's key and value. */
    void bindEntry(MapSymbol map, LocalVariable pair, Value key, Value value) {
        var view = view(map);
        var f = f();
        var type = (Type.Tuple) pair.type();
        if (view.hasGenerations()) {
            var own = f.newBlock();
            var other = f.newBlock();
            var itsOwn = f.load(skep.ir.Type.I64, key, view.generationInKey());
            f.branch(f.compare(CompareOp.EQ, itsOwn, generation(view)), own, other);
            f.enter(other);
            f.ret(f.i64(0));
            f.enter(own);
        }
        var place = lowering.place(pair);
        var keyType = type.elements().getFirst();
        var storedKey = view.key().orElseThrow();
        put(place.plus(type.offsetOf(0)), keyType, Memory.own(key, 0), storedKey);
        var valueType = type.elements().get(1);
        if (map.value() instanceof Type.Aggregation a) {
            var total = total(view, a, key);
            f.store(MemSize.ofBytes(valueType.sizeBytes()), place.base(), place.offset() + type.offsetOf(1), total);
        } else {
            put(place.plus(type.offsetOf(1)), valueType, Memory.own(value, 0), view.value());
        }
    }

    private void put(Memory to, Type type, Memory from, Type stored) {
        if (FunctionLowering.isScalar(type)) {
            var value = lowering.scalars.integer(lowering.access.readScalar(from, stored, false));
            f().store(MemSize.ofBytes(type.sizeBytes()), to.base(), to.offset(), value);
        } else {
            lowering.access.copy(to, from, type.sizeBytes());
        }
    }

    Value address(Typed.AddressOfMap e) {
        var view = view(e.map());
        var f = f();
        if (view.storage() == MapView.Storage.SCALAR) {
            return f.mapValueRef(view.mapName(), 0);
        }
        var found = f.lookup(view.mapName(), key(view, e.key(), e.span()));
        return f.ptrToInt(found);
    }

    /** Counts the entries: a loop over the map whose body does nothing tells how often it ran. */
    Value length(Typed.MapLength e) {
        var view = view(e.map());
        if (view.hasGenerations()) {
            return lengthOfGeneration(view, e.span());
        }
        var name = lowering.callbacks.emptyCallback(e.span());
        return f().helper(
                        skep.ir.Type.I64,
                        Helper.FOR_EACH_MAP_ELEM,
                        f().mapRef(view.mapName()),
                        f().functionRef(name),
                        f().i64(0),
                        f().i64(0));
    }

    private Value lengthOfGeneration(MapView view, Span span) {
        var f = f();
        var count = f.slot(8, 8, "length");
        f.store(count, 0, f.i64(0));
        var name = lowering.callbacks.countingCallback(view, span);
        f.helper(
                skep.ir.Type.I64,
                Helper.FOR_EACH_MAP_ELEM,
                f.mapRef(view.mapName()),
                f.functionRef(name),
                count,
                f.i64(0));
        return f.load(skep.ir.Type.I64, count, 0);
    }

    // ---- reading aggregations over all CPUs

    private Value total(MapView view, Type.Aggregation type, Optional<Typed.Expr> key, Span span) {
        return total(view, type, key(view, key, span));
    }

    private Value total(MapView view, Type.Aggregation type, Value key) {
        var f = f();
        var sum = f.slot(8, 8, "total");
        var count = f.slot(8, 8, "count");
        f.store(sum, 0, f.i64(0));
        f.store(count, 0, f.i64(0));
        var head = f.newBlock(skep.ir.Type.I64);
        var body = f.newBlock();
        var out = f.newBlock();
        f.jump(head, f.i64(0));
        f.enter(head);
        var cpu = head.param(0);
        f.branch(f.compare(CompareOp.ULT, cpu, lowering.plan.kernel.possibleCpus()), body, out);
        f.enter(body);
        var found = f.helper(
                skep.ir.Type.nullable(Region.MAP_VALUE),
                Helper.MAP_LOOKUP_PERCPU_ELEM,
                f.mapRef(view.mapName()),
                key,
                cpu);
        var some = f.newBlock();
        var next = f.newBlock();
        f.branch(f.compare(CompareOp.NE, found, 0), some, out);
        f.enter(some);
        addUp(type, f.nonNull(found), sum, count);
        f.jump(next);
        f.enter(next);
        f.jump(head, f.binary(skep.ir.BinaryOp.ADD, cpu, 1));
        f.enter(out);
        var total = f.load(skep.ir.Type.I64, sum, 0);
        if (!(type instanceof Type.Avg) && !(type instanceof Type.Stats)) {
            return total;
        }
        boolean signed = type instanceof Type.Avg a ? a.signed() : ((Type.Stats) type).signed();
        var divisor = f.load(skep.ir.Type.I64, count, 0);
        return f.binary(signed ? skep.ir.BinaryOp.SDIV : skep.ir.BinaryOp.UDIV, total, divisor);
    }

    private void addUp(Type.Aggregation type, Value value, Value sum, Value count) {
        var f = f();
        switch (type) {
            case Type.Count _, Type.Sum _ -> {
                var one = f.load(skep.ir.Type.I64, value, 0);
                f.store(sum, 0, f.add(f.load(skep.ir.Type.I64, sum, 0), one));
            }
            case Type.Avg _, Type.Stats _ -> {
                f.store(count, 0, f.add(f.load(skep.ir.Type.I64, count, 0), f.load(skep.ir.Type.I64, value, 0)));
                f.store(sum, 0, f.add(f.load(skep.ir.Type.I64, sum, 0), f.load(skep.ir.Type.I64, value, 8)));
            }
            case Type.Min t -> extreme(value, sum, count, t.signed() ? CompareOp.SLT : CompareOp.ULT);
            case Type.Max t -> extreme(value, sum, count, t.signed() ? CompareOp.SGT : CompareOp.UGT);
            case Type.Hist _, Type.LinearHist _, Type.LogLinearHist _, Type.Quantiles _, Type.TimeSeries _ ->
                throw new IllegalStateException("no single number: " + type);
        }
    }

    /** Keeps in {@code best} the value of a CPU if it is set and better. */
    private void extreme(Value value, Value best, Value any, CompareOp better) {
        var f = f();
        var set = f.newBlock();
        var compare = f.newBlock();
        var take = f.newBlock();
        var out = f.newBlock();
        f.branch(f.compare(CompareOp.NE, f.load(skep.ir.Type.I64, value, 8), 0), set, out);
        f.enter(set);
        f.branch(f.compare(CompareOp.NE, f.load(skep.ir.Type.I64, any, 0), 0), compare, take);
        f.enter(compare);
        var mine = f.load(skep.ir.Type.I64, value, 0);
        f.branch(f.compare(better, mine, f.load(skep.ir.Type.I64, best, 0)), take, out);
        f.enter(take);
        f.store(best, 0, f.load(skep.ir.Type.I64, value, 0));
        f.store(any, 0, f.i64(1));
        f.jump(out);
        f.enter(out);
    }

    // ---- writing

    void set(Typed.SetMap s) {
        var view = view(s.map());
        var f = f();
        if (view.storage() == MapView.Storage.SCALAR) {
            var value = lowering.scalars.integer(lowering.values.scalarOrBytes(s.value(), view.value()));
            f.at(s.span());
            var at = f.mapValueRef(view.mapName(), 0);
            f.store(MemSize.ofBytes(view.value().sizeBytes()), at, 0, value);
            f.store(at, view.presenceOffsetBytes(), f.i64(1));
            return;
        }
        var value = stored(s.value(), view.value(), "value");
        var key = key(view, s.key(), s.span());
        f.at(s.span());
        insert(view, key, value, 0, s.span());
    }

    /** Inserts, and counts it if that fails. */
    private void insert(MapView view, Value key, Value value, long flags, Span span) {
        var f = f();
        var result =
                f.helper(skep.ir.Type.I64, Helper.MAP_UPDATE_ELEM, f.mapRef(view.mapName()), key, value, f.i64(flags));
        lowering.access.reported(Helper.MAP_UPDATE_ELEM, result);
        var failed = f.newBlock();
        var out = f.newBlock();
        f.branch(f.compare(CompareOp.NE, result, 0), failed, out);
        f.enter(failed);
        lowering.fault(RuntimeFault.Kind.MAP_FULL, view.name(), span);
        f.jump(out);
        f.enter(out);
    }

    /**
     * Inserts what was looked up and not found: seldom, so that fewer instructions count for more than fewer steps. A
     * failure is a negative number, whose sign is added to the count.
     */
    private void insertMissing(MapView view, Value key, Value value, long flags, Span span) {
        var f = f();
        var result =
                f.helper(skep.ir.Type.I64, Helper.MAP_UPDATE_ELEM, f.mapRef(view.mapName()), key, value, f.i64(flags));
        if (flags != NO_EXIST) {
            // Else another run may have been faster, which is no failure.
            lowering.access.reported(Helper.MAP_UPDATE_ELEM, result);
        }
        var failed = f.binary(skep.ir.BinaryOp.LSHR, result, 63);
        int counter = lowering.plan.fault(RuntimeFault.Kind.MAP_FULL, view.name(), span);
        f.atomic(AtomicOp.ADD, f.mapValueRef(skep.dsl.CompiledScript.COUNTERS_MAP, counter), 0, failed);
    }

    Value delete(Typed.Delete e) {
        var view = view(e.map());
        var f = f();
        switch (view.storage()) {
            case SCALAR -> {
                var at = f.mapValueRef(view.mapName(), 0);
                var was = f.compare(CompareOp.NE, f.load(skep.ir.Type.I64, at, view.presenceOffsetBytes()), 0);
                f.zero(at, 0, view.presenceOffsetBytes() + 8);
                return was;
            }
            case AGGREGATE -> {
                var found = f.lookup(view.mapName(), key(view, e.key(), e.span()));
                var some = f.newBlock();
                var out = f.newBlock();
                f.branch(f.compare(CompareOp.NE, found, 0), some, out);
                f.enter(some);
                lowering.access.clear(
                        Memory.own(f.nonNull(found), 0), view.value().sizeBytes());
                f.jump(out);
                f.enter(out);
                return f.i1(true);
            }
            case HASH -> {
                var key = key(view, e.key(), e.span());
                f.at(e.span());
                var result = f.helper(skep.ir.Type.I64, Helper.MAP_DELETE_ELEM, f.mapRef(view.mapName()), key);
                lowering.access.reported(Helper.MAP_DELETE_ELEM, result);
                return f.compare(CompareOp.EQ, result, 0);
            }
        }
        throw new IllegalStateException("no storage");
    }

    /** An atomic change of an integer: in place, or inserted. */
    void update(Typed.UpdateMap s) {
        var amount = lowering.scalars.scalar(s.value());
        var op = switch (s.op()) {
            case BIT_OR -> AtomicOp.OR;
            case BIT_AND -> AtomicOp.AND;
            case BIT_XOR -> AtomicOp.XOR;
            default -> AtomicOp.ADD;
        };
        change(s.map(), s.key(), op, amount, s.op() == BinaryOp.BIT_AND ? f().i64(0) : amount, s.span());
    }

    /** The old value, or 0. */
    Value change(MapSymbol map, Optional<Typed.Expr> key, AtomicOp op, Value amount, Value first, Span span) {
        var view = view(map);
        var f = f();
        f.at(span);
        if (view.storage() == MapView.Storage.SCALAR) {
            var at = f.mapValueRef(view.mapName(), 0);
            f.store(at, view.presenceOffsetBytes(), f.i64(1));
            return f.atomic(op, at, 0, amount);
        }
        var keyAt = key(view, key, span);
        f.at(span);
        var found = f.lookup(view.mapName(), keyAt);
        var some = f.newBlock();
        var none = f.newBlock();
        var out = f.newBlock(skep.ir.Type.I64);
        f.branch(f.compare(CompareOp.NE, found, 0), some, none);
        f.enter(some);
        f.jump(out, f.atomic(op, f.nonNull(found), 0, amount));
        f.enter(none);
        var value = f.slot(8, 8, "first");
        f.store(value, 0, first);
        insertMissing(view, keyAt, value, 0, span);
        f.jump(out, f.i64(0));
        f.enter(out);
        return out.param(0);
    }

    Value increment(Typed.MapIncrement e) {
        var f = f();
        var delta = f.i64(e.delta());
        var old = change(e.map(), e.key(), AtomicOp.ADD, delta, delta, e.span());
        return e.prefix() ? f.binary(skep.ir.BinaryOp.ADD, old, e.delta()) : old;
    }

    // ---- aggregations

    void aggregate(Typed.Aggregate s) {
        var view = view(s.map());
        var type = (Type.Aggregation) s.map().value();
        var f = f();
        var arguments = s.arguments().stream()
                .map(lowering.scalars::scalar)
                .map(lowering.scalars::integer)
                .toList();
        f.at(s.span());
        switch (type) {
            case Type.Hist h -> {
                var bucket = log2Bucket(arguments.getFirst(), h.bits());
                inPlace(view, s, value -> bump(value, bucket, h.sizeBytes()));
            }
            case Type.Quantiles q -> {
                var bucket = log2Bucket(arguments.getFirst(), Histograms.SKETCH_BITS);
                inPlace(view, s, value -> bump(value, bucket, q.sizeBytes()));
            }
            case Type.LogLinearHist h -> {
                var bucket = logLinearBucket(arguments.getFirst(), h);
                inPlace(view, s, value -> bump(value, bucket, h.sizeBytes()));
            }
            case Type.LinearHist h -> {
                var bucket = linearBucket(arguments.getFirst(), h);
                inPlace(view, s, value -> bump(value, bucket, h.sizeBytes()));
            }
            case Type.Count _ -> inPlaceOr(view, s, value -> plus(value, 0, f.i64(1)), new Value[] {f.i64(1)});
            case Type.Sum _ ->
                inPlaceOr(view, s, value -> plus(value, 0, arguments.getFirst()), new Value[] {arguments.getFirst()});
            case Type.Avg _, Type.Stats _ ->
                inPlaceOr(
                        view,
                        s,
                        value -> {
                            plus(value, 0, f.i64(1));
                            plus(value, 8, arguments.getFirst());
                        },
                        new Value[] {f.i64(1), arguments.getFirst()});
            case Type.Min t ->
                inPlaceOr(
                        view,
                        s,
                        value -> keepBetter(value, arguments.getFirst(), t.signed() ? CompareOp.SLT : CompareOp.ULT),
                        new Value[] {arguments.getFirst(), f.i64(1)});
            case Type.Max t ->
                inPlaceOr(
                        view,
                        s,
                        value -> keepBetter(value, arguments.getFirst(), t.signed() ? CompareOp.SGT : CompareOp.UGT),
                        new Value[] {arguments.getFirst(), f.i64(1)});
            case Type.TimeSeries t -> inPlace(view, s, value -> series(value, arguments.getFirst(), t));
        }
    }

    private void plus(Value at, int offset, Value amount) {
        var f = f();
        f.store(at, offset, f.add(f.load(skep.ir.Type.I64, at, offset), amount));
    }

    private void keepBetter(Value at, Value candidate, CompareOp better) {
        var f = f();
        var compare = f.newBlock();
        var take = f.newBlock();
        var out = f.newBlock();
        f.branch(f.compare(CompareOp.NE, f.load(skep.ir.Type.I64, at, 8), 0), compare, take);
        f.enter(compare);
        f.branch(f.compare(better, candidate, f.load(skep.ir.Type.I64, at, 0)), take, out);
        f.enter(take);
        f.store(at, 0, candidate);
        f.store(at, 8, f.i64(1));
        f.jump(out);
        f.enter(out);
    }

    /** Adds one to a bucket; the comparison tells the verifier that the bucket is inside. */
    private void bump(Value buckets, Value bucket, int sizeBytes) {
        var f = f();
        var inside = f.newBlock();
        var out = f.newBlock();
        f.branch(f.compare(CompareOp.ULT, bucket, sizeBytes / 8), inside, out);
        f.enter(inside);
        var at = f.ptrAdd(buckets, f.binary(skep.ir.BinaryOp.SHL, bucket, 3));
        plus(at, 0, f.i64(1));
        f.jump(out);
        f.enter(out);
    }

    /** Changes the value of this CPU; a small one that is not there is inserted as {@code first}. */
    private void inPlaceOr(MapView view, Typed.Aggregate s, Consumer<Value> change, Value[] first) {
        if (view.storage() != MapView.Storage.HASH) {
            inPlace(view, s, change);
            return;
        }
        var f = f();
        var key = key(view, s.key(), s.span());
        f.at(s.span());
        var found = f.lookup(view.mapName(), key);
        var some = f.newBlock();
        var none = f.newBlock();
        var out = f.newBlock();
        f.branch(f.compare(CompareOp.NE, found, 0), some, none);
        f.enter(some);
        change.accept(f.nonNull(found));
        f.jump(out);
        f.enter(none);
        var value = f.slot(8 * first.length, 8, "first");
        for (int i = 0; i < first.length; i++) {
            f.store(value, 8 * i, first[i]);
        }
        insertMissing(view, key, value, 0, s.span());
        f.jump(out);
        f.enter(out);
    }

    /** Changes the value of this CPU; one that is not there is inserted as zeros first. */
    private void inPlace(MapView view, Typed.Aggregate s, Consumer<Value> change) {
        var f = f();
        var key = key(view, s.key(), s.span());
        f.at(s.span());
        var found = f.lookup(view.mapName(), key);
        var there = f.newBlock();
        var out = f.newBlock();
        if (view.storage() != MapView.Storage.HASH) {
            f.branch(f.compare(CompareOp.NE, found, 0), there, out);
            f.enter(there);
            change.accept(f.nonNull(found));
            f.jump(out);
            f.enter(out);
            return;
        }
        var none = f.newBlock();
        var merged = f.newBlock(skep.ir.Type.ptr(Region.MAP_VALUE));
        f.branch(f.compare(CompareOp.NE, found, 0), there, none);
        f.enter(there);
        f.jump(merged, f.nonNull(found));
        f.enter(none);
        int bytes = view.value().sizeBytes();
        insertMissing(view, key, lowering.plan.zeros(f, bytes), NO_EXIST, s.span());
        var again = f.lookup(view.mapName(), key);
        var inserted = f.newBlock();
        f.branch(f.compare(CompareOp.NE, again, 0), inserted, out);
        f.enter(inserted);
        f.jump(merged, f.nonNull(again));
        f.enter(merged);
        change.accept(merged.param(0));
        f.jump(out);
        f.enter(out);
    }

    /** See {@link Histograms#log2Bucket}: the position of the highest bit by halving. */
    private Value log2Bucket(Value value, int bits) {
        var f = f();
        var out = f.newBlock(skep.ir.Type.I64);
        var notNegative = f.newBlock();
        var big = f.newBlock();
        f.branch(f.compare(CompareOp.SGE, value, 0), notNegative, List.of(), out, List.of(f.i64(0)));
        f.enter(notNegative);
        var small = f.binary(skep.ir.BinaryOp.ADD, value, 1);
        f.branch(f.compare(CompareOp.UGE, value, 1L << bits), big, List.of(), out, List.of(small));
        f.enter(big);
        Value rest = value;
        Value power = f.i64(0);
        for (int step = 32; step >= 1; step /= 2) {
            var high = f.newBlock();
            var next = f.newBlock(skep.ir.Type.I64, skep.ir.Type.I64);
            var isHigh = step == 32
                    ? f.compare(CompareOp.NE, f.binary(skep.ir.BinaryOp.LSHR, rest, step), 0)
                    : f.compare(CompareOp.UGE, rest, 1L << step);
            f.branch(isHigh, high, List.of(), next, List.of(rest, power));
            f.enter(high);
            f.jump(next, f.binary(skep.ir.BinaryOp.LSHR, rest, step), f.binary(skep.ir.BinaryOp.ADD, power, step));
            f.enter(next);
            rest = next.param(0);
            power = next.param(1);
        }
        if (bits == 0) {
            f.jump(out, f.binary(skep.ir.BinaryOp.ADD, power, 2));
        } else {
            var steps = f.binary(skep.ir.BinaryOp.SUB, power, bits);
            var sub = f.binary(skep.ir.BinaryOp.AND, f.binary(skep.ir.BinaryOp.LSHR, value, steps), (1L << bits) - 1);
            var base = f.binary(skep.ir.BinaryOp.ADD, f.binary(skep.ir.BinaryOp.SHL, steps, bits), 1 + (1L << bits));
            f.jump(out, f.add(base, sub));
        }
        f.enter(out);
        return out.param(0);
    }

    /** See {@link Histograms#logLinearBucket}: one comparison a power, then a division by that power's step. */
    private Value logLinearBucket(Value value, Type.LogLinearHist h) {
        var f = f();
        var out = f.newBlock(skep.ir.Type.I64);
        long power = Histograms.power(h.factor(), h.low());
        var above = f.newBlock();
        f.branch(f.compare(CompareOp.SGE, value, power), above, List.of(), out, List.of(f.i64(0)));
        f.enter(above);
        int before = 1;
        for (int magnitude = h.low(); magnitude <= h.high(); magnitude++) {
            long next = power * h.factor();
            long step = Math.max(1, next / h.steps());
            var within = f.newBlock();
            var beyond = f.newBlock();
            f.branch(f.compare(CompareOp.SLT, value, next), within, beyond);
            f.enter(within);
            var distance = f.binary(skep.ir.BinaryOp.SUB, value, power);
            var index = step == 1 ? distance : f.binary(skep.ir.BinaryOp.UDIV, distance, step);
            f.jump(out, f.binary(skep.ir.BinaryOp.ADD, index, before));
            f.enter(beyond);
            before += (int) ((next - power + step - 1) / step);
            power = next;
        }
        f.jump(out, f.i64(before));
        f.enter(out);
        return out.param(0);
    }

    private Value linearBucket(Value value, Type.LinearHist h) {
        var f = f();
        int last = Histograms.linearBuckets(h.min(), h.max(), h.step()) - 1;
        var out = f.newBlock(skep.ir.Type.I64);
        var above = f.newBlock();
        var within = f.newBlock();
        f.branch(f.compare(CompareOp.SGE, value, h.min()), above, List.of(), out, List.of(f.i64(0)));
        f.enter(above);
        f.branch(f.compare(CompareOp.SLT, value, h.max()), within, List.of(), out, List.of(f.i64(last)));
        f.enter(within);
        var distance = f.binary(skep.ir.BinaryOp.SUB, value, h.min());
        var step = f.binary(skep.ir.BinaryOp.UDIV, distance, h.step());
        f.jump(out, f.binary(skep.ir.BinaryOp.ADD, step, 1));
        f.enter(out);
        return out.param(0);
    }

    /** The entry of the interval now; one of an older round starts anew. */
    private void series(Value value, Value sample, Type.TimeSeries t) {
        var f = f();
        var now = t.clockMap().isEmpty()
                ? f.helper(skep.ir.Type.I64, Helper.KTIME_GET_BOOT_NS)
                : f.load(skep.ir.Type.I64, f.mapValueRef(ScriptPlan.mapName(t.clockMap()), 0), 0);
        var epoch = f.binary(skep.ir.BinaryOp.UDIV, now, t.intervalNanos());
        var index = f.binary(skep.ir.BinaryOp.UMOD, epoch, t.intervals());
        var inside = f.newBlock();
        var out = f.newBlock();
        f.branch(f.compare(CompareOp.ULT, index, t.intervals()), inside, out);
        f.enter(inside);
        var at = f.ptrAdd(value, f.binary(skep.ir.BinaryOp.MUL, index, Type.TimeSeries.ENTRY_BYTES));
        var same = f.newBlock();
        var fresh = f.newBlock();
        var done = f.newBlock();
        f.branch(f.compare(CompareOp.EQ, f.load(skep.ir.Type.I64, at, 0), epoch), same, fresh);
        f.enter(fresh);
        f.store(at, 0, epoch);
        f.store(at, 8, sample);
        f.store(at, 16, f.i64(1));
        f.jump(done);
        f.enter(same);
        switch (t.kind()) {
            case NONE -> f.store(at, 8, sample);
            case AVG, SUM -> plus(at, 8, sample);
            case MIN, MAX -> {
                boolean less = t.kind() == Type.SeriesKind.MIN;
                var better =
                        t.signed() ? (less ? CompareOp.SLT : CompareOp.SGT) : (less ? CompareOp.ULT : CompareOp.UGT);
                var take = f.newBlock();
                var keep = f.newBlock();
                f.branch(f.compare(better, sample, f.load(skep.ir.Type.I64, at, 8)), take, keep);
                f.enter(take);
                f.store(at, 8, sample);
                f.jump(keep);
                f.enter(keep);
            }
        }
        plus(at, 16, f.i64(1));
        f.jump(done);
        f.enter(done);
        f.store(at, 24, now);
        f.jump(out);
        f.enter(out);
    }
}
