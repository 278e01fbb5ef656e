package skep.arm64.lower;

/**
 * How code is made.
 *
 * @param checked every access is tested against the regions in x28 (for programs that no verifier has seen)
 * @param lse atomics of FEAT_LSE; otherwise loops of exclusive loads and stores
 * @param landingPads BTI and PAC hints at entries, as a kernel built with them has
 */
public record LoweringOptions(boolean checked, boolean lse, boolean landingPads) {
    public static final LoweringOptions VERIFIED = new LoweringOptions(false, true, true);
    public static final LoweringOptions CHECKED = new LoweringOptions(true, true, false);
}
