package skep.linux;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;

/** How alike two logs are: lines that are in both, in the same order, of the longer one's lines. */
record LogComparison(int same, int lines, boolean identical) {
    /** Beyond so many cells of the table, logs are compared line by line without looking for shifted ones. */
    private static final long MAX_CELLS = 9_000_000;

    /** What the kernel shows of a map that is loaded: where it lies. */
    private static final Pattern KERNEL_ADDRESS =
            Pattern.compile("(\\(18\\) r\\d) = 0x(?:0|ffff[89a-e][0-9a-f]{11}) *(;|$)");

    static final LogComparison NONE = new LogComparison(0, 0, true);

    static LogComparison of(String ours, String kernels) {
        var a = lines(ours);
        var b = lines(kernels);
        int lines = Math.max(a.size(), b.size());
        int start = 0;
        while (start < a.size() && start < b.size() && a.get(start).equals(b.get(start))) {
            start++;
        }
        int end = 0;
        while (end < a.size() - start
                && end < b.size() - start
                && a.get(a.size() - 1 - end).equals(b.get(b.size() - 1 - end))) {
            end++;
        }
        int common = start + end + between(a.subList(start, a.size() - end), b.subList(start, b.size() - end));
        return new LogComparison(common, lines, common == lines && a.size() == b.size());
    }

    LogComparison plus(LogComparison other) {
        return new LogComparison(same + other.same, lines + other.lines, identical && other.identical);
    }

    /** The lines, without what differs from run to run. */
    static List<String> lines(String log) {
        var lines = new ArrayList<String>();
        log.lines()
                .map(line -> line.startsWith("verification time ") ? "verification time" : line)
                .map(line -> KERNEL_ADDRESS.matcher(line).replaceFirst("$1 = 0x0$2"))
                .forEach(lines::add);
        return lines;
    }

    private static int between(List<String> a, List<String> b) {
        if ((long) a.size() * b.size() > MAX_CELLS) {
            int same = 0;
            for (int i = 0; i < Math.min(a.size(), b.size()); i++) {
                same += a.get(i).equals(b.get(i)) ? 1 : 0;
            }
            return same;
        }
        var row = new int[b.size() + 1];
        for (var line : a) {
            int diagonal = 0;
            for (int j = 0; j < b.size(); j++) {
                int above = row[j + 1];
                row[j + 1] = line.equals(b.get(j)) ? diagonal + 1 : Math.max(above, row[j]);
                diagonal = above;
            }
        }
        return row[b.size()];
    }
}
