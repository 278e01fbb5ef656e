package skep.vm;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import skep.isa.AluOp;
import skep.isa.AtomicOp;
import skep.isa.Bytecode;
import skep.isa.Insn;
import skep.isa.InsnCodec;
import skep.isa.JumpOp;
import skep.isa.MemSize;
import skep.isa.Operand;
import skep.isa.Reg;
import skep.isa.Width;

/**
 * Programs that end and mean something: arithmetic on all registers, accesses around the stack and the memory in r1 (kept in
 * r9, its length in r2), forward jumps, counted loops, chains of comparisons, calls of subprograms. The same seed gives the same program.
 */
public final class RandomPrograms {
    private final Random random;
    private final List<Insn> insns = new ArrayList<>();

    /** Whether an access may be outside the memory and the stack, one in two hundred. */
    private final boolean strays;

    private RandomPrograms(long seed, boolean strays) {
        random = new Random(seed);
        this.strays = strays;
    }

    /** A program that touches nothing but its memory and its stack. */
    public static Bytecode harmless(long seed, int size) {
        return new RandomPrograms(seed, false).program(size);
    }

    /** A program of about that many instructions. */
    public static Bytecode program(long seed, int size) {
        return new RandomPrograms(seed, true).program(size);
    }

    /** The same with slots and fields overwritten at random: hostile, mostly malformed. */
    public static Bytecode hostile(long seed, int size) {
        var random = new Random(seed);
        var slots = program(seed, size).slots();
        for (int n = random.nextInt(4); n >= 0; n--) {
            int at = random.nextInt(slots.length);
            switch (random.nextInt(10)) {
                case 0 -> slots[at] = random.nextLong();
                case 1 -> slots[at] ^= 1L << random.nextInt(64);
                case 2, 3 -> slots[at] ^= 1L << 8 + random.nextInt(8);
                case 4, 5 -> slots[at] = slots[at] & 0xffff_ffffL | (long) random.nextInt() << 32;
                case 6, 7 -> slots[at] = slots[at] & ~0xffff0000L | (random.nextInt(40) - 20 & 0xffffL) << 16;
                default -> slots[at] = slots[random.nextInt(slots.length)];
            }
        }
        return Bytecode.of(slots);
    }

    private Bytecode program(int size) {
        insns.add(new Insn.Alu(AluOp.MOV, Width.W64, Reg.R9, Operand.of(Reg.R1)));
        for (int i = 0; i < 9; i++) {
            if (i != 1) {
                insns.add(new Insn.LoadImm64(Reg.of(i), Insn.ImmKind.NUMBER, interesting()));
            }
        }
        insns.add(new Insn.LoadImm64(Reg.R1, Insn.ImmKind.NUMBER, interesting()));
        for (int off = -64; off < 0; off += 8) {
            insns.add(new Insn.Store(MemSize.DW, Reg.R10, (short) off, Operand.of(random.nextInt())));
        }
        var calls = new ArrayList<Integer>();
        while (insns.size() < size) {
            switch (random.nextInt(13)) {
                case 0, 1, 2, 3, 4 -> insns.add(simple());
                case 5, 6 -> memory();
                case 7 -> forward();
                case 8 -> loop();
                case 12 -> counted();
                case 9 -> comparisons();
                case 10 -> {
                    calls.add(insns.size());
                    insns.add(new Insn.Exit());
                }
                default -> divide();
            }
        }
        fold();
        insns.add(new Insn.Exit());
        int function = insns.size();
        insns.add(new Insn.Alu(AluOp.MOV, Width.W64, Reg.R0, Operand.of(Reg.R1)));
        insns.add(new Insn.Store(MemSize.DW, Reg.R10, (short) -8, Operand.of(Reg.R2)));
        for (int i = 0; i < 5; i++) {
            insns.add(new Insn.Alu(AluOp.MUL, Width.W64, Reg.of(i), Operand.of(Reg.of(i + 1))));
        }
        insns.add(new Insn.Alu(AluOp.MOV, Width.W64, Reg.R6, Operand.of(Reg.R0)));
        insns.add(new Insn.Exit());
        for (int at : calls) {
            insns.set(at, new Insn.Call(Insn.CallKind.LOCAL, slotOf(function) - slotOf(at) - 1, (short) 0));
        }
        return InsnCodec.encode(insns);
    }

    private int slotOf(int index) {
        int slot = 0;
        for (int i = 0; i < index; i++) {
            slot += insns.get(i).slots();
        }
        return slot;
    }

    private void fold() {
        for (int i = 1; i < 9; i++) {
            insns.add(new Insn.Alu(AluOp.MUL, Width.W64, Reg.R0, Operand.of(31)));
            insns.add(new Insn.Alu(AluOp.XOR, Width.W64, Reg.R0, Operand.of(Reg.of(i))));
        }
    }

    private Insn simple() {
        var width = random.nextBoolean() ? Width.W64 : Width.W32;
        var dst = reg();
        var op = AluOp.values()[random.nextInt(AluOp.values().length)];
        return switch (op) {
            case NEG -> new Insn.Alu(op, width, dst, Operand.of(dst));
            case MOVSX8, MOVSX16 -> new Insn.Alu(op, width, dst, Operand.of(reg()));
            case MOVSX32 -> new Insn.Alu(op, Width.W64, dst, Operand.of(reg()));
            case LSH -> new Insn.Swap(Insn.Swap.Order.values()[random.nextInt(3)], 16 << random.nextInt(3), dst);
            default -> new Insn.Alu(op, width, dst, operand());
        };
    }

    private void divide() {
        var op = new AluOp[] {AluOp.DIV, AluOp.MOD, AluOp.SDIV, AluOp.SMOD}[random.nextInt(4)];
        var width = random.nextBoolean() ? Width.W64 : Width.W32;
        int imm = random.nextBoolean() ? random.nextInt() : random.nextInt(1000) - 500;
        insns.add(new Insn.Alu(op, width, reg(), Operand.of(imm)));
    }

    private void memory() {
        var size = MemSize.values()[random.nextInt(4)];
        boolean stack = random.nextBoolean();
        var base = stack ? Reg.R10 : Reg.R9;
        // rarely outside: both backends must fault at the same instruction
        int room = strays && random.nextInt(200) == 0 ? 4000 : 56;
        short off = (short) (stack ? -64 + random.nextInt(room) : random.nextInt(room));
        switch (random.nextInt(6)) {
            case 0, 1 -> insns.add(new Insn.Load(size, size != MemSize.DW && random.nextBoolean(), reg(), base, off));
            case 2 -> insns.add(new Insn.Store(size, base, off, Operand.of(random.nextInt())));
            case 3, 4 -> insns.add(new Insn.Store(size, base, off, Operand.of(reg())));
            default -> atomic(base, off);
        }
    }

    private void atomic(Reg base, short off) {
        var op = AtomicOp.values()[random.nextInt(AtomicOp.values().length)];
        var size = random.nextBoolean() ? MemSize.W : MemSize.DW;
        insns.add(new Insn.Atomic(op, size, base, off, reg()));
    }

    private void forward() {
        int skipped = 1 + random.nextInt(4);
        insns.add(branch((short) skipped));
        for (int i = 0; i < skipped; i++) {
            insns.add(simple());
        }
    }

    private Insn.Branch branch(short off) {
        var op = JumpOp.values()[random.nextInt(JumpOp.values().length)];
        return new Insn.Branch(op, random.nextBoolean() ? Width.W64 : Width.W32, reg(), operand(), off);
    }

    private void loop() {
        insns.add(new Insn.Store(MemSize.DW, Reg.R10, (short) -72, Operand.of(1 + random.nextInt(20))));
        int body = 1 + random.nextInt(4);
        for (int i = 0; i < body; i++) {
            insns.add(simple());
        }
        insns.add(new Insn.Load(MemSize.DW, false, Reg.R8, Reg.R10, (short) -72));
        insns.add(new Insn.Alu(AluOp.SUB, Width.W64, Reg.R8, Operand.of(1)));
        insns.add(new Insn.Store(MemSize.DW, Reg.R10, (short) -72, Operand.of(Reg.R8)));
        insns.add(new Insn.Branch(JumpOp.JNE, Width.W64, Reg.R8, Operand.of(0), (short) (-body - 4)));
    }

    /** A loop over the memory or the stack: copying, filling, or computing, with every kind of counter and end. */
    private void counted() {
        var size = MemSize.values()[random.nextInt(4)];
        int step = random.nextInt(4) == 0 ? 1 + random.nextInt(4) : size.bytes();
        int rounds =
                1 + random.nextInt(24 / Math.max(step, size.bytes()) + (strays && random.nextInt(20) == 0 ? 40 : 0));
        var base = random.nextInt(4) == 0 ? Reg.R10 : Reg.R9;
        int from = base == Reg.R10 ? -64 + random.nextInt(30) : random.nextInt(30);
        int to = base == Reg.R10 ? -64 + random.nextInt(30) : random.nextInt(30);
        var op = new JumpOp[] {JumpOp.JNE, JumpOp.JLT, JumpOp.JSLT, JumpOp.JLE}[random.nextInt(4)];
        boolean inRegister = random.nextBoolean();
        insns.add(
                new Insn.Alu(AluOp.MOV, Width.W64, Reg.R6, Operand.of(strays && random.nextInt(12) == 0 ? -step : 0)));
        insns.add(new Insn.Alu(AluOp.MOV, Width.W64, Reg.R7, Operand.of(rounds * step)));
        int head = insns.size();
        insns.add(new Insn.Alu(AluOp.MOV, Width.W64, Reg.R4, Operand.of(base)));
        insns.add(new Insn.Alu(AluOp.ADD, Width.W64, Reg.R4, Operand.of(Reg.R6)));
        boolean copies = random.nextBoolean();
        if (copies || random.nextBoolean()) {
            insns.add(new Insn.Load(size, false, Reg.R5, Reg.R4, (short) from));
        }
        if (!copies && random.nextBoolean()) {
            insns.add(new Insn.Alu(AluOp.ADD, Width.W64, Reg.R0, Operand.of(Reg.R5)));
        }
        var stored =
                copies ? Operand.of(Reg.R5) : random.nextBoolean() ? Operand.of(random.nextInt()) : Operand.of(Reg.R3);
        insns.add(new Insn.Store(size, Reg.R4, (short) to, stored));
        insns.add(new Insn.Alu(AluOp.ADD, Width.W64, Reg.R6, Operand.of(step)));
        short back = (short) (head - insns.size() - 1);
        insns.add(new Insn.Branch(
                op, Width.W64, Reg.R6, inRegister ? Operand.of(Reg.R7) : Operand.of(rounds * step), back));
    }

    /** What compilers make of a switch: r3 is brought into a small range and compared with constant after constant. */
    private void comparisons() {
        int cases = 3 + random.nextInt(10);
        int low = random.nextInt(8) - 4;
        var width = random.nextBoolean() ? Width.W64 : Width.W32;
        insns.add(new Insn.Alu(AluOp.SMOD, Width.W64, Reg.R3, Operand.of(20)));
        if (width == Width.W32) {
            insns.add(new Insn.Alu(AluOp.MOV, Width.W32, Reg.R3, Operand.of(Reg.R3)));
        }
        for (int i = 0; i < cases; i++) {
            var op = JumpOp.values()[random.nextInt(3) == 0 ? random.nextInt(JumpOp.values().length) : 0];
            int off = cases - i + 2 * random.nextInt(cases) - 1;
            insns.add(new Insn.Branch(
                    op, width, Reg.R3, Operand.of(low + random.nextInt(cases)), (short) (off & ~1 | cases - i & 1)));
        }
        // targets: pairs of an instruction and a jump to the end
        for (int i = 0; i < 2 * cases; i++) {
            insns.add(new Insn.Alu(AluOp.ADD, Width.W64, Reg.of(i % 3), Operand.of(i * 7919)));
        }
    }

    private Operand operand() {
        return random.nextBoolean() ? Operand.of(reg()) : Operand.of((int) interesting());
    }

    private long interesting() {
        return switch (random.nextInt(6)) {
            case 0 -> random.nextInt(8) - 4;
            case 1 -> 1L << random.nextInt(64);
            case 2 -> (1L << random.nextInt(64)) - 1;
            case 3 -> Long.MIN_VALUE + random.nextInt(3);
            case 4 -> random.nextInt();
            default -> random.nextLong();
        };
    }

    /** Any register but the base of the memory and the frame pointer. */
    private Reg reg() {
        return Reg.of(random.nextInt(9));
    }
}
