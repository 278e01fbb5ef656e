/**
 * Tracing from Java; the interface that the other languages stand on.
 *
 * <p>{@link skep.bindings.java.Skep} opens a target; {@link skep.bindings.java.Skep#script} describes a trace; a
 * {@link skep.bindings.java.Trace} is one run of it, in the caller's thread or in the background. What it gathers comes out
 * as {@link skep.bindings.java.TraceMap}s, {@link skep.bindings.java.Histogram}s and {@link skep.bindings.java.Event}s:
 * immutable values that add up over CPUs, runs and machines. {@link skep.bindings.java.Statistics} compares runs.
 *
 * {@snippet :
 * try (var skep = Skep.embedded();
 *         var trace = skep.trace("kretprobe:vfs_read { @us = hist(retval); }")) {
 *     trace.run(Duration.ofSeconds(3));
 *     System.out.println(trace.histogram("@us").p99());
 * }
 * }
 *
 * <p>Threads: a {@code Skep} and a {@code Trace} may be used from any thread. Errors are unchecked: a script that does not
 * compile or is refused is a {@link skep.session.ScriptException} with the place in the script; a target that fails is a
 * {@link skep.target.TargetException}.
 */
@NullMarked
package skep.bindings.java;

import org.jspecify.annotations.NullMarked;
