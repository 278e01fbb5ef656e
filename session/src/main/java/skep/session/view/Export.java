package skep.session.view;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Forms in which maps leave a session for other programs. Each is a function from maps to bytes. */
public enum Export {
    /** Comma-separated, one header line a map. */
    CSV("csv"),
    /** The JSON form of the maps, one object a line. */
    JSON("json"),
    /** One chain of frames a line, outermost first, then its number: what flame-graph tools read. */
    FOLDED("folded"),
    /** The profile that {@code pprof} reads, not compressed. */
    PPROF("pprof"),
    /** Trace events for Perfetto and Chrome: time series as counters. */
    TRACE("trace"),
    SVG("svg"),
    PNG("png"),
    /** The form of a terminal. */
    TEXT("txt"),
    /** A page with the pictures in it. */
    HTML("html");

    private final String extension;

    Export(String extension) {
        this.extension = extension;
    }

    /** What files of this form are called at the end, and the form on the command line. */
    public String extension() {
        return extension;
    }

    public static Optional<Export> named(String name) {
        var lower = name.toLowerCase(Locale.ROOT);
        return Stream.of(values())
                .filter(form -> form.extension.equals(lower)
                        || form.name().toLowerCase(Locale.ROOT).equals(lower))
                .findFirst();
    }

    /** The form that a file's name asks for by its end. */
    public static Optional<Export> ofFile(String file) {
        if (file.endsWith(".pb") || file.endsWith(".prof")) {
            return Optional.of(PPROF);
        }
        int dot = file.lastIndexOf('.');
        return dot < 0 ? Optional.empty() : named(file.substring(dot + 1));
    }

    /** Names of all forms, for messages. */
    public static String names() {
        return Stream.of(values()).map(Export::extension).collect(Collectors.joining(", "));
    }

    /** The maps in this form. Pictures stand for the maps of which they are made. */
    public byte[] write(List<View> views) {
        return switch (this) {
            case CSV -> utf8(csv(views));
            case JSON -> utf8(views.stream().map(new JsonRenderer()::render).collect(Collectors.joining()));
            case TEXT -> utf8(views.stream().map(new TextRenderer()::render).collect(Collectors.joining()));
            case FOLDED -> utf8(folded(maps(views)));
            case PPROF -> Pprof.write(maps(views));
            case TRACE -> utf8(trace(views));
            case SVG -> utf8(SvgRenderer.render(single(views)));
            case PNG -> PngRenderer.render(single(views));
            case HTML -> utf8(html(views));
        };
    }

    /** Whether a file of this form holds one picture only. */
    public boolean holdsOne() {
        return this == SVG || this == PNG;
    }

    private static byte[] utf8(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static Picture single(List<View> views) {
        return pictures(views).findFirst().orElseGet(() -> new Picture.Table("no maps", List.of(), List.of()));
    }

    private static Stream<Picture> pictures(List<View> views) {
        return views.stream().mapMulti((view, to) -> {
            if (view instanceof Picture picture) {
                to.accept(picture);
            } else if (view instanceof View.MapView map) {
                to.accept(Pictures.of(map));
            }
        });
    }

    private static List<View.MapView> maps(List<View> views) {
        return views.stream()
                .filter(View.MapView.class::isInstance)
                .map(View.MapView.class::cast)
                .toList();
    }

    // ---- comma-separated values

    private static String csv(List<View> views) {
        var out = new StringBuilder();
        for (var view : views) {
            switch (view) {
                case Picture.Table table -> csv(out, table);
                case Picture.Bars bars
                when bars.panels().size() == 1 -> {
                    line(out, List.of(bars.title(), "count"));
                    bars.bars().forEach(bar -> line(out, List.of(bar.label(), plain(bar.value()))));
                }
                case Picture.Bars bars -> {
                    line(out, List.of(bars.title(), "range", "count"));
                    for (var panel : bars.panels()) {
                        panel.bars().forEach(bar -> line(out, List.of(panel.name(), bar.label(), plain(bar.value()))));
                    }
                }
                case Picture.Overlay overlay -> {
                    line(
                            out,
                            Stream.concat(
                                            Stream.of(overlay.title()),
                                            overlay.series().stream().map(Picture.Series::name))
                                    .toList());
                    for (int i = 0; i < overlay.buckets().size(); i++) {
                        int bucket = i;
                        line(
                                out,
                                Stream.concat(
                                                Stream.of(overlay.buckets().get(i)),
                                                overlay.series().stream()
                                                        .map(series -> Long.toString(
                                                                series.counts().get(bucket))))
                                        .toList());
                    }
                }
                case Picture.Lanes lanes -> {
                    line(out, List.of(lanes.title(), "from_ns", "to_ns", "what"));
                    lanes.lanes()
                            .forEach(lane -> lane.stretches()
                                    .forEach(s -> line(
                                            out,
                                            List.of(
                                                    lane.name(),
                                                    Long.toString(s.fromNanos()),
                                                    Long.toString(s.toNanos()),
                                                    s.what()))));
                }
                case Picture.HeatMap map -> {
                    line(
                            out,
                            Stream.concat(Stream.of(map.title()), map.rows().stream())
                                    .toList());
                    for (int i = 0; i < map.columns().size(); i++) {
                        line(
                                out,
                                Stream.concat(
                                                Stream.of(map.columns().get(i)),
                                                map.counts().get(i).stream().map(n -> Long.toString(n)))
                                        .toList());
                    }
                }
                case Picture.Timeline timeline -> {
                    line(out, List.of(timeline.title(), "time_ns", "value"));
                    timeline.lines()
                            .forEach(l -> l.points()
                                    .forEach(p -> line(
                                            out, List.of(l.name(), Long.toString(p.wallNanos()), plain(p.value())))));
                }
                case View.MapView map -> csv(out, map);
                default -> {}
            }
        }
        return out.toString();
    }

    private static void csv(StringBuilder out, View.MapView map) {
        switch (map.shape()) {
            case HISTOGRAM -> {
                line(out, List.of(map.name(), "min", "max", "count"));
                for (var row : map.rows()) {
                    if (row.value() instanceof Value.Aggregated a
                            && a.aggregate() instanceof skep.session.aggregate.Aggregate.Histogram h) {
                        var key = JsonRenderer.key(row.key());
                        h.buckets()
                                .forEach(b -> line(
                                        out,
                                        List.of(
                                                key,
                                                b.openBelow() ? "" : Long.toString(b.min()),
                                                b.openAbove() ? "" : Long.toString(b.max()),
                                                Long.toString(b.count()))));
                    }
                }
            }
            case SERIES -> csv(List.<View>of(Pictures.timeline(map)), out);
            case NUMBER, AVERAGE, STATS, QUANTILES, OTHER ->
                csv(out, Pictures.table(List.of(map), Pictures.Arrangement.PLAIN));
        }
    }

    private static void csv(List<View> views, StringBuilder out) {
        out.append(csv(views));
    }

    private static void csv(StringBuilder out, Picture.Table table) {
        line(out, table.columns().stream().map(Picture.Column::name).toList());
        table.rows()
                .forEach(row -> line(out, row.stream().map(Picture.Cell::text).toList()));
    }

    private static void line(StringBuilder out, List<String> cells) {
        out.append(cells.stream().map(Export::quotedCell).collect(Collectors.joining(",")))
                .append('\n');
    }

    /** RFC 4180: quotes around what holds a comma, quote or line end. */
    private static String quotedCell(String cell) {
        return cell.chars().anyMatch(c -> c == ',' || c == '"' || c == '\n' || c == '\r')
                ? '"' + cell.replace("\"", "\"\"") + '"'
                : cell;
    }

    private static String plain(double number) {
        return number == Math.rint(number)
                ? String.format(Locale.ROOT, "%.0f", number)
                : String.format(Locale.ROOT, "%.6f", number);
    }

    // ---- stacks

    private static String folded(List<View.MapView> maps) {
        var out = new StringBuilder();
        for (var map : maps) {
            for (var row : map.rows()) {
                double weight = Pictures.weight(row.value());
                var frames = Pictures.frames(row.key());
                if (weight > 0 && !frames.isEmpty()) {
                    out.append(frames.stream()
                            .map(frame -> frame.replace(';', ':').replace('\n', ' '))
                            .collect(Collectors.joining(";")));
                    out.append(' ').append(plain(weight)).append('\n');
                }
            }
        }
        return out.toString();
    }

    // ---- trace events

    private static String trace(List<View> views) {
        var events = new ArrayList<String>();
        for (var picture : pictures(views).toList()) {
            if (picture instanceof Picture.Timeline timeline) {
                for (var line : timeline.lines()) {
                    var name = timeline.lines().size() == 1 ? timeline.title() : timeline.title() + " " + line.name();
                    for (var point : line.points()) {
                        events.add("{\"name\": " + JsonRenderer.quoted(name) + ", \"ph\": \"C\", \"pid\": 1, \"ts\": "
                                + micros(point.wallNanos()) + ", \"args\": {\"value\": " + plain(point.value()) + "}}");
                    }
                }
            } else if (picture instanceof Picture.Lanes lanes) {
                lanes(lanes, events);
            }
        }
        for (var view : views) {
            // A map of that form is a table elsewhere; here it is what ran where and when.
            if (view instanceof View.MapView map && map.shape() == View.Shape.OTHER && hasFormOfLanes(map)) {
                lanes(Pictures.lanes(map), events);
            }
            if (view instanceof View.Text text) {
                events.add("{\"name\": " + JsonRenderer.quoted(text.text().strip())
                        + ", \"ph\": \"i\", \"s\": \"g\", \"pid\": 1, \"tid\": 1, \"ts\": 0}");
            }
        }
        return events.isEmpty() ? "" : "{\"traceEvents\": [\n" + String.join(",\n", events) + "\n]}\n";
    }

    private static boolean hasFormOfLanes(View.MapView map) {
        return !map.rows().isEmpty()
                && map.rows().stream()
                        .allMatch(row -> row.key().size() >= 2 && row.key().get(1) instanceof Value.Int);
    }

    /** Each lane is a thread of one process; what lasts is a complete event. */
    private static void lanes(Picture.Lanes lanes, List<String> events) {
        events.add("{\"name\": \"process_name\", \"ph\": \"M\", \"pid\": 2, \"args\": {\"name\": "
                + JsonRenderer.quoted(lanes.title()) + "}}");
        int thread = 0;
        for (var lane : lanes.lanes()) {
            thread++;
            events.add("{\"name\": \"thread_name\", \"ph\": \"M\", \"pid\": 2, \"tid\": " + thread
                    + ", \"args\": {\"name\": " + JsonRenderer.quoted(lane.name()) + "}}");
            for (var stretch : lane.stretches()) {
                events.add("{\"name\": " + JsonRenderer.quoted(stretch.what())
                        + ", \"ph\": \"X\", \"pid\": 2, \"tid\": " + thread + ", \"ts\": " + micros(stretch.fromNanos())
                        + ", \"dur\": " + micros(stretch.toNanos() - stretch.fromNanos()) + "}");
            }
        }
    }

    private static String micros(long nanos) {
        return nanos / 1000 + "." + String.format("%03d", Math.floorMod(nanos, 1000));
    }

    // ---- pages

    private static String html(List<View> views) {
        var out = new StringBuilder(
                "<!DOCTYPE html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\"><title>Skep</title>\n");
        out.append(
                "<style>:root{color-scheme:light dark}body{font-family:system-ui,sans-serif;margin:2em}figure{margin:0 0 2em}");
        out.append("svg{max-width:100%;height:auto}</style></head>\n<body>\n");
        pictures(views)
                .forEach(picture -> out.append("<figure>\n")
                        .append(SvgRenderer.render(picture))
                        .append("</figure>\n"));
        return out.append("</body>\n</html>\n").toString();
    }
}
