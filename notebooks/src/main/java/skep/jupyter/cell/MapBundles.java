package skep.jupyter.cell;

import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Locale;
import org.knowm.xchart.BitmapEncoder;
import org.knowm.xchart.VectorGraphicsEncoder;
import skep.bindings.java.Chart;
import skep.bindings.java.Histogram;
import skep.bindings.java.TraceMap;
import skep.jupyter.protocol.MimeBundle;
import skep.session.view.Picture;
import skep.session.view.PictureText;
import skep.session.view.Pictures;
import skep.session.view.PngRenderer;
import skep.session.view.SvgRenderer;
import skep.session.view.TextRenderer;
import skep.session.view.View;

/**
 * Maps and pictures in every form that a front end may show: the terminal's text always, then a table as HTML, or a drawing
 * as SVG (with tooltips), and PNG (for viewers that show nothing else: untrusted notebooks, previews of code hosts).
 */
final class MapBundles {
    /** Rows of a table; the text below says how many more there are. */
    private static final int MAX_ROWS = 200;

    /**
     * Sorts the table by the column whose head is clicked. It stands in each head itself: front ends move scripts elsewhere.
     * Where it may not run, the table stands as it is.
     */
    private static final String SORT = "var h=this,i=h.cellIndex,b=h.closest('table').tBodies[0],u=h.dataset.up!='1',"
            + "r=[].slice.call(b.rows);h.dataset.up=u?'1':'0';r.sort(function(x,y){var p=x.cells[i].textContent,"
            + "q=y.cells[i].textContent,m=parseFloat(p),n=parseFloat(q),c=isNaN(m)||isNaN(n)?p.localeCompare(q):m-n;"
            + "return u?c:-c});r.forEach(function(x){b.appendChild(x)})";

    private MapBundles() {}

    /**
     * A map as it is now.
     *
     * @param last whether it will not change any more, so that the costly forms are made too
     */
    static MimeBundle of(View.MapView map, boolean last) {
        var text = MimeBundle.plain(new TextRenderer().render(map).stripTrailing());
        return map.rows().isEmpty()
                ? text
                : drawn(text, Pictures.of(map), map.labels().origin(), last);
    }

    /** A picture that will not change. @param note where its numbers come from; empty if from this machine's own kernel */
    static MimeBundle of(Picture picture, String note) {
        return drawn(MimeBundle.plain(PictureText.render(picture).stripTrailing()), picture, note, true);
    }

    /** What a value of another language looks like: pictures for what has one, else its text. */
    static List<MimeBundle> ofValue(Object value) {
        return switch (value) {
            case TraceMap map -> List.of(of(map.view(), true));
            case Histogram histogram -> List.of(of(histogram.view(), true));
            case Picture picture -> List.of(of(picture, ""));
            case Chart chart ->
                chart.pictures().stream()
                        .map(picture -> of(picture, chart.origin()))
                        .toList();
            case org.knowm.xchart.internal.chartpart.Chart<?, ?> chart -> List.of(of(chart));
            default -> List.of(MimeBundle.plain(String.valueOf(value)));
        };
    }

    /** A chart that a user has made with XChart. */
    private static MimeBundle of(org.knowm.xchart.internal.chartpart.Chart<?, ?> chart) {
        System.setProperty("java.awt.headless", "true");
        var text = MimeBundle.plain(chart.getTitle() + " ("
                + chart.getSeriesMap().size() + " series, " + chart.getWidth() + " × " + chart.getHeight() + ")");
        try {
            var svg = new java.io.ByteArrayOutputStream();
            VectorGraphicsEncoder.saveVectorGraphic(chart, svg, VectorGraphicsEncoder.VectorGraphicsFormat.SVG);
            return text.with(MimeBundle.SVG, svg.toString(java.nio.charset.StandardCharsets.UTF_8))
                    .with(
                            MimeBundle.PNG,
                            Base64.getEncoder()
                                    .encodeToString(
                                            BitmapEncoder.getBitmapBytes(chart, BitmapEncoder.BitmapFormat.PNG)));
        } catch (java.io.IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    private static MimeBundle drawn(MimeBundle text, Picture picture, String note, boolean last) {
        var drawn = picture instanceof Picture.Table table
                ? text.with(MimeBundle.HTML, html(table, note))
                : text.with(MimeBundle.SVG, SvgRenderer.render(picture, note));
        return last
                ? drawn.with(MimeBundle.PNG, Base64.getEncoder().encodeToString(PngRenderer.render(picture, note)))
                : drawn;
    }

    // No style sheet: a saved notebook that is not trusted loses it, and must still be a table.
    private static String html(Picture.Table table, String note) {
        var html = new StringBuilder("<table><thead><tr>");
        for (var column : table.columns()) {
            html.append("<th title=\"sort\" style=\"cursor:pointer\" onclick=\"")
                    .append(Html.escape(SORT))
                    .append("\">")
                    .append(Html.escape(column.name()))
                    .append("</th>");
        }
        html.append("</tr></thead><tbody>");
        var rows = table.rows();
        // Maps are printed with the greatest last; who has to leave rows out leaves out the smallest.
        int left = Math.max(0, rows.size() - MAX_ROWS);
        for (var row : rows.subList(left, rows.size())) {
            html.append("<tr>");
            for (int i = 0; i < row.size(); i++) {
                html.append(table.columns().get(i).number() ? "<td align=\"right\">" : "<td align=\"left\">")
                        .append(cell(row.get(i).text()))
                        .append("</td>");
            }
            html.append("</tr>");
        }
        html.append("</tbody></table>");
        var below = new ArrayList<String>();
        if (!table.title().startsWith("@") || table.title().contains(" ")) {
            below.add(table.title());
        }
        if (left > 0) {
            below.add(String.format(Locale.ROOT, "%,d smaller rows are not shown", left));
        }
        if (!note.isEmpty()) {
            below.add(note);
        }
        if (!below.isEmpty()) {
            html.append("<p><small>")
                    .append(Html.escape(String.join(" · ", below)))
                    .append("</small></p>");
        }
        return html.toString();
    }

    private static String cell(String text) {
        var escaped = Html.escape(text.strip());
        return escaped.contains("\n") ? "<pre>" + escaped + "</pre>" : escaped;
    }
}
