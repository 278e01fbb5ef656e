package skep.bindings.java;

import java.util.Map;
import java.util.concurrent.ConcurrentSkipListMap;

/**
 * Variables that all languages of one session see, by name and by reference: whoever reads one gets the same object.
 * Thread-safe.
 */
public final class Variables {
    private static final Variables SHARED = new Variables();

    private final Map<String, Object> values = new ConcurrentSkipListMap<>();

    private Variables() {}

    /** Those of this process: a notebook, a shell and a script have one session each. */
    public static Variables shared() {
        return SHARED;
    }

    /** A live view. */
    public Map<String, Object> values() {
        return values;
    }

    public void put(String name, Object value) {
        values.put(name, value);
    }

    /** @throws java.util.NoSuchElementException if there is none of that name */
    public Object get(String name) {
        var value = values.get(name);
        if (value == null) {
            throw new java.util.NoSuchElementException("no variable " + name
                    + (values.isEmpty() ? "" : "; there are " + String.join(", ", values.keySet())));
        }
        return value;
    }
}
