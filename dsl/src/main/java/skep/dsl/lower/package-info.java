/**
 * From the typed tree to the IR, and the plan of what user space prints.
 *
 * <p>Entry: {@link skep.dsl.lower.Lowering#lower}. {@link skep.dsl.lower.ScriptPlan} collects what all programs share:
 * maps, actions, fault counters. {@link skep.dsl.lower.FunctionLowering} writes one function and holds what its parts
 * share: {@link skep.dsl.lower.ControlLowering} writes statements and conditions, {@link skep.dsl.lower.ScalarLowering}
 * numbers, {@link skep.dsl.lower.ValueWriter} everything bigger; {@link skep.dsl.lower.LoopCallbacks} turns the bodies
 * of loops into functions. {@link skep.dsl.lower.Memory} says where a compound value lies,
 * {@link skep.dsl.lower.MemoryAccess} reads and copies it, {@link skep.dsl.lower.MapAccess} reads and updates maps in
 * place, {@link skep.dsl.lower.RecordWriter} fills ring-buffer records directly.
 */
@NullMarked
package skep.dsl.lower;

import org.jspecify.annotations.NullMarked;
