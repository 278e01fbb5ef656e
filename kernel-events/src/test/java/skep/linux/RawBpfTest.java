package skep.linux;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import skep.isa.Assembler;
import skep.isa.kernel.Errno;
import skep.isa.kernel.MapType;
import skep.linux.sys.Block;
import skep.linux.sys.LocalSyscalls;
import skep.linux.sys.Sys;
import skep.vm.Machine;
import skep.vm.syscall.BpfCommand;
import skep.vm.syscall.BpfProcess;
import skep.vm.syscall.BpfSystem;
import skep.vm.syscall.ProcessMemory;
import skep.vm.syscall.RawBpf;

/** The same bytes to {@code bpf()} of the VM and of the running kernel have the same outcome. */
class RawBpfTest {
    private static final int ATTR_BYTES = RawBpf.ATTR_BYTES;
    private static final long SEED = Long.getLong("skep.seed", 20261129);

    private final Live live = new Live();
    private final Vm vm = new Vm();

    /** Who is called. */
    private interface Side {
        /** A call with attributes that lie in its memory. */
        long bpf(BpfCommand command, long attr);

        default long bpf(BpfCommand command, byte[] attr) {
            return bpf(command, allocate(attr));
        }

        /** Address of fresh bytes. */
        long allocate(byte[] content);

        byte[] bytes(long address, int size);

        void close(long fd);
    }

    private static final class Live implements Side {
        private final List<Block> blocks = new ArrayList<>();

        @Override
        public long bpf(BpfCommand command, long attr) {
            return LocalSyscalls.instance().call(Sys.BPF, command.number(), attr, ATTR_BYTES);
        }

        @Override
        public long allocate(byte[] content) {
            var block = LocalSyscalls.instance().allocateShared(Math.max(8, content.length));
            blocks.add(block);
            block.putBytes(0, content);
            return block.address();
        }

        @Override
        public byte[] bytes(long address, int size) {
            var bytes = new byte[size];
            LocalSyscalls.instance().copy(address, bytes);
            return bytes;
        }

        @Override
        public void close(long fd) {
            LocalSyscalls.instance().call(Sys.CLOSE, fd);
        }

        void free() {
            blocks.forEach(Block::close);
            blocks.clear();
        }
    }

    private static final class Vm implements Side {
        private final Machine machine =
                new Machine(Machine.Config.ofCpus(Runtime.getRuntime().availableProcessors()));
        private final BpfSystem system = new BpfSystem(machine);
        private final BpfProcess process = new BpfProcess(system);
        private final ProcessMemory memory = new ProcessMemory();
        private final RawBpf bpf = new RawBpf(process, memory);
        private final List<Long> allocated = new ArrayList<>();

        void free() {
            allocated.forEach(memory::free);
            allocated.clear();
        }

        @Override
        public long bpf(BpfCommand command, long attr) {
            return bpf.call(command.number(), attr, ATTR_BYTES);
        }

        @Override
        public long allocate(byte[] content) {
            long address = memory.allocate(content.length == 0 ? new byte[8] : content);
            allocated.add(address);
            return address;
        }

        @Override
        public byte[] bytes(long address, int size) {
            var bytes = new byte[size];
            memory.read(address, bytes);
            return bytes;
        }

        @Override
        public void close(long fd) {
            process.close((int) fd);
        }
    }

    @AfterEach
    void free() {
        live.free();
        vm.process.close();
        vm.system.close();
        vm.machine.close();
        vm.memory.close();
    }

    private static ByteBuffer attr() {
        return ByteBuffer.allocate(ATTR_BYTES).order(ByteOrder.LITTLE_ENDIAN);
    }

    private static String outcome(long result) {
        return result >= 0
                ? "done"
                : Errno.ofNumber((int) -result).map(Errno::name).orElse("errno " + -result);
    }

    private static final int[] SIZES = {0, 1, 3, 4, 4, 4, 8, 8, 8, 16, 20, 300, 40000, -1};
    private static final int[] ENTRIES = {0, 1, 2, 3, 16, 4096, 8192, -1};
    private static final int[] FLAGS = {
        0, 0, 0, 1, 2, 8, 16, 24, 0x20, 0x40, 0x80, 0x100, 0x180, 0x200, 0x400, 0x800, 0x1000, 1 << 13, 1 << 14,
        1 << 15, 1 << 20
    };

    /** A map that some type may accept, now and then. */
    private static byte[] randomMap(Random random, MapType type) {
        var attr = attr();
        attr.putInt(0, type.number());
        int valueBytes = SIZES[random.nextInt(SIZES.length)];
        attr.putInt(4, SIZES[random.nextInt(SIZES.length)]);
        attr.putInt(8, valueBytes);
        attr.putInt(
                12,
                ENTRIES[
                        random.nextInt(
                                valueBytes > 1000 ? 4 : allocatesAtOnce(type) ? ENTRIES.length - 1 : ENTRIES.length)]);
        int flags = FLAGS[random.nextInt(FLAGS.length)]
                | (random.nextInt(3) == 0 ? FLAGS[random.nextInt(FLAGS.length)] : 0);
        attr.putInt(16, flags | (needsNoPreallocation(type) && random.nextInt(4) != 0 ? 1 : 0));
        if (random.nextInt(20) == 0) {
            attr.putLong(64, random.nextInt(20));
        }
        return attr.array();
    }

    /** Whether 2^32 entries would be gigabytes that the kernel may have. */
    private static boolean allocatesAtOnce(MapType type) {
        return type == MapType.QUEUE || type == MapType.STACK || type == MapType.BLOOM_FILTER;
    }

    private static boolean needsNoPreallocation(MapType type) {
        return switch (type) {
            case LPM_TRIE, TASK_STORAGE, INODE_STORAGE, SK_STORAGE, CGRP_STORAGE -> true;
            default -> false;
        };
    }

    private static boolean compared(MapType type) {
        return switch (type) {
            // Refused by the VM with a reason, or made of what it has not.
            case UNSPEC, STRUCT_OPS, ARENA, ARRAY_OF_MAPS, HASH_OF_MAPS, REUSEPORT_SOCKARRAY -> false;
            default -> true;
        };
    }

    @Test
    void mapsAreMadeOrRefusedForTheSameReasons() {
        var random = new Random(SEED);
        var differences = new TreeMap<String, Integer>();
        int made = 0;
        for (var type : MapType.values()) {
            for (int i = 0; compared(type) && i < 150; i++) {
                var attr = randomMap(random, type);
                if (type == MapType.CPUMAP
                        && ByteBuffer.wrap(attr).order(ByteOrder.LITTLE_ENDIAN).getInt(12) > 64) {
                    continue; // as many CPUs as the kernel was built for
                }
                long there = live.bpf(BpfCommand.MAP_CREATE, attr);
                Assumptions.assumeTrue(there != Errno.EPERM.negated(), "Unsupported: this kernel makes no maps");
                long here = vm.bpf(BpfCommand.MAP_CREATE, attr);
                if (!outcome(there).equals(outcome(here))) {
                    var words = ByteBuffer.wrap(attr).order(ByteOrder.LITTLE_ENDIAN);
                    differences.merge(
                            "%s key %d value %d entries %d flags %#x extra %d: kernel %s, VM %s"
                                    .formatted(
                                            type,
                                            words.getInt(4),
                                            words.getInt(8),
                                            words.getInt(12),
                                            words.getInt(16),
                                            words.getLong(64),
                                            outcome(there),
                                            outcome(here)),
                            1,
                            Integer::sum);
                }
                made += there >= 0 ? 1 : 0;
                close(live, there);
                close(vm, here);
                live.free();
                vm.free();
            }
        }
        assertEquals("", String.join("\n", differences.keySet()), made + " made; seed " + SEED);
    }

    /** A map of each type, small, and how its values look. */
    private record Shape(MapType type, int keyBytes, int valueBytes, int entries, int flags) {
        boolean perCpu() {
            return type == MapType.PERCPU_ARRAY || type == MapType.PERCPU_HASH || type == MapType.LRU_PERCPU_HASH;
        }

        int userBytes() {
            return perCpu() ? (valueBytes + 7 & ~7) * possibleCpus() : valueBytes;
        }

        byte[] attr() {
            return RawBpfTest.attr()
                    .putInt(0, type.number())
                    .putInt(4, keyBytes)
                    .putInt(8, valueBytes)
                    .putInt(12, entries)
                    .putInt(16, flags)
                    .array();
        }
    }

    private static int possibleCpus() {
        return Runtime.getRuntime().availableProcessors();
    }

    private static final List<Shape> SHAPES = List.of(
            new Shape(MapType.HASH, 4, 8, 8, 0),
            new Shape(MapType.HASH, 5, 3, 8, 1),
            new Shape(MapType.HASH, 8, 16, 8, 0x10),
            new Shape(MapType.HASH, 4, 8, 8, 8),
            new Shape(MapType.ARRAY, 4, 8, 6, 0),
            new Shape(MapType.ARRAY, 4, 5, 6, 0x80),
            new Shape(MapType.ARRAY, 4, 8, 6, 0x400),
            new Shape(MapType.PERCPU_HASH, 4, 12, 8, 0),
            new Shape(MapType.PERCPU_ARRAY, 4, 4, 6, 0),
            new Shape(MapType.LRU_HASH, 4, 8, 5000, 0),
            new Shape(MapType.LRU_PERCPU_HASH, 4, 8, 5000, 0),
            new Shape(MapType.LPM_TRIE, 8, 4, 16, 1),
            new Shape(MapType.LPM_TRIE, 6, 4, 3, 1),
            new Shape(MapType.QUEUE, 0, 4, 3, 0),
            new Shape(MapType.STACK, 0, 8, 3, 0),
            new Shape(MapType.BLOOM_FILTER, 0, 4, 100, 0),
            new Shape(MapType.RINGBUF, 0, 0, 4096, 0),
            new Shape(MapType.USER_RINGBUF, 0, 0, 4096, 0),
            new Shape(MapType.STACK_TRACE, 4, 80, 16, 0),
            new Shape(MapType.PROG_ARRAY, 4, 4, 4, 0),
            new Shape(MapType.PERF_EVENT_ARRAY, 4, 4, 4, 0),
            new Shape(MapType.CGROUP_ARRAY, 4, 4, 4, 0),
            new Shape(MapType.SOCKMAP, 4, 4, 4, 0),
            new Shape(MapType.SOCKMAP, 4, 8, 4, 0),
            new Shape(MapType.SOCKHASH, 4, 4, 4, 0),
            new Shape(MapType.XSKMAP, 4, 4, 4, 0),
            new Shape(MapType.CPUMAP, 4, 4, 4, 0),
            new Shape(MapType.DEVMAP, 4, 4, 4, 0),
            new Shape(MapType.DEVMAP_HASH, 4, 4, 4, 0),
            new Shape(MapType.CGROUP_STORAGE, 8, 8, 0, 0),
            new Shape(MapType.PERCPU_CGROUP_STORAGE, 16, 8, 0, 0));

    private static final BpfCommand[] ELEMENT_COMMANDS = {
        BpfCommand.MAP_LOOKUP_ELEM,
        BpfCommand.MAP_LOOKUP_ELEM,
        BpfCommand.MAP_UPDATE_ELEM,
        BpfCommand.MAP_UPDATE_ELEM,
        BpfCommand.MAP_UPDATE_ELEM,
        BpfCommand.MAP_DELETE_ELEM,
        BpfCommand.MAP_GET_NEXT_KEY,
        BpfCommand.MAP_LOOKUP_AND_DELETE_ELEM,
        BpfCommand.MAP_UPDATE_BATCH,
        BpfCommand.MAP_DELETE_BATCH,
        BpfCommand.MAP_LOOKUP_BATCH,
        BpfCommand.MAP_LOOKUP_AND_DELETE_BATCH
    };
    private static final long[] ELEMENT_FLAGS = {0, 0, 0, 0, 1, 2, 3, 4, 8, 1L << 32};

    private static boolean ordered(MapType type) {
        return switch (type) {
            case ARRAY, PERCPU_ARRAY, LPM_TRIE -> true;
            default -> false;
        };
    }

    /** A key that is in range mostly; of a trie, a prefix. */
    private static byte[] key(Random random, Shape shape) {
        var key = new byte[shape.keyBytes];
        if (key.length == 0) {
            return key;
        }
        if (shape.type == MapType.LPM_TRIE) {
            key[0] = (byte) random.nextInt(8 * (key.length - 4) + 2);
            for (int i = 4; i < key.length; i++) {
                key[i] = (byte) (random.nextInt(4) << 6);
            }
            return key;
        }
        key[0] = (byte) random.nextInt(10);
        return key;
    }

    /** Runs one command on both sides with what it needs in memory of its own; the outcome with all that came back. */
    private static String step(
            Side side, long fd, Shape shape, BpfCommand command, byte[] key, byte[] value, long flags, int count) {
        boolean batch = command.name().endsWith("BATCH");
        int entries = batch ? count : 1;
        var keys = new byte[Math.max(8, shape.keyBytes * entries)];
        var values = new byte[Math.max(8, Math.max(shape.userBytes(), shape.keyBytes) * entries)];
        for (int i = 0; i < entries; i++) {
            System.arraycopy(key, 0, keys, i * key.length, key.length);
            if (key.length > 0 && shape.type != MapType.LPM_TRIE) {
                keys[i * key.length] += (byte) i;
            }
            System.arraycopy(value, 0, values, i * value.length, value.length);
        }
        long keyAt = shape.keyBytes == 0 && !batch ? 0 : side.allocate(keys);
        long valueAt = side.allocate(values);
        long out = side.allocate(new byte[Math.max(8, shape.keyBytes)]);
        var attr = attr();
        if (batch) {
            attr.putLong(8, out)
                    .putLong(16, keyAt)
                    .putLong(24, valueAt)
                    .putInt(32, count)
                    .putInt(36, (int) fd)
                    .putLong(40, flags);
        } else {
            boolean plain = command == BpfCommand.MAP_DELETE_ELEM || command == BpfCommand.MAP_GET_NEXT_KEY;
            attr.putInt(0, (int) fd).putLong(8, keyAt).putLong(24, plain ? 0 : flags);
            if (command != BpfCommand.MAP_DELETE_ELEM) {
                attr.putLong(16, valueAt);
            }
        }
        long attrAt = side.allocate(attr.array());
        long result = side.bpf(command, attrAt);
        if (command == BpfCommand.MAP_GET_NEXT_KEY
                && !ordered(shape.type)
                && (result == 0 || result == Errno.ENOENT.negated())) {
            return "done or at the end"; // the order is each one's own
        }
        var text = new StringBuilder(outcome(result));
        if (batch) {
            text.append(' ').append(HexFormat.of().formatHex(side.bytes(attrAt, 40), 32, 36));
            int got = ByteBuffer.wrap(side.bytes(attrAt, 40))
                    .order(ByteOrder.LITTLE_ENDIAN)
                    .getInt(32);
            if (ordered(shape.type) && command == BpfCommand.MAP_LOOKUP_BATCH && got <= count) {
                text.append(' ').append(HexFormat.of().formatHex(side.bytes(keyAt, shape.keyBytes * got)));
                text.append(' ').append(HexFormat.of().formatHex(side.bytes(valueAt, shape.userBytes() * got)));
            }
        }
        boolean reads = command == BpfCommand.MAP_LOOKUP_ELEM || command == BpfCommand.MAP_LOOKUP_AND_DELETE_ELEM;
        if (result == 0 && reads) {
            text.append(' ').append(HexFormat.of().formatHex(side.bytes(valueAt, shape.userBytes())));
        }
        if (result == 0 && command == BpfCommand.MAP_GET_NEXT_KEY && ordered(shape.type)) {
            text.append(' ').append(HexFormat.of().formatHex(side.bytes(valueAt, shape.keyBytes)));
        }
        return text.toString();
    }

    @Test
    void elementsAreReadAndWrittenWithTheSameOutcomes() {
        var random = new Random(SEED);
        var differences = new TreeMap<String, String>();
        for (var shape : SHAPES) {
            long there = live.bpf(BpfCommand.MAP_CREATE, shape.attr());
            Assumptions.assumeTrue(there != Errno.EPERM.negated(), "Unsupported: this kernel makes no maps");
            long here = vm.bpf(BpfCommand.MAP_CREATE, shape.attr());
            assertEquals(outcome(there), outcome(here), shape.toString());
            for (int i = 0; i < 300; i++) {
                var command = ELEMENT_COMMANDS[random.nextInt(ELEMENT_COMMANDS.length)];
                if (!values(shape.type) && command.name().startsWith("MAP_UPDATE")) {
                    continue; // devices and sockets, which the VM has not
                }
                var key = key(random, shape);
                var value = new byte[shape.userBytes()];
                random.nextBytes(value);
                if (value.length >= 4 && !values(shape.type)) {
                    Arrays.fill(value, (byte) 0);
                    value[1] = 0x70;
                }
                long flags = ELEMENT_FLAGS[random.nextInt(ELEMENT_FLAGS.length)];
                int count = random.nextInt(4);
                if (command.name().startsWith("MAP_LOOKUP") && !ordered(shape.type)) {
                    count = 100;
                }
                var kernel = step(live, there, shape, command, key, value, flags, count);
                var vmSays = step(vm, here, shape, command, key, value, flags, count);
                live.free();
                vm.free();
                if (!kernel.equals(vmSays)) {
                    differences.putIfAbsent(
                            shape.type + " " + command + " " + word(kernel) + "/" + word(vmSays),
                            "%s %s #%d key %s flags %#x count %d: kernel %s, VM %s"
                                    .formatted(
                                            shape,
                                            command,
                                            i,
                                            HexFormat.of().formatHex(key),
                                            flags,
                                            count,
                                            kernel,
                                            vmSays));
                    break;
                }
            }
            close(live, there);
            close(vm, here);
        }
        assertEquals("", String.join("\n", differences.values()), "seed " + SEED);
    }

    private static String word(String text) {
        return text.split(" ")[0];
    }

    /** Whether values are bytes, rather than descriptors or numbers of things. */
    private static boolean values(MapType type) {
        return switch (type) {
            case PROG_ARRAY, PERF_EVENT_ARRAY, CGROUP_ARRAY, SOCKMAP, SOCKHASH, XSKMAP, CPUMAP, DEVMAP, DEVMAP_HASH ->
                false;
            default -> true;
        };
    }

    /** What the kernel tells of a program that counts packets in an array, after three runs. */
    private static String life(Side side) {
        var told = new StringBuilder();
        long map = side.bpf(BpfCommand.MAP_CREATE, new Shape(MapType.ARRAY, 4, 8, 1, 0).attr());
        var code = Assembler.assemble("""
                        r6 = r1
                        r1 = 0
                        *(u32 *)(r10 -4) = r1
                        r2 = r10
                        r2 += -4
                        r1 = map[fd:%d]
                        call bpf_map_lookup_elem
                        if r0 == 0 goto out
                        r1 = 1
                        lock *(u64 *)(r0 +0) += r1
                        r7 = *(u32 *)(r6 +0)
                        r0 = *(u64 *)(r0 +0)
                        r7 <<= 8
                        r0 |= r7
                        out:
                        exit
                        """.formatted(map)).toBytes();
        long log = side.allocate(new byte[1 << 16]);
        var load = attr().putInt(0, 1)
                .putInt(4, code.length / 8)
                .putLong(8, side.allocate(code))
                .putLong(16, side.allocate("GPL\0".getBytes(StandardCharsets.US_ASCII)))
                .putInt(24, 1)
                .putInt(28, 1 << 16)
                .putLong(32, log);
        load.put(48, "counter".getBytes(StandardCharsets.US_ASCII));
        long program = side.bpf(BpfCommand.PROG_LOAD, load.array());
        told.append("load ").append(outcome(program));
        var run = attr().putInt(0, (int) program)
                .putInt(8, 64)
                .putInt(12, 10)
                .putLong(16, side.allocate(new byte[64]))
                .putLong(24, side.allocate(new byte[64]))
                .putInt(32, 3);
        long runAt = side.allocate(run.array());
        told.append(", short run ").append(outcome(side.bpf(BpfCommand.PROG_TEST_RUN, runAt)));
        run.putInt(12, 64);
        runAt = side.allocate(run.array());
        told.append(", run ").append(outcome(side.bpf(BpfCommand.PROG_TEST_RUN, runAt)));
        var after = ByteBuffer.wrap(side.bytes(runAt, ATTR_BYTES)).order(ByteOrder.LITTLE_ENDIAN);
        told.append(" r0 ").append(after.getInt(4)).append(" bytes ").append(after.getInt(12));
        long ids = side.allocate(new byte[16]);
        var asked = ByteBuffer.allocate(232)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putInt(52, 4)
                .putLong(56, ids);
        long info = side.allocate(asked.array());
        long infoAt = side.allocate(
                attr().putInt(0, (int) program).putInt(4, 232).putLong(8, info).array());
        told.append(", info ").append(outcome(side.bpf(BpfCommand.OBJ_GET_INFO_BY_FD, infoAt)));
        var answer = ByteBuffer.wrap(side.bytes(info, 232)).order(ByteOrder.LITTLE_ENDIAN);
        told.append(" type ").append(answer.getInt(0));
        told.append(" tag ").append(HexFormat.of().formatHex(answer.array(), 8, 16));
        told.append(" maps ").append(answer.getInt(52));
        told.append(" name ").append(new String(answer.array(), 64, 16, StandardCharsets.US_ASCII).replace("\0", ""));
        told.append(" gpl ").append(answer.getInt(84));
        int id = ByteBuffer.wrap(side.bytes(ids, 4))
                .order(ByteOrder.LITTLE_ENDIAN)
                .getInt();
        long again = side.bpf(BpfCommand.MAP_GET_FD_BY_ID, attr().putInt(0, id).array());
        told.append(", map by number ").append(outcome(again));
        told.append(", no such number ")
                .append(outcome(side.bpf(
                        BpfCommand.MAP_GET_FD_BY_ID, attr().putInt(0, -2).array())));
        told.append(", freeze ")
                .append(outcome(side.bpf(
                        BpfCommand.MAP_FREEZE, attr().putInt(0, (int) again).array())));
        told.append(", again ")
                .append(outcome(side.bpf(
                        BpfCommand.MAP_FREEZE, attr().putInt(0, (int) map).array())));
        told.append(", bind ")
                .append(outcome(side.bpf(
                        BpfCommand.PROG_BIND_MAP,
                        attr().putInt(0, (int) program).putInt(4, (int) map).array())));
        told.append(", program for map ")
                .append(outcome(side.bpf(
                        BpfCommand.MAP_FREEZE, attr().putInt(0, (int) program).array())));
        told.append(", bad descriptor ")
                .append(outcome(
                        side.bpf(BpfCommand.MAP_FREEZE, attr().putInt(0, 999).array())));
        told.append(", trailing byte ")
                .append(outcome(side.bpf(
                        BpfCommand.MAP_FREEZE,
                        attr().putInt(0, (int) map).putInt(8, 1).array())));
        load.putInt(4, 1);
        load.putInt(28, 40);
        told.append(", cut code ").append(outcome(side.bpf(BpfCommand.PROG_LOAD, load.array())));
        load.putInt(28, 1 << 16);
        told.append(", cut code ").append(outcome(side.bpf(BpfCommand.PROG_LOAD, load.array())));
        load.putInt(4, 0);
        told.append(", no code ").append(outcome(side.bpf(BpfCommand.PROG_LOAD, load.array())));
        load.putInt(4, 2).putInt(44, 1 << 30);
        told.append(", flags ").append(outcome(side.bpf(BpfCommand.PROG_LOAD, load.array())));
        load.putInt(44, 0).putInt(0, 99);
        told.append(", type ").append(outcome(side.bpf(BpfCommand.PROG_LOAD, load.array())));
        load.putInt(0, 1).putLong(8, 4096);
        told.append(", code nowhere ").append(outcome(side.bpf(BpfCommand.PROG_LOAD, load.array())));
        told.append(", no command ").append(outcome(side.bpf(BpfCommand.MAP_CREATE, 4096)));
        for (long fd : new long[] {program, again, map}) {
            close(side, fd);
        }
        return told.toString().replace(", ", "\n");
    }

    @Test
    void aProgramIsLoadedRunAndDescribedAlike() {
        Assumptions.assumeTrue(
                live.bpf(BpfCommand.MAP_FREEZE, attr().putInt(0, 999).array()) == Errno.EBADF.negated(),
                "Unsupported: this kernel loads no programs");
        assertEquals(life(live), life(vm));
    }

    private static void close(Side side, long fd) {
        if (fd >= 0) {
            side.close(fd);
        }
    }
}
