package skep.dsl.check;

import skep.dsl.CompileOptions;
import skep.dsl.ast.Script;
import skep.isa.kernel.KernelInfo;
import skep.source.Diagnostics;

/** Reads the C lines at the head of a script. */
final class CPreamble {
    private CPreamble() {}

    static CDeclarations read(Script script, KernelInfo kernel, CompileOptions options, Diagnostics diagnostics) {
        var declared = new CDeclarations();
        for (var text : script.preamble()) {
            var line = text.span().text().strip();
            if (line.startsWith("#define")) {
                var rest = line.substring(7).strip();
                int end = 0;
                while (end < rest.length() && Character.isJavaIdentifierPart(rest.charAt(end))) {
                    end++;
                }
                if (end > 0 && !(end < rest.length() && rest.charAt(end) == '(')) {
                    declared.addDefine(
                            rest.substring(0, end), rest.substring(end).strip());
                }
            }
        }
        return declared;
    }
}
