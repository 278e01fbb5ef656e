/**
 * The Jupyter messaging protocol; knows no language.
 */
@NullMarked
package skep.jupyter.protocol;

import org.jspecify.annotations.NullMarked;
