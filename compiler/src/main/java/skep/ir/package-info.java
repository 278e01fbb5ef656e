/**
 * The shared middle end: a program between a front end and the machine.
 *
 * <p>{@link skep.ir.Module} holds {@link skep.ir.Function}s and map definitions. A function is a list of
 * {@link skep.ir.Block}s in SSA form; where other compilers have phi functions, blocks take parameters and edges hand
 * them values. A {@link skep.ir.Value} is typed by its width, or, if it is a pointer, by the {@link skep.ir.Region} it
 * points into, since that is what the kernel's verifier asks for. Every instruction carries the span of the source that
 * asked for it, down to the verifier's error.
 *
 * <p>In: calls of a front end on {@link skep.ir.ModuleBuilder} and {@link skep.ir.FunctionBuilder}. Out: a module for
 * the passes ({@code skep.ir.pass}) and then for the code generator ({@code skep.ir.codegen}). All types are immutable
 * values; only the builders are not.
 *
 * <p>A module has a text form ({@link skep.ir.IrPrinter}, {@link skep.ir.IrParser}); {@link skep.ir.WellFormed} says
 * what makes one valid; {@link skep.ir.Cfg} computes order, dominators and loops. Start reading at {@link skep.ir.Inst}
 * and {@link skep.ir.Terminator}.
 */
@NullMarked
package skep.ir;

import org.jspecify.annotations.NullMarked;
