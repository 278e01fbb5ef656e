/**
 * Lexer and recursive-descent parser of the tracing language.
 *
 * <p>Entry: {@link skep.dsl.parse.Parser#parse}: a {@link skep.source.Source} in, a {@link skep.dsl.ast.Script} out,
 * mistakes into {@link skep.source.Diagnostics}. The parser goes on after a mistake at the next statement or probe, so
 * that one run tells several. The grammar stands above each method. Attach points are not made of tokens (they hold
 * paths and wildcards): {@link skep.dsl.parse.AttachPointReader} reads them from the characters.
 */
@NullMarked
package skep.dsl.parse;

import org.jspecify.annotations.NullMarked;
