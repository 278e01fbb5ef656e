package skep.jupyter.cell;

import java.util.List;
import skep.bindings.polyglot.PolyglotSession.Language;
import skep.jupyter.protocol.Kernel;

/** {@code %%js}: JavaScript; what the module {@code skep} exports is there, and so are the other languages' variables. */
public final class JsLanguage extends GuestLanguage {
    public JsLanguage() {
        super(
                Language.JS,
                List.of(
                        "await",
                        "break",
                        "case",
                        "catch",
                        "class",
                        "const",
                        "continue",
                        "default",
                        "delete",
                        "else",
                        "export",
                        "false",
                        "finally",
                        "for",
                        "function",
                        "if",
                        "import",
                        "in",
                        "instanceof",
                        "let",
                        "new",
                        "null",
                        "of",
                        "return",
                        "switch",
                        "this",
                        "throw",
                        "true",
                        "try",
                        "typeof",
                        "undefined",
                        "var",
                        "while",
                        "yield"));
    }

    @Override
    public String name() {
        return "js";
    }

    @Override
    public String title() {
        return "JavaScript; t = trace('…') runs behind the cell, trace('…', {duration: 3}) within it; charts, display";
    }

    @Override
    public Kernel.Completeness isComplete(String body) {
        int open = open(body, false);
        return open < 0
                ? new Kernel.Completeness.Invalid()
                : open > 0 ? new Kernel.Completeness.Incomplete("  ".repeat(open)) : new Kernel.Completeness.Complete();
    }
}
