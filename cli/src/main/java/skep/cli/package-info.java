/**
 * The {@code skep} command: arguments in, exit status out, and no logic of its own.
 *
 * <p>{@link skep.cli.Main} is the entry. {@link skep.cli.CommandLineParser} turns the arguments into an immutable
 * {@link skep.cli.Arguments}; {@code Main} hands those to the session, prints what the session says through the
 * renderers of {@code skep.session.view}, and maps the outcome to an exit status. Modules of the machine add
 * subcommands of their own as services ({@link skep.target.ToolCommand}); they are looked up only when the first
 * argument is a bare word, so that a one-liner pays nothing for them.
 *
 * <p>The launcher script starts this from a cache of loaded classes that {@link skep.cli.Training} fills at build time.
 * Start {@code Main} reading at {@link skep.cli.Main#run}. Only this package and the notebooks print.
 */
@NullMarked
package skep.cli;

import org.jspecify.annotations.NullMarked;
