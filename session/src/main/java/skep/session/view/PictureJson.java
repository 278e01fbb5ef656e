package skep.session.view;

import java.util.Locale;
import java.util.stream.Collectors;

/** Pictures as objects of the JSON form: {@code {"type": "table", "data": {"columns": [...], "rows": [...]}}} and so on. */
final class PictureJson {
    private PictureJson() {}

    static String render(Picture picture) {
        return "{\"type\": \"" + type(picture) + "\", \"data\": " + data(picture) + "}\n";
    }

    private static String type(Picture picture) {
        return switch (picture) {
            case Picture.Table _ -> "table";
            case Picture.Bars _ -> "histogram";
            case Picture.HeatMap _ -> "heat_map";
            case Picture.FlameGraph _ -> "flame_graph";
            case Picture.Timeline _ -> "timeline";
            case Picture.Overlay _ -> "overlay";
            case Picture.Lanes _ -> "lanes";
        };
    }

    /** What a picture shows as one JSON object. */
    static String data(Picture picture) {
        var title = "{\"title\": " + text(picture.title()) + ", ";
        return title
                + switch (picture) {
                    case Picture.Table p ->
                        "\"columns\": "
                                + p.columns().stream()
                                        .map(column -> text(column.name()))
                                        .collect(Collectors.joining(", ", "[", "]"))
                                + ", \"rows\": "
                                + p.rows().stream()
                                        .map(row -> row.stream()
                                                .map(PictureJson::cell)
                                                .collect(Collectors.joining(", ", "[", "]")))
                                        .collect(Collectors.joining(", ", "[", "]"));
                    case Picture.Bars p
                    when p.panels().size() == 1 -> bars(p.panels().getFirst());
                    case Picture.Bars p ->
                        "\"panels\": "
                                + p.panels().stream()
                                        .map(panel -> "{\"name\": " + text(panel.name()) + ", " + bars(panel) + "}")
                                        .collect(Collectors.joining(", ", "[", "]"));
                    case Picture.Overlay p ->
                        "\"buckets\": "
                                + p.buckets().stream()
                                        .map(PictureJson::text)
                                        .collect(Collectors.joining(", ", "[", "]"))
                                + ", \"series\": "
                                + p.series().stream()
                                        .map(series -> "{\"name\": " + text(series.name()) + ", \"counts\": "
                                                + series.counts() + "}")
                                        .collect(Collectors.joining(", ", "[", "]"));
                    case Picture.Lanes p ->
                        "\"lanes\": "
                                + p.lanes().stream()
                                        .map(lane -> "{\"name\": " + text(lane.name()) + ", \"stretches\": "
                                                + lane.stretches().stream()
                                                        .map(stretch -> "[" + text(Long.toString(stretch.fromNanos()))
                                                                + ", " + text(Long.toString(stretch.toNanos())) + ", "
                                                                + text(stretch.what()) + "]")
                                                        .collect(Collectors.joining(", ", "[", "]"))
                                                + "}")
                                        .collect(Collectors.joining(", ", "[", "]"));
                    case Picture.HeatMap p ->
                        "\"columns\": "
                                + p.columns().stream()
                                        .map(PictureJson::text)
                                        .collect(Collectors.joining(", ", "[", "]"))
                                + ", \"rows\": "
                                + p.rows().stream().map(PictureJson::text).collect(Collectors.joining(", ", "[", "]"))
                                + ", \"counts\": " + p.counts()
                                + (p.across().isEmpty() ? "" : ", \"across\": " + text(p.across()))
                                + (p.upwards().isEmpty() ? "" : ", \"upwards\": " + text(p.upwards()));
                    case Picture.FlameGraph p ->
                        "\"unit\": " + text(p.unit()) + ", \"root\": " + frame(p.root(), p.differential());
                    case Picture.Timeline p ->
                        "\"lines\": "
                                + p.lines().stream()
                                        .map(line -> "{\"name\": " + text(line.name()) + ", \"points\": "
                                                + line.points().stream()
                                                        .map(point -> "[" + text(Long.toString(point.wallNanos()))
                                                                + ", " + number(point.value()) + "]")
                                                        .collect(Collectors.joining(", ", "[", "]"))
                                                + "}")
                                        .collect(Collectors.joining(", ", "[", "]"));
                }
                + "}";
    }

    private static String bars(Picture.Panel panel) {
        return "\"bars\": "
                + panel.bars().stream()
                        .map(bar -> "{\"label\": " + text(bar.label()) + ", \"value\": " + number(bar.value()) + "}")
                        .collect(Collectors.joining(", ", "[", "]"));
    }

    private static String frame(Picture.Frame frame, boolean before) {
        return "{\"name\": " + text(frame.name()) + ", \"value\": " + number(frame.value())
                + (before ? ", \"before\": " + number(frame.before()) : "")
                + (frame.callees().isEmpty()
                        ? ""
                        : frame.callees().stream()
                                .map(callee -> frame(callee, before))
                                .collect(Collectors.joining(", ", ", \"children\": [", "]")))
                + "}";
    }

    private static String cell(Picture.Cell cell) {
        return Double.isNaN(cell.number()) ? text(cell.text()) : cell.text().isEmpty() ? "null" : number(cell.number());
    }

    private static String number(double number) {
        return number == Math.rint(number) && Math.abs(number) < 1L << 53
                ? Long.toString((long) number)
                : String.format(Locale.ROOT, "%.6g", number);
    }

    private static String text(String text) {
        return JsonRenderer.quoted(text);
    }
}
