package skep.session.view;

import java.util.List;
import java.util.stream.Collectors;
import skep.session.aggregate.Aggregate;
import skep.source.Diagnostic;

/** The text form: what people read, and what programs that parse bpftrace's output rely on. */
public final class TextRenderer implements Renderer {
    /** Frames of a stack are set in by this much as a value, and by half as much in a key. */
    private static final int STACK_INDENT = 8;

    private static final int BENCHMARK_COLUMNS = 66;

    @Override
    public boolean isForStandardError(View view) {
        return view.isMessage();
    }

    @Override
    public String render(View view) {
        return switch (view) {
            case View.Attached attached ->
                "Attached " + attached.probes() + (attached.probes() == 1 ? " probe" : " probes")
                        + attached.kernel().map(kernel -> " (" + kernel + ")").orElse("") + "\n";
            case View.Text text -> text.kind() == View.Kind.JOIN ? text.text() + "\n" : text.text();
            case View.Printed printed -> text(printed.value()) + "\n";
            case View.MapView map -> map(map);
            case View.LostEvents lost -> "Lost " + lost.count() + " events\n";
            case View.Located located -> diagnostic(located.severity(), located.span(), located.message());
            case View.RuntimeError error ->
                diagnostic(
                        View.Severity.WARNING,
                        error.span(),
                        error.message() + (error.times() == 1 ? "" : " (" + error.times() + " times)"));
            case View.HelperError error ->
                diagnostic(
                        View.Severity.WARNING,
                        error.span(),
                        error.meaning() + "\nAdditional Info - helper: " + error.helper() + ", retcode: "
                                + error.errno());
            case View.Benchmarks benchmarks -> benchmarks(benchmarks);
            case View.TestResult test -> (test.passed() ? "ok     " : "FAILED ") + test.name() + "\n";
            case View.Note note -> note.text() + "\n";
            case View.Ending _ -> "\n";
            case Picture picture -> PictureText.render(picture);
        };
    }

    private static String diagnostic(View.Severity severity, skep.source.Span span, String message) {
        var diagnostic = severity == View.Severity.ERROR
                ? Diagnostic.error("script", span, message, "")
                : Diagnostic.warning("script", span, message, "");
        return diagnostic.render();
    }

    private static String benchmarks(View.Benchmarks benchmarks) {
        var out = new StringBuilder(String.format("%-41s%-15s%s%n", "Benchmark", "Time(ns)", "Iterations"));
        out.repeat('-', BENCHMARK_COLUMNS).append('\n');
        for (var result : benchmarks.results()) {
            out.append(String.format("%-41s%-15d%d%n", result.name(), result.nanosPerRun(), result.runs()));
        }
        return out.toString();
    }

    private static String map(View.MapView map) {
        var out = new StringBuilder();
        long lastEpoch = SeriesText.lastEpoch(map.rows());
        for (var row : map.rows()) {
            out.append(map.name());
            if (map.keyed()) {
                out.append('[').append(key(row.key())).append(']');
            }
            out.append(':');
            if (row.value() instanceof Value.Aggregated a) {
                switch (a.aggregate()) {
                    case Aggregate.Log2Histogram h ->
                        out.append('\n').append(HistogramText.log2(h)).append('\n');
                    case Aggregate.LinearHistogram h ->
                        out.append('\n').append(HistogramText.linear(h)).append('\n');
                    case Aggregate.LogLinearHistogram h ->
                        out.append('\n').append(HistogramText.logLinear(h)).append('\n');
                    case Aggregate.TimeSeries t ->
                        out.append('\n').append(SeriesText.render(t, lastEpoch)).append('\n');
                    case Aggregate.Count _,
                            Aggregate.Sum _,
                            Aggregate.Min _,
                            Aggregate.Max _,
                            Aggregate.Avg _,
                            Aggregate.Quantiles _,
                            Aggregate.Stats _ -> out.append(' ').append(text(a)).append('\n');
                }
            } else {
                out.append(' ').append(text(row.value())).append('\n');
            }
        }
        if (map.shape() == View.Shape.AVERAGE
                || map.shape() == View.Shape.QUANTILES
                || map.shape() == View.Shape.STATS) {
            out.append('\n');
        }
        return out.toString();
    }

    /** The parts of a key as they stand between the brackets. */
    static String key(List<Value> key) {
        return key.stream()
                .map(part -> part instanceof Value.Stack s ? stack(s, STACK_INDENT / 2) : text(part))
                .collect(Collectors.joining(", "));
    }

    /** A value in one piece of text, without a line end of its own. */
    public static String text(Value value) {
        return switch (value) {
            case Value.Int i -> i.decimal();
            case Value.Bool b -> Boolean.toString(b.value());
            case Value.Text t -> t.text();
            case Value.Bytes b -> Printf.escaped(b.bytes());
            case Value.Tuple t ->
                t.elements().stream().map(TextRenderer::text).collect(Collectors.joining(", ", "(", ")"));
            case Value.Rec r ->
                r.members().stream()
                        .map(member -> "." + member.name() + " = " + text(member.value()))
                        .collect(Collectors.joining(", ", "{ ", " }"));
            case Value.Array a ->
                a.elements().stream().map(TextRenderer::text).collect(Collectors.joining(",", "[", "]"));
            case Value.Pointer p -> "0x" + Long.toHexString(p.address());
            case Value.EnumValue e -> e.name().orElseGet(() -> new Value.Int(e.value(), e.signed()).decimal());
            case Value.Named n -> n.text();
            case Value.Stack s -> stack(s, STACK_INDENT);
            case Value.Aggregated a -> aggregate(a.aggregate());
        };
    }

    private static String aggregate(Aggregate aggregate) {
        return switch (aggregate) {
            case Aggregate.Count c -> Long.toUnsignedString(c.count());
            case Aggregate.Sum s -> decimal(s.total(), s.signed());
            case Aggregate.Min m -> decimal(m.value(), m.signed());
            case Aggregate.Max m -> decimal(m.value(), m.signed());
            case Aggregate.Avg a -> decimal(a.average(), a.signed());
            case Aggregate.Stats s ->
                "count " + Long.toUnsignedString(s.count()) + ", average " + decimal(s.average(), s.signed())
                        + ", total " + decimal(s.total(), s.signed());
            case Aggregate.Log2Histogram h -> "\n" + HistogramText.log2(h);
            case Aggregate.LinearHistogram h -> "\n" + HistogramText.linear(h);
            case Aggregate.LogLinearHistogram h -> "\n" + HistogramText.logLinear(h);
            case Aggregate.Quantiles q -> quantiles(q);
            case Aggregate.TimeSeries t -> "\n" + SeriesText.render(t, Long.MIN_VALUE);
        };
    }

    /** One level as its number, several with their names. */
    private static String quantiles(Aggregate.Quantiles q) {
        if (q.levels().size() == 1) {
            return Long.toString(q.at(q.levels().getFirst()));
        }
        return "count " + q.samples()
                + q.levels().stream()
                        .map(level -> ", " + Aggregate.Quantiles.name(level) + " " + q.at(level))
                        .collect(Collectors.joining());
    }

    private static String decimal(long value, boolean signed) {
        return signed ? Long.toString(value) : Long.toUnsignedString(value);
    }

    static String stack(Value.Stack stack, int indent) {
        var before = switch (stack.indent()) {
            case SPACES -> " ".repeat(indent);
            case TAB -> "\t";
            case NONE -> "";
        };
        var out = new StringBuilder("\n");
        for (var frame : stack.frames()) {
            out.append(before).append(frame).append('\n');
        }
        return out.toString();
    }
}
