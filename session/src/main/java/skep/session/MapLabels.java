package skep.session;

import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import skep.session.view.View;

/**
 * What a script says about its maps, for the axes of pictures: in {@code @h[elapsed / 100ms] = hist(args.bytes)} the key is
 * {@code elapsed / 100ms} and the value {@code args.bytes}. Read from the text, where the first assignment counts: what is
 * not understood leaves an axis without a name.
 */
final class MapLabels {
    private static final Pattern MAP = Pattern.compile("@[A-Za-z_]?[A-Za-z0-9_]*");

    private static final Pattern CALL = Pattern.compile("\\s*=\\s*([a-z_0-9]+)\\(");

    private static final Pattern VARIABLE = Pattern.compile("\\$[A-Za-z_][A-Za-z0-9_]*");

    private static final Pattern SIMPLE = Pattern.compile("[\\w.>@$-]+");

    /** Variables set to variables. */
    private static final int MAX_DEPTH = 8;

    private MapLabels() {}

    /** By the names of maps. @param origin as in {@link View.Labels#origin} */
    static Map<String, View.Labels> of(String script, String origin) {
        var labels = new TreeMap<String, View.Labels>();
        var map = MAP.matcher(script);
        while (map.find()) {
            int at = map.end();
            var key = "";
            if (at < script.length() && script.charAt(at) == '[') {
                int end = end(script, at + 1);
                key = unfolded(firstPart(script.substring(at + 1, end)), script);
                at = Math.min(script.length(), end + 1);
            }
            var call = CALL.matcher(script).region(at, script.length());
            if (call.lookingAt()) {
                boolean counts = call.group(1).equals("count");
                var value = counts
                        ? ""
                        : unfolded(firstPart(script.substring(call.end(), end(script, call.end()))), script);
                labels.putIfAbsent(map.group(), new View.Labels(key, value, origin));
            } else if (script.substring(at).stripLeading().startsWith("=")) {
                labels.putIfAbsent(map.group(), new View.Labels(key, "", origin));
            }
        }
        return labels;
    }

    /** With variables replaced by what they are set to first. */
    private static String unfolded(String expression, String script) {
        var text = expression;
        for (int depth = 0; depth < MAX_DEPTH; depth++) {
            var variable = VARIABLE.matcher(text);
            if (!variable.find()) {
                return text;
            }
            var set = Pattern.compile("\\$" + variable.group().substring(1) + "\\s*=([^=;][^;{}]*);")
                    .matcher(script);
            if (!set.find()) {
                return expression;
            }
            var value = set.group(1).strip().replaceAll("\\s+", " ");
            boolean alone = variable.group().length() == text.length()
                    || SIMPLE.matcher(value).matches();
            text = variable.replaceFirst(Matcher.quoteReplacement(alone ? value : "(" + value + ")"));
        }
        return expression;
    }

    /** Where the bracket that encloses a position closes. */
    private static int end(String text, int from) {
        int depth = 0;
        for (int i = from; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c == '(' || c == '[') {
                depth++;
            } else if (c == ')' || c == ']') {
                if (depth-- == 0) {
                    return i;
                }
            }
        }
        return text.length();
    }

    /** What stands before the first comma that no bracket encloses, on one line. */
    private static String firstPart(String list) {
        int depth = 0;
        int end = 0;
        for (; end < list.length(); end++) {
            char c = list.charAt(end);
            depth += c == '(' || c == '[' ? 1 : c == ')' || c == ']' ? -1 : 0;
            if (c == ',' && depth == 0) {
                break;
            }
        }
        return list.substring(0, end).strip().replaceAll("\\s+", " ");
    }
}
