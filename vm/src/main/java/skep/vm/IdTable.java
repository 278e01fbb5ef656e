package skep.vm;

import java.util.Arrays;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.function.IntFunction;
import org.jspecify.annotations.Nullable;

/**
 * Things of a machine by number, counted from 1 and never given twice, each with a count of references. The last
 * reference given back closes the thing. Looking up takes no lock.
 */
public final class IdTable<T extends AutoCloseable> {
    private static final int FIRST_SIZE = 64;

    @SuppressWarnings({"unchecked", "rawtypes"})
    private volatile Entry<T>[] entries = new Entry[FIRST_SIZE];

    private int next = 1;

    private static final class Entry<T> {
        final T value;
        final Optional<T> found;
        final AtomicInteger references = new AtomicInteger(1);

        Entry(T value) {
            this.value = value;
            this.found = Optional.of(value);
        }
    }

    /** Adds what {@code maker} makes for a new number; the caller holds the first reference. */
    public synchronized T add(IntFunction<T> maker) {
        int id = next;
        var made = maker.apply(id);
        next++;
        var table = id < entries.length ? entries : Arrays.copyOf(entries, 2 * id);
        table[id] = new Entry<>(made);
        entries = table;
        return made;
    }

    private @Nullable Entry<T> entry(int id) {
        var table = entries;
        return id > 0 && id < table.length ? table[id] : null;
    }

    /** The thing with a number. The caller must otherwise know that it stays, or {@link #retain} it. */
    public Optional<T> get(int id) {
        var entry = entry(id);
        return entry == null ? Optional.empty() : entry.found;
    }

    /** Takes a reference. */
    public Optional<T> retain(int id) {
        var entry = entry(id);
        while (entry != null) {
            int count = entry.references.get();
            if (count == 0) {
                return Optional.empty();
            }
            if (entry.references.compareAndSet(count, count + 1)) {
                return entry.found;
            }
        }
        return Optional.empty();
    }

    /**
     * Gives a reference back. With the last one the thing cannot be retained any more; {@code later} runs what removes
     * and closes it when no one can be using its number.
     */
    public void release(int id, Consumer<Runnable> later) {
        var entry = entry(id);
        if (entry == null || entry.references.decrementAndGet() != 0) {
            return;
        }
        later.accept(() -> close(id, entry));
    }

    private void close(int id, Entry<T> entry) {
        synchronized (this) {
            entries[id] = null;
        }
        try {
            entry.value.close();
        } catch (RuntimeException failure) {
            throw failure;
        } catch (Exception failure) {
            throw new IllegalStateException("closing number " + id, failure);
        }
    }

    /** The lowest number above {@code id} that is in use. */
    public OptionalInt nextId(int id) {
        var table = entries;
        for (int at = Math.max(0, id) + 1; at < table.length; at++) {
            var entry = table[at];
            if (entry != null && entry.references.get() > 0) {
                return OptionalInt.of(at);
            }
        }
        return OptionalInt.empty();
    }
}
