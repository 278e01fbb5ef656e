/**
 * The interpreter: the always-checked reference that every other backend is compared with.
 */
@NullMarked
package skep.vm.interp;

import org.jspecify.annotations.NullMarked;
