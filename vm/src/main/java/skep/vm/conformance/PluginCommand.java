package skep.vm.conformance;

import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.List;
import java.util.Set;
import skep.isa.Bytecode;
import skep.target.ToolCommand;
import skep.vm.KernelServices;
import skep.vm.RefusedProgramException;
import skep.vm.UnverifiedProgram;
import skep.vm.VmFault;

/**
 * {@code skep vm plugin}: bpf_conformance's plugin protocol. The program comes as hexadecimal bytes on standard input, the memory for
 * r1 as the argument; r0 goes to standard output in hexadecimal.
 */
public final class PluginCommand implements ToolCommand {
    @Override
    public String name() {
        return "vm plugin";
    }

    @Override
    public String summary() {
        return """
                runs one program for bpf_conformance
                usage: skep vm plugin [MEMORY-HEX] [--backend NAME] [--program HEX] < PROGRAM-HEX
                """;
    }

    @Override
    public int run(List<String> arguments, InputStream in, PrintStream out, PrintStream err) {
        try {
            var options = Options.parse(arguments, Set.of(Options.BACKEND, "--program"));
            if (options.words().size() > 1) {
                throw new IllegalArgumentException("one memory at most");
            }
            var memory = bytes(options.words().isEmpty() ? "" : options.words().getFirst());
            var text = options.value("--program", "");
            var code = bytes(text.isEmpty() ? new String(in.readAllBytes(), StandardCharsets.US_ASCII) : text);
            out.println(Long.toHexString(run(options, Bytecode.ofBytes(code), memory)));
            return 0;
        } catch (RefusedProgramException | VmFault failure) {
            err.println("vm plugin: " + failure.getMessage());
            return 1;
        } catch (IllegalArgumentException e) {
            err.println("vm plugin: " + e.getMessage());
            return 2;
        } catch (IOException e) {
            err.println("vm plugin: cannot read standard input: " + e.getMessage());
            return 2;
        }
    }

    private static long run(Options options, Bytecode code, byte[] contents) {
        try (var machine = new TestMachine(UbpfHelpers.all(), KernelServices.detached(), 0);
                var memory = machine.lend(contents);
                var executable = options.backend().compile(new UnverifiedProgram("plugin", code), machine.runtime())) {
            machine.cpu().setBudget(RowRunner.MAX_INSNS);
            return executable.run(machine.cpu(), contents.length == 0 ? 0 : memory.address(), contents.length);
        }
    }

    private static byte[] bytes(String hex) {
        return HexFormat.of().parseHex(hex.replaceAll("\\s", ""));
    }
}
