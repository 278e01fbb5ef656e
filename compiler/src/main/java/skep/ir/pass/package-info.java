/**
 * From a module to a better one that means the same.
 *
 * <p>{@link skep.ir.pass.Optimizer} runs the passes in their order: {@code SlotPromotion} (stack slots become values),
 * {@code ValueNumbering} with {@code Simplifier} (equal expressions are computed once, constants fold, conditions that a
 * branch above has decided are known), {@code ControlFlow} (jumps are threaded, blocks joined, choices become
 * selections), {@code DeadCode}. Each is a function from a {@link skep.ir.Function} to a new one.
 *
 * <p>A rule for all of them: the kernel's verifier must still be able to follow. A comparison that gives it a bound stays
 * where the bound is needed; an address stays a base with an offset; only null checks that a dominating check of the
 * same value has already made are dropped. {@code HelperFacts} says which helper calls may be shared or left out.
 *
 * <p>Start reading at {@link skep.ir.pass.Optimizer}.
 */
@NullMarked
package skep.ir.pass;

import org.jspecify.annotations.NullMarked;
