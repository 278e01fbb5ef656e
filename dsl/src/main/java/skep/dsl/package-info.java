/**
 * The tracing language: the public face of its compiler.
 *
 * <p>{@link skep.dsl.Compiler#compile} takes a {@link skep.source.Source}, what is known of the kernel
 * ({@link skep.isa.kernel.KernelInfo}) and {@link skep.dsl.CompileOptions}, and gives a {@link skep.dsl.CompileResult}:
 * a {@link skep.dsl.CompiledScript}, or diagnostics. Inside, the phases are pure functions:
 *
 * <pre>
 * Source -parse-&gt; ast.Script -check-&gt; check.TypedScript -lower-&gt; ir.Module -&gt; BpfObject + the plan for user space
 * </pre>
 *
 * <p>The plan for user space is data too: {@link skep.dsl.MapView} says how the bytes of a map are read and printed,
 * {@link skep.dsl.Action} what a ring-buffer record asks for, {@link skep.dsl.Type} how any value is laid out,
 * {@link skep.dsl.RuntimeFault} what each fault counter means. Whoever runs scripts needs only this package.
 *
 * <p>Start reading at {@link skep.dsl.Compiler}; to add a function or builtin, at {@code skep.dsl.check.Functions} and
 * {@code skep.dsl.check.Builtins}.
 */
@NullMarked
package skep.dsl;

import org.jspecify.annotations.NullMarked;
