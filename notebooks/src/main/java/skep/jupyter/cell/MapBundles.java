package skep.jupyter.cell;

import java.util.Base64;
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
 * as SVG (with tooltips) and PNG (for viewers that show nothing else: untrusted notebooks, previews of code hosts).
 */
final class MapBundles {
    /** Rows of a table; the text below says how many more there are. */
    private static final int MAX_ROWS = 200;

    private MapBundles() {}

    /** A map as it is now; {@code last} if it will not change any more, so that the costly forms are made too. */
    static MimeBundle of(View.MapView map, boolean last) {
        var text = MimeBundle.plain(new TextRenderer().render(map).stripTrailing());
        return map.rows().isEmpty() ? text : drawn(text, Pictures.of(map), last);
    }

    static MimeBundle of(Picture picture) {
        return drawn(MimeBundle.plain(PictureText.render(picture).stripTrailing()), picture, true);
    }

    private static MimeBundle drawn(MimeBundle text, Picture picture, boolean last) {
        if (picture instanceof Picture.Table table) {
            return text.with(MimeBundle.HTML, html(table));
        }
        var drawn = text.with(MimeBundle.SVG, SvgRenderer.render(picture));
        return last
                ? drawn.with(MimeBundle.PNG, Base64.getEncoder().encodeToString(PngRenderer.render(picture)))
                : drawn;
    }

    // No style sheet: a saved notebook that is not trusted loses it, and must still be a table.
    private static String html(Picture.Table table) {
        var html = new StringBuilder("<table><thead><tr>");
        for (var column : table.columns()) {
            html.append("<th>").append(Html.escape(column.name())).append("</th>");
        }
        html.append("</tr></thead><tbody>");
        var rows = table.rows();
        for (var row : rows.subList(0, Math.min(MAX_ROWS, rows.size()))) {
            html.append("<tr>");
            for (int i = 0; i < row.size(); i++) {
                html.append(table.columns().get(i).number() ? "<td align=\"right\">" : "<td align=\"left\">")
                        .append(cell(row.get(i).text()))
                        .append("</td>");
            }
            html.append("</tr>");
        }
        html.append("</tbody></table>");
        if (rows.size() > MAX_ROWS) {
            html.append("<p>").append(rows.size() - MAX_ROWS).append(" more rows</p>");
        }
        return html.toString();
    }

    private static String cell(String text) {
        var escaped = Html.escape(text.strip());
        return escaped.contains("\n") ? "<pre>" + escaped + "</pre>" : escaped;
    }
}
