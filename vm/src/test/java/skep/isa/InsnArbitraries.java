package skep.isa;

import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;

/** Instructions drawn from the whole set, each with any fields it may have. */
public final class InsnArbitraries {
    private InsnArbitraries() {}

    public static Arbitrary<Insn> insns() {
        return Arbitraries.oneOf(
                alu(),
                Combinators.combine(Arbitraries.of(Insn.Swap.Order.values()), Arbitraries.of(16, 32, 64), regs())
                        .as(Insn.Swap::new),
                loads(),
                Combinators.combine(sizes(), regs(), offs(), operands()).as(Insn.Store::new),
                atomics(),
                Combinators.combine(regs(), Arbitraries.of(Insn.ImmKind.values()), Arbitraries.longs())
                        .as(Insn.LoadImm64::new),
                packetLoads(),
                jumps(),
                Combinators.combine(
                                Arbitraries.of(JumpOp.values()),
                                Arbitraries.of(Width.values()),
                                regs(),
                                operands(),
                                offs())
                        .as(Insn.Branch::new),
                offs().map(Insn.MayGoto::new),
                calls(),
                regs().map(Insn.CallX::new),
                Arbitraries.of(new Insn.Exit()),
                Combinators.combine(regs(), regs(), Arbitraries.integers()).as(Insn.AddrSpaceCast::new));
    }

    public static Arbitrary<Integer> numbers(int low, int high) {
        return Arbitraries.integers().between(low, high);
    }

    public static Arbitrary<Reg> regs() {
        return Arbitraries.of(Reg.values());
    }

    public static Arbitrary<Operand> operands() {
        return Arbitraries.oneOf(regs().map(Operand::of), Arbitraries.integers().map(Operand::of));
    }

    private static Arbitrary<Insn> alu() {
        return Combinators.combine(Arbitraries.of(AluOp.values()), Arbitraries.of(Width.values()), regs(), operands())
                .as(InsnArbitraries::alu);
    }

    /** Mends what the instruction set does not have: sign-extending moves of immediates, negation with an operand. */
    private static Insn alu(AluOp op, Width width, Reg dst, Operand src) {
        return switch (op) {
            case NEG -> new Insn.Alu(op, width, dst, Operand.of(dst));
            case MOVSX8, MOVSX16 -> new Insn.Alu(op, width, dst, Operand.of(Reg.R3));
            case MOVSX32 -> new Insn.Alu(op, Width.W64, dst, Operand.of(Reg.R3));
            default -> new Insn.Alu(op, width, dst, src);
        };
    }

    private static Arbitrary<Insn> loads() {
        return Combinators.combine(sizes(), Arbitraries.of(true, false), regs(), regs(), offs())
                .as((size, signed, dst, base, off) ->
                        new Insn.Load(size, signed && size != MemSize.DW, dst, base, off));
    }

    private static Arbitrary<Insn> atomics() {
        return Combinators.combine(Arbitraries.of(AtomicOp.values()), sizes(), regs(), offs(), regs())
                .as((op, size, base, off, src) -> {
                    boolean ordered = op == AtomicOp.LOAD_ACQ || op == AtomicOp.STORE_REL;
                    return new Insn.Atomic(op, ordered || size.bytes() >= 4 ? size : MemSize.W, base, off, src);
                });
    }

    private static Arbitrary<Insn> packetLoads() {
        return Combinators.combine(
                        Arbitraries.of(MemSize.B, MemSize.H, MemSize.W),
                        Arbitraries.of(true, false),
                        regs(),
                        Arbitraries.integers())
                .as((size, indirect, src, imm) -> new Insn.LoadPacket(size, indirect, indirect ? src : Reg.R0, imm));
    }

    private static Arbitrary<Insn> jumps() {
        return Combinators.combine(Arbitraries.integers(), Arbitraries.of(true, false))
                .as((off, wide) -> new Insn.Jump(wide ? off : (short) (int) off, wide));
    }

    private static Arbitrary<Insn> calls() {
        return Combinators.combine(Arbitraries.of(Insn.CallKind.values()), Arbitraries.integers(), offs())
                .as((kind, imm, off) -> new Insn.Call(kind, imm, kind == Insn.CallKind.KFUNC ? off : (short) 0));
    }

    private static Arbitrary<MemSize> sizes() {
        return Arbitraries.of(MemSize.values());
    }

    private static Arbitrary<Short> offs() {
        return Arbitraries.shorts();
    }
}
