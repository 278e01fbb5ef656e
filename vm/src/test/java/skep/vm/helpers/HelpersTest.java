package skep.vm.helpers;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import skep.isa.Assembler;
import skep.isa.kernel.Helper;
import skep.isa.kernel.MapType;
import skep.isa.object.MapSpec;
import skep.vm.AddressSpace.Access;
import skep.vm.Backend;
import skep.vm.KernelServices;
import skep.vm.Machine;
import skep.vm.Memory;
import skep.vm.UnverifiedProgram;
import skep.vm.VmCpu;
import skep.vm.maps.BpfMap;
import skep.vm.maps.MapRequest;
import skep.vm.maps.UserMap;

class HelpersTest {
    private static final long KERNEL = 0xffff_8880_0000_0000L;
    private static final long USER = 0x7fff_0000_0000L;

    private final Kernel kernel = new Kernel();
    private final Machine machine = new Machine(Machine.Config.ofCpus(2));
    private final VmCpu cpu = new VmCpu(machine, kernel);
    private final Memory.Block room = Memory.allocate(4096, 8);
    private final long a = room.address();
    private final long b = room.address() + 1024;

    HelpersTest() {
        machine.addressSpace().add(room, Access.READ_WRITE, "test");
    }

    @AfterEach
    void close() {
        cpu.close();
        machine.close();
        room.close();
    }

    /** One page of kernel memory, one of the process; time stands still. */
    private static final class Kernel implements KernelServices {
        final byte[] kernelPage = new byte[4096];
        final byte[] userPage = new byte[4096];
        final List<String> lines = new ArrayList<>();
        long now = 1000;

        @Override
        public long ktimeNanos() {
            return now;
        }

        @Override
        public int cpu() {
            return 1;
        }

        @Override
        public long pidTgid() {
            return 7L << 32 | 8;
        }

        @Override
        public long uidGid() {
            return 9;
        }

        @Override
        public byte[] comm() {
            return "a-very-long-command-name".getBytes(StandardCharsets.US_ASCII);
        }

        @Override
        public long currentTask() {
            return KERNEL;
        }

        @Override
        public int random() {
            return -1;
        }

        @Override
        public boolean readKernel(long address, byte[] into, int length) {
            return read(kernelPage, address - KERNEL, into, length);
        }

        @Override
        public boolean readUser(long address, byte[] into, int length) {
            return read(userPage, address - USER, into, length);
        }

        private static boolean read(byte[] page, long offset, byte[] into, int length) {
            if (offset < 0 || offset + length > page.length) {
                return false;
            }
            System.arraycopy(page, (int) offset, into, 0, length);
            return true;
        }

        @Override
        public int stack(boolean user, int skip, long[] into) {
            long[] frames = user ? new long[] {0x400000} : new long[] {11, 12, 13};
            int count = Math.max(0, Math.min(into.length, frames.length - skip));
            System.arraycopy(frames, skip, into, 0, count);
            return count;
        }

        @Override
        public void tracePrintk(String line) {
            lines.add(line);
        }
    }

    private long call(Helper helper, long... arguments) {
        var r = Arrays.copyOf(arguments, 5);
        return machine.helper(helper.number()).orElseThrow().call(cpu, r[0], r[1], r[2], r[3], r[4]);
    }

    private static void put(byte[] page, int at, String text) {
        var bytes = text.getBytes(StandardCharsets.US_ASCII);
        System.arraycopy(bytes, 0, page, at, bytes.length);
    }

    private void put(long at, String text) {
        var bytes = (text + "\0").getBytes(StandardCharsets.US_ASCII);
        Memory.copy(bytes, 0, at, bytes.length);
    }

    private String string(long at) {
        return new String(PrintFormat.formatAt(at, 512), StandardCharsets.ISO_8859_1);
    }

    @ParameterizedTest
    @EnumSource(Helper.class)
    void everyHelperHasARow(Helper helper) {
        assertNotNull(HelperTable.function(helper, machine));
    }

    @Test
    void theTaskIsAskedOfTheKernel() {
        assertEquals(7L << 32 | 8, call(Helper.GET_CURRENT_PID_TGID));
        assertEquals(0xffff_ffffL, call(Helper.GET_PRANDOM_U32));
        assertEquals(0, call(Helper.GET_CURRENT_COMM, a, 16));
        assertEquals("a-very-long-com", string(a));
        assertEquals(0, call(Helper.GET_CURRENT_COMM, a, 4));
        assertEquals("a-v", string(a));
        assertEquals(-22, call(Helper.GET_CURRENT_COMM, a, 0));
    }

    @Test
    void memoryThatIsNotThereReadsAsZerosAndFails() {
        put(kernel.kernelPage, 8, "abcdefgh");
        assertEquals(0, call(Helper.PROBE_READ_KERNEL, a, 8, KERNEL + 8));
        assertEquals("abcdefgh", string(a).substring(0, 8));
        assertEquals(-14, call(Helper.PROBE_READ_KERNEL, a, 8, KERNEL + 4092));
        assertEquals(0, Memory.getLong(a));
        assertEquals(-14, call(Helper.PROBE_READ_USER, a, 8, KERNEL + 8));
        assertEquals(0, call(Helper.PROBE_READ_USER, a, 8, USER));
        assertEquals(0, call(Helper.PROBE_READ_KERNEL, a, 0, 12345));
        Memory.putLong(b, 99);
        assertEquals(0, call(Helper.PROBE_READ_KERNEL, a, 8, b), "the VM's own memory is kernel memory");
        assertEquals(99, Memory.getLong(a));
        assertEquals(-14, call(Helper.PROBE_READ_KERNEL, a, 8, 16), "and nothing else of the JVM's");
    }

    @Test
    void stringsEndAtTheirNulOrAtTheRoom() {
        put(kernel.kernelPage, 4090, "hello");
        assertEquals(6, call(Helper.PROBE_READ_KERNEL_STR, a, 64, KERNEL + 4090));
        assertEquals("hello", string(a));
        assertEquals(3, call(Helper.PROBE_READ_KERNEL_STR, a, 3, KERNEL + 4090));
        assertEquals("he", string(a));
        kernel.kernelPage[4095] = 'x';
        assertEquals(-14, call(Helper.PROBE_READ_KERNEL_STR, a, 64, KERNEL + 4090), "no NUL before the end");
        assertEquals(0, Memory.getLong(a));
        put(kernel.userPage, 0, "user");
        put(kernel.userPage, 5, "behind");
        assertEquals(5, call(Helper.PROBE_READ_STR, a, 64, USER));
        assertEquals(0, Memory.getByte(a + 5), "what lies behind the NUL is not copied");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '"',
            value = {
                "%d %u|-1|2|0|-1 2",
                "%ld|-1|0|0|-1",
                "%x %llx|-1|-1|0|ffffffff ffffffffffffffff",
                "%5d|%5d|0|0|ERR",
                "[%5d]|42|0|0|[   42]",
                "[%-5d]|42|0|0|[42   ]",
                "[%05d]|-42|0|0|[-0042]",
                "%c%c%%|65|66|0|AB%",
                "%#x|255|0|0|0xff",
                "%p|255|0|0|00000000000000ff",
                "%px|255|0|0|00000000000000ff",
                "%d %d %d %d|1|2|3|ERR",
                "%q|1|0|0|ERR",
                "%|1|0|0|ERR",
                "plain|0|0|0|plain",
            })
    void formatsPrintAsTheKernelDoes(String format, String first, String second, String third, String expected) {
        if (first.startsWith("%")) {
            return;
        }
        put(a, format);
        long result = call(
                Helper.TRACE_PRINTK,
                a,
                format.length() + 1,
                Long.parseLong(first),
                Long.parseLong(second),
                Long.parseLong(third));
        if (expected.equals("ERR")) {
            assertEquals(-22, result);
            assertEquals(List.of(), kernel.lines);
        } else {
            assertEquals(List.of(expected), kernel.lines);
            assertEquals(expected.length(), result);
        }
    }

    @Test
    void snprintfSaysHowMuchRoomAllWouldTake() {
        put(a, "%s=%d ip %pI4");
        put(a + 100, "name");
        Memory.putLong(b, a + 100);
        Memory.putLong(b + 8, 5);
        Memory.putLong(b + 16, a + 200);
        Memory.putInt(a + 200, 0x0100_007f);
        assertEquals(20, call(Helper.SNPRINTF, b + 100, 64, a, b, 24));
        assertEquals("name=5 ip 127.0.0.1", string(b + 100));
        assertEquals(20, call(Helper.SNPRINTF, b + 100, 5, a, b, 24));
        assertEquals("name", string(b + 100));
        assertEquals(-22, call(Helper.SNPRINTF, b + 100, 64, a, b, 23));
    }

    @ParameterizedTest
    @CsvSource({
        "12, 0, 2, 12",
        "-12, 0, 3, -12",
        "0x1f, 0, 4, 31",
        "017, 0, 3, 15",
        "12, 8, 2, 10",
        "  7, 10, 3, 7",
        "x, 0, -22, 0",
        "1, 3, -22, 0",
        "99999999999999999999, 0, -34, 0",
    })
    void numbersAreParsedAsTheKernelDoes(String text, long base, long expected, long value) {
        put(a, text.equals("7") ? "  7" : text);
        long result = call(Helper.STRTOL, a, 30, base, b);
        assertEquals(expected, result);
        if (result > 0) {
            assertEquals(value, Memory.getLong(b));
        }
    }

    @Test
    void stringsAreComparedUpToTheFirstsSize() {
        put(a, "abc");
        put(b, "abd");
        assertEquals(-1, call(Helper.STRNCMP, a, 4, b));
        assertEquals(0, call(Helper.STRNCMP, a, 2, b));
        assertEquals(1, call(Helper.STRNCMP, b, 4, a));
        assertEquals(0, call(Helper.STRNCMP, a, 4, a));
    }

    private BpfMap map(MapType type, int key, int value, int entries) {
        return machine.createMap(MapRequest.of(new MapSpec("m", type, key, value, entries, 0)));
    }

    @Test
    void stacksGoIntoMapsAndBuffers() {
        var stacks = map(MapType.STACK_TRACE, 4, 80, 64);
        long id = call(Helper.GET_STACKID, 0, stacks.handle(), 1);
        assertTrue(id >= 0);
        try (var user = new UserMap(stacks)) {
            var value = user.entries().getFirst().value();
            assertEquals(12, value[0]);
            assertEquals(13, value[8]);
        }
        assertEquals(24, call(Helper.GET_STACK, 0, a, 32, 0));
        assertEquals(13, Memory.getLong(a + 16));
        assertEquals(0, Memory.getLong(a + 24));
        assertEquals(8, call(Helper.GET_STACK, 0, a, 32, 1 << 8));
        assertEquals(-14, call(Helper.GET_STACK, 0, a, 32, 3));
        assertEquals(-22, call(Helper.GET_STACK, 0, a, 31, 0));
    }

    @Test
    void dynptrsAreBounded() {
        long dynptr = a + 512;
        assertEquals(0, call(Helper.DYNPTR_FROM_MEM, b, 16, 0, dynptr));
        Memory.putLong(a, 5);
        assertEquals(0, call(Helper.DYNPTR_WRITE, dynptr, 8, a, 8, 0));
        assertEquals(5, Memory.getLong(b + 8));
        assertEquals(-7, call(Helper.DYNPTR_WRITE, dynptr, 9, a, 8, 0));
        assertEquals(0, call(Helper.DYNPTR_READ, a, 4, dynptr, 8, 0));
        assertEquals(b + 8, call(Helper.DYNPTR_DATA, dynptr, 8, 8));
        assertEquals(0, call(Helper.DYNPTR_DATA, dynptr, 8, 9));
        assertEquals(-7, call(Helper.DYNPTR_FROM_MEM, b, 1 << 24, 0, dynptr));
        assertEquals(-22, call(Helper.DYNPTR_READ, a, 4, dynptr, 0, 0));
    }

    private long run(String text, long r1) {
        var program = new UnverifiedProgram("test", Assembler.assemble(text));
        return Backend.named("interp").compile(program, machine).run(cpu, r1);
    }

    @Test
    void callbacksRunUntilTheySayStop() {
        String program = """
                r6 = r1
                r1 = 100
                r2 = subprog[body]
                r3 = r6
                r4 = 0
                call bpf_loop
                exit
                body:
                r3 = *(u64 *)(r2 +0)
                r3 += r1
                *(u64 *)(r2 +0) = r3
                r0 = 0
                if r1 != 4 goto out
                r0 = 1
                out:
                exit
                """;
        Memory.putLong(a, 0);
        assertEquals(5, run(program, a));
        assertEquals(10, Memory.getLong(a));
        assertEquals(-7, call(Helper.LOOP, (8 << 20) + 1, 0, 0, 0));
        assertEquals(-22, call(Helper.LOOP, 1, 0, 0, 1));
    }

    @Test
    void elementsAreVisitedByACallback() {
        var array = map(MapType.ARRAY, 4, 8, 5);
        for (int i = 0; i < 5; i++) {
            Memory.putInt(a, i);
            Memory.putLong(b, 10 * i);
            array.update(a, b, 0, 0);
        }
        String program = """
                r6 = r1
                r1 = map[fd:%d]
                r2 = subprog[body]
                r3 = r6
                r4 = 0
                call bpf_for_each_map_elem
                exit
                body:
                r5 = *(u32 *)(r2 +0)
                r1 = *(u64 *)(r3 +0)
                r1 += r5
                r5 = *(u64 *)(r4 +0)
                r5 += r1
                *(u64 *)(r4 +0) = r5
                r0 = 0
                exit
                """.formatted(array.id());
        Memory.putLong(a, 0);
        assertEquals(5, run(program, a));
        assertEquals(110, Memory.getLong(a));
    }

    @Test
    void timersRunWhenTheirTimeHasCome() {
        var field = skep.vm.verifier.SpecialField.of(skep.vm.verifier.SpecialField.Kind.TIMER, 8);
        var hash = machine.createMap(
                MapRequest.of(new MapSpec("timers", MapType.HASH, 8, 24, 4, 0)).withFields(List.of(field)));
        Memory.putLong(a, 77);
        Memory.putLong(b, 0);
        assertEquals(0, hash.update(a, b, 0, 0));
        long value = hash.lookup(a, 0);
        String program = """
                r6 = r1
                r7 = r2
                r1 += 8
                r2 = map[fd:%d]
                r3 = 1
                call bpf_timer_init
                r1 = r6
                r1 += 8
                r2 = subprog[fire]
                call bpf_timer_set_callback
                r1 = r6
                r1 += 8
                r2 = 500
                r3 = 0
                call bpf_timer_start
                exit
                fire:
                r4 = *(u64 *)(r2 +0)
                *(u64 *)(r3 +0) = r4
                r0 = 0
                exit
                """.formatted(hash.id());
        assertEquals(0, run(program, value));
        assertEquals(1500, machine.timers().nextNanos().orElseThrow());
        assertEquals(0, machine.timers().runDue(cpu));
        kernel.now = 1500;
        assertEquals(1, machine.timers().runDue(cpu));
        assertEquals(77, Memory.getLong(value), "the callback was given the key");
        assertEquals(0, machine.timers().runDue(cpu));
        assertEquals(0, run(program.replace("call bpf_timer_init", "r0 = 0"), value));
        assertEquals(0, hash.delete(a));
        assertTrue(machine.timers().nextNanos().isEmpty(), "it went with its element");
    }
}
