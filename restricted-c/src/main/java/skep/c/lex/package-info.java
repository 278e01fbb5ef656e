/**
 * Characters to preprocessing tokens. {@link skep.c.lex.Lexer} takes a {@link skep.source.Source} and gives
 * {@link skep.c.lex.Token}s; {@link skep.c.lex.Literals} knows what numbers, characters and strings mean. The
 * preprocessor ({@code skep.c.pp}) reads the tokens; the parser reads what it makes of them.
 */
@NullMarked
package skep.c.lex;

import org.jspecify.annotations.NullMarked;
