package skep.vm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import skep.isa.Assembler;
import skep.isa.Bytecode;
import skep.isa.classic.ClassicProgram;
import skep.isa.classic.ClassicTranslator;
import skep.isa.classic.InvalidClassicException;
import skep.isa.kernel.Errno;
import skep.isa.kernel.MapType;
import skep.isa.kernel.ProgramType;
import skep.isa.object.LineTable;
import skep.isa.object.MapSpec;
import skep.isa.object.ProgramSpec;
import skep.target.LoadOptions;
import skep.vm.maps.MapRequest;
import skep.vm.syscall.BpfCommand;
import skep.vm.syscall.BpfException;
import skep.vm.syscall.BpfProcess;
import skep.vm.syscall.BpfSystem;
import skep.vm.syscall.ProcessMemory;
import skep.vm.syscall.RawBpf;
import skep.vm.syscall.TestRun;

/**
 * Whatever bytes come in: an answer, or an error of ours. Programs that the verifier accepts run on the backend that tests every access,
 * and none may be stopped by it. For longer: {@code mvn -Dslow -pl vm test -Dtest='HostileInputTest#long*'}, with
 * {@code -Dskep.seed=N} to repeat one.
 */
class HostileInputTest {
    /** Accepted as they are; edits make some of them wrong and leave others right. The map has descriptor 3, the ring 4. */
    private static final List<String> PROGRAMS = List.of("""
            r6 = r1
            r1 = 0
            *(u32 *)(r10 -4) = r1
            r2 = r10
            r2 += -4
            r1 = map[fd:3]
            call bpf_map_lookup_elem
            if r0 == 0 goto out
            r1 = *(u32 *)(r6 +0)
            r1 &= 31
            r0 += r1
            r2 = *(u8 *)(r0 +0)
            r2 += 1
            *(u8 *)(r0 +0) = r2
            r0 = r2
            out:
            exit
            """, """
            r6 = 0
            r7 = 0
            again:
            r8 = r10
            r8 += -64
            r8 += r6
            r9 = r6
            *(u8 *)(r8 +0) = r9
            r7 += r9
            r6 += 1
            if r6 < 64 goto again
            r1 = *(u64 *)(r10 -8)
            r0 = r7
            exit
            """, """
            r1 = map[fd:4]
            r2 = 16
            r3 = 0
            call bpf_ringbuf_reserve
            if r0 == 0 goto out
            r1 = 7
            *(u64 *)(r0 +0) = r1
            *(u64 *)(r0 +8) = r1
            r1 = r0
            r2 = 0
            call bpf_ringbuf_submit
            out:
            r0 = 0
            exit
            """, """
            r6 = r1
            call bpf_get_prandom_u32
            r7 = r0
            r7 &= 7
            r1 = r7
            call add
            r0 += r7
            exit
            add:
            r2 = r10
            r2 += -8
            *(u64 *)(r2 +0) = r1
            r0 = *(u64 *)(r10 -8)
            r0 s>>= 1
            exit
            """);

    private static final int MAP_FD = 3;
    private static final ProgramType[] TYPES = {ProgramType.SOCKET_FILTER, ProgramType.SCHED_CLS, ProgramType.XDP};

    @Test
    void editedProgramsAreRejectedOrSafe() {
        editedPrograms(1, 1500);
    }

    @Test
    @Tag("slow")
    void longEditedProgramsAreRejectedOrSafe() {
        editedPrograms(Long.getLong("skep.seed", System.nanoTime()), 400_000);
    }

    private static void editedPrograms(long firstSeed, int programs) {
        int accepted = 0;
        try (var machine = new Machine(Machine.Config.ofCpus(2));
                var system = new BpfSystem(machine)) {
            for (long seed = firstSeed; seed < firstSeed + programs; seed++) {
                accepted += edited(system, seed) ? 1 : 0;
            }
            assertEquals(0, machine.chargedBytes(), "nothing is left");
        }
        assertTrue(accepted > programs / 50 && accepted < programs, accepted + " accepted of " + programs);
    }

    private static boolean edited(BpfSystem system, long seed) {
        var random = new Random(seed);
        var code = edit(Assembler.assemble(PROGRAMS.get(random.nextInt(PROGRAMS.size()))), random);
        var type = TYPES[random.nextInt(TYPES.length)];
        try (var process = new BpfProcess(system)) {
            int map =
                    process.mapCreate(MapRequest.of(new MapSpec("m", MapType.ARRAY, 4, 32, 1, 0)), OptionalInt.empty());
            assertEquals(MAP_FD, map);
            process.mapCreate(MapRequest.of(new MapSpec("r", MapType.RINGBUF, 0, 0, 4096, 0)), OptionalInt.empty());
            var spec = new ProgramSpec("p", type, Optional.empty(), "", "GPL", code, List.of(), LineTable.EMPTY);
            int program;
            try {
                program = process.progLoad(spec, new LoadOptions(random.nextInt(3), "interp"));
            } catch (BpfException rejected) {
                return false;
            }
            process.progTestRun(program, TestRun.Request.ofPacket(new byte[64]));
            return true;
        } catch (RuntimeException | AssertionError failure) {
            throw new AssertionError("seed " + seed + "\n" + skep.isa.Disassembler.text(code), failure);
        }
    }

    private static Bytecode edit(Bytecode code, Random random) {
        var slots = code.slots();
        for (int edits = random.nextInt(4); edits > 0; edits--) {
            int at = random.nextInt(slots.length);
            switch (random.nextInt(8)) {
                case 0 -> slots[at] = random.nextLong();
                case 1 -> slots[at] ^= 1L << random.nextInt(64);
                case 2 -> slots[at] ^= 1L << random.nextInt(8);
                case 3 -> slots[at] ^= 1L << 8 + random.nextInt(8);
                case 4 -> slots[at] = slots[at] & ~0xffff0000L | (random.nextInt(40) - 20 & 0xffffL) << 16;
                case 5 -> slots[at] = slots[at] & 0xffff_ffffL | (long) (random.nextInt(600) - 300) << 32;
                case 6 -> slots[at] = slots[random.nextInt(slots.length)];
                default -> slots = Arrays.copyOf(slots, Math.max(1, slots.length - random.nextInt(2)));
            }
        }
        return Bytecode.of(slots);
    }

    @Test
    void callsWithAnyAttributesAnswerWithAnErrno() {
        anyAttributes(1, 8_000);
    }

    @Test
    @Tag("slow")
    void longCallsWithAnyAttributesAnswerWithAnErrno() {
        anyAttributes(Long.getLong("skep.seed", System.nanoTime()), 2_000_000);
    }

    /** What seed 20261130 of the long lane found in its call 240,668. */
    @Test
    void roomForInformationIsANumberWithoutASign() {
        try (var machine = new Machine(new Machine.Config(2, 64 << 20, Optional.empty()));
                var memory = new ProcessMemory()) {
            var system = new BpfSystem(machine);
            var process = new BpfProcess(system);
            var bpf = new RawBpf(process, memory);
            long room = memory.allocate(4096);
            long attr = memory.allocate(RawBpf.ATTR_BYTES);
            memory.write(room + 1024, Assembler.assemble("r0 = 0\nexit").toBytes());
            memory.write(room + 1100, new byte[] {'G', 'P', 'L', 0});
            var load = attributes()
                    .putInt(0, 1)
                    .putInt(4, 2)
                    .putLong(8, room + 1024)
                    .putLong(16, room + 1100);
            memory.write(attr, load.array());
            int fd = (int) bpf.call(BpfCommand.PROG_LOAD.number(), attr, RawBpf.ATTR_BYTES);
            assertTrue(fd > 0, "load: " + fd);
            for (int lengthAt : new int[] {20, 52}) {
                var info = attributes().putInt(lengthAt, -1443604224).putLong(lengthAt == 20 ? 32 : 56, room + 2048);
                memory.write(room, info.array());
                var ask = attributes().putInt(0, fd).putInt(4, 128).putLong(8, room);
                memory.write(attr, ask.array());
                assertEquals(0, bpf.call(BpfCommand.OBJ_GET_INFO_BY_FD.number(), attr, RawBpf.ATTR_BYTES));
            }
            process.close();
            system.close();
        }
    }

    private static ByteBuffer attributes() {
        return ByteBuffer.allocate(RawBpf.ATTR_BYTES).order(ByteOrder.LITTLE_ENDIAN);
    }

    private static void anyAttributes(long seed, int calls) {
        var random = new Random(seed);
        int good = 0;
        try (var machine = new Machine(new Machine.Config(2, 64 << 20, Optional.empty()));
                var memory = new ProcessMemory()) {
            var system = new BpfSystem(machine);
            long room = memory.allocate(4096);
            long attr = memory.allocate(RawBpf.ATTR_BYTES);
            memory.write(room + 1024, Assembler.assemble("r0 = 0\nexit").toBytes());
            memory.write(room + 1100, new byte[] {'G', 'P', 'L', 0});
            memory.write(room + 1200, "/sys/fs/bpf/a".getBytes(java.nio.charset.StandardCharsets.US_ASCII));
            memory.write(room + 3000, new skep.btf.BtfBuilder().toBytes());
            var process = new BpfProcess(system);
            var bpf = new RawBpf(process, memory);
            for (int i = 0; i < calls; i++) {
                if (i % 500 == 499) {
                    process.close();
                    process = new BpfProcess(system);
                    bpf = new RawBpf(process, memory);
                }
                int command = random.nextInt(BpfCommand.values().length + 2) - 1;
                var bytes = plausible(command, room, random);
                for (int words = random.nextInt(3); words > 0; words--) {
                    bytes.putInt(4 * random.nextInt(random.nextBoolean() ? 8 : 42), number(random));
                }
                if (random.nextInt(4) == 0) {
                    bytes.putLong(
                            8 * random.nextInt(8),
                            random.nextBoolean() ? random.nextLong() : room + random.nextInt(5000));
                }
                memory.write(attr, bytes.array());
                int size = random.nextInt(10) == 0 ? random.nextInt(400) - 20 : RawBpf.ATTR_BYTES;
                try {
                    long result = bpf.call(command, attr, size);
                    assertTrue(result >= -Errno.ENOTSUPP.number(), "result " + result);
                    good += result >= 0 ? 1 : 0;
                } catch (RuntimeException | AssertionError failure) {
                    throw new AssertionError("seed " + seed + ", call " + i + " of command " + command, failure);
                }
            }
            process.close();
            system.close();
            assertEquals(0, machine.chargedBytes(), "nothing is left");
        }
        assertTrue(good > calls / 25, good + " calls of " + calls + " did something");
    }

    /** Attributes as a program might pass them: descriptors and numbers are small, addresses lead into the room. */
    private static ByteBuffer plausible(int number, long room, Random random) {
        var attr = ByteBuffer.allocate(RawBpf.ATTR_BYTES).order(ByteOrder.LITTLE_ENDIAN);
        int fd = 3 + random.nextInt(12);
        var command = BpfCommand.ofNumber(number);
        if (command.isEmpty()) {
            return attr;
        }
        switch (command.get()) {
            case MAP_CREATE ->
                attr.putInt(0, random.nextInt(34))
                        .putInt(4, random.nextInt(3) * 4)
                        .putInt(8, random.nextInt(4) * 4)
                        .putInt(12, random.nextInt(4) == 0 ? 4096 : random.nextInt(9))
                        .putInt(16, random.nextInt(3));
            case MAP_LOOKUP_ELEM, MAP_UPDATE_ELEM, MAP_LOOKUP_AND_DELETE_ELEM ->
                attr.putInt(0, fd).putLong(8, room).putLong(16, room + 256).putLong(24, random.nextInt(3));
            case MAP_DELETE_ELEM -> attr.putInt(0, fd).putLong(8, room);
            case MAP_GET_NEXT_KEY -> attr.putInt(0, fd).putLong(8, room).putLong(16, room + 256);
            case MAP_LOOKUP_BATCH, MAP_LOOKUP_AND_DELETE_BATCH, MAP_UPDATE_BATCH, MAP_DELETE_BATCH ->
                attr.putLong(8, room + 512)
                        .putLong(16, room)
                        .putLong(24, room + 256)
                        .putInt(32, random.nextInt(5))
                        .putInt(36, fd);
            case PROG_LOAD ->
                attr.putInt(0, 1 + random.nextInt(32))
                        .putInt(4, 2)
                        .putLong(8, room + 1024)
                        .putLong(16, room + 1100);
            case PROG_TEST_RUN ->
                attr.putInt(0, fd)
                        .putInt(8, 64)
                        .putInt(12, 64)
                        .putLong(16, room)
                        .putLong(24, room + 2048);
            case OBJ_PIN -> attr.putLong(0, room + 1200).putInt(8, fd);
            case OBJ_GET -> attr.putLong(0, room + 1200);
            case PROG_ATTACH, PROG_DETACH, LINK_CREATE ->
                attr.putInt(0, fd).putInt(4, fd).putInt(8, random.nextInt(58));
            case RAW_TRACEPOINT_OPEN -> attr.putLong(0, room + 1100).putInt(8, fd);
            case OBJ_GET_INFO_BY_FD -> attr.putInt(0, fd).putInt(4, 232).putLong(8, room + 2048);
            case LINK_UPDATE, PROG_BIND_MAP -> attr.putInt(0, fd).putInt(4, 3 + random.nextInt(12));
            case PROG_GET_NEXT_ID, MAP_GET_NEXT_ID, LINK_GET_NEXT_ID, BTF_GET_NEXT_ID ->
                attr.putInt(0, random.nextInt(9));
            case BTF_LOAD -> attr.putLong(0, room + 3000).putInt(16, 200);
            case ENABLE_STATS, TOKEN_CREATE -> {}
            default -> attr.putInt(0, fd);
        }
        return attr;
    }

    private static int number(Random random) {
        return switch (random.nextInt(8)) {
            case 0 -> random.nextInt();
            case 1 -> 1 << random.nextInt(32);
            case 2 -> -1 - random.nextInt(3);
            default -> random.nextInt(10);
        };
    }

    @Test
    void classicProgramsAreRefusedOrTranslated() {
        var random = new Random(5);
        int translated = 0;
        for (int round = 0; round < 5_000; round++) {
            var bytes = new byte[8 * (1 + random.nextInt(6))];
            random.nextBytes(bytes);
            for (int at = 0; at < bytes.length; at += 8) {
                bytes[at] &= (byte) (random.nextBoolean() ? 0xff : 0x37);
                bytes[at + 1] = 0;
                bytes[at + 2] &= 3;
                bytes[at + 3] &= 3;
                if (random.nextBoolean()) {
                    Arrays.fill(bytes, at + 5, at + 8, (byte) 0);
                }
            }
            bytes[bytes.length - 8] = 6;
            try {
                var program = ClassicProgram.ofBytes(bytes);
                skep.isa.DecodedProgram.of(ClassicTranslator.translate(program));
                translated++;
            } catch (InvalidClassicException refused) {
                assertTrue(String.valueOf(refused.getMessage()).length() > 5);
            }
        }
        assertTrue(translated > 25, translated + " translated");
    }
}
