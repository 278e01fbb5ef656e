package skep.dsl.check;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import skep.c.bcc.BccRequest;
import skep.c.bcc.FunctionLibrary;
import skep.dsl.CompileOptions;
import skep.dsl.ast.Script;
import skep.dsl.parse.Parser;
import skep.isa.kernel.KernelInfo;
import skep.source.Diagnostics;
import skep.source.Source;
import skep.source.Span;

/**
 * Brings in what a script imports: scripts (their macros, functions, maps and probes), headers, and C sources whose
 * functions the script calls; one by one or all of a folder. Paths are looked for beside the script, then in the include folders.
 */
final class Imports {
    private final KernelInfo kernel;
    private final CompileOptions options;
    private final Diagnostics diagnostics;
    private final Set<Path> seen = new HashSet<>();
    private final List<FunctionLibrary> libraries = new ArrayList<>();

    private Imports(KernelInfo kernel, CompileOptions options, Diagnostics diagnostics) {
        this.kernel = kernel;
        this.options = options;
        this.diagnostics = diagnostics;
    }

    /** The script with all that it imports; the functions of C sources apart. */
    record Whole(Script script, List<FunctionLibrary> libraries) {}

    static Whole resolve(Script script, KernelInfo kernel, CompileOptions options, Diagnostics diagnostics) {
        if (script.imports().isEmpty()) {
            return new Whole(script, List.of());
        }
        var imports = new Imports(kernel, options, diagnostics);
        return new Whole(imports.resolve(script), imports.libraries);
    }

    private Script resolve(Script script) {
        var whole = script;
        for (var imported : script.imports()) {
            for (var path : find(imported, script.source())) {
                whole = with(whole, path, imported.span());
            }
        }
        return whole;
    }

    private List<Path> find(Script.Import imported, Source from) {
        if (imported.path().startsWith("stdlib")) {
            // What the peers' library holds is built into this compiler.
            return List.of();
        }
        if (!options.files()) {
            diagnostics.error(
                    "import",
                    imported.span(),
                    "'" + imported.path() + "': this script may not use files of the machine");
            return List.of();
        }
        var candidates = new ArrayList<Path>();
        var beside = Path.of(from.name()).getParent();
        candidates.add(beside == null ? Path.of(imported.path()) : beside.resolve(imported.path()));
        options.includeFolders().forEach(f -> candidates.add(Path.of(f, imported.path())));
        for (var candidate : candidates) {
            if (Files.isDirectory(candidate)) {
                return files(candidate, imported.span());
            }
            if (Files.isRegularFile(candidate)) {
                return List.of(candidate);
            }
        }
        diagnostics.error(
                "import",
                imported.span(),
                "import path not found: " + imported.path(),
                "paths are relative to the script and to the folders given with -I");
        return List.of();
    }

    private List<Path> files(Path folder, Span span) {
        try (Stream<Path> entries = Files.list(folder)) {
            return entries.filter(p -> Stream.of(".bt", ".h", ".bpf.c")
                            .anyMatch(end -> p.toString().endsWith(end)))
                    .sorted()
                    .toList();
        } catch (IOException unreadable) {
            diagnostics.error("import", span, "cannot read " + folder + ": " + unreadable.getMessage());
            return List.of();
        }
    }

    private Script with(Script script, Path path, Span span) {
        if (!seen.add(path.toAbsolutePath().normalize())) {
            return script;
        }
        String text;
        try {
            text = Files.readString(path);
        } catch (IOException unreadable) {
            diagnostics.error("import", span, "cannot read " + path + ": " + unreadable.getMessage());
            return script;
        }
        var source = new Source(path.toString(), text);
        if (path.toString().endsWith(".bt")) {
            var other = Parser.parse(source, diagnostics);
            return joined(resolve(other), script);
        }
        if (path.toString().endsWith(".h")) {
            var include = new Source(span.source().name(), "#include \"" + path + "\"");
            var line = new Script.CText(include.span(0, include.text().length()));
            return withPreamble(script, line);
        }
        if (path.toString().endsWith(".bpf.c")) {
            var request = new BccRequest(
                    text, path.toString(), List.of(), kernel, List.of(), (name, _, _) -> header(path, name));
            var library = FunctionLibrary.read(request, diagnostics);
            for (var function : library.functions()) {
                if (CallChecker.names().anyMatch(function.name()::equals)) {
                    diagnostics.warning(
                            "import",
                            function.span(),
                            "'" + function.name() + "' is a function of the language: this one cannot be called",
                            "give it another name");
                }
            }
            libraries.add(library);
            return script;
        }
        diagnostics.error(
                "import", span, "cannot import " + path.getFileName(), "import .bt, .h and .bpf.c files, or a folder");
        return script;
    }

    /** A header of the user's: beside the C source, or in an include folder. */
    private Optional<Source> header(Path includer, String name) {
        var beside = includer.toAbsolutePath().getParent();
        var folders = Stream.concat(
                Optional.ofNullable(beside).stream(),
                options.includeFolders().stream().map(Path::of));
        return folders.map(folder -> folder.resolve(name))
                .filter(Files::isRegularFile)
                .findFirst()
                .flatMap(file -> {
                    try {
                        return Optional.of(new Source(file.toString(), Files.readString(file)));
                    } catch (IOException unreadable) {
                        return Optional.empty();
                    }
                });
    }

    private static Script withPreamble(Script script, Script.CText line) {
        var preamble = new ArrayList<>(script.preamble());
        preamble.add(line);
        return script.withPreamble(preamble);
    }

    private static Script joined(Script first, Script second) {
        return new Script(
                second.source(),
                second.interpreterLine(),
                concat(first.preamble(), second.preamble()),
                concat(first.config(), second.config()),
                second.imports(),
                concat(first.mapDeclarations(), second.mapDeclarations()),
                concat(first.macros(), second.macros()),
                concat(first.subprograms(), second.subprograms()),
                concat(first.probes(), second.probes()));
    }

    private static <T> List<T> concat(List<T> first, List<T> second) {
        return Stream.concat(first.stream(), second.stream()).toList();
    }
}
