package skep.bindings.python;

import java.util.ArrayList;
import java.util.List;

/** What a script did with the bridge: for reports on how far it came. */
final class Journal {
    private static final int MAX_OUTPUT_CHARS = 1 << 20;

    private final StringBuilder output = new StringBuilder();
    private final List<String> failures = new ArrayList<>();
    private int compiled;
    private int attached;
    private int records;
    private int buffers;

    synchronized void compiled() {
        compiled++;
    }

    synchronized void attached() {
        attached++;
    }

    synchronized void opened() {
        buffers++;
    }

    synchronized void records(int count) {
        records += count;
    }

    synchronized void failed(String step, String reason) {
        failures.add(step + ": " + reason);
    }

    synchronized void print(String text) {
        if (output.length() + text.length() <= MAX_OUTPUT_CHARS) {
            output.append(text);
        }
    }

    synchronized int compiledPrograms() {
        return compiled;
    }

    synchronized int attachedProbes() {
        return attached;
    }

    /** Perf and ring buffers that were opened. */
    synchronized int openedBuffers() {
        return buffers;
    }

    synchronized int recordsRead() {
        return records;
    }

    synchronized List<String> failures() {
        return List.copyOf(failures);
    }

    /** What was printed, on both streams. */
    synchronized String output() {
        return output.toString();
    }
}
