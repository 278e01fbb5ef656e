/**
 * The parser of the C that BCC programs use.
 */
@NullMarked
package skep.c.parse;

import org.jspecify.annotations.NullMarked;
