package skep.linux;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import skep.isa.Assembler;
import skep.isa.kernel.ProgramType;
import skep.isa.object.BpfObject;
import skep.isa.object.LineTable;
import skep.isa.object.ProgramSpec;
import skep.target.LoadException;
import skep.target.LoadOptions;
import skep.target.MachineImage;
import skep.target.Target;
import skep.target.TargetException;

/** The live kernel is told which source made which instruction, and tells it again. */
class SourceLinesTest {
    private Target target;

    @BeforeEach
    void open() {
        try {
            target = new LinuxTargetProvider().open("");
        } catch (TargetException refusal) {
            Assumptions.abort("Unsupported " + refusal.getMessage());
        }
    }

    @AfterEach
    void close() {
        target.close();
    }

    private static LineTable.Entry line(int slot, int line, String text) {
        return new LineTable.Entry(slot, "count.bt", 0, 0, line, text);
    }

    private static BpfObject object(String assembly, LineTable lines, List<ProgramSpec.FunctionEntry> functions) {
        var program = new ProgramSpec(
                "lines",
                ProgramType.SOCKET_FILTER,
                Optional.empty(),
                "",
                "GPL",
                Assembler.assemble(assembly),
                List.of(),
                lines,
                functions);
        return new BpfObject(List.of(program), List.of());
    }

    private MachineImage image(BpfObject object) {
        try (var loaded = target.load(object, LoadOptions.DEFAULT);
                var inventory = target.inventory().orElseThrow()) {
            long id = loaded.programs().getFirst().id();
            return inventory.image((int) id).orElseThrow();
        }
    }

    @Test
    void theLinesOfALoadedProgramAreReadBackWithTheirPlaces() {
        var lines = new LineTable(List.of(line(0, 1, "begin {"), line(1, 3, "  $x = 7;"), line(2, 9, "}")));
        var image = image(object("r1 = *(u32 *)(r1 +0)\nr0 = 7\nr0 += r1\nexit", lines, List.of()));
        assertEquals(
                List.of("0 count.bt:1 begin {", "1 count.bt:3 $x = 7;", "2 count.bt:9 }"),
                image.lines().entries().stream()
                        .map(at -> at.insn() + " " + at.source() + ":" + at.line() + " " + at.text())
                        .toList());
        assertEquals(3, image.lineAddresses().size());
        long begin = image.addresses().getFirst();
        for (long address : image.lineAddresses()) {
            assertTrue(address >= begin && address < begin + image.code().length);
        }
    }

    @Test
    void everyFunctionHasALineEvenWhereOneLineMadeSeveral() {
        var lines = new LineTable(List.of(line(1, 4, "f();")));
        var functions = List.of(new ProgramSpec.FunctionEntry(0, "lines", 1), new ProgramSpec.FunctionEntry(3, "f", 1));
        var image = image(object("r1 = 5\ncall pc+1\nexit\nr0 = r1\nexit", lines, functions));
        assertEquals(
                List.of(0, 1, 3),
                image.lines().entries().stream().map(LineTable.Entry::insn).toList());
        assertEquals(2, image.functionBytes().size());
    }

    @Test
    void functionsAndHelpersHaveTheirNames() {
        var lines = new LineTable(List.of(line(0, 1, "f();")));
        var functions = List.of(new ProgramSpec.FunctionEntry(0, "lines", 1), new ProgramSpec.FunctionEntry(4, "f", 1));
        var object = object("r1 = 5\ncall pc+2\ncall 5\nexit\nr0 = r1\nexit", lines, functions);
        try (var loaded = target.load(object, LoadOptions.DEFAULT);
                var inventory = target.inventory().orElseThrow()) {
            int id = (int) loaded.programs().getFirst().id();
            var heads = inventory.functions(id);
            assertEquals(
                    List.of("lines", "f"),
                    heads.stream().map(head -> head.name()).toList());
            assertTrue(heads.getLast().declaration().contains(" f("), heads.toString());
            // The helper of number 5 is called by its address, which only those learn who may read the symbols.
            var xlated = inventory.xlated(id);
            for (int slot = 0; slot < xlated.size(); slot++) {
                int imm = xlated.imm(slot);
                if (xlated.opcode(slot) == 0x85 && xlated.src(slot) == 0 && imm > 4096) {
                    inventory.helperAt(imm).ifPresent(name -> assertEquals("bpf_ktime_get_ns", name));
                }
            }
        }
    }

    @Test
    void linesThatTheKernelRefusesAreLeftOut() {
        var lines = new LineTable(List.of(line(0, 1, "first"), line(17, 2, "behind the end")));
        assertEquals(
                List.of(),
                image(object("r0 = 0\nexit", lines, List.of())).lines().entries());
    }

    @Test
    void aRefusedProgramSaysTheVerifiersReasonAndNotItsOwnSource() {
        var lines = new LineTable(List.of(line(0, 1, "return *0;")));
        var object = object("r0 = *(u64 *)(r10 +8)\nexit", lines, List.of());
        var refusal = assertThrows(
                LoadException.class,
                () -> target.load(object, LoadOptions.DEFAULT).close());
        var message = String.valueOf(refusal.getMessage());
        assertTrue(message.contains("count.bt:1 \"return *0;\""), message);
        assertFalse(message.contains("; return"), message);
    }
}
