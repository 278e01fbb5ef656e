/**
 * From bytecode to A64: {@link skep.arm64.lower.Lowering} takes a program and gives {@link skep.arm64.lower.MachineCode}.
 *
 * <p>Each instruction is lowered on its own, by family: arithmetic, memory, flow. Registers live where Linux's arm64 JIT puts them
 * ({@code RegisterMap}), so that dumps can be read side by side; what a function saves and its stack are a {@code Frame}. Programs
 * that no verifier has seen are lowered with a test before every access ({@code AccessCheck}). What the code needs from outside
 * (helpers, maps) are addresses that {@link skep.arm64.lower.Calls} gives.
 *
 * <p>Conditional branches that do not reach are found after a pass, and the pass is repeated with them made long.
 */
@NullMarked
package skep.arm64.lower;

import org.jspecify.annotations.NullMarked;
