package skep.isa;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import skep.isa.Xlated.Internal;
import skep.isa.Xlated.Listing;
import skep.isa.object.LineTable;

class XlatedTest {
    private static final int MOV64 = 0xbf;
    private static final int CALL = 0x85;
    private static final long EXIT = InsnCodec.encode(new Insn.Exit());

    private static String text(long... slots) {
        var code = Bytecode.of(slots);
        return Xlated.of(code).text(code, Listing.of(LineTable.EMPTY));
    }

    @Test
    void theAddressOfThisCpusCopyIsAMoveWithANote() {
        var xlated = Xlated.of(Bytecode.of(Bytecode.pack(MOV64, 0, 2, -1, 0), EXIT));
        assertEquals(Optional.of(Internal.PER_CPU_ADDRESS), xlated.internal(0));
        assertEquals("r0 = this_cpu(r2)", xlated.text(0));
        assertEquals(
                "r0 = r2", Disassembler.text(DecodedProgram.of(xlated.plain()).at(0)));
    }

    @Test
    void aCallOfAJitedProgramLeadsWhereItsOffsetFieldSays() {
        // The immediate is the number of the function.
        var xlated =
                Xlated.of(Bytecode.of(Bytecode.pack(CALL, 0, 1, 1, 1), EXIT, Bytecode.pack(0xb7, 0, 0, 0, 7), EXIT));
        assertEquals(2, DecodedProgram.of(xlated.plain()).callee(0));
        // Before it is jited, the immediate is the distance.
        assertEquals(
                "call pc+1",
                Xlated.of(Bytecode.of(Bytecode.pack(CALL, 0, 1, 0, 1))).text(0));
    }

    @Test
    void whatClearsTheUpperHalfIsAMove() {
        assertEquals("   0: (bc) w3 = w3\n", text(Bytecode.pack(0xbc, 3, 3, 0, 1)));
    }

    @Test
    void aBarrierAgainstSpeculationGoesNowhere() {
        var xlated = Xlated.of(Bytecode.of(Bytecode.pack(0xb7, 0, 0, 0, 0), Bytecode.pack(0xc2, 0, 0, 0, 0), EXIT));
        assertEquals("nospec", xlated.text(1));
        assertEquals(2, DecodedProgram.of(xlated.plain()).target(1));
    }

    @Test
    void theKernelsOwnRegisterIsShown() {
        assertEquals(
                "r11 = r9",
                Xlated.of(Bytecode.of(Bytecode.pack(MOV64, 11, 9, 0, 0))).text(0));
        assertEquals(
                "r8 ^= r11",
                Xlated.of(Bytecode.of(Bytecode.pack(0xaf, 8, 11, 0, 0))).text(0));
    }

    @Test
    void aHelperByAddressIsNotTakenForOneByNumber() {
        assertEquals(
                "call __bpf_call_base+274304",
                Xlated.of(Bytecode.of(Bytecode.pack(CALL, 0, 0, 0, 274304))).text(0));
        assertTrue(text(Bytecode.pack(CALL, 0, 0, 0, 8), EXIT).contains("call bpf_get_smp_processor_id#8"));
    }

    @Test
    void aSourceLineStandsInFrontOfWhatItMade() {
        var lines = new LineTable(List.of(
                new LineTable.Entry(0, "a.bt", 0, 0, 1, "  @ = 1;"), new LineTable.Entry(2, "a.bt", 0, 0, 2, "}")));
        var code = Bytecode.of(Bytecode.pack(0xb7, 0, 0, 0, 1), Bytecode.pack(0xb7, 1, 0, 0, 1), EXIT);
        assertEquals("""
                ; @ = 1;
                   0: (b7) r0 = 1
                   1: (b7) r1 = 1
                ; }
                   2: (95) exit
                """, Xlated.of(code).text(code, Listing.of(lines)));
    }

    @Test
    void aListingHasNamesBytesAndPlacesWhereTheyAreWanted() {
        var lines = new LineTable(List.of(new LineTable.Entry(0, "a.c", 2, 9, 7, "  f(&m);")));
        var code = Bytecode.of(
                Bytecode.pack(0x18, 1, 1, 0, 12),
                0,
                Bytecode.pack(CALL, 0, 0, 0, 274304),
                Bytecode.pack(CALL, 0, 1, 1, 1),
                EXIT,
                EXIT);
        var listing = new Listing(
                lines,
                Map.of(0, "int f(void * ctx)"),
                imm -> imm == 274304 ? Optional.of("bpf_ktime_get_ns") : Optional.empty(),
                number -> Optional.of("g" + number),
                true,
                true);
        assertEquals("""
                int f(void * ctx):
                ; f(&m); [file:a.c line_num:7 line_col:3]
                   0: (18) r1 = map[id:12]
                       18 11 00 00 0c 00 00 00 00 00 00 00 00 00 00 00
                   2: (85) call bpf_ktime_get_ns#274304
                       85 00 00 00 80 2f 04 00
                   3: (85) call pc+1#g1
                       85 10 01 00 01 00 00 00
                   4: (95) exit
                       95 00 00 00 00 00 00 00
                   5: (95) exit
                       95 00 00 00 00 00 00 00
                """, Xlated.of(code).text(code, listing));
    }
}
