package skep.vm.verifier;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import skep.vm.verifier.Verdict.Accepted;
import skep.vm.verifier.Verdict.RegisterFact;
import skep.vm.verifier.Verdict.Rejected;

/**
 * Judges programs by the rules of Linux 6.18: what it accepts is safe to run without checks on real addresses.
 *
 * <pre>{@code
 * var verdict = Verifier.verify(VerifierInput.of(code, ProgramType.TRACEPOINT).maps(fd -> resolve(fd)).build());
 * switch (verdict) {
 *     case Verdict.Accepted accepted -> run(accepted.program());
 *     case Verdict.Rejected rejected -> show(rejected.explanation());
 * }
 * }</pre>
 *
 * <p>A pure function: no state is kept between calls and any thread may call it.
 */
public final class Verifier {
    private static final int MAX_PATH = 100;
    private static final int MAX_UNPRIVILEGED_INSNS = 4096;
    private static final int MAX_INSNS = 1_000_000;

    private Verifier() {}

    /** The verdict on one program; malformed programs are rejected with the kernel's words, never an exception. */
    public static Verdict verify(VerifierInput input) {
        long start = System.nanoTime();
        var walker = new Walker(input);
        try {
            int most = input.privilege() == VerifierInput.Privilege.NONE ? MAX_UNPRIVILEGED_INSNS : MAX_INSNS;
            if (input.code().size() == 0 || input.code().size() > most) {
                throw Refusal.of(
                        walker.log,
                        Refusal.E2BIG,
                        "program of %d instructions",
                        input.code().size());
            }
            walker.run();
        } catch (Refusal refusal) {
            var stats = stats(walker, start);
            writeStats(walker, stats);
            return rejected(walker, refusal, stats);
        }
        var stats = stats(walker, start);
        writeStats(walker, stats);
        var program = new VerifiedProgram(
                input,
                walker.functions(),
                walker.maps.byFd(),
                walker.facts.facts(),
                walker.facts.beliefs(),
                walker.facts.buffers());
        return new Accepted(program, walker.log.text(), stats);
    }

    private static Stats stats(Walker walker, long start) {
        return new Stats(
                walker.insnsProcessed,
                walker.pruning.totalStates,
                walker.pruning.peakStates,
                walker.pruning.maxStatesPerInsn,
                System.nanoTime() - start,
                new Stats.Visits(walker.visits),
                walker.paths == null ? Exploration.NONE : walker.paths.exploration());
    }

    private static void writeStats(Walker walker, Stats stats) {
        if (walker.log.stats()) {
            walker.log.append("verification time " + stats.nanos() / 1000 + " usec\nstack depth "
                    + walker.stackDepthText() + "\n");
        }
        if (!walker.log.isOff()) {
            walker.log.append("processed " + stats.insnsProcessed() + " insns (limit 1000000) max_states_per_insn "
                    + stats.maxStatesPerInsn() + " total_states " + stats.totalStates() + " peak_states "
                    + stats.peakStates() + " mark_read 0\n");
        }
    }

    private static Rejected rejected(Walker walker, Refusal refusal, Stats stats) {
        int insn = walker.insn;
        var message = walker.log.lastLine();
        return new Rejected(
                insn,
                message,
                refusal.errno,
                walker.log.text(),
                path(walker),
                registers(walker, insn),
                Hints.of(walker.endlessLoop ? "infinite loop detected" : message),
                walker.input.lines().at(insn),
                stats);
    }

    /**
     * The conditional jumps from the entry to where it failed, taken or not: the jump histories of the states on the way tell
     * where control did not simply go on.
     */
    private static List<Verdict.BranchStep> path(Walker walker) {
        if (!walker.hasState()) {
            return List.of();
        }
        var states = new ArrayList<PathState>();
        for (PathState state = walker.state(); state != null; state = state.parent) {
            states.add(state);
        }
        var steps = new ArrayDeque<Verdict.BranchStep>();
        int at = walker.flow.functionStarts[walker.state().frame(0).function];
        for (var state : states.reversed()) {
            for (int k = 0; k < state.history.size; k++) {
                int from = state.history.previous(k);
                int to = state.history.insn(k);
                if (from >= 0) {
                    goOn(walker, steps, at, from);
                    note(walker, steps, from, to);
                    at = to;
                }
            }
        }
        goOn(walker, steps, at, walker.insn);
        return List.copyOf(steps);
    }

    /** From one slot to another without a jump. */
    private static void goOn(Walker walker, Deque<Verdict.BranchStep> steps, int from, int to) {
        for (int i = from; i < to; i++) {
            note(walker, steps, i, i + 1);
        }
    }

    private static void note(Walker walker, Deque<Verdict.BranchStep> steps, int from, int to) {
        var code = walker.code;
        int operation = code.operation(from);
        boolean conditional =
                code.isJump(from) && operation != Code.CALL && operation != Code.EXIT && operation != Code.JA;
        if (!conditional) {
            return;
        }
        steps.addLast(new Verdict.BranchStep(from, to, InsnText.of(walker.input.code(), from)));
        if (steps.size() > MAX_PATH) {
            steps.removeFirst();
        }
    }

    private static List<RegisterFact> registers(Walker walker, int insn) {
        if (!walker.hasState() || insn >= walker.code.length) {
            return List.of();
        }
        var code = walker.code;
        var numbers = new java.util.TreeSet<Integer>();
        if (code.isCall(insn)) {
            for (int r = 1; r <= 5; r++) {
                numbers.add(r);
            }
        } else if (code.isExit(insn)) {
            numbers.add(0);
        } else if (!code.isLdImm64(insn)) {
            numbers.add(code.dst[insn]);
            if (code.cls(insn) != Code.ST
                    && (code.fromReg(insn) || code.cls(insn) == Code.LDX || code.cls(insn) == Code.STX)) {
                numbers.add(code.src[insn]);
            }
        }
        var facts = new ArrayList<RegisterFact>();
        var frame = walker.state().current();
        for (int r : numbers) {
            if (r < Frame.REGISTERS && frame.regs[r].kind != RegKind.NOT_INIT) {
                facts.add(new RegisterFact("R" + r, StateText.reg(frame, frame.regs[r])));
            }
        }
        return facts;
    }

    static Optional<String> none() {
        return Optional.empty();
    }
}
