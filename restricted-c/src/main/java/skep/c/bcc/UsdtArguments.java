package skep.c.bcc;

import java.util.List;
import skep.isa.kernel.UsdtArgument;

/**
 * A static probe of a user program that a function is enabled for.
 *
 * @param function the C function that handles it
 * @param places the argument list of each place of the probe, as the notes of the ELF file give them
 */
public record UsdtArguments(String provider, String name, String function, List<List<UsdtArgument>> places) {
    public UsdtArguments {
        places = places.stream().map(List::copyOf).toList();
    }
}
