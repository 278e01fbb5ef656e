/**
 * The JavaScript veneer.
 */
@NullMarked
package skep.bindings.js;

import org.jspecify.annotations.NullMarked;
