/**
 * What the VM does for each BPF helper.
 *
 * <p>{@link skep.vm.helpers.HelperTable} is the table: one row for each {@link skep.isa.kernel.Helper}, whose value is a
 * {@link skep.vm.HelperFunction} or a refusal with its error and reason. The rows lead to the classes beside it, one a
 * theme: maps, tasks and time, memory, strings, ring and perf buffers, control (loops, callbacks, timers, locks),
 * packets.
 *
 * <p>Helpers of a {@link skep.vm.Machine} serve verified programs: they take it that pointers are good for the sizes
 * that the prototypes state. Whatever comes from the kernel around (clock, task, memory, stacks) is asked of
 * {@link skep.vm.KernelServices}. Results and errors are those of Linux 6.18.
 */
@NullMarked
package skep.vm.helpers;

import org.jspecify.annotations.NullMarked;
