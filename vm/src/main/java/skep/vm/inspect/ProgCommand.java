package skep.vm.inspect;

import java.io.InputStream;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.ServiceLoader;
import java.util.stream.Collectors;
import skep.isa.Xlated;
import skep.isa.object.LineTable;
import skep.target.Inventory;
import skep.target.Inventory.FunctionHead;
import skep.target.Inventory.ProgramRow;
import skep.target.MachineImage;
import skep.target.MachineListing;
import skep.target.TargetException;
import skep.target.ToolCommand;
import skep.vm.inspect.Inventories.Arguments;

/** {@code skep prog}: loaded programs. */
public final class ProgCommand implements ToolCommand {
    @Override
    public String name() {
        return "prog";
    }

    @Override
    public String summary() {
        return """
                shows loaded programs
                  prog list|show [id N | name NAME | tag TAG | pinned FILE] [-j | -p] [--object FILE.o | --target SPEC]
                  prog pin id N FILE   FILE, in a BPF file system, keeps the program loaded; removing it unpins
                  prog dump xlated id N | name NAME | tag TAG | pinned FILE [opcodes] [linum] [-j | -p] [--object FILE.o | --target SPEC]
                  prog dump jited id N | name NAME | tag TAG | pinned FILE [--object FILE.o [--backend NAME] | --target SPEC]
                  -j, -p     as JSON, on one line or indented
                  --object   load the object file into the VM and show that, instead of the live kernel
                  --backend  who compiles it there: jvm (the default) or arm64
                  --target   another kernel, for example ssh:root@board; code of arm64 is shown with its bytecode""";
    }

    @Override
    public int run(List<String> words, InputStream in, PrintStream out, PrintStream err) {
        return Inventories.guarded(err, () -> {
            var arguments = Arguments.parse(words);
            try (var inventory = Inventories.open(arguments)) {
                switch (arguments.word(0)) {
                    case "list", "show" -> list(inventory, arguments, out);
                    case "dump" -> dump(inventory, arguments, out);
                    case "pin" -> inventory.pinProgram(Inventories.pinnedId(arguments), arguments.word(3));
                    default ->
                        throw new IllegalArgumentException(
                                "prog takes list, show, dump or pin, not '" + arguments.word(0) + "'");
                }
                return 0;
            }
        });
    }

    private static List<ProgramRow> chosen(Inventory inventory, Arguments arguments, int from) {
        if (arguments.word(from).equals("pinned")) {
            int id = inventory.pinnedProgram(arguments.word(from + 1));
            return inventory.programs().stream().filter(row -> row.id() == id).toList();
        }
        var rows = inventory.programs().stream()
                .filter(row -> Inventories.chosen(arguments, from, row.id(), row.name(), row.tag()))
                .toList();
        if (rows.isEmpty() && !arguments.word(from).isEmpty()) {
            throw new TargetException("no program has " + arguments.word(from) + " " + arguments.word(from + 1));
        }
        return rows;
    }

    private static void list(Inventory inventory, Arguments arguments, PrintStream out) {
        var lines = new ArrayList<String>();
        for (var row : chosen(inventory, arguments, 1)) {
            if (arguments.json()) {
                lines.add(InventoryText.programJson(row));
            } else {
                lines.addAll(InventoryText.program(row));
            }
        }
        Inventories.print(out, arguments, lines, arguments.words().size() > 1 && lines.size() == 1);
    }

    private static void dump(Inventory inventory, Arguments arguments, PrintStream out) {
        if (arguments.words().size() < 3) {
            throw new IllegalArgumentException("say which program: prog dump xlated id 7");
        }
        for (var row : chosen(inventory, arguments, 2)) {
            switch (arguments.word(1)) {
                case "xlated" -> xlated(inventory, row, arguments, out);
                case "jited" -> jited(inventory, row).forEach(out::println);
                default ->
                    throw new IllegalArgumentException("dump takes xlated or jited, not '" + arguments.word(1) + "'");
            }
        }
    }

    private static void xlated(Inventory inventory, ProgramRow row, Arguments arguments, PrintStream out) {
        var further = arguments
                .words()
                .subList(
                        Math.min(4, arguments.words().size()), arguments.words().size());
        for (var word : further) {
            if (!word.equals("opcodes") && !word.equals("linum")) {
                throw new IllegalArgumentException("a dump takes opcodes and linum, not '" + word + "'");
            }
        }
        var image = row.jitedBytes() == 0 ? Optional.<MachineImage>empty() : inventory.image(row.id());
        var heads = inventory.functions(row.id()).stream()
                .collect(Collectors.toMap(FunctionHead::insn, FunctionHead::declaration, (first, _) -> first));
        var listing = new Xlated.Listing(
                image.map(MachineImage::lines).orElse(LineTable.EMPTY),
                heads,
                inventory::helperAt,
                number -> image.filter(known ->
                                number >= 0 && number < known.addresses().size())
                        .flatMap(known -> inventory.functionAt(known.addresses().get(number))),
                further.contains("opcodes"),
                further.contains("linum"));
        var raw = inventory.xlated(row.id());
        var xlated = Xlated.of(raw);
        if (arguments.json()) {
            var lines = xlated.lines(raw, listing).stream()
                    .map(line -> InventoryText.insnJson(line, listing.opcodes()))
                    .toList();
            Inventories.print(out, arguments, lines, false);
        } else {
            out.print(xlated.text(raw, listing));
        }
    }

    private static List<String> jited(Inventory inventory, ProgramRow row) {
        var image = inventory.image(row.id());
        for (var listing : ServiceLoader.load(MachineListing.class)) {
            if (image.isPresent() && image.get().arch() == listing.arch()) {
                return listing.show(image.get()).lines().toList();
            }
        }
        var lines = inventory.jited(row.id());
        if (lines.isEmpty()) {
            throw new TargetException("program " + row.id() + " is not jited");
        }
        return lines;
    }
}
