package skep.vm;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import skep.elf.ElfObject;
import skep.isa.Bytecode;
import skep.isa.kernel.MapType;
import skep.isa.object.BpfObject;
import skep.isa.object.MapSpec;
import skep.isa.object.ProgramSpec;
import skep.target.LoadException;
import skep.target.LoadOptions;
import skep.target.LoadedMap;
import skep.target.LoadedObject.LoadedProgram;
import skep.target.OutputReader;
import skep.target.TargetException;
import skep.vm.maps.BpfMap;
import skep.vm.maps.MapException;
import skep.vm.maps.MapRequest;
import skep.vm.maps.PerfEventArray;
import skep.vm.maps.RingBuffer;
import skep.vm.maps.UserMap;

/**
 * The programs and maps of one {@link BpfObject} in a {@link Machine}: maps made, references resolved, programs verified
 * and compiled. What a target needs besides is where events come from. Closing it gives everything back; programs that
 * run at that moment may finish.
 */
public final class VmObject implements AutoCloseable {
    private final Machine machine;
    private final Map<String, BpfMap> maps = new LinkedHashMap<>();
    private final Map<String, UserMap> userMaps = new LinkedHashMap<>();
    private final Map<String, VmProgram> programs = new LinkedHashMap<>();

    private VmObject(Machine machine) {
        this.machine = machine;
    }

    /**
     * Loads all or nothing: maps made and filled, programs verified and compiled.
     *
     * @throws LoadException when a program is rejected
     * @throws TargetException when a map cannot be made
     */
    public static VmObject load(Machine machine, BpfObject object, LoadOptions options) {
        var loaded = new VmObject(machine);
        try {
            loaded.extend(object, options);
            return loaded;
        } catch (RuntimeException failure) {
            loaded.close();
            throw failure;
        }
    }

    /**
     * Loads further programs, all or nothing; maps that are there under the same name are shared.
     *
     * @throws LoadException when a program is rejected
     * @throws TargetException when a map cannot be made or differs from the one of its name
     */
    public void extend(BpfObject more, LoadOptions options) {
        var newMaps = new ArrayList<String>();
        var newPrograms = new ArrayList<String>();
        var fresh = new ArrayList<MapSpec>();
        try {
            for (var spec : more.maps()) {
                var present = maps.get(spec.name());
                if (present == null) {
                    var shared = reused(spec, options);
                    maps.put(spec.name(), shared.orElseGet(() -> machine.createMap(request(more, spec))));
                    newMaps.add(spec.name());
                    if (shared.isEmpty()) {
                        fresh.add(spec);
                    }
                } else if (!present.spec().equals(spec)) {
                    throw new TargetException("map " + spec.name() + " is loaded already, and differs");
                }
            }
            fresh.forEach(this::fill);
            for (var spec : more.programs()) {
                if (programs.containsKey(spec.name())) {
                    throw new TargetException("program " + spec.name() + " is loaded already");
                }
                programs.put(spec.name(), machine.loadProgram(spec, resolve(spec), more.types(), options));
                newPrograms.add(spec.name());
            }
            fresh.forEach(this::fillPrograms);
        } catch (RuntimeException failure) {
            newPrograms.forEach(
                    name -> machine.releaseProgram(programs.remove(name).id()));
            newMaps.forEach(name -> machine.releaseMap(maps.remove(name).id()));
            if (failure instanceof MapException refused) {
                throw new TargetException(String.valueOf(refused.getMessage()), refused);
            }
            throw failure;
        }
    }

    /** A map that another object has made: this one holds a reference of its own. */
    private Optional<BpfMap> reused(MapSpec spec, LoadOptions options) {
        return options.reuse().get(spec.name()) instanceof UserMap shared
                ? machine.retainMap(shared.map().id())
                : Optional.empty();
    }

    /**
     * Loads an object file, adapted to the machine's kernel.
     *
     * @throws LoadException when a program is rejected
     * @throws TargetException when a map cannot be made
     * @throws skep.elf.ElfException when the programs need what the kernel lacks
     */
    public static VmObject load(Machine machine, ElfObject object, LoadOptions options) {
        var relocated = machine.kernel().map(object::relocated).orElseGet(() -> object.relocated(Optional.empty()));
        return load(machine, relocated, options);
    }

    private static MapRequest request(BpfObject object, MapSpec declared) {
        var setup = declared.setup();
        // As libbpf does: one slot for each CPU.
        var spec = declared.type() == MapType.PERF_EVENT_ARRAY && declared.maxEntries() == 0
                ? new MapSpec(declared.name(), declared.type(), 4, 4, 4096, declared.flags(), setup)
                : declared;
        var fields = object.types().map(types -> SpecialFields.of(types, setup.valueTypeId()));
        return new MapRequest(spec, fields.orElse(List.of()), setup.inner(), setup.extra());
    }

    private void fill(MapSpec spec) {
        var setup = spec.setup();
        setup.contents()
                .ifPresent(contents -> map(spec.name()).update(new byte[spec.keySizeBytes()], contents.bytes(), 0));
        if (setup.frozen()) {
            rawMap(spec.name()).freeze();
        }
        if (setup.inner().isPresent()) {
            setup.members()
                    .forEach((index, inner) -> map(spec.name())
                            .update(int4(index), int4(rawMap(inner).id()), 0));
        }
    }

    /** Program arrays that the object fills with its own programs. */
    private void fillPrograms(MapSpec spec) {
        if (spec.type() == MapType.PROG_ARRAY) {
            spec.setup()
                    .members()
                    .forEach((index, program) -> map(spec.name())
                            .update(int4(index), int4(program(program).id()), 0));
        }
    }

    private static byte[] int4(int number) {
        return ByteBuffer.allocate(4)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putInt(number)
                .array();
    }

    /** The code with a map's number in the low word of each reference to it. */
    private Bytecode resolve(ProgramSpec spec) {
        var slots = spec.code().slots();
        for (var reference : spec.mapReferences()) {
            var map = maps.get(reference.map());
            if (map == null) {
                throw new LoadException(
                        "program " + spec.name() + " refers to map " + reference.map() + ", which the object lacks",
                        spec,
                        reference.insn(),
                        "");
            }
            slots[reference.insn()] = slots[reference.insn()] & 0xffff_ffffL | (long) map.id() << 32;
        }
        return Bytecode.of(slots);
    }

    /** A map for user space. */
    public synchronized LoadedMap map(String name) {
        return userMaps.computeIfAbsent(name, _ -> new UserMap(rawMap(name)));
    }

    /** A map for the machine's own use. */
    public BpfMap rawMap(String name) {
        var map = maps.get(name);
        if (map == null) {
            throw new IllegalArgumentException("no map " + name + "; there are " + maps.keySet());
        }
        return map;
    }

    public VmProgram program(String name) {
        var program = programs.get(name);
        if (program == null) {
            throw new IllegalArgumentException("no program " + name + "; there are " + programs.keySet());
        }
        return program;
    }

    /** All programs, in the object's order. */
    public List<VmProgram> programs() {
        return List.copyOf(programs.values());
    }

    /** What user space is told of the programs. */
    public List<LoadedProgram> summaries() {
        return programs.values().stream().map(VmProgram::summary).toList();
    }

    /**
     * The one reader of a ring buffer or perf event array.
     *
     * @throws IllegalArgumentException if the map is neither
     */
    public OutputReader openRingBuffer(String name) {
        return openRingBuffer(name, PerfEventArray.DEFAULT_BUFFER_BYTES);
    }

    /**
     * The same with the size of a perf buffer.
     *
     * @param bytesPerCpu rounded up to a power of two of pages
     */
    public OutputReader openRingBuffer(String name, long bytesPerCpu) {
        return switch (rawMap(name)) {
            case RingBuffer ring -> ring.openReader();
            case PerfEventArray array -> array.openReader((int) Math.min(bytesPerCpu, 1 << 30));
            default -> throw new IllegalArgumentException("map " + name + " is no ring buffer");
        };
    }

    /** Records that programs could not write because a buffer was full. */
    public long droppedRecords(String name) {
        return switch (rawMap(name)) {
            case RingBuffer ring -> ring.droppedRecords();
            case PerfEventArray array -> array.droppedRecords();
            default -> 0;
        };
    }

    @Override
    public synchronized void close() {
        userMaps.values().forEach(UserMap::close);
        userMaps.clear();
        var loaded = new ArrayList<>(programs.values());
        programs.clear();
        loaded.forEach(program -> machine.releaseProgram(program.id()));
        var made = new ArrayList<>(maps.values());
        maps.clear();
        made.forEach(map -> machine.releaseMap(map.id()));
    }
}
