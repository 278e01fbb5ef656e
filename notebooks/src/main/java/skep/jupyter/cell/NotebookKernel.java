package skep.jupyter.cell;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.ServiceLoader;
import org.jspecify.annotations.Nullable;
import skep.jupyter.protocol.CellOutput;
import skep.jupyter.protocol.Kernel;
import skep.jupyter.protocol.MimeBundle;

/** The cells of one notebook: finds the language of each, obeys the magics, and keeps what they share. */
public final class NotebookKernel implements Kernel {
    private static final String DEFAULT_LANGUAGE = "skep";

    private final String version;
    private final Workspace workspace;
    private final Map<String, CellLanguage> languages = new LinkedHashMap<>();
    private final Traces traces;
    private final Magics magics;
    private volatile @Nullable CellLanguage running;

    /** @param target spec of what is traced until the notebook says otherwise */
    public NotebookKernel(String version, String target) {
        this.version = version;
        this.workspace = new Workspace(target);
        for (var language : ServiceLoader.load(CellLanguage.class)) {
            language.open(workspace);
            languages.put(language.name(), language);
        }
        this.traces = new Traces(workspace);
        this.magics = new Magics(workspace, languages.values());
    }

    @Override
    public Description description() {
        return new Description(
                "skep",
                version,
                "skep",
                version,
                "text/x-skep",
                ".bt",
                "clike",
                "c",
                "Skep " + version + ": trace with one-liners, Python, JavaScript or Java. %help tells how.",
                Map.of());
    }

    @Override
    public Outcome execute(Request request, CellOutput output) {
        var cell = Cell.parse(request.code());
        var language = languages.get(cell.language().orElse(DEFAULT_LANGUAGE));
        if (language == null) {
            return Errors.of(
                    "UnknownLanguage",
                    "there is no %%" + cell.language().orElse("") + "; there are %%"
                            + String.join(", %%", languages.keySet()));
        }
        boolean timed = false;
        for (int i = 0; i < cell.magics().size(); i++) {
            var magic = cell.magics().get(i);
            timed |= magic.name().equals("time");
            boolean last = cell.isEmpty() && i == cell.magics().size() - 1;
            var ended = magics.obey(magic, last, output);
            if (ended.isPresent()) {
                return ended.get();
            }
        }
        if (cell.isEmpty()) {
            return Outcome.Done.PLAIN;
        }
        long start = System.nanoTime();
        running = language;
        traces.setOutput(output);
        try {
            return language.run(cell, output);
        } finally {
            running = null;
            traces.setOutput(null);
            if (timed) {
                output.stdout(String.format("took %.3f s%n", (System.nanoTime() - start) / 1e9));
            }
        }
    }

    /** The language and the body at a cursor, and by how much positions in the body differ from the cell's. */
    private record Place(CellLanguage language, String body, int cursor, int offset) {}

    private Optional<Place> place(String code, int cursor) {
        var cell = Cell.parse(code);
        var language = languages.get(cell.language().orElse(DEFAULT_LANGUAGE));
        // The lines taken away are empty lines in the body: all that follows them keeps its distance from the end.
        int offset = code.length() - cell.body().length();
        return language == null || cursor < offset
                ? Optional.empty()
                : Optional.of(new Place(language, cell.body(), cursor - offset, offset));
    }

    @Override
    public Completions complete(String code, int cursor) {
        int lineStart = code.lastIndexOf('\n', cursor - 1) + 1;
        var line = code.substring(lineStart, cursor);
        if (line.startsWith("%") && !line.contains(" ")) {
            return new Completions(magicsFor(line), lineStart, cursor);
        }
        return place(code, cursor)
                .map(place -> shifted(place.language.complete(place.body, place.cursor), place.offset))
                .orElseGet(() -> new Completions(List.of(), cursor, cursor));
    }

    private List<String> magicsFor(String start) {
        var words = new ArrayList<String>();
        Magics.words().forEach(word -> words.add((word.equals("time") ? "%%" : "%") + word));
        languages.keySet().forEach(name -> words.add("%%" + name));
        return words.stream().filter(word -> word.startsWith(start)).sorted().toList();
    }

    private static Completions shifted(Completions found, int offset) {
        return new Completions(found.matches(), found.start() + offset, found.end() + offset);
    }

    @Override
    public Optional<MimeBundle> inspect(String code, int cursor, int detail) {
        return place(code, cursor).flatMap(place -> place.language.inspect(place.body, place.cursor, detail));
    }

    @Override
    public Completeness isComplete(String code) {
        var cell = Cell.parse(code);
        var language = languages.get(cell.language().orElse(DEFAULT_LANGUAGE));
        return language == null || cell.isEmpty() ? new Completeness.Complete() : language.isComplete(cell.body());
    }

    @Override
    public void interrupt() {
        var language = running;
        if (language != null) {
            language.interrupt();
        }
    }

    @Override
    public void close() {
        traces.close();
        languages.values().forEach(CellLanguage::close);
        workspace.close();
    }
}
