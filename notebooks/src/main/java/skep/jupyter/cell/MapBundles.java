package skep.jupyter.cell;

import skep.jupyter.protocol.MimeBundle;
import skep.session.view.TextRenderer;
import skep.session.view.Value;
import skep.session.view.View;

/** Maps in every form that a front end may show: the terminal's text always, a table where it helps. */
final class MapBundles {
    /** Rows of a table; the text below says how many more there are. */
    private static final int MAX_ROWS = 200;

    private MapBundles() {}

    static MimeBundle of(View.MapView map) {
        var text = MimeBundle.plain(new TextRenderer().render(map).stripTrailing());
        return switch (map.shape()) {
            case NUMBER, AVERAGE, OTHER -> map.keyed() ? text.with(MimeBundle.HTML, table(map)) : text;
            case STATS, QUANTILES, HISTOGRAM, SERIES -> text;
        };
    }

    // No style sheet: a saved notebook that is not trusted loses it, and must still be a table.
    private static String table(View.MapView map) {
        var html = new StringBuilder("<table><thead><tr>");
        int keys = map.rows().isEmpty() ? 1 : map.rows().getFirst().key().size();
        for (int i = 0; i < keys; i++) {
            html.append("<th>").append(i == 0 ? Html.escape(map.name()) : "").append("</th>");
        }
        html.append("<th>value</th></tr></thead><tbody>");
        // Largest first in a table; the terminal has them last, next to the prompt.
        var rows = map.rows().reversed();
        for (var row : rows.subList(0, Math.min(MAX_ROWS, rows.size()))) {
            html.append("<tr>");
            for (var key : row.key()) {
                html.append("<td align=\"left\">").append(cell(key)).append("</td>");
            }
            html.append("<td align=\"right\">").append(cell(row.value())).append("</td></tr>");
        }
        html.append("</tbody></table>");
        if (rows.size() > MAX_ROWS) {
            html.append("<p>").append(rows.size() - MAX_ROWS).append(" more rows</p>");
        }
        return html.toString();
    }

    private static String cell(Value value) {
        return value instanceof Value.Stack stack
                ? "<pre>" + Html.escape(String.join("\n", stack.frames())) + "</pre>"
                : Html.escape(TextRenderer.text(value));
    }
}
