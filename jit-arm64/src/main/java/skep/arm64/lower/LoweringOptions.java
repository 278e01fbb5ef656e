package skep.arm64.lower;

import java.util.OptionalLong;

/**
 * How code is made.
 *
 * @param style by whose rules
 * @param checked every access is tested against the regions in x28 (for programs that no verifier has seen)
 * @param lse atomics of FEAT_LSE; otherwise loops of exclusive loads and stores
 * @param landingPads BTI and PAC hints at entries, as a kernel built with them has
 * @param blinding seed of the numbers that hide the constants of the program; empty for programs whose author is trusted
 */
public record LoweringOptions(Style style, boolean checked, boolean lse, boolean landingPads, OptionalLong blinding) {
    public static final LoweringOptions VERIFIED =
            new LoweringOptions(Style.SKEP, false, true, true, OptionalLong.empty());
    public static final LoweringOptions CHECKED =
            new LoweringOptions(Style.SKEP, true, true, false, OptionalLong.empty());

    /** Who decides which instructions stand for one of eBPF. */
    public enum Style {
        /** Skep: as short as it can. */
        SKEP,
        /** The arm64 JIT of Linux 6.1, for reading side by side. */
        LINUX_6_1
    }

    public LoweringOptions withLse(boolean value) {
        return new LoweringOptions(style, checked, value, landingPads, blinding);
    }

    public LoweringOptions withStyle(Style value) {
        return new LoweringOptions(value, checked, lse, landingPads, blinding);
    }

    public LoweringOptions withLandingPads(boolean value) {
        return new LoweringOptions(style, checked, lse, value, blinding);
    }

    public LoweringOptions blinded(long seed) {
        return new LoweringOptions(style, checked, lse, landingPads, OptionalLong.of(seed));
    }
}
