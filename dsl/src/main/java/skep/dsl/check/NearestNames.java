package skep.dsl.check;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.Iterator;
import java.util.List;
import java.util.stream.Stream;

/** Finds names that look like a mistyped one. */
final class NearestNames {
    private static final int MAX_SHOWN = 3;

    private NearestNames() {}

    private record Candidate(String name, int distance) {}

    /** A hint such as {@code did you mean "a" or "b"?}, or an empty string. */
    static String hint(String wanted, Stream<String> names) {
        int bound = Math.max(1, wanted.length() / 3);
        var best = new ArrayList<Candidate>();
        for (Iterator<String> it = names.iterator(); it.hasNext(); ) {
            var name = it.next();
            if (Math.abs(name.length() - wanted.length()) <= bound) {
                int distance = distance(wanted, name, bound);
                if (distance <= bound) {
                    best.add(new Candidate(name, distance));
                }
            }
        }
        best.sort(Comparator.comparingInt(Candidate::distance).thenComparing(Candidate::name));
        List<String> shown = best.stream()
                .map(Candidate::name)
                .distinct()
                .limit(MAX_SHOWN)
                .map(n -> "'" + n + "'")
                .toList();
        return shown.isEmpty() ? "" : "did you mean " + String.join(" or ", shown) + "?";
    }

    /** Edit distance, or something above {@code bound}. */
    static int distance(String a, String b, int bound) {
        var previous = new int[b.length() + 1];
        var current = new int[b.length() + 1];
        for (int j = 0; j <= b.length(); j++) {
            previous[j] = j;
        }
        for (int i = 1; i <= a.length(); i++) {
            current[0] = i;
            int least = i;
            for (int j = 1; j <= b.length(); j++) {
                int change = a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1;
                current[j] = Math.min(previous[j - 1] + change, Math.min(previous[j], current[j - 1]) + 1);
                least = Math.min(least, current[j]);
            }
            if (least > bound) {
                return bound + 1;
            }
            var swap = previous;
            previous = current;
            current = swap;
        }
        return previous[b.length()];
    }
}
