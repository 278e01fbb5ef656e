package skep.vm.verifier;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;
import skep.isa.Bytecode;
import skep.isa.kernel.ProgramType;
import skep.isa.object.LineTable;
import skep.isa.object.ProgramSpec;
import skep.target.LoadException;
import skep.target.LoadOptions;
import skep.vm.Machine;
import skep.vm.syscall.BpfProcess;
import skep.vm.syscall.BpfSystem;
import skep.vm.syscall.TestRun;

/** Accepted random programs are run, and at every instruction each register and stack slot holds what was believed possible. */
class BeliefTest {
    private static final int RANDOM_NUMBER = 7;
    private static final int[] ALU = {
        Code.ADD, Code.SUB, Code.MUL, Code.AND, Code.OR, Code.XOR, Code.LSH, Code.RSH, Code.ARSH, Code.MOV, Code.NEG
    };
    private static final int[] JUMPS = {
        Code.JEQ, Code.JNE, Code.JGT, Code.JGE, Code.JLT, Code.JLE, Code.JSGT, Code.JSGE, Code.JSLT, Code.JSLE,
        Code.JSET
    };

    /** Four unknown numbers, then arithmetic, comparisons that jump forward, spills and fills. */
    private static Bytecode program(Random random) {
        int length = 60;
        var slots = new long[length];
        int at = 0;
        for (int reg = 6; reg <= 9; reg++) {
            slots[at++] = Bytecode.pack(Code.JMP | Code.CALL, 0, 0, 0, RANDOM_NUMBER);
            slots[at++] = Bytecode.pack(Code.ALU64 | Code.MOV | Code.X, reg, 0, 0, 0);
        }
        for (int spi = 1; spi <= 2; spi++) {
            slots[at++] = Bytecode.pack(0x7b, 10, 5 + spi, -8 * spi, 0);
        }
        while (at < length - 2) {
            slots[at] = insn(random, length - 3 - at);
            at++;
        }
        slots[at++] = Bytecode.pack(Code.ALU64 | Code.MOV, 0, 0, 0, 0);
        slots[at] = Bytecode.pack(Code.JMP | Code.EXIT, 0, 0, 0, 0);
        return Bytecode.of(slots);
    }

    private static long insn(Random random, int room) {
        int dst = 6 + random.nextInt(4);
        int src = 6 + random.nextInt(4);
        int imm = switch (random.nextInt(4)) {
            case 0 -> random.nextInt();
            case 1 -> -random.nextInt(64);
            default -> random.nextInt(64);
        };
        boolean x = random.nextBoolean();
        boolean wide = random.nextBoolean();
        switch (random.nextInt(10)) {
            case 0 -> {
                return Bytecode.pack(random.nextBoolean() ? 0x7b : 0x63, 10, src, -8 * (1 + random.nextInt(2)), 0);
            }
            case 1 -> {
                return Bytecode.pack(random.nextBoolean() ? 0x79 : 0x61, dst, 10, -8 * (1 + random.nextInt(2)), 0);
            }
            case 2, 3, 4 -> {
                int op = JUMPS[random.nextInt(JUMPS.length)] | (wide ? Code.JMP : Code.JMP32) | (x ? Code.X : 0);
                return Bytecode.pack(op, dst, x ? src : 0, random.nextInt(Math.max(1, Math.min(8, room))), x ? 0 : imm);
            }
            default -> {
                int operation = ALU[random.nextInt(ALU.length)];
                boolean shift = operation == Code.LSH || operation == Code.RSH || operation == Code.ARSH;
                boolean negate = operation == Code.NEG;
                boolean reg = x && !shift && !negate;
                int value = shift ? random.nextInt(wide ? 64 : 32) : negate ? 0 : imm;
                int op = operation | (wide ? Code.ALU64 : Code.ALU) | (reg ? Code.X : 0);
                return Bytecode.pack(op, dst, reg ? src : 0, 0, reg ? 0 : value);
            }
        }
    }

    @Property(seed = "20261130", tries = 1500)
    void registersAndStackHoldWhatWasBelieved(@ForAll long seed) {
        var spec = new ProgramSpec(
                "random",
                ProgramType.SOCKET_FILTER,
                Optional.empty(),
                "",
                "GPL",
                program(new Random(seed)),
                List.of(),
                LineTable.EMPTY);
        try (var system = new BpfSystem(new Machine(Machine.Config.ofCpus(1)));
                var process = new BpfProcess(system)) {
            int program = process.progLoad(spec, new LoadOptions(0, "interp-beliefs"));
            for (int run = 0; run < 6; run++) {
                process.progTestRun(program, TestRun.Request.ofPacket(new byte[64]));
            }
        } catch (LoadException rejected) {
            // not every random program is safe
        }
    }

    /** Were nothing checked, the test above would pass too. */
    @Test
    void aFalseBeliefIsNoticed() {
        var seven = new Belief(Belief.Content.NUMBER, 7, 7, 7, 7, 7, 7, 7, 7, -1, 7);
        assertTrue(seven.admits(7, 0));
        assertFalse(seven.admits(8, 0));
        var at = new Belief.At(
                Collections.nCopies(11, Belief.NONE),
                List.of(new Belief.Slot(0x80, seven, 4), new Belief.Slot(0, seven, 8)));
        var registers = new long[11];
        assertEquals("", at.contradiction(registers, 0, address -> 7));
        assertTrue(at.contradiction(registers, 0, address -> address == -8 ? 1L << 56 | 7 : 7)
                .startsWith("fp-8 = "));
        assertTrue(
                at.contradiction(registers, 0, address -> address == -8 ? 7 : 9).startsWith("fp-16 = 9"));
    }
}
