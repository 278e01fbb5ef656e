package skep.bindings.python;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import skep.isa.kernel.ProbeKind;
import skep.isa.kernel.ProbeSpec;
import skep.target.Happening;
import skep.target.Target;
import skep.target.TargetException;

/** Compares what a tool printed with what happened meanwhile in the embedded kernel by the kernel's own account. */
final class ParityCheck {
    /** A run that saw less than this of what happened is no proof of anything. */
    private static final int FEWEST = 1;

    /** Of a tool that prints an event a line: how much may be missing, of what was under way when it began or ended. */
    private static final double MISSING = 0.1;

    /** Of counts: how far they may be from the truth; tools read tables one after the other. */
    private static final double OFF = 0.02;

    private static final int MAX_SHOWN_CHARS = 60;
    private static final Pattern FILTER = Pattern.compile("\\[([\\w.]+)(!?[=<>~])([^\\]]*)]");
    private static final Pattern PAIR_KEY = Pattern.compile("\\{([^}]*)}");
    private static final Pattern BUCKET = Pattern.compile("^ *(\\d+) -> (\\d+) +: (\\d+) +\\|");

    /** How output and truth are compared. */
    enum Relation {
        /** Each line that matches is something that happened, and nearly all that happened was printed. */
        LINES,
        /** Each line that matches is something that happened; the tool leaves out what it may. */
        SOME,
        /** The numbers, added up, are how often it happened or the sum of a value. */
        SUM,
        /** A number for each key. */
        TABLE,
        /** A number for each key, of the keys that the tool has room for. */
        TOP,
        /** A histogram in powers of two. */
        LOG2,
        /** A histogram of equal buckets. */
        LINEAR
    }

    /** One place, with which of its happenings count and, for a pair, what its two halves have in common. */
    private record Place(ProbeSpec probe, List<Filter> filters, List<String> pairKey) {
        boolean takes(Happening happening) {
            return filters.stream().allMatch(filter -> filter.takes(happening));
        }
    }

    private record Filter(String name, String relation, String value) {
        boolean takes(Happening happening) {
            var own = ParityCheck.value(happening, name);
            return switch (relation) {
                case "=" -> own.equals(value);
                case "!=" -> !own.equals(value);
                case "~" -> Pattern.compile(value).matcher(own).find();
                case "!~" -> !Pattern.compile(value).matcher(own).find();
                case "<" -> number(own) < number(value);
                case ">" -> number(own) > number(value);
                default -> throw new IllegalArgumentException("no relation " + relation);
            };
        }

        private static double number(String text) {
            return text.startsWith("?") ? Double.NaN : Double.parseDouble(text);
        }
    }

    /** Places that count each for itself, or pairs from a first to a second place. */
    private record Source(Place first, Optional<Place> second) {}

    /**
     * A rule.
     *
     * @param pattern finds what is compared in a line of output: its groups
     * @param key what of a happening corresponds to the groups, or is added up
     */
    record Rule(Relation relation, Pattern pattern, List<Source> sources, List<String> key) {
        private static final Pattern NAME = Pattern.compile("^(\\w+?)(return)?:(.*)$");

        static Rule parse(String relation, String pattern, String places, String key) {
            var sources = new ArrayList<Source>();
            for (var word : places.split(" ")) {
                int arrow = word.indexOf("=>");
                sources.add(
                        arrow < 0
                                ? new Source(place(word), Optional.empty())
                                : new Source(
                                        place(word.substring(0, arrow)),
                                        Optional.of(place(word.substring(arrow + 2)))));
            }
            return new Rule(
                    Relation.valueOf(relation.toUpperCase(java.util.Locale.ROOT)),
                    Pattern.compile(pattern),
                    List.copyOf(sources),
                    key.isBlank() ? List.of() : List.of(key.split(" ")));
        }

        private static Place place(String text) {
            var filters = new ArrayList<Filter>();
            var filter = FILTER.matcher(text);
            while (filter.find()) {
                filters.add(new Filter(filter.group(1), filter.group(2), filter.group(3)));
            }
            var bare = filter.replaceAll("");
            List<String> pairKey = List.of();
            var pair = PAIR_KEY.matcher(bare);
            if (pair.find()) {
                pairKey = List.of(pair.group(1).split(","));
                bare = pair.replaceAll("");
            }
            int colon = bare.indexOf(':');
            var rest = bare.substring(colon + 1);
            var probe = switch (bare.substring(0, Math.max(0, colon))) {
                case "entry" -> ProbeSpec.of(ProbeKind.KPROBE, rest);
                case "return" -> ProbeSpec.of(ProbeKind.KRETPROBE, rest);
                case "event" -> {
                    int middle = rest.indexOf(':');
                    yield ProbeSpec.tracepoint(rest.substring(0, middle), rest.substring(middle + 1));
                }
                case "user" -> ofBinary(ProbeKind.UPROBE, rest);
                case "userreturn" -> ofBinary(ProbeKind.URETPROBE, rest);
                case "static" -> ofBinary(ProbeKind.USDT, rest);
                default ->
                    throw new IllegalArgumentException(
                            "a place is entry:, return:, event:, user:, userreturn: or static:, not " + text);
            };
            return new Place(probe, List.copyOf(filters), pairKey);
        }

        private static ProbeSpec ofBinary(ProbeKind kind, String rest) {
            int colon = rest.indexOf(':');
            return new ProbeSpec(kind, rest.substring(0, colon), rest.substring(colon + 1), 0, 0, OptionalInt.empty());
        }
    }

    private final Rule rule;
    /** What happened, in the words of the rule's key. */
    private final Map<String, Long> truth = new TreeMap<>();

    private final Map<String, Long> begun = new HashMap<>();
    private long happened;

    ParityCheck(Rule rule) {
        this.rule = rule;
    }

    /**
     * Begins to take down what happens. Called before the target's clock runs. Places that this kernel has not are left
     * out, since tools know the functions of many kernels; what says so if it has none.
     */
    Optional<String> watch(Target target) {
        int watched = 0;
        var unknown = "";
        for (var source : rule.sources()) {
            try {
                // The second first: where both are the same place, what happens there ends one pair and begins the
                // next.
                if (source.second().isPresent()) {
                    var second = source.second().get();
                    target.observe(second.probe(), happening -> {
                        if (second.takes(happening)) {
                            ended(happening, second);
                        }
                    });
                }
                var first = source.first();
                target.observe(first.probe(), happening -> {
                    if (!first.takes(happening)) {
                        return;
                    }
                    if (source.second().isEmpty()) {
                        take(happening, first);
                    } else {
                        begin(happening, first);
                    }
                });
                watched++;
            } catch (TargetException missing) {
                unknown = String.valueOf(missing.getMessage());
            }
        }
        return watched > 0 ? Optional.empty() : Optional.of(unknown);
    }

    private synchronized void begin(Happening happening, Place first) {
        begun.put(words(happening, first.pairKey()), happening.nanos());
    }

    private synchronized void ended(Happening happening, Place second) {
        var since = begun.remove(words(happening, second.pairKey()));
        if (since != null) {
            take(new Happening(happening.nanos(), happening.nanos() - since, happening.values()), second);
        }
    }

    private synchronized void take(Happening bare, Place place) {
        happened++;
        var values = new HashMap<>(bare.values());
        values.put("place", place.probe().target());
        var happening = new Happening(bare.nanos(), bare.elapsedNanos(), values);
        switch (rule.relation()) {
            case LINES, SOME -> truth.merge(words(happening, rule.key()), 1L, Long::sum);
            case SUM ->
                truth.merge(
                        "",
                        rule.key().isEmpty() ? 1 : number(happening, rule.key().getFirst()),
                        Long::sum);
            case TABLE, TOP -> {
                var last = rule.key().getLast();
                boolean counted = last.equals("1");
                truth.merge(
                        words(happening, rule.key().subList(0, rule.key().size() - 1)),
                        counted ? 1 : number(happening, last),
                        Long::sum);
            }
            case LOG2 -> truth.merge(bucket(number(happening, rule.key().getFirst())), 1L, Long::sum);
            case LINEAR ->
                truth.merge(Long.toString(number(happening, rule.key().getFirst())), 1L, Long::sum);
        }
    }

    private static String words(Happening happening, List<String> names) {
        var words = new ArrayList<String>();
        for (var name : names) {
            words.add(word(happening, name));
        }
        return String.join(" ", words);
    }

    /** {@code name}, {@code name/1000}, {@code name.14} (no more than 14 characters), {@code a|b}, {@code 'text'}. */
    private static String word(Happening happening, String name) {
        if (name.startsWith("'")) {
            return name.substring(1, name.length() - 1);
        }
        int bar = name.indexOf('|');
        if (bar >= 0) {
            var left = word(happening, name.substring(0, bar));
            return left.startsWith("?") ? word(happening, name.substring(bar + 1)) : left;
        }
        if (name.contains("/") || name.contains("*")) {
            return Long.toString(number(happening, name));
        }
        int dot = name.indexOf('.');
        var value = value(happening, dot < 0 ? name : name.substring(0, dot)).strip();
        return dot < 0
                ? value
                : value.substring(0, Math.min(value.length(), Integer.parseInt(name.substring(dot + 1))))
                        .strip();
    }

    private static String value(Happening happening, String name) {
        return name.equals("elapsed")
                ? Long.toString(happening.elapsedNanos())
                : happening.values().getOrDefault(name, "?" + name);
    }

    private static long number(Happening happening, String name) {
        int operator = Math.max(name.indexOf('/'), name.indexOf('*'));
        var text = value(happening, operator < 0 ? name : name.substring(0, operator));
        long number;
        try {
            number = Long.parseLong(text);
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException("the check's " + name + " is no number but " + text, e);
        }
        if (operator < 0) {
            return number;
        }
        long by = Long.parseLong(name.substring(operator + 1));
        return name.charAt(operator) == '/' ? Long.divideUnsigned(number, by) : number * by;
    }

    /** The lower bound of the power of two that holds a value; 0 and 1 share a bucket, as in BCC's. */
    private static String bucket(long value) {
        return Long.toString(value <= 1 ? 0 : Long.highestOneBit(value));
    }

    /** What the comparison says: begins with {@code yes}, or with what differs. */
    synchronized String verdict(String output) {
        if (happened < FEWEST) {
            return "no: nothing of the kind happened";
        }
        var printed = printed(output);
        if (printed.values().stream().noneMatch(n -> n != 0)) {
            return "no: nothing of the kind was printed; " + happened + " happened";
        }
        return switch (rule.relation()) {
            case LINES -> lines(printed, MISSING);
            case SOME -> lines(printed, 1);
            case SUM, TABLE, LOG2, LINEAR -> counts(printed, true);
            case TOP -> counts(printed, false);
        };
    }

    /** What happened in the words of the rule, for who looks into a difference. */
    synchronized String account() {
        var text = new StringBuilder();
        truth.forEach(
                (key, count) -> text.append(count).append('\t').append(key).append('\n'));
        return text.toString();
    }

    private Map<String, Long> printed(String output) {
        var printed = new TreeMap<String, Long>();
        for (var line : output.lines().toList()) {
            var matcher = pattern().matcher(line);
            // A screen comes as one line, with its rows behind each other.
            while (matcher.find()) {
                switch (rule.relation()) {
                    case LINES, SOME -> printed.merge(groups(matcher, 0), 1L, Long::sum);
                    case SUM -> printed.merge("", number(matcher.group(1)), Long::sum);
                    case TABLE, TOP -> {
                        int count = matcher.namedGroups().getOrDefault("n", matcher.groupCount());
                        printed.merge(groups(matcher, count), number(matcher.group(count)), Long::sum);
                    }
                    case LOG2 -> {
                        long low = number(matcher.group(1));
                        printed.merge(low <= 1 ? "0" : Long.toString(low), number(matcher.group(3)), Long::sum);
                    }
                    case LINEAR -> printed.merge(matcher.group(1), number(matcher.group(2)), Long::sum);
                }
            }
        }
        printed.values().removeIf(n -> n == 0);
        return printed;
    }

    private Pattern pattern() {
        return rule.relation() == Relation.LOG2 ? BUCKET : rule.pattern();
    }

    /** All groups but one, or none left out for 0. */
    private static String groups(Matcher matcher, int leftOut) {
        var words = new ArrayList<String>();
        for (int i = 1; i <= matcher.groupCount(); i++) {
            if (i != leftOut) {
                words.add(matcher.group(i) == null ? "" : matcher.group(i).strip());
            }
        }
        return String.join(" ", words);
    }

    private static long number(String text) {
        return Long.parseLong(text);
    }

    private String lines(Map<String, Long> printed, double mayMiss) {
        long lines = 0;
        long wrong = 0;
        var example = "";
        for (var entry : printed.entrySet()) {
            lines += entry.getValue();
            long excess = entry.getValue() - truth.getOrDefault(entry.getKey(), 0L);
            if (excess > 0) {
                wrong += excess;
                example = example.isEmpty() ? entry.getKey() : example;
            }
        }
        if (wrong > 0) {
            return "no: " + wrong + " of " + lines + " lines did not happen: " + shown(example);
        }
        if (lines < happened * (1 - mayMiss)) {
            var missed = truth.keySet().stream()
                    .filter(key -> !printed.containsKey(key))
                    .findFirst()
                    .orElse("");
            return "no: " + lines + " of " + happened + " were printed; not " + shown(missed);
        }
        return "yes: " + lines + " of " + happened + " happenings, no line too many";
    }

    private String counts(Map<String, Long> printed, boolean all) {
        long sum = 0;
        long whole = 0;
        long off = 0;
        var example = "";
        var keys = new TreeMap<>(printed);
        if (all) {
            truth.keySet().forEach(key -> keys.putIfAbsent(key, 0L));
        }
        for (var key : keys.keySet()) {
            long said = printed.getOrDefault(key, 0L);
            long was = truth.getOrDefault(key, 0L);
            sum += said;
            whole += was;
            long difference = Math.abs(said - was);
            off += difference;
            if (difference > 0 && example.isEmpty()) {
                example = (key.isEmpty() ? "" : shown(key) + " ") + said + " instead of " + was;
            }
        }
        if (off > Math.max(whole, sum) * OFF) {
            return "no: " + example;
        }
        return "yes: " + sum + (off == 0 ? ", exactly" : " of " + whole)
                + (keys.size() > 1 ? " in " + keys.size() + " rows" : "");
    }

    private static String shown(String text) {
        return text.length() <= MAX_SHOWN_CHARS ? text : text.substring(0, MAX_SHOWN_CHARS) + "…";
    }
}
