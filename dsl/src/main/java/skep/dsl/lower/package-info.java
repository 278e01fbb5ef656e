/**
 * From the typed tree to the IR, and the plan of what user space prints.
 *
 * <p>Entry: {@link skep.dsl.lower.Lowering#lower}. {@link skep.dsl.lower.ScriptPlan} collects what all programs share:
 * maps, actions, fault counters. {@link skep.dsl.lower.FunctionLowering} writes one function: statements and scalars;
 * {@link skep.dsl.lower.Memory} says where a compound value lies, {@link skep.dsl.lower.MapAccess} reads and updates
 * maps in place, {@link skep.dsl.lower.RecordWriter} fills ring-buffer records directly.
 */
@NullMarked
package skep.dsl.lower;

import org.jspecify.annotations.NullMarked;
