package skep.vm.verifier;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import skep.isa.Bytecode;
import skep.isa.kernel.ProgramType;

/** Accepted random programs are run, and at every instruction each register holds what the verifier believed possible. */
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

    @Property(tries = 3000)
    void registersHoldWhatWasBelieved(@ForAll long seed) {
        var random = new Random(seed);
        var code = program(random);
        var verdict = Verifier.verify(VerifierInput.of(code, ProgramType.SOCKET_FILTER)
                .recordFacts(true)
                .logLevel(0)
                .build());
        if (!(verdict instanceof Verdict.Accepted accepted)) {
            return;
        }
        for (int run = 0; run < 8; run++) {
            run(code, accepted.program(), random, seed);
        }
    }

    private static void run(Bytecode code, VerifiedProgram program, Random random, long seed) {
        var regs = new long[11];
        var stack = new long[3];
        for (int i = 0; ; ) {
            var belief = program.belief(i).orElseThrow();
            assertTrue(program.fact(i).reached(), "slot " + i + " was believed dead, seed " + seed);
            for (int r = 6; r <= 9; r++) {
                int at = i;
                int reg = r;
                assertTrue(
                        belief.registers().get(r).admits(regs[r]),
                        () -> "slot " + at + " r" + reg + " = " + regs[reg] + " is not in "
                                + belief.registers().get(reg) + ", seed " + seed);
            }
            int cls = code.opcode(i) & 7;
            int operation = code.opcode(i) & 0xf0;
            int dst = code.dst(i);
            boolean x = (code.opcode(i) & Code.X) != 0;
            if (cls == Code.STX) {
                int slot = -code.off(i) / 8;
                stack[slot] = code.opcode(i) == 0x7b
                        ? regs[code.src(i)]
                        : (stack[slot] & ~0xffff_ffffL) | (regs[code.src(i)] & 0xffff_ffffL);
                i++;
            } else if (cls == Code.LDX) {
                int slot = -code.off(i) / 8;
                regs[dst] = code.opcode(i) == 0x79 ? stack[slot] : stack[slot] & 0xffff_ffffL;
                i++;
            } else if (cls == Code.ALU || cls == Code.ALU64) {
                long operand = x ? regs[code.src(i)] : code.imm(i);
                boolean narrow = cls == Code.ALU;
                regs[dst] = operation == Code.MOV
                        ? narrow ? operand & 0xffff_ffffL : operand
                        : ScalarSoundnessTest.compute(operation, narrow, regs[dst], operand);
                i++;
            } else if (operation == Code.CALL) {
                regs[0] = switch (random.nextInt(3)) {
                    case 0 -> random.nextInt(64);
                    case 1 -> random.nextInt();
                    default -> random.nextLong();
                };
                i++;
            } else if (operation == Code.EXIT) {
                return;
            } else {
                long operand = x ? regs[code.src(i)] : code.imm(i);
                boolean holds = ScalarSoundnessTest.compare(operation, cls == Code.JMP32, regs[dst], operand);
                i += holds ? code.off(i) + 1 : 1;
            }
        }
    }
}
