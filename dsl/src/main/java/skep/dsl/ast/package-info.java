/**
 * What the user wrote: immutable records with spans, nothing inferred.
 */
@NullMarked
package skep.dsl.ast;

import org.jspecify.annotations.NullMarked;
