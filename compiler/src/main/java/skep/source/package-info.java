/**
 * Texts, spans and diagnostics. A {@link skep.source.Span} is kept from the parser to the verifier's error.
 */
@NullMarked
package skep.source;

import org.jspecify.annotations.NullMarked;
