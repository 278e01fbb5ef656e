/**
 * From BPF programs to JVM bytecode: the backends {@code jvm}, and {@code tiered}, which interprets first.
 *
 * <p>{@link skep.vm.jit.JvmBackend} takes a linked program and defines hidden classes. A BPF function becomes a static method whose
 * registers are long variables; {@code FunctionEmitter} lays out its blocks, {@code InsnEmitter} writes one instruction. Trees of
 * comparisons with constants become a {@code tableswitch} ({@code SwitchTree}), divisions by constants multiplications
 * ({@code MagicDivisor}), lookups in array maps address arithmetic.
 *
 * <p>HotSpot compiles no method above 8,000 bytes: a longer function is cut into parts that hand the registers on in a
 * {@code JitFrame}; parts lie in as many classes as they need.
 *
 * <p>Of a verified program nothing is tested at run time; of an unverified one every access is, and jumps back count
 * against the CPU's budget. Start reading at {@link skep.vm.jit.JvmBackend}.
 */
@NullMarked
package skep.vm.jit;

import org.jspecify.annotations.NullMarked;
