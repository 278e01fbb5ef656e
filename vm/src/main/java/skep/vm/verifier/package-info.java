/**
 * The verifier: Linux 6.18's judgement of eBPF programs, in user space.
 *
 * <p>In: a {@link skep.vm.verifier.VerifierInput}, raw slots plus everything the verdict depends on. Out: a
 * {@link skep.vm.verifier.Verdict}, either a {@link skep.vm.verifier.VerifiedProgram} with facts for the JITs or a
 * rejection with the kernel's message, the source line, the path and a hint.
 *
 * <p>Start at {@link skep.vm.verifier.Verifier}. The walk over paths is {@code Walker}; what an instruction asserts is in
 * {@code Assertions}, {@code MemoryAccess} and {@code CallCheck}; what it changes is in {@code Transfer}; what is compared
 * when paths meet is in {@code Pruning} and {@code Precision}; what is said is in {@code StateText}. Facts of the kernel
 * (helper prototypes, context layouts, kernel functions) are tables in {@code skep.isa.kernel} and this package.
 */
@NullMarked
package skep.vm.verifier;

import org.jspecify.annotations.NullMarked;
