/**
 * The shared middle end: SSA with block parameters, typed by width and pointer region; has a text form.
 */
@NullMarked
package skep.ir;

import org.jspecify.annotations.NullMarked;
