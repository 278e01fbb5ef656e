package skep.session;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import skep.dsl.Action;
import skep.dsl.CompiledScript;
import skep.session.view.Export;
import skep.session.view.Picture;
import skep.session.view.Pictures;
import skep.session.view.View;

/** Shows maps as pictures, or writes them to files, as {@link Action.Show} asks. */
final class MapPictures {
    private final CompiledScript script;
    private final MapReader maps;
    private final Symbols symbols;
    private final long startNanos;
    private final boolean files;

    /** @param files whether pictures may be written to files */
    MapPictures(CompiledScript script, MapReader maps, Symbols symbols, boolean files) {
        this.files = files;
        this.script = script;
        this.maps = maps;
        this.symbols = symbols;
        this.startNanos = symbols.nowNanos();
    }

    void show(Action.Show show, ViewSink sink) {
        var read = show.maps().stream()
                .flatMap(name -> script.map(name).stream())
                .map(map -> maps.read(map, false))
                .toList();
        if (read.isEmpty()) {
            return;
        }
        var form = show.form();
        var data = Export.named(form)
                .filter(export -> !List.of("table", "histogram").contains(form));
        if (data.isPresent()) {
            write(show, data.get(), List.copyOf(read), sink);
            return;
        }
        var picture = picture(show, read);
        if (show.file().isEmpty() && (!form.equals("flame") || sink.drawsPictures())) {
            sink.accept(picture);
            return;
        }
        var export = show.file().flatMap(Export::ofFile).orElse(Export.SVG);
        write(
                show,
                export,
                List.of(export == Export.FOLDED || export == Export.PPROF ? read.getLast() : picture),
                sink);
    }

    private Picture picture(Action.Show show, List<View.MapView> read) {
        return switch (show.form()) {
            case "flame" ->
                read.size() == 1
                        ? Pictures.flameGraph(read.getFirst())
                        : Pictures.difference(read.getFirst(), read.get(1));
            case "heatmap" -> Pictures.heatMap(read.getFirst());
            case "histogram" -> Pictures.bars(read.getFirst());
            case "timeline" -> Pictures.timeline(read.getFirst());
            case "lanes" -> Pictures.lanes(read.getFirst());
            default -> Pictures.table(read, arrangement(show));
        };
    }

    private Pictures.Arrangement arrangement(Action.Show show) {
        var settings = show.settings();
        double seconds = Math.max(1, symbols.nowNanos() - startNanos) / 1e9;
        return new Pictures.Arrangement(
                Long.parseLong(settings.getOrDefault("top", "0")),
                settings.getOrDefault("sort", ""),
                settings.containsKey("descending"),
                Double.parseDouble(settings.getOrDefault("div", "1")),
                settings.containsKey("rate") ? seconds : 1,
                settings.containsKey("percent"),
                settings.containsKey("percentiles"));
    }

    private void write(Action.Show show, Export form, List<View> views, ViewSink sink) {
        var bytes = form.write(views);
        if (show.file().isEmpty() && form != Export.SVG && form != Export.PPROF) {
            sink.accept(new View.Text(View.Kind.PRINTF, new String(bytes, java.nio.charset.StandardCharsets.UTF_8)));
            return;
        }
        var name = show.file().orElseGet(() -> fileName(show.maps().getFirst(), form));
        if (!files) {
            sink.accept(new View.Note("ERROR: cannot write " + name + ": " + Actions.NO_FILES));
            return;
        }
        sink.accept(new View.Note(written(name, bytes).orElse("Wrote " + name)));
    }

    /** {@code @stacks} goes to {@code stacks.svg}, the map without a name to {@code map.svg}. */
    private static String fileName(String map, Export form) {
        return (map.length() > 1 ? map.substring(1) : "map") + "." + form.extension();
    }

    /** What went wrong, if anything. */
    static Optional<String> written(String name, byte[] bytes) {
        try {
            Files.write(Path.of(name), bytes);
            return Optional.empty();
        } catch (IOException | InvalidPathException e) {
            return Optional.of("ERROR: cannot write " + name + ": "
                    + (e instanceof java.nio.file.AccessDeniedException
                            ? "Permission denied"
                            : e instanceof java.nio.file.NoSuchFileException
                                    ? "No such file or directory"
                                    : e.getMessage()));
        }
    }
}
