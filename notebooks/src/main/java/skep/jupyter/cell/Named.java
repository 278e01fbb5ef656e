package skep.jupyter.cell;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import skep.bindings.java.Chart;
import skep.bindings.java.Histogram;
import skep.bindings.java.Trace;
import skep.bindings.java.TraceMap;
import skep.session.view.Export;
import skep.session.view.View;

/**
 * Variables as magics name them: {@code before} is a run with all its maps, {@code before.us} or {@code before.@us} one map of
 * it, {@code us} or {@code @us} a map of the last trace.
 */
final class Named {
    /** What a map may be shown as. */
    static final List<String> FORMS = List.of("histogram", "heatmap", "flame", "timeline", "lanes", "table", "text");

    private final Map<String, Object> variables;

    Named(Map<String, Object> variables) {
        this.variables = variables;
    }

    /**
     * The maps behind a name, by their own names.
     *
     * @throws IllegalArgumentException if there is no such variable, or it holds no maps
     */
    Map<String, TraceMap> maps(String name) {
        var plain = name.startsWith("@") ? name.substring(1) : name;
        int dot = plain.indexOf('.');
        if (dot > 0 && !variables.containsKey(plain)) {
            var run = maps(plain.substring(0, dot));
            var wanted = plain.substring(dot + 1);
            var map = run.get(wanted.startsWith("@") ? wanted : "@" + wanted);
            if (map == null) {
                throw new IllegalArgumentException("there is no map @" + wanted.replace("@", "") + " in "
                        + plain.substring(0, dot) + "; there are " + String.join(", ", run.keySet()));
            }
            return Map.of(map.name(), map);
        }
        return switch (variables.getOrDefault(plain.isEmpty() ? "maps" : plain, "")) {
            case TraceMap map -> Map.of(map.name(), map);
            case Histogram histogram -> Map.of("@", new TraceMap(histogram.view()));
            case Trace trace -> filled(trace.maps());
            case String s
            when s.isEmpty() ->
                throw new IllegalArgumentException("there is no variable " + plain + "; "
                        + (variables.isEmpty()
                                ? "a trace makes some"
                                : "there are " + String.join(", ", new TreeMap<>(variables).keySet())));
            case Object other ->
                throw new IllegalArgumentException(
                        plain + " holds no maps but a " + other.getClass().getSimpleName());
        };
    }

    /** Of a run: without the maps that it emptied, which were means and no results, unless it has no others. */
    private static Map<String, TraceMap> filled(Map<String, TraceMap> maps) {
        var filled = new LinkedHashMap<>(maps);
        filled.values().removeIf(map -> map.size() == 0);
        return filled.isEmpty() ? maps : filled;
    }

    /**
     * The trace of a name.
     *
     * @throws IllegalArgumentException if it is none
     */
    Trace trace(String words) {
        var name = words.strip();
        if (variables.get(name) instanceof Trace trace) {
            return trace;
        }
        var traces = new TreeMap<>(variables);
        traces.values().removeIf(value -> !(value instanceof Trace));
        throw new IllegalArgumentException("there is no trace " + (name.isEmpty() ? "without a name" : name) + "; "
                + (traces.isEmpty()
                        ? "%%skep --background --as NAME starts one"
                        : "there are " + String.join(", ", traces.keySet())));
    }

    /** {@code %show NAME [FORM] [settings]}. */
    List<Chart> show(String words) {
        var parts = words.strip().split("\\s+", 3);
        if (parts[0].isEmpty()) {
            throw new IllegalArgumentException("what? %show NAME [" + String.join("|", FORMS) + "] [settings]");
        }
        var form = parts.length > 1 ? parts[1] : "";
        var settings = parts.length > 2 ? parts[2] : "";
        if (!form.isEmpty() && !FORMS.contains(form)) {
            throw new IllegalArgumentException(
                    "a map cannot be shown as " + form + "; there are " + String.join(", ", FORMS));
        }
        if (!settings.isEmpty() && !form.equals("table")) {
            throw new IllegalArgumentException("only a table has settings, not " + form);
        }
        var charts = new ArrayList<Chart>();
        if (form.equals("table")) {
            charts.add(Chart.table(
                    settings.isEmpty() ? "descending" : settings,
                    maps(parts[0]).values().toArray(TraceMap[]::new)));
        } else {
            maps(parts[0]).values().forEach(map -> charts.add(chart(map, form)));
        }
        return charts;
    }

    private static Chart chart(TraceMap map, String form) {
        return switch (form) {
            case "histogram" -> Chart.histogram(map);
            case "heatmap" -> Chart.heatMap(map);
            case "flame" -> Chart.flameGraph(map);
            case "timeline" -> Chart.timeline(map);
            case "lanes" -> Chart.lanes(map);
            default -> Chart.of(map);
        };
    }

    /**
     * {@code %compare FIRST SECOND}: the maps that both have, or the one that each name means. A time series has nothing that
     * could be compared; it is left out where there are others.
     */
    List<Chart> compare(String words) {
        var parts = words.strip().split("\\s+");
        if (parts.length != 2) {
            throw new IllegalArgumentException(
                    "two names, please: %compare before after; %%skep --as NAME gives a run its name");
        }
        var first = maps(parts[0]);
        var second = maps(parts[1]);
        if (first.size() == 1 && second.size() == 1) {
            return List.of(Chart.compare(
                    first.values().iterator().next(), second.values().iterator().next(), parts[0], parts[1]));
        }
        var charts = new ArrayList<Chart>();
        for (var entry : first.entrySet()) {
            var other = second.get(entry.getKey());
            if (other != null && entry.getValue().view().shape() != View.Shape.SERIES) {
                charts.add(Chart.compare(entry.getValue(), other, parts[0], parts[1]));
            }
        }
        if (charts.isEmpty()) {
            throw new IllegalArgumentException(parts[0] + " has " + String.join(", ", first.keySet()) + ", " + parts[1]
                    + " has " + String.join(", ", second.keySet()) + ": no map that both have can be compared");
        }
        return charts;
    }

    /** {@code %export NAME FILE} or {@code %export NAME FORM:FILE}; says what it did. */
    String export(String words) {
        var parts = words.strip().split("\\s+", 2);
        if (parts.length != 2) {
            throw new IllegalArgumentException(
                    "%export NAME FILE, the form by the end of the file's name, or %export NAME" + " FORM:FILE; forms: "
                            + Export.names());
        }
        var maps = maps(parts[0]);
        int colon = parts[1].indexOf(':');
        var named = colon > 0 ? Export.named(parts[1].substring(0, colon)) : java.util.Optional.<Export>empty();
        var file = named.isPresent() ? parts[1].substring(colon + 1) : parts[1];
        var form = named.or(() -> Export.ofFile(file))
                .orElseThrow(() -> new IllegalArgumentException(
                        "what form is " + file + "? Write FORM:" + file + " with one of " + Export.names()));
        if (form.holdsOne() && maps.size() > 1) {
            throw new IllegalArgumentException("a file of this form holds one picture, and " + parts[0] + " has "
                    + String.join(", ", maps.keySet()) + ": write " + parts[0] + "."
                    + maps.keySet().iterator().next() + " " + parts[1]);
        }
        var bytes = form.write(
                maps.values().stream().map(TraceMap::view).map(View.class::cast).toList());
        if (bytes.length == 0) {
            throw new IllegalArgumentException(
                    parts[0] + " has nothing that " + form.extension() + " could hold; no file was written");
        }
        try {
            java.nio.file.Files.write(java.nio.file.Path.of(file), bytes);
        } catch (java.nio.file.NoSuchFileException e) {
            throw new IllegalArgumentException("cannot write " + file + ": no such folder");
        } catch (java.nio.file.AccessDeniedException e) {
            throw new IllegalArgumentException("cannot write " + file + ": permission denied");
        } catch (java.io.IOException | java.nio.file.InvalidPathException e) {
            throw new IllegalArgumentException("cannot write " + file + ": " + e.getMessage());
        }
        return String.format(java.util.Locale.ROOT, "wrote %s (%,d bytes, %s)", file, bytes.length, form.extension());
    }

    /** {@code %vars}: each variable with its type and what is in it. */
    List<String> list() {
        var lines = new TreeMap<String, String>();
        variables.forEach((name, value) -> lines.put(name, describe(value)));
        int width = lines.keySet().stream().mapToInt(String::length).max().orElse(0);
        return lines.entrySet().stream()
                .map(entry -> String.format("%-" + (width + 2) + "s%s", entry.getKey(), entry.getValue()))
                .toList();
    }

    private static String describe(Object value) {
        return switch (value) {
            case TraceMap map ->
                "map " + map.name() + ", " + map.view().shape().name().toLowerCase(java.util.Locale.ROOT) + ", "
                        + map.size() + (map.size() == 1 ? " entry" : " entries");
            case Histogram histogram -> "histogram, " + histogram.samples() + " samples";
            case Trace trace ->
                (trace.ended() ? "trace, ended, " : "trace, running, ") + "with " + String.join(", ", trace.mapNames());
            case Chart chart -> "chart of " + chart.pictures().size() + " pictures";
            case String text -> "text, " + text.length() + " characters";
            case org.graalvm.polyglot.Value guest -> {
                var text = guest.toString().replace('\n', ' ');
                yield text.length() > 60 ? text.substring(0, 60) + "…" : text;
            }
            case Number number -> number.getClass().getSimpleName() + " " + number;
            default -> value.getClass().getSimpleName();
        };
    }
}
