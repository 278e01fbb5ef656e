package skep.bench;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Random;
import skep.arm64.lower.Calls;
import skep.arm64.lower.Lowering;
import skep.arm64.lower.LoweringOptions;
import skep.elf.ElfFile;
import skep.isa.Bytecode;
import skep.isa.DecodedProgram;
import skep.isa.Insn;

/**
 * How good A64 code is, against the same C compiled for the processor: size in bytes and instructions executed. Each file of
 * {@code bench/src/main/c} is compiled by clang for eBPF and, with {@code -O2}, for aarch64; the bytecode is lowered by Skep in its own style
 * and in that of Linux 6.1. All run once on the same memory under qemu-aarch64, which logs each instruction. Times under emulation would
 * mean nothing, and are not taken.
 *
 * <pre>java -cp … skep.bench.Arm64Code [--sources FOLDER] [PROGRAM…]</pre>
 */
public final class Arm64Code {
    private static final int MEMORY_BYTES = 4096;

    /** Calls the program and writes what it returns. */
    private static final String DRIVER = """
            .text
            .globl _start
            _start:
                adrp x0, memory
                add x0, x0, :lo12:memory
                mov x1, #4096
                bl program
                adrp x1, memory
                add x1, x1, :lo12:memory
                str x0, [x1]
                mov x0, #1
                mov x2, #8
                mov x8, #64
                svc #0
                mov x0, #0
                mov x8, #93
                svc #0
            .data
            .balign 4096
            memory: .incbin "memory"
            """;

    private final Path sources;
    private final Path work;

    private Arm64Code(Path sources, Path work) {
        this.sources = sources;
        this.work = work;
    }

    /** One way to the same program. */
    private record Way(int bytes, long insns, long result) {}

    private record Row(String name, Way clang, Way own, Way linux) {}

    public static void main(String[] arguments) throws IOException, InterruptedException {
        var sources = Path.of("bench/src/main/c");
        var names = new ArrayList<String>();
        for (int i = 0; i < arguments.length; i++) {
            if (arguments[i].equals("--sources")) {
                sources = Path.of(arguments[++i]);
            } else {
                names.add(arguments[i]);
            }
        }
        var work = Files.createTempDirectory("skep-arm64-code");
        try {
            new Arm64Code(sources, work).run(names);
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
        Files.writeString(work.resolve("driver.s"), DRIVER);
        assemble("driver.s");
        Files.write(work.resolve("empty.bin"), bytes(new int[] {0xd65f_03c0}));
        long around = executed("empty", embed("empty")).insns - 1;
        System.out.println(
                "| program | bytes: clang -O2 | Linux 6.1 | Skep | executed: clang -O2 | Linux 6.1 | Skep |");
        System.out.println("|---|---|---|---|---|---|---|");
        double[] sums = new double[4];
        var names = wanted.isEmpty() ? programs() : wanted;
        int count = 0;
        var leftOut = new ArrayList<String>();
        for (var name : names) {
            var measured = measure(name, around);
            if (measured.isEmpty()) {
                leftOut.add(name);
                continue;
            }
            var row = measured.get();
            if (row.own.result != row.clang.result || row.linux.result != row.clang.result) {
                System.out.printf("| %s | RESULTS DIFFER | | | | | |%n", name);
                continue;
            }
            count++;
            sums[0] += Math.log((double) row.linux.bytes / row.clang.bytes);
            sums[1] += Math.log((double) row.own.bytes / row.clang.bytes);
            sums[2] += Math.log((double) row.linux.insns / row.clang.insns);
            sums[3] += Math.log((double) row.own.insns / row.clang.insns);
            System.out.printf(
                    "| %s | %d | %d | %d | %d | %d | %d |%n",
                    name,
                    row.clang.bytes,
                    row.linux.bytes,
                    row.own.bytes,
                    row.clang.insns,
                    row.linux.insns,
                    row.own.insns);
        }
        System.out.printf(
                Locale.ROOT,
                "| geometric mean against clang, %d programs | 1 | %.2f | %.2f | 1 | %.2f | %.2f |%n",
                count,
                Math.exp(sums[0] / count),
                Math.exp(sums[1] / count),
                Math.exp(sums[2] / count),
                Math.exp(sums[3] / count));
        if (!leftOut.isEmpty()) {
            System.out.println("Left out, since they call the kernel: " + String.join(", ", leftOut));
        }
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

    /** Empty for a program that is no plain function: it has no code in {@code .text}. */
    private Optional<Row> measure(String name, long around) throws IOException, InterruptedException {
        var source = sources.resolve(name + ".c").toAbsolutePath().toString();
        run("clang", "-O2", "-target", "bpf", "-mcpu=v3", "-fno-builtin", "-c", source, "-o", name + ".bpf.o");
        run("clang", "-O2", "--target=aarch64-linux-gnu", "-ffreestanding", "-c", source, "-o", name + ".clang.o");
        var elf = ElfFile.of(Files.readAllBytes(work.resolve(name + ".bpf.o")));
        var code = Bytecode.ofBytes(elf.bytes(elf.section(".text").orElseThrow()));
        if (code.size() == 0) {
            return Optional.empty();
        }
        var twin = ElfFile.of(Files.readAllBytes(work.resolve(name + ".clang.o")));
        int twinBytes = twin.bytes(twin.section(".text").orElseThrow()).length;
        var options = LoweringOptions.VERIFIED.withHints(LoweringOptions.Hints.NONE);
        var own = lowered(name + ".own", code, options);
        var linux = lowered(name + ".linux", code, options.withStyle(LoweringOptions.Style.LINUX_6_1));
        var clang = executed(name + ".clang", name + ".clang.o");
        return Optional.of(new Row(
                name,
                new Way(twinBytes, clang.insns - around, clang.result),
                new Way(own.bytes, own.insns - around, own.result),
                new Way(linux.bytes, linux.insns - around, linux.result)));
    }

    private Way lowered(String name, Bytecode code, LoweringOptions options) throws IOException, InterruptedException {
        var program = DecodedProgram.of(code);
        int[] words = Lowering.lower(program, options, new NoCalls(program)).words();
        Files.write(work.resolve(name + ".bin"), bytes(words));
        var way = executed(name, embed(name));
        return new Way(4 * words.length, way.insns, way.result);
    }

    /** An object file that holds a program's code; its name. */
    private String embed(String name) throws IOException, InterruptedException {
        Files.writeString(
                work.resolve(name + ".s"),
                ".text\n.globl program\n.balign 64\nprogram: .incbin \"" + name + ".bin\"\n.balign 4\n");
        assemble(name + ".s");
        return name + ".o";
    }

    private void assemble(String file) throws IOException, InterruptedException {
        run("aarch64-linux-gnu-as", file, "-o", file.replaceAll("\\.s$", ".o"));
    }

    /** Links with the driver, runs under the emulator and counts the instructions in its log. */
    private Way executed(String name, String object) throws IOException, InterruptedException {
        run("aarch64-linux-gnu-ld", "driver.o", object, "-o", name + ".elf");
        var log = work.resolve(name + ".log");
        var output = work.resolve(name + ".out");
        var process = new ProcessBuilder(
                        "qemu-aarch64", "-singlestep", "-d", "nochain,exec", "-D", log.toString(), name + ".elf")
                .directory(work.toFile())
                .redirectOutput(output.toFile())
                .start();
        if (process.waitFor() != 0) {
            throw new IOException(name + " ends with status " + process.exitValue());
        }
        long insns = 0;
        try (var lines = Files.lines(log, StandardCharsets.ISO_8859_1)) {
            insns = lines.filter(line -> line.startsWith("Trace ")).count();
        }
        Files.delete(log);
        long result = ByteBuffer.wrap(Files.readAllBytes(output))
                .order(ByteOrder.LITTLE_ENDIAN)
                .getLong();
        return new Way(0, insns, result);
    }

    private static byte[] bytes(int[] words) {
        var out = ByteBuffer.allocate(4 * words.length).order(ByteOrder.LITTLE_ENDIAN);
        for (int word : words) {
            out.putInt(word);
        }
        return out.array();
    }

    private void run(String... command) throws IOException, InterruptedException {
        var process = new ProcessBuilder(command)
                .directory(work.toFile())
                .redirectErrorStream(true)
                .start();
        var said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        if (process.waitFor() != 0) {
            throw new IOException(String.join(" ", command) + ": " + said);
        }
    }

    /** The programs call nothing outside. */
    private record NoCalls(DecodedProgram program) implements Calls {
        @Override
        public CallTarget target(int slot) {
            throw new IllegalStateException("a call at slot " + slot);
        }

        @Override
        public long throughRegister() {
            throw new IllegalStateException("a call through a register");
        }

        @Override
        public long immediate(int slot) {
            return program.at(slot) instanceof Insn.LoadImm64 load ? load.imm() : 0;
        }
    }
}
