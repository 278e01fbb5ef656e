package skep.vm;

import java.io.ByteArrayOutputStream;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Optional;
import java.util.OptionalInt;
import skep.isa.kernel.AttachType;
import skep.isa.kernel.MapType;
import skep.vm.AddressSpace.Access;
import skep.vm.KernelServices.TaskWalk;
import skep.vm.maps.BpfMap;

/**
 * A walk of an iterator program: one call an element, then one without. The VM walks elements of maps and tasks; it has no
 * other objects of a kernel. Safe from any thread.
 *
 * <pre>
 *  context:  0 address of meta | 8 the map, or the task | 16 key | 24 value
 *  meta:     0 address of the seq_file | 8 number of the session | 16 number of the element
 * </pre>
 */
public final class Iteration implements AutoCloseable {
    /** The iterators that there are, as {@code iter/NAME} names them. */
    public static final String MAP_ELEMENTS = "bpf_map_elem";

    public static final String TASKS = "task";

    private static final int META_OFFSET = 32;
    private static final int SEQ_OFFSET = 56;
    private static final int CONTEXT_BYTES = 64;
    /** What a program returns to be called again for the same element. */
    private static final int RETRY = 1;

    private final VmProgram program;
    private final VmCpu cpu;
    private final Optional<BpfMap> map;
    private final TaskWalk tasks;
    private final Memory.Block block;
    private final Memory.Block passed;
    private final AddressSpace.Region[] regions;
    private final SeqFile file;
    private final ArrayDeque<byte[]> keys = new ArrayDeque<>();
    private byte[] unread = new byte[0];
    private long number;
    private int lastTask;
    private boolean ended;
    private boolean closed;

    /**
     * A walk from the start. The program and the map stay the caller's, who keeps them until it is closed.
     *
     * @param map the map whose elements are walked
     * @param process the process whose threads alone are walked; none if there is no such process
     * @throws IllegalArgumentException if {@link #refusal} gives a reason
     */
    public Iteration(VmProgram program, VmCpu cpu, Optional<BpfMap> map, OptionalInt process) {
        refusal(program, map).ifPresent(reason -> {
            throw new IllegalArgumentException(reason);
        });
        this.program = program;
        this.cpu = cpu;
        this.map = map;
        tasks = process.isPresent()
                ? new TaskWalk(true, cpu.services().taskOfPid(process.getAsInt()))
                : TaskWalk.THREADS;
        ended = process.isPresent() && tasks.process() == 0;
        block = Memory.allocate(CONTEXT_BYTES, 8);
        int keyBytes = map.map(m -> m.spec().keySizeBytes()).orElse(0);
        int valueBytes = map.map(BpfMap::userValueBytes).orElse(0);
        passed = Memory.allocate((keyBytes + 8L & ~7L) + valueBytes + 8L, 8);
        var space = cpu.runtime().addressSpace();
        regions = new AddressSpace.Region[] {
            space.add(block, Access.READ_ONLY, "context of an iterator"),
            space.add(passed, Access.READ_WRITE, "element of an iterator")
        };
        file = new SeqFile(block.address() + SEQ_OFFSET);
        Memory.putLong(block.address(), block.address() + META_OFFSET);
        Memory.putLong(block.address() + META_OFFSET, block.address() + SEQ_OFFSET);
        map.ifPresent(m -> {
            Memory.putLong(block.address() + 8, m.handle());
            m.walkKeys(key -> keys.add(Memory.bytes(key, keyBytes)), passed.address());
        });
    }

    /** Why a program cannot walk; empty if it can. */
    public static Optional<String> refusal(VmProgram program, Optional<BpfMap> map) {
        var spec = program.spec();
        if (spec.attachType().filter(type -> type == AttachType.TRACE_ITER).isEmpty()) {
            return Optional.of("program " + spec.name() + " is no iterator");
        }
        return switch (spec.attachTo()) {
            case TASKS -> Optional.empty();
            case MAP_ELEMENTS ->
                map.isEmpty() ? Optional.of("an iterator over elements needs a map") : refusal(program, map.get());
            default ->
                Optional.of(
                        "the VM has no objects for iter/" + spec.attachTo() + "; it walks tasks and elements of maps");
        };
    }

    private static Optional<String> refusal(VmProgram program, BpfMap map) {
        var type = map.spec().type();
        boolean walked = switch (type) {
            case HASH, LRU_HASH, ARRAY, PERCPU_HASH, LRU_PERCPU_HASH, PERCPU_ARRAY -> true;
            default -> false;
        };
        if (!walked) {
            return Optional.of("a map of type " + type.kernelName() + " is not walked by iterators");
        }
        var used = program.verified().buffers();
        if (used.readOnlyBytes() > map.spec().keySizeBytes() || used.writableBytes() > map.userValueBytes()) {
            return Optional.of("program " + program.name() + " uses " + used.readOnlyBytes() + " bytes of a key and "
                    + used.writableBytes() + " of a value; those of map "
                    + map.spec().name() + " are shorter");
        }
        return Optional.empty();
    }

    /** The next bytes that the program writes, at most this many; none at the end. */
    public synchronized byte[] read(int most) {
        while (unread.length == 0 && !ended) {
            step();
            unread = file.take();
        }
        var part = Arrays.copyOf(unread, Math.min(most, unread.length));
        unread = Arrays.copyOfRange(unread, part.length, unread.length);
        return part;
    }

    /** Everything that is left. */
    public byte[] readAll() {
        var all = new ByteArrayOutputStream();
        for (var part = read(1 << 16); part.length > 0; part = read(1 << 16)) {
            all.writeBytes(part);
        }
        return all.toByteArray();
    }

    /** One call of the program. */
    private void step() {
        boolean there = map.isPresent() ? nextElement(map.get()) : nextTask();
        // The last call, without an element, sees the number of the last one.
        Memory.putLong(block.address() + META_OFFSET + 16, there ? number : Math.max(0, number - 1));
        cpu.setSeqFile(Optional.of(file));
        try {
            // An element for which the program asks once more is passed over: nothing has changed about it here.
            if (program.run(cpu, block.address()) != RETRY) {
                number++;
            }
        } finally {
            cpu.setSeqFile(Optional.empty());
        }
        ended = !there;
    }

    private boolean nextTask() {
        var task = cpu.services().taskAfter(lastTask, tasks);
        Memory.putLong(
                block.address() + 8,
                task.map(KernelServices.WalkedTask::address).orElse(0L));
        task.ifPresent(walked -> lastTask = walked.tid());
        return task.isPresent();
    }

    private boolean nextElement(BpfMap walked) {
        long key = passed.address();
        long value = key + (walked.spec().keySizeBytes() + 8 & ~7);
        while (!keys.isEmpty()) {
            Memory.copy(keys.poll(), 0, key, walked.spec().keySizeBytes());
            // All CPUs' values are a copy; another value is the element's own, which the program may change.
            long found = perCpu(walked.spec().type())
                    ? walked.readUser(key, value, 0) == 0 ? value : 0
                    : walked.lookup(key, 0);
            if (found != 0) {
                Memory.putLong(block.address() + 16, key);
                Memory.putLong(block.address() + 24, found);
                return true;
            }
        }
        Memory.putLong(block.address() + 16, 0);
        Memory.putLong(block.address() + 24, 0);
        return false;
    }

    private static boolean perCpu(MapType type) {
        return type == MapType.PERCPU_HASH || type == MapType.LRU_PERCPU_HASH || type == MapType.PERCPU_ARRAY;
    }

    @Override
    public synchronized void close() {
        if (closed) {
            return;
        }
        closed = true;
        ended = true;
        for (var region : regions) {
            cpu.runtime().addressSpace().remove(region);
        }
        passed.close();
        block.close();
    }
}
