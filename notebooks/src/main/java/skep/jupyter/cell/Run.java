package skep.jupyter.cell;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import skep.bindings.java.TraceMap;

/** What a trace of a cell left behind: its maps by name, {@code @us} for example. */
record Run(Map<String, TraceMap> maps) {
    Run {
        maps = Collections.unmodifiableMap(new LinkedHashMap<>(maps));
    }
}
