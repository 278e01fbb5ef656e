/**
 * From checked C to the IR.
 */
@NullMarked
package skep.c.lower;

import org.jspecify.annotations.NullMarked;
