package skep.jupyter.cell;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.TreeSet;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import skep.bindings.polyglot.PolyglotSession.Language;
import skep.jupyter.protocol.CellOutput;
import skep.jupyter.protocol.Kernel;
import skep.jupyter.protocol.MimeBundle;

/** A language of the notebook's guest context: {@code %%py} and {@code %%js}. */
abstract sealed class GuestLanguage implements CellLanguage permits PythonLanguage, JsLanguage {
    /** {@code t.map} before the cursor: an expression of names and dots, and the word that is being written. */
    private static final Pattern BEFORE = Pattern.compile("(?:([A-Za-z_$][\\w$.]*)\\.)?([A-Za-z_$][\\w$]*)?$");

    private static final Pattern NAME = Pattern.compile("[A-Za-z_$][\\w$.]*$");

    private final Language language;
    private final List<String> keywords;
    private @Nullable Workspace workspace;

    GuestLanguage(Language language, List<String> keywords) {
        this.language = language;
        this.keywords = keywords;
    }

    @Override
    public void open(Workspace shared) {
        workspace = shared;
    }

    private Guests guests() {
        return java.util.Objects.requireNonNull(workspace, "open was not called")
                .guests();
    }

    @Override
    public Kernel.Outcome run(Cell cell, CellOutput output) {
        return guests().run(language, cell, output);
    }

    @Override
    public Kernel.Completions complete(String body, int cursor) {
        var before = BEFORE.matcher(body.substring(0, cursor));
        if (!before.find()) {
            return new Kernel.Completions(List.of(), cursor, cursor);
        }
        var expression = Optional.ofNullable(before.group(1)).orElse("");
        var word = Optional.ofNullable(before.group(2)).orElse("");
        if (expression.isEmpty() && word.isEmpty()) {
            return new Kernel.Completions(List.of(), cursor, cursor);
        }
        var words = new TreeSet<>(guests().complete(language, expression, word));
        if (expression.isEmpty()) {
            keywords.stream().filter(keyword -> keyword.startsWith(word)).forEach(words::add);
        }
        return new Kernel.Completions(new ArrayList<>(words), cursor - word.length(), cursor);
    }

    @Override
    public Optional<MimeBundle> inspect(String body, int cursor, int detail) {
        int end = cursor;
        while (end < body.length() && (Character.isJavaIdentifierPart(body.charAt(end)))) {
            end++;
        }
        var name = NAME.matcher(body.substring(0, end).replaceFirst("\\($", ""));
        if (!name.find()) {
            return Optional.empty();
        }
        var text = guests().inspect(language, name.group());
        return text.isEmpty() ? Optional.empty() : Optional.of(MimeBundle.plain(text));
    }

    @Override
    public void interrupt() {
        guests().interrupt();
    }

    /** The workspace closes the context. */
    @Override
    public void close() {}

    /** How many brackets are open outside of strings; quotes that span lines count as one bracket. */
    static int open(String body, boolean python) {
        int open = 0;
        char quote = 0;
        for (int i = 0; i < body.length(); i++) {
            char c = body.charAt(i);
            if (quote != 0) {
                if (c == '\\') {
                    i++;
                } else if (c == quote || c == '\n' && quote != '`') {
                    quote = 0;
                }
            } else if (python && c == '#' || !python && body.startsWith("//", i)) {
                i = body.indexOf('\n', i) < 0 ? body.length() : body.indexOf('\n', i) - 1;
            } else if (python && (body.startsWith("\"\"\"", i) || body.startsWith("'''", i))) {
                int end = body.indexOf(body.substring(i, i + 3), i + 3);
                if (end < 0) {
                    return open + 1;
                }
                i = end + 2;
            } else if (c == '"' || c == '\'' || c == '`' && !python) {
                quote = c;
            } else {
                open += "([{".indexOf(c) >= 0 ? 1 : ")]}".indexOf(c) >= 0 ? -1 : 0;
            }
        }
        return quote == '`' ? open + 1 : open;
    }
}
