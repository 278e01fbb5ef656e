package skep.linux;

import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.util.List;
import skep.linux.sys.LocalSyscalls;
import skep.target.ToolCommand;

/** {@code skep kernel-info > FILE}: writes down what a compiler may know of this kernel. */
public final class KernelInfoCommand implements ToolCommand {
    @Override
    public String name() {
        return "kernel-info";
    }

    @Override
    public String summary() {
        return """
                writes what a compiler needs to know of this kernel, to compile for it elsewhere
                  kernel-info > FILE     then: skep --target kernel:FILE -d object -e PROGRAM""";
    }

    @Override
    public int run(List<String> arguments, InputStream in, PrintStream out, PrintStream err) {
        if (!arguments.isEmpty()) {
            err.println("ERROR: kernel-info takes no arguments; it writes to standard output");
            return 2;
        }
        if (System.console() != null && System.console().isTerminal()) {
            err.println("ERROR: kernel-info writes a binary file; redirect it: skep kernel-info > FILE");
            return 2;
        }
        try {
            RecordedKernel.write(new LinuxKernel(Host.of(LocalSyscalls.instance())), out);
            return 0;
        } catch (IOException failure) {
            err.println("ERROR: " + failure.getMessage());
            return 1;
        }
    }
}
