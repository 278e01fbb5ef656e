/**
 * What declarations mean: {@link skep.c.check.CDeclarations} reads a piece of C and gives its types as BTF, laid out as a
 * C compiler for a 64-bit machine does, with the kernel's types beneath, and the values of its enumerations and macros.
 * {@code TypeLayout} gives ids, sizes and offsets; {@code ConstantEvaluator} computes array sizes and the like.
 */
@NullMarked
package skep.c.check;

import org.jspecify.annotations.NullMarked;
