/**
 * From verified bytecode to JVM bytecode.
 */
@NullMarked
package skep.vm.jit;

import org.jspecify.annotations.NullMarked;
