/**
 * From the typed tree to the IR, and the plan of what user space prints.
 */
@NullMarked
package skep.dsl.lower;

import org.jspecify.annotations.NullMarked;
