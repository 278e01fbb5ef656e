package skep.bindings.python;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;

/**
 * Results of parity runs, by tool and target. With a file they are appended as they come, so that a run can be broken off
 * and gone on with; a later line for the same tool and target replaces the earlier one.
 */
final class ParityResults {
    private static final String HEADER =
            "tool\ttarget\thelp\tcompiles\tloads\tattached\tlines\trecords\tstatus\tcheck\twhy\n";

    private static final int CELLS = 11;

    private final Path file;
    private final Map<String, Map<String, ParityRun.Result>> rows = new TreeMap<>();

    /** @param file empty for none */
    ParityResults(Path file) throws IOException {
        this.file = file;
        if (kept() && Files.exists(file)) {
            for (var line : Files.readAllLines(file, StandardCharsets.UTF_8)) {
                var cells = line.split("\t", -1);
                if (cells.length == CELLS && !cells[0].equals("tool")) {
                    put(cells[1], row(cells));
                }
            }
        }
    }

    private boolean kept() {
        return !file.toString().isEmpty();
    }

    private static ParityRun.Result row(String[] cells) {
        return new ParityRun.Result(
                cells[0],
                cells[2].equals("yes"),
                cells[3].equals("yes"),
                cells[4].equals("yes"),
                Integer.parseInt(cells[5]),
                Integer.parseInt(cells[6]),
                Integer.parseInt(cells[7]),
                Integer.parseInt(cells[8]),
                cells[9],
                cells[10],
                "");
    }

    private void put(String target, ParityRun.Result result) {
        rows.computeIfAbsent(result.tool(), _ -> new LinkedHashMap<>()).put(target, result);
    }

    boolean has(String tool, String target) {
        return rows.getOrDefault(tool, Map.of()).containsKey(target);
    }

    void add(String target, ParityRun.Result result) throws IOException {
        put(target, result);
        if (kept()) {
            var header = Files.exists(file) ? "" : HEADER;
            Files.writeString(
                    file,
                    header + line(target, result),
                    StandardCharsets.UTF_8,
                    StandardOpenOption.CREATE,
                    StandardOpenOption.APPEND);
        }
    }

    private static String line(String target, ParityRun.Result result) {
        return String.join(
                        "\t",
                        result.tool(),
                        target,
                        mark(result.help()),
                        mark(result.compiles()),
                        mark(result.loads()),
                        Integer.toString(result.attached()),
                        Integer.toString(result.output()),
                        Integer.toString(result.records()),
                        Integer.toString(result.status()),
                        result.check(),
                        result.why().replace('\t', ' '))
                + "\n";
    }

    static String mark(boolean yes) {
        return yes ? "yes" : "no";
    }

    Map<String, Map<String, ParityRun.Result>> rows() {
        return rows;
    }
}
