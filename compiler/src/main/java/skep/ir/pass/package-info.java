/**
 * Passes over the IR: each takes a module and returns a new one.
 */
@NullMarked
package skep.ir.pass;

import org.jspecify.annotations.NullMarked;
