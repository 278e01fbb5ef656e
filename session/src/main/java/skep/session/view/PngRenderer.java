package skep.session.view;

import java.awt.BasicStroke;
import java.awt.Color;
import java.awt.Font;
import java.awt.Graphics2D;
import java.awt.RenderingHints;
import java.awt.geom.Path2D;
import java.awt.geom.Rectangle2D;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import javax.imageio.ImageIO;
import skep.session.view.Drawing.Fixed;
import skep.session.view.Drawing.Ink;
import skep.session.view.Drawing.Theme;

/** Pictures as PNG, light, two pixels for one. The JDK's own drawing does it, without a display. */
public final class PngRenderer {
    private static final int SCALE = 2;

    private PngRenderer() {}

    /** The bytes of a PNG file. */
    public static byte[] render(Picture picture) {
        return render(picture, "");
    }

    /** The same with a line below it; empty for none. */
    public static byte[] render(Picture picture, String note) {
        // No display is wanted, wherever this runs.
        System.setProperty("java.awt.headless", "true");
        var drawing = Draughtsman.draw(picture, note);
        var image = new BufferedImage(drawing.width() * SCALE, drawing.height() * SCALE, BufferedImage.TYPE_INT_RGB);
        var graphics = image.createGraphics();
        try {
            graphics.scale(SCALE, SCALE);
            graphics.setRenderingHint(RenderingHints.KEY_ANTIALIASING, RenderingHints.VALUE_ANTIALIAS_ON);
            graphics.setRenderingHint(RenderingHints.KEY_TEXT_ANTIALIASING, RenderingHints.VALUE_TEXT_ANTIALIAS_ON);
            graphics.setColor(color(Theme.BACKGROUND));
            graphics.fillRect(0, 0, drawing.width(), drawing.height());
            for (var shape : drawing.shapes()) {
                shape(graphics, shape);
            }
        } finally {
            graphics.dispose();
        }
        var out = new ByteArrayOutputStream();
        try {
            ImageIO.setUseCache(false);
            ImageIO.write(image, "png", out);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return out.toByteArray();
    }

    private static void shape(Graphics2D graphics, Drawing.Shape shape) {
        switch (shape) {
            case Drawing.Rect r -> {
                graphics.setColor(color(r.ink()));
                graphics.fill(new Rectangle2D.Double(r.x(), r.y(), r.width(), r.height()));
            }
            case Drawing.Label l -> {
                graphics.setColor(color(l.ink()));
                graphics.setFont(new Font(Font.MONOSPACED, l.bold() ? Font.BOLD : Font.PLAIN, l.bold() ? 14 : 12));
                double width = graphics.getFontMetrics()
                        .getStringBounds(l.text(), graphics)
                        .getWidth();
                double left = switch (l.anchor()) {
                    case START -> l.x();
                    case MIDDLE -> l.x() - width / 2;
                    case END -> l.x() - width;
                };
                graphics.drawString(l.text(), (float) left, (float) l.y());
            }
            case Drawing.Path p -> {
                graphics.setColor(color(p.ink()));
                graphics.setStroke(new BasicStroke((float) p.thickness()));
                var path = new Path2D.Double();
                path.moveTo(p.points().get(0), p.points().get(1));
                for (int i = 2; i < p.points().size(); i += 2) {
                    path.lineTo(p.points().get(i), p.points().get(i + 1));
                }
                graphics.draw(path);
            }
        }
    }

    private static Color color(Ink ink) {
        return switch (ink) {
            case Theme theme -> new Color(theme.light);
            case Fixed fixed -> new Color(fixed.rgb());
        };
    }
}
