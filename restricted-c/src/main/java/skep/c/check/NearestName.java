package skep.c.check;

import java.util.Collection;
import java.util.Optional;

/** The name that a mistyped one was probably meant to be. */
public final class NearestName {
    private NearestName() {}

    /** {@code ; did you mean 'x'?}, or nothing. */
    public static String suffix(String name, Collection<String> candidates) {
        return of(name, candidates).map(n -> "; did you mean '" + n + "'?").orElse("");
    }

    /** The candidate that takes the fewest edits, if these are at most a third of the name. */
    public static Optional<String> of(String name, Collection<String> candidates) {
        int best = name.length() / 3 + 1;
        Optional<String> found = Optional.empty();
        for (var candidate : candidates) {
            if (Math.abs(candidate.length() - name.length()) < best) {
                int distance = distance(name, candidate);
                if (distance < best && distance > 0) {
                    best = distance;
                    found = Optional.of(candidate);
                }
            }
        }
        return found;
    }

    private static int distance(String a, String b) {
        var row = new int[b.length() + 1];
        for (int j = 0; j <= b.length(); j++) {
            row[j] = j;
        }
        for (int i = 1; i <= a.length(); i++) {
            int diagonal = row[0];
            row[0] = i;
            for (int j = 1; j <= b.length(); j++) {
                int above = row[j];
                int change = a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1;
                row[j] = Math.min(Math.min(row[j] + 1, row[j - 1] + 1), diagonal + change);
                diagonal = above;
            }
        }
        return row[b.length()];
    }
}
