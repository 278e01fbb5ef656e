package skep.linux;

import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.util.List;
import skep.isa.kernel.Arch;
import skep.linux.agent.AgentImage;
import skep.target.ToolCommand;

/** {@code skep agent ARCH > FILE}: writes the program that traces another machine for us. */
public final class AgentCommand implements ToolCommand {
    @Override
    public String name() {
        return "agent";
    }

    @Override
    public String summary() {
        return """
                writes the agent, a static program that makes system calls on another machine
                  agent x86_64|aarch64 > FILE    then run it there with its input and output connected
                                                 to exec: or unix: here; ssh: sends it by itself""";
    }

    @Override
    public int run(List<String> arguments, InputStream in, PrintStream out, PrintStream err) {
        for (var arch : Arch.values()) {
            if (arguments.equals(List.of(arch.machine()))) {
                try {
                    out.write(AgentImage.of(arch));
                    out.flush();
                    return 0;
                } catch (IOException failure) {
                    err.println("ERROR: " + failure.getMessage());
                    return 1;
                }
            }
        }
        err.println("ERROR: agent takes x86_64 or aarch64");
        return 2;
    }
}
