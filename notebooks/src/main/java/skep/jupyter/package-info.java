/**
 * The Jupyter kernel of Skep.
 */
@NullMarked
package skep.jupyter;

import org.jspecify.annotations.NullMarked;
