/**
 * The skep command: arguments, terminal, exit codes; no logic.
 */
@NullMarked
package skep.cli;

import org.jspecify.annotations.NullMarked;
