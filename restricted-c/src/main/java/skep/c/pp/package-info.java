/**
 * The C preprocessor. {@link skep.c.pp.Preprocessor} takes a {@link skep.source.Source} and gives the tokens that the
 * parser reads; included text comes from an {@link skep.c.pp.IncludeProvider}, never from the file system by itself.
 * {@code MacroExpander} expands, {@code ConditionEvaluator} decides {@code #if}. The tokens of a macro's body get the
 * place of its call, so that whatever is said later about them shows the user's own line.
 */
@NullMarked
package skep.c.pp;

import org.jspecify.annotations.NullMarked;
