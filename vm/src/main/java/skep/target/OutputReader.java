package skep.target;

import java.lang.foreign.MemorySegment;

/** Drains a ring buffer or perf buffer. One thread. */
public interface OutputReader extends AutoCloseable {
    /** Receives records; the memory is valid during the call only. */
    @FunctionalInterface
    interface Consumer {
        /** Returns whether to go on; after {@code false} later records stay in the buffer. */
        boolean accept(MemorySegment record);
    }

    /**
     * Waits up to {@code timeoutMillis} for data, then hands over what is there.
     *
     * @return the number of records consumed
     */
    int poll(int timeoutMillis, Consumer consumer);

    /** How many records the kernel dropped so far for lack of room, where it counts them (perf buffers); final once closed. */
    default long lost() {
        return 0;
    }

    /** The CPU that wrote the record which is being handed over, where the buffer is one of a CPU; else 0. */
    default int cpu() {
        return 0;
    }

    /** Wakes a waiting {@link #poll} from another thread. */
    void wakeUp();

    @Override
    void close();
}
