/**
 * BCC's dialect of C: tables with methods, probe macros, reads of kernel memory that nobody wrote.
 *
 * <p>Entry: {@link skep.c.bcc.BccCompiler#compile}. In goes a {@link skep.c.bcc.BccRequest}: text, flags, kernel. Out
 * comes a {@link skep.c.bcc.BccProgram}: tables with the types of keys, values and events, functions with a hint where
 * to attach them; its {@code object} compiles functions for the way in which they are attached, which only the user of
 * the program knows. {@link skep.c.bcc.FunctionUse.Form} lists the ways: a function written for a kprobe also runs as
 * fentry, or at the tracepoints of system calls.
 *
 * <p>{@code Analysis} reads the source behind our header library ({@code include/*.h}; types come from the kernel);
 * {@code TableMacros} reads table declarations, {@code TableMethods} writes calls of their methods, {@code BccDialect}
 * the functions that the compiler supplies; {@code ProgramWriter} binds parameters to registers.
 */
@NullMarked
package skep.c.bcc;

import org.jspecify.annotations.NullMarked;
