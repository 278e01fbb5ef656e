package skep.arm64.lower;

import java.util.OptionalLong;

/**
 * How code is made.
 *
 * @param style by whose rules
 * @param checked every access is tested against the regions in x28 (for programs that no verifier has seen)
 * @param lse atomics of FEAT_LSE; otherwise loops of exclusive loads and stores
 * @param hints which instructions protect entries and returns
 * @param blinding seed of the numbers that hide the constants of the program; empty for programs whose author is trusted
 */
public record LoweringOptions(Style style, boolean checked, boolean lse, Hints hints, OptionalLong blinding) {
    public static final LoweringOptions VERIFIED =
            new LoweringOptions(Style.SKEP, false, true, Hints.BTI_AND_PAC, OptionalLong.empty());
    public static final LoweringOptions CHECKED =
            new LoweringOptions(Style.SKEP, true, true, Hints.NONE, OptionalLong.empty());

    /** Instructions that older processors skip. */
    public enum Hints {
        NONE,
        /** Return addresses are signed. */
        PAC,
        /** They are signed, and every place that is branched to indirectly is marked. */
        BTI_AND_PAC;

        public boolean pac() {
            return this != NONE;
        }

        public boolean bti() {
            return this == BTI_AND_PAC;
        }
    }

    /** Who decides which instructions stand for one of eBPF. */
    public enum Style {
        /** Skep: as short as it can. */
        SKEP,
        /** The arm64 JIT of Linux 6.1, for reading side by side. */
        LINUX_6_1,
        /** That of Linux 6.12: saves what a function uses, addresses the stack from {@code sp}, calls with {@code bl}. */
        LINUX_6_12
    }

    public LoweringOptions withLse(boolean value) {
        return new LoweringOptions(style, checked, value, hints, blinding);
    }

    public LoweringOptions withStyle(Style value) {
        return new LoweringOptions(value, checked, lse, hints, blinding);
    }

    public LoweringOptions withHints(Hints value) {
        return new LoweringOptions(style, checked, lse, value, blinding);
    }

    public LoweringOptions blinded(long seed) {
        return new LoweringOptions(style, checked, lse, hints, OptionalLong.of(seed));
    }
}
