/**
 * From bytecode to A64: {@link skep.arm64.lower.Lowering} takes a program and gives {@link skep.arm64.lower.MachineCode}.
 *
 * <p>Instructions are lowered by family: arithmetic, memory, flow; neighbours are merged where nobody jumps between them. Registers live where
 * Linux's arm64 JIT puts them ({@code RegisterMap}); what a function saves and its stack are a {@code Frame}. Programs that no verifier has
 * seen are lowered with a test before every access ({@code AccessCheck}), those of untrusted authors with hidden constants ({@code Blinder}).
 * What the code needs from outside (helpers, maps) are addresses that {@link skep.arm64.lower.Calls} gives.
 *
 * <p>Branches that do not reach are found after a pass, and the pass is repeated with them made longer.
 *
 * <p>{@code LinuxLowering} and its companions write what Linux 6.1 or 6.12 writes; {@link skep.arm64.lower.KernelImage} lays a kernel's code beside
 * that, and {@link skep.arm64.lower.Listing} shows any code with bytecode and source.
 */
@NullMarked
package skep.arm64.lower;

import org.jspecify.annotations.NullMarked;
