/**
 * From the IR to eBPF.
 *
 * <p>{@link skep.ir.codegen.Codegen} takes a {@link skep.ir.Module} and gives a {@link skep.isa.object.BpfObject}. On
 * the way each function goes through {@code Legalizer} (IR without what the machine lacks), {@code Selector}
 * (instructions with virtual registers), {@code Allocator} (r0 to r9, spilling), {@code FrameLayout} (stack slots share
 * bytes), {@code Tidier} (block order, common ends) and {@code Emitter} (slots, jumps, line table).
 *
 * <p>The code has to please the kernel's verifier: addresses stay base plus small offset, a null check tests the very
 * pointer that is used, spilled values take eight aligned bytes. {@link skep.ir.codegen.CpuLevel} says which
 * instructions the machine has. Nothing else of the environment enters.
 *
 * <p>Start reading at {@link skep.ir.codegen.Codegen}, then {@code Selector}.
 */
@NullMarked
package skep.ir.codegen;

import org.jspecify.annotations.NullMarked;
