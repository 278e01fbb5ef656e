package skep.bindings.python;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * What a tool's output has to agree with in what the embedded kernel says it did: a rule a tool, in {@code checks.tsv}, whose
 * head explains them.
 */
final class ParityRules {
    private static final String TABLE = "/skep/parity/checks.tsv";
    private static final int CELLS = 5;

    private final Map<String, ParityCheck.Rule> rules = new LinkedHashMap<>();

    ParityRules() throws IOException {
        try (var in = ParityRules.class.getResourceAsStream(TABLE)) {
            if (in == null) {
                throw new IllegalStateException("the table of checks is missing");
            }
            read(new String(in.readAllBytes(), StandardCharsets.UTF_8));
        }
    }

    ParityRules(String table) {
        read(table);
    }

    private void read(String table) {
        for (var line : table.split("\n")) {
            if (!line.startsWith("#") && !line.isBlank()) {
                var cells = line.split("\t", -1);
                if (cells.length != CELLS) {
                    throw new IllegalArgumentException(
                            "a rule has " + CELLS + " cells, not " + cells.length + ": " + line);
                }
                if (rules.put(cells[0], ParityCheck.Rule.parse(cells[1], cells[2], cells[3], cells[4])) != null) {
                    throw new IllegalArgumentException("two rules for " + cells[0]);
                }
            }
        }
    }

    /** A check of a run of this tool, which is to watch its target before the tool runs. */
    Optional<ParityCheck> of(String tool) {
        return Optional.ofNullable(rules.get(tool)).map(ParityCheck::new);
    }

    Set<String> tools() {
        return rules.keySet();
    }

    int size() {
        return rules.size();
    }
}
