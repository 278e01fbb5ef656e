package skep.vm.verifier;

/** Words for a person about a rejection. */
final class Explanation {
    private Explanation() {}

    static String of(Verdict.Rejected rejected) {
        var text = new StringBuilder();
        text.append("ERROR: the verifier rejects instruction ")
                .append(rejected.insn())
                .append(": ")
                .append(rejected.message())
                .append('\n');
        rejected.source()
                .ifPresent(entry -> text.append(entry.source())
                        .append(':')
                        .append(entry.line())
                        .append(": ")
                        .append(entry.text())
                        .append('\n'));
        for (var fact : rejected.registers()) {
            text.append("  ")
                    .append(fact.register())
                    .append(" = ")
                    .append(fact.fact())
                    .append('\n');
        }
        var path = rejected.path();
        if (!path.isEmpty()) {
            text.append("  reached through:\n");
            for (var step : path.subList(Math.max(0, path.size() - 8), path.size())) {
                text.append("    ")
                        .append(step.insn())
                        .append(": ")
                        .append(step.text())
                        .append(step.target() == step.insn() + 1 ? ": not taken" : ": taken, to " + step.target())
                        .append('\n');
            }
        }
        rejected.hint().ifPresent(hint -> text.append("HINT: ").append(hint).append('\n'));
        return text.toString();
    }
}
