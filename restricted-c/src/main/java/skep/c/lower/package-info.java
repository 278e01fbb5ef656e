/**
 * From parsed C to the IR, checking types on the way.
 *
 * <p>Entry: {@link skep.c.lower.Lowering#program}, for one function with all that it calls written in place.
 * {@code Statements}, {@code Expressions}, {@code Arithmetic}, {@code Initializers} and {@code Builtins} follow the
 * grammar; a {@link skep.c.lower.Dialect} adds names, methods and functions. An expression becomes an
 * {@link skep.c.lower.Operand}: a register, or a place in memory.
 *
 * <p>All pointers are pointers of no particular region at first. After the optimiser has turned variables into values,
 * {@link skep.c.lower.PointerOrigins} finds out where each pointer comes from and reads through foreign ones by
 * {@code probe_read}; it also finds registers where the way of attaching puts them.
 */
@NullMarked
package skep.c.lower;

import org.jspecify.annotations.NullMarked;
