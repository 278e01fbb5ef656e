package skep.session.view;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Profiles as the {@code pprof} tool reads them: the protocol buffer message {@code perftools.profiles.Profile}. Numbers of
 * its fields are named where they are written; strings are indices into a table whose first entry is empty.
 */
final class Pprof {
    private final Map<String, Integer> strings = new LinkedHashMap<>();
    private final Map<String, Integer> functions = new LinkedHashMap<>();
    private final ByteArrayOutputStream profile = new ByteArrayOutputStream();

    private Pprof() {
        string("");
    }

    static byte[] write(List<View.MapView> maps) {
        return new Pprof().profile(maps);
    }

    private byte[] profile(List<View.MapView> maps) {
        // sample_type = 1: one value a map, its type and unit.
        for (var map : maps) {
            var type = new ByteArrayOutputStream();
            varint(type, 1, string(map.name()));
            varint(type, 2, string("count"));
            bytes(profile, 1, type.toByteArray());
        }
        for (int i = 0; i < maps.size(); i++) {
            for (var row : maps.get(i).rows()) {
                double weight = Pictures.weight(row.value());
                if (weight > 0) {
                    sample(Pictures.frames(row.key()).reversed(), i, maps.size(), (long) weight);
                }
            }
        }
        // location = 4 and function = 5: one of each a name, with the same id.
        functions.forEach((name, id) -> {
            var line = new ByteArrayOutputStream();
            varint(line, 1, id);
            var location = new ByteArrayOutputStream();
            varint(location, 1, id);
            bytes(location, 4, line.toByteArray());
            bytes(profile, 4, location.toByteArray());
            var function = new ByteArrayOutputStream();
            varint(function, 1, id);
            varint(function, 2, string(name));
            varint(function, 3, string(name));
            bytes(profile, 5, function.toByteArray());
        });
        // string_table = 6.
        for (var text : new ArrayList<>(strings.keySet())) {
            bytes(profile, 6, text.getBytes(StandardCharsets.UTF_8));
        }
        return profile.toByteArray();
    }

    /** sample = 2: location ids, innermost first, and a value for each map. */
    private void sample(List<String> frames, int map, int maps, long weight) {
        var ids = new ByteArrayOutputStream();
        for (var frame : frames) {
            raw(ids, functions.computeIfAbsent(frame, _ -> functions.size() + 1));
        }
        var values = new ByteArrayOutputStream();
        for (int i = 0; i < maps; i++) {
            raw(values, i == map ? weight : 0);
        }
        var sample = new ByteArrayOutputStream();
        bytes(sample, 1, ids.toByteArray());
        bytes(sample, 2, values.toByteArray());
        bytes(profile, 2, sample.toByteArray());
    }

    private int string(String text) {
        return strings.computeIfAbsent(text, _ -> strings.size());
    }

    private static void varint(ByteArrayOutputStream out, int field, long value) {
        raw(out, (long) field << 3);
        raw(out, value);
    }

    private static void bytes(ByteArrayOutputStream out, int field, byte[] value) {
        raw(out, (long) field << 3 | 2);
        raw(out, value.length);
        out.writeBytes(value);
    }

    private static void raw(ByteArrayOutputStream out, long value) {
        long rest = value;
        while ((rest & ~0x7fL) != 0) {
            out.write((int) (rest & 0x7f | 0x80));
            rest >>>= 7;
        }
        out.write((int) rest);
    }
}
