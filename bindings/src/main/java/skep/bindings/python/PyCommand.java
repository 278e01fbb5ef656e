package skep.bindings.python;

import java.io.InputStream;
import java.io.PrintStream;
import java.util.List;
import skep.target.ToolCommand;

/**
 * {@code skep py FILE ARGUMENTS…}: runs any Python script, and code and modules as {@code python3} does; {@code bcc} is there to
 * be imported.
 */
public final class PyCommand implements ToolCommand {
    @Override
    public String name() {
        return "py";
    }

    @Override
    public String summary() {
        return """
                runs a Python script
                  skep py [--target SPEC] [--backend NAME] [--duration TIME] [--sandbox] FILE ARGUMENTS…
                  skep py … -c CODE ARGUMENTS…, -m MODULE ARGUMENTS… and - (standard input), as with python3""";
    }

    @Override
    public boolean hasUsage() {
        return true;
    }

    @Override
    public int run(List<String> arguments, InputStream in, PrintStream out, PrintStream err) {
        return BccCommand.runScript(arguments, true, summary(), out, err);
    }
}
