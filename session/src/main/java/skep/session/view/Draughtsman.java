package skep.session.view;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import skep.session.view.Drawing.Anchor;
import skep.session.view.Drawing.Fixed;
import skep.session.view.Drawing.Ink;
import skep.session.view.Drawing.Theme;

/** Places the parts of pictures. Colours are told apart by people who do not see red and green too. */
final class Draughtsman {
    private static final int WIDTH = 1000;

    private static final int MARGIN = 16;

    private static final int TITLE = 40;

    private static final int ROW = 18;

    private static final int BASELINE = 13;

    /** More rows of a table, or bars, are not drawn; a last line tells how many there are. */
    private static final int MAX_ROWS = 400;

    /** Frames narrower than this many pixels are left out. */
    private static final double NARROWEST_FRAME = 0.3;

    /** Okabe and Ito's colours without black and yellow. */
    private static final int[] LINES = {0x0072b2, 0xd55e00, 0x009e73, 0xcc79a7, 0x56b4e9, 0xe69f00};

    /** From few to many: dark blue over green to yellow, even in lightness. */
    private static final int[] HEAT = {0x440154, 0x46327e, 0x365c8d, 0x277f8e, 0x1fa187, 0x4ac16d, 0xa0da39, 0xfde725};

    private Draughtsman() {}

    static Drawing draw(Picture picture) {
        return switch (picture) {
            case Picture.Table p -> table(p);
            case Picture.Bars p -> bars(p);
            case Picture.HeatMap p -> heatMap(p);
            case Picture.FlameGraph p -> flameGraph(p);
            case Picture.Timeline p -> timeline(p);
        };
    }

    // ---- tables

    private static Drawing table(Picture.Table table) {
        var out = new Drawing.Builder();
        out.title(MARGIN, 24, table.title());
        double x = MARGIN;
        int rows = Math.min(table.rows().size(), MAX_ROWS);
        for (int i = 0; i < table.columns().size(); i++) {
            var column = table.columns().get(i);
            int characters = column.name().length();
            for (int r = 0; r < rows; r++) {
                characters = Math.max(
                        characters,
                        Math.min(60, table.rows().get(r).get(i).text().length()));
            }
            double width = characters * Drawing.CHARACTER;
            var anchor = column.number() ? Anchor.END : Anchor.START;
            double at = column.number() ? x + width : x;
            out.label(at, TITLE + BASELINE, column.name(), anchor, Theme.MUTED);
            for (int r = 0; r < rows; r++) {
                var text = Drawing.fitting(table.rows().get(r).get(i).text(), width + 1);
                out.label(at, TITLE + ROW * (r + 1) + BASELINE + 4, text, anchor, Theme.TEXT);
            }
            x += width + 20;
        }
        out.line(MARGIN, TITLE + ROW + 1.5, x - 20, TITLE + ROW + 1.5, Theme.GRID);
        int bottom = TITLE + ROW * (rows + 1) + 12;
        bottom = more(out, table.rows().size() - rows, bottom);
        return out.build((int) Math.max(240, Math.max(x, titleEnd(table.title()))), bottom + 8);
    }

    private static double titleEnd(String title) {
        return 2 * MARGIN + title.length() * (Drawing.CHARACTER + 1.2);
    }

    private static int more(Drawing.Builder out, int missing, int bottom) {
        if (missing <= 0) {
            return bottom;
        }
        out.label(MARGIN, bottom + BASELINE, "and " + missing + " more", Anchor.START, Theme.MUTED);
        return bottom + ROW;
    }

    // ---- histograms

    private static Drawing bars(Picture.Bars bars) {
        var out = new Drawing.Builder();
        out.title(MARGIN, 24, bars.title());
        double most = bars.bars().stream().mapToDouble(Picture.Bar::value).max().orElse(0);
        double all = bars.bars().stream().mapToDouble(Picture.Bar::value).sum();
        int rows = Math.min(bars.bars().size(), MAX_ROWS);
        int characters =
                bars.bars().stream().mapToInt(bar -> bar.label().length()).max().orElse(0);
        double left = MARGIN + Math.min(40, characters) * Drawing.CHARACTER + 10;
        double room = WIDTH - left - 90;
        for (int i = 0; i < rows; i++) {
            var bar = bars.bars().get(i);
            int y = TITLE + i * ROW;
            out.label(left - 8, y + BASELINE, Drawing.fitting(bar.label(), left - MARGIN), Anchor.END, Theme.TEXT);
            double length = most == 0 ? 0 : bar.value() / most * room;
            var tip = bar.label() + ": " + number(bar.value())
                    + (all == 0 ? "" : String.format(Locale.ROOT, " (%.1f %%)", 100 * bar.value() / all));
            if (bar.value() > 0) {
                out.rect(left, y + 2, Math.max(1, length), ROW - 4, new Fixed(LINES[0]), tip);
            }
            out.label(left + length + 6, y + BASELINE, number(bar.value()), Anchor.START, Theme.MUTED);
        }
        out.line(left - 1, TITLE, left - 1, TITLE + rows * ROW, Theme.GRID);
        int bottom = more(out, bars.bars().size() - rows, TITLE + rows * ROW + 4);
        return out.build(WIDTH, bottom + 10);
    }

    // ---- heat maps

    private static Drawing heatMap(Picture.HeatMap map) {
        var out = new Drawing.Builder();
        out.title(MARGIN, 24, map.title());
        int columns = Math.max(1, map.columns().size());
        int rows = map.rows().size();
        int characters = map.rows().stream().mapToInt(String::length).max().orElse(0);
        double left = MARGIN + Math.min(30, characters) * Drawing.CHARACTER + 10;
        double cell = Math.clamp((WIDTH - left - MARGIN) / columns, 1.0, 40.0);
        double height = Math.clamp(480.0 / Math.max(1, rows), 6.0, 18.0);
        double bottom = TITLE + rows * height;
        long most = 1;
        for (var column : map.counts()) {
            for (long count : column) {
                most = Math.max(most, count);
            }
        }
        int labelEvery = (int) Math.ceil(13 / height);
        for (int r = 0; r < rows; r++) {
            if (r % labelEvery == 0) {
                out.label(
                        left - 6,
                        bottom - r * height - (height - 10) / 2,
                        map.rows().get(r),
                        Anchor.END,
                        Theme.TEXT);
            }
        }
        for (int c = 0; c < map.counts().size(); c++) {
            for (int r = 0; r < rows; r++) {
                long count = map.counts().get(c).get(r);
                if (count > 0) {
                    var tip = map.columns().get(c) + ", " + map.rows().get(r) + ": " + count;
                    out.rect(
                            left + c * cell, bottom - (r + 1) * height, gap(cell), gap(height), heat(count, most), tip);
                }
            }
        }
        int longest = map.columns().stream().mapToInt(String::length).max().orElse(1);
        int every = (int) Math.max(1, Math.ceil((longest + 2) * Drawing.CHARACTER / cell));
        for (int c = 0; c < map.columns().size(); c += every) {
            out.label(left + (c + 0.5) * cell, bottom + 16, map.columns().get(c), Anchor.MIDDLE, Theme.MUTED);
        }
        out.line(left, bottom + 0.5, left + columns * cell, bottom + 0.5, Theme.GRID);
        double legend = bottom + 30;
        for (int i = 0; i < HEAT.length; i++) {
            out.rect(left + i * 24, legend, 24, 10, new Fixed(HEAT[i]), "");
        }
        out.label(left - 6, legend + 10, "1", Anchor.END, Theme.MUTED);
        out.label(left + HEAT.length * 24 + 6, legend + 10, number(most), Anchor.START, Theme.MUTED);
        double right = left + Math.max(columns * cell, HEAT.length * 24 + 80);
        return out.build((int) Math.max(right + MARGIN, titleEnd(map.title())), (int) legend + 24);
    }

    private static double gap(double size) {
        return size > 4 ? size - 1 : size;
    }

    private static Fixed heat(long count, long most) {
        double share = most == 1 ? 1 : Math.log(count) / Math.log(most);
        double at = share * (HEAT.length - 1);
        int low = Math.min(HEAT.length - 2, (int) at);
        return mixed(HEAT[low], HEAT[low + 1], at - low);
    }

    private static Fixed mixed(int from, int to, double share) {
        int rgb = 0;
        for (int shift = 16; shift >= 0; shift -= 8) {
            int a = from >> shift & 255;
            int b = to >> shift & 255;
            rgb |= (int) Math.round(a + (b - a) * share) << shift;
        }
        return new Fixed(rgb);
    }

    // ---- flame graphs

    private static Drawing flameGraph(Picture.FlameGraph graph) {
        var out = new Drawing.Builder();
        out.title(MARGIN, 24, graph.title());
        int depth = graph.root().depth();
        double bottom = TITLE + (double) depth * ROW;
        double most = graph.differential() ? largestChange(graph.root(), graph) : 0;
        double room = WIDTH - 2.0 * MARGIN;
        if (graph.root().value() > 0) {
            frame(out, graph.root(), graph, MARGIN, bottom - ROW, room, most);
        } else {
            out.label(MARGIN, bottom - 8, "no samples", Anchor.START, Theme.MUTED);
        }
        if (graph.differential()) {
            out.label(
                    MARGIN,
                    bottom + 18,
                    "orange: a greater share than before, blue: a smaller one",
                    Anchor.START,
                    Theme.MUTED);
        }
        return out.build(WIDTH, (int) bottom + (graph.differential() ? 30 : 12));
    }

    private static double largestChange(Picture.Frame frame, Picture.FlameGraph graph) {
        double most = Math.abs(PictureText.change(frame, graph));
        for (var callee : frame.callees()) {
            most = Math.max(most, largestChange(callee, graph));
        }
        return most;
    }

    private static void frame(
            Drawing.Builder out,
            Picture.Frame frame,
            Picture.FlameGraph graph,
            double x,
            double y,
            double width,
            double most) {
        if (width < NARROWEST_FRAME) {
            return;
        }
        double change = graph.differential() ? PictureText.change(frame, graph) : 0;
        var ink = graph.differential() ? difference(change, most) : flame(frame.name());
        var tip = frame.name() + ": " + number(frame.value())
                + String.format(
                        Locale.ROOT,
                        " (%.2f %%",
                        100 * frame.value() / graph.root().value())
                + (graph.differential() ? String.format(Locale.ROOT, ", %+.2f %%)", 100 * change) : ")");
        out.rect(x, y, Math.max(0.3, width - (width > 3 ? 0.5 : 0)), ROW - 1, ink, tip);
        var text = Drawing.fitting(frame.name(), width - 6);
        if (!text.isEmpty()) {
            out.label(x + 3, y + BASELINE, text, Anchor.START, ink.readable());
        }
        double at = x;
        for (var callee : frame.callees()) {
            double share = frame.value() == 0 ? 0 : callee.value() / frame.value() * width;
            frame(out, callee, graph, at, y - ROW, share, most);
            at += share;
        }
    }

    /** Warm colours by the name, so that a function has the same one in every picture. */
    private static Fixed flame(String name) {
        int hash = name.hashCode() * 0x9e3779b9;
        double a = (hash >>> 24) / 255.0;
        double b = (hash >>> 16 & 255) / 255.0;
        return new Fixed(255 - (int) (b * 25) << 16 | 110 + (int) (a * 110) << 8 | 40 + (int) (b * 50));
    }

    private static Fixed difference(double change, double most) {
        double share = most == 0 ? 0 : Math.min(1, Math.abs(change) / most);
        return mixed(0xe8e8e8, change >= 0 ? 0xd55e00 : 0x0072b2, Math.sqrt(share));
    }

    // ---- timelines

    private static Drawing timeline(Picture.Timeline timeline) {
        var out = new Drawing.Builder();
        out.title(MARGIN, 24, timeline.title());
        var points = timeline.lines().stream()
                .flatMap(line -> line.points().stream())
                .toList();
        if (points.isEmpty()) {
            out.label(MARGIN, TITLE + 20, "no samples", Anchor.START, Theme.MUTED);
            return out.build(400, TITLE + 40);
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
        double left = MARGIN + Math.max(number(top).length(), number(base).length()) * Drawing.CHARACTER + 8;
        double right = WIDTH - MARGIN;
        double bottom = TITLE + 260;
        for (double value = base; value <= top + step / 2; value += step) {
            double y = bottom - (value - base) / range * 250;
            out.line(left, y, right, y, Theme.GRID);
            out.label(left - 6, y + 4, number(value), Anchor.END, Theme.MUTED);
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
        var lines = new ArrayList<>(timeline.lines());
        lines.sort(Comparator.comparingDouble(line ->
                -line.points().stream().mapToDouble(Picture.Point::value).sum()));
        double x = left;
        double legend = bottom + 40;
        for (int i = lines.size() - 1; i >= 0; i--) {
            curve(out, lines.get(i), ink(i), new double[] {left, right, bottom, base, range}, first, last);
        }
        for (int i = 0; i < Math.min(lines.size(), LINES.length); i++) {
            var name = Drawing.fitting(lines.get(i).name(), 220);
            if (x + name.length() * Drawing.CHARACTER + 40 > right) {
                x = left;
                legend += ROW;
            }
            out.rect(x, legend - 8, 12, 4, ink(i), "");
            out.label(x + 16, legend - 2, name, Anchor.START, Theme.TEXT);
            x += 40 + name.length() * Drawing.CHARACTER;
        }
        if (lines.size() > LINES.length) {
            out.label(
                    x, legend - 2, "and " + (lines.size() - LINES.length) + " more in grey", Anchor.START, Theme.MUTED);
        }
        return out.build(WIDTH, (int) legend + 16);
    }

    private static Ink ink(int line) {
        return line < LINES.length ? new Fixed(LINES[line]) : Theme.GRID;
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
            var tip = line.name() + " " + Drawing.clock(point.wallNanos(), last - first) + ": " + number(point.value());
            out.rect(places.get(i)[0] - 2, places.get(i)[1] - 2, 4, 4, ink, tip);
        }
    }

    /** A round distance between grid lines, not below the one asked for. */
    private static double tick(double least) {
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

    private static String number(double number) {
        return number == Math.rint(number)
                ? String.format(Locale.ROOT, "%.0f", number)
                : String.format(Locale.ROOT, "%.2f", number);
    }
}
