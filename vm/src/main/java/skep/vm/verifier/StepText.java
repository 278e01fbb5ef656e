package skep.vm.verifier;

/** The lines of the log about single steps, as the kernel writes them at levels 1 and 2. */
final class StepText {
    private final Walker w;
    boolean fresh = true;

    StepText(Walker walker) {
        this.w = walker;
    }

    private static String speculative(PathState state) {
        return state.speculative ? " (speculative execution)" : "";
    }

    void safe(int insn, int from, PathState state) {
        if (!w.log.steps()) {
            return;
        }
        if (fresh) {
            w.log.append("\nfrom " + from + " to " + insn + speculative(state) + ": safe\n");
        } else {
            w.log.append(insn + ": safe\n");
        }
    }

    void before(int insn, int from, PathState state) {
        if (!w.log.steps()) {
            return;
        }
        if (fresh && from >= 0 && w.log.allPaths()) {
            w.log.append("\nfrom " + from + " to " + insn + speculative(state) + ":"
                    + StateText.of(state, state.depth()) + "\n");
        } else {
            w.log.append(insn + ":" + StateText.of(state, state.depth()) + "\n");
        }
        fresh = false;
        w.input
                .lines()
                .at(insn)
                .filter(e -> e.insn() == insn)
                .ifPresent(e -> w.log.append("; ")
                        .append(e.text().strip())
                        .append(" @ ")
                        .append(e.source())
                        .append(":")
                        .append(Integer.toString(e.line()))
                        .append("\n"));
        w.log.append(insn + ": " + InsnText.of(w.input.code(), insn) + "\n");
    }
}
