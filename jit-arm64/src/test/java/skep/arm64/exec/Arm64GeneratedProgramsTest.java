package skep.arm64.exec;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.Predicate;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import skep.arm64.lower.UnsupportedInsnException;
import skep.isa.AluOp;
import skep.isa.AtomicOp;
import skep.isa.DecodedProgram;
import skep.isa.Disassembler;
import skep.isa.Insn;
import skep.isa.InsnCodec;
import skep.isa.JumpOp;
import skep.isa.MemSize;
import skep.isa.Operand;
import skep.isa.Reg;
import skep.isa.Width;
import skep.vm.Backend;
import skep.vm.KernelServices;
import skep.vm.UnverifiedProgram;
import skep.vm.VmCpu;
import skep.vm.VmRuntime;

/** Random programs give the same result as A64 and in the interpreter. */
class Arm64GeneratedProgramsTest {
    private static final long SEED = Long.getLong("skep.seed", 20_261_122);
    private static final int LENGTH = 60;
    private static final int PROGRAMS = Integer.getInteger("skep.programs", 300);
    private static final long[] INTERESTING = {
        0,
        1,
        -1,
        2,
        7,
        8,
        31,
        32,
        63,
        64,
        255,
        256,
        4095,
        4096,
        65535,
        65536,
        0x7fff_ffffL,
        0x8000_0000L,
        0xffff_ffffL,
        Long.MAX_VALUE,
        Long.MIN_VALUE,
        0x5555_5555_5555_5555L,
        0xff00_00ff_0000_ff00L
    };

    @Test
    void aFewHundredProgramsAgree() {
        compare(PROGRAMS);
    }

    @Test
    @Tag("slow")
    void manyProgramsAgree() {
        compare(100 * PROGRAMS);
    }

    /** Verified code, and what it could be: without tests before accesses, with what neighbours have in common merged. */
    @ParameterizedTest
    @EnumSource
    void programsAgreeHoweverTheyAreMade(EmulatedBatch.Way way, @TempDir Path scratch)
            throws IOException, InterruptedException {
        Assumptions.assumeTrue(
                Files.isExecutable(Path.of("/usr/bin/qemu-aarch64")),
                "qemu-aarch64 is not installed (Debian: apt install qemu-user)");
        var interpreter = Backend.named("interp");
        var random = new Random(SEED + way.ordinal());
        var codes = new ArrayList<skep.isa.Bytecode>();
        var jobs = new ArrayList<EmulatedBatch.Job>();
        while (jobs.size() < PROGRAMS) {
            var code = InsnCodec.encode(program(random, insn -> isKnown(way, insn)));
            codes.add(code);
            jobs.add(new EmulatedBatch.Job(DecodedProgram.of(code), new byte[8]));
        }
        var results = new EmulatedBatch(scratch, way).run(jobs);
        for (int i = 0; i < jobs.size(); i++) {
            int number = i;
            assertEquals(
                    java.util.OptionalLong.of(run(interpreter, codes.get(i))),
                    results.get(i),
                    () -> way + ", seed " + (SEED + way.ordinal()) + ", program " + number + ":\n"
                            + Disassembler.text(codes.get(number)));
        }
    }

    /** Linux refuses what is newer than itself. */
    private static boolean isKnown(EmulatedBatch.Way way, Insn insn) {
        if (insn instanceof Insn.Branch) {
            return true;
        }
        var first = new Insn.Alu(AluOp.MOV, Width.W64, Reg.R0, Operand.of(1));
        var program = DecodedProgram.of(InsnCodec.encode(List.of(first, insn, new Insn.Exit())));
        try {
            way.lower(program, new EmulatedBatch.TestCalls(program, 0));
            return true;
        } catch (UnsupportedInsnException newerThanLinux) {
            assertTrue(newerThanLinux.getMessage().startsWith("Linux 6.1 "), newerThanLinux.getMessage());
            return false;
        }
    }

    @Test
    void aProgramOf98800InstructionsRuns(@TempDir Path scratch) throws IOException, InterruptedException {
        Assumptions.assumeTrue(
                Files.isExecutable(Path.of("/usr/bin/qemu-aarch64")),
                "qemu-aarch64 is not installed (Debian: apt install qemu-user)");
        var code = skep.isa.Assembler.assemble("r0 = 1\n" + "r0 *= 3\nr0 ^= 5\n".repeat(49_399) + "exit");
        assertEquals(98_800, code.size());
        var job = new EmulatedBatch.Job(DecodedProgram.of(code), new byte[8]);
        var results = new EmulatedBatch(scratch, EmulatedBatch.Way.VERIFIED).run(List.of(job));
        assertEquals(java.util.OptionalLong.of(run(Backend.named("interp"), code)), results.getFirst());
    }

    private static void compare(int programs) {
        var arm64 = new Arm64Backend();
        Assumptions.assumeTrue(
                arm64.unavailableReason().isEmpty(),
                () -> arm64.unavailableReason().orElse(""));
        arm64.prepare();
        var interpreter = Backend.named("interp");
        var random = new Random(SEED);
        for (int i = 0; i < programs; i++) {
            var code = InsnCodec.encode(program(random, _ -> true));
            long expected = run(interpreter, code);
            long actual = run(arm64, code);
            int number = i;
            assertEquals(
                    expected, actual, () -> "seed " + SEED + ", program " + number + ":\n" + Disassembler.text(code));
        }
    }

    private static long run(Backend backend, skep.isa.Bytecode code) {
        var runtime = VmRuntime.bare(Map.of());
        try (var cpu = new VmCpu(runtime, KernelServices.detached());
                var program = backend.compile(new UnverifiedProgram("generated", code), runtime)) {
            return program.run(cpu, 0);
        }
    }

    /** All registers set, then operations, forward branches and accesses to the stack; at the end all registers are mixed into r0. */
    private static List<Insn> program(Random random, Predicate<Insn> known) {
        var insns = new ArrayList<Insn>();
        for (int r = 0; r < 10; r++) {
            insns.add(new Insn.LoadImm64(Reg.of(r), Insn.ImmKind.NUMBER, number(random)));
        }
        for (int slot = 8; slot <= 64; slot += 8) {
            insns.add(new Insn.Store(MemSize.DW, Reg.R10, (short) -slot, Operand.of(Reg.of(random.nextInt(10)))));
        }
        int end = insns.size() + LENGTH;
        while (insns.size() < end) {
            var insn = insn(random, end - insns.size() - 1);
            if (known.test(insn)) {
                insns.add(insn);
            }
        }
        for (int slot = 8; slot <= 64; slot += 8) {
            insns.add(new Insn.Load(MemSize.DW, false, Reg.R1, Reg.R10, (short) -slot));
            insns.add(new Insn.Alu(AluOp.XOR, Width.W64, Reg.R0, Operand.of(Reg.R1)));
        }
        for (int r = 2; r < 10; r++) {
            insns.add(new Insn.Alu(AluOp.MUL, Width.W64, Reg.R0, Operand.of(31)));
            insns.add(new Insn.Alu(AluOp.ADD, Width.W64, Reg.R0, Operand.of(Reg.of(r))));
        }
        insns.add(new Insn.Exit());
        return insns;
    }

    private static Insn insn(Random random, int left) {
        var reg = Reg.of(random.nextInt(10));
        return switch (random.nextInt(10)) {
            case 0 ->
                new Insn.Load(
                        pick(random, MemSize.values()), false, reg, Reg.R10, (short) -(8 + 8 * random.nextInt(8)));
            case 1 ->
                new Insn.Load(pick(random, new MemSize[] {MemSize.B, MemSize.H, MemSize.W}), true, reg, Reg.R10, (short)
                        -(8 + 8 * random.nextInt(8)));
            case 2 ->
                new Insn.Store(
                        pick(random, MemSize.values()), Reg.R10, (short) -(8 + 8 * random.nextInt(8)), operand(random));
            case 3 -> new Insn.Swap(pick(random, Insn.Swap.Order.values()), 16 << random.nextInt(3), reg);
            case 4 -> {
                var op = pick(random, AtomicOp.values());
                var size = random.nextBoolean() ? MemSize.W : MemSize.DW;
                yield new Insn.Atomic(op, size, Reg.R10, (short) -(8 + 8 * random.nextInt(8)), reg);
            }
            case 5 ->
                new Insn.Branch(
                        pick(random, JumpOp.values()), pick(random, Width.values()), reg, operand(random), (short)
                                random.nextInt(Math.min(6, left + 1)));
            default -> alu(random, reg);
        };
    }

    private static Insn alu(Random random, Reg dst) {
        var op = pick(random, AluOp.values());
        var width = op == AluOp.MOVSX32 ? Width.W64 : pick(random, Width.values());
        var src = switch (op) {
            case MOVSX8, MOVSX16, MOVSX32 -> Operand.of(Reg.of(random.nextInt(10)));
            case NEG -> Operand.of(0);
            case LSH, RSH, ARSH ->
                random.nextBoolean()
                        ? Operand.of(random.nextInt(width.bits()))
                        : Operand.of(Reg.of(random.nextInt(10)));
            case DIV, MOD, SDIV, SMOD -> {
                var candidate = operand(random);
                yield candidate instanceof Operand.OfImm(int imm) && imm == 0 ? Operand.of(3) : candidate;
            }
            default -> operand(random);
        };
        return new Insn.Alu(op, width, dst, src);
    }

    private static Operand operand(Random random) {
        return random.nextBoolean() ? Operand.of(Reg.of(random.nextInt(10))) : Operand.of((int) number(random));
    }

    private static long number(Random random) {
        return random.nextInt(3) == 0 ? random.nextLong() : INTERESTING[random.nextInt(INTERESTING.length)];
    }

    private static <T> T pick(Random random, T[] values) {
        return values[random.nextInt(values.length)];
    }
}
