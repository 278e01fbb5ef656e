package skep.vm.inspect;

import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.ServiceLoader;
import skep.elf.ElfException;
import skep.elf.ElfObject;
import skep.elf.ElfObject.ElfMap;
import skep.elf.ElfObject.ElfProgram;
import skep.elf.SectionName;
import skep.isa.kernel.MapType;
import skep.isa.kernel.ProbeKind;
import skep.target.Link;
import skep.target.LoadException;
import skep.target.LoadOptions;
import skep.target.LoadedObject;
import skep.target.OutputReader;
import skep.target.Target;
import skep.target.TargetException;
import skep.target.TargetProvider;
import skep.target.ToolCommand;
import skep.target.TracedProcess;

/** {@code skep run FILE.o}: an object file on any target, attached where its sections say, its maps shown at the end. */
public final class RunCommand implements ToolCommand {
    private static final int POLL_MILLIS = 50;

    @Override
    public String name() {
        return "run";
    }

    @Override
    public String summary() {
        return """
                loads an object file that clang made, attaches its programs, and shows its maps at the end
                  run [--target SPEC] [--duration 3s] [-c COMMAND] [--interface NAME] [--cgroup FOLDER] [--map NAME] FILE.o
                  --target    linux (the default), embedded, embedded:seed=7, ...
                  --duration  how long, for example 500ms, 3s or 1m; without it until Ctrl-C or the command's end
                  --interface the network interface for socket filters, XDP and tc programs
                  --cgroup    the folder of the control group for programs of control groups
                  --map       the map whose elements programs of section iter/bpf_map_elem walk, where there are several""";
    }

    @Override
    public boolean accepts(List<String> arguments) {
        return arguments.stream().noneMatch(a -> a.endsWith(".c"));
    }

    /** What was asked for. */
    private record Arguments(
            String target,
            Optional<Duration> duration,
            Optional<String> command,
            Optional<String> networkInterface,
            Optional<String> cgroup,
            Optional<String> map,
            Path file) {
        static Arguments parse(List<String> words) {
            var options = new HashMap<String, String>();
            var files = new ArrayList<String>();
            for (int i = 0; i < words.size(); i++) {
                switch (words.get(i)) {
                    case "--target", "--duration", "-c", "--interface", "--cgroup", "--map" -> {
                        if (i + 1 == words.size()) {
                            throw new IllegalArgumentException(words.get(i) + " needs a value");
                        }
                        options.put(words.get(i), words.get(++i));
                    }
                    default -> files.add(words.get(i));
                }
            }
            if (files.size() != 1) {
                throw new IllegalArgumentException("run takes one object file");
            }
            return new Arguments(
                    options.getOrDefault("--target", "linux"),
                    Optional.ofNullable(options.get("--duration")).map(Arguments::duration),
                    Optional.ofNullable(options.get("-c")),
                    Optional.ofNullable(options.get("--interface")),
                    Optional.ofNullable(options.get("--cgroup")),
                    Optional.ofNullable(options.get("--map")),
                    Path.of(files.getFirst()));
        }

        private static Duration duration(String text) {
            var match = java.util.regex.Pattern.compile("([0-9]{1,9})(ms|s|m)").matcher(text);
            if (!match.matches()) {
                throw new IllegalArgumentException("'" + text + "' is no duration; write 500ms, 3s or 1m");
            }
            long number = Long.parseLong(match.group(1));
            return switch (match.group(2)) {
                case "ms" -> Duration.ofMillis(number);
                case "s" -> Duration.ofSeconds(number);
                default -> Duration.ofMinutes(number);
            };
        }
    }

    @Override
    public int run(List<String> words, InputStream in, PrintStream out, PrintStream err) {
        return Inventories.guarded(err, () -> {
            var arguments = Arguments.parse(words);
            try (var target = open(arguments.target)) {
                return run(target, arguments, out, err);
            } catch (IOException | ElfException failure) {
                throw new TargetException(arguments.file + ": " + failure.getMessage(), failure);
            } catch (LoadException rejected) {
                err.println(rejected.log());
                throw rejected;
            }
        });
    }

    private static Target open(String spec) {
        int colon = spec.indexOf(':');
        var scheme = colon < 0 ? spec : spec.substring(0, colon);
        for (var provider : ServiceLoader.load(TargetProvider.class)) {
            if (provider.scheme().equals(scheme)) {
                return provider.open(colon < 0 ? "" : spec.substring(colon + 1));
            }
        }
        throw new IllegalArgumentException("there is no target " + scheme);
    }

    private static int run(Target target, Arguments arguments, PrintStream out, PrintStream err) throws IOException {
        var elf = VmInventory.read(arguments.file);
        try (var loaded = target.load(elf.relocated(target.kernel()), LoadOptions.DEFAULT)) {
            var iterators = elf.programs().stream().filter(RunCommand::iterates).toList();
            // Iterators alone need not wait for anything.
            if (iterators.size() < elf.programs().size()) {
                attachAndWait(target, arguments, elf, loaded, err);
            }
            for (var iterator : iterators) {
                out.write(loaded.iterate(iterator.spec().name(), walkedMap(arguments, elf, iterator)));
            }
            show(elf, loaded, out);
        }
        return 0;
    }

    private static boolean iterates(ElfProgram program) {
        return program.section()
                .probe()
                .filter(probe -> probe.kind() == ProbeKind.ITER)
                .isPresent();
    }

    private static Optional<String> walkedMap(Arguments arguments, ElfObject elf, ElfProgram program) {
        if (!program.spec().attachTo().equals("bpf_map_elem")) {
            return Optional.empty();
        }
        var names = elf.maps().stream()
                .map(map -> map.spec().name())
                .filter(name -> !name.contains("."))
                .toList();
        var chosen = arguments.map.or(() -> names.size() == 1 ? Optional.of(names.getFirst()) : Optional.empty());
        if (chosen.isEmpty() || !names.contains(chosen.get())) {
            throw new IllegalArgumentException("program " + program.spec().name()
                    + " walks the elements of a map: say which with --map; there are " + String.join(", ", names));
        }
        return chosen;
    }

    private static void attachAndWait(
            Target target, Arguments arguments, ElfObject elf, LoadedObject loaded, PrintStream err) {
        var process = arguments.command.map(target::spawn);
        var links = new ArrayList<Link>();
        var readers = new HashMap<String, OutputReader>();
        var records = new HashMap<String, Integer>();
        try {
            for (var map : elf.maps()) {
                if (map.spec().type() == MapType.RINGBUF) {
                    readers.put(
                            map.spec().name(), loaded.openRingBuffer(map.spec().name()));
                }
            }
            for (var program : elf.programs()) {
                if (iterates(program)) {
                    continue;
                }
                var section = program.section();
                var probe = section.probe().or(() -> section.probe(arguments.networkInterface, arguments.cgroup));
                if (probe.isPresent()) {
                    links.add(loaded.attach(program.spec().name(), probe.get()));
                } else {
                    err.println("WARNING: program " + program.spec().name() + " is loaded but not attached: section "
                            + section.section() + (section.needsPlace() ? placeFor(section) : " names no probe"));
                }
            }
            wait(target, arguments, process, readers, records);
        } finally {
            links.forEach(Link::close);
            readers.values().forEach(OutputReader::close);
            process.ifPresent(TracedProcess::close);
        }
        records.forEach((name, count) -> err.println(name + ": " + count + " records"));
    }

    private static String placeFor(SectionName section) {
        var ofGroup = section.probe(Optional.empty(), Optional.of("")).isPresent();
        return ofGroup ? " needs --cgroup FOLDER" : " needs --interface NAME";
    }

    private static void wait(
            Target target,
            Arguments arguments,
            Optional<TracedProcess> process,
            Map<String, OutputReader> readers,
            Map<String, Integer> records) {
        var main = Thread.currentThread();
        var interrupted = new java.util.concurrent.atomic.AtomicBoolean();
        var hook = new Thread(() -> {
            interrupted.set(true);
            try {
                main.join(2000);
            } catch (InterruptedException _) {
                // The process ends anyway.
            }
        });
        Runtime.getRuntime().addShutdownHook(hook);
        target.start(arguments.duration);
        process.ifPresent(TracedProcess::start);
        long end = arguments
                .duration
                .map(d -> target.monotonicNanos() + d.toNanos())
                .orElse(Long.MAX_VALUE);
        while (!interrupted.get() && !target.ended() && target.monotonicNanos() < end) {
            if (process.isPresent() && process.get().exitStatus().isPresent()) {
                break;
            }
            poll(readers, records, POLL_MILLIS);
        }
        poll(readers, records, 0);
        if (!interrupted.get()) {
            Runtime.getRuntime().removeShutdownHook(hook);
        }
    }

    private static void poll(Map<String, OutputReader> readers, Map<String, Integer> records, int timeoutMillis) {
        if (readers.isEmpty() && timeoutMillis > 0) {
            try {
                Thread.sleep(timeoutMillis);
            } catch (InterruptedException _) {
                Thread.currentThread().interrupt();
            }
        }
        readers.forEach((name, reader) -> records.merge(name, reader.poll(timeoutMillis, _ -> true), Integer::sum));
    }

    private static void show(ElfObject elf, LoadedObject loaded, PrintStream out) {
        for (var map : elf.maps()) {
            switch (map.spec().type()) {
                case RINGBUF,
                        PERF_EVENT_ARRAY,
                        PROG_ARRAY,
                        QUEUE,
                        STACK,
                        BLOOM_FILTER,
                        USER_RINGBUF,
                        ARRAY_OF_MAPS,
                        HASH_OF_MAPS -> {}
                default -> show(elf, map, loaded, out);
            }
        }
    }

    private static void show(ElfObject elf, ElfMap map, LoadedObject loaded, PrintStream out) {
        var spec = map.spec();
        boolean data = spec.name().contains(".");
        for (var entry : loaded.map(spec.name()).entries()) {
            if (data) {
                globals(elf, map, entry.value(), out);
                continue;
            }
            var key = elf.types()
                    .map(types -> TypedText.of(types, map.spec().setup().keyTypeId(), entry.key()))
                    .orElseGet(() -> number(entry.key()));
            var value = elf.types().isPresent() && !spec.perCpu()
                    ? TypedText.of(elf.types().get(), map.spec().setup().valueTypeId(), entry.value())
                    : number(entry.value());
            out.println(spec.name() + "[" + key + "] = " + value);
        }
    }

    /** Global variables by name. */
    private static void globals(ElfObject elf, ElfMap map, byte[] bytes, PrintStream out) {
        elf.variables(map).forEach((name, slot) -> {
            int from = (int) slot.offsetBytes();
            int to = (int) Math.min(bytes.length, slot.offsetBytes() + slot.sizeBytes());
            if (from < to) {
                var value = java.util.Arrays.copyOfRange(bytes, from, to);
                out.println(name + " = " + TypedText.of(elf.types().orElseThrow(), slot.typeId(), value));
            }
        });
    }

    private static String number(byte[] bytes) {
        return bytes.length == 8
                ? Long.toString(
                        ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).getLong())
                : java.util.HexFormat.of().formatHex(bytes);
    }
}
