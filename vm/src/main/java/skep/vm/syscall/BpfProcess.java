package skep.vm.syscall;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.Consumer;
import java.util.function.IntFunction;
import org.jspecify.annotations.Nullable;
import skep.btf.Btf;
import skep.btf.BtfException;
import skep.isa.Bytecode;
import skep.isa.kernel.AttachType;
import skep.isa.kernel.Errno;
import skep.isa.kernel.MapFlags;
import skep.isa.kernel.MapType;
import skep.isa.object.MapSpec;
import skep.isa.object.ProgramSpec;
import skep.target.LoadException;
import skep.target.LoadOptions;
import skep.target.LoadedMap;
import skep.vm.Iteration;
import skep.vm.KernelServices;
import skep.vm.Machine;
import skep.vm.Memory;
import skep.vm.VmCpu;
import skep.vm.VmProgram;
import skep.vm.maps.BpfMap;
import skep.vm.maps.MapException;
import skep.vm.maps.MapRequest;
import skep.vm.syscall.BpfLink.AttachPoint;
import skep.vm.syscall.KernelObject.OfBtf;
import skep.vm.syscall.KernelObject.OfIteration;
import skep.vm.syscall.KernelObject.OfLink;
import skep.vm.syscall.KernelObject.OfMap;
import skep.vm.syscall.KernelObject.OfProgram;
import skep.vm.verifier.SpecialField;

/**
 * A process that calls {@code bpf()}: descriptors and the commands on them. Closing it closes its descriptors. Safe from
 * any thread.
 *
 * <pre>{@code
 * try (var process = new BpfProcess(system)) {
 *     int map = process.mapCreate(MapRequest.of(spec), OptionalInt.empty());
 *     process.mapUpdate(map, key, value, MapFlags.NOEXIST);
 *     int program = process.progLoad(programSpec, LoadOptions.DEFAULT);
 *     var result = process.progTestRun(program, TestRun.Request.ofPacket(packet));
 * }
 * }</pre>
 */
public final class BpfProcess implements AutoCloseable {
    private static final int FIRST_FD = 3;
    /** {@code RLIMIT_NOFILE}. */
    private static final int MAX_FDS = 1024;

    static final int OP_LOAD_IMM64 = 0x18;
    private static final int PSEUDO_MAP_FD = 1;
    private static final int PSEUDO_MAP_VALUE = 2;
    static final int PSEUDO_MAP_IDX = 5;
    static final int PSEUDO_MAP_IDX_VALUE = 6;

    private static final long ALLOW_OVERRIDE = 1;
    private static final long ALLOW_MULTI = 2;

    private final BpfSystem system;
    private final Machine machine;
    private final VmCpu cpu;
    private boolean closed;
    private final @Nullable KernelObject[] descriptors = new KernelObject[MAX_FDS];

    public BpfProcess(BpfSystem system) {
        this(system, KernelServices.detached());
    }

    /** A process whose test runs see this kernel. */
    public BpfProcess(BpfSystem system, KernelServices services) {
        this.system = system;
        this.machine = system.machine();
        this.cpu = new VmCpu(machine, services);
    }

    // ---- descriptors

    private synchronized int open(BpfCommand command, KernelObject object) {
        for (int fd = FIRST_FD; fd < MAX_FDS; fd++) {
            if (descriptors[fd] == null) {
                descriptors[fd] = object;
                return fd;
            }
        }
        system.release(object);
        throw new BpfException(command, Errno.EMFILE, MAX_FDS + " descriptors are open");
    }

    synchronized KernelObject object(BpfCommand command, int fd) {
        var object = fd >= 0 && fd < MAX_FDS ? descriptors[fd] : null;
        if (object == null) {
            throw new BpfException(command, Errno.EBADF, "descriptor " + fd);
        }
        return object;
    }

    private OfMap map(BpfCommand command, int fd) {
        return object(command, fd) instanceof OfMap map ? map : wrongKind(command, fd, "map");
    }

    private VmProgram program(BpfCommand command, int fd) {
        return object(command, fd) instanceof OfProgram program ? program.program() : wrongKind(command, fd, "program");
    }

    private BpfLink link(BpfCommand command, int fd) {
        return object(command, fd) instanceof OfLink link ? link.link() : wrongKind(command, fd, "link");
    }

    private static <T> T wrongKind(BpfCommand command, int fd, String what) {
        throw new BpfException(command, Errno.EINVAL, "descriptor " + fd + " is no " + what);
    }

    /** Closes a descriptor. */
    public void close(int fd) {
        KernelObject object;
        synchronized (this) {
            object = object(BpfCommand.OBJ_GET, fd);
            descriptors[fd] = null;
        }
        system.release(object);
    }

    // ---- what calls with attributes ask

    BpfSystem system() {
        return system;
    }

    MapSpec spec(BpfCommand command, int fd) {
        return map(command, fd).map().spec();
    }

    int userValueBytes(BpfCommand command, int fd) {
        return map(command, fd).map().userValueBytes();
    }

    Btf types(BpfCommand command, int fd) {
        return object(command, fd) instanceof OfBtf types ? types.btf().btf() : wrongKind(command, fd, "BTF");
    }

    /** The code of a program, with numbers of maps in the place of descriptors. */
    Bytecode codeOf(BpfCommand command, int fd) {
        return program(command, fd).verified().code();
    }

    long bootNanos() {
        return cpu.services().bootNanos();
    }

    // ---- maps

    /** Makes a map; {@code innerFd} is a map like those that a map of maps will hold. */
    public int mapCreate(MapRequest request, OptionalInt innerFd) {
        var command = BpfCommand.MAP_CREATE;
        var full = innerFd.isPresent()
                ? request.withInner(map(command, innerFd.getAsInt()).map().spec())
                : request;
        int access = request.spec().flags() & (MapFlags.RDONLY | MapFlags.WRONLY);
        try {
            return open(command, ofMap(machine.createMap(full), access));
        } catch (MapException refused) {
            throw new BpfException(command, refused.errno(), request.spec().name());
        }
    }

    private static OfMap ofMap(BpfMap map, int access) {
        return new OfMap(map, (access & MapFlags.WRONLY) == 0, (access & MapFlags.RDONLY) == 0);
    }

    /** Off-heap copies of a key and a value for one operation. */
    private final class Passed implements AutoCloseable {
        final BpfMap map;
        final int keyBytes;
        final int valueBytes;
        final Memory.Block room;
        final long key;
        final long value;

        Passed(BpfMap map) {
            this.map = map;
            this.keyBytes = map.spec().keySizeBytes();
            this.valueBytes = map.userValueBytes();
            this.room = Memory.allocate((keyBytes + 8L & ~7L) + valueBytes + 8L, 8);
            this.key = room.address();
            this.value = key + (keyBytes + 8 & ~7);
        }

        long keyAddress() {
            return keyBytes == 0 ? 0 : key;
        }

        void passKey(BpfCommand command, byte[] bytes) {
            if (bytes.length != keyBytes) {
                throw new BpfException(command, Errno.EINVAL, "a key of " + bytes.length + " bytes, not " + keyBytes);
            }
            Memory.copy(bytes, 0, key, keyBytes);
        }

        void passValue(BpfCommand command, byte[] bytes) {
            if (bytes.length != valueBytes) {
                throw new BpfException(
                        command, Errno.EINVAL, "a value of " + bytes.length + " bytes, not " + valueBytes);
            }
            Memory.copy(bytes, 0, value, valueBytes);
        }

        byte[] value() {
            return Memory.bytes(value, valueBytes);
        }

        byte[] key() {
            return Memory.bytes(key, keyBytes);
        }

        @Override
        public void close() {
            room.close();
        }
    }

    private static void check(BpfCommand command, BpfMap map, int result) {
        if (result < 0) {
            var errno = Errno.ofNumber(-result).orElse(Errno.EINVAL);
            throw new BpfException(command, errno, "map " + map.spec().name());
        }
    }

    private BpfMap readable(BpfCommand command, int fd) {
        var map = map(command, fd);
        if (!map.readable()) {
            throw new BpfException(command, Errno.EPERM, "descriptor " + fd + " is for writing only");
        }
        return map.map();
    }

    private BpfMap writable(BpfCommand command, int fd) {
        var map = map(command, fd);
        if (!map.writable() || system.isFrozen(map.map())) {
            throw new BpfException(
                    command, Errno.EPERM, map.writable() ? "the map is frozen" : "descriptor " + fd + " is read-only");
        }
        return map.map();
    }

    /** The value of a key (all CPUs' in a per-CPU map); for bloom filters {@code key} is the value asked for. */
    public byte[] mapLookup(int fd, byte[] key, long flags) {
        var command = BpfCommand.MAP_LOOKUP_ELEM;
        require(command, (flags & ~MapFlags.LOCK) == 0, "flags");
        var map = readable(command, fd);
        checkLock(command, map, flags);
        try (var passed = new Passed(map)) {
            if (map.spec().type() == MapType.BLOOM_FILTER) {
                passed.passValue(command, key);
            } else {
                passed.passKey(command, key);
            }
            check(command, map, map.readUser(passed.keyAddress(), passed.value, flags));
            return passed.value();
        }
    }

    /** Stores a value; values that name maps or programs are descriptors here, as the kernel has it. */
    public void mapUpdate(int fd, byte[] key, byte[] value, long flags) {
        var command = BpfCommand.MAP_UPDATE_ELEM;
        var map = writable(command, fd);
        checkLock(command, map, flags);
        try (var passed = new Passed(map)) {
            passed.passKey(command, key);
            passed.passValue(command, value);
            switch (map.spec().type()) {
                case PROG_ARRAY ->
                    Memory.putInt(
                            passed.value,
                            program(command, Memory.getInt(passed.value)).id());
                case ARRAY_OF_MAPS, HASH_OF_MAPS ->
                    Memory.putInt(
                            passed.value,
                            map(command, Memory.getInt(passed.value)).map().id());
                default -> {}
            }
            check(command, map, map.updateUser(passed.keyAddress(), passed.value, flags));
        }
    }

    public void mapDelete(int fd, byte[] key) {
        var command = BpfCommand.MAP_DELETE_ELEM;
        var map = writable(command, fd);
        try (var passed = new Passed(map)) {
            passed.passKey(command, key);
            check(command, map, map.deleteUser(passed.keyAddress()));
        }
    }

    /** Reads and deletes; takes the next value out of a queue or stack. */
    public byte[] mapLookupAndDelete(int fd, byte[] key) {
        return mapLookupAndDelete(fd, key, 0);
    }

    /** The same, holding the value's lock if the flags say so. */
    public byte[] mapLookupAndDelete(int fd, byte[] key, long flags) {
        var command = BpfCommand.MAP_LOOKUP_AND_DELETE_ELEM;
        require(command, (flags & ~MapFlags.LOCK) == 0, "flags");
        readable(command, fd);
        var map = writable(command, fd);
        checkLock(command, map, flags);
        switch (map.spec().type()) {
            case QUEUE, STACK, HASH, PERCPU_HASH, LRU_HASH, LRU_PERCPU_HASH, STACK_TRACE -> {}
            default ->
                throw new BpfException(
                        command,
                        Errno.ENOTSUPP,
                        "maps of type " + map.spec().type().kernelName());
        }
        try (var passed = new Passed(map)) {
            passed.passKey(command, key);
            check(command, map, map.takeUser(passed.keyAddress(), passed.value));
            return passed.value();
        }
    }

    /** The key after another one, or the first. ENOENT at the end. */
    public byte[] mapGetNextKey(int fd, Optional<byte[]> key) {
        var command = BpfCommand.MAP_GET_NEXT_KEY;
        var map = readable(command, fd);
        try (var passed = new Passed(map);
                var next = Memory.allocate(Math.max(8, map.spec().keySizeBytes()), 8)) {
            key.ifPresent(bytes -> passed.passKey(command, bytes));
            check(command, map, map.nextKey(key.isPresent() ? passed.key : 0, next.address()));
            return Memory.bytes(next.address(), passed.keyBytes);
        }
    }

    private static void require(BpfCommand command, boolean condition, String rule) {
        if (!condition) {
            throw new BpfException(command, Errno.EINVAL, rule);
        }
    }

    /** A lock can be held only where values have one. */
    private static void checkLock(BpfCommand command, BpfMap map, long flags) {
        boolean lockable = map.fields().stream().anyMatch(field -> field.kind() == SpecialField.Kind.SPIN_LOCK);
        require(command, (flags & MapFlags.LOCK) == 0 || lockable, "values have no lock");
    }

    // ---- batches

    /** Which maps do a batch; others answer ENOTSUPP. */
    private static boolean hasBatch(BpfCommand command, MapType type) {
        return switch (type) {
            case HASH, PERCPU_HASH, LRU_HASH, LRU_PERCPU_HASH, HASH_OF_MAPS -> true;
            case LPM_TRIE -> command != BpfCommand.MAP_LOOKUP_AND_DELETE_BATCH;
            case ARRAY, PERCPU_ARRAY, ARRAY_OF_MAPS ->
                command == BpfCommand.MAP_LOOKUP_BATCH || command == BpfCommand.MAP_UPDATE_BATCH;
            default -> false;
        };
    }

    /** The map of a batch, once what the kernel asks before it looks at the entries is answered. */
    BpfMap batchMap(BpfCommand command, int fd, long flags) {
        boolean reads = command == BpfCommand.MAP_LOOKUP_BATCH || command == BpfCommand.MAP_LOOKUP_AND_DELETE_BATCH;
        var map = reads ? readable(command, fd) : writable(command, fd);
        if (command != BpfCommand.MAP_LOOKUP_BATCH) {
            writable(command, fd);
        }
        if (!hasBatch(command, map.spec().type())) {
            throw new BpfException(
                    command, Errno.ENOTSUPP, "maps of type " + map.spec().type().kernelName());
        }
        require(command, (flags & ~MapFlags.LOCK) == 0, "flags");
        checkLock(command, map, flags);
        return map;
    }

    /**
     * Entries of a batch.
     *
     * @param next where the next batch begins; empty at the end, where the kernel says ENOENT
     */
    public record Batch(List<LoadedMap.Entry> entries, Optional<byte[]> next) {}

    /** Up to {@code count} entries from a place on, deleted if {@code delete}. */
    public Batch mapLookupBatch(int fd, Optional<byte[]> from, int count, boolean delete) {
        var command = delete ? BpfCommand.MAP_LOOKUP_AND_DELETE_BATCH : BpfCommand.MAP_LOOKUP_BATCH;
        var map = batchMap(command, fd, 0);
        var entries = new ArrayList<LoadedMap.Entry>();
        try (var passed = new Passed(map)) {
            from.ifPresent(bytes -> passed.passKey(command, bytes));
            int result = from.isPresent() ? 0 : map.nextKey(0, passed.key);
            while (result == 0 && entries.size() < count) {
                var key = passed.key();
                boolean found = map.readUser(passed.key, passed.value, 0) == 0;
                result = map.nextKey(passed.key, passed.key);
                if (found) {
                    entries.add(new LoadedMap.Entry(key, passed.value()));
                }
            }
            if (result != Errno.ENOENT.negated()) {
                check(command, map, result);
            }
            var next = result == 0 ? Optional.of(passed.key()) : Optional.<byte[]>empty();
            if (delete) {
                for (var entry : entries) {
                    Memory.copy(entry.key(), 0, passed.key, passed.keyBytes);
                    check(command, map, map.deleteUser(passed.key));
                }
            }
            return new Batch(entries, next);
        }
    }

    /** Stores entries in order up to the first failure; returns how many were stored. */
    public int mapUpdateBatch(int fd, List<LoadedMap.Entry> entries, long flags) {
        batchMap(BpfCommand.MAP_UPDATE_BATCH, fd, flags);
        return batch(entries, entry -> mapUpdate(fd, entry.key(), entry.value(), flags));
    }

    /** Deletes keys in order up to the first that is missing; returns how many were deleted. */
    public int mapDeleteBatch(int fd, List<byte[]> keys) {
        batchMap(BpfCommand.MAP_DELETE_BATCH, fd, 0);
        return batch(keys, key -> mapDelete(fd, key));
    }

    private static <T> int batch(List<T> items, java.util.function.Consumer<T> action) {
        int done = 0;
        for (var item : items) {
            try {
                action.accept(item);
            } catch (BpfException failure) {
                if (done == 0) {
                    throw failure;
                }
                return done;
            }
            done++;
        }
        return done;
    }

    /** User space can write no more. EPERM if it could not before, ENOTSUPP if only helpers touch a part of the values. */
    public void mapFreeze(int fd) {
        var command = BpfCommand.MAP_FREEZE;
        var map = map(command, fd).map();
        if (!map.fields().isEmpty()) {
            throw new BpfException(
                    command, Errno.ENOTSUPP, "map " + map.spec().name() + " has locks, timers or the like");
        }
        writable(command, fd);
        if (!system.freeze(map)) {
            throw new BpfException(command, Errno.EBUSY, "map " + map.spec().name() + " is frozen");
        }
    }

    // ---- programs

    /** Loads a program whose map references are descriptors of this process. */
    public int progLoad(ProgramSpec spec, LoadOptions options) {
        return progLoad(spec, new int[0], options);
    }

    /** The same with an array of descriptors that instructions refer to by index. */
    public int progLoad(ProgramSpec spec, int[] fdArray, LoadOptions options) {
        return progLoad(spec, fdArray, Optional.empty(), options, _ -> {});
    }

    /** The same with types, and the verifier's log of a program that it accepts. */
    int progLoad(ProgramSpec spec, int[] fdArray, Optional<Btf> types, LoadOptions options, Consumer<String> log) {
        var command = BpfCommand.PROG_LOAD;
        try {
            var code = resolve(spec.code(), fdArray);
            return open(command, new OfProgram(machine.loadProgram(spec, code, types, options, log)));
        } catch (LoadException rejected) {
            throw new BpfException(
                    command,
                    Errno.ofNumber(rejected.errno().orElse(0)).orElse(Errno.EINVAL),
                    String.valueOf(rejected.getMessage()),
                    rejected.log());
        }
    }

    /** The code with numbers of maps in the place of descriptors. */
    private Bytecode resolve(Bytecode code, int[] fdArray) {
        var command = BpfCommand.PROG_LOAD;
        var slots = code.slots();
        for (int i = 0; i + 1 < slots.length; i++) {
            if (code.opcode(i) != OP_LOAD_IMM64) {
                continue;
            }
            int source = code.src(i);
            boolean byIndex = source == PSEUDO_MAP_IDX || source == PSEUDO_MAP_IDX_VALUE;
            if (byIndex && (code.imm(i) < 0 || code.imm(i) >= fdArray.length)) {
                throw new BpfException(command, Errno.EINVAL, "insn " + i + ": no descriptor at " + code.imm(i));
            }
            if (byIndex || source == PSEUDO_MAP_FD || source == PSEUDO_MAP_VALUE) {
                int fd = byIndex ? fdArray[code.imm(i)] : code.imm(i);
                boolean value = source == PSEUDO_MAP_VALUE || source == PSEUDO_MAP_IDX_VALUE;
                long id = map(command, fd).map().id();
                slots[i] = slots[i] & 0xffff_0fffL | (value ? PSEUDO_MAP_VALUE : PSEUDO_MAP_FD) << 12 | id << 32;
            }
            i++;
        }
        return Bytecode.of(slots);
    }

    /** Runs a program on a packet or context. */
    public TestRun.Result progTestRun(int fd, TestRun.Request request) {
        var program = program(BpfCommand.PROG_TEST_RUN, fd);
        synchronized (cpu) {
            return TestRun.run(program, cpu, request);
        }
    }

    /** Attaches to a cgroup or the like; flags: 1 may be overridden, 2 several programs. */
    public void progAttach(int fd, AttachPoint point, long flags) {
        var command = BpfCommand.PROG_ATTACH;
        var program = program(command, fd);
        if ((flags & ~(ALLOW_OVERRIDE | ALLOW_MULTI)) != 0) {
            throw new BpfException(command, Errno.EINVAL, "flags 0x" + Long.toHexString(flags));
        }
        var there = system.programsAt(point);
        synchronized (there) {
            if (there.contains(program)) {
                throw new BpfException(command, Errno.EINVAL, "the program is attached there");
            }
            machine.programs().retain(program.id());
            if ((flags & ALLOW_MULTI) == 0) {
                there.forEach(old -> machine.releaseProgram(old.id()));
                there.clear();
            }
            there.add(program);
        }
    }

    public void progDetach(int fd, AttachPoint point) {
        var command = BpfCommand.PROG_DETACH;
        var program = program(command, fd);
        if (!system.programsAt(point).remove(program)) {
            throw new BpfException(command, Errno.ENOENT, "the program is not attached there");
        }
        machine.releaseProgram(program.id());
    }

    /** Numbers of the programs at a point. */
    public List<Integer> progQuery(AttachPoint point) {
        return system.programIdsAt(point);
    }

    // ---- links

    /** Attaches to a raw tracepoint. */
    public int rawTracepointOpen(String name, int programFd) {
        return rawTracepointOpen(name, programFd, 0);
    }

    /** The same with a number for the program. */
    public int rawTracepointOpen(String name, int programFd, long cookie) {
        var command = BpfCommand.RAW_TRACEPOINT_OPEN;
        var program = program(command, programFd);
        switch (program.spec().type()) {
            case RAW_TRACEPOINT, RAW_TRACEPOINT_WRITABLE -> {
                if (name.isEmpty()) {
                    throw new BpfException(command, Errno.EINVAL, "a raw tracepoint has a name");
                }
            }
            case TRACING, LSM -> {
                if (!name.isEmpty()) {
                    throw new BpfException(command, Errno.EINVAL, "typed programs know where they belong");
                }
            }
            default -> throw new BpfException(command, Errno.EINVAL, "a program of another type");
        }
        var target = name.isEmpty() ? program.spec().attachTo() : name;
        return createLink(command, program, new AttachPoint(program.spec().attachType(), target), cookie);
    }

    /** Attaches a typed program where it was loaded for. */
    int typedLink(int programFd, AttachType type, long cookie) {
        return linkCreate(
                programFd, program(BpfCommand.LINK_CREATE, programFd).spec().attachTo(), type, cookie);
    }

    /**
     * A link of an iterator, which {@link #iterCreate} walks.
     *
     * @param mapFd the map whose elements are walked
     */
    public int iterLink(int programFd, OptionalInt mapFd) {
        var command = BpfCommand.LINK_CREATE;
        var program = program(command, programFd);
        boolean elements = program.spec().attachTo().equals(Iteration.MAP_ELEMENTS);
        if (elements && mapFd.isEmpty()) {
            throw new BpfException(command, Errno.EBADF, "an iterator over elements needs a map");
        }
        var map = mapFd.isPresent() ? Optional.of(map(command, mapFd.getAsInt()).map()) : Optional.<BpfMap>empty();
        Iteration.refusal(program, map).ifPresent(reason -> {
            boolean tooShort = map.isPresent() && reason.endsWith("shorter");
            throw new BpfException(command, tooShort ? Errno.EACCES : Errno.EINVAL, reason);
        });
        machine.programs().retain(program.id());
        var point = new AttachPoint(program.spec().attachType(), program.spec().attachTo());
        var link = system.link(point, program, 0);
        map.ifPresent(walked -> {
            machine.retainMap(walked.id());
            link.walks(walked);
        });
        return open(command, new OfLink(link));
    }

    /** Attaches by a link. */
    public int linkCreate(int programFd, String target, AttachType type, long cookie) {
        var command = BpfCommand.LINK_CREATE;
        var program = program(command, programFd);
        var expected = program.spec().attachType();
        if (expected.isPresent() && expected.get() != type) {
            throw new BpfException(
                    command,
                    Errno.EINVAL,
                    "the program expects " + expected.get().kernelName());
        }
        return createLink(command, program, new AttachPoint(Optional.of(type), target), cookie);
    }

    private int createLink(BpfCommand command, VmProgram program, AttachPoint point, long cookie) {
        machine.programs().retain(program.id());
        return open(command, new OfLink(system.link(point, program, cookie)));
    }

    /** Exchanges a link's program for another of its type; {@code oldFd} must be the present one, if given. */
    public void linkUpdate(int fd, int programFd, OptionalInt oldFd) {
        var command = BpfCommand.LINK_UPDATE;
        var link = link(command, fd);
        var program = program(command, programFd);
        if (oldFd.isPresent() && program(command, oldFd.getAsInt()) != link.program()) {
            throw new BpfException(command, Errno.EPERM, "another program is attached");
        }
        if (!link.attached() || program.spec().type() != link.program().spec().type()) {
            throw new BpfException(command, Errno.EINVAL, "the link is detached or of another type");
        }
        machine.programs().retain(program.id());
        machine.releaseProgram(link.exchange(program).id());
    }

    public void linkDetach(int fd) {
        system.detach(link(BpfCommand.LINK_DETACH, fd));
    }

    // ---- files, numbers, information

    /** Pins a map, program or link under a path. */
    public void objPin(int fd, String path) {
        var object = object(BpfCommand.OBJ_PIN, fd);
        if (!(object instanceof OfMap || object instanceof OfProgram || object instanceof OfLink)) {
            throw new BpfException(BpfCommand.OBJ_PIN, Errno.EINVAL, "only maps, programs and links are pinned");
        }
        system.retain(object);
        try {
            system.files().pin(path, object);
        } catch (BpfException refused) {
            system.release(object);
            throw refused;
        }
    }

    public int objGet(String path) {
        return objGet(path, 0);
    }

    /** The same; a map for reading or writing only, if the flags say so. */
    public int objGet(String path, int flags) {
        var object = system.files().get(path);
        system.retain(object);
        return open(BpfCommand.OBJ_GET, object instanceof OfMap pinned ? ofMap(pinned.map(), flags) : object);
    }

    public int progGetNextId(int id) {
        return nextId(BpfCommand.PROG_GET_NEXT_ID, machine.programs().nextId(id));
    }

    public int mapGetNextId(int id) {
        return nextId(BpfCommand.MAP_GET_NEXT_ID, machine.maps().nextId(id));
    }

    public int linkGetNextId(int id) {
        return nextId(BpfCommand.LINK_GET_NEXT_ID, system.links().nextId(id));
    }

    public int btfGetNextId(int id) {
        return nextId(BpfCommand.BTF_GET_NEXT_ID, system.types().nextId(id));
    }

    private static int nextId(BpfCommand command, OptionalInt next) {
        return next.orElseThrow(() -> new BpfException(command, Errno.ENOENT, "no higher number"));
    }

    public int progGetFdById(int id) {
        return byId(
                BpfCommand.PROG_GET_FD_BY_ID,
                id,
                i -> machine.programs().retain(i).map(OfProgram::new));
    }

    public int mapGetFdById(int id) {
        return mapGetFdById(id, 0);
    }

    /** The same for reading or writing only, if the flags say so. */
    public int mapGetFdById(int id, int flags) {
        return byId(BpfCommand.MAP_GET_FD_BY_ID, id, i -> machine.retainMap(i).map(map -> ofMap(map, flags)));
    }

    public int linkGetFdById(int id) {
        return byId(
                BpfCommand.LINK_GET_FD_BY_ID, id, i -> system.links().retain(i).map(OfLink::new));
    }

    public int btfGetFdById(int id) {
        return byId(
                BpfCommand.BTF_GET_FD_BY_ID, id, i -> system.types().retain(i).map(OfBtf::new));
    }

    private int byId(BpfCommand command, int id, IntFunction<Optional<? extends KernelObject>> retain) {
        return open(
                command,
                retain.apply(id)
                        .map(KernelObject.class::cast)
                        .orElseThrow(() -> new BpfException(command, Errno.ENOENT, "number " + id)));
    }

    public ObjectInfo objGetInfoByFd(int fd) {
        return switch (object(BpfCommand.OBJ_GET_INFO_BY_FD, fd)) {
            case OfMap(BpfMap map, boolean _, boolean _) ->
                new ObjectInfo.MapInfo(map.id(), map.spec(), map.memoryBytes(), system.isFrozen(map));
            case OfProgram(VmProgram program) -> info(program);
            case OfLink(BpfLink link) ->
                new ObjectInfo.LinkInfo(
                        link.id(),
                        link.program().id(),
                        link.point().type(),
                        link.point().target(),
                        link.cookie());
            case OfBtf(LoadedBtf btf) ->
                new ObjectInfo.BtfInfo(
                        btf.id(), btf.btf().endId() - 1, btf.btf().bytes().length);
            case KernelObject.OfStats _, KernelObject.OfIteration _ ->
                throw new BpfException(
                        BpfCommand.OBJ_GET_INFO_BY_FD, Errno.EINVAL, "nothing is told of descriptor " + fd);
        };
    }

    private static ObjectInfo.ProgramInfo info(VmProgram program) {
        var summary = program.summary();
        return new ObjectInfo.ProgramInfo(
                program.id(),
                program.name(),
                program.spec().type(),
                program.tag(),
                program.gplCompatible(),
                program.loadedAt(),
                summary.xlatedInsns() * Bytecode.SLOT_BYTES,
                summary.jitedBytes(),
                program.mapIds(),
                program.runCount(),
                program.runNanos(),
                program.verification().insnsProcessed());
    }

    /** Loads types. */
    public int btfLoad(byte[] bytes) {
        var command = BpfCommand.BTF_LOAD;
        try {
            var btf = Btf.parse(bytes);
            for (int id = 1; id < btf.endId(); id++) {
                btf.type(id);
            }
            return open(command, new OfBtf(system.addTypes(btf)));
        } catch (BtfException malformed) {
            throw new BpfException(command, Errno.EINVAL, String.valueOf(malformed.getMessage()));
        }
    }

    /** Counts and times all runs while the descriptor is open. */
    public int enableStats() {
        system.useStats();
        return open(BpfCommand.ENABLE_STATS, new KernelObject.OfStats());
    }

    /** Makes a program keep a map that its code does not mention. */
    public void progBindMap(int programFd, int mapFd) {
        var command = BpfCommand.PROG_BIND_MAP;
        program(command, programFd).bind(map(command, mapFd).map().id());
    }

    /** What is behind a descriptor of this process that was opened on a tracepoint ({@code BPF_TASK_FD_QUERY}). */
    public ObjectInfo.LinkInfo taskFdQuery(int fd) {
        link(BpfCommand.TASK_FD_QUERY, fd);
        return (ObjectInfo.LinkInfo) objGetInfoByFd(fd);
    }

    /** A walk of an iterator from its start: a descriptor to {@link #read}. */
    public int iterCreate(int linkFd) {
        var command = BpfCommand.ITER_CREATE;
        var link = link(command, linkFd);
        if (link.point().type().filter(type -> type == AttachType.TRACE_ITER).isEmpty()) {
            throw new BpfException(command, Errno.EINVAL, "descriptor " + linkFd + " is no link of an iterator");
        }
        var program = link.program();
        var walk = new OfIteration(link, program, new Iteration(program, cpu, link.walked(), OptionalInt.empty()));
        system.retain(walk);
        return open(command, walk);
    }

    /** What an iterator writes next, at most this many bytes; none at the end. */
    public byte[] read(int fd, int most) {
        if (!(object(BpfCommand.ITER_CREATE, fd) instanceof OfIteration iteration)) {
            return wrongKind(BpfCommand.ITER_CREATE, fd, "iterator");
        }
        synchronized (cpu) {
            return iteration.walk().read(most);
        }
    }

    /** There are no unprivileged users to delegate to; always EOPNOTSUPP. */
    public int tokenCreate() {
        throw new BpfException(BpfCommand.TOKEN_CREATE, Errno.EOPNOTSUPP, "every process of the VM is privileged");
    }

    @Override
    public void close() {
        @Nullable KernelObject[] open;
        synchronized (this) {
            if (closed) {
                return;
            }
            closed = true;
            open = descriptors.clone();
            Arrays.fill(descriptors, null);
        }
        for (var object : open) {
            if (object != null) {
                system.release(object);
            }
        }
        cpu.close();
    }
}
