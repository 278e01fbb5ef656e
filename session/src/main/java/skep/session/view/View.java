package skep.session.view;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import skep.session.aggregate.Aggregate;
import skep.source.Span;

/** One thing that a session shows. */
public sealed interface View
        permits View.Attached,
                View.Text,
                View.Printed,
                View.MapView,
                View.LostEvents,
                View.Located,
                View.RuntimeError,
                View.HelperError,
                View.Benchmarks,
                View.TestResult,
                View.Note,
                View.Ending,
                Picture {
    /** Whether it is told about the run (standard error) rather than being a result of the script. */
    default boolean isMessage() {
        return false;
    }

    /**
     * All probes are attached.
     *
     * @param probes how many
     * @param kernel which kernel, if it is not the one that this machine runs
     */
    record Attached(int probes, Optional<String> kernel) implements View {
        @Override
        public boolean isMessage() {
            return true;
        }
    }

    /** Text that the script formatted, or that it asked to be fetched. */
    record Text(Kind kind, String text) implements View {}

    /** Where text comes from; JSON names it. */
    enum Kind {
        PRINTF,
        TIME,
        CAT,
        JOIN,
        SYSCALL
    }

    /** {@code print(value)}. */
    record Printed(Value value) implements View {}

    /**
     * A map or some of its entries, in the order they are shown.
     *
     * @param keyed whether it has keys; without, there is at most one row, whose key is empty
     * @param shape what kind of values it holds, also when it is empty
     * @param labels what its numbers mean, for the axes of pictures
     */
    record MapView(String name, boolean keyed, Shape shape, List<Row> rows, Labels labels) implements View {
        public MapView {
            rows = List.copyOf(rows);
        }

        /** Of which nothing is known but what it holds. */
        public MapView(String name, boolean keyed, Shape shape, List<Row> rows) {
            this(name, keyed, shape, rows, Labels.NONE);
        }

        /** With the rows in the order in which maps are shown. */
        public static MapView sorted(String name, boolean keyed, Shape shape, List<Row> rows) {
            var sorted = new ArrayList<>(rows);
            sorted.sort(order(shape));
            return new MapView(name, keyed, shape, sorted);
        }

        /** The same with other labels. */
        public MapView labelled(Labels other) {
            return new MapView(name, keyed, shape, rows, other);
        }

        /**
         * As {@code print(@m, top, div)} shows it: the last {@code top} rows (0: all), the numbers divided by {@code div}
         * (0: as they are). Statistics are always shown whole.
         */
        public MapView reduced(long top, long div) {
            if (shape == Shape.STATS) {
                return this;
            }
            int from = top <= 0 || top >= rows.size() ? 0 : rows.size() - (int) top;
            var kept = rows.subList(from, rows.size());
            return new MapView(
                    name,
                    keyed,
                    shape,
                    div <= 1
                            ? kept
                            : kept.stream()
                                    .map(row -> new Row(row.key(), divided(row.value(), div)))
                                    .toList(),
                    div <= 1 ? labels : new Labels(labels.key(), "", labels.origin()));
        }

        private static Value divided(Value value, long div) {
            return switch (value) {
                case Value.Int i -> new Value.Int(Aggregate.divide(i.value(), div, i.signed()), i.signed());
                case Value.Aggregated a -> new Value.Aggregated(a.aggregate().dividedBy(div));
                default -> value;
            };
        }

        private static Comparator<Row> order(Shape shape) {
            Comparator<Row> byKey = Comparator.comparing(Row::key, MapView::compareKeys);
            return switch (shape) {
                case NUMBER, AVERAGE, STATS, HISTOGRAM, QUANTILES ->
                    ((Comparator<Row>) MapView::compareNumbers).thenComparing(byKey);
                case SERIES, OTHER -> byKey;
            };
        }

        private static int compareNumbers(Row a, Row b) {
            if (a.value() instanceof Value.Int x && b.value() instanceof Value.Int y) {
                return Aggregate.compare(x.value(), y.value(), x.signed());
            }
            if (a.value() instanceof Value.Aggregated x && b.value() instanceof Value.Aggregated y) {
                return Aggregate.compare(
                        x.aggregate().rank(),
                        y.aggregate().rank(),
                        x.aggregate().signed());
            }
            return 0;
        }

        static int compareKeys(List<Value> a, List<Value> b) {
            for (int i = 0; i < Math.min(a.size(), b.size()); i++) {
                int order = compareValues(a.get(i), b.get(i));
                if (order != 0) {
                    return order;
                }
            }
            return Integer.compare(a.size(), b.size());
        }

        private static int compareValues(Value a, Value b) {
            return switch (a) {
                case Value.Int x when b instanceof Value.Int y -> Aggregate.compare(x.value(), y.value(), x.signed());
                case Value.Bool x when b instanceof Value.Bool y -> Boolean.compare(x.value(), y.value());
                case Value.Pointer x
                when b instanceof Value.Pointer y -> Long.compareUnsigned(x.address(), y.address());
                case Value.EnumValue x
                when b instanceof Value.EnumValue y -> Aggregate.compare(x.value(), y.value(), x.signed());
                case Value.Bytes x
                when b instanceof Value.Bytes y -> java.util.Arrays.compareUnsigned(x.bytes(), y.bytes());
                case Value.Tuple x when b instanceof Value.Tuple y -> compareKeys(x.elements(), y.elements());
                case Value.Array x when b instanceof Value.Array y -> compareKeys(x.elements(), y.elements());
                case Value.Rec x
                when b instanceof Value.Rec y ->
                    compareKeys(
                            x.members().stream().map(Value.Member::value).toList(),
                            y.members().stream().map(Value.Member::value).toList());
                default -> TextRenderer.text(a).compareTo(TextRenderer.text(b));
            };
        }
    }

    /**
     * What stands on the axes of a map's pictures, and below them.
     *
     * @param key the script's expression for the first part of the key; empty if not known
     * @param value the script's expression for what is measured; empty if not known
     * @param origin the kernel that it comes from, if that is not the one this machine runs; else empty
     */
    record Labels(String key, String value, String origin) {
        public static final Labels NONE = new Labels("", "", "");
    }

    /** An entry of a map; the key has one element for each part. */
    record Row(List<Value> key, Value value) {
        public Row {
            key = List.copyOf(key);
        }
    }

    /** What the values of a map are, as far as showing them goes. */
    enum Shape {
        /** Count, sum, integer, smallest, largest. */
        NUMBER,
        AVERAGE,
        STATS,
        HISTOGRAM,
        QUANTILES,
        SERIES,
        OTHER
    }

    /** Records that did not fit into the ring buffer since the last such view. */
    record LostEvents(long count) implements View {
        @Override
        public boolean isMessage() {
            return true;
        }
    }

    /** {@code errorf}, {@code warnf}: a message of the script with the place that said it. */
    record Located(Severity severity, Span span, String message) implements View {
        @Override
        public boolean isMessage() {
            return true;
        }
    }

    /** How serious a message of the script is. */
    enum Severity {
        ERROR,
        WARNING
    }

    /**
     * Something that went wrong inside a program.
     *
     * @param times how often since the last such view
     */
    record RuntimeError(Span span, String message, long times) implements View {
        @Override
        public boolean isMessage() {
            return true;
        }
    }

    /**
     * A helper failed.
     *
     * @param errno as the helper returned it, negative
     * @param meaning the errno in words
     */
    record HelperError(Span span, String helper, long errno, String meaning) implements View {
        @Override
        public boolean isMessage() {
            return true;
        }
    }

    /**
     * How long {@code bench:} probes took.
     *
     * @param results in script order
     */
    record Benchmarks(List<Benchmark> results) implements View {
        public Benchmarks {
            results = List.copyOf(results);
        }
    }

    /** The mean time of a run, and over how many runs. */
    record Benchmark(String name, long nanosPerRun, long runs) {}

    /** Whether a {@code test:} probe passed: it returned 0. */
    record TestResult(String name, boolean passed) implements View {}

    /** A remark about the run, one sentence; never a result. */
    record Note(String text) implements View {
        @Override
        public boolean isMessage() {
            return true;
        }
    }

    /**
     * The script has ended; what follows are the maps that are printed at the end.
     *
     * @param maps all of the script's, empty ones too, for whoever keeps them; none for others
     */
    record Ending(List<MapView> maps) implements View {
        public Ending {
            maps = List.copyOf(maps);
        }
    }
}
