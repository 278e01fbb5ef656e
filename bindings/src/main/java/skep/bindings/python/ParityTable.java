package skep.bindings.python;

import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import skep.session.Targets;

/** The results of a parity run as text. */
final class ParityTable {
    private static final int MAX_REASON = 160;

    private ParityTable() {}

    static String markdown(List<String> targets, Map<String, Map<String, ParityRun.Result>> results) {
        var text = new StringBuilder("| tool | -h | compiles |");
        for (var target : targets) {
            text.append(' ').append(target).append(": loads | attaches | output |");
            text.append(simulated(target) ? " check |" : "");
        }
        text.append(" why not |\n|---|---|---|");
        targets.forEach(target -> text.append("---|---|---|").append(simulated(target) ? "---|" : ""));
        text.append("---|\n");
        results.forEach((tool, byTarget) -> row(text, tool, targets, byTarget));
        return text.append('\n').toString();
    }

    private static void row(
            StringBuilder text, String tool, List<String> targets, Map<String, ParityRun.Result> byTarget) {
        boolean help = byTarget.values().stream().allMatch(ParityRun.Result::help);
        boolean compiles = byTarget.values().stream().anyMatch(ParityRun.Result::compiles);
        text.append("| ")
                .append(tool)
                .append(" | ")
                .append(mark(help))
                .append(" | ")
                .append(mark(compiles))
                .append(" |");
        var why = new StringBuilder();
        for (var target : targets) {
            var result = byTarget.get(target);
            if (result == null) {
                text.append(" | | |").append(simulated(target) ? " |" : "");
                continue;
            }
            text.append(' ').append(mark(result.loads())).append(" | ");
            text.append(result.attached() == 0 ? "–" : Integer.toString(result.attached()))
                    .append(" | ");
            text.append(mark(result.plausible())).append(" |");
            if (simulated(target)) {
                text.append(' ').append(check(result)).append(" |");
            }
            if (!result.why().isEmpty()) {
                why.append(why.isEmpty() ? "" : "; ")
                        .append(target)
                        .append(": ")
                        .append(result.why());
            } else if (!result.plausible()) {
                why.append(why.isEmpty() ? "" : "; ")
                        .append(target)
                        .append(": ")
                        .append("printed next to nothing");
            }
        }
        var reason = why.toString().replace("|", "\\|");
        text.append(' ')
                .append(reason.length() > MAX_REASON ? reason.substring(0, MAX_REASON) + "…" : reason)
                .append(" |\n");
    }

    /** Only of simulated kernels it is known what happened in them. */
    private static boolean simulated(String target) {
        return target.startsWith("embedded");
    }

    /** What of the output was compared, or what differs; a dash where no rule is written for the tool. */
    private static String check(ParityRun.Result result) {
        return result.check().isEmpty()
                ? "-"
                : result.check().replaceFirst("^yes:", "✓").replace("|", "\\|");
    }

    private static String mark(boolean yes) {
        return yes ? "✓" : "–";
    }

    /** One line a step and target: how many tools came so far. */
    static String counts(List<String> targets, Map<String, Map<String, ParityRun.Result>> results) {
        var text = new StringBuilder();
        for (var target : targets) {
            var own = results.values().stream()
                    .filter(byTarget -> byTarget.containsKey(target))
                    .map(byTarget -> byTarget.get(target))
                    .toList();
            text.append(target.equals(Targets.LIVE) ? "live" : target)
                    .append(": ")
                    .append(own.size())
                    .append(" tools; start with -h ")
                    .append(count(own, ParityRun.Result::help))
                    .append(", compile ")
                    .append(count(own, ParityRun.Result::compiles))
                    .append(", load ")
                    .append(count(own, ParityRun.Result::loads))
                    .append(", attach ")
                    .append(count(own, result -> result.attached() > 0))
                    .append(", plausible output ")
                    .append(count(own, ParityRun.Result::plausible))
                    .append(", output as it happened ")
                    .append(count(own, ParityRun.Result::agrees))
                    .append(".\n");
        }
        return text.toString();
    }

    private static long count(List<ParityRun.Result> results, Predicate<ParityRun.Result> wanted) {
        return results.stream().filter(wanted).count();
    }
}
