package skep.session.view;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import skep.session.aggregate.Aggregate;

/** Makes pictures from maps. */
public final class Pictures {
    /** Offsets within functions split what belongs together. */
    private static final Pattern FRAME_OFFSET = Pattern.compile("\\+(0x)?[0-9a-f]+(?= |$)");

    private static final int[] PERCENTILE_ROWS = {50, 90, 99, 100};

    /** Intervals of a time series that a heat map shows. */
    private static final int MAX_COLUMNS = 2_000;

    private Pictures() {}

    /**
     * How rows of a table are chosen and shown.
     *
     * @param top only so many rows, those with the greatest numbers; 0 for all
     * @param sort name of the column that orders the rows; empty for the first one with numbers
     * @param descending whether the greatest number stands first
     * @param divisor numbers are divided by it; 1 for as they are
     * @param seconds numbers are divided by these too, to become rates; 1 for as they are
     * @param percent whether a column with the share of the total follows each number
     * @param percentiles whether rows below tell the percentiles of each column of numbers
     */
    public record Arrangement(
            long top,
            String sort,
            boolean descending,
            double divisor,
            double seconds,
            boolean percent,
            boolean percentiles) {
        public static final Arrangement PLAIN = new Arrangement(0, "", false, 1, 1, false);

        public Arrangement(long top, String sort, boolean descending, double divisor, double seconds, boolean percent) {
            this(top, sort, descending, divisor, seconds, percent, false);
        }

        boolean scales() {
            return divisor != 1 || seconds != 1;
        }
    }

    /** The picture that suits a map best: a histogram, flame graph or timeline where its values allow it, else a table. */
    public static Picture of(View.MapView map) {
        if (map.rows().stream().anyMatch(row -> stacks(row.key()))) {
            return flameGraph(map);
        }
        return switch (map.shape()) {
            case HISTOGRAM -> map.rows().size() > 1 && numericKeys(map) ? heatMap(map) : bars(map);
            case SERIES -> timeline(map);
            case NUMBER, AVERAGE, STATS, QUANTILES, OTHER -> table(List.of(map), Arrangement.PLAIN);
        };
    }

    private static boolean stacks(List<Value> key) {
        return key.stream().anyMatch(Value.Stack.class::isInstance);
    }

    private static boolean numericKeys(View.MapView map) {
        return map.keyed()
                && map.rows().stream()
                        .allMatch(row -> row.key().size() == 1 && row.key().getFirst() instanceof Value.Int);
    }

    // ---- tables

    /** Maps side by side: one row a key, one column a number; a key that a map lacks leaves its cell empty. */
    public static Picture.Table table(List<View.MapView> maps, Arrangement how) {
        var numbers = new ArrayList<Picture.Column>();
        var rows = new LinkedHashMap<List<Value>, List<Picture.Cell>>();
        int keys = 0;
        for (var map : maps) {
            int from = numbers.size();
            var names = columns(map);
            names.forEach(name -> numbers.add(new Picture.Column(name, true)));
            for (var row : map.rows()) {
                keys = Math.max(keys, row.key().size());
                var cells = rows.computeIfAbsent(row.key(), _ -> new ArrayList<>());
                pad(cells, from);
                // A map that is read while it changes may show a key twice: the later value is the newer one.
                cells.subList(from, cells.size()).clear();
                cells.addAll(cells(row.value(), how));
            }
            rows.values().forEach(cells -> pad(cells, numbers.size()));
        }
        var columns = new ArrayList<Picture.Column>();
        for (int i = 0; i < keys; i++) {
            columns.add(new Picture.Column(keys == 1 ? "key" : "key" + (i + 1), false));
        }
        columns.addAll(numbers);
        var lines = new ArrayList<List<Picture.Cell>>();
        for (var row : rows.entrySet()) {
            var line = new ArrayList<Picture.Cell>();
            for (int i = 0; i < keys; i++) {
                line.add(i < row.getKey().size() ? keyCell(row.getKey().get(i)) : Picture.Cell.of(""));
            }
            line.addAll(row.getValue());
            lines.add(line);
        }
        var sorted = arranged(columns, lines, keys, how);
        var table = how.percent()
                ? withShares(title(maps), columns, sorted, keys, adding(maps))
                : new Picture.Table(title(maps), columns, sorted);
        return how.percentiles() ? withPercentiles(table, keys) : table;
    }

    /** Below the rows: percentiles of each column over the rows shown. */
    private static Picture.Table withPercentiles(Picture.Table table, int keys) {
        var rowsBefore = table.rows();
        var rows = new ArrayList<>(rowsBefore);
        for (int percent : PERCENTILE_ROWS) {
            var row = new ArrayList<Picture.Cell>();
            for (int i = 0; i < table.columns().size(); i++) {
                if (i < keys || table.columns().get(i).name().equals("%")) {
                    row.add(Picture.Cell.of(i == 0 ? percent == 100 ? "max" : "p" + percent : ""));
                    continue;
                }
                int column = i;
                var numbers = rowsBefore.stream()
                        .mapToDouble(line -> line.get(column).number())
                        .filter(number -> !Double.isNaN(number))
                        .sorted()
                        .toArray();
                row.add(
                        numbers.length == 0
                                ? Picture.Cell.of("")
                                : cell(
                                        percentile(numbers, percent),
                                        Arrays.stream(numbers).anyMatch(number -> number != Math.rint(number))));
            }
            rows.add(row);
        }
        return new Picture.Table(table.title(), table.columns(), rows);
    }

    /** The smallest number that so many percent do not exceed. */
    private static double percentile(double[] sorted, int percent) {
        return sorted[(int) Math.clamp(Math.ceil(percent / 100.0 * sorted.length) - 1, 0, sorted.length - 1)];
    }

    /** The columns whose numbers add up to a whole. */
    private static java.util.Set<String> adding(List<View.MapView> maps) {
        var names = new java.util.HashSet<String>();
        for (var map : maps) {
            var first =
                    map.rows().isEmpty() ? Value.of(0) : map.rows().getFirst().value();
            switch (first) {
                case Value.Int _ -> names.add(map.name());
                case Value.Aggregated a -> {
                    switch (a.aggregate()) {
                        case Aggregate.Count _, Aggregate.Sum _, Aggregate.Histogram _ -> names.add(map.name());
                        case Aggregate.Stats _ -> {
                            names.add(map.name() + ".count");
                            names.add(map.name() + ".total");
                        }
                        case Aggregate.Quantiles q when q.levels().size() > 1 -> names.add(map.name() + ".count");
                        case Aggregate.Quantiles _,
                                Aggregate.Min _,
                                Aggregate.Max _,
                                Aggregate.Avg _,
                                Aggregate.TimeSeries _ -> {}
                    }
                }
                default -> {}
            }
        }
        return names;
    }

    private static String title(List<View.MapView> maps) {
        return maps.stream().map(View.MapView::name).collect(Collectors.joining(", "));
    }

    private static void pad(List<Picture.Cell> cells, int size) {
        while (cells.size() < size) {
            cells.add(Picture.Cell.of(""));
        }
    }

    private static Picture.Cell keyCell(Value value) {
        var text = value instanceof Value.Stack stack
                ? String.join(";", stack.frames().reversed())
                : TextRenderer.text(value);
        return new Picture.Cell(text, value instanceof Value.Int i ? number(i.value(), i.signed()) : Double.NaN);
    }

    private static List<String> columns(View.MapView map) {
        if (!map.rows().isEmpty() && map.rows().getFirst().value() instanceof Value.Aggregated a) {
            switch (a.aggregate()) {
                case Aggregate.Stats _ -> {
                    return List.of(map.name() + ".count", map.name() + ".average", map.name() + ".total");
                }
                case Aggregate.Quantiles q
                when q.levels().size() > 1 -> {
                    var names = new ArrayList<String>();
                    names.add(map.name() + ".count");
                    q.levels().forEach(level -> names.add(map.name() + "." + Aggregate.Quantiles.name(level)));
                    return names;
                }
                default -> {
                    return List.of(map.name());
                }
            }
        }
        return List.of(map.name());
    }

    private static List<Picture.Cell> cells(Value value, Arrangement how) {
        if (value instanceof Value.Aggregated a) {
            return switch (a.aggregate()) {
                case Aggregate.Stats s ->
                    List.of(
                            scaled(number(s.count(), false), how),
                            cell(number(s.average(), s.signed()) / how.divisor(), how.divisor() != 1),
                            scaled(number(s.total(), s.signed()), how));
                case Aggregate.Quantiles q
                when q.levels().size() == 1 ->
                    List.of(cell(q.at(q.levels().getFirst()) / how.divisor(), how.divisor() != 1));
                case Aggregate.Quantiles q -> {
                    var cells = new ArrayList<Picture.Cell>();
                    cells.add(scaled(q.samples(), how));
                    // What is no count is divided, but is no rate.
                    q.levels().forEach(level -> cells.add(cell(q.at(level) / how.divisor(), how.divisor() != 1)));
                    yield cells;
                }
                case Aggregate.Avg g -> List.of(cell(g.exactAverage() / how.divisor(), true));
                case Aggregate.Min m ->
                    List.of(cell(number(m.value(), m.signed()) / how.divisor(), how.divisor() != 1));
                case Aggregate.Max m ->
                    List.of(cell(number(m.value(), m.signed()) / how.divisor(), how.divisor() != 1));
                default -> List.of(scaled(weight(value), how));
            };
        }
        double number = weight(value);
        return List.of(Double.isNaN(number) ? Picture.Cell.of(TextRenderer.text(value)) : scaled(number, how));
    }

    private static Picture.Cell scaled(double number, Arrangement how) {
        return cell(number / how.divisor() / how.seconds(), how.scales());
    }

    private static Picture.Cell cell(double number, boolean fraction) {
        return new Picture.Cell(
                fraction ? String.format(Locale.ROOT, "%.2f", number) : String.format(Locale.ROOT, "%.0f", number),
                number);
    }

    private static List<List<Picture.Cell>> arranged(
            List<Picture.Column> columns, List<List<Picture.Cell>> rows, int keys, Arrangement how) {
        int by = keys;
        for (int i = 0; i < columns.size(); i++) {
            if (columns.get(i).name().equals(how.sort())) {
                by = i;
            }
        }
        int column = Math.min(by, columns.size() - 1);
        var sorted = new ArrayList<>(rows);
        if (column >= 0) {
            Comparator<List<Picture.Cell>> order =
                    Comparator.comparingDouble(row -> rank(row.get(column).number()));
            sorted.sort(order.thenComparing(row -> row.get(column).text()));
        }
        if (how.top() > 0 && how.top() < sorted.size()) {
            sorted.subList(0, sorted.size() - (int) how.top()).clear();
        }
        if (how.descending()) {
            Collections.reverse(sorted);
        }
        return sorted;
    }

    private static double rank(double number) {
        return Double.isNaN(number) ? Double.NEGATIVE_INFINITY : number;
    }

    private static Picture.Table withShares(
            String title,
            List<Picture.Column> columns,
            List<List<Picture.Cell>> rows,
            int keys,
            java.util.Set<String> adds) {
        var heads = new ArrayList<>(columns.subList(0, keys));
        var lines = new ArrayList<List<Picture.Cell>>();
        rows.forEach(row -> lines.add(new ArrayList<>(row.subList(0, keys))));
        for (int i = keys; i < columns.size(); i++) {
            heads.add(columns.get(i));
            if (!adds.contains(columns.get(i).name())) {
                for (int r = 0; r < rows.size(); r++) {
                    lines.get(r).add(rows.get(r).get(i));
                }
                continue;
            }
            heads.add(new Picture.Column("%", true));
            int column = i;
            double total = rows.stream()
                    .mapToDouble(row -> row.get(column).number())
                    .filter(n -> !Double.isNaN(n))
                    .sum();
            for (int r = 0; r < rows.size(); r++) {
                var cell = rows.get(r).get(i);
                double share = total == 0 ? 0 : 100 * cell.number() / total;
                lines.get(r).add(cell);
                lines.get(r)
                        .add(
                                Double.isNaN(share)
                                        ? Picture.Cell.of("")
                                        : new Picture.Cell(String.format(Locale.ROOT, "%.1f", share), share));
            }
        }
        return new Picture.Table(title, heads, lines);
    }

    // ---- histograms and heat maps

    /** A panel for each key of a map of histograms, those with most samples first; of other maps a bar for each key. */
    public static Picture.Bars bars(View.MapView map) {
        var axis = Axis.ofValue(map);
        var panels = new ArrayList<Picture.Panel>();
        for (var row : map.rows().reversed()) {
            if (Distributions.of(row.value()).isPresent()) {
                panels.add(Distributions.panel(
                        label(row.key()), Distributions.of(row.value()).get(), axis));
            }
        }
        if (!panels.isEmpty()) {
            return new Picture.Bars(map.name(), axis.text(), panels);
        }
        return new Picture.Bars(
                map.name(),
                "",
                List.of(new Picture.Panel(
                        "",
                        map.rows().stream()
                                .map(row -> new Picture.Bar(label(row.key()), Math.max(0, weight(row.value()))))
                                .toList(),
                        List.of())));
    }

    static String label(List<Value> key) {
        return key.stream()
                .map(part -> part instanceof Value.Stack s
                        ? String.join(";", s.frames().reversed())
                        : TextRenderer.text(part))
                .collect(Collectors.joining(", "));
    }

    /**
     * A map of histograms by a first key part that is a number, such as time: one column for each number, one row for each
     * bucket; what other parts the key has is added up. Columns without samples are there too, as long as they are few.
     * Of a map of time series: one column for each interval, one row for each key.
     */
    public static Picture.HeatMap heatMap(View.MapView map) {
        if (map.shape() == View.Shape.SERIES) {
            return seriesHeatMap(map);
        }
        var byColumn = new TreeMap<Long, Aggregate.Histogram>();
        var named = new LinkedHashMap<String, Aggregate.Histogram>();
        for (var row : map.rows()) {
            if (!(row.value() instanceof Value.Aggregated a) || !(a.aggregate() instanceof Aggregate.Histogram h)) {
                continue;
            }
            if (!row.key().isEmpty() && row.key().getFirst() instanceof Value.Int i) {
                byColumn.merge(i.value(), h, (x, y) -> (Aggregate.Histogram) x.merge(y));
            } else {
                named.merge(label(row.key()), h, (x, y) -> (Aggregate.Histogram) x.merge(y));
            }
        }
        var across = Axis.ofKey(map);
        var columns = new LinkedHashMap<String, Optional<Aggregate.Histogram>>();
        if (!byColumn.isEmpty()) {
            long span = byColumn.lastKey() - byColumn.firstKey();
            if (span > 0 && span < 4L * byColumn.size() + 60) {
                for (long x = byColumn.firstKey(); x <= byColumn.lastKey(); x++) {
                    columns.put(across.at(x), Optional.ofNullable(byColumn.get(x)));
                }
            } else {
                byColumn.forEach((x, h) -> columns.put(across.at(x), Optional.of(h)));
            }
        }
        named.forEach((name, h) -> columns.put(name, Optional.of(h)));
        return heatMap(map, across, columns);
    }

    private static Picture.HeatMap heatMap(
            View.MapView map, Axis across, Map<String, Optional<Aggregate.Histogram>> columns) {
        var rows = new TreeMap<Long, String>();
        for (var histogram : columns.values()) {
            histogram.ifPresent(h ->
                    h.buckets().forEach(bucket -> rows.put(place(bucket), HistogramText.range(h, bucket))));
        }
        var counts = new ArrayList<List<Long>>();
        for (var histogram : columns.values()) {
            var column = new TreeMap<Long, Long>();
            histogram.ifPresent(h -> h.buckets().forEach(bucket -> column.put(place(bucket), bucket.count())));
            counts.add(rows.keySet().stream()
                    .map(at -> column.getOrDefault(at, 0L))
                    .toList());
        }
        return new Picture.HeatMap(
                map.name(),
                across.text(),
                Axis.ofValue(map).text(),
                List.copyOf(columns.keySet()),
                List.copyOf(rows.values()),
                counts);
    }

    private static Picture.HeatMap seriesHeatMap(View.MapView map) {
        var lines = new TreeMap<List<Value>, Aggregate.TimeSeries>(View.MapView::compareKeys);
        for (var row : map.rows()) {
            if (row.value() instanceof Value.Aggregated a && a.aggregate() instanceof Aggregate.TimeSeries series) {
                lines.put(row.key(), series);
            }
        }
        var cells = lines.values().stream()
                .flatMap(series -> series.cells().keySet().stream())
                .mapToLong(Long::longValue)
                .summaryStatistics();
        var columns = new ArrayList<String>();
        var counts = new ArrayList<List<Long>>();
        for (long at = cells.getMin(); at <= cells.getMax() && columns.size() < MAX_COLUMNS; at++) {
            long cell = at;
            long interval = lines.firstEntry().getValue().intervalNanos();
            columns.add(Axis.decimal((cell - cells.getMin()) * (interval / 1e9)));
            counts.add(lines.values().stream()
                    .map(series -> Optional.ofNullable(series.cells().get(cell))
                            .map(value -> Math.max(0, series.shown(value)))
                            .orElse(0L))
                    .toList());
        }
        return new Picture.HeatMap(
                map.name(),
                "time since the first sample (s)",
                map.labels().key(),
                columns,
                lines.keySet().stream().map(Pictures::label).toList(),
                counts);
    }

    private static long place(Aggregate.Bucket bucket) {
        return bucket.openBelow() ? Long.MIN_VALUE : bucket.min();
    }

    // ---- flame graphs

    /** A map whose key has a stack: the other parts of the key stand below it. */
    public static Picture.FlameGraph flameGraph(View.MapView map) {
        var root = new Picture.Frame("all");
        fill(root, map, false);
        return new Picture.FlameGraph(map.name(), map.name(), root, false);
    }

    /** What changed from one map to another: widths are those of {@code after}. */
    public static Picture.FlameGraph difference(View.MapView before, View.MapView after) {
        var root = new Picture.Frame("all");
        fill(root, before, true);
        fill(root, after, false);
        return new Picture.FlameGraph(before.name() + " → " + after.name(), after.name(), root, true);
    }

    private static void fill(Picture.Frame root, View.MapView map, boolean toBefore) {
        for (var row : map.rows()) {
            double weight = weight(row.value());
            if (weight > 0) {
                root.add(frames(row.key()), weight, toBefore);
            }
        }
    }

    /** The frames of a key, outermost first: its other parts, then user stacks, then kernel stacks as they stand in it. */
    static List<String> frames(List<Value> key) {
        var below = new ArrayList<String>();
        var stacks = new ArrayList<List<String>>();
        for (var part : key) {
            if (part instanceof Value.Stack stack) {
                stacks.add(stack.frames().reversed().stream()
                        .map(frame -> FRAME_OFFSET.matcher(frame.strip()).replaceFirst(""))
                        .toList());
            } else {
                below.add(TextRenderer.text(part));
            }
        }
        // A process calls into the kernel: where both stacks are in a key the kernel's goes on top.
        if (stacks.size() == 2 && isKernel(stacks.getFirst()) && !isKernel(stacks.getLast())) {
            Collections.reverse(stacks);
        }
        stacks.forEach(below::addAll);
        return below;
    }

    private static boolean isKernel(List<String> frames) {
        return frames.stream()
                .anyMatch(frame -> frame.startsWith("entry_SYSCALL")
                        || frame.startsWith("do_syscall")
                        || frame.startsWith("el0")
                        || frame.startsWith("el1")
                        || frame.startsWith("asm_")
                        || frame.startsWith("ret_from_fork"));
    }

    // ---- time

    /** A map of time series: one line for each key. */
    public static Picture.Timeline timeline(View.MapView map) {
        var lines = new ArrayList<Picture.Line>();
        for (var row : map.rows()) {
            if (row.value() instanceof Value.Aggregated a && a.aggregate() instanceof Aggregate.TimeSeries series) {
                lines.add(new Picture.Line(
                        row.key().isEmpty() ? map.name() : label(row.key()),
                        series.cells().entrySet().stream()
                                .map(cell -> new Picture.Point(
                                        series.originNanos() + cell.getKey() * series.intervalNanos(),
                                        number(series.shown(cell.getValue()), series.signed())))
                                .toList()));
            }
        }
        return new Picture.Timeline(map.name(), Axis.ofValue(map).text(), lines);
    }

    /**
     * What went on where and when. Two forms of maps: {@code @m[lane, nsecs] = what}, each lasting until the lane's next, or
     * {@code @m[lane, nsecs, what] = duration} in nanoseconds.
     *
     * @throws IllegalArgumentException if the map has neither form
     */
    public static Picture.Lanes lanes(View.MapView map) {
        var lanes = new TreeMap<List<Value>, TreeMap<Long, View.Row>>(View.MapView::compareKeys);
        long last = 0;
        for (var row : map.rows()) {
            if (row.key().size() < 2 || !(row.key().get(1) instanceof Value.Int time)) {
                throw new IllegalArgumentException(
                        "lanes want @m[lane, nsecs] = what or @m[lane, nsecs, what] = duration; " + map.name()
                                + " has another form");
            }
            lanes.computeIfAbsent(List.of(row.key().getFirst()), _ -> new TreeMap<>())
                    .put(time.value(), row);
            last = Math.max(last, time.value());
        }
        var drawn = new ArrayList<Picture.Lane>();
        for (var lane : lanes.entrySet()) {
            var stretches = new ArrayList<Picture.Stretch>();
            for (var start : lane.getValue().entrySet()) {
                var next = lane.getValue().higherKey(start.getKey());
                long limit = next == null ? Math.max(last, start.getKey()) : next;
                var row = start.getValue();
                if (row.key().size() == 2) {
                    stretches.add(Picture.Stretch.of(start.getKey(), limit, TextRenderer.text(row.value())));
                } else {
                    long end = start.getKey() + (long) Math.max(0, weight(row.value()));
                    stretches.add(Picture.Stretch.of(
                            start.getKey(),
                            next == null ? end : Math.min(end, limit),
                            label(row.key().subList(2, row.key().size()))));
                }
            }
            var name = TextRenderer.text(lane.getKey().getFirst());
            drawn.add(new Picture.Lane(
                    map.labels().key().isEmpty() ? name : map.labels().key() + " " + name, stretches));
        }
        return new Picture.Lanes(map.name(), drawn);
    }

    // ---- numbers

    /** The number that stands for a value: a count of samples for histograms; NaN if it is none. */
    static double weight(Value value) {
        return switch (value) {
            case Value.Int i -> number(i.value(), i.signed());
            case Value.Bool b -> b.value() ? 1 : 0;
            case Value.EnumValue e -> number(e.value(), e.signed());
            case Value.Aggregated a ->
                number(a.aggregate().rank(), a.aggregate().signed());
            default -> Double.NaN;
        };
    }

    static double number(long value, boolean signed) {
        return signed || value >= 0 ? value : (value >>> 1) * 2.0;
    }
}
