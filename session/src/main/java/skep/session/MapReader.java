package skep.session;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import skep.dsl.CompiledScript;
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

    /** So many clearings may wait until entries are removed before their turn. */
    private static final int MAX_GENERATIONS_BEHIND = 64;

    private final LoadedObject object;
    private final ValueReader values;
    private final Symbols symbols;
    private final Map<String, View.Labels> labels;
    /** Generations of the maps that are cleared, as far as the records that were read tell. */
    private final Map<String, Long> generations = new HashMap<>();

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
        return read(view, evenIfEmpty, generations.getOrDefault(view.name(), 0L));
    }

    /** The same as the kernel has it now, whatever records still wait. */
    View.MapView readNow(MapView view, boolean evenIfEmpty) {
        return read(view, evenIfEmpty, view.hasGenerations() ? generationNow(view) : 0);
    }

    private long generationNow(MapView view) {
        var all = object.map(CompiledScript.GENERATIONS_MAP).lookup(FIRST_INDEX).orElseThrow();
        return ValueReader.word(all, view.generation(), 8);
    }

    private View.MapView read(MapView view, boolean evenIfEmpty, long generation) {
        var map = object.map(view.mapName());
        var rows = new ArrayList<View.Row>();
        switch (view.storage()) {
            case HASH -> {
                for (var entry : map.entries()) {
                    if (view.hasGenerations() && generation(view, entry.key()) != generation) {
                        continue;
                    }
                    var key = view.key()
                            .map(type -> values.key(type, entry.key()))
                            .orElse(List.of());
                    rows.add(new View.Row(key, value(view, entry.value())));
                }
                if (view.key().filter(Type::hasUnwoundStack).isPresent()) {
                    return View.MapView.sorted(view.name(), true, shape(view.value()), merged(rows));
                }
                boolean missing = rows.isEmpty() && evenIfEmpty && view.key().isEmpty();
                if (missing && view.value() instanceof Type.Aggregation a) {
                    rows.add(new View.Row(List.of(), value(view, new byte[Type.Layout.alignUp(a.sizeBytes(), 8)])));
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
            case HASH -> map.lookup(view.hasGenerations() ? withGeneration(view, key) : key.orElse(NO_KEY));
            case SCALAR, AGGREGATE -> map.lookup(FIRST_INDEX);
        };
        var parts =
                key.flatMap(k -> view.key().map(type -> values.key(type, k))).orElse(List.of());
        return bytes.map(value -> new View.Row(parts, value(view, value)));
    }

    /** Removes what there is, as far as records tell. */
    void clear(MapView view) {
        if (!view.hasGenerations()) {
            object.map(view.mapName()).clear();
            return;
        }
        clear(view, generations.getOrDefault(view.name(), 0L));
    }

    /**
     * Removes the entries of the generations up to one, which has ended. A script that clears faster than this can be done
     * fills the map with what is to be removed, which makes everything slower: then all that has ended goes, and a record
     * that still waits finds the map as empty as it is soon to be.
     */
    void clear(MapView view, long ended) {
        var map = object.map(view.mapName());
        generations.merge(view.name(), ended + 1, Math::max);
        long now = generationNow(view);
        long generation = now - ended > MAX_GENERATIONS_BEHIND ? now - 1 : ended;
        map.deleteAll(map.entries().stream()
                .map(LoadedMap.Entry::key)
                .filter(key -> generation(view, key) <= generation)
                .toList());
    }

    private static long generation(MapView view, byte[] key) {
        return ValueReader.word(key, view.generationInKey(), 8);
    }

    private byte[] withGeneration(MapView view, Optional<byte[]> key) {
        var bytes = Arrays.copyOf(key.orElse(new byte[0]), view.keyBytes());
        long generation = generations.getOrDefault(view.name(), 0L);
        for (int i = 0; i < 8; i++) {
            bytes[view.generationInKey() + i] = (byte) (generation >> 8 * i);
        }
        return bytes;
    }

    /** Sets all values to zero; keys stay. */
    void zero(MapView view) {
        LoadedMap map = object.map(view.mapName());
        long generation = generations.getOrDefault(view.name(), 0L);
        for (var entry : map.entries()) {
            if (view.hasGenerations() && generation(view, entry.key()) != generation) {
                continue;
            }
            var value = new byte[entry.value().length];
            if (view.storage() == MapView.Storage.SCALAR) {
                int presence = view.presenceOffsetBytes();
                System.arraycopy(entry.value(), presence, value, presence, 8);
            }
            // What a program has deleted meanwhile stays deleted.
            if (!Arrays.equals(value, entry.value())) {
                map.replace(entry.key(), value);
            }
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
