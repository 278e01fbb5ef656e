package skep.session;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import skep.dsl.MapView;
import skep.dsl.Type;
import skep.session.aggregate.AggregateReader;
import skep.session.view.Value;
import skep.session.view.View;
import skep.target.LoadedMap;
import skep.target.LoadedObject;

/** Reads a script's maps out of a target: values of CPUs are merged, rows put in order. */
final class MapReader {
    private static final byte[] FIRST_INDEX = new byte[4];
    private static final byte[] NO_KEY = new byte[8];

    private final LoadedObject object;
    private final ValueReader values;
    private final Symbols symbols;
    private final Map<String, View.Labels> labels;

    /** @param labels of maps by name; one that is not there has none */
    MapReader(LoadedObject object, ValueReader values, Symbols symbols, Map<String, View.Labels> labels) {
        this.object = object;
        this.values = values;
        this.symbols = symbols;
        this.labels = Map.copyOf(labels);
    }

    /**
     * A map with its rows in order.
     *
     * @param evenIfEmpty whether an aggregation without a key that saw no sample still has its row
     */
    View.MapView read(MapView view, boolean evenIfEmpty) {
        var map = object.map(view.mapName());
        var rows = new ArrayList<View.Row>();
        switch (view.storage()) {
            case HASH -> {
                for (var entry : map.entries()) {
                    var key = view.key()
                            .map(type -> values.key(type, entry.key()))
                            .orElse(List.of());
                    rows.add(new View.Row(key, value(view, entry.value())));
                }
                if (view.key().filter(Type::hasUnwoundStack).isPresent()) {
                    return View.MapView.sorted(view.name(), true, shape(view.value()), merged(rows));
                }
            }
            case SCALAR ->
                map.lookup(FIRST_INDEX)
                        .filter(bytes -> ValueReader.word(bytes, view.presenceOffsetBytes(), 8) != 0)
                        .ifPresent(bytes -> rows.add(new View.Row(List.of(), value(view, bytes))));
            case AGGREGATE ->
                map.lookup(FIRST_INDEX)
                        .map(bytes -> value(view, bytes))
                        .filter(value -> evenIfEmpty || !isEmpty(value))
                        .ifPresent(value -> rows.add(new View.Row(List.of(), value)));
        }
        return View.MapView.sorted(view.name(), view.key().isPresent(), shape(view.value()), rows)
                .labelled(labels.getOrDefault(view.name(), View.Labels.NONE));
    }

    /** The row of one key, if it is there. */
    Optional<View.Row> readEntry(MapView view, Optional<byte[]> key) {
        var map = object.map(view.mapName());
        var bytes = switch (view.storage()) {
            case HASH -> map.lookup(key.orElse(NO_KEY));
            case SCALAR, AGGREGATE -> map.lookup(FIRST_INDEX);
        };
        var parts =
                key.flatMap(k -> view.key().map(type -> values.key(type, k))).orElse(List.of());
        return bytes.map(value -> new View.Row(parts, value(view, value)));
    }

    void clear(MapView view) {
        object.map(view.mapName()).clear();
    }

    /** Sets all values to zero; keys stay. */
    void zero(MapView view) {
        LoadedMap map = object.map(view.mapName());
        for (var entry : map.entries()) {
            var value = new byte[entry.value().length];
            if (view.storage() == MapView.Storage.SCALAR) {
                int presence = view.presenceOffsetBytes();
                System.arraycopy(entry.value(), presence, value, presence, 8);
            }
            map.update(entry.key(), value, 0);
        }
    }

    private Value value(MapView view, byte[] bytes) {
        if (!(view.value() instanceof Type.Aggregation aggregation)) {
            return values.read(view.value(), bytes, 0);
        }
        int stride = Type.Layout.alignUp(aggregation.sizeBytes(), 8);
        int cpus = view.perCpu() ? bytes.length / stride : 1;
        return new Value.Aggregated(
                AggregateReader.merged(aggregation, bytes, stride, cpus, symbols.clockOriginNanos()));
    }

    /** Stacks that user space unwinds have a key for each copy: those that turn out to be the same are one row. */
    private static List<View.Row> merged(List<View.Row> rows) {
        var merged = new LinkedHashMap<List<Value>, View.Row>();
        for (var row : rows) {
            merged.merge(row.key(), row, MapReader::both);
        }
        return List.copyOf(merged.values());
    }

    private static View.Row both(View.Row a, View.Row b) {
        return switch (a.value()) {
            case Value.Aggregated one
            when b.value() instanceof Value.Aggregated other ->
                new View.Row(a.key(), new Value.Aggregated(one.aggregate().merge(other.aggregate())));
            case Value.Int one
            when b.value() instanceof Value.Int other ->
                new View.Row(a.key(), new Value.Int(one.value() + other.value(), one.signed()));
            default -> b;
        };
    }

    private static boolean isEmpty(Value value) {
        return value instanceof Value.Aggregated a && a.aggregate().isEmpty();
    }

    static View.Shape shape(Type value) {
        return switch (value) {
            case Type.Int _, Type.Count _, Type.Sum _, Type.Min _, Type.Max _ -> View.Shape.NUMBER;
            case Type.Avg _ -> View.Shape.AVERAGE;
            case Type.Stats _ -> View.Shape.STATS;
            case Type.Hist _, Type.LinearHist _, Type.LogLinearHist _ -> View.Shape.HISTOGRAM;
            case Type.Quantiles _ -> View.Shape.QUANTILES;
            case Type.TimeSeries _ -> View.Shape.SERIES;
            default -> View.Shape.OTHER;
        };
    }

    /** A copy of the bytes of a key that stands in a record. */
    static byte[] keyBytes(byte[] record, int offset, int size) {
        return Arrays.copyOfRange(record, offset, offset + size);
    }
}
