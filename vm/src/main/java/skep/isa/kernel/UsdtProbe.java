package skep.isa.kernel;

import java.util.List;

/**
 * One place of a static probe in a program.
 *
 * @param offset where it is in the file: what {@link ProbeSpec#offset} of a {@link ProbeKind#USDT} probe selects
 * @param semaphoreOffset where in the file the counter is that turns the probe on, or 0
 * @param arguments where the arguments are at this place; they may be elsewhere at another place of the same probe
 */
public record UsdtProbe(String provider, String name, long offset, long semaphoreOffset, List<UsdtArgument> arguments) {
    public UsdtProbe {
        arguments = List.copyOf(arguments);
    }
}
