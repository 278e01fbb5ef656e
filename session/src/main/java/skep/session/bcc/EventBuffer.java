package skep.session.bcc;

import java.lang.foreign.MemorySegment;
import java.util.Optional;
import skep.target.OutputReader;

/** A perf or ring buffer that a script reads: each record is taken apart and handed over as plain values. One thread. */
public final class EventBuffer implements AutoCloseable {
    /** What stands before the fields: the CPU and the size of the record. */
    private static final int LEADING = 2;

    /** How long one poll hands over records at most. */
    private static final long MAX_TURN_NANOS = 100_000_000;

    private final OutputReader reader;
    private final Optional<RecordDecoder> decoder;
    private final Object[] values;
    private MemorySegment current = MemorySegment.NULL;
    private long lostTold;
    private long lostBeforeClose;
    private boolean closed;

    /** Gets a record: CPU, size in bytes, then its fields, or all its bytes as one string. */
    @FunctionalInterface
    public interface Sink {
        void accept(Object[] values);
    }

    EventBuffer(OutputReader reader, Optional<RecordDecoder> decoder) {
        this.reader = reader;
        this.decoder = decoder;
        this.values =
                new Object[LEADING + decoder.map(RecordDecoder::fieldCount).orElse(1)];
    }

    /**
     * Hands over what is there, waiting for it up to this long.
     *
     * @return how many records
     */
    public int poll(int timeoutMillis, Sink sink) {
        if (closed) {
            return 0;
        }
        var failure = new Throwable[1];
        // Programs may write faster than the script reads: it gets its turn all the same.
        long[] endNanos = {0};
        int count = reader.poll(timeoutMillis, record -> {
            try {
                current = record;
                values[0] = reader.cpu();
                values[1] = record.byteSize();
                if (decoder.isPresent()) {
                    decoder.get().decode(record, values, LEADING);
                } else {
                    values[LEADING] = RecordDecoder.bytes(record, 0, (int) record.byteSize());
                }
                sink.accept(values);
                if (endNanos[0] == 0) {
                    endNanos[0] = System.nanoTime() + MAX_TURN_NANOS;
                }
                return !closed && System.nanoTime() - endNanos[0] < 0;
            } catch (RuntimeException | Error e) {
                failure[0] = e;
                return false;
            } finally {
                current = MemorySegment.NULL;
            }
        });
        switch (failure[0]) {
            case null -> {}
            case RuntimeException e -> throw e;
            case Error e -> throw e;
            default -> throw new AssertionError(failure[0]);
        }
        return count;
    }

    /** All bytes of the record that is being handed over. */
    public String currentBytes() {
        return RecordDecoder.bytes(current, 0, (int) current.byteSize());
    }

    /** How many records were lost until now, whether or not a record came after them. */
    public long lost() {
        // Some readers know their last losses when they are closed, some no longer know any then.
        return Math.max(reader.lost(), Math.max(lostBeforeClose, lostTold));
    }

    /** How many records were lost since this was last asked. */
    public long newlyLost() {
        long lost = lost();
        long fresh = lost - lostTold;
        lostTold = lost;
        return fresh;
    }

    @Override
    public void close() {
        if (!closed) {
            closed = true;
            lostBeforeClose = reader.lost();
            reader.close();
        }
    }
}
