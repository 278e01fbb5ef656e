/**
 * The Jupyter messaging protocol, version 5.4; knows no language.
 *
 * <p>A front end (notebook, console, nbconvert) starts a kernel with a {@link skep.jupyter.protocol.ConnectionFile}: five
 * ports and a key. {@link skep.jupyter.protocol.KernelServer} binds five ZeroMQ sockets there (shell, control, stdin,
 * iopub, heartbeat), turns frames into {@link skep.jupyter.protocol.Message}s ({@link skep.jupyter.protocol.WireFormat};
 * every message is signed), and hands requests to a {@link skep.jupyter.protocol.Kernel}: what the language side
 * implements. A running cell shows things through its {@link skep.jupyter.protocol.CellOutput}.
 *
 * <p>Threads: one input-output thread owns all sockets but the heartbeat's; cells run one after the other on a thread of
 * their own; completion, inspection and the like are answered on a third one, so that they work while a cell runs; the
 * control channel (interrupt, shutdown) on a fourth.
 *
 * <p>Source: <a href="https://jupyter-client.readthedocs.io/en/stable/messaging.html">Messaging in Jupyter</a>.
 * Start reading at {@code KernelServer.run}.
 */
@NullMarked
package skep.jupyter.protocol;

import org.jspecify.annotations.NullMarked;
