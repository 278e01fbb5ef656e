package skep.jupyter.protocol;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.regex.Pattern;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;

/** The cells that were run, for a console's arrow keys. One session a kernel; the oldest cells go first. Thread-safe. */
final class History {
    /** Cells kept. */
    private static final int MAX_ENTRIES = 10_000;

    private static final int SESSION = 1;

    private final ArrayDeque<Entry> entries = new ArrayDeque<>();

    private record Entry(int line, String code, String output) {}

    synchronized void add(int line, String code, String output) {
        if (entries.size() == MAX_ENTRIES) {
            entries.removeFirst();
        }
        entries.addLast(new Entry(line, code, output));
    }

    /** The {@code history} member of the reply to a request's content. */
    synchronized ArrayNode answer(JsonNode request) {
        var kind = Json.text(request, "hist_access_type");
        var chosen = switch (kind) {
            case "tail" -> last(List.copyOf(entries), request.path("n").asInt(entries.size()));
            case "range" -> range(request);
            case "search" -> search(request);
            default -> List.<Entry>of();
        };
        boolean output = request.path("output").asBoolean(false);
        var answer = JsonNodeFactory.instance.arrayNode();
        for (var entry : chosen) {
            var row = answer.addArray().add(SESSION).add(entry.line);
            if (output) {
                var pair = row.addArray().add(entry.code);
                if (entry.output.isEmpty()) {
                    pair.addNull();
                } else {
                    pair.add(entry.output);
                }
            } else {
                row.add(entry.code);
            }
        }
        return answer;
    }

    // Session 0 is the current one; an earlier one, counted backwards, is not kept.
    private List<Entry> range(JsonNode request) {
        int session = request.path("session").asInt(0);
        int start = request.path("start").asInt(0);
        int stop = request.path("stop").isNumber() ? request.path("stop").asInt() : Integer.MAX_VALUE;
        if (session != 0 && session != SESSION) {
            return List.of();
        }
        return entries.stream()
                .filter(entry -> entry.line >= start && entry.line < stop)
                .toList();
    }

    private List<Entry> search(JsonNode request) {
        var pattern = glob(request.path("pattern").asString("*"));
        List<Entry> found = new ArrayList<>(entries.stream()
                .filter(entry -> pattern.matcher(entry.code).matches())
                .toList());
        if (request.path("unique").asBoolean(false)) {
            var latest = new LinkedHashMap<String, Entry>();
            for (var entry : found) {
                latest.remove(entry.code);
                latest.put(entry.code, entry);
            }
            found = List.copyOf(latest.values());
        }
        return last(found, request.path("n").asInt(found.size()));
    }

    private static List<Entry> last(List<Entry> entries, int count) {
        return entries.subList(Math.max(0, entries.size() - Math.max(0, count)), entries.size());
    }

    /** A pattern with {@code *} and {@code ?}. */
    private static Pattern glob(String pattern) {
        var regex = new StringBuilder();
        for (char c : pattern.toCharArray()) {
            regex.append(c == '*' ? ".*" : c == '?' ? "." : Pattern.quote(String.valueOf(c)));
        }
        return Pattern.compile(regex.toString(), Pattern.DOTALL);
    }
}
