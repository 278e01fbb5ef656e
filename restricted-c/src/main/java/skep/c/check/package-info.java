/**
 * Types and scopes of C; types by name from BTF.
 */
@NullMarked
package skep.c.check;

import org.jspecify.annotations.NullMarked;
