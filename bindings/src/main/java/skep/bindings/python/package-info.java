/**
 * The Python veneer: bcc and skep.
 */
@NullMarked
package skep.bindings.python;

import org.jspecify.annotations.NullMarked;
