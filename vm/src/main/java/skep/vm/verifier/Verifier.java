package skep.vm.verifier;

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
    private Verifier() {}

    /** The verdict on one program; malformed programs are rejected with the kernel's words, never an exception. */
    public static Verdict verify(VerifierInput input) {
        return new Rejected(
                0,
                "not verified",
                22,
                "",
                java.util.List.of(),
                java.util.List.of(),
                java.util.Optional.empty(),
                java.util.Optional.empty(),
                Stats.NONE);
    }
}
