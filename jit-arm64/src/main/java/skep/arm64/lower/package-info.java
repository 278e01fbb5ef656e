/**
 * From verified bytecode to A64.
 */
@NullMarked
package skep.arm64.lower;

import org.jspecify.annotations.NullMarked;
