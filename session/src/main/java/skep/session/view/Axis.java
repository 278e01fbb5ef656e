package skep.session.view;

import java.util.Locale;
import java.util.regex.Pattern;

/**
 * What an axis stands for. The script's own expression says it, and so does the name of a map, where people put the unit:
 * {@code @usecs}, {@code @bytes}, {@code @disk_us}.
 *
 * @param text label of the axis with its unit, such as {@code time (s)}; may be empty
 * @param unit of the numbers, such as {@code µs}; empty if not known
 * @param scale by which a number of the script is multiplied before it stands on the axis
 */
record Axis(String text, String unit, double scale) {
    private static final Pattern WORD_BREAK = Pattern.compile("[^A-Za-z]+|(?<=[a-z])(?=[A-Z])");

    /** {@code elapsed / 100ms}, {@code (nsecs - @start) / 1000000}: a time divided into steps. */
    private static final Pattern TIME_STEPS = Pattern.compile(
            "\\(?\\s*(?:elapsed|nsecs(?:\\(\\w*\\))?(?:\\s*-\\s*[^/()]+)?)\\s*\\)?(?:\\s*/\\s*(\\d+)\\s*(ns|us|ms|s|m)?)?");

    private static final Pattern DIVIDED = Pattern.compile("/\\s*(\\d+)\\s*(ns|us|ms|s)?\\s*\\)?$");

    /** Of the values that a map counts. */
    static Axis ofValue(View.MapView map) {
        var expression = map.labels().value();
        var named = unitOfName(map.name());
        var unit = named.isEmpty() ? unitOfExpression(expression) : named;
        // A long expression explains nothing that its unit does not.
        var what = expression.length() > 48 || expression.matches("\\d*") ? "" : expression;
        return new Axis(with(what, unit), unit, 1);
    }

    /** Of the first part of a map's key. */
    static Axis ofKey(View.MapView map) {
        var expression = map.labels().key();
        var time = TIME_STEPS.matcher(expression);
        if (time.matches()) {
            double step = time.group(1) == null ? 1 : Double.parseDouble(time.group(1));
            return new Axis("time (s)", "s", step * seconds(time.group(2)));
        }
        return new Axis(expression, "", 1);
    }

    /** A number of the script as it stands on the axis. */
    String at(long number) {
        return scale == 1 ? Long.toString(number) : decimal(number * scale);
    }

    /** At most four digits behind the point, none that say nothing. */
    static String decimal(double number) {
        var text = String.format(Locale.ROOT, "%.4f", number);
        return text.contains(".") ? text.replaceAll("0+$", "").replaceAll("\\.$", "") : text;
    }

    private static double seconds(String unit) {
        return switch (unit == null ? "ns" : unit) {
            case "us" -> 1e-6;
            case "ms" -> 1e-3;
            case "s" -> 1;
            case "m" -> 60;
            default -> 1e-9;
        };
    }

    private static String with(String what, String unit) {
        return unit.isEmpty() ? what : what.isEmpty() ? unit : what + " (" + unit + ")";
    }

    private static String unitOfName(String name) {
        for (var word : WORD_BREAK.split(name)) {
            var unit = switch (word.toLowerCase(Locale.ROOT)) {
                case "ns", "nsec", "nsecs", "nanos", "nanoseconds" -> "ns";
                case "us", "usec", "usecs", "micros", "microseconds" -> "µs";
                case "ms", "msec", "msecs", "millis", "milliseconds" -> "ms";
                case "sec", "secs", "seconds" -> "s";
                case "bytes", "size", "sizes" -> "bytes";
                case "kb", "kib", "kilobytes" -> "KiB";
                case "mb", "mib", "megabytes" -> "MiB";
                case "pages" -> "pages";
                default -> "";
            };
            if (!unit.isEmpty()) {
                return unit;
            }
        }
        return "";
    }

    /** A difference of times is in nanoseconds until it is divided. */
    private static String unitOfExpression(String expression) {
        if (!expression.contains("nsecs") && !expression.contains("elapsed")) {
            return expression.endsWith("bytes") || expression.endsWith("len") ? "bytes" : "";
        }
        var divided = DIVIDED.matcher(expression);
        if (!divided.find()) {
            return expression.contains("/") || expression.contains("%") ? "" : "ns";
        }
        long by = Math.round(Double.parseDouble(divided.group(1)) * seconds(divided.group(2)) * 1e9);
        return by == 1 ? "ns" : by == 1_000 ? "µs" : by == 1_000_000 ? "ms" : by == 1_000_000_000 ? "s" : "";
    }
}
