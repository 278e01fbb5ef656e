package skep.jupyter.cell;

import java.util.List;
import skep.bindings.polyglot.PolyglotSession.Language;
import skep.jupyter.protocol.Kernel;

/** {@code %%py}: Python, with what the package {@code skep} exports at hand. */
public final class PythonLanguage extends GuestLanguage {
    public PythonLanguage() {
        super(
                Language.PYTHON,
                List.of(
                        "False",
                        "None",
                        "True",
                        "and",
                        "as",
                        "assert",
                        "async",
                        "await",
                        "break",
                        "class",
                        "continue",
                        "def",
                        "del",
                        "elif",
                        "else",
                        "except",
                        "finally",
                        "for",
                        "from",
                        "global",
                        "if",
                        "import",
                        "in",
                        "is",
                        "lambda",
                        "nonlocal",
                        "not",
                        "or",
                        "pass",
                        "print",
                        "raise",
                        "return",
                        "try",
                        "while",
                        "with",
                        "yield"));
    }

    @Override
    public String name() {
        return "py";
    }

    @Override
    public String title() {
        return "Python; t = trace(\"…\") runs behind the cell, trace(\"…\", duration=3) within it; charts, display";
    }

    @Override
    public Kernel.Completeness isComplete(String body) {
        int open = open(body, true);
        if (open < 0) {
            return new Kernel.Completeness.Invalid();
        }
        var lines = body.stripTrailing().split("\n", -1);
        var last = lines[lines.length - 1];
        // A block ends with an empty line, as at Python's own prompt.
        boolean inBlock = last.stripTrailing().endsWith(":") || last.startsWith(" ") && !body.endsWith("\n");
        return open > 0 || inBlock
                ? new Kernel.Completeness.Incomplete(
                        " ".repeat(last.length() - last.stripLeading().length() + (last.endsWith(":") ? 4 : 0)))
                : new Kernel.Completeness.Complete();
    }
}
