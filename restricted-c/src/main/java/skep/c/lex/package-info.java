/**
 * Tokens of C with spans.
 */
@NullMarked
package skep.c.lex;

import org.jspecify.annotations.NullMarked;
