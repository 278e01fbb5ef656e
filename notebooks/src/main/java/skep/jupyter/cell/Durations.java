package skep.jupyter.cell;

import java.math.BigDecimal;
import java.time.Duration;
import java.util.Optional;
import java.util.regex.Pattern;

/** Durations as people write them: {@code 3s}, {@code 500ms}, {@code 2m}, {@code 1.5}. */
final class Durations {
    private static final Pattern FORM = Pattern.compile("(\\d+(?:\\.\\d+)?)\\s*(ns|us|ms|s|m|h)?");

    private Durations() {}

    /** Empty if it is none. Without a unit it is seconds. */
    static Optional<Duration> parse(String text) {
        var match = FORM.matcher(text.strip());
        if (!match.matches()) {
            return Optional.empty();
        }
        long unitNanos = switch (match.group(2) == null ? "s" : match.group(2)) {
            case "ns" -> 1;
            case "us" -> 1_000;
            case "ms" -> 1_000_000;
            case "m" -> 60_000_000_000L;
            case "h" -> 3_600_000_000_000L;
            default -> 1_000_000_000;
        };
        try {
            return Optional.of(Duration.ofNanos(new BigDecimal(match.group(1))
                    .multiply(BigDecimal.valueOf(unitNanos))
                    .toBigInteger()
                    .longValueExact()));
        } catch (ArithmeticException e) {
            return Optional.empty();
        }
    }

    static String show(Duration duration) {
        long millis = duration.toMillis();
        return millis % 1000 == 0 ? millis / 1000 + " s" : millis < 1000 ? millis + " ms" : millis / 1000.0 + " s";
    }
}
