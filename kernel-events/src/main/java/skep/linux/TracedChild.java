package skep.linux;

import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.function.Consumer;
import skep.linux.sys.Block;
import skep.linux.sys.Errno;
import skep.linux.sys.Sys;
import skep.target.TargetException;
import skep.target.TracedProcess;

/**
 * The command of {@code -c}: a child with our standard input and output that waits at a pipe until {@link #start}, then
 * becomes the command under the same pid. It ends with the pipe if we end before.
 */
final class TracedChild implements TracedProcess {
    private static final int O_CLOEXEC = 0x80000;
    private static final int WNOHANG = 1;
    private static final int SIGTERM = 15;
    private static final int SIGKILL = 9;
    private static final int GRACE_MILLIS = 200;

    private final Host host;
    private final Consumer<TracedChild> onClose;
    private final int pid;
    private final Block status;
    private int gate;
    private OptionalInt exitStatus = OptionalInt.empty();

    private TracedChild(Host host, int pid, int gate, Consumer<TracedChild> onClose) {
        this.host = host;
        this.onClose = onClose;
        this.pid = pid;
        this.gate = gate;
        this.status = host.syscalls().allocateShared(8);
    }

    static TracedChild prepare(Host host, String command, Consumer<TracedChild> onClose) {
        var arguments = words(command);
        if (arguments.isEmpty()) {
            throw new TargetException("the command of -c is empty");
        }
        arguments.set(0, executable(host, arguments.getFirst()));
        int readEnd;
        int writeEnd;
        try (var ends = host.syscalls().allocate(8)) {
            check(command, host.syscalls().call(Sys.PIPE2, ends.address(), O_CLOEXEC));
            ends.pulled(0, 8);
            readEnd = ends.getInt(0);
            writeEnd = ends.getInt(4);
        }
        long pid = host.syscalls().spawnGated(arguments, readEnd);
        host.close(readEnd);
        if (Errno.isError(pid)) {
            host.close(writeEnd);
        }
        check(command, pid);
        return new TracedChild(host, (int) pid, writeEnd, onClose);
    }

    private static void check(String command, long result) {
        if (Errno.isError(result)) {
            throw new TargetException("command \"" + command + "\" could not be started: " + Errno.name(-result));
        }
    }

    /** Splits at blanks; single and double quotes and a backslash keep them, as in a shell, and nothing else is special. */
    static List<String> words(String command) {
        var words = new ArrayList<String>();
        var word = new StringBuilder();
        boolean inWord = false;
        char quote = 0;
        for (int i = 0; i < command.length(); i++) {
            char c = command.charAt(i);
            if (c == '\\' && quote != '\'' && i + 1 < command.length()) {
                word.append(command.charAt(++i));
                inWord = true;
            } else if (quote != 0) {
                if (c == quote) {
                    quote = 0;
                } else {
                    word.append(c);
                }
            } else if (c == '"' || c == '\'') {
                quote = c;
                inWord = true;
            } else if (Character.isWhitespace(c)) {
                if (inWord) {
                    words.add(word.toString());
                    word.setLength(0);
                }
                inWord = false;
            } else {
                word.append(c);
                inWord = true;
            }
        }
        if (inWord) {
            words.add(word.toString());
        }
        return words;
    }

    private static String executable(Host host, String name) {
        if (!name.contains("/")) {
            return Binaries.command(host, name)
                    .orElseThrow(() -> new TargetException("command " + name + " is in no folder of PATH"));
        }
        if (!host.files().executable(name)) {
            throw new TargetException("command " + name + " does not exist or may not be executed");
        }
        return name;
    }

    @Override
    public int pid() {
        return pid;
    }

    @Override
    public synchronized void start() {
        if (gate < 0) {
            return;
        }
        try (var line = host.syscalls().allocate(1)) {
            line.putBytes(0, new byte[] {'\n'});
            host.syscalls().call(Sys.WRITE, gate, line.pushed(1), 1);
        }
        host.close(gate);
        gate = -1;
    }

    @Override
    public synchronized OptionalInt exitStatus() {
        if (exitStatus.isEmpty()) {
            long result = host.syscalls().call(Sys.WAIT4, pid, status.address(), WNOHANG, 0);
            if (result == pid) {
                status.pulled(0, 8);
                int word = status.getInt(0);
                int signal = word & 0x7f;
                exitStatus = OptionalInt.of(signal == 0 ? word >> 8 & 0xff : 128 + signal);
            } else if (result == -Errno.ECHILD) {
                exitStatus = OptionalInt.of(0);
            }
        }
        return exitStatus;
    }

    @Override
    public void close() {
        onClose.accept(this);
        synchronized (this) {
            if (gate >= 0) {
                host.close(gate);
                gate = -1;
            }
        }
        if (!ended(0)) {
            host.syscalls().call(Sys.KILL, pid, SIGTERM);
            if (!ended(GRACE_MILLIS)) {
                host.syscalls().call(Sys.KILL, pid, SIGKILL);
                ended(GRACE_MILLIS);
            }
        }
    }

    private boolean ended(int millis) {
        for (int waited = 0; exitStatus().isEmpty(); waited += 5) {
            if (waited >= millis) {
                return false;
            }
            try {
                Thread.sleep(5);
            } catch (InterruptedException stop) {
                Thread.currentThread().interrupt();
                return false;
            }
        }
        return true;
    }
}
