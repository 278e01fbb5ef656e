package skep.target;

import java.util.List;
import skep.isa.Bytecode;
import skep.isa.kernel.Arch;
import skep.isa.object.LineTable;

/**
 * What a kernel's JIT made of a program.
 *
 * @param arch whose instructions they are
 * @param code of all functions, one behind the other
 * @param functionBytes size of each function's code; empty if there is one only, or nobody knows
 * @param addresses where each function's code lies, 0 where the kernel does not tell
 * @param xlated the bytecode that the JIT was given
 * @param lines which source made which instruction of it, as far as the kernel was told
 * @param lineAddresses where the code of each entry of {@code lines} lies; empty where the kernel does not tell
 */
public record MachineImage(
        Arch arch,
        byte[] code,
        List<Integer> functionBytes,
        List<Long> addresses,
        Bytecode xlated,
        LineTable lines,
        List<Long> lineAddresses) {
    public MachineImage {
        functionBytes = List.copyOf(functionBytes);
        addresses = List.copyOf(addresses);
        lineAddresses = List.copyOf(lineAddresses);
    }
}
