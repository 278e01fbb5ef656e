package skep.dsl.check;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Optional;
import skep.dsl.CompileOptions;
import skep.dsl.ast.Script;
import skep.isa.kernel.Feature;
import skep.isa.kernel.KernelInfo;
import skep.source.Diagnostics;
import skep.source.Source;
import skep.source.Span;

/**
 * Reads the C lines at the head of a script: conditions, macros without parameters, included files of the user.
 * Headers of the kernel are not needed, since its types come from BTF; what people use of system headers are constants,
 * which {@link SystemConstants} has.
 */
final class CPreamble {
    private static final int MAX_INCLUDE_DEPTH = 32;

    private final CDeclarations declared = new CDeclarations();
    private final KernelInfo kernel;
    private final CompileOptions options;
    private final Diagnostics diagnostics;
    /** For each open condition whether its text counts now. */
    private final Deque<Condition> conditions = new ArrayDeque<>();

    private int includeDepth;

    /** @param taken whether some branch was taken already */
    private record Condition(boolean outer, boolean active, boolean taken) {}

    private CPreamble(KernelInfo kernel, CompileOptions options, Diagnostics diagnostics) {
        this.kernel = kernel;
        this.options = options;
        this.diagnostics = diagnostics;
    }

    static CDeclarations read(Script script, KernelInfo kernel, CompileOptions options, Diagnostics diagnostics) {
        var preamble = new CPreamble(kernel, options, diagnostics);
        if (!script.preamble().isEmpty() && kernel.unsupported(Feature.BTF).isEmpty()) {
            preamble.declared.addDefine("BPFTRACE_HAVE_BTF", "1");
        }
        for (var text : script.preamble()) {
            preamble.piece(text.span());
        }
        return preamble.declared;
    }

    private boolean active() {
        return conditions.isEmpty() || conditions.peek().active();
    }

    private void piece(Span span) {
        var text = span.text().strip();
        if (text.startsWith("#")) {
            directive(text.substring(1).strip(), span);
        } else if (active()) {
            new CParser(text, span, declared, this::kernelType, diagnostics).declarations();
        }
    }

    private Optional<skep.dsl.Type> kernelType(String name) {
        return new CTypes(kernel, declared).named(name, 64);
    }

    private void directive(String text, Span span) {
        int end = 0;
        while (end < text.length() && Character.isLetter(text.charAt(end))) {
            end++;
        }
        var rest = text.substring(end).strip();
        switch (text.substring(0, end)) {
            case "ifdef" -> open(declared.isDefined(word(rest)));
            case "ifndef" -> open(!declared.isDefined(word(rest)));
            case "if" -> open(active() && holds(rest));
            case "elif" -> {
                if (!conditions.isEmpty()) {
                    var top = conditions.pop();
                    boolean now = top.outer() && !top.taken() && holds(rest);
                    conditions.push(new Condition(top.outer(), now, top.taken() || now));
                }
            }
            case "else" -> {
                if (!conditions.isEmpty()) {
                    var top = conditions.pop();
                    conditions.push(new Condition(top.outer(), top.outer() && !top.taken(), true));
                }
            }
            case "endif" -> {
                if (!conditions.isEmpty()) {
                    conditions.pop();
                }
            }
            case "define" -> {
                if (active()) {
                    define(rest);
                }
            }
            case "undef" -> {
                if (active()) {
                    declared.removeDefine(word(rest));
                }
            }
            case "include" -> {
                if (active()) {
                    include(rest, span);
                }
            }
            default -> {}
        }
    }

    private void open(boolean holds) {
        boolean outer = active();
        conditions.push(new Condition(outer, outer && holds, holds));
    }

    private boolean holds(String expression) {
        return new CConstants(declared).evaluate(expression).orElse(0L) != 0;
    }

    private static String word(String text) {
        int end = 0;
        while (end < text.length() && Character.isJavaIdentifierPart(text.charAt(end))) {
            end++;
        }
        return text.substring(0, end);
    }

    private void define(String rest) {
        var name = word(rest);
        if (name.isEmpty()) {
            return;
        }
        var replacement = rest.substring(name.length());
        if (replacement.startsWith("(")) {
            return;
        }
        int comment = replacement.indexOf("//");
        if (comment >= 0) {
            replacement = replacement.substring(0, comment);
        }
        declared.addDefine(
                name,
                replacement.replaceAll("/\\*.*?\\*/", " ").replace("\\\n", " ").strip());
    }

    /** A user's header; one of the system declares nothing that is not known anyway. */
    private void include(String rest, Span span) {
        if (rest.length() < 2) {
            return;
        }
        boolean quoted = rest.startsWith("\"");
        int end = rest.indexOf(quoted ? '"' : '>', 1);
        if (end < 0) {
            diagnostics.error("include", span, "malformed #include");
            return;
        }
        var name = rest.substring(1, end);
        if (!options.files()) {
            if (quoted) {
                diagnostics.error("include", span, "'" + name + "': this script may not use files of the machine");
            } else {
                SystemConstants.include(name, kernel.arch(), declared);
            }
            return;
        }
        for (var folder : options.includeFolders()) {
            var path = Path.of(folder, name);
            if (Files.isRegularFile(path)) {
                includeFile(path, span);
                return;
            }
        }
        var path = Path.of(name);
        if (quoted && Files.isRegularFile(path)) {
            includeFile(path, span);
        } else if (quoted) {
            diagnostics.error("include", span, "'" + name + "' file not found");
        } else {
            SystemConstants.include(name, kernel.arch(), declared);
        }
    }

    private void includeFile(Path path, Span span) {
        if (++includeDepth > MAX_INCLUDE_DEPTH) {
            diagnostics.error("include", span, "#include nested too deeply");
            return;
        }
        try {
            var source = new Source(path.toString(), Files.readString(path));
            file(source);
        } catch (IOException unreadable) {
            diagnostics.error("include", span, "cannot read " + path + ": " + unreadable.getMessage());
        }
        includeDepth--;
    }

    /** Lines with {@code #} are directives, what stands between them is C. */
    private void file(Source source) {
        var text = source.text();
        int at = 0;
        int from = 0;
        while (at < text.length()) {
            int lineEnd = text.indexOf('\n', at);
            while (lineEnd > 0 && text.charAt(lineEnd - 1) == '\\') {
                lineEnd = text.indexOf('\n', lineEnd + 1);
            }
            lineEnd = lineEnd < 0 ? text.length() : lineEnd;
            if (text.substring(at, lineEnd).strip().startsWith("#")) {
                plain(source, from, at);
                piece(source.span(at, lineEnd));
                from = lineEnd;
            }
            at = lineEnd + 1;
        }
        plain(source, from, text.length());
    }

    private void plain(Source source, int from, int to) {
        if (from < to && !source.text().substring(from, to).isBlank()) {
            piece(source.span(from, to));
        }
    }
}
