package skep.truffle.interop;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/** Named values in order: a record, a structure, statistics, a bucket of a histogram. */
final class RecordObject extends GuestObject {
    private static final Members<RecordObject> MEMBERS = new Members<>();

    private final String kind;
    private final Map<String, Object> values;

    /** @param values guest values */
    RecordObject(String kind, Map<String, Object> values) {
        this.kind = kind;
        this.values = new LinkedHashMap<>(values);
    }

    @Override
    Members<?> table() {
        return MEMBERS;
    }

    @Override
    String kind() {
        return kind;
    }

    @Override
    String text() {
        return values.entrySet().stream()
                .map(entry -> entry.getKey() + ": " + Guest.text(entry.getValue()))
                .collect(Collectors.joining(", ", "{", "}"));
    }

    @Override
    List<String> ownNames() {
        return List.copyOf(values.keySet());
    }

    @Override
    Optional<Object> own(String name) {
        return Optional.ofNullable(values.get(name));
    }
}
