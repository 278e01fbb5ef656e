/**
 * Running A64 code: {@link skep.arm64.exec.Arm64Backend} is the backend {@code arm64} of the VM.
 *
 * <p>Code runs in one of two places ({@code CodeHost}). On an aarch64 machine verified programs run in the JVM's own process
 * ({@code NativeHost}): a downcall enters, upcalls serve helpers. Everything else runs in a process of its own, the {@code Runner}: under
 * qemu-aarch64 where the machine is another one. The runner is a static executable that {@code RunnerImage} assembles; it shares the VM's
 * memory at the same addresses ({@code SharedPool}), so stacks, contexts and map values are the ones the JVM sees. Calls of helpers come back
 * through a pair of pipes and a {@code Mailbox} in the shared memory; callbacks nest. What a program does wrong ends the runner, not the JVM,
 * and is reported with the instruction of the bytecode and the source line.
 *
 * <p>Memory is never writable and executable in one mapping. Code is copied whole and the instruction caches are maintained
 * ({@code CacheMaintenance}) before anybody learns its address. Stacks lie between guard pages.
 *
 * <p>Start at {@code Arm64Executable}. {@code Arm64Listing} shows code without running it.
 */
@NullMarked
package skep.arm64.exec;

import org.jspecify.annotations.NullMarked;
