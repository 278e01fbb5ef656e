/**
 * The kernel's tables: map types, program types, helpers, probe kinds, and what a compiler may know of a kernel
 * ({@link skep.isa.kernel.KernelInfo}). A fact is declared once here and read everywhere.
 */
@NullMarked
package skep.isa.kernel;

import org.jspecify.annotations.NullMarked;
