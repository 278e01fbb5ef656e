/**
 * The live kernel as a target.
 */
@NullMarked
package skep.linux;

import org.jspecify.annotations.NullMarked;
