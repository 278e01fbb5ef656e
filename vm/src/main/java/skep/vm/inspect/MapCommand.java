package skep.vm.inspect;

import java.io.InputStream;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.List;
import skep.isa.object.MapSpec;
import skep.target.Inventory;
import skep.target.Inventory.MapRow;
import skep.target.TargetException;
import skep.target.ToolCommand;
import skep.vm.inspect.Inventories.Arguments;

/** {@code skep map}: maps and what they hold. */
public final class MapCommand implements ToolCommand {
    @Override
    public String name() {
        return "map";
    }

    @Override
    public String summary() {
        return """
                shows maps and their entries
                  map list|show [id N | name NAME | pinned FILE] [-j | -p] [--object FILE.o | --target SPEC]
                  map dump id N | name NAME | pinned FILE [-j | -p] [--object FILE.o | --target SPEC]
                  map pin id N FILE    FILE, in a BPF file system, keeps the map loaded; removing it unpins
                  -j, -p    as JSON, on one line or indented; entries whose types are known are shown by them, as JSON in any case
                  --object  load the object file into the VM and show that, instead of the live kernel""";
    }

    @Override
    public int run(List<String> words, InputStream in, PrintStream out, PrintStream err) {
        return Inventories.guarded(err, () -> {
            var arguments = Arguments.parse(words);
            try (var inventory = Inventories.open(arguments)) {
                switch (arguments.word(0)) {
                    case "list", "show" -> list(chosen(inventory, arguments), arguments, out);
                    case "dump" -> {
                        if (arguments.words().size() < 3) {
                            throw new IllegalArgumentException("say which map: map dump id 7");
                        }
                        for (var row : chosen(inventory, arguments)) {
                            dump(inventory, row, arguments, out);
                        }
                    }
                    case "pin" -> inventory.pinMap(Inventories.pinnedId(arguments), arguments.word(3));
                    default ->
                        throw new IllegalArgumentException(
                                "map takes list, show, dump or pin, not '" + arguments.word(0) + "'");
                }
                return 0;
            }
        });
    }

    private static List<MapRow> chosen(Inventory inventory, Arguments arguments) {
        if (arguments.word(1).equals("pinned")) {
            int id = inventory.pinnedMap(arguments.word(2));
            return inventory.maps().stream().filter(row -> row.id() == id).toList();
        }
        var rows = inventory.maps().stream()
                .filter(row -> Inventories.chosen(arguments, 1, row.id(), row.name(), ""))
                .toList();
        if (rows.isEmpty() && !arguments.word(1).isEmpty()) {
            throw new TargetException("no map has " + arguments.word(1) + " " + arguments.word(2));
        }
        return rows;
    }

    private static void list(List<MapRow> rows, Arguments arguments, PrintStream out) {
        var lines = new ArrayList<String>();
        for (var row : rows) {
            if (arguments.json()) {
                lines.add(InventoryText.mapJson(row));
            } else {
                lines.addAll(InventoryText.map(row));
            }
        }
        Inventories.print(out, arguments, lines, arguments.words().size() > 1 && lines.size() == 1);
    }

    private static void dump(Inventory inventory, MapRow row, Arguments arguments, PrintStream out) {
        var spec = new MapSpec(
                row.name(), row.type(), row.keySizeBytes(), row.valueSizeBytes(), row.maxEntries(), row.flags());
        var lines = new ArrayList<String>();
        var entries = inventory.entries(row.id());
        var types = inventory.entryTypes(row.id()).filter(known -> known.valueId() != 0);
        if (types.isPresent() && !arguments.json()) {
            for (var entry : entries) {
                lines.add("{" + TypedJson.entry(types.get(), entry, row.valueSizeBytes(), spec.perCpu(), true) + "}");
            }
            out.println(PrettyJson.of("[" + String.join(",", lines) + "]"));
            return;
        }
        for (var entry : entries) {
            if (arguments.json()) {
                lines.add(InventoryText.entryJson(entry, row.valueSizeBytes(), spec.perCpu(), types));
            } else {
                lines.addAll(InventoryText.entry(entry, row.valueSizeBytes(), spec.perCpu()));
            }
        }
        if (!arguments.json()) {
            lines.add("Found " + entries.size() + " element" + (entries.size() == 1 ? "" : "s"));
        }
        Inventories.print(out, arguments, lines, false);
    }
}
