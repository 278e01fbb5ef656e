package skep.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import skep.dsl.CompileOptions;
import skep.dsl.Compiler;
import skep.isa.kernel.KernelInfo;
import skep.session.Targets;
import skep.source.Source;

/**
 * How long compilation takes, from text to bytecode: the claim "under 100 ms warm for the longest script of
 * {@code tools-ported}". Each script is compiled until the compiler is warm, then timed; the kernel's types are read before.
 *
 * <pre>java -cp … skep.bench.CompileBench [--target SPEC] [--rounds N] [SCRIPT…]</pre>
 */
public final class CompileBench {
    private static final Path TOOLS = Path.of("tools-ported");

    private CompileBench() {}

    public static void main(String[] arguments) throws IOException {
        var spec = "embedded";
        int rounds = 30;
        List<Path> scripts = List.of();
        for (int i = 0; i < arguments.length; i++) {
            switch (arguments[i]) {
                case "--target" -> spec = arguments[++i];
                case "--rounds" -> rounds = Integer.parseInt(arguments[++i]);
                default -> {
                    scripts = Arrays.stream(arguments, i, arguments.length)
                            .map(Path::of)
                            .toList();
                    i = arguments.length;
                }
            }
        }
        try (var target = Targets.open(spec)) {
            System.out.printf("%-50s %8s %8s %10s %10s%n", "script", "bytes", "first ms", "median ms", "least ms");
            for (var script : scripts.isEmpty() ? tools() : scripts) {
                time(script, target.kernel(), rounds);
            }
        }
    }

    private static List<Path> tools() throws IOException {
        try (var files = Files.walk(TOOLS)) {
            return files.filter(f -> f.toString().endsWith(".bt")).sorted().toList();
        }
    }

    private static void time(Path script, KernelInfo kernel, int rounds) throws IOException {
        var text = Files.readString(script);
        double first = compile(script, text, kernel);
        var millis = new double[rounds];
        for (int i = 0; i < 2 * rounds; i++) {
            double one = compile(script, text, kernel);
            millis[i % rounds] = one;
        }
        Arrays.sort(millis);
        System.out.printf(
                "%-50s %8d %8.1f %10.1f %10.1f%n", script, text.length(), first, millis[rounds / 2], millis[0]);
    }

    private static double compile(Path script, String text, KernelInfo kernel) {
        long start = System.nanoTime();
        var result = Compiler.compile(new Source(script.toString(), text), kernel, CompileOptions.DEFAULT);
        double millis = (System.nanoTime() - start) / 1e6;
        if (result.script().isEmpty()) {
            throw new IllegalStateException(script + ": " + result.diagnostics());
        }
        return millis;
    }
}
