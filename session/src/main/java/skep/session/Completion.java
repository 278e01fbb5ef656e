package skep.session;

import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import skep.btf.BtfKind;
import skep.btf.BtfType;
import skep.dsl.LanguageReference;
import skep.isa.kernel.KernelInfo;
import skep.isa.kernel.ProbeKind;
import skep.target.Target;

/** What can stand at the cursor of a script that is being written: probes, fields, functions, maps. */
public final class Completion {
    /** More candidates than this are no help. */
    private static final int MAX_CANDIDATES = 500;

    private static final Pattern MAPS = Pattern.compile("@[A-Za-z_][A-Za-z0-9_]*");
    private static final Pattern VARIABLES = Pattern.compile("\\$[A-Za-z_][A-Za-z0-9_]*");
    private static final Pattern TRACEPOINT = Pattern.compile("(?:tracepoint|t):([a-z0-9_]+):([a-z0-9_]+)[^{}]*$");

    private static final Pattern FUNCTION =
            Pattern.compile("(?:fentry|fexit|f|fr|kfunc|kretfunc):(?:[\\w*]+:)?(\\w+)[^{}]*$");
    private static final Pattern RAW = Pattern.compile("(?:rawtracepoint|rt):(?:[\\w*]+:)?(\\w+)[^{}]*$");
    private static final Pattern MEMBER_OF = Pattern.compile("\\(\\(struct (\\w+) ?\\*\\) ?[^()]*\\)(?:->|\\.)$");
    private static final Pattern TYPE_WORD = Pattern.compile("\\b(struct|union|enum) $");

    private static final List<String> STATEMENTS = List.of(
            "if",
            "else",
            "for",
            "while",
            "unroll",
            "let",
            "return",
            "break",
            "continue",
            "sizeof",
            "offsetof",
            "typeof");

    private final KernelInfo kernel;
    private final Collection<String> names;

    /** Offers the functions, aggregations and builtins of the language. */
    public Completion(Target target) {
        this(
                target,
                LanguageReference.words().stream()
                        .filter(word -> word.kind() != LanguageReference.Kind.STATEMENT)
                        .map(LanguageReference.Word::name)
                        .distinct()
                        .toList());
    }

    /** What a word of the language means, in one line. */
    public static Optional<String> meaning(String word) {
        return LanguageReference.words().stream()
                .filter(known -> known.name().equals(word))
                .findFirst()
                .map(known -> known.syntax().equals(word) ? known.meaning() : known.syntax() + ": " + known.meaning());
    }

    /** @param names functions and builtins of the language */
    public Completion(Target target, Collection<String> names) {
        this.kernel = target.kernel();
        this.names = List.copyOf(names);
    }

    /** Where the word at the cursor starts: what the candidates replace. */
    public static int wordStart(String text, int cursor) {
        int start = cursor;
        boolean inBody = inBody(text, cursor);
        while (start > 0 && isWordPart(text.charAt(start - 1), inBody)) {
            start--;
        }
        return start;
    }

    // A probe's name is one word, colons and all; inside a body words end at dots and brackets.
    private static boolean isWordPart(char c, boolean inBody) {
        return Character.isLetterOrDigit(c)
                || c == '_'
                || c == '@'
                || c == '$'
                || !inBody && (c == ':' || c == '.' || c == '/' || c == '-');
    }

    private static boolean inBody(String text, int cursor) {
        int depth = 0;
        for (int i = 0; i < cursor; i++) {
            char c = text.charAt(i);
            depth += c == '{' ? 1 : c == '}' ? -1 : 0;
        }
        return depth > 0;
    }

    /** The words that may stand at the cursor, sorted; all start with what is written already. */
    public List<String> candidates(String text, int cursor) {
        int start = wordStart(text, cursor);
        var prefix = text.substring(start, cursor);
        var found = inBody(text, cursor) ? inBody(text, start, prefix) : probes(prefix);
        return found.filter(word -> word.startsWith(prefix))
                .distinct()
                .limit(MAX_CANDIDATES)
                .sorted()
                .toList();
    }

    private Stream<String> inBody(String text, int start, String prefix) {
        if (prefix.startsWith("@")) {
            return matches(MAPS, text, prefix);
        }
        if (prefix.startsWith("$")) {
            return matches(VARIABLES, text, prefix);
        }
        if (text.substring(0, start).endsWith("args.")
                || text.substring(0, start).endsWith("args->")) {
            return fields(text.substring(0, start));
        }
        var before = text.substring(0, start);
        var type = TYPE_WORD.matcher(before);
        if (type.find()) {
            return types(type.group(1), prefix);
        }
        if (before.endsWith("curtask->") || before.endsWith("curtask.")) {
            return members("task_struct");
        }
        var member = MEMBER_OF.matcher(before);
        if (member.find()) {
            return members(member.group(1));
        }
        return before.endsWith("->") || before.endsWith(".")
                ? Stream.empty()
                : Stream.concat(names.stream(), STATEMENTS.stream());
    }

    private Stream<String> types(String keyword, String prefix) {
        var kinds = switch (keyword) {
            case "struct" -> List.of(BtfKind.STRUCT);
            case "union" -> List.of(BtfKind.UNION);
            default -> List.of(BtfKind.ENUM, BtfKind.ENUM64);
        };
        return kernel.types().stream()
                .flatMap(btf -> kinds.stream()
                        .flatMap(kind -> btf.ids(kind).mapToObj(btf::name))
                        .filter(name -> !name.isEmpty() && name.startsWith(prefix)));
    }

    private Stream<String> members(String struct) {
        return kernel.types().stream().flatMap(btf -> {
            var id = btf.find(struct, BtfKind.STRUCT);
            return id.isPresent() && btf.type(id.getAsInt()) instanceof BtfType.Struct s
                    ? s.members().stream().map(BtfType.Member::name).filter(name -> !name.isEmpty())
                    : Stream.empty();
        });
    }

    private static Stream<String> matches(Pattern pattern, String text, String except) {
        var found = new TreeSet<String>();
        var matcher = pattern.matcher(text);
        while (matcher.find()) {
            found.add(matcher.group());
        }
        found.remove(except);
        return found.stream();
    }

    private Stream<String> fields(String before) {
        int body = before.lastIndexOf('{');
        var head = body < 0 ? before : before.substring(0, body);
        var function = FUNCTION.matcher(head);
        if (function.find()) {
            return arguments(function.group(1), false);
        }
        var raw = RAW.matcher(head);
        if (raw.find()) {
            return arguments("btf_trace_" + raw.group(1), true);
        }
        var matcher = TRACEPOINT.matcher(head);
        if (!matcher.find()) {
            return Stream.empty();
        }
        return kernel.tracepoint(matcher.group(1), matcher.group(2)).stream()
                .flatMap(format -> format.fields().stream())
                .map(field -> field.name())
                .filter(name -> !name.startsWith("common_"));
    }

    private Stream<String> arguments(String function, boolean tracepoint) {
        return Listing.parameterNames(kernel, function, tracepoint).stream();
    }

    private Stream<String> probes(String prefix) {
        int colon = prefix.indexOf(':');
        if (colon < 0) {
            return Stream.of(ProbeKind.values())
                    .map(kind -> kind.longName() + (kind == ProbeKind.BEGIN || kind == ProbeKind.END ? "" : ":"));
        }
        var provider = prefix.substring(0, colon);
        var rest = prefix.substring(colon + 1).toLowerCase(Locale.ROOT);
        return ProbeKind.ofName(provider).stream()
                .flatMap(kernel::probes)
                .filter(name -> name.toLowerCase(Locale.ROOT).startsWith(rest))
                .map(name -> provider + ":" + name);
    }
}
