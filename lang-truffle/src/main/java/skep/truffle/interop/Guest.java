package skep.truffle.interop;

import com.oracle.truffle.api.interop.InteropLibrary;
import com.oracle.truffle.api.interop.InvalidArrayIndexException;
import com.oracle.truffle.api.interop.StopIterationException;
import com.oracle.truffle.api.interop.UnknownIdentifierException;
import com.oracle.truffle.api.interop.UnsupportedMessageException;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import skep.session.aggregate.Aggregate;
import skep.session.view.Value;
import skep.session.view.View;

/**
 * Values of scripts as values of other languages, and back.
 *
 * <pre>
 * integer, pointer        number; exact up to 64 bits, whatever their sign
 * bool                    boolean
 * string, symbol, user    string
 * enum                    string, or number if the value has no name
 * buffer                  read-only buffer, and array of numbers from 0 to 255
 * tuple, array, stack     array
 * record, struct          members
 * count, sum, min, max    number
 * avg                     number
 * stats                   members count, average, total
 * hist, lhist             array of buckets (members low, high, count) with members samples, p50, p99, …
 * tseries                 array of members time (ns since 1970), value, samples
 * quantiles               members samples, p50, …
 * </pre>
 */
final class Guest {
    private static final InteropLibrary INTEROP = InteropLibrary.getUncached();

    private Guest() {}

    static Object of(Value value) {
        return switch (value) {
            case Value.Int i -> integer(i.value(), i.signed());
            case Value.Bool b -> b.value();
            case Value.Text t -> t.text();
            case Value.Bytes b -> new BytesObject(b.bytes());
            case Value.Tuple t -> array(t.elements());
            case Value.Array a -> array(a.elements());
            case Value.Rec r -> record(r);
            case Value.Pointer p -> integer(p.address(), false);
            case Value.EnumValue e ->
                e.name().<Object>map(name -> name).orElseGet(() -> integer(e.value(), e.signed()));
            case Value.Named n -> n.text();
            case Value.Stack s -> new ArrayObject(s.frames());
            case Value.Aggregated a -> of(a.aggregate());
        };
    }

    static ArrayObject array(List<Value> values) {
        return new ArrayObject(values.stream().map(Guest::of).toList());
    }

    static RecordObject record(Value.Rec record) {
        var members = new LinkedHashMap<String, Object>();
        record.members().forEach(member -> members.put(member.name(), of(member.value())));
        return new RecordObject("Record", members);
    }

    static Object integer(long value, boolean signed) {
        return signed || value >= 0 ? (Object) value : new UnsignedObject(value);
    }

    static Object of(Aggregate aggregate) {
        return switch (aggregate) {
            case Aggregate.Count c -> c.count();
            case Aggregate.Sum s -> integer(s.total(), s.signed());
            case Aggregate.Min m -> integer(m.value(), m.signed());
            case Aggregate.Max m -> integer(m.value(), m.signed());
            case Aggregate.Avg a -> a.count() == 0 ? 0.0 : a.exactAverage();
            case Aggregate.Stats s -> {
                var members = new LinkedHashMap<String, Object>();
                members.put("count", s.count());
                members.put("average", s.count() == 0 ? 0.0 : (double) s.total() / s.count());
                members.put("total", integer(s.total(), s.signed()));
                yield new RecordObject("Stats", members);
            }
            case Aggregate.Histogram h -> new HistogramObject(h);
            case Aggregate.Quantiles q -> {
                var members = new LinkedHashMap<String, Object>();
                members.put("samples", q.samples());
                q.levels().forEach(level -> members.put(Aggregate.Quantiles.name(level), q.at(level)));
                yield new RecordObject("Quantiles", members);
            }
            case Aggregate.TimeSeries s -> {
                var points = new ArrayList<Object>();
                s.cells().forEach((epoch, cell) -> {
                    var members = new LinkedHashMap<String, Object>();
                    members.put("time", s.originNanos() + epoch * s.intervalNanos());
                    members.put("value", integer(s.shown(cell), s.signed()));
                    members.put("samples", cell.count());
                    points.add(new RecordObject("Point", members));
                });
                yield new ArrayObject(points);
            }
        };
    }

    /** The key of a map's row: its only part, or an array of all. */
    static Object key(List<Value> parts) {
        return parts.size() == 1 ? of(parts.getFirst()) : array(parts);
    }

    /** What crossed by {@link Handover}. */
    static Object ofThing(Object thing) {
        return switch (thing) {
            case View.MapView map -> new MapObject(map);
            case Value value -> of(value);
            case Aggregate aggregate -> of(aggregate);
            default -> throw new IllegalArgumentException("no guest form of " + thing.getClass());
        };
    }

    // --- from guests ---

    /** A value of another language as a value of scripts: what a key or a table entry can be made of. */
    static Value toValue(Object guest) {
        try {
            if (INTEROP.isBoolean(guest)) {
                return new Value.Bool(INTEROP.asBoolean(guest));
            }
            if (INTEROP.isString(guest)) {
                return new Value.Text(INTEROP.asString(guest));
            }
            if (INTEROP.isNumber(guest)) {
                return integer(guest);
            }
            if (INTEROP.hasBufferElements(guest)) {
                var bytes = new byte[(int) INTEROP.getBufferSize(guest)];
                INTEROP.readBuffer(guest, 0, bytes, 0, bytes.length);
                return new Value.Bytes(bytes);
            }
            if (INTEROP.hasArrayElements(guest)) {
                return new Value.Array(
                        elements(guest).stream().map(Guest::toValue).toList());
            }
            var members = new ArrayList<Value.Member>();
            members(guest).forEach((name, value) -> members.add(new Value.Member(name, toValue(value))));
            return new Value.Rec(members);
        } catch (com.oracle.truffle.api.interop.InteropException e) {
            throw new IllegalArgumentException("no number, string, array or object with members: " + text(guest), e);
        }
    }

    private static Value integer(Object guest) throws UnsupportedMessageException {
        if (INTEROP.fitsInLong(guest)) {
            return new Value.Int(INTEROP.asLong(guest), true);
        }
        if (INTEROP.fitsInBigInteger(guest)) {
            var big = INTEROP.asBigInteger(guest);
            if (big.signum() >= 0 && big.bitLength() <= Long.SIZE) {
                return new Value.Int(big.longValue(), false);
            }
        }
        throw new IllegalArgumentException(text(guest) + " is no integer of 64 bits");
    }

    /** The elements of an array. */
    static List<Object> elements(Object guest) {
        try {
            var list = new ArrayList<>();
            for (long i = 0; i < INTEROP.getArraySize(guest); i++) {
                list.add(INTEROP.readArrayElement(guest, i));
            }
            return list;
        } catch (UnsupportedMessageException | InvalidArrayIndexException e) {
            throw new IllegalArgumentException("no array: " + text(guest), e);
        }
    }

    /** Names and values of an object: the entries of a hash such as a Python dictionary, or its members. */
    static Map<String, Object> members(Object guest) {
        var members = new LinkedHashMap<String, Object>();
        try {
            if (INTEROP.hasHashEntries(guest)) {
                var entries = INTEROP.getHashEntriesIterator(guest);
                while (INTEROP.hasIteratorNextElement(entries)) {
                    var entry = INTEROP.getIteratorNextElement(entries);
                    members.put(string(INTEROP.readArrayElement(entry, 0)), INTEROP.readArrayElement(entry, 1));
                }
            } else {
                for (var name : elements(INTEROP.getMembers(guest))) {
                    members.put(string(name), INTEROP.readMember(guest, string(name)));
                }
            }
            return members;
        } catch (UnsupportedMessageException
                | InvalidArrayIndexException
                | StopIterationException
                | UnknownIdentifierException e) {
            throw new IllegalArgumentException("no object with members: " + text(guest), e);
        }
    }

    /** @throws IllegalArgumentException if it is no string */
    static String string(Object guest) {
        try {
            return INTEROP.asString(guest);
        } catch (UnsupportedMessageException e) {
            throw new IllegalArgumentException("no string: " + text(guest), e);
        }
    }

    /** A string, or a number as it is written. */
    static String word(Object guest) {
        return INTEROP.isString(guest) ? string(guest) : text(guest);
    }

    /** @throws IllegalArgumentException if it is no number */
    static double number(Object guest) {
        try {
            if (INTEROP.fitsInDouble(guest)) {
                return INTEROP.asDouble(guest);
            }
            return INTEROP.fitsInLong(guest)
                    ? INTEROP.asLong(guest)
                    : INTEROP.asBigInteger(guest).doubleValue();
        } catch (UnsupportedMessageException e) {
            throw new IllegalArgumentException("no number: " + text(guest), e);
        }
    }

    /** @throws IllegalArgumentException if it is no integer of 32 bits */
    static int integer32(Object guest) {
        try {
            return INTEROP.asInt(guest);
        } catch (UnsupportedMessageException e) {
            throw new IllegalArgumentException("no integer of 32 bits: " + text(guest), e);
        }
    }

    /** @throws IllegalArgumentException if it is no integer of 64 bits */
    static long integer64(Object guest) {
        try {
            return INTEROP.asLong(guest);
        } catch (UnsupportedMessageException e) {
            throw new IllegalArgumentException("no integer of 64 bits: " + text(guest), e);
        }
    }

    /** @throws IllegalArgumentException if it is no boolean */
    static boolean truth(Object guest) {
        try {
            return INTEROP.asBoolean(guest);
        } catch (UnsupportedMessageException e) {
            throw new IllegalArgumentException("neither true nor false: " + text(guest), e);
        }
    }

    /** @throws IllegalArgumentException if it cannot be called */
    static Object function(Object guest) {
        if (!INTEROP.isExecutable(guest)) {
            throw new IllegalArgumentException("no function: " + text(guest));
        }
        return guest;
    }

    static boolean isNull(Object guest) {
        return INTEROP.isNull(guest);
    }

    /** A key in a form that is equal to that of every guest's form of the same key. */
    static Object comparable(Object guest) {
        try {
            if (INTEROP.isBoolean(guest)) {
                return INTEROP.asBoolean(guest);
            }
            if (INTEROP.isString(guest)) {
                return INTEROP.asString(guest);
            }
            if (INTEROP.isNumber(guest) && INTEROP.fitsInLong(guest)) {
                return BigInteger.valueOf(INTEROP.asLong(guest));
            }
            if (INTEROP.isNumber(guest) && INTEROP.fitsInBigInteger(guest)) {
                return INTEROP.asBigInteger(guest);
            }
            if (INTEROP.hasArrayElements(guest)) {
                return elements(guest).stream().map(Guest::comparable).toList();
            }
            if (guest instanceof RecordObject record) {
                return record.ownNames().stream()
                        .map(name -> List.of(name, comparable(record.own(name).orElseThrow())))
                        .toList();
            }
            return guest;
        } catch (UnsupportedMessageException e) {
            throw new AssertionError(e);
        }
    }

    /** A guest value as people read it. */
    static String text(Object guest) {
        try {
            return INTEROP.asString(INTEROP.toDisplayString(guest, false));
        } catch (UnsupportedMessageException e) {
            throw new AssertionError(e);
        }
    }

    /** Text of something optional. */
    static Object orNull(Optional<?> value) {
        return value.isPresent() ? value.get() : Nothing.NOTHING;
    }
}
