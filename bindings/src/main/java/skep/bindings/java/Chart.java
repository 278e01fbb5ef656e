package skep.bindings.java;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import skep.session.view.Distributions;
import skep.session.view.Export;
import skep.session.view.Picture;
import skep.session.view.PictureText;
import skep.session.view.Pictures;
import skep.session.view.PngRenderer;
import skep.session.view.SvgRenderer;
import skep.session.view.View;

/**
 * Pictures of what traces gathered; an immutable value. A notebook shows it where it is the value of a cell, and
 * {@link #save} writes it to a file.
 *
 * {@snippet :
 * var before = trace("kretprobe:vfs_read { @us = hist(nsecs % 1000); }", 2);
 * var after = trace("kretprobe:vfs_read { @us = hist(nsecs % 500); }", 2);
 * Chart.compare(before.map("@us"), after.map("@us")).save("compared.html");
 * }
 */
public final class Chart {
    private final List<Picture> pictures;
    private final String origin;

    private Chart(List<Picture> pictures, String origin) {
        this.pictures = List.copyOf(pictures);
        this.origin = origin;
    }

    private static Chart of(Picture picture, TraceMap map) {
        return new Chart(List.of(picture), map.view().labels().origin());
    }

    /** The picture that suits a map best. */
    public static Chart of(TraceMap map) {
        return of(Pictures.of(map.view()), map);
    }

    /** A histogram for each key, quantiles marked; of a map of numbers, a bar for each key. */
    public static Chart histogram(TraceMap map) {
        return of(Pictures.bars(map.view()), map);
    }

    /** {@code @h[elapsed / 100ms] = hist(…)}: time to the right, values upwards; time series: a row for each key. */
    public static Chart heatMap(TraceMap map) {
        return of(Pictures.heatMap(map.view()), map);
    }

    /** {@code @[kstack] = count()}. */
    public static Chart flameGraph(TraceMap map) {
        return of(Pictures.flameGraph(map.view()), map);
    }

    /** What changed: orange frames have a greater share than before, blue ones a smaller one. */
    public static Chart flameGraph(TraceMap before, TraceMap after) {
        return of(Pictures.difference(before.view(), after.view()), after);
    }

    /** {@code @[comm] = tseries(…)}: a line for each key. */
    public static Chart timeline(TraceMap map) {
        return of(Pictures.timeline(map.view()), map);
    }

    /**
     * What went on in each lane, a CPU for example, and when: {@code @[cpu, nsecs] = what}, or
     * {@code @[cpu, nsecs, what] = duration}.
     *
     * @throws IllegalArgumentException if the map has another form
     */
    public static Chart lanes(TraceMap map) {
        return of(Pictures.lanes(map.view()), map);
    }

    /**
     * Distributions over one another, by their names.
     *
     * @throws IllegalArgumentException if a map holds no histogram
     */
    public static Chart overlay(Map<String, TraceMap> maps) {
        if (maps.isEmpty()) {
            throw new IllegalArgumentException("an overlay of no maps");
        }
        var ordered = new LinkedHashMap<>(maps);
        var views = ordered.values().stream().map(TraceMap::view).toList();
        return new Chart(
                List.of(Distributions.overlay(views.getFirst().name(), List.copyOf(ordered.keySet()), views)),
                views.getFirst().labels().origin());
    }

    /** How two maps differ, called {@code before} and {@code after}. */
    public static Chart compare(TraceMap before, TraceMap after) {
        return compare(before, after, "before", "after");
    }

    /**
     * How two maps differ: an overlay and a table of quantiles with their intervals, a differential flame graph, or a table.
     *
     * @throws IllegalArgumentException if the maps cannot be compared; the message says why
     */
    public static Chart compare(TraceMap first, TraceMap second, String firstName, String secondName) {
        var a = first.view().labels().origin();
        var b = second.view().labels().origin();
        return new Chart(
                Comparison.pictures(first.view(), second.view(), firstName, secondName),
                a.equals(b) ? a : firstName + ": " + named(a) + "; " + secondName + ": " + named(b));
    }

    private static String named(String origin) {
        return origin.isEmpty() ? "this machine" : origin;
    }

    /** Maps with the same keys side by side, the greatest first. */
    public static Chart table(TraceMap... maps) {
        return table("descending", maps);
    }

    /**
     * Maps side by side, arranged.
     *
     * @param settings as in the tracing language: {@code sort=@b top=10 div=N percent percentiles descending}
     * @throws IllegalArgumentException if there is no such setting
     */
    public static Chart table(String settings, TraceMap... maps) {
        if (maps.length == 0) {
            throw new IllegalArgumentException("a table of no maps");
        }
        long top = 0;
        var sort = "";
        double div = 1;
        boolean percent = false;
        boolean percentiles = false;
        boolean descending = false;
        for (var word : settings.strip().split("[ ,]+")) {
            var value = word.substring(word.indexOf('=') + 1);
            switch (word.replaceFirst("=.*", "")) {
                case "" -> {}
                case "top" -> top = Long.parseLong(value);
                case "sort" -> sort = value;
                case "div" -> div = Double.parseDouble(value);
                case "percent" -> percent = true;
                case "percentiles" -> percentiles = true;
                case "descending" -> descending = true;
                default ->
                    throw new IllegalArgumentException("a table has no setting '" + word
                            + "'; there are top=N, sort=COLUMN, div=N, percent, percentiles, descending");
            }
        }
        var views = java.util.Arrays.stream(maps).map(TraceMap::view).toList();
        return of(
                Pictures.table(views, new Pictures.Arrangement(top, sort, descending, div, 1, percent, percentiles)),
                maps[0]);
    }

    /** The pictures, from top to bottom. */
    public List<Picture> pictures() {
        return pictures;
    }

    /** The kernel that the numbers come from, if it is not the one this machine runs; else empty. */
    public String origin() {
        return origin;
    }

    /** All pictures of several charts. */
    public Chart and(Chart other) {
        var both = new ArrayList<>(pictures);
        both.addAll(other.pictures);
        return new Chart(both, origin.isEmpty() ? other.origin : origin);
    }

    /** The first picture as an SVG document. */
    public String svg() {
        return SvgRenderer.render(pictures.getFirst(), origin);
    }

    /** The first picture as a PNG file. */
    public byte[] png() {
        return PngRenderer.render(pictures.getFirst(), origin);
    }

    /**
     * Writes a file; the end of its name says how: {@code svg}, {@code png}, {@code html}, {@code csv}, {@code json},
     * {@code txt}, {@code trace}.
     *
     * @return the file
     * @throws IllegalArgumentException if the end is none of these
     * @throws IOException if it cannot be written
     */
    public Path save(String file) throws IOException {
        var form = Export.ofFile(file)
                .orElseThrow(() -> new IllegalArgumentException("what form is " + file + "? A name ends with ."
                        + Export.names().replace(", ", ", .")));
        var bytes = switch (form) {
            case SVG -> svg().getBytes(java.nio.charset.StandardCharsets.UTF_8);
            case PNG -> png();
            default -> form.write(List.<View>copyOf(pictures));
        };
        return Files.write(Path.of(file), bytes);
    }

    /** The terminal's form of it. */
    @Override
    public String toString() {
        return pictures.stream().map(PictureText::render).collect(Collectors.joining());
    }
}
