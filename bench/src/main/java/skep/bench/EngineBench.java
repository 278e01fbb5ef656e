package skep.bench;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.ServiceLoader;
import java.util.regex.Pattern;
import skep.elf.ElfFile;
import skep.target.ToolCommand;

/**
 * How fast the VM runs programs, against the same C compiled for this machine: the claim "at most 1.5 times clang -O2". Each file of
 * {@code bench/src/main/c} is compiled by clang for eBPF, and by clang and gcc with {@code -O2} for the machine; all three run in
 * turn on the same memory, the eBPF one by {@code vm bench}. Times are processor time.
 *
 * <pre>java -cp … skep.bench.EngineBench [--backend NAME] [--seconds S] [--verify yes|no] [--sources FOLDER] [PROGRAM…]</pre>
 */
public final class EngineBench {
    private static final int MEMORY_BYTES = 4096;
    private static final Pattern BENCH_LINE = Pattern.compile(
            ".*: ([\\d.]+) ns a run minimum, ([\\d.]+) median, .* r0 0x(\\w+), compiled in ([\\d.]+) ms, (\\w+).*\\s*");

    private final Path sources;
    private final Path work;
    private final String backend;
    private final String seconds;
    private final String verify;

    private EngineBench(Path sources, Path work, String backend, String seconds, String verify) {
        this.verify = verify;
        this.sources = sources;
        this.work = work;
        this.backend = backend;
        this.seconds = seconds;
    }

    /** What one program took: nanoseconds a run, the least of many. */
    private record Result(
            String name, double clang, double gcc, double vm, double compileMillis, String mode, boolean agrees) {}

    public static void main(String[] arguments) throws IOException, InterruptedException {
        var backend = "jvm";
        var verify = "yes";
        var seconds = "2";
        var sources = Path.of("bench/src/main/c");
        var names = new ArrayList<String>();
        for (int i = 0; i < arguments.length; i++) {
            switch (arguments[i]) {
                case "--backend" -> backend = arguments[++i];
                case "--verify" -> verify = arguments[++i];
                case "--seconds" -> seconds = arguments[++i];
                case "--sources" -> sources = Path.of(arguments[++i]);
                default -> names.add(arguments[i]);
            }
        }
        var work = Files.createTempDirectory("skep-bench");
        try {
            new EngineBench(sources, work, backend, seconds, verify).run(names);
        } finally {
            try (var files = Files.walk(work)) {
                files.sorted(Comparator.reverseOrder())
                        .forEach(file -> file.toFile().delete());
            }
        }
    }

    private void run(List<String> wanted) throws IOException, InterruptedException {
        var contents = new byte[MEMORY_BYTES];
        new Random(7).nextBytes(contents);
        Files.write(work.resolve("memory"), contents);
        System.out.printf(
                "%-15s %12s %12s %12s %8s %10s mode%n",
                "program", "clang ns", "gcc ns", backend + " ns", "ratio", "compile ms");
        double vm = 0;
        double gcc = 0;
        var names = wanted.isEmpty() ? programs() : wanted;
        for (var name : names) {
            var result = measure(name);
            System.out.printf(
                    Locale.ROOT,
                    "%-15s %12.1f %12.1f %12.1f %8.2f %10.1f %s%s%n",
                    name,
                    result.clang,
                    result.gcc,
                    result.vm,
                    result.vm / result.clang,
                    result.compileMillis,
                    result.mode,
                    result.agrees ? "" : "  RESULTS DIFFER");
            vm += Math.log(result.vm / result.clang);
            gcc += Math.log(result.gcc / result.clang);
        }
        System.out.printf(
                Locale.ROOT,
                "geometric mean of time against clang -O2: gcc -O2 %.2f, %s %.2f (%d programs)%n",
                Math.exp(gcc / names.size()),
                backend,
                Math.exp(vm / names.size()),
                names.size());
    }

    private List<String> programs() throws IOException {
        try (var files = Files.list(sources)) {
            return files.map(file -> file.getFileName().toString())
                    .filter(file -> file.endsWith(".c") && !file.equals("driver.c"))
                    .map(file -> file.substring(0, file.length() - 2))
                    .sorted()
                    .toList();
        }
    }

    private Result measure(String name) throws IOException, InterruptedException {
        var source = sources.resolve(name + ".c").toString();
        var object = work.resolve(name + ".o");
        run("clang", "-O2", "-g", "-target", "bpf", "-mcpu=v3", "-fno-builtin", "-c", source, "-o", object.toString());
        var code = code(object, name);
        var clang = twin("clang", source, name);
        var gcc = twin("gcc", source, name);
        var bench = BENCH_LINE.matcher(vmBench(code.toString()));
        if (!bench.matches()) {
            throw new IOException(name + ": " + vmBench(code.toString()));
        }
        return new Result(
                name,
                Double.parseDouble(clang[0]),
                Double.parseDouble(gcc[0]),
                Double.parseDouble(bench.group(1)),
                Double.parseDouble(bench.group(4)),
                bench.group(5),
                clang[2].equals(bench.group(3)) && gcc[2].equals(bench.group(3)));
    }

    /** The object itself if it has maps, otherwise its instructions. */
    private Path code(Path object, String name) throws IOException {
        var elf = ElfFile.of(Files.readAllBytes(object));
        if (elf.section(".maps").isPresent()) {
            return object;
        }
        var text = elf.section(".text").orElseThrow(() -> new IOException(object + " has no code"));
        var code = work.resolve(name + ".bin");
        Files.write(code, elf.bytes(text));
        return code;
    }

    /** Compiles for this machine and runs: minimum and median nanoseconds, result. */
    private String[] twin(String compiler, String source, String name) throws IOException, InterruptedException {
        var native_ = work.resolve(name + "." + compiler).toString();
        run(compiler, "-O2", source, sources.resolve("driver.c").toString(), "-o", native_);
        return run(native_, work.resolve("memory").toString(), seconds).strip().split("\\s+");
    }

    private String vmBench(String code) {
        var bytes = new ByteArrayOutputStream();
        var out = new PrintStream(bytes, true, StandardCharsets.UTF_8);
        for (var tool : ServiceLoader.load(ToolCommand.class)) {
            if (tool.name().equals("vm bench")) {
                var memory = work.resolve("memory").toString();
                tool.run(
                        List.of(
                                "--backend",
                                backend,
                                "--seconds",
                                seconds,
                                "--verify",
                                verify,
                                "--memory",
                                memory,
                                code),
                        new ByteArrayInputStream(new byte[0]),
                        out,
                        out);
            }
        }
        return bytes.toString(StandardCharsets.UTF_8);
    }

    private static String run(String... command) throws IOException, InterruptedException {
        var process = new ProcessBuilder(command).redirectErrorStream(true).start();
        var output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        if (process.waitFor() != 0) {
            throw new IOException(String.join(" ", command) + ": " + output);
        }
        return output;
    }
}
