package skep.vm.inspect;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.ServiceLoader;
import skep.btf.Btf;
import skep.elf.ElfObject;
import skep.isa.Bytecode;
import skep.isa.kernel.ProgramType;
import skep.isa.object.BpfObject;
import skep.target.Inventory;
import skep.target.InventoryProvider;
import skep.target.LoadOptions;
import skep.target.LoadedMap;
import skep.target.Target;
import skep.target.TargetException;
import skep.target.TargetProvider;
import skep.vm.Backend;
import skep.vm.Machine;
import skep.vm.VmObject;
import skep.vm.VmProgram;
import skep.vm.maps.BpfMap;
import skep.vm.maps.UserMap;

/** What a {@link Machine} holds. */
public final class VmInventory implements Inventory {
    private final Machine machine;
    private final Optional<AutoCloseable> owned;
    /** Of the object file whose programs and maps these are. */
    private final Optional<Btf> types;

    private VmInventory(Machine machine, Optional<AutoCloseable> owned, Optional<Btf> types) {
        this.machine = machine;
        this.types = types;
        this.owned = owned;
    }

    /** The inventory of a machine that somebody else owns. */
    public static Inventory of(Machine machine) {
        return new VmInventory(machine, Optional.empty(), Optional.empty());
    }

    /** Loads an object file into a machine of its own; {@code --object} of the commands. */
    public static final class Provider implements InventoryProvider {
        /** So that there is something to dump. */
        private static final LoadOptions JITED = new LoadOptions(0, "jvm");

        /** Where a kernel publishes its types, which object files are adapted to. */
        private static final Path KERNEL_TYPES = Path.of("/sys/kernel/btf/vmlinux");

        @Override
        public String scheme() {
            return "vm";
        }

        @Override
        public Inventory open(String operand) {
            return open(operand, JITED.backend());
        }

        @Override
        public Inventory open(String operand, String backend) {
            var options = backend.isEmpty() ? JITED : new LoadOptions(0, backend);
            Backend.named(options.backend()).prepare();
            var held = new ArrayList<AutoCloseable>();
            try {
                var file = read(Path.of(operand));
                var kernel = needsKernel(file) ? Optional.of(embeddedKernel()) : Optional.<Target>empty();
                kernel.ifPresent(held::add);
                var machine = new Machine(kernel.map(target -> Machine.Config.ofKernel(target.kernel()))
                        .orElseGet(
                                () -> Machine.Config.ofCpus(Runtime.getRuntime().availableProcessors())));
                held.addFirst(machine);
                var object = kernel.isPresent() ? file.relocated(kernel.get().kernel()) : relocatable(file);
                VmObject.load(machine, object, options);
                return new VmInventory(machine, Optional.of(() -> close(held)), file.types());
            } catch (IOException | RuntimeException failure) {
                close(held);
                throw failure instanceof TargetException known
                        ? known
                        : new TargetException(operand + ": " + failure.getMessage(), failure);
            }
        }

        private static void close(List<AutoCloseable> held) {
            for (var one : held) {
                try {
                    one.close();
                } catch (Exception broken) {
                    throw new IllegalStateException(broken);
                }
            }
        }

        /** Whether programs are written for types or functions of a kernel: a machine alone has neither. */
        private static boolean needsKernel(ElfObject object) {
            return object.programs().stream()
                    .anyMatch(program -> program.spec().type() == ProgramType.TRACING
                            || program.spec().type() == ProgramType.LSM
                            || !program.uses().isEmpty());
        }

        /** The embedded kernel of this machine's architecture, for what it says of itself. */
        private static Target embeddedKernel() {
            var arch = System.getProperty("os.arch").equals("aarch64") ? "arm64" : "x86-64";
            for (var provider : ServiceLoader.load(TargetProvider.class)) {
                if (provider.scheme().equals("embedded")) {
                    return provider.open("arch=" + arch);
                }
            }
            throw new TargetException("typed programs need the embedded kernel, which is not there");
        }

        private static BpfObject relocatable(ElfObject object) throws IOException {
            boolean needsTypes = object.programs().stream()
                    .anyMatch(program -> !program.relocations().isEmpty());
            return object.relocated(
                    needsTypes && Files.isReadable(KERNEL_TYPES)
                            ? Optional.of(Btf.parse(Files.readAllBytes(KERNEL_TYPES)))
                            : Optional.empty());
        }
    }

    /** Reads an object file; its global data is called after it, up to the first dot. */
    static ElfObject read(Path file) throws IOException {
        if (!Files.isRegularFile(file)) {
            throw new TargetException("there is no file " + file);
        }
        var name = String.valueOf(file.getFileName());
        int dot = name.indexOf('.');
        return ElfObject.parse(Files.readAllBytes(file), dot > 0 ? name.substring(0, dot) : name);
    }

    @Override
    public List<ProgramRow> programs() {
        var rows = new ArrayList<ProgramRow>();
        for (var id = machine.programs().nextId(0);
                id.isPresent();
                id = machine.programs().nextId(id.getAsInt())) {
            machine.programs().get(id.getAsInt()).map(this::row).ifPresent(rows::add);
        }
        return rows;
    }

    private ProgramRow row(VmProgram program) {
        var summary = program.summary();
        return new ProgramRow(
                program.id(),
                program.spec().type(),
                program.name(),
                program.tag(),
                program.gplCompatible(),
                program.loadedAt(),
                0,
                summary.xlatedInsns() * Bytecode.SLOT_BYTES,
                summary.jitedBytes(),
                0,
                program.mapIds(),
                OptionalInt.empty(),
                summary.runCount(),
                summary.runNanos());
    }

    @Override
    public List<MapRow> maps() {
        var rows = new ArrayList<MapRow>();
        for (var id = machine.maps().nextId(0);
                id.isPresent();
                id = machine.maps().nextId(id.getAsInt())) {
            machine.maps().get(id.getAsInt()).map(VmInventory::row).ifPresent(rows::add);
        }
        return rows;
    }

    private static MapRow row(BpfMap map) {
        var spec = map.spec();
        return new MapRow(
                map.id(),
                spec.type(),
                spec.name(),
                spec.flags(),
                spec.keySizeBytes(),
                spec.valueSizeBytes(),
                spec.maxEntries(),
                map.memoryBytes(),
                OptionalInt.empty(),
                map.frozen());
    }

    @Override
    public Optional<EntryTypes> entryTypes(int mapId) {
        return machine.maps()
                .get(mapId)
                .map(map -> map.spec().setup())
                .flatMap(setup -> types.map(known -> new EntryTypes(known, setup.keyTypeId(), setup.valueTypeId())));
    }

    private VmProgram program(int id) {
        return machine.programs().get(id).orElseThrow(() -> new TargetException("no program has id " + id));
    }

    @Override
    public Bytecode xlated(int programId) {
        return program(programId).verified().code();
    }

    @Override
    public List<String> jited(int programId) {
        return program(programId).executable().dump().lines().toList();
    }

    @Override
    public List<LoadedMap.Entry> entries(int mapId) {
        var map = machine.retainMap(mapId).orElseThrow(() -> new TargetException("no map has id " + mapId));
        try (var user = new UserMap(map)) {
            return user.entries();
        } finally {
            machine.releaseMap(mapId);
        }
    }

    @Override
    public void close() {
        if (owned.isPresent()) {
            machine.close();
        }
    }
}
