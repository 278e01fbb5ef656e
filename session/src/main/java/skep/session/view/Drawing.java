package skep.session.view;

import java.time.Instant;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.List;

/**
 * Shapes with places, in pixels from the upper left corner: what SVG and PNG are both written from.
 *
 * @param shapes in the order they are painted
 */
record Drawing(int width, int height, List<Shape> shapes) {
    /** Width of a character of the 12-pixel monospaced font that labels are set in. */
    static final double CHARACTER = 7.25;

    Drawing {
        shapes = List.copyOf(shapes);
    }

    sealed interface Shape {}

    /** A filled rectangle; the tip is shown where a pointer rests on it, empty for none. */
    record Rect(double x, double y, double width, double height, Ink ink, String tip) implements Shape {}

    /** Text whose baseline is at {@code y}. */
    record Label(double x, double y, String text, Anchor anchor, Ink ink, boolean bold) implements Shape {}

    /** A line through points, {@code x, y, x, y, …}. */
    record Path(List<Double> points, Ink ink, double thickness, String tip) implements Shape {
        Path {
            points = List.copyOf(points);
        }
    }

    enum Anchor {
        START,
        MIDDLE,
        END
    }

    /** A colour: one of the page's, which follow its light or dark theme, or a fixed one. */
    sealed interface Ink {}

    enum Theme implements Ink {
        TEXT(0x1f2328, 0xe6edf3),
        MUTED(0x59636e, 0x9198a1),
        GRID(0xd1d9e0, 0x3d444d),
        BACKGROUND(0xffffff, 0x0d1117);

        final int light;
        final int dark;

        Theme(int light, int dark) {
            this.light = light;
            this.dark = dark;
        }
    }

    record Fixed(int rgb) implements Ink {
        /** Black or white, whichever is read better upon it: the one with the greater contrast as WCAG 2 defines it. */
        Fixed readable() {
            double luminance = 0.2126 * linear(16) + 0.7152 * linear(8) + 0.0722 * linear(0);
            return new Fixed((luminance + 0.05) * (luminance + 0.05) > 1.05 * 0.05 ? 0x000000 : 0xffffff);
        }

        private double linear(int shift) {
            double c = (rgb >> shift & 255) / 255.0;
            return c <= 0.04045 ? c / 12.92 : Math.pow((c + 0.055) / 1.055, 2.4);
        }
    }

    /** Collects shapes. */
    static final class Builder {
        private final List<Shape> shapes = new ArrayList<>();

        void rect(double x, double y, double width, double height, Ink ink, String tip) {
            shapes.add(new Rect(x, y, width, height, ink, tip));
        }

        void label(double x, double y, String text, Anchor anchor, Ink ink) {
            shapes.add(new Label(x, y, text, anchor, ink, false));
        }

        void title(double x, double y, String text) {
            shapes.add(new Label(x, y, text, Anchor.START, Theme.TEXT, true));
        }

        void line(double x1, double y1, double x2, double y2, Ink ink) {
            shapes.add(new Path(List.of(x1, y1, x2, y2), ink, 1, ""));
        }

        void path(List<Double> points, Ink ink, String tip) {
            shapes.add(new Path(points, ink, 1.5, tip));
        }

        Drawing build(int width, int height) {
            return new Drawing(width, height, shapes);
        }
    }

    /** A text cut to so many pixels, or empty if not even two characters fit. */
    static String fitting(String text, double pixels) {
        int characters = (int) (pixels / CHARACTER);
        if (text.length() <= characters) {
            return text;
        }
        return characters < 3 ? "" : text.substring(0, characters - 1) + "…";
    }

    /** A time of day, as finely as a range of time asks for. */
    static String clock(long wallNanos, long rangeNanos) {
        var pattern = rangeNanos < 10_000_000_000L ? "HH:mm:ss.SSS" : "HH:mm:ss";
        return DateTimeFormatter.ofPattern(pattern)
                .withZone(ZoneId.systemDefault())
                .format(Instant.ofEpochSecond(
                        Math.floorDiv(wallNanos, 1_000_000_000L), Math.floorMod(wallNanos, 1_000_000_000L)));
    }
}
