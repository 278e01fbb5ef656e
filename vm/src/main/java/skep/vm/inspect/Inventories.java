package skep.vm.inspect;

import java.io.PrintStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.ServiceLoader;
import skep.target.Inventory;
import skep.target.InventoryProvider;
import skep.target.TargetException;

/** What both commands share: their arguments, and opening the inventory that they name. */
final class Inventories {
    private Inventories() {}

    /**
     * The arguments.
     *
     * @param words what remains without options, the subcommand first
     * @param objectFile the object file of {@code --object}; without one the live kernel is meant
     */
    record Arguments(List<String> words, Optional<String> objectFile, boolean json) {
        static Arguments parse(List<String> arguments) {
            var words = new ArrayList<String>();
            Optional<String> objectFile = Optional.empty();
            boolean json = false;
            for (int i = 0; i < arguments.size(); i++) {
                switch (arguments.get(i)) {
                    case "-j", "--json" -> json = true;
                    case "--object" -> {
                        if (++i == arguments.size()) {
                            throw new IllegalArgumentException("--object needs the name of an object file");
                        }
                        objectFile = Optional.of(arguments.get(i));
                    }
                    default -> words.add(arguments.get(i));
                }
            }
            return new Arguments(List.copyOf(words), objectFile, json);
        }

        String word(int index) {
            return index < words.size() ? words.get(index) : "";
        }
    }

    static Inventory open(Arguments arguments) {
        var scheme = arguments.objectFile.isPresent() ? "vm" : "linux";
        for (var provider : ServiceLoader.load(InventoryProvider.class)) {
            if (provider.scheme().equals(scheme)) {
                return provider.open(arguments.objectFile.orElse(""));
            }
        }
        throw new TargetException(
                "the live kernel's programs cannot be listed here; name an object file with --object");
    }

    /** Whether a row is the one asked for by {@code id N}, {@code name NAME} or {@code tag TAG}; all without a choice. */
    static boolean chosen(Arguments arguments, int from, int id, String name, String tag) {
        var wanted = arguments.word(from + 1);
        return switch (arguments.word(from)) {
            case "" -> true;
            case "id" -> wanted.equals(Integer.toString(id));
            case "name" -> wanted.equals(name);
            case "tag" -> !tag.isEmpty() && wanted.equals(tag);
            default ->
                throw new IllegalArgumentException(
                        "choose with id, name or tag, not with '" + arguments.word(from) + "'");
        };
    }

    static void print(PrintStream out, boolean json, List<String> rows) {
        if (json) {
            out.println("[" + String.join(",", rows) + "]");
        } else {
            rows.forEach(out::println);
        }
    }

    /** Runs a command, turning what users and the environment do wrong into a line and an exit status. */
    static int guarded(PrintStream err, java.util.function.IntSupplier command) {
        try {
            return command.getAsInt();
        } catch (IllegalArgumentException mistake) {
            err.println("ERROR: " + mistake.getMessage());
            return 2;
        } catch (TargetException failure) {
            err.println("ERROR: " + failure.getMessage());
            return 1;
        }
    }
}
