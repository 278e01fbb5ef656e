package skep.c.bcc;

import skep.c.parse.TranslationUnit.FunctionDefinition;

/** Reads the hint out of a function's section or name. */
final class AttachHints {
    private AttachHints() {}

    static AttachHint of(FunctionDefinition function) {
        var section = Analysis.section(function.attributes());
        if (section.isPresent()) {
            return new AttachHint.Section(section.get());
        }
        return of(function.name());
    }

    private static AttachHint of(String name) {
        int split = name.indexOf("__");
        if (split <= 0) {
            return new AttachHint.None();
        }
        var rest = name.substring(split + 2);
        return switch (name.substring(0, split)) {
            case "kprobe" -> new AttachHint.Kprobe(rest);
            case "kretprobe" -> new AttachHint.Kretprobe(rest);
            case "tracepoint" -> {
                int second = rest.indexOf("__");
                yield second <= 0
                        ? new AttachHint.None()
                        : new AttachHint.Tracepoint(rest.substring(0, second), rest.substring(second + 2));
            }
            case "raw_tracepoint" -> new AttachHint.RawTracepoint(rest);
            case "kfunc" -> new AttachHint.Kfunc(withoutModule(rest));
            case "kretfunc" -> new AttachHint.Kretfunc(withoutModule(rest));
            case "kmod_ret" -> new AttachHint.KmodRet(withoutModule(rest));
            case "lsm" -> new AttachHint.Lsm(rest);
            case "bpf_iter" -> new AttachHint.Iterator(rest);
            default -> new AttachHint.None();
        };
    }

    private static String withoutModule(String rest) {
        int split = rest.indexOf("__");
        return split > 0 ? rest.substring(split + 2) : rest;
    }
}
