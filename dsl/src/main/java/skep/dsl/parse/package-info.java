/**
 * Lexer and recursive-descent parser of the tracing language.
 */
@NullMarked
package skep.dsl.parse;

import org.jspecify.annotations.NullMarked;
