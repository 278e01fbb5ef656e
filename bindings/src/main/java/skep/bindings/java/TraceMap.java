package skep.bindings.java;

import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import skep.session.view.TextRenderer;
import skep.session.view.View;

/**
 * A map of a script at one moment, in the order in which it is printed. Keys and values are Java objects as {@link Values}
 * lists them; a key of several parts is a {@link List}, the key of a map without one the empty list.
 *
 * {@snippet :
 * for (var entry : trace.map("@bytes")) {
 *     System.out.println(entry.key() + ": " + entry.asLong());
 * }
 * }
 */
public final class TraceMap implements Iterable<TraceMap.Entry> {
    private final View.MapView view;
    private final List<Entry> entries;

    public TraceMap(View.MapView view) {
        this.view = view;
        this.entries = view.rows().stream()
                .map(row -> new Entry(key(Values.list(row.key())), Values.toJava(row.value())))
                .toList();
    }

    private static Object key(List<Object> parts) {
        return parts.size() == 1 ? parts.getFirst() : parts;
    }

    /** A key and its value. */
    public record Entry(Object key, Object value) {
        /** @throws IllegalStateException if the value is no number */
        public long asLong() {
            return number().longValue();
        }

        /** @throws IllegalStateException if the value is no number */
        public double asDouble() {
            return number().doubleValue();
        }

        private Number number() {
            if (value instanceof Number number) {
                return number;
            }
            throw new IllegalStateException("the value of " + key + " is no number but "
                    + value.getClass().getSimpleName());
        }

        /** @throws IllegalStateException if the value is no histogram */
        public Histogram asHistogram() {
            if (value instanceof Histogram histogram) {
                return histogram;
            }
            throw new IllegalStateException("the value of " + key + " is no histogram but "
                    + value.getClass().getSimpleName());
        }
    }

    public String name() {
        return view.name();
    }

    /** What renderers draw. */
    public View.MapView view() {
        return view;
    }

    public int size() {
        return entries.size();
    }

    public List<Entry> entries() {
        return entries;
    }

    public Stream<Entry> stream() {
        return StreamSupport.stream(spliterator(), false);
    }

    /** The value of a key; of a key of several parts, all of them. Integers may be any {@link Number}. */
    public Optional<Object> get(Object... key) {
        var wanted = key(Stream.of(key).map(TraceMap::comparable).toList());
        return entries.stream()
                .filter(entry -> entry.key.equals(wanted))
                .map(Entry::value)
                .findFirst();
    }

    private static Object comparable(Object part) {
        return part instanceof Integer || part instanceof Short || part instanceof Byte
                ? ((Number) part).longValue()
                : part;
    }

    /** As a map, in the same order. */
    public Map<Object, Object> asMap() {
        var map = new LinkedHashMap<Object, Object>();
        entries.forEach(entry -> map.put(entry.key, entry.value));
        return map;
    }

    @Override
    public Iterator<Entry> iterator() {
        return entries.iterator();
    }

    /** What the terminal shows. */
    @Override
    public String toString() {
        return new TextRenderer().render(view);
    }
}
