/**
 * Cells, magics and what they show.
 */
@NullMarked
package skep.jupyter.cell;

import org.jspecify.annotations.NullMarked;
