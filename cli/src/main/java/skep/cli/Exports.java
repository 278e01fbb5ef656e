package skep.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import skep.cli.Arguments.UsageException;
import skep.session.ViewSink;
import skep.session.view.Export;
import skep.session.view.View;

/** Passes views on, keeps the maps shown at the end and writes them to the files of {@code --export}. */
final class Exports implements ViewSink {
    private final List<Wanted> wanted;
    private final ViewSink next;
    private final List<View> kept = new ArrayList<>();
    private boolean ending;

    /** A form and the file it goes to. */
    private record Wanted(Export form, Path file) {}

    private Exports(List<Wanted> wanted, ViewSink next) {
        this.wanted = wanted;
        this.next = next;
    }

    /** @param words each {@code FILE} whose end tells the form, or {@code FORM:FILE} */
    static Exports of(List<String> words, ViewSink next) {
        return new Exports(words.stream().map(Exports::wanted).toList(), next);
    }

    private static Wanted wanted(String word) {
        int colon = word.indexOf(':');
        if (colon > 0) {
            var form = Export.named(word.substring(0, colon));
            if (form.isPresent() && colon + 1 < word.length()) {
                return new Wanted(form.get(), Path.of(word.substring(colon + 1)));
            }
        }
        return new Wanted(
                Export.ofFile(word)
                        .orElseThrow(() -> new UsageException("--export: the end of \"" + word
                                + "\" names no form\nHINT: " + "use FORM:FILE with one of " + Export.names())),
                Path.of(word));
    }

    @Override
    public void accept(View view) {
        ending |= view instanceof View.Ending;
        if (ending && view instanceof View.MapView) {
            kept.add(view);
        }
        next.accept(view);
    }

    @Override
    public void batchEnds() {
        next.batchEnds();
    }

    /** Writes the files; forms that hold one picture get a file for each map. */
    void write() {
        for (var one : wanted) {
            if (!one.form.holdsOne() || kept.size() <= 1) {
                write(one.file, one.form.write(kept));
                continue;
            }
            for (var view : kept) {
                var name = one.file.getFileName().toString();
                int dot = name.lastIndexOf('.');
                var map = ((View.MapView) view).name().substring(1);
                var own = (dot < 0 ? name : name.substring(0, dot))
                        + (map.isEmpty() ? "" : "-" + map)
                        + (dot < 0 ? "" : name.substring(dot));
                write(one.file.resolveSibling(own), one.form.write(List.of(view)));
            }
        }
    }

    private void write(Path file, byte[] bytes) {
        try {
            Files.write(file, bytes);
        } catch (IOException e) {
            throw new UsageException("--export: cannot write " + file + ": " + ScriptCommand.reason(e));
        }
        next.accept(new View.Note("Wrote " + file));
    }
}
