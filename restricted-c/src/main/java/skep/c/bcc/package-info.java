/**
 * BCC's dialect: map macros, probes, and the rewriting of implicit dereferences.
 */
@NullMarked
package skep.c.bcc;

import org.jspecify.annotations.NullMarked;
