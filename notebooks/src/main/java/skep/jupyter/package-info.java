/**
 * The Jupyter kernel of Skep: the {@code jupyter} and {@code notebook} commands, the kernel specification that they install,
 * and the life of a kernel process.
 *
 * <p>A front end starts {@code skep jupyter kernel CONNECTION-FILE}; {@link skep.jupyter.JupyterCommand} joins the protocol
 * ({@link skep.jupyter.protocol}, which knows no language) with the cells ({@link skep.jupyter.cell}).
 */
@NullMarked
package skep.jupyter;

import org.jspecify.annotations.NullMarked;
