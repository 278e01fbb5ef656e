/**
 * The maps of the VM with the kernel's semantics, errno and flags.
 */
@NullMarked
package skep.vm.maps;

import org.jspecify.annotations.NullMarked;
