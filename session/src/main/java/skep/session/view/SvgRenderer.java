package skep.session.view;

import java.util.Locale;
import java.util.stream.Collectors;
import skep.session.view.Drawing.Anchor;
import skep.session.view.Drawing.Fixed;
import skep.session.view.Drawing.Ink;
import skep.session.view.Drawing.Theme;

/**
 * Pictures as SVG: one file that needs nothing else, with tips where a pointer rests, in light or dark as the reader's
 * system has it. The same picture gives the same characters.
 */
public final class SvgRenderer {
    private SvgRenderer() {}

    /** A whole SVG document. */
    public static String render(Picture picture) {
        return render(picture, "");
    }

    /**
     * The same with a line below it.
     *
     * @param note where the numbers come from; empty for no line
     */
    public static String render(Picture picture, String note) {
        var drawing = Draughtsman.draw(picture, note);
        var out = new StringBuilder();
        // Within a page the style is the page's too: it is for what stands in this picture only.
        out.append("<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"skep\" width=\"")
                .append(drawing.width());
        out.append("\" height=\"")
                .append(drawing.height())
                .append("\" viewBox=\"0 0 ")
                .append(drawing.width());
        out.append(' ').append(drawing.height()).append("\" role=\"img\"");
        // In a narrow column it shrinks.
        out.append(" style=\"max-width:100%;height:auto\">\n");
        out.append("<title>").append(escaped(picture.title())).append("</title>\n");
        out.append("<style>");
        out.append(".skep text{font:12px ui-monospace,Menlo,Consolas,'DejaVu Sans Mono',monospace}"
                + ".skep .b{font-weight:bold;font-size:14px}");
        themes(out, false);
        out.append("@media (prefers-color-scheme:dark){");
        themes(out, true);
        out.append("}</style>\n");
        out.append("<rect class=\"background\" width=\"100%\" height=\"100%\"/>\n");
        for (var shape : drawing.shapes()) {
            shape(out, shape);
        }
        return out.append("</svg>\n").toString();
    }

    private static void themes(StringBuilder out, boolean dark) {
        for (var theme : Theme.values()) {
            out.append(".skep .")
                    .append(name(theme))
                    .append("{fill:")
                    .append(hex(dark ? theme.dark : theme.light))
                    .append('}');
        }
        out.append(".skep .l{fill:none}");
        for (var theme : Theme.values()) {
            out.append(".skep .l.").append(name(theme)).append("{fill:none;stroke:");
            out.append(hex(dark ? theme.dark : theme.light)).append('}');
        }
    }

    private static void shape(StringBuilder out, Drawing.Shape shape) {
        switch (shape) {
            case Drawing.Rect r -> {
                out.append("<rect x=\"").append(number(r.x())).append("\" y=\"").append(number(r.y()));
                out.append("\" width=\"")
                        .append(number(r.width()))
                        .append("\" height=\"")
                        .append(number(r.height()));
                out.append('"').append(paint(r.ink(), "fill"));
                tip(out, r.tip(), "rect");
            }
            case Drawing.Label l -> {
                out.append("<text x=\"")
                        .append(number(l.x()))
                        .append("\" y=\"")
                        .append(number(l.y()))
                        .append('"');
                if (l.anchor() != Anchor.START) {
                    out.append(" text-anchor=\"")
                            .append(l.anchor().name().toLowerCase(Locale.ROOT))
                            .append('"');
                }
                out.append(l.bold() ? " class=\"b " + name((Theme) l.ink()) + "\"" : paint(l.ink(), "fill"));
                out.append('>').append(escaped(l.text())).append("</text>\n");
            }
            case Drawing.Path p -> {
                var points = new StringBuilder();
                for (int i = 0; i < p.points().size(); i += 2) {
                    points.append(i == 0 ? "" : " ")
                            .append(number(p.points().get(i)))
                            .append(',');
                    points.append(number(p.points().get(i + 1)));
                }
                out.append("<polyline points=\"").append(points).append('"');
                out.append(
                        p.ink() instanceof Theme theme
                                ? " class=\"l " + name(theme) + "\""
                                : " class=\"l\" stroke=\"" + hex(((Fixed) p.ink()).rgb()) + "\"");
                out.append(" stroke-width=\"").append(number(p.thickness())).append('"');
                tip(out, p.tip(), "polyline");
            }
        }
    }

    private static void tip(StringBuilder out, String tip, String element) {
        if (tip.isEmpty()) {
            out.append("/>\n");
        } else {
            out.append("><title>")
                    .append(escaped(tip))
                    .append("</title></")
                    .append(element)
                    .append(">\n");
        }
    }

    private static String paint(Ink ink, String property) {
        return switch (ink) {
            case Theme theme -> " class=\"" + name(theme) + "\"";
            case Fixed fixed -> " " + property + "=\"" + hex(fixed.rgb()) + "\"";
        };
    }

    private static String name(Theme theme) {
        return theme.name().toLowerCase(Locale.ROOT);
    }

    private static String hex(int rgb) {
        return String.format("#%06x", rgb);
    }

    /** At most two digits behind the point, none that say nothing. */
    private static String number(double number) {
        long hundredths = Math.round(number * 100);
        if (hundredths % 100 == 0) {
            return Long.toString(hundredths / 100);
        }
        return String.format(Locale.ROOT, hundredths % 10 == 0 ? "%.1f" : "%.2f", hundredths / 100.0);
    }

    /** Text that may stand between tags: characters that XML forbids become question marks. */
    static String escaped(String text) {
        return text.codePoints()
                .mapToObj(c -> switch (c) {
                    case '<' -> "&lt;";
                    case '>' -> "&gt;";
                    case '&' -> "&amp;";
                    case '"' -> "&quot;";
                    default ->
                        c < 32 && c != '\t' && c != '\n' || c >= 0xd800 && c < 0xe000 || c > 0xfffd && c < 0x10000
                                ? "?"
                                : Character.toString(c);
                })
                .collect(Collectors.joining());
    }
}
