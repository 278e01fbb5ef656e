package skep.session.view;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import skep.session.view.Drawing.Anchor;
import skep.session.view.Drawing.Fixed;
import skep.session.view.Drawing.Ink;
import skep.session.view.Drawing.Theme;

/** Pictures over time: lines of numbers, and lanes of what went on where. */
final class TimeDrawing {
    private static final int LANE = 22;

    /** For all that has no colour of its own. */
    private static final Ink OTHERS = Theme.MUTED;

    private TimeDrawing() {}

    static Drawing timeline(Picture.Timeline timeline) {
        var out = new Drawing.Builder();
        out.title(Draughtsman.MARGIN, 24, timeline.title());
        var points = timeline.lines().stream()
                .flatMap(line -> line.points().stream())
                .toList();
        if (points.isEmpty()) {
            out.label(Draughtsman.MARGIN, Draughtsman.TITLE + 20, "no samples", Anchor.START, Theme.MUTED);
            return out.build(400, Draughtsman.TITLE + 40);
        }
        long first = points.stream().mapToLong(Picture.Point::wallNanos).min().orElse(0);
        long last = points.stream().mapToLong(Picture.Point::wallNanos).max().orElse(0);
        double high = Math.max(
                0, points.stream().mapToDouble(Picture.Point::value).max().orElse(0));
        double low = Math.min(
                0, points.stream().mapToDouble(Picture.Point::value).min().orElse(0));
        double step = tick((high - low) / 5);
        double top = Math.ceil(high / step) * step;
        double base = Math.floor(low / step) * step;
        double range = top == base ? 1 : top - base;
        double room = 0;
        if (!timeline.axis().isEmpty()) {
            out.label(Draughtsman.MARGIN, Draughtsman.TITLE + 4, "↑ " + timeline.axis(), Anchor.START, Theme.MUTED);
            room = 18;
        }
        double left = Draughtsman.MARGIN
                + Math.max(
                                Draughtsman.number(top).length(),
                                Draughtsman.number(base).length())
                        * Drawing.CHARACTER
                + 8;
        double right = Draughtsman.WIDTH - Draughtsman.MARGIN;
        double bottom = Draughtsman.TITLE + 260 + room;
        for (double value = base; value <= top + step / 2; value += step) {
            double y = bottom - (value - base) / range * 250;
            out.line(left, y, right, y, Theme.GRID);
            out.label(left - 6, y + 4, Draughtsman.number(value), Anchor.END, Theme.MUTED);
        }
        for (int i = 0; i <= 5; i++) {
            double x = left + (right - left) * i / 5;
            long at = first + (last - first) / 5 * i;
            var anchor = i == 0 ? Anchor.START : i == 5 ? Anchor.END : Anchor.MIDDLE;
            out.label(x, bottom + 18, Drawing.clock(at, last - first), anchor, Theme.MUTED);
            if (last == first) {
                break;
            }
        }
        out.label(left, bottom + 34, "time →", Anchor.START, Theme.MUTED);
        var lines = new ArrayList<>(timeline.lines());
        lines.sort(Comparator.comparingDouble(line ->
                -line.points().stream().mapToDouble(Picture.Point::value).sum()));
        double x = left;
        double legend = bottom + 56;
        for (int i = lines.size() - 1; i >= 0; i--) {
            curve(out, lines.get(i), ink(i), new double[] {left, right, bottom, base, range}, first, last);
        }
        for (int i = 0; i < Math.min(lines.size(), Draughtsman.LINES.length); i++) {
            var name = Drawing.fitting(lines.get(i).name(), 220);
            if (x + name.length() * Drawing.CHARACTER + 40 > right) {
                x = left;
                legend += Draughtsman.ROW;
            }
            out.rect(x, legend - 8, 12, 4, ink(i), "");
            out.label(x + 16, legend - 2, name, Anchor.START, Theme.TEXT);
            x += 40 + name.length() * Drawing.CHARACTER;
        }
        if (lines.size() > Draughtsman.LINES.length) {
            out.label(
                    x,
                    legend - 2,
                    "and " + (lines.size() - Draughtsman.LINES.length) + " more in grey",
                    Anchor.START,
                    Theme.MUTED);
        }
        return out.build(Draughtsman.WIDTH, (int) legend + 16);
    }

    private static Ink ink(int line) {
        return line < Draughtsman.LINES.length ? new Fixed(Draughtsman.LINES[line]) : Theme.GRID;
    }

    private static void curve(Drawing.Builder out, Picture.Line line, Ink ink, double[] frame, long first, long last) {
        var points = new ArrayList<Double>();
        var places = new ArrayList<double[]>();
        for (var point : line.points()) {
            double share = last == first ? 0 : (point.wallNanos() - first) / (double) (last - first);
            double x = frame[0] + share * (frame[1] - frame[0]);
            double y = frame[2] - (point.value() - frame[3]) / frame[4] * 250;
            points.add(x);
            points.add(y);
            places.add(new double[] {x, y});
        }
        if (points.size() >= 4) {
            out.path(points, ink, line.name());
        }
        for (int i = 0; i < places.size(); i++) {
            var point = line.points().get(i);
            var tip = line.name() + " " + Drawing.clock(point.wallNanos(), last - first) + ": "
                    + Draughtsman.number(point.value());
            out.rect(places.get(i)[0] - 2, places.get(i)[1] - 2, 4, 4, ink, tip);
        }
    }

    /** A round distance between grid lines, not below the one asked for. */
    static double tick(double least) {
        if (least <= 0) {
            return 1;
        }
        double power = Math.pow(10, Math.floor(Math.log10(least)));
        for (double factor : List.of(1.0, 2.0, 5.0, 10.0)) {
            if (factor * power >= least * 0.999) {
                return factor * power;
            }
        }
        return 10 * power;
    }

    // ---- lanes

    /** Lanes: one row each, coloured by what went on in it; stretches too short for a pixel give way to the longest in it. */
    static Drawing lanes(Picture.Lanes picture) {
        var out = new Drawing.Builder();
        out.title(Draughtsman.MARGIN, 24, picture.title());
        if (picture.lanes().isEmpty()) {
            out.label(Draughtsman.MARGIN, Draughtsman.TITLE + 20, "no samples", Anchor.START, Theme.MUTED);
            return out.build(400, Draughtsman.TITLE + 40);
        }
        long first = picture.firstNanos();
        long range = Math.max(1, picture.lastNanos() - first);
        var totals = picture.totals();
        var inks = new LinkedHashMap<String, Ink>();
        // What idles is no colour of its own: what stands out is work.
        if (totals.stream().anyMatch(total -> total.getKey().equals(Picture.Stretch.IDLE))) {
            inks.put(Picture.Stretch.IDLE, Theme.GRID);
        }
        int next = 0;
        for (var total : totals) {
            if (!inks.containsKey(total.getKey())) {
                inks.put(total.getKey(), next < Draughtsman.LINES.length ? new Fixed(Draughtsman.LINES[next]) : OTHERS);
                next++;
            }
        }
        int characters = Math.min(
                24,
                picture.lanes().stream()
                        .mapToInt(lane -> lane.name().length())
                        .max()
                        .orElse(0));
        double left = Draughtsman.MARGIN + characters * Drawing.CHARACTER + 10;
        double right = Draughtsman.WIDTH - Draughtsman.MARGIN;
        double y = Draughtsman.TITLE;
        for (var lane : picture.lanes()) {
            out.label(
                    left - 8, y + 15, Drawing.fitting(lane.name(), left - Draughtsman.MARGIN), Anchor.END, Theme.TEXT);
            lane(out, lane, inks, left, y, (right - left) / range, first);
            y += LANE;
        }
        double step = tick(range / 8.0);
        for (double at = 0; at <= range; at += step) {
            double x = left + (right - left) * at / range;
            out.line(x, y, x, y + 4, Theme.GRID);
            var anchor = at == 0 ? Anchor.START : x > right - 20 ? Anchor.END : Anchor.MIDDLE;
            out.label(x, y + 18, millis(at), anchor, Theme.MUTED);
        }
        out.label(left, y + 34, "time since the first (ms) →", Anchor.START, Theme.MUTED);
        double x = left;
        double legend = y + 54;
        long whole = range * picture.lanes().size();
        for (var ink : inks.entrySet()) {
            if (ink.getValue().equals(OTHERS)) {
                continue;
            }
            long nanos = totals.stream()
                    .filter(total -> total.getKey().equals(ink.getKey()))
                    .mapToLong(Map.Entry::getValue)
                    .sum();
            var text =
                    Drawing.fitting(ink.getKey(), 200) + String.format(Locale.ROOT, " %.1f %%", 100.0 * nanos / whole);
            double width = 36 + text.length() * Drawing.CHARACTER;
            if (x + width > right) {
                x = left;
                legend += Draughtsman.ROW;
            }
            out.rect(x, legend - 9, 12, 10, ink.getValue(), "");
            out.label(x + 16, legend, text, Anchor.START, Theme.TEXT);
            x += width;
        }
        if (next > Draughtsman.LINES.length) {
            legend += Draughtsman.ROW;
            out.rect(left, legend - 9, 12, 10, OTHERS, "");
            out.label(left + 16, legend, (next - Draughtsman.LINES.length) + " others", Anchor.START, Theme.TEXT);
        }
        return out.build(Draughtsman.WIDTH, (int) legend + 16);
    }

    private static void lane(
            Drawing.Builder out,
            Picture.Lane lane,
            Map<String, Ink> inks,
            double left,
            double y,
            double perNano,
            long first) {
        int pixel = -1;
        var longest = new Picture.Stretch(0, 0, "");
        for (var stretch : lane.stretches()) {
            double x = left + (stretch.fromNanos() - first) * perNano;
            double width = (stretch.toNanos() - stretch.fromNanos()) * perNano;
            if (width >= 1) {
                bar(out, stretch, inks, x, y, width, first);
            } else if ((int) x != pixel) {
                pixel = (int) x;
                longest = stretch;
                bar(out, stretch, inks, x, y, 1, first);
            } else if (stretch.toNanos() - stretch.fromNanos() > longest.toNanos() - longest.fromNanos()) {
                longest = stretch;
                bar(out, stretch, inks, pixel, y, 1, first);
            }
        }
    }

    private static void bar(
            Drawing.Builder out,
            Picture.Stretch stretch,
            Map<String, Ink> inks,
            double x,
            double y,
            double width,
            long first) {
        if (stretch.what().isEmpty()) {
            return;
        }
        var tip = stretch.what() + ": " + millis(stretch.toNanos() - stretch.fromNanos()) + " ms from "
                + millis(stretch.fromNanos() - first) + " ms";
        out.rect(x, y + 2, width, LANE - 4, inks.getOrDefault(stretch.what(), OTHERS), tip);
    }

    private static String millis(double nanos) {
        return Axis.decimal(nanos / 1e6);
    }
}
