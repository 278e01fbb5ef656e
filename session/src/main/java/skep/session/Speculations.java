package skep.session;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Records that wait until the script decides whether they are shown. */
final class Speculations {
    /** What may wait in all; more is dropped and counted. */
    private static final long MAX_BYTES = 64L << 20;

    private final Map<Integer, List<byte[]>> waiting = new LinkedHashMap<>();
    private long bytes;
    private long dropped;

    void hold(int speculation, byte[] record) {
        if (bytes + record.length > MAX_BYTES) {
            dropped++;
            return;
        }
        bytes += record.length;
        // It stands for itself once it is taken.
        var plain = record.clone();
        plain[4] = 0;
        plain[5] = 0;
        plain[6] = 0;
        plain[7] = 0;
        waiting.computeIfAbsent(speculation, _ -> new ArrayList<>()).add(plain);
    }

    /** The records of a speculation, in order; it is over then. */
    List<byte[]> take(int speculation) {
        var records = waiting.remove(speculation);
        if (records == null) {
            return List.of();
        }
        records.forEach(record -> bytes -= record.length);
        return records;
    }

    /** What is to be said of those that were neither committed nor discarded. */
    Optional<String> summary() {
        int records = waiting.values().stream().mapToInt(List::size).sum();
        var text = new ArrayList<String>();
        if (records > 0) {
            text.add("speculations that were neither committed nor discarded: " + waiting.size()
                    + "; what they held back is not shown (" + records + (records == 1 ? " record)" : " records)"));
        }
        if (dropped > 0) {
            text.add(dropped + " records did not fit into the " + (MAX_BYTES >> 20) + " MB that speculations may hold");
        }
        return text.isEmpty() ? Optional.empty() : Optional.of("HINT: " + String.join("; ", text));
    }
}
