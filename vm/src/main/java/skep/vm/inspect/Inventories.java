package skep.vm.inspect;

import java.io.PrintStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.ServiceLoader;
import skep.target.Inventory;
import skep.target.InventoryProvider;
import skep.target.TargetException;
import skep.target.TargetProvider;

/** What both commands share: their arguments, and opening the inventory that they name. */
final class Inventories {
    private Inventories() {}

    /**
     * The arguments.
     *
     * @param words what remains without options, the subcommand first
     * @param objectFile the object file of {@code --object}; without one a kernel is meant
     * @param target the spec of {@code --target}; without one the live kernel is meant
     * @param backend of the VM, for an object file; possibly empty
     */
    record Arguments(
            List<String> words, Optional<String> objectFile, Optional<String> target, String backend, boolean json) {
        static Arguments parse(List<String> arguments) {
            var words = new ArrayList<String>();
            Optional<String> objectFile = Optional.empty();
            Optional<String> target = Optional.empty();
            var backend = "";
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
                    case "--target", "--backend" -> {
                        var option = arguments.get(i);
                        if (++i == arguments.size()) {
                            throw new IllegalArgumentException(option + " needs a value");
                        }
                        if (option.equals("--target")) {
                            target = Optional.of(arguments.get(i));
                        } else {
                            backend = arguments.get(i);
                        }
                    }
                    default -> words.add(arguments.get(i));
                }
            }
            return new Arguments(List.copyOf(words), objectFile, target, backend, json);
        }

        String word(int index) {
            return index < words.size() ? words.get(index) : "";
        }
    }

    static Inventory open(Arguments arguments) {
        if (arguments.target.isPresent()) {
            return ofTarget(arguments.target.get());
        }
        var scheme = arguments.objectFile.isPresent() ? "vm" : "linux";
        for (var provider : ServiceLoader.load(InventoryProvider.class)) {
            if (provider.scheme().equals(scheme)) {
                return provider.open(arguments.objectFile.orElse(""), arguments.backend);
            }
        }
        throw new TargetException(
                "the live kernel's programs cannot be listed here; name an object file with --object");
    }

    /** What is loaded in the kernel behind a target; closing it closes the target. */
    private static Inventory ofTarget(String spec) {
        int colon = spec.indexOf(':');
        var scheme = colon < 0 ? spec : spec.substring(0, colon);
        for (var provider : ServiceLoader.load(TargetProvider.class)) {
            if (provider.scheme().equals(scheme)) {
                var target = provider.open(colon < 0 ? "" : spec.substring(colon + 1));
                return target.inventory().orElseThrow(() -> {
                    target.close();
                    return new TargetException("target " + spec + " has no list of what is loaded");
                });
            }
        }
        throw new IllegalArgumentException("there is no target " + scheme);
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
                        "choose with id, name, tag or pinned, not with '" + arguments.word(from) + "'");
        };
    }

    /** The id in {@code pin id N FILE}. */
    static int pinnedId(Arguments arguments) {
        var number = arguments.word(2);
        if (arguments.words().size() != 4 || !arguments.word(1).equals("id") || !number.matches("[0-9]{1,9}")) {
            throw new IllegalArgumentException("say what to pin and where: " + "pin id 7 /sys/fs/bpf/NAME");
        }
        return Integer.parseInt(number);
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
