package skep.cli;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * A row of the peer's run-time cases: what is run and what it must print.
 *
 * @param command a shell command with {@code {{BPFTRACE}}} for the tracer, or empty when {@code program} is run
 */
record RuntimeCase(
        String group,
        String name,
        String tier,
        Optional<String> program,
        Optional<String> command,
        List<Expectation> expectations,
        List<String> before,
        Optional<String> after,
        Optional<String> setup,
        Optional<String> cleanup,
        Map<String, String> environment,
        Map<String, String> scripts,
        List<String> arch,
        boolean needsTestPrograms,
        boolean willFail,
        int returnCode,
        int timeoutSeconds) {

    /** Something that the output must or must not hold. */
    record Expectation(String mode, String value) {
        /** Why the output does not meet it, if it does not. */
        Optional<String> mismatch(String output) {
            boolean met = switch (mode) {
                case "text" -> output.contains(value);
                case "text_none" -> !output.contains(value);
                case "regex" -> pattern().matcher(output).find();
                case "regex_none" -> !pattern().matcher(output).find();
                case "file" -> output.strip().contains(expandTime(output).strip());
                case "json" -> sameJson(output);
                default -> throw new IllegalArgumentException(mode);
            };
            return met ? Optional.empty() : Optional.of(mode + " " + value.strip());
        }

        private Pattern pattern() {
            // The rows are written for Python, which takes a brace that is no repetition as it stands.
            return Pattern.compile(value.replaceAll("(?<!\\\\)\\{(?!\\d)", "\\\\{"), Pattern.MULTILINE);
        }

        // Charts show the local hour where the expectation has %H: take it from the output.
        private String expandTime(String output) {
            var hour = Pattern.compile("^(\\d\\d):\\d\\d:\\d\\d", Pattern.MULTILINE)
                    .matcher(output);
            return hour.find() ? value.replace("%H", hour.group(1)) : value;
        }

        private boolean sameJson(String output) {
            try {
                return Json.parseAll(output).equals(Json.parseAll(value));
            } catch (RuntimeException e) {
                return false;
            }
        }
    }

    boolean isJson() {
        return expectations.stream().anyMatch(e -> e.mode().equals("json"));
    }

    @SuppressWarnings("unchecked")
    static RuntimeCase of(String line) {
        var row = (Map<String, Object>) Json.parse(line);
        var expectations = new ArrayList<Expectation>();
        for (var expectation : (List<Map<String, Object>>) row.get("expect")) {
            expectations.add(new Expectation((String) expectation.get("mode"), (String) expectation.get("value")));
        }
        return new RuntimeCase(
                (String) row.get("file"),
                (String) row.get("name"),
                (String) row.get("tier"),
                text(row, "prog"),
                text(row, "run"),
                expectations,
                (List<String>) row.get("before"),
                text(row, "after"),
                text(row, "setup"),
                text(row, "cleanup"),
                (Map<String, String>) row.get("env"),
                (Map<String, String>) row.getOrDefault("scripts", Map.of()),
                (List<String>) row.get("arch"),
                !((List<String>) row.get("testprogs")).isEmpty(),
                Boolean.TRUE.equals(row.get("will_fail")),
                row.get("return_code") instanceof Double code ? code.intValue() : 0,
                row.get("timeout") instanceof Double seconds ? seconds.intValue() : 5);
    }

    private static Optional<String> text(Map<String, Object> row, String key) {
        return row.get(key) instanceof String text ? Optional.of(text) : Optional.empty();
    }
}
