package skep.session.view;

import java.util.List;
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
            case Bars p -> new Bars(title, p.bars);
            case HeatMap p -> new HeatMap(title, p.columns, p.rows, p.counts);
            case FlameGraph p -> new FlameGraph(title, p.unit, p.root, p.differential);
            case Timeline p -> new Timeline(title, p.lines);
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
        static Cell of(String text) {
            return new Cell(text, Double.NaN);
        }
    }

    /** A histogram: counts by range of values, or by name. */
    record Bars(String title, List<Bar> bars) implements Picture {
        public Bars {
            bars = List.copyOf(bars);
        }
    }

    /** A bar with its label. */
    record Bar(String label, double value) {}

    /**
     * Counts by two scales.
     *
     * @param columns labels from left to right
     * @param rows labels from the bottom up
     * @param counts by column, then by row
     */
    record HeatMap(String title, List<String> columns, List<String> rows, List<List<Long>> counts) implements Picture {
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

    /** Numbers over time, one line a key. */
    record Timeline(String title, List<Line> lines) implements Picture {
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
}
