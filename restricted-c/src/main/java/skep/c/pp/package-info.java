/**
 * The preprocessor.
 */
@NullMarked
package skep.c.pp;

import org.jspecify.annotations.NullMarked;
