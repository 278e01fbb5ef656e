package skep.session.view;

import java.time.Instant;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.List;
import java.util.stream.Collectors;
import skep.session.aggregate.Aggregate;
import skep.source.Span;

/** The JSON form: one object a line, {@code {"type": T, "data": D}}, all of it on standard output. */
public final class JsonRenderer implements Renderer {
    /** Integers from here on lose digits in readers that keep numbers as doubles: they are written as strings. */
    private static final long LARGEST_EXACT = 1L << 53;

    @Override
    public boolean isForStandardError(View view) {
        return view instanceof View.Note;
    }

    @Override
    public String render(View view) {
        return switch (view) {
            case View.Attached attached ->
                "{\"type\": \"attached_probes\", \"count\": " + attached.probes() + ", \"data\": {\"probes\": "
                        + attached.probes()
                        + attached.kernel()
                                .map(kernel -> ", \"kernel\": " + quoted(kernel))
                                .orElse("")
                        + "}}\n";
            case View.Text text -> object(kind(text.kind()), quoted(text.text()));
            case View.Printed printed -> object("value", value(printed.value()));
            case View.MapView map -> object(type(map.shape()), "{" + quoted(map.name()) + ": " + map(map) + "}");
            case View.LostEvents lost -> object("lost_events", "{\"events\": " + lost.count() + "}");
            case View.Located located ->
                "{\"type\": " + (located.severity() == View.Severity.ERROR ? "\"errorf\"" : "\"warnf\"") + ", "
                        + place(located.message(), located.span()) + "}\n";
            case View.RuntimeError error ->
                "{\"type\": \"runtime_error\", " + place(error.message(), error.span()) + ", \"count\": "
                        + error.times() + "}\n";
            case View.HelperError error ->
                "{\"type\": \"helper_error\", " + place(error.meaning(), error.span()) + ", \"helper\": "
                        + quoted(error.helper()) + ", \"retcode\": " + error.errno() + "}\n";
            case View.Benchmarks benchmarks ->
                object(
                        "benchmark_result",
                        benchmarks.results().stream()
                                .map(result -> quoted(result.name()) + ": {\"average_time\": " + result.nanosPerRun()
                                        + ", \"iterations\": " + result.runs() + "}")
                                .collect(Collectors.joining(", ", "{", "}")));
            case View.TestResult test ->
                object("test_result", "{\"name\": " + quoted(test.name()) + ", \"passed\": " + test.passed() + "}");
            case View.Note note -> note.text() + "\n";
            case View.Ending _ -> "";
            case Picture picture -> PictureJson.render(picture);
        };
    }

    private static String object(String type, String data) {
        return "{\"type\": \"" + type + "\", \"data\": " + data + "}\n";
    }

    private static String place(String message, Span span) {
        var source = span.source();
        return "\"msg\": " + quoted(message) + ", \"filename\": " + quoted(source.name()) + ", \"line\": "
                + source.line(span.start()) + ", \"col\": " + source.column(span.start());
    }

    private static String kind(View.Kind kind) {
        return switch (kind) {
            case PRINTF -> "printf";
            case TIME -> "time";
            case CAT -> "cat";
            case JOIN -> "join";
            case SYSCALL -> "syscall";
        };
    }

    private static String type(View.Shape shape) {
        return switch (shape) {
            case NUMBER, OTHER -> "map";
            case AVERAGE, STATS -> "stats";
            case HISTOGRAM -> "hist";
            case QUANTILES -> "quantiles";
            case SERIES -> "tseries";
        };
    }

    private static String map(View.MapView map) {
        if (!map.keyed()) {
            return map.rows().isEmpty() ? "{}" : value(map.rows().getFirst().value());
        }
        return map.rows().stream()
                .map(row -> quoted(key(row.key())) + ": " + value(row.value()))
                .collect(Collectors.joining(", ", "{", "}"));
    }

    static String key(List<Value> key) {
        return key.stream()
                .map(part -> part instanceof Value.Stack s ? TextRenderer.key(List.of(s)) : TextRenderer.text(part))
                .collect(Collectors.joining(","));
    }

    /** A value as JSON. */
    public static String value(Value value) {
        return switch (value) {
            case Value.Int i -> number(i.value(), i.signed());
            case Value.Bool b -> Boolean.toString(b.value());
            case Value.Tuple t ->
                t.elements().stream().map(JsonRenderer::value).collect(Collectors.joining(",", "[", "]"));
            case Value.Array a ->
                a.elements().stream().map(JsonRenderer::value).collect(Collectors.joining(",", "[", "]"));
            case Value.Rec r ->
                r.members().stream()
                        .map(member -> quoted(member.name()) + ": " + value(member.value()))
                        .collect(Collectors.joining(", ", "{", "}"));
            case Value.Pointer p -> number(p.address(), false);
            case Value.EnumValue e when e.name().isEmpty() -> number(e.value(), e.signed());
            case Value.Aggregated a -> aggregate(a.aggregate());
            case Value.Text _, Value.Bytes _, Value.EnumValue _, Value.Named _, Value.Stack _ ->
                quoted(TextRenderer.text(value));
        };
    }

    private static String aggregate(Aggregate aggregate) {
        return switch (aggregate) {
            case Aggregate.Count c -> number(c.count(), false);
            case Aggregate.Sum s -> number(s.total(), s.signed());
            case Aggregate.Min m -> number(m.value(), m.signed());
            case Aggregate.Max m -> number(m.value(), m.signed());
            case Aggregate.Avg a -> number(a.average(), a.signed());
            case Aggregate.Stats s ->
                "{\"count\": " + number(s.count(), false) + ", \"average\": " + number(s.average(), s.signed())
                        + ", \"total\": " + number(s.total(), s.signed()) + "}";
            case Aggregate.Histogram h ->
                h.buckets().stream().map(JsonRenderer::bucket).collect(Collectors.joining(", ", "[", "]"));
            case Aggregate.Quantiles q ->
                "{\"count\": " + number(q.samples(), false)
                        + q.levels().stream()
                                .map(level -> ", " + quoted(Aggregate.Quantiles.name(level)) + ": "
                                        + number(q.at(level), true))
                                .collect(Collectors.joining())
                        + "}";
            case Aggregate.TimeSeries t -> series(t);
        };
    }

    // Both ends of a bucket belong to it; an open end is left out. A logarithmic histogram's bucket of negatives ends
    // at -1.
    private static String bucket(Aggregate.Bucket bucket) {
        return "{"
                + (bucket.openBelow() ? "" : "\"min\": " + number(bucket.min(), true) + ", ")
                + (bucket.openAbove() ? "" : "\"max\": " + number(bucket.max(), true) + ", ")
                + "\"count\": " + number(bucket.count(), false) + "}";
    }

    private static String series(Aggregate.TimeSeries series) {
        var format =
                DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm:ss.SSSSSSSSS").withZone(ZoneId.systemDefault());
        return series.cells().entrySet().stream()
                .map(cell -> {
                    long nanos = series.originNanos() + cell.getKey() * series.intervalNanos();
                    var start = Instant.ofEpochSecond(
                            Math.floorDiv(nanos, 1_000_000_000L), Math.floorMod(nanos, 1_000_000_000L));
                    return "{\"interval_start\": \"" + format.format(start) + "\", \"value\": "
                            + number(series.shown(cell.getValue()), series.signed()) + "}";
                })
                .collect(Collectors.joining(", ", "[", "]"));
    }

    private static String number(long value, boolean signed) {
        boolean exact = signed
                ? Math.abs(value) <= LARGEST_EXACT && value != Long.MIN_VALUE
                : value >= 0 && value <= LARGEST_EXACT;
        var digits = signed ? Long.toString(value) : Long.toUnsignedString(value);
        return exact ? digits : "\"" + digits + "\"";
    }

    /** Text in quotes, with JSON's escapes. */
    public static String quoted(String text) {
        var out = new StringBuilder(text.length() + 2).append('"');
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            switch (c) {
                case '"' -> out.append("\\\"");
                case '\\' -> out.append("\\\\");
                case '\n' -> out.append("\\n");
                case '\r' -> out.append("\\r");
                case '\t' -> out.append("\\t");
                case '\b' -> out.append("\\b");
                case '\f' -> out.append("\\f");
                default -> {
                    if (c < 0x20 || c == 0x7f) {
                        out.append("\\u00")
                                .append(Character.forDigit(c >> 4, 16))
                                .append(Character.forDigit(c & 0xf, 16));
                    } else {
                        out.append(c);
                    }
                }
            }
        }
        return out.append('"').toString();
    }
}
