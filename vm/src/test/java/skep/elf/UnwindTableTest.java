package skep.elf;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;

class UnwindTableTest {
    private static final int SP = 7;
    private static final int BP = 6;
    private static final int RETURN = 16;
    private static final long SECTION = 0x10000;
    private static final long CODE = 0x4000;

    /** A common part for x86-64, as compilers write it, and one function of 0x40 bytes with these instructions. */
    private static byte[] table(int... instructions) {
        var out = new ByteArrayOutputStream();
        entry(out, 0, new int[] {1, 'z', 'R', 0, 1, 0x78, 16, 1, 0x1b, 0x0c, SP, 8, 0x80 + RETURN, 1});
        int at = out.size();
        int[] body = new int[9 + instructions.length];
        put(body, 0, (int) (CODE - (SECTION + at + 8)));
        put(body, 4, 0x40);
        System.arraycopy(instructions, 0, body, 9, instructions.length);
        entry(out, at + 4, body);
        out.writeBytes(new byte[4]);
        return out.toByteArray();
    }

    private static void put(int[] body, int at, int value) {
        for (int i = 0; i < 4; i++) {
            body[at + i] = value >> 8 * i & 0xff;
        }
    }

    private static void entry(ByteArrayOutputStream out, int id, int[] body) {
        int padded = (body.length + 4 + 3) / 4 * 4;
        out.writeBytes(ByteBuffer.allocate(8)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putInt(padded)
                .putInt(id)
                .array());
        for (int b : body) {
            out.write(b);
        }
        out.writeBytes(new byte[padded - 4 - body.length]);
    }

    private static UnwindRow.Memory memory(Map<Long, Long> words) {
        return address -> words.containsKey(address) ? OptionalLong.of(words.get(address)) : OptionalLong.empty();
    }

    private static long[] registers(long sp, long bp) {
        var registers = new long[17];
        registers[SP] = sp;
        registers[BP] = bp;
        return registers;
    }

    private static UnwindRow.Caller caller(byte[] table, long at, long[] registers, Map<Long, Long> words) {
        return UnwindTable.of(table, SECTION)
                .at(at)
                .orElseThrow()
                .caller(registers, SP, memory(words))
                .orElseThrow();
    }

    @Test
    void aFrameGrowsAsItsInstructionsSayAndGivesBackWhatWasSaved() {
        // push rbp (1 byte): frame at sp + 16, rbp saved; mov rbp, rsp (3): frame from rbp
        var table = table(0x41, 0x0e, 16, 0x80 + BP, 2, 0x43, 0x0d, BP);
        var words = Map.of(0x1000L, 0x5555L, 0x1008L, 0x1234L, 0x2000L, 0x7777L, 0x2008L, 0x4321L);
        var atEntry = caller(table, CODE, registers(0x1008, 9), words);
        assertEquals(0x1234, atEntry.address());
        assertEquals(0x1010, atEntry.registers()[SP]);
        assertEquals(9, atEntry.registers()[BP]);
        var pushed = caller(table, CODE + 1, registers(0x1000, 9), words);
        assertEquals(0x1234, pushed.address());
        assertEquals(0x5555, pushed.registers()[BP]);
        var inside = caller(table, CODE + 0x20, registers(0x1f00, 0x2000), words);
        assertEquals(0x4321, inside.address());
        assertEquals(0x2010, inside.registers()[SP]);
        assertEquals(0x7777, inside.registers()[BP]);
    }

    @Test
    void aRememberedStateComesBackAfterAnEarlyReturn() {
        // remember; frame at sp + 8; (2 bytes on) restore: frame at sp + 64
        var table = table(0x0e, 64, 0x41, 0x0a, 0x0e, 8, 0x42, 0x0b);
        var words = Map.of(0x1038L, 1L, 0x1000L, 2L);
        assertEquals(1, caller(table, CODE, registers(0x1000, 0), words).address());
        assertEquals(2, caller(table, CODE + 1, registers(0x1000, 0), words).address());
        assertEquals(1, caller(table, CODE + 3, registers(0x1000, 0), words).address());
    }

    @Test
    void aFrameMayBeTheValueOfAnExpression() {
        // As linkers write it for jumps through the procedure linkage table: sp + 8 + ((pc & 15) >= 11) * 8
        var plt = new int[] {0x0f, 11, 0x77, 8, 0x80, 0, 0x3f, 0x1a, 0x3b, 0x2a, 0x33, 0x24, 0x22};
        var table = table(plt);
        var words = Map.of(0x1000L, 1L, 0x1008L, 2L);
        var early = registers(0x1000, 0);
        early[RETURN] = CODE + 0x16;
        assertEquals(1, caller(table, CODE + 0x16, early, words).address());
        var late = registers(0x1000, 0);
        late[RETURN] = CODE + 0x1b;
        assertEquals(2, caller(table, CODE + 0x1b, late, words).address());
    }

    @Test
    void theOutermostFunctionHasNoCallerAndUnknownPlacesHaveNoRow() {
        var table = UnwindTable.of(table(0x07, RETURN), SECTION);
        var row = table.at(CODE).orElseThrow();
        assertTrue(row.caller(registers(0x1000, 0), SP, memory(Map.of(0x1000L, 1L)))
                .isEmpty());
        assertTrue(table.at(CODE - 1).isEmpty());
        assertTrue(table.at(CODE + 0x40).isEmpty());
        var saved = UnwindTable.of(table(), SECTION).at(CODE).orElseThrow();
        assertTrue(saved.caller(registers(0x1000, 0), SP, memory(Map.of())).isEmpty(), "memory that was not copied");
    }

    @Test
    void atItsFirstInstructionEveryFunctionOfARealLibraryReturnsToTheTopOfTheStack() throws IOException {
        Path library;
        try (var files = Stream.of("/lib/x86_64-linux-gnu/libc.so.6", "/lib64/libc.so.6", "/usr/lib/libc.so.6")) {
            var found = files.map(Path::of).filter(Files::isReadable).findFirst();
            Assumptions.assumeTrue(found.isPresent(), "no C library here");
            library = found.get();
        }
        var file = ElfFile.of(Files.readAllBytes(library));
        Assumptions.assumeTrue(file.machine() == ElfFile.MACHINE_X86_64, "another processor's library");
        var table = UnwindTable.of(file).getFirst();
        assertTrue(table.size() > 1000);
        var words = new HashMap<Long, Long>();
        words.put(0x7000L, 0xabcdL);
        int functions = 0;
        int right = 0;
        for (var name : file.symbols().functions()) {
            long address = file.symbols().find(name).orElseThrow().address();
            var row = table.at(address);
            if (row.isPresent()) {
                functions++;
                var caller = row.get().caller(registers(0x7000, 1), SP, memory(words));
                right += caller.isPresent()
                                && caller.get().address() == 0xabcd
                                && caller.get().registers()[SP] == 0x7008
                        ? 1
                        : 0;
            }
        }
        assertTrue(functions > 1000 && right >= functions - 5, right + " of " + functions);
    }

    @Test
    void damagedTablesAreRefusedOrReadButNothingElseHappens() {
        var whole = table(0x41, 0x0e, 16, 0x80 + BP, 2, 0x43, 0x0d, BP, 0x0a, 0x0f, 3, 0x77, 8, 0x06, 0x0b);
        var random = new Random(7);
        for (int i = 0; i < 20_000; i++) {
            var bytes = whole.clone();
            for (int n = random.nextInt(4); n >= 0; n--) {
                bytes[random.nextInt(bytes.length)] = (byte) random.nextInt(256);
            }
            try {
                var table = UnwindTable.of(bytes, SECTION);
                table.at(CODE + 5)
                        .ifPresent(row -> row.caller(registers(0x1000, 0x1000), SP, a -> OptionalLong.of(a ^ 1)));
            } catch (MalformedElfException refused) {
                assertTrue(!refused.getMessage().isEmpty());
            }
        }
    }
}
