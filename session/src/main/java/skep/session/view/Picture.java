package skep.session.view;

import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Results arranged to be looked at: what {@link SvgRenderer}, {@link PngRenderer} and {@link PictureText} draw.
 * {@link Pictures} makes them from maps.
 */
public sealed interface Picture extends View {
    /** What stands above it: the names of the maps. */
    String title();

    /** The same under another title. */
    default Picture titled(String title) {
        return switch (this) {
            case Table p -> new Table(title, p.columns, p.rows);
            case Bars p -> new Bars(title, p.axis, p.panels);
            case Overlay p -> new Overlay(title, p.axis, p.buckets, p.series);
            case HeatMap p -> new HeatMap(title, p.across, p.upwards, p.columns, p.rows, p.counts);
            case FlameGraph p -> new FlameGraph(title, p.unit, p.root, p.differential);
            case Timeline p -> new Timeline(title, p.axis, p.lines);
            case Lanes p -> new Lanes(title, p.lanes);
        };
    }

    /** Keys and values in columns; numbers are right-aligned. */
    record Table(String title, List<Column> columns, List<List<Cell>> rows) implements Picture {
        public Table {
            columns = List.copyOf(columns);
            rows = rows.stream().map(List::copyOf).toList();
        }
    }

    /** The head of a column. */
    record Column(String name, boolean number) {}

    /**
     * What stands in a table.
     *
     * @param number its value, NaN for text
     */
    record Cell(String text, double number) {
        public static Cell of(String text) {
            return new Cell(text, Double.NaN);
        }
    }

    /**
     * Histograms: counts by range of values, or by name; a panel for each key.
     *
     * @param axis what the ranges are of, with its unit; may be empty
     */
    record Bars(String title, String axis, List<Panel> panels) implements Picture {
        public Bars {
            panels = List.copyOf(panels);
        }

        /** All bars, panel by panel. */
        public List<Bar> bars() {
            return panels.stream().flatMap(panel -> panel.bars().stream()).toList();
        }
    }

    /**
     * One histogram.
     *
     * @param name its key; empty if there is but one
     */
    record Panel(String name, List<Bar> bars, List<Mark> marks) {
        public Panel {
            bars = List.copyOf(bars);
            marks = List.copyOf(marks);
        }
    }

    /** A bar with its label. */
    record Bar(String label, double value) {}

    /**
     * A quantile in a histogram.
     *
     * @param text such as {@code p99 ≈ 310 µs}
     * @param at where it lies, counted in bars from the first: 2.5 is the middle of the third
     */
    record Mark(String text, double at) {}

    /**
     * Distributions over one another: for each bucket of values the share of the samples that each series has in it.
     *
     * @param axis what the buckets are of, with its unit; may be empty
     * @param buckets labels of the buckets, ascending
     */
    record Overlay(String title, String axis, List<String> buckets, List<Series> series) implements Picture {
        public Overlay {
            buckets = List.copyOf(buckets);
            series = List.copyOf(series);
        }
    }

    /**
     * One distribution of an overlay.
     *
     * @param counts one for each bucket
     */
    record Series(String name, List<Long> counts, List<Mark> marks) {
        public Series {
            counts = List.copyOf(counts);
            marks = List.copyOf(marks);
        }

        public long samples() {
            return counts.stream().mapToLong(Long::longValue).sum();
        }

        /** The share of the samples in a bucket, 0 to 1. */
        public double share(int bucket) {
            long samples = samples();
            return samples == 0 ? 0 : (double) counts.get(bucket) / samples;
        }
    }

    /**
     * Counts by two scales.
     *
     * @param across what runs to the right, with its unit; may be empty
     * @param upwards what runs upwards, with its unit; may be empty
     * @param columns labels from left to right
     * @param rows labels from the bottom up
     * @param counts by column, then by row
     */
    record HeatMap(
            String title,
            String across,
            String upwards,
            List<String> columns,
            List<String> rows,
            List<List<Long>> counts)
            implements Picture {
        public HeatMap {
            columns = List.copyOf(columns);
            rows = List.copyOf(rows);
            counts = counts.stream().map(List::copyOf).toList();
        }
    }

    /**
     * How often each chain of callers was seen.
     *
     * @param unit what the numbers count
     * @param differential whether {@link Frame#before} is filled too, and colours tell what changed
     */
    record FlameGraph(String title, String unit, Frame root, boolean differential) implements Picture {}

    /** A frame with what it called; mutable only while {@link Pictures} fills it. */
    final class Frame {
        private final String name;
        private final TreeMap<String, Frame> callees = new TreeMap<>();
        private double value;
        private double before;

        Frame(String name) {
            this.name = name;
        }

        public String name() {
            return name;
        }

        /** What it called, by name. */
        public List<Frame> callees() {
            return List.copyOf(callees.values());
        }

        /** Its number, that of what it called included. */
        public double value() {
            return value;
        }

        /** The number it is compared with, in a differential graph. */
        public double before() {
            return before;
        }

        /** Frames below this one, itself included. */
        public int depth() {
            int deepest = 0;
            for (var callee : callees.values()) {
                deepest = Math.max(deepest, callee.depth());
            }
            return deepest + 1;
        }

        /** Adds a number to a chain of frames, outermost first. */
        void add(List<String> frames, double amount, boolean toBefore) {
            var frame = this;
            frame.count(amount, toBefore);
            for (var name : frames) {
                frame = frame.callees.computeIfAbsent(name, Frame::new);
                frame.count(amount, toBefore);
            }
        }

        private void count(double amount, boolean toBefore) {
            if (toBefore) {
                before += amount;
            } else {
                value += amount;
            }
        }
    }

    /**
     * Numbers over time, one line a key.
     *
     * @param axis what the numbers are, with their unit; may be empty
     */
    record Timeline(String title, String axis, List<Line> lines) implements Picture {
        public Timeline {
            lines = List.copyOf(lines);
        }
    }

    /** A line of a timeline. */
    record Line(String name, List<Point> points) {
        public Line {
            points = List.copyOf(points);
        }
    }

    /** @param wallNanos since 1970 */
    record Point(long wallNanos, double value) {}

    /** What went on in each lane (a CPU, a thread) and when; times are nanoseconds of one clock. */
    record Lanes(String title, List<Lane> lanes) implements Picture {
        public Lanes {
            lanes = List.copyOf(lanes);
        }

        public long firstNanos() {
            return lanes.stream()
                    .flatMap(lane -> lane.stretches().stream())
                    .mapToLong(Stretch::fromNanos)
                    .min()
                    .orElse(0);
        }

        public long lastNanos() {
            return lanes.stream()
                    .flatMap(lane -> lane.stretches().stream())
                    .mapToLong(Stretch::toNanos)
                    .max()
                    .orElse(0);
        }

        /** What is shown, and for how long in all lanes together, the longest first. */
        public List<Map.Entry<String, Long>> totals() {
            var totals = new TreeMap<String, Long>();
            for (var lane : lanes) {
                lane.stretches().forEach(s -> totals.merge(s.what(), s.toNanos() - s.fromNanos(), Long::sum));
            }
            return totals.entrySet().stream()
                    .sorted(Map.Entry.<String, Long>comparingByValue().reversed())
                    .toList();
        }
    }

    /** One lane; its stretches ascend and do not overlap. */
    record Lane(String name, List<Stretch> stretches) {
        public Lane {
            stretches = List.copyOf(stretches);
        }
    }

    /** Something that lasted. */
    record Stretch(long fromNanos, long toNanos, String what) {
        /** What a CPU does when there is nothing to do: the same on all of them. */
        public static final String IDLE = "idle";

        /** The idle threads of the kernel are called {@code swapper/N}. */
        static Stretch of(long fromNanos, long toNanos, String what) {
            return new Stretch(fromNanos, toNanos, what.startsWith("swapper/") ? IDLE : what);
        }
    }
}
