package skep.session.view;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import skep.session.view.Drawing.Anchor;
import skep.session.view.Drawing.Fixed;
import skep.session.view.Drawing.Theme;

/** Histograms: rows of bars, and several distributions over one another. */
final class DistributionDrawing {
    /** More panels are not drawn; a last line tells how many there are. */
    private static final int MAX_PANELS = 12;

    /** More bars of a panel are not drawn; a last line tells how many there are. */
    private static final int MAX_BARS = 400;

    /** Room on the right for the text of marks. */
    private static final int MARKS = 150;

    private static final int NUMBERS = 80;

    /** Height of a bar in an overlay. */
    private static final int THIN = 9;

    private DistributionDrawing() {}

    static Drawing bars(Picture.Bars picture) {
        var out = new Drawing.Builder();
        out.title(Draughtsman.MARGIN, 24, picture.title());
        double left = left(
                picture.axis(), picture.bars().stream().map(Picture.Bar::label).toList());
        int y = Draughtsman.TITLE;
        int panels = Math.min(MAX_PANELS, picture.panels().size());
        for (var panel : picture.panels().subList(0, panels)) {
            if (!panel.name().isEmpty()) {
                var name = Drawing.fitting(panel.name(), Draughtsman.WIDTH - 2.0 * Draughtsman.MARGIN);
                out.label(Draughtsman.MARGIN, y + Draughtsman.BASELINE, name, Anchor.START, Theme.TEXT);
                y += Draughtsman.ROW;
            }
            y = head(out, picture.axis(), "count", left, y);
            y = panel(out, panel, left, y) + 10;
        }
        y = Draughtsman.more(out, picture.panels().size() - panels, y);
        return out.build(Draughtsman.WIDTH, y + 4);
    }

    private static double left(String axis, List<String> labels) {
        int characters = labels.stream().mapToInt(String::length).max().orElse(0);
        return Draughtsman.MARGIN + Math.clamp(Math.max(characters, axis.length()), 4, 48) * Drawing.CHARACTER + 10;
    }

    /** What the columns are, in small letters above them. */
    private static int head(Drawing.Builder out, String axis, String unit, double left, int y) {
        out.label(left - 8, y + Draughtsman.BASELINE - 2, axis, Anchor.END, Theme.MUTED);
        out.label(left, y + Draughtsman.BASELINE - 2, unit + " →", Anchor.START, Theme.MUTED);
        return y + Draughtsman.ROW;
    }

    private static int panel(Drawing.Builder out, Picture.Panel panel, double left, int top) {
        double most =
                panel.bars().stream().mapToDouble(Picture.Bar::value).max().orElse(0);
        double all = panel.bars().stream().mapToDouble(Picture.Bar::value).sum();
        int rows = Math.min(panel.bars().size(), MAX_BARS);
        double room = Draughtsman.WIDTH - left - NUMBERS - (panel.marks().isEmpty() ? 0 : MARKS);
        var ends = new ArrayList<double[]>();
        for (int i = 0; i < rows; i++) {
            var bar = panel.bars().get(i);
            int y = top + i * Draughtsman.ROW;
            var label = Drawing.fitting(bar.label(), left - Draughtsman.MARGIN);
            out.label(left - 8, y + Draughtsman.BASELINE, label, Anchor.END, Theme.TEXT);
            double length = most == 0 ? 0 : bar.value() / most * room;
            var tip = bar.label() + ": " + Draughtsman.number(bar.value())
                    + (all == 0 ? "" : String.format(Locale.ROOT, " (%.1f %%)", 100 * bar.value() / all));
            if (bar.value() > 0) {
                out.rect(left, y + 2, Math.max(1, length), Draughtsman.ROW - 4, new Fixed(Draughtsman.LINES[0]), tip);
            }
            out.label(
                    left + length + 6,
                    y + Draughtsman.BASELINE,
                    Draughtsman.number(bar.value()),
                    Anchor.START,
                    Theme.MUTED);
            double number = Draughtsman.number(bar.value()).length() * Drawing.CHARACTER;
            ends.add(new double[] {left + length, left + length + number + 10});
        }
        out.line(left - 1, top, left - 1, top + rows * Draughtsman.ROW, Theme.GRID);
        marks(out, panel.marks(), left, top, ends);
        return Draughtsman.more(out, panel.bars().size() - rows, top + rows * Draughtsman.ROW + 4);
    }

    /**
     * Lines at quantiles, their text at the right; texts that would lie upon one another move down. A line leaves out the
     * numbers behind the bars.
     *
     * @param ends where the bar of each row ends, and where the number behind it does
     */
    private static void marks(
            Drawing.Builder out, List<Picture.Mark> marks, double left, int top, List<double[]> ends) {
        double right = Draughtsman.WIDTH - Draughtsman.MARGIN;
        double free = 0;
        var ink = new Fixed(Draughtsman.LINES[1]);
        for (var mark : marks) {
            double y = top + mark.at() * Draughtsman.ROW;
            double text = Math.max(y, free);
            int row = Math.clamp((int) mark.at(), 0, ends.size() - 1);
            double within = mark.at() - row;
            double from = left;
            for (int near = row - 1; near <= row + 1; near++) {
                boolean touches = near == row || near < row && within < 0.2 || near > row && within > 0.8;
                if (touches && near >= 0 && near < ends.size()) {
                    from = Math.max(from, ends.get(near)[1]);
                }
            }
            if (ends.get(row)[0] > left) {
                out.path(List.of(left, y, ends.get(row)[0], y), ink, mark.text());
            }
            if (from < right - MARKS + 20) {
                out.path(List.of(from, y, right - MARKS + 20, y, right - MARKS + 28, text), ink, mark.text());
            }
            out.label(right - MARKS + 32, text + 4, mark.text(), Anchor.START, Theme.TEXT);
            free = text + 14;
        }
    }

    static Drawing overlay(Picture.Overlay picture) {
        var out = new Drawing.Builder();
        out.title(Draughtsman.MARGIN, 24, picture.title());
        double left = left(picture.axis(), picture.buckets());
        double x = left;
        int y = Draughtsman.TITLE;
        for (int s = 0; s < picture.series().size(); s++) {
            var series = picture.series().get(s);
            var text = series.name() + ", " + series.samples() + " samples"
                    + (series.marks().isEmpty() ? "" : ": ")
                    + String.join(
                            ", ",
                            series.marks().stream().map(Picture.Mark::text).toList());
            out.rect(Draughtsman.MARGIN, y + 3, 12, 10, ink(s), "");
            out.label(
                    Draughtsman.MARGIN + 18,
                    y + Draughtsman.BASELINE,
                    Drawing.fitting(text, Draughtsman.WIDTH - Draughtsman.MARGIN * 3.0),
                    Anchor.START,
                    Theme.TEXT);
            y += Draughtsman.ROW;
        }
        y = head(out, picture.axis(), "share of the samples (%)", x, y + 4);
        double most = 0;
        for (var series : picture.series()) {
            for (int i = 0; i < picture.buckets().size(); i++) {
                most = Math.max(most, series.share(i));
            }
        }
        double room = Draughtsman.WIDTH - left - NUMBERS;
        int row = THIN * picture.series().size() + 6;
        int rows = Math.min(picture.buckets().size(), MAX_BARS);
        int top = y;
        for (int i = 0; i < rows; i++) {
            var label = Drawing.fitting(picture.buckets().get(i), left - Draughtsman.MARGIN);
            out.label(left - 8, y + row / 2.0 + 3, label, Anchor.END, Theme.TEXT);
            for (int s = 0; s < picture.series().size(); s++) {
                double share = picture.series().get(s).share(i);
                double length = most == 0 ? 0 : share / most * room;
                var percent = String.format(Locale.ROOT, "%.1f", 100 * share);
                if (share > 0) {
                    var tip = picture.series().get(s).name() + ", "
                            + picture.buckets().get(i) + ": " + percent + " % ("
                            + picture.series().get(s).counts().get(i) + ")";
                    out.rect(left, y + 2.0 + s * THIN, Math.max(1, length), THIN - 1, ink(s), tip);
                }
            }
            y += row;
        }
        out.line(left - 1, top, left - 1, y, Theme.GRID);
        double step = TimeDrawing.tick(100 * most / 4);
        for (double percent = 0; most > 0 && percent <= 100 * most; percent += step) {
            double at = left + room * percent / (100 * most);
            out.line(at, y, at, y + 4, Theme.GRID);
            out.label(at, y + 16, Axis.decimal(percent), percent == 0 ? Anchor.START : Anchor.MIDDLE, Theme.MUTED);
        }
        y = Draughtsman.more(out, picture.buckets().size() - rows, y + 22);
        return out.build((int) Math.max(Draughtsman.WIDTH, Draughtsman.titleEnd(picture.title())), y + 6);
    }

    private static Fixed ink(int series) {
        return new Fixed(Draughtsman.LINES[series % Draughtsman.LINES.length]);
    }
}
