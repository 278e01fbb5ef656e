/**
 * Cells, magics and what they show.
 *
 * <p>A cell is text; {@link skep.jupyter.cell.Cell#parse} splits it into line magics, the language chosen by {@code %%name}
 * and the body. {@link skep.jupyter.cell.CellLanguage} is what a language implements: the tracing language ({@code skep},
 * the default) and the shell live here, others come as services. Languages share a {@link skep.jupyter.cell.Workspace}:
 * the target that is traced, how long, and variables by name.
 *
 * <p>Data in: text of a cell and a {@link skep.jupyter.protocol.CellOutput}. Data out: bundles and streams on that output,
 * and an {@link skep.jupyter.protocol.Kernel.Outcome}. Start reading at {@code TraceLanguage.run}.
 */
@NullMarked
package skep.jupyter.cell;

import org.jspecify.annotations.NullMarked;
