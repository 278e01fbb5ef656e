package skep.elf;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * The symbols of a file that have a place: functions and objects, sorted by address, names decoded when asked for. A large
 * library has a hundred thousand of them, so that they are kept as arrays.
 */
public final class SymbolTable {
    private static final int ENTRY_BYTES = 24;
    private static final int TYPE_OBJECT = 1;
    private static final int TYPE_FUNCTION = 2;
    private static final int TYPE_INDIRECT_FUNCTION = 10;
    private static final int TYPE_NONE = 0;

    /** One symbol. A size of 0 means that the file does not tell. */
    public record Symbol(String name, long address, long sizeBytes, boolean isFunction, boolean isGlobal) {}

    /** A table as it is in the file, with its strings. */
    record Raw(byte[] entries, byte[] strings) {}

    private final long[] addresses;
    private final long[] sizes;
    /** Index of the raw table in the high bits, offset of the entry in the low 32. */
    private final long[] places;

    private final List<Raw> tables;

    private SymbolTable(long[] addresses, long[] sizes, long[] places, List<Raw> tables) {
        this.addresses = addresses;
        this.sizes = sizes;
        this.places = places;
        this.tables = tables;
    }

    static SymbolTable of(List<Raw> tables) {
        int most =
                tables.stream().mapToInt(t -> t.entries().length / ENTRY_BYTES).sum();
        var addresses = new long[most];
        var sizes = new long[most];
        var places = new long[most];
        int count = 0;
        for (int t = 0; t < tables.size(); t++) {
            var entries = ByteBuffer.wrap(tables.get(t).entries()).order(ByteOrder.LITTLE_ENDIAN);
            for (int at = 0; at + ENTRY_BYTES <= entries.limit(); at += ENTRY_BYTES) {
                int type = entries.get(at + 4) & 0xf;
                boolean placed = entries.getShort(at + 6) != 0 && entries.getLong(at + 8) != 0;
                boolean kept = type == TYPE_FUNCTION
                        || type == TYPE_OBJECT
                        || type == TYPE_INDIRECT_FUNCTION
                        || type == TYPE_NONE && entries.getInt(at) != 0;
                if (placed && kept) {
                    addresses[count] = entries.getLong(at + 8);
                    sizes[count] = entries.getLong(at + 16);
                    places[count++] = (long) t << 32 | at;
                }
            }
        }
        return sorted(addresses, sizes, places, count, tables);
    }

    private static SymbolTable sorted(long[] addresses, long[] sizes, long[] places, int count, List<Raw> tables) {
        var order = new Integer[count];
        Arrays.setAll(order, i -> i);
        Arrays.sort(order, (a, b) -> {
            int byAddress = Long.compareUnsigned(addresses[a], addresses[b]);
            return byAddress != 0 ? byAddress : Long.compareUnsigned(sizes[b], sizes[a]);
        });
        var a = new long[count];
        var s = new long[count];
        var p = new long[count];
        for (int i = 0; i < count; i++) {
            a[i] = addresses[order[i]];
            s[i] = sizes[order[i]];
            p[i] = places[order[i]];
        }
        return new SymbolTable(a, s, p, List.copyOf(tables));
    }

    /** The symbols of both. */
    public SymbolTable with(SymbolTable other) {
        var both = new ArrayList<>(tables);
        both.addAll(other.tables);
        return of(both);
    }

    /** A table without symbols. */
    public static SymbolTable empty() {
        return of(List.of());
    }

    public int size() {
        return addresses.length;
    }

    public Symbol get(int index) {
        var raw = tables.get((int) (places[index] >>> 32));
        int at = (int) places[index];
        var entry = ByteBuffer.wrap(raw.entries()).order(ByteOrder.LITTLE_ENDIAN);
        int info = entry.get(at + 4);
        int type = info & 0xf;
        return new Symbol(
                ElfFile.string(raw.strings(), entry.getInt(at)),
                addresses[index],
                sizes[index],
                type == TYPE_FUNCTION || type == TYPE_INDIRECT_FUNCTION,
                (info >> 4 & 0xf) != 0);
    }

    /** The symbol that covers an address: the last at or before it, if it is large enough or its size is unknown. */
    public Optional<Symbol> at(long address) {
        int low = 0;
        int high = addresses.length - 1;
        while (low <= high) {
            int middle = (low + high) >>> 1;
            if (Long.compareUnsigned(addresses[middle], address) <= 0) {
                low = middle + 1;
            } else {
                high = middle - 1;
            }
        }
        // Several symbols may begin at one address: the first of them is the largest.
        for (int i = high; i >= 0; i--) {
            boolean first = i == 0 || addresses[i - 1] != addresses[i];
            if (first) {
                boolean covers = sizes[i] == 0 || address - addresses[i] < sizes[i];
                return covers ? Optional.of(best(i, high)) : Optional.empty();
            }
        }
        return Optional.empty();
    }

    /** Of the symbols at one address the global function is the name that people know. */
    private Symbol best(int first, int last) {
        var best = get(first);
        for (int i = first + 1; i <= last && addresses[i] == addresses[first]; i++) {
            var other = get(i);
            if (rank(other) > rank(best)) {
                best = other;
            }
        }
        return best;
    }

    private static int rank(Symbol symbol) {
        return (symbol.isFunction() ? 4 : 0)
                + (symbol.isGlobal() ? 2 : 0)
                + (symbol.name().startsWith("_") ? 0 : 1);
    }

    /** The symbol of this name; a global one before a local one. */
    public Optional<Symbol> find(String name) {
        var found = new ArrayList<Symbol>();
        forEach(symbol -> {
            if (symbol.name().equals(name)) {
                found.add(symbol);
            }
        });
        return found.stream()
                .filter(Symbol::isGlobal)
                .findFirst()
                .or(() -> found.stream().findFirst());
    }

    /** All symbols by address. */
    public void forEach(Consumer<Symbol> consumer) {
        for (int i = 0; i < addresses.length; i++) {
            consumer.accept(get(i));
        }
    }

    /** The names of all functions, each once, sorted. */
    public List<String> functions() {
        var names = new java.util.TreeSet<String>();
        forEach(symbol -> {
            if (symbol.isFunction()) {
                names.add(symbol.name());
            }
        });
        return List.copyOf(names);
    }
}
