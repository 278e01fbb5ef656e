package skep.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import skep.arm64.lower.KernelImage;
import skep.dsl.CompileOptions;
import skep.dsl.Compiler;
import skep.isa.Assembler;
import skep.isa.kernel.MapType;
import skep.isa.kernel.ProgramType;
import skep.isa.object.BpfObject;
import skep.isa.object.LineTable;
import skep.isa.object.MapReference;
import skep.isa.object.MapSpec;
import skep.isa.object.ProgramSpec;
import skep.session.Targets;
import skep.source.Source;
import skep.target.Inventory;
import skep.target.LoadException;
import skep.target.LoadOptions;
import skep.target.MachineImage;
import skep.target.Target;

/**
 * How large A64 code is, against Linux's JIT: the claim "at most the kernel's on each". Each script of
 * {@code bench/src/main/arm64/one-liners.txt} is loaded into a live arm64 kernel, what that kernel's JIT made of each program is read back,
 * and the same bytecode is lowered by Skep, in the kernel's style and in its own.
 *
 * <pre>java -cp … skep.bench.Arm64Sizes --target unix:SOCKET [--scripts FILE | --forms FILE] [--show] [--record FILE]</pre>
 *
 * <p>{@code --show} prints the kernel's code and ours side by side. {@code --record} writes bytecode and code of each program to a file, one a
 * line: what {@code KernelImageTest} compares with. {@code --forms} takes programs in assembly, such as
 * {@code bench/src/main/arm64/forms.txt}.
 */
public final class Arm64Sizes {
    private static final int LD_IMM64 = 0x18;

    private final Target target;
    private final boolean show;
    private final List<String> records = new ArrayList<>();
    private int scripts;

    private Arm64Sizes(Target target, boolean show) {
        this.target = target;
        this.show = show;
    }

    public static void main(String[] arguments) throws IOException {
        var spec = "linux";
        var scripts = Path.of("bench/src/main/arm64/one-liners.txt");
        Optional<Path> forms = Optional.empty();
        boolean show = false;
        Optional<Path> record = Optional.empty();
        for (int i = 0; i < arguments.length; i++) {
            switch (arguments[i]) {
                case "--target" -> spec = arguments[++i];
                case "--scripts" -> scripts = Path.of(arguments[++i]);
                case "--forms" -> forms = Optional.of(Path.of(arguments[++i]));
                case "--show" -> show = true;
                case "--record" -> record = Optional.of(Path.of(arguments[++i]));
                default -> throw new IllegalArgumentException(arguments[i]);
            }
        }
        try (var target = Targets.open(spec)) {
            var bench = new Arm64Sizes(target, show);
            System.out.println("kernel " + Targets.describe(target));
            System.out.println(
                    "| script, program | bytecode | Linux's A64 | Skep in Linux's style | words that differ | Skep's own |");
            System.out.println("|---|---|---|---|---|---|");
            if (forms.isPresent()) {
                bench.forms(forms.get());
            } else {
                for (var script : Files.readAllLines(scripts)) {
                    if (!script.isBlank()) {
                        bench.measure(script);
                    }
                }
            }
            if (record.isPresent()) {
                Files.write(record.get(), bench.records);
            }
        }
    }

    /** Programs in assembly: what the scripts do not have. */
    private void forms(Path file) throws IOException {
        var maps = List.of(
                new MapSpec("values", MapType.ARRAY, 4, 64, 1, 0),
                new MapSpec("programs", MapType.PROG_ARRAY, 4, 4, 4, 0));
        var text = String.join(
                "\n",
                Files.readAllLines(file).stream()
                        .filter(line -> !line.startsWith("#"))
                        .toList());
        for (var block : text.strip().split("\n\n")) {
            scripts++;
            var name = block.lines().findFirst().orElseThrow();
            var code = Assembler.assemble(block.substring(name.length() + 1));
            var references = new ArrayList<MapReference>();
            for (int slot = 0; slot < code.size(); slot++) {
                boolean map = code.opcode(slot) == LD_IMM64 && code.src(slot) != 0;
                if (map) {
                    references.add(
                            new MapReference(slot, maps.get(code.imm(slot)).name()));
                }
                slot += code.opcode(slot) == LD_IMM64 ? 1 : 0;
            }
            var program = new ProgramSpec(
                    name, ProgramType.SOCKET_FILTER, Optional.empty(), "", "GPL", code, references, LineTable.EMPTY);
            try {
                measure(new BpfObject(List.of(program), maps), name);
            } catch (LoadException refused) {
                System.out.printf("| %d %s | refused: %s |%n", scripts, name, refused.getMessage());
            }
        }
    }

    private void measure(String script) {
        scripts++;
        var result = Compiler.compile(new Source("stdin", script), target.kernel(), CompileOptions.DEFAULT);
        if (result.script().isEmpty()) {
            throw new IllegalStateException(script + ": " + result.diagnostics());
        }
        measure(result.script().get().object(), script);
    }

    private void measure(BpfObject object, String script) {
        try (var loaded = target.load(object, LoadOptions.DEFAULT);
                var inventory = target.inventory().orElseThrow()) {
            var names = new HashMap<Long, String>();
            loaded.programs().forEach(program -> names.put(program.id(), program.name()));
            for (var entry : names.entrySet()) {
                row(inventory, entry.getKey(), entry.getValue(), object, script);
            }
        }
    }

    private void row(Inventory inventory, long id, String name, BpfObject object, String script) {
        var image = inventory.image((int) id).orElseThrow(() -> new IllegalStateException(name + " is not jited"));
        var hex = HexFormat.of();
        records.add(name + " " + hex.formatHex(image.xlated().toBytes()) + " " + hex.formatHex(image.code()) + " "
                + image.functionBytes().toString().replace(" ", "") + " "
                + image.addresses().toString().replace(" ", ""));
        var laid = KernelImage.of(image);
        int bytecode = image.xlated().size() * 8;
        int kernel = image.code().length;
        if (laid.isEmpty()) {
            System.out.printf(
                    "| %d `%s` %s | %d | %d | another length | | |%n", scripts, script, name, bytecode, kernel);
            return;
        }
        var known = laid.get();
        int own = known.own().sizeBytes();
        System.out.printf(
                "| %d `%s` %s | %d | %d | %d | %d | %d (%.0f %%) |%n",
                scripts,
                script.replace("|", "\\|"),
                name,
                bytecode,
                kernel,
                known.styled().sizeBytes(),
                known.differing().length,
                own,
                100.0 * own / kernel);
        if (show) {
            show(image, known, lines(object, name, image));
        }
    }

    /** The lines of the script, if the kernel left each instruction where it was. */
    private static LineTable lines(BpfObject object, String name, MachineImage image) {
        return object.programs().stream()
                .filter(program -> program.name().equals(name)
                        && program.code().size() == image.xlated().size())
                .findFirst()
                .map(program -> program.lines())
                .orElse(LineTable.EMPTY);
    }

    private static void show(MachineImage image, KernelImage known, LineTable lines) {
        var left = known.listing(known.code(), lines).lines().toList();
        var right = known.listing(known.styled(), lines).lines().toList();
        System.out.println("Linux's image                                                   Skep in Linux's style");
        for (int i = 0; i < Math.max(left.size(), right.size()); i++) {
            var a = i < left.size() ? left.get(i) : "";
            var b = i < right.size() ? right.get(i) : "";
            System.out.printf("%-62s %s %s%n", a, a.equals(b) ? " " : "!", b);
        }
        System.out.println("Skep's own:");
        System.out.println(known.listing(known.own(), lines));
    }
}
