package skep.vm.verifier;

import java.util.ArrayList;
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
                input, walker.functions(), walker.maps.byFd(), walker.facts.facts(), walker.facts.beliefs());
        return new Accepted(program, walker.log.text(), stats);
    }

    private static Stats stats(Walker walker, long start) {
        return new Stats(
                walker.insnsProcessed,
                walker.pruning.totalStates,
                walker.pruning.peakStates,
                walker.pruning.maxStatesPerInsn,
                System.nanoTime() - start,
                new Stats.Visits(walker.visits));
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

    /** The branches from the entry to where it failed, from the jump histories of the states on the way. */
    private static List<Verdict.BranchStep> path(Walker walker) {
        if (!walker.hasState()) {
            return List.of();
        }
        var steps = new ArrayList<Verdict.BranchStep>();
        for (PathState state = walker.state(); state != null && steps.size() < MAX_PATH; state = state.parent) {
            var history = state.history;
            for (int k = history.size - 1; k >= 0 && steps.size() < MAX_PATH; k--) {
                int from = history.previous(k);
                int to = history.insn(k);
                if (from >= 0 && from < walker.code.length && walker.code.isJump(from)) {
                    steps.add(new Verdict.BranchStep(from, to, InsnText.of(walker.input.code(), from)));
                }
            }
        }
        java.util.Collections.reverse(steps);
        return steps;
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
