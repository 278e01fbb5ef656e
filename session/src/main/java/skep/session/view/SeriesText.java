package skep.session.view;

import java.time.Instant;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.List;
import skep.session.aggregate.Aggregate;

/**
 * Time series as a chart that runs down the page, one line an interval, a star for the value:
 *
 * <pre>
 *              -5                                                  5
 * hh:mm:ss.ms  |___________________________________________________|
 * 10:00:00.100 *                         .                         | -5
 * 10:00:00.200 |    *                    .                         | -4
 *              v___________________________________________________v
 *              -5                                                  5
 * </pre>
 */
final class SeriesText {
    /** Columns from the left border to the right one, both included. */
    private static final int COLUMNS = 53;

    private SeriesText() {}

    /** The newest epoch of the series among some rows, so that all series of a map end at the same line. */
    static long lastEpoch(List<View.Row> rows) {
        long last = Long.MIN_VALUE;
        for (var row : rows) {
            if (row.value() instanceof Value.Aggregated a
                    && a.aggregate() instanceof Aggregate.TimeSeries t
                    && !t.isEmpty()) {
                last = Math.max(last, t.cells().lastKey());
            }
        }
        return last;
    }

    static String render(Aggregate.TimeSeries series, long lastEpoch) {
        if (series.isEmpty()) {
            return "";
        }
        long min = Long.MAX_VALUE;
        long max = Long.MIN_VALUE;
        for (var cell : series.cells().values()) {
            min = Math.min(min, series.shown(cell));
            max = Math.max(max, series.shown(cell));
        }
        if (min == max) {
            // A flat line: at the left border for zero, else in the middle.
            max++;
            min = min == 0 ? 0 : min - 1;
        }
        var clock = clock(series.intervalNanos());
        var margin = " ".repeat(clock.width() + 1);
        var scale = margin + min + " ".repeat(Math.max(1, COLUMNS - digits(min) - digits(max))) + max + "\n";
        var out = new StringBuilder(scale);
        out.append(clock.title()).repeat(' ', margin.length() - clock.title().length());
        out.append('|').repeat('_', COLUMNS - 2).append("|\n");
        long end = Math.max(lastEpoch, series.cells().lastKey());
        long start = Math.max(series.cells().firstKey(), end - series.intervals() + 1);
        for (long epoch = start; epoch <= end; epoch++) {
            var cell = series.cells().get(epoch);
            var line = new StringBuilder("|").repeat(' ', COLUMNS - 2).append('|');
            if (cell != null) {
                if (min < 0 && max > 0) {
                    line.setCharAt(column(0, min, max), '.');
                }
                line.setCharAt(column(series.shown(cell), min, max), '*');
            }
            out.append(clock.format(series.originNanos() + epoch * series.intervalNanos()));
            out.append(' ').append(line).append(' ');
            out.append(cell == null ? "-" : Long.toString(series.shown(cell))).append('\n');
        }
        out.append(margin).append('v').repeat('_', COLUMNS - 2).append("v\n");
        return out.append(scale).toString();
    }

    private static int column(long value, long min, long max) {
        return (int) ((COLUMNS - 1) * ((double) value - min) / ((double) max - min));
    }

    private static int digits(long number) {
        return Long.toString(number).length();
    }

    private static Clock clock(long intervalNanos) {
        if (intervalNanos % 1_000_000_000 == 0) {
            return new Clock("hh:mm:ss", "HH:mm:ss");
        }
        if (intervalNanos % 1_000_000 == 0) {
            return new Clock("hh:mm:ss.ms", "HH:mm:ss.SSS");
        }
        return intervalNanos % 1_000 == 0
                ? new Clock("hh:mm:ss.us", "HH:mm:ss.SSSSSS")
                : new Clock("hh:mm:ss.ns", "HH:mm:ss.SSSSSSSSS");
    }

    /** How the time of a line is shown: to the precision of the interval. */
    private record Clock(String title, String pattern) {
        int width() {
            return pattern.length();
        }

        String format(long wallNanos) {
            var instant = Instant.ofEpochSecond(
                    Math.floorDiv(wallNanos, 1_000_000_000L), Math.floorMod(wallNanos, 1_000_000_000L));
            return DateTimeFormatter.ofPattern(pattern).format(instant.atZone(ZoneId.systemDefault()));
        }
    }
}
