/**
 * The harness that runs the ported tools and checks what they print.
 */
@NullMarked
package skep.tools;

import org.jspecify.annotations.NullMarked;
