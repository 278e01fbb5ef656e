package skep.c.bcc;

import java.util.List;
import skep.c.pp.IncludeProvider;
import skep.isa.kernel.KernelInfo;

/**
 * What to compile.
 *
 * @param fileName how diagnostics name the text
 * @param cflags as BCC passes them to its compiler: {@code -DNAME[=VALUE]}, {@code -UNAME}, {@code -include FILE}; others
 *     have no effect
 * @param kernel types, tracepoints and version
 * @param usdt one for each static probe that a function is enabled for
 * @param includes files of the user, asked before the header library
 */
public record BccRequest(
        String text,
        String fileName,
        List<String> cflags,
        KernelInfo kernel,
        List<UsdtArguments> usdt,
        IncludeProvider includes) {
    public BccRequest {
        cflags = List.copyOf(cflags);
        usdt = List.copyOf(usdt);
    }

    public static BccRequest of(String text, KernelInfo kernel) {
        return new BccRequest(text, "program.c", List.of(), kernel, List.of(), IncludeProvider.NONE);
    }
}
