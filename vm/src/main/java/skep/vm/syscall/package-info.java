/**
 * The in-process bpf() call: commands, descriptors, errno.
 */
@NullMarked
package skep.vm.syscall;

import org.jspecify.annotations.NullMarked;
