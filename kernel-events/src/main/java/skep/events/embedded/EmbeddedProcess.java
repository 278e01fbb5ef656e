package skep.events.embedded;

import java.util.Optional;
import java.util.OptionalInt;
import skep.target.TracedProcess;

/** A command that the session runs inside the model. Before it starts it is a child of the session that has not executed. */
final class EmbeddedProcess implements TracedProcess {
    private final EmbeddedKernel kernel;
    private final Clockwork clockwork;
    private final Task task;
    private final Program.Invocation invocation;
    private boolean started;

    EmbeddedProcess(EmbeddedKernel kernel, Clockwork clockwork, Task session, Program.Invocation invocation) {
        this.kernel = kernel;
        this.clockwork = clockwork;
        this.invocation = invocation;
        task = kernel.processes.bootDormant("skep", Optional.of(session.process), session.process.uid);
    }

    @Override
    public int pid() {
        return task.process.pid;
    }

    @Override
    public void start() {
        clockwork.locked(() -> {
            if (!started) {
                started = true;
                kernel.processes.startDormant(task, invocation);
            }
        });
    }

    @Override
    public OptionalInt exitStatus() {
        return clockwork.locked(() -> {
            if (!task.process.zombie) {
                return OptionalInt.empty();
            }
            int code = task.process.exitCode;
            return OptionalInt.of((code & 0x7f) != 0 ? 128 + (code & 0x7f) : code >> 8 & 0xff);
        });
    }

    @Override
    public void close() {
        clockwork.locked(() -> {
            if (started && !task.process.zombie) {
                task.killedBy = 9;
            }
        });
    }
}
