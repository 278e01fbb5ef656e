/**
 * From IR to eBPF: selection, register allocation, emission, line table.
 */
@NullMarked
package skep.ir.codegen;

import org.jspecify.annotations.NullMarked;
