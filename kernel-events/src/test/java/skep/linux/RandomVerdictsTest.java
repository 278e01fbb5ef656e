package skep.linux;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import skep.vm.verifier.Verdict;
import skep.vm.verifier.Verifier;
import skep.vm.verifier.VerifierInput;

/**
 * Random programs, judged here and by the running kernel. Finds become cases of {@code KernelCasesTest}, which needs no
 * kernel. Seeds and time are bounded; {@code -Dslow} tries many more.
 */
class RandomVerdictsTest {
    private static final int SEEDS = 1_200;
    private static final int SLOW_SEEDS = 60_000;
    private static final int LOGS = 120;
    private static final long SECONDS = 40;
    private static final long SLOW_SECONDS = 900;
    private static final int ATOMIC_FETCH = 1;

    @BeforeAll
    static void kernel() {
        var reason = LiveVerifier.unavailableReason();
        Assumptions.assumeTrue(reason.isEmpty(), () -> "Unsupported " + reason.orElse(""));
    }

    @Test
    void theKernelSaysTheSame() {
        compare(0, SEEDS, SECONDS);
    }

    @Test
    @Tag("slow")
    void theKernelSaysTheSameOfManyMore() {
        compare(1_000_000, SLOW_SEEDS, SLOW_SECONDS);
    }

    private static void compare(long from, int count, long seconds) {
        var wrong = new ArrayList<String>();
        int accepted = 0;
        int judged = 0;
        int processed = 0;
        long end = System.nanoTime() + seconds * 1_000_000_000L;
        try (var live = new LiveVerifier(Optional.empty())) {
            for (long seed = from; seed < from + count && System.nanoTime() < end; seed++) {
                var input = RandomVerifierPrograms.of(seed);
                var kernels = live.judge(input, 4).orElseThrow();
                var ours = Verifier.verify(input);
                judged++;
                accepted += kernels.accepted() ? 1 : 0;
                boolean same =
                        kernels.log().contains("processed " + ours.stats().insnsProcessed() + " insns");
                processed += same ? 1 : 0;
                boolean agrees = kernels.accepted() == ours instanceof Verdict.Accepted;
                if (!agrees && !(kernels.accepted() && fetchesFromStack(input))) {
                    wrong.add("seed " + seed + ": "
                            + (ours instanceof Verdict.Rejected r ? "rejected, " + r.message() : "accepted")
                            + "; the kernel: " + verdict(kernels));
                }
            }
        }
        var figures = judged + " programs, " + accepted + " accepted by the kernel, " + processed
                + " with the same count of instructions processed";
        System.getLogger("skep.verifier").log(System.Logger.Level.INFO, figures);
        assertEquals(List.of(), wrong, figures);
        assertTrue(accepted > judged / 4 && accepted < judged * 3 / 4, figures);
    }

    @Test
    void theKernelsLogIsTheSameToTheLine() {
        var different = new ArrayList<Long>();
        try (var live = new LiveVerifier(Optional.empty())) {
            for (long seed = 0; seed < LOGS; seed++) {
                var input = RandomVerifierPrograms.of(seed).withLogLevel(2);
                if (fetchesFromStack(input)) {
                    continue;
                }
                var kernels = live.judge(input, 2).orElseThrow();
                if (!LogComparison.of(Verifier.verify(input).log(), kernels.log())
                        .identical()) {
                    different.add(seed);
                }
            }
        }
        assertEquals(List.of(), different);
    }

    /**
     * Linux 6.18 forgets, walking backwards over an atomic that fetches, that the value came from the stack; so that it
     * may take states for equal which are not. There we may be stricter.
     */
    private static boolean fetchesFromStack(VerifierInput input) {
        var code = input.code();
        for (int i = 0; i < code.size(); i++) {
            boolean atomic = code.opcode(i) == 0xdb || code.opcode(i) == 0xc3;
            if (atomic && (code.imm(i) & ATOMIC_FETCH) != 0) {
                return true;
            }
        }
        return false;
    }

    private static String verdict(LiveVerifier.Judgement kernels) {
        var lines = LogComparison.lines(kernels.log());
        return kernels.accepted() ? "accepts" : kernels.errno() + " " + lines.getFirst();
    }
}
