package skep.linux;

import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import skep.isa.kernel.Arch;
import skep.linux.agent.AgentImage;
import skep.linux.agent.RemoteSyscalls;
import skep.target.Target;
import skep.target.TargetException;
import skep.target.TargetProvider;

/** Kernels of other machines, reached through an agent: over ssh, over a command's pipes, over a socket. */
public final class RemoteTargets {
    /**
     * What the other machine's shell does with what it is sent: says what it is, takes the agent, runs it. The file goes
     * once the agent runs.
     */
    private static final String BOOTSTRAP = "uname -m; read n; f=$(mktemp) && head -c $n >$f && chmod 700 $f && "
            + "{ (sleep 2; rm -f $f) </dev/null >/dev/null 2>&1 & } ; exec $f";

    private RemoteTargets() {}

    private static Target open(String spec, RemoteSyscalls syscalls) {
        var host = Host.of(syscalls);
        if (LinuxTargetProvider.missing(host) != 0) {
            syscalls.close();
            throw new TargetException(
                    "the agent's user may not trace: it needs root, or CAP_BPF and CAP_PERFMON, on its machine");
        }
        return new LinuxTarget(spec, host);
    }

    private static Process start(String what, String... command) {
        try {
            return new ProcessBuilder(command)
                    .redirectError(ProcessBuilder.Redirect.INHERIT)
                    .start();
        } catch (IOException failure) {
            throw new TargetException(what + " could not be started: " + failure.getMessage(), failure);
        }
    }

    /** {@code exec:COMMAND}: a command whose standard input and output lead to an agent that runs. */
    public static final class Exec implements TargetProvider {
        @Override
        public String scheme() {
            return "exec";
        }

        @Override
        public String title() {
            return "a kernel behind a command that leads to an agent: exec:COMMAND (see skep agent)";
        }

        @Override
        public Target open(String options) {
            if (options.isEmpty()) {
                throw new IllegalArgumentException("target exec needs a command: exec:COMMAND");
            }
            var process = start(options, "/bin/sh", "-c", options);
            return RemoteTargets.open(
                    "exec:" + options,
                    new RemoteSyscalls(process.getInputStream(), process.getOutputStream(), process::destroy));
        }
    }

    /** {@code unix:PATH}: a socket with an agent behind it, such as a virtual machine's serial port. */
    public static final class Unix implements TargetProvider {
        @Override
        public String scheme() {
            return "unix";
        }

        @Override
        public String title() {
            return "a kernel behind a unix socket that leads to an agent: unix:PATH (see skep agent)";
        }

        @Override
        public Target open(String options) {
            if (options.isEmpty()) {
                throw new IllegalArgumentException("target unix needs a path: unix:PATH");
            }
            try {
                var socket = SocketChannel.open(StandardProtocolFamily.UNIX);
                socket.connect(UnixDomainSocketAddress.of(options));
                var syscalls = new RemoteSyscalls(
                        Channels.newInputStream(socket), Channels.newOutputStream(socket), () -> close(socket));
                return RemoteTargets.open("unix:" + options, syscalls);
            } catch (IOException failure) {
                throw new TargetException("socket " + options + ": " + failure.getMessage(), failure);
            }
        }

        private static void close(SocketChannel socket) {
            try {
                socket.close();
            } catch (IOException alreadyGone) {
                // Nothing is left to do.
            }
        }
    }

    /** {@code ssh:user@host}: the agent is sent over and run; nothing needs to be there but a shell. */
    public static final class Ssh implements TargetProvider {
        @Override
        public String scheme() {
            return "ssh";
        }

        @Override
        public String title() {
            return "the kernel of another machine: ssh:root@board or ssh:root@board:2222; needs nothing there but a shell";
        }

        @Override
        public Target open(String options) {
            if (options.isEmpty() || options.startsWith("-")) {
                throw new IllegalArgumentException("target ssh needs a machine: ssh:user@host");
            }
            var process = start("ssh", command(options).toArray(String[]::new));
            return RemoteTargets.open("ssh:" + options, boot(process, options));
        }
    }

    /** {@code user@host} or {@code user@host:port}; an address with several colons is IPv6's, and has no port. */
    static List<String> command(String machine) {
        int colon = machine.indexOf(':');
        boolean port = colon > 0 && machine.substring(colon + 1).matches("[0-9]{1,5}");
        return port
                ? List.of("ssh", "-T", "-p", machine.substring(colon + 1), machine.substring(0, colon), BOOTSTRAP)
                : List.of("ssh", "-T", machine, BOOTSTRAP);
    }

    /** Sends the agent to a shell that runs {@link #BOOTSTRAP}. */
    static RemoteSyscalls boot(Process shell, String machine) {
        try {
            var in = shell.getInputStream();
            var word = new StringBuilder();
            for (int c = in.read(); c != '\n'; c = in.read()) {
                if (c < 0 || word.length() > 64) {
                    throw new TargetException("no shell answers on " + machine);
                }
                word.append((char) c);
            }
            var arch = Arrays.stream(Arch.values())
                    .filter(a -> a.machine().contentEquals(word))
                    .findFirst()
                    .orElseThrow(() -> new TargetException(
                            machine + " is a " + word + "; there is an agent for x86_64 and one for aarch64"));
            var image = AgentImage.of(arch);
            var out = shell.getOutputStream();
            out.write((image.length + "\n").getBytes(StandardCharsets.US_ASCII));
            out.write(image);
            out.flush();
            return new RemoteSyscalls(in, out, shell::destroy);
        } catch (IOException failure) {
            shell.destroy();
            throw new TargetException(machine + ": " + failure.getMessage(), failure);
        } catch (TargetException failure) {
            shell.destroy();
            throw failure;
        }
    }

    static String bootstrap() {
        return BOOTSTRAP;
    }
}
