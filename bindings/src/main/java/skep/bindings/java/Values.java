package skep.bindings.java;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import skep.session.RunningScript;
import skep.session.aggregate.Aggregate;
import skep.session.view.Value;
import skep.session.view.View;

/**
 * Values of a script as Java objects.
 *
 * <table>
 * <caption>Conversions</caption>
 * <tr><th>in the script</th><th>in Java</th></tr>
 * <tr><td>integer</td><td>{@link Long}; {@link BigInteger} if it is unsigned and above 2^63 - 1</td></tr>
 * <tr><td>bool</td><td>{@link Boolean}</td></tr>
 * <tr><td>string, symbol, user, time</td><td>{@link String}</td></tr>
 * <tr><td>buffer</td><td>{@code byte[]}</td></tr>
 * <tr><td>tuple, array</td><td>{@link List}</td></tr>
 * <tr><td>record, struct</td><td>{@link Map} from names, in order</td></tr>
 * <tr><td>pointer</td><td>{@link Long}</td></tr>
 * <tr><td>enum</td><td>{@link String}, or {@link Long} if the value has no name</td></tr>
 * <tr><td>stack</td><td>{@link List} of {@link String}, innermost frame first</td></tr>
 * <tr><td>count, sum, min, max</td><td>{@link Long}</td></tr>
 * <tr><td>avg</td><td>{@link Double}</td></tr>
 * <tr><td>stats</td><td>{@link Map} with {@code count}, {@code average}, {@code total}</td></tr>
 * <tr><td>hist, lhist</td><td>{@link Histogram}</td></tr>
 * <tr><td>tseries</td><td>{@link Aggregate} as it is</td></tr>
 * </table>
 */
public final class Values {
    private Values() {}

    /**
     * The Java face of a thing of the session, as other languages hold it.
     *
     * @throws IllegalArgumentException if it has none
     */
    public static Object ofSession(Object thing) {
        return switch (thing) {
            case RunningScript script -> Trace.of(script);
            case View.MapView map -> new TraceMap(map);
            case Aggregate.Histogram histogram -> new Histogram(histogram);
            case Value value -> toJava(value);
            default -> throw new IllegalArgumentException("no Java form of " + thing.getClass());
        };
    }

    /** What {@link #ofSession} made the object of, if it did. */
    public static Optional<Object> toSession(Object object) {
        return switch (object) {
            case Trace trace -> Optional.of(trace.script());
            case TraceMap map -> Optional.of(map.view());
            case Histogram histogram -> Optional.of(histogram.aggregate());
            default -> Optional.empty();
        };
    }

    static Object toJava(Value value) {
        return switch (value) {
            case Value.Int i -> integer(i.value(), i.signed());
            case Value.Bool b -> b.value();
            case Value.Text t -> t.text();
            case Value.Bytes b -> b.bytes();
            case Value.Tuple t -> list(t.elements());
            case Value.Array a -> list(a.elements());
            case Value.Rec r -> {
                var members = new LinkedHashMap<String, Object>();
                r.members().forEach(member -> members.put(member.name(), toJava(member.value())));
                yield members;
            }
            case Value.Pointer p -> p.address();
            case Value.EnumValue e ->
                e.name().<Object>map(name -> name).orElseGet(() -> integer(e.value(), e.signed()));
            case Value.Named n -> n.text();
            case Value.Stack s -> s.frames();
            case Value.Aggregated a -> aggregate(a.aggregate());
        };
    }

    static List<Object> list(List<Value> values) {
        var list = new ArrayList<Object>();
        values.forEach(value -> list.add(toJava(value)));
        return List.copyOf(list);
    }

    private static Object integer(long value, boolean signed) {
        return signed || value >= 0 ? (Object) value : new BigInteger(Long.toUnsignedString(value));
    }

    private static Object aggregate(Aggregate aggregate) {
        return switch (aggregate) {
            case Aggregate.Count c -> c.count();
            case Aggregate.Sum s -> integer(s.total(), s.signed());
            case Aggregate.Min m -> integer(m.value(), m.signed());
            case Aggregate.Max m -> integer(m.value(), m.signed());
            case Aggregate.Avg a -> a.count() == 0 ? 0.0 : (double) a.total() / a.count();
            case Aggregate.Stats s -> {
                var members = new LinkedHashMap<String, Object>();
                members.put("count", s.count());
                members.put("average", s.count() == 0 ? 0.0 : (double) s.total() / s.count());
                members.put("total", integer(s.total(), s.signed()));
                yield Map.copyOf(members);
            }
            case Aggregate.Histogram h -> new Histogram(h);
            default -> aggregate;
        };
    }
}
