/**
 * Python on GraalPy: BCC's tools as they are, and other scripts. {@link skep.bindings.python.BccCommand} is
 * {@code skep bcc} and {@code skep py}; {@link skep.bindings.python.PythonHost} makes a context, sets it up as a tool
 * expects of the interpreter it was written for, and runs one file in it; {@link skep.bindings.python.Bridge} is all that
 * Python code may call of ours.
 *
 * <p>The Python side is written in Python and lies in the resources under {@code python/}: package {@code bcc}, module
 * {@code ctypes} (a lean one, since the library's has faults that the tools run into), modules that GraalPy lacks
 * ({@code curses}, {@code grp}, {@code syslog}), and {@code skep_prelude}, which runs before the script. Across the bridge
 * go numbers, strings and arrays of them only; bytes are strings of one character a byte. So another process could carry
 * the Python side over a socket.
 *
 * <p>Start reading at {@code PythonHost.run}.
 */
@NullMarked
package skep.bindings.python;

import org.jspecify.annotations.NullMarked;
