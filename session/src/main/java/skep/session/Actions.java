package skep.session;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import java.util.Set;
import java.util.function.LongConsumer;
import java.util.stream.Collectors;
import skep.dsl.Action;
import skep.dsl.CompiledScript;
import skep.dsl.MapView;
import skep.session.view.Printf;
import skep.session.view.Strftime;
import skep.session.view.TextRenderer;
import skep.session.view.Value;
import skep.session.view.View;

/** Does what ring-buffer records ask for. */
final class Actions {
    /** More output of a {@code system} command than this is not shown. */
    private static final int MAX_SYSTEM_BYTES = 1 << 20;

    private final CompiledScript script;
    /** What is said to a script that is kept from them. */
    static final String NO_FILES = "this script may not use files of the machine";

    private final ValueReader values;
    private final MapReader maps;
    private final Symbols symbols;
    private final ViewSink sink;
    /** Processes whose stacks are unwound; all if there are none. */
    private final Set<Integer> unwound;

    private final boolean files;

    private boolean toldOfOthers;
    private final PacketFiles packets = new PacketFiles();
    private final LongConsumer unwatcher;
    private final MapPictures pictures;
    private final Speculations speculations = new Speculations();

    /**
     * @param unwatcher detaches the watchpoints of an address
     * @param files whether files of this machine are read and written
     */
    Actions(
            CompiledScript script,
            ValueReader values,
            MapReader maps,
            Symbols symbols,
            ViewSink sink,
            LongConsumer unwatcher,
            Set<Integer> unwound,
            boolean files) {
        this.files = files;
        this.unwatcher = unwatcher;
        this.unwound = unwound;
        this.script = script;
        this.values = values;
        this.maps = maps;
        this.symbols = symbols;
        this.sink = sink;
        this.pictures = new MapPictures(script, maps, symbols, files);
    }

    /** Does what one record asks for. Returns the exit status if it asks to end the script. */
    OptionalLong perform(byte[] record) {
        int id = (int) ValueReader.word(record, 0, 4);
        if (id < 0 || id >= script.actions().size()) {
            throw new IllegalStateException("record of unknown action " + id);
        }
        int speculation = (int) ValueReader.word(record, 4, 4);
        if (speculation != 0) {
            speculations.hold(speculation, record);
            return OptionalLong.empty();
        }
        switch (script.actions().get(id)) {
            case Action.Print print -> print(print, record);
            case Action.PrintMap print ->
                map(print.map())
                        .ifPresent(view -> sink.accept(maps.read(view, true).reduced(print.top(), print.div())));
            case Action.Show show -> pictures.show(show, sink);
            case Action.PrintMapEntry print -> map(print.map()).ifPresent(view -> entry(print, view, record));
            case Action.PrintValue print -> sink.accept(new View.Printed(argument(print.value(), record)));
            case Action.ClearMap clear ->
                map(clear.map())
                        .ifPresent(view -> clear.generation()
                                .ifPresentOrElse(
                                        generation -> maps.clear(view, number(generation, record)),
                                        () -> maps.clear(view)));
            case Action.ZeroMap zero -> map(zero.map()).ifPresent(maps::zero);
            case Action.Exit exit -> {
                return OptionalLong.of(exit.code()
                        .map(code -> argument(code, record) instanceof Value.Int i ? i.value() : 0L)
                        .orElse(0L));
            }
            case Action.Commit commit ->
                speculations.take(number(commit.speculation(), record)).forEach(this::perform);
            case Action.Discard discard -> speculations.take(number(discard.speculation(), record));
            case Action.Time time ->
                sink.accept(new View.Text(View.Kind.TIME, Strftime.format(time.format(), symbols.nowNanos())));
            case Action.Cat cat -> cat(Printf.format(cat.path(), arguments(cat.arguments(), record)));
            case Action.System system -> system(Printf.format(system.command(), arguments(system.arguments(), record)));
            case Action.Join join -> join(join, record);
            case Action.PacketDump dump -> packet(dump, record);
            case Action.Unwatch unwatch -> {
                if (argument(unwatch.address(), record) instanceof Value.Int i) {
                    unwatcher.accept(i.value());
                }
            }
            case Action.StackCopy copy -> unwind(copy, record);
            case Action.HelperError error -> {
                long errno = argument(error.errno(), record) instanceof Value.Int i ? i.value() : 0;
                sink.accept(new View.HelperError(error.span(), error.helper(), errno, Names.error(errno)));
            }
        }
        return OptionalLong.empty();
    }

    private void unwind(Action.StackCopy copy, byte[] record) {
        if (unwound.isEmpty() || unwound.contains(number(copy.process(), record))) {
            symbols.unwind(copy, record);
        } else if (!toldOfOthers) {
            toldOfOthers = true;
            sink.accept(new View.Note(
                    "WARNING: No DWARF unwind data available for this process: --dwarf-pid names others"));
        }
    }

    private java.util.Optional<MapView> map(String name) {
        return script.map(name);
    }

    private int number(Action.Argument argument, byte[] record) {
        return argument(argument, record) instanceof Value.Int i ? (int) i.value() : 0;
    }

    /** What is left to say at the end: speculations that came to nothing. */
    void finish() {
        speculations.summary().ifPresent(text -> sink.accept(new View.Note(text)));
    }

    private Value argument(Action.Argument argument, byte[] record) {
        return values.read(argument.type(), record, argument.offsetBytes());
    }

    private List<Value> arguments(List<Action.Argument> arguments, byte[] record) {
        // A stream would cost more than all the rest of a printf.
        var read = new ArrayList<Value>(arguments.size());
        for (var argument : arguments) {
            read.add(argument(argument, record));
        }
        return read;
    }

    private void print(Action.Print print, byte[] record) {
        var text = Printf.format(print.format(), arguments(print.arguments(), record));
        sink.accept(
                switch (print.channel()) {
                    case PRINTF -> new View.Text(View.Kind.PRINTF, text);
                    case ERRORF -> new View.Located(View.Severity.ERROR, print.span(), text);
                    case WARNF -> new View.Located(View.Severity.WARNING, print.span(), text);
                });
    }

    private void entry(Action.PrintMapEntry print, MapView view, byte[] record) {
        var shape = MapReader.shape(view.value());
        var key = print.key()
                .map(argument -> MapReader.keyBytes(
                        record, argument.offsetBytes(), argument.type().sizeBytes()));
        if (print.value().isPresent()) {
            var parts = key.flatMap(k -> view.key().map(type -> values.key(type, k)))
                    .orElse(List.of());
            var row = new View.Row(parts, argument(print.value().get(), record));
            sink.accept(new View.MapView(view.name(), view.key().isPresent(), shape, List.of(row)));
        } else {
            maps.readEntry(view, key)
                    .ifPresent(row ->
                            sink.accept(new View.MapView(view.name(), view.key().isPresent(), shape, List.of(row))));
        }
    }

    private void cat(String path) {
        var simulated = symbols.fileOfTarget(path);
        if (simulated.isPresent()) {
            int length = Math.min(simulated.get().length, script.config().maxCatBytes());
            sink.accept(new View.Text(View.Kind.CAT, new String(simulated.get(), 0, length, StandardCharsets.UTF_8)));
            return;
        }
        if (!files) {
            sink.accept(new View.Note("ERROR: failed to open file '" + path + "': " + NO_FILES));
            return;
        }
        try (var in = Files.newInputStream(Path.of(path))) {
            var text = new String(in.readNBytes(script.config().maxCatBytes()), StandardCharsets.UTF_8);
            sink.accept(new View.Text(View.Kind.CAT, text));
        } catch (NoSuchFileException e) {
            sink.accept(new View.Note("ERROR: failed to open file '" + path + "': No such file or directory"));
        } catch (IOException | java.nio.file.InvalidPathException e) {
            sink.accept(new View.Note("ERROR: failed to read file '" + path + "': " + e.getMessage()));
        }
    }

    private void system(String command) {
        try {
            var process = new ProcessBuilder("/bin/sh", "-c", command)
                    .redirectErrorStream(true)
                    .redirectInput(
                            ProcessBuilder.Redirect.from(Path.of("/dev/null").toFile()))
                    .start();
            var output = new ByteArrayOutputStream();
            try (var in = process.getInputStream()) {
                output.writeBytes(in.readNBytes(MAX_SYSTEM_BYTES));
            }
            process.waitFor();
            sink.accept(new View.Text(View.Kind.SYSCALL, output.toString(StandardCharsets.UTF_8)));
        } catch (IOException e) {
            sink.accept(new View.Note("ERROR: system(\"" + command + "\"): " + e.getMessage()));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void join(Action.Join join, byte[] record) {
        if (argument(join.strings(), record) instanceof Value.Array strings) {
            var text = strings.elements().stream()
                    .map(TextRenderer::text)
                    .takeWhile(part -> !part.isEmpty())
                    .collect(Collectors.joining(join.separator()));
            sink.accept(new View.Text(View.Kind.JOIN, text));
        }
    }

    private void packet(Action.PacketDump dump, byte[] record) {
        if (!files) {
            sink.accept(new View.Note("ERROR: skboutput(\"" + dump.path() + "\"): " + NO_FILES));
            return;
        }
        long nanos = argument(dump.time(), record) instanceof Value.Int i ? symbols.wallNanos(i.value()) : 0;
        long length = argument(dump.length(), record) instanceof Value.Int i ? i.value() : 0;
        int captured = Math.clamp(length, 0, record.length - dump.offset());
        try {
            packets.append(Path.of(dump.path()), nanos, record, dump.offset(), captured, length);
        } catch (IOException e) {
            sink.accept(new View.Note("ERROR: skboutput(\"" + dump.path() + "\"): " + e.getMessage()));
        }
    }
}
