package skep.session.view;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;

/** Pictures in characters, for a terminal or a notebook without graphics. */
public final class PictureText {
    private static final int BAR_COLUMNS = 52;

    /** Frames with a smaller share are left out of a flame graph in text. */
    private static final double SMALLEST_SHARE = 0.005;

    /** From no samples to the most. */
    private static final String SHADES = " .:-=+*#%@";

    /** What the bars of distributions over one another are made of. */
    private static final String SERIES = "@o+x*#";

    /** What stands for the things that lasted longest, in lanes. */
    private static final String LETTERS = "abcdefghijklmnop";

    private static final int TIMELINE_ROWS = 12;

    private static final int TIMELINE_COLUMNS = 72;

    private PictureText() {}

    /** The picture, lines ended. */
    public static String render(Picture picture) {
        return switch (picture) {
            case Picture.Table p -> table(p);
            case Picture.Bars p -> bars(p);
            case Picture.HeatMap p -> heatMap(p);
            case Picture.FlameGraph p -> flameGraph(p);
            case Picture.Timeline p -> timeline(p);
            case Picture.Overlay p -> overlay(p);
            case Picture.Lanes p -> lanes(p);
        };
    }

    private static String table(Picture.Table table) {
        int columns = table.columns().size();
        var widths = new int[columns];
        for (int i = 0; i < columns; i++) {
            widths[i] = width(table.columns().get(i).name());
            for (var row : table.rows()) {
                widths[i] = Math.max(widths[i], width(row.get(i).text()));
            }
        }
        var out = new StringBuilder();
        line(
                out,
                table,
                widths,
                table.columns().stream().map(Picture.Column::name).toList());
        for (var row : table.rows()) {
            line(out, table, widths, row.stream().map(Picture.Cell::text).toList());
        }
        return out.append('\n').toString();
    }

    private static void line(StringBuilder out, Picture.Table table, int[] widths, List<String> texts) {
        var line = new StringBuilder();
        for (int i = 0; i < widths.length; i++) {
            var text = texts.get(i);
            int missing = widths[i] - width(text);
            line.append(i == 0 ? "" : "  ");
            if (table.columns().get(i).number()) {
                line.repeat(' ', missing).append(text);
            } else {
                line.append(text).repeat(' ', missing);
            }
        }
        out.append(line.toString().stripTrailing()).append('\n');
    }

    private static int width(String text) {
        return text.codePointCount(0, text.length());
    }

    private static String bars(Picture.Bars bars) {
        var out = new StringBuilder();
        for (var panel : bars.panels()) {
            out.append(bars.title())
                    .append(panel.name().isEmpty() ? "" : "[" + panel.name() + "]")
                    .append('\n');
            panel(out, panel);
        }
        return out.append('\n').toString();
    }

    private static void panel(StringBuilder out, Picture.Panel panel) {
        double most =
                panel.bars().stream().mapToDouble(Picture.Bar::value).max().orElse(0);
        int label =
                panel.bars().stream().mapToInt(bar -> width(bar.label())).max().orElse(0);
        for (var bar : panel.bars()) {
            int columns = most == 0 ? 0 : (int) (bar.value() / most * BAR_COLUMNS);
            out.append(bar.label()).repeat(' ', Math.max(16, label) - width(bar.label()));
            out.append(String.format(Locale.ROOT, "%8.0f |", bar.value()));
            out.repeat('@', columns).repeat(' ', BAR_COLUMNS - columns).append("|\n");
        }
    }

    private static String overlay(Picture.Overlay overlay) {
        var out = new StringBuilder(overlay.title()).append('\n');
        for (int s = 0; s < overlay.series().size(); s++) {
            var series = overlay.series().get(s);
            out.append("  ").append(SERIES.charAt(s % SERIES.length())).append("  ");
            out.append(series.name()).append(", ").append(series.samples()).append(" samples");
            series.marks().forEach(mark -> out.append(", ").append(mark.text()));
            out.append('\n');
        }
        double most = 0;
        for (var series : overlay.series()) {
            for (int i = 0; i < overlay.buckets().size(); i++) {
                most = Math.max(most, series.share(i));
            }
        }
        int label =
                overlay.buckets().stream().mapToInt(PictureText::width).max().orElse(0);
        for (int i = 0; i < overlay.buckets().size(); i++) {
            for (int s = 0; s < overlay.series().size(); s++) {
                var name = s == 0 ? overlay.buckets().get(i) : "";
                double share = overlay.series().get(s).share(i);
                int columns = most == 0 ? 0 : (int) (share / most * BAR_COLUMNS);
                out.append(name).repeat(' ', Math.max(16, label) - width(name));
                out.append(String.format(Locale.ROOT, "%6.1f%% |", 100 * share));
                out.repeat(SERIES.charAt(s % SERIES.length()), columns)
                        .repeat(' ', BAR_COLUMNS - columns)
                        .append("|\n");
            }
        }
        return out.append('\n').toString();
    }

    private static String lanes(Picture.Lanes picture) {
        var out = new StringBuilder(picture.title()).append('\n');
        long first = picture.firstNanos();
        double perColumn = Math.max(1, picture.lastNanos() - first) / (double) TIMELINE_COLUMNS;
        var totals = picture.totals();
        int label = picture.lanes().stream()
                .mapToInt(lane -> width(lane.name()))
                .max()
                .orElse(0);
        for (var lane : picture.lanes()) {
            var longest = new long[TIMELINE_COLUMNS];
            var line = new StringBuilder().repeat(' ', TIMELINE_COLUMNS);
            for (var stretch : lane.stretches()) {
                int from = (int) Math.min(TIMELINE_COLUMNS - 1, (stretch.fromNanos() - first) / perColumn);
                int to = (int) Math.min(TIMELINE_COLUMNS - 1, (stretch.toNanos() - first) / perColumn);
                long nanos = stretch.toNanos() - stretch.fromNanos();
                for (int i = from; i <= to; i++) {
                    if (nanos >= longest[i]) {
                        longest[i] = nanos;
                        line.setCharAt(i, letter(stretch.what(), totals));
                    }
                }
            }
            out.append(lane.name()).repeat(' ', label - width(lane.name()));
            out.append(" |").append(line).append("|\n");
        }
        out.append(String.format(
                Locale.ROOT,
                "%" + (label + 2) + "s0 … %s ms%n",
                "",
                Axis.decimal((picture.lastNanos() - first) / 1e6)));
        for (var total : totals.subList(0, Math.min(LETTERS.length(), totals.size()))) {
            out.append(String.format(
                    Locale.ROOT,
                    "%" + (label + 2) + "s%c %s, %s ms%n",
                    "",
                    letter(total.getKey(), totals),
                    total.getKey(),
                    Axis.decimal(total.getValue() / 1e6)));
        }
        return out.append('\n').toString();
    }

    private static char letter(String what, List<java.util.Map.Entry<String, Long>> totals) {
        if (what.equals(Picture.Stretch.IDLE)) {
            return '.';
        }
        for (int i = 0; i < Math.min(LETTERS.length(), totals.size()); i++) {
            if (totals.get(i).getKey().equals(what)) {
                return LETTERS.charAt(i);
            }
        }
        return '?';
    }

    private static String heatMap(Picture.HeatMap map) {
        long most = 1;
        for (var column : map.counts()) {
            for (long count : column) {
                most = Math.max(most, count);
            }
        }
        int label = map.rows().stream().mapToInt(PictureText::width).max().orElse(0);
        var out = new StringBuilder(map.title()).append('\n');
        if (!map.upwards().isEmpty()) {
            out.append(map.upwards()).append('\n');
        }
        for (int row = map.rows().size() - 1; row >= 0; row--) {
            out.repeat(' ', label - width(map.rows().get(row)))
                    .append(map.rows().get(row))
                    .append(" |");
            for (var column : map.counts()) {
                out.append(shade(column.get(row), most));
            }
            out.append("|\n");
        }
        if (!map.columns().isEmpty()) {
            var first = map.columns().getFirst();
            var last = map.columns().getLast();
            int between = Math.max(1, map.columns().size() - width(first) - width(last));
            out.repeat(' ', label + 2).append(first);
            out.append(map.columns().size() > 1 ? " ".repeat(between) + last : "")
                    .append('\n');
        }
        if (!map.across().isEmpty()) {
            out.repeat(' ', label + 2).append(map.across()).append('\n');
        }
        out.repeat(' ', label + 2)
                .append("'.' 1")
                .append(" … '@' ")
                .append(most)
                .append('\n');
        return out.append('\n').toString();
    }

    /** Shades go by the logarithm: a single sample is seen beside thousands. */
    private static char shade(long count, long most) {
        if (count <= 0) {
            return ' ';
        }
        double share = most == 1 ? 1 : Math.log1p(count - 1.0) / Math.log1p(most - 1.0);
        return SHADES.charAt(1 + (int) Math.round(share * (SHADES.length() - 2)));
    }

    private static String flameGraph(Picture.FlameGraph graph) {
        var out = new StringBuilder(graph.title()).append('\n');
        frame(out, graph.root(), graph, 0);
        return out.append('\n').toString();
    }

    private static void frame(StringBuilder out, Picture.Frame frame, Picture.FlameGraph graph, int depth) {
        double whole = graph.root().value();
        if (whole == 0 || frame.value() / whole < SMALLEST_SHARE) {
            return;
        }
        out.append(String.format(Locale.ROOT, "%5.1f%% ", 100 * frame.value() / whole));
        out.repeat(' ', 2 * depth).append(frame.name());
        if (graph.differential()) {
            out.append(String.format(Locale.ROOT, " (%+.1f %%)", 100 * change(frame, graph)));
        }
        out.append('\n');
        frame.callees().stream()
                .sorted(Comparator.comparingDouble(callee -> -callee.value()))
                .forEach(callee -> frame(out, callee, graph, depth + 1));
    }

    /** By how much of the whole a frame's share grew. */
    static double change(Picture.Frame frame, Picture.FlameGraph graph) {
        double before =
                graph.root().before() == 0 ? 0 : frame.before() / graph.root().before();
        double now =
                graph.root().value() == 0 ? 0 : frame.value() / graph.root().value();
        return now - before;
    }

    private static String timeline(Picture.Timeline timeline) {
        var out = new StringBuilder(timeline.title()).append('\n');
        for (var line : timeline.lines()) {
            if (timeline.lines().size() > 1) {
                out.append(line.name()).append('\n');
            }
            chart(out, line);
        }
        return out.append('\n').toString();
    }

    private static void chart(StringBuilder out, Picture.Line line) {
        if (line.points().isEmpty()) {
            return;
        }
        double high =
                line.points().stream().mapToDouble(Picture.Point::value).max().orElse(0);
        double low = Math.min(
                0,
                line.points().stream().mapToDouble(Picture.Point::value).min().orElse(0));
        double range = high == low ? 1 : high - low;
        long first = line.points().getFirst().wallNanos();
        long last = line.points().getLast().wallNanos();
        var rows = new ArrayList<StringBuilder>();
        int columns = Math.min(TIMELINE_COLUMNS, Math.max(line.points().size(), 2));
        for (int i = 0; i < TIMELINE_ROWS; i++) {
            rows.add(new StringBuilder().repeat(' ', columns));
        }
        for (var point : line.points()) {
            int x = last == first ? 0 : (int) ((point.wallNanos() - first) / (double) (last - first) * (columns - 1));
            int y = (int) ((point.value() - low) / range * (TIMELINE_ROWS - 1));
            rows.get(TIMELINE_ROWS - 1 - y).setCharAt(x, '*');
        }
        for (int i = 0; i < TIMELINE_ROWS; i++) {
            double value = low + range * (TIMELINE_ROWS - 1 - i) / (TIMELINE_ROWS - 1);
            out.append(String.format(Locale.ROOT, "%12.0f |", value))
                    .append(rows.get(i))
                    .append('\n');
        }
        out.repeat(' ', 13).append('+').repeat('-', columns).append('\n');
        out.repeat(' ', 14).append(Drawing.clock(first, last - first));
        var end = Drawing.clock(last, last - first);
        out.repeat(' ', Math.max(1, columns - 2 * end.length())).append(end).append('\n');
    }
}
