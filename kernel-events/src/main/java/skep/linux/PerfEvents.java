package skep.linux;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import skep.linux.sys.Perf;

/**
 * The events of a perf type by the names that the tracing language gives them ({@code perf_event.h}), with the count
 * between samples that is usual for each.
 */
record PerfEvents(int type, Map<String, Entry> entries) {
    record Entry(int config, long defaultPeriod) {}

    static final PerfEvents SOFTWARE = new PerfEvents(
            Perf.TYPE_SOFTWARE,
            table("cpu-clock:0:1000000 cpu:0:1000000 task-clock:1:1000000 page-faults:2:100 faults:2:100"
                    + " context-switches:3:1000 cs:3:1000 cpu-migrations:4:1 minor-faults:5:100 major-faults:6:1"
                    + " alignment-faults:7:1 emulation-faults:8:1 dummy:9:1 bpf-output:10:1"));

    static final PerfEvents HARDWARE = new PerfEvents(
            Perf.TYPE_HARDWARE,
            table("cpu-cycles:0:1000000 cycles:0:1000000 instructions:1:1000000 cache-references:2:1000000"
                    + " cache-misses:3:1000000 branch-instructions:4:100000 branches:4:100000 branch-misses:5:100000"
                    + " bus-cycles:6:100000 frontend-stalls:7:1000000 backend-stalls:8:1000000 ref-cycles:9:1000000"));

    private static Map<String, Entry> table(String text) {
        var entries = new TreeMap<String, Entry>();
        for (var row : text.split(" ")) {
            var parts = row.split(":");
            entries.put(parts[0], new Entry(Integer.parseInt(parts[1]), Long.parseLong(parts[2])));
        }
        return entries;
    }

    List<String> names() {
        return List.copyOf(entries.keySet());
    }

    Optional<Entry> entry(String name) {
        return Optional.ofNullable(entries.get(name));
    }
}
