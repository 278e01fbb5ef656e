/**
 * What the VM does for each BPF helper.
 */
@NullMarked
package skep.vm.helpers;

import org.jspecify.annotations.NullMarked;
