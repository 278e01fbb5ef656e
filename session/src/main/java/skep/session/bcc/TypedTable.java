package skep.session.bcc;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import skep.c.bcc.BccTable;
import skep.c.bcc.CTypeInfo;
import skep.session.view.Value;
import skep.target.LoadedMap;

/**
 * A table of a program with keys and values in terms of its C types. Values of all CPUs are an array, in order of the CPUs.
 * Reads and writes go to the target each time.
 */
public final class TypedTable {
    private final BccTable table;
    private final LoadedMap map;

    TypedTable(BccTable table, LoadedMap map) {
        this.table = table;
        this.map = map;
    }

    /** An entry. */
    public record Entry(Value key, Value value) {}

    public String name() {
        return table.name();
    }

    /** The type of map, as the kernel calls it: {@code HASH}, {@code PERCPU_ARRAY}, … */
    public String type() {
        return table.type().name();
    }

    public int maxEntries() {
        return map.spec().maxEntries();
    }

    public boolean isArray() {
        return table.type().name().endsWith("ARRAY");
    }

    /** Whether it was declared as a histogram: its keys are powers of two, or indices. */
    public boolean isHistogram() {
        return table.histogram();
    }

    /** All entries, in the order of the target. */
    public List<Entry> entries() {
        var entries = new ArrayList<Entry>();
        for (var entry : map.entries()) {
            entries.add(new Entry(CValues.read(table.key(), entry.key(), 0), value(entry.value())));
        }
        return entries;
    }

    /** @throws IllegalArgumentException if the key is not one of its type */
    public Optional<Value> lookup(Value key) {
        return map.lookup(CValues.write(table.key(), key)).map(this::value);
    }

    /**
     * Stores a value.
     *
     * @throws IllegalArgumentException if key or value are not of their types
     * @throws skep.target.TargetException if the target refuses, for example because the table is full
     */
    public void update(Value key, Value value) {
        map.update(CValues.write(table.key(), key), bytes(value), 0);
    }

    /** Removes a key; whether it was there. */
    public boolean delete(Value key) {
        return map.delete(CValues.write(table.key(), key));
    }

    public void clear() {
        map.clear();
    }

    private int strideBytes() {
        return (table.leaf().sizeBytes() + 7) / 8 * 8;
    }

    private Value value(byte[] bytes) {
        if (!map.spec().perCpu()) {
            return CValues.read(table.leaf(), bytes, 0);
        }
        var cpus = new ArrayList<Value>();
        for (int at = 0; at < bytes.length; at += strideBytes()) {
            cpus.add(CValues.read(table.leaf(), bytes, at));
        }
        return new Value.Array(cpus);
    }

    private byte[] bytes(Value value) {
        if (!map.spec().perCpu()) {
            return CValues.write(table.leaf(), value);
        }
        int cpus = map.entries().stream()
                .findFirst()
                .map(entry -> entry.value().length / strideBytes())
                .orElse(1);
        var values = value instanceof Value.Array(List<Value> elements) ? elements : List.<Value>of();
        var bytes = new byte[Math.max(cpus, values.size()) * strideBytes()];
        for (int cpu = 0; cpu * strideBytes() < bytes.length; cpu++) {
            var own = values.isEmpty() ? value : cpu < values.size() ? values.get(cpu) : new Value.Int(0, false);
            var part = CValues.write(table.leaf(), own);
            System.arraycopy(part, 0, bytes, cpu * strideBytes(), part.length);
        }
        return bytes;
    }

    /** What the program submits through the table; empty if it is not seen to submit anything. */
    Optional<CTypeInfo> event() {
        return table.event();
    }

    /** A record that the program submitted: by its type, or all its bytes. */
    public Value event(byte[] record) {
        return event().<Value>map(type -> CValues.read(type, record, 0)).orElseGet(() -> new Value.Bytes(record));
    }
}
