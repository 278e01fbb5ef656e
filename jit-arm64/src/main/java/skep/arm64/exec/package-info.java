/**
 * Running A64 code: {@link skep.arm64.exec.Arm64Backend} is the backend {@code arm64} of the VM.
 *
 * <p>Code runs in a process of its own, the runner: directly on an aarch64 machine, under qemu-aarch64 elsewhere. The runner is a
 * static executable that {@code RunnerImage} assembles; it shares the VM's memory at the same addresses ({@code SharedPool}), so
 * stacks, contexts and map values are the ones the JVM sees. Calls of helpers come back to the JVM through a pair of pipes and a
 * {@code Mailbox} in the shared memory; callbacks nest. What a program does wrong ends the runner, not the JVM, and is
 * reported with the instruction of the bytecode.
 *
 * <p>Memory is never writable and executable in one mapping: the JVM maps the code writable, the runner executable. An image is copied
 * whole before anything can call it, to an address that was never used before, so no instruction cache can hold anything else.
 *
 * <p>Start at {@code Arm64Executable}.
 */
@NullMarked
package skep.arm64.exec;

import org.jspecify.annotations.NullMarked;
