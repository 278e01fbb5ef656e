package skep.session.view;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import skep.session.view.Drawing.Anchor;
import skep.session.view.Drawing.Fixed;
import skep.session.view.Drawing.Theme;

/** Places the parts of pictures. Colours are told apart by people who do not see red and green too. */
final class Draughtsman {
    static final int WIDTH = 1000;

    static final int MARGIN = 16;

    static final int TITLE = 40;

    static final int ROW = 18;

    static final int BASELINE = 13;

    /** More rows of a table, or bars, are not drawn; a last line tells how many there are. */
    private static final int MAX_ROWS = 400;

    /** Frames narrower than this many pixels are left out. */
    private static final double NARROWEST_FRAME = 0.3;

    /** Okabe and Ito's colours without black and yellow. */
    static final int[] LINES = {0x0072b2, 0xd55e00, 0x009e73, 0xcc79a7, 0x56b4e9, 0xe69f00};

    /** From few to many: dark blue over green to yellow, even in lightness. */
    private static final int[] HEAT = {
        0x482878, 0x3e4989, 0x31688e, 0x26828e, 0x1f9e89, 0x35b779, 0x6ece58, 0xb5de2b, 0xfde725
    };

    private Draughtsman() {}

    /**
     * A picture with a line below it.
     *
     * @param note where the numbers come from; empty for no line
     */
    static Drawing draw(Picture picture, String note) {
        var drawing = draw(picture);
        if (note.isEmpty()) {
            return drawing;
        }
        var shapes = new ArrayList<>(drawing.shapes());
        shapes.add(new Drawing.Label(MARGIN, drawing.height() + 8, note, Anchor.START, Theme.MUTED, false));
        int width = (int) Math.ceil(2 * MARGIN + note.length() * Drawing.CHARACTER);
        return new Drawing(Math.max(drawing.width(), width), drawing.height() + 18, shapes);
    }

    private static Drawing draw(Picture picture) {
        return switch (picture) {
            case Picture.Table p -> table(p);
            case Picture.Bars p -> DistributionDrawing.bars(p);
            case Picture.Overlay p -> DistributionDrawing.overlay(p);
            case Picture.HeatMap p -> heatMap(p);
            case Picture.FlameGraph p -> flameGraph(p);
            case Picture.Timeline p -> TimeDrawing.timeline(p);
            case Picture.Lanes p -> TimeDrawing.lanes(p);
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

    static double titleEnd(String title) {
        return 2 * MARGIN + title.length() * (Drawing.CHARACTER + 1.2);
    }

    static int more(Drawing.Builder out, int missing, int bottom) {
        if (missing <= 0) {
            return bottom;
        }
        out.label(MARGIN, bottom + BASELINE, "and " + missing + " more", Anchor.START, Theme.MUTED);
        return bottom + ROW;
    }

    // ---- heat maps

    private static Drawing heatMap(Picture.HeatMap map) {
        var out = new Drawing.Builder();
        out.title(MARGIN, 24, map.title());
        int columns = Math.max(1, map.columns().size());
        int rows = map.rows().size();
        int characters = map.rows().stream().mapToInt(String::length).max().orElse(0);
        double top = TITLE;
        if (!map.upwards().isEmpty()) {
            out.label(MARGIN, TITLE + 4, "↑ " + map.upwards(), Anchor.START, Theme.MUTED);
            top += 16;
        }
        double left = MARGIN + Math.min(30, characters) * Drawing.CHARACTER + 10;
        double cell = Math.clamp((WIDTH - left - MARGIN) / columns, 1.0, 40.0);
        double height = Math.clamp(480.0 / Math.max(1, rows), 6.0, 18.0);
        double bottom = top + rows * height;
        long most = 1;
        for (var column : map.counts()) {
            for (long count : column) {
                most = Math.max(most, count);
            }
        }
        int labelEvery = (int) Math.ceil(13 / height);
        for (int r = 0; r < rows; r++) {
            if (r % labelEvery == 0) {
                double y = bottom - (r + 0.5) * height + 4;
                out.label(left - 6, y, Drawing.fitting(map.rows().get(r), left - MARGIN), Anchor.END, Theme.TEXT);
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
        double right = left + columns * cell;
        int longest = map.columns().stream().mapToInt(String::length).max().orElse(1);
        int every = round((int) Math.max(1, Math.ceil((longest + 2) * Drawing.CHARACTER / cell)));
        for (int c = 0; c < map.columns().size(); c += every) {
            out.label(left + (c + 0.5) * cell, bottom + 16, map.columns().get(c), Anchor.MIDDLE, Theme.MUTED);
        }
        out.line(left, bottom + 0.5, right, bottom + 0.5, Theme.GRID);
        double legend = bottom + 30;
        if (!map.across().isEmpty()) {
            out.label(left, bottom + 32, map.across() + " →", Anchor.START, Theme.MUTED);
            legend += 14;
        }
        out.label(left, legend + 10, "count 1", Anchor.START, Theme.MUTED);
        double scale = left + 8 * Drawing.CHARACTER;
        for (int i = 0; i < HEAT.length; i++) {
            out.rect(scale + i * 24, legend, 24, 10, new Fixed(HEAT[i]), "");
        }
        out.label(scale + HEAT.length * 24 + 6, legend + 10, number(most), Anchor.START, Theme.MUTED);
        double end = Math.max(
                Math.max(right, scale + HEAT.length * 24 + 20 + number(most).length() * Drawing.CHARACTER),
                Math.max(
                        left + (map.across().length() + 3) * Drawing.CHARACTER,
                        MARGIN + (map.upwards().length() + 3) * Drawing.CHARACTER));
        return out.build((int) Math.max(end + MARGIN, titleEnd(map.title())), (int) legend + 24);
    }

    /** A distance between labels that people can count in. */
    private static int round(int least) {
        for (int power = 1; ; power *= 10) {
            for (int factor : new int[] {1, 2, 5}) {
                if (factor * power >= least) {
                    return factor * power;
                }
            }
        }
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
        int depth = Math.max(
                1,
                depth(
                        graph.root(),
                        (WIDTH - 2.0 * MARGIN) / Math.max(1e-9, graph.root().value())));
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
        var gone = graph.differential() ? gone(graph) : "";
        if (!gone.isEmpty()) {
            out.label(MARGIN, bottom + 36, Drawing.fitting(gone, room), Anchor.START, Theme.MUTED);
        }
        return out.build(WIDTH, (int) bottom + (graph.differential() ? gone.isEmpty() ? 30 : 48 : 12));
    }

    /** Rows of frames that are wide enough to be drawn. */
    private static int depth(Picture.Frame frame, double pixels) {
        int deepest = 0;
        for (var callee : frame.callees()) {
            if (callee.value() * pixels >= NARROWEST_FRAME) {
                deepest = Math.max(deepest, depth(callee, pixels));
            }
        }
        return deepest + 1;
    }

    /** What has no width any more: the largest frames that are not there after. */
    private static String gone(Picture.FlameGraph graph) {
        var gone = new ArrayList<Picture.Frame>();
        gone(graph.root(), gone);
        gone.sort(java.util.Comparator.comparingDouble(frame -> -frame.before()));
        return gone.isEmpty()
                ? ""
                : "no longer there: "
                        + gone.subList(0, Math.min(4, gone.size())).stream()
                                .map(frame -> String.format(
                                        Locale.ROOT,
                                        "%s (was %.1f %%)",
                                        frame.name(),
                                        100 * frame.before() / graph.root().before()))
                                .collect(java.util.stream.Collectors.joining(", "))
                        + (gone.size() > 4 ? " and " + (gone.size() - 4) + " more" : "");
    }

    private static void gone(Picture.Frame frame, List<Picture.Frame> gone) {
        if (frame.value() == 0 && frame.before() > 0) {
            gone.add(frame);
        } else {
            frame.callees().forEach(callee -> gone(callee, gone));
        }
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

    // ---- for all

    static String number(double number) {
        return number == Math.rint(number)
                ? String.format(Locale.ROOT, "%.0f", number)
                : String.format(Locale.ROOT, "%.2f", number);
    }
}
