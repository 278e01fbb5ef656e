/**
 * Tokens to a syntax tree. {@link skep.c.parse.Parser} takes what the preprocessor made and gives a
 * {@link skep.c.parse.TranslationUnit}: what the user wrote, nothing inferred; names of types other than the source's own
 * come from {@link skep.c.parse.TypeNames}. A call of an unknown name outside of functions is an
 * {@link skep.c.parse.TranslationUnit.Invocation}, which a dialect such as BCC's gives its meaning.
 *
 */
@NullMarked
package skep.c.parse;

import org.jspecify.annotations.NullMarked;
