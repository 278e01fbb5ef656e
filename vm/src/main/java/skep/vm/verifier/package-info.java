/**
 * The verifier: Linux 6.18's judgement of eBPF programs, in user space.
 *
 * <p>In: a {@link skep.vm.verifier.VerifierInput}, raw slots plus everything the verdict depends on. Out: a
 * {@link skep.vm.verifier.Verdict}, either a {@link skep.vm.verifier.VerifiedProgram} with facts for the JITs or a
 * rejection with the kernel's message, the source line, the path and a hint.
 *
 * <p>Start at {@link skep.vm.verifier.Verifier}. The walk over paths is {@code Walker}; what an instruction asserts and
 * changes is in {@code Arithmetic}, {@code Branches}, {@code MemoryAccess}, {@code StackAccess}, {@code Calls} and
 * {@code Kfuncs}, over the numbers of {@code Tnum}, {@code Ranges} and {@code ScalarMath}; what is compared when paths meet is
 * in {@code Pruning}, {@code Equality}, {@code Precision} and {@code StackLiveness}; what is said is in {@code StepText} and
 * {@code StateText}. What is kept for others is in {@code Facts} (the JITs), {@link skep.vm.verifier.Belief} (the checking
 * interpreter) and {@link skep.vm.verifier.Exploration} (the drawing of paths). Facts of the kernel (helper prototypes,
 * context layouts, kernel functions) are tables in {@code skep.isa.kernel} and this package.
 */
@NullMarked
package skep.vm.verifier;

import org.jspecify.annotations.NullMarked;
