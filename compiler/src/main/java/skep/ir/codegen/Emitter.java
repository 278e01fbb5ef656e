package skep.ir.codegen;

import java.util.ArrayList;
import java.util.List;
import skep.ir.codegen.MachineInsn.Base;
import skep.ir.codegen.MachineInsn.Source;
import skep.isa.AluOp;
import skep.isa.Insn;
import skep.isa.Operand;
import skep.isa.Reg;
import skep.isa.Width;
import skep.source.Span;

/**
 * Writes the machine's instructions of a program: its main function, then those it calls. Jumps and calls are resolved
 * here, when all sizes are known.
 */
final class Emitter {
    private final List<Item> items = new ArrayList<>();
    private int slots;

    /**
     * One instruction in place.
     *
     * @param symbol map it refers to, or empty
     */
    record Item(int slot, Insn insn, Span span, String symbol) {}

    /** What a program consists of; {@code starts} are the first slots of its functions. */
    record Emitted(List<Item> items, List<Integer> starts) {}

    private record Pending(int item, int function, int block) {}

    private final List<Pending> jumps = new ArrayList<>();
    private final List<int[]> blockStarts = new ArrayList<>();
    private final List<Pending> calls = new ArrayList<>();

    private Emitter() {}

    /**
     * Emits these functions one after another; the first is the program.
     *
     * @throws JumpTooFarException if a conditional jump does not reach its target
     */
    static Emitted emit(List<MachineFunction> functions) {
        var emitter = new Emitter();
        for (int i = 0; i < functions.size(); i++) {
            emitter.function(i, functions);
        }
        emitter.resolve();
        return new Emitted(
                List.copyOf(emitter.items),
                emitter.blockStarts.stream().map(starts -> starts[0]).toList());
    }

    private void function(int index, List<MachineFunction> functions) {
        var function = functions.get(index);
        var starts = new int[function.blocks.size()];
        blockStarts.add(starts);
        for (int i = 0; i < starts.length; i++) {
            starts[i] = slots;
            for (var insn : function.blocks.get(i).insns) {
                insn(insn, index, functions, i + 1);
            }
        }
    }

    private void insn(MachineInsn insn, int index, List<MachineFunction> functions, int following) {
        var function = functions.get(index);
        var span = insn.span();
        switch (insn) {
            case MachineInsn.Move m ->
                add(span, new Insn.Alu(AluOp.MOV, Width.W64, Reg.of(m.dst()), Operand.of(Reg.of(m.src()))));
            case MachineInsn.Alu a -> add(span, new Insn.Alu(a.op(), a.width(), Reg.of(a.dst()), operand(a.src())));
            case MachineInsn.Swap s -> add(span, new Insn.Swap(Insn.Swap.Order.BE, s.bits(), Reg.of(s.dst())));
            case MachineInsn.Load l ->
                add(
                        span,
                        new Insn.Load(
                                l.size(),
                                l.signed(),
                                Reg.of(l.dst()),
                                base(l.base()),
                                offset(function, l.base(), l.offset())));
            case MachineInsn.Store s ->
                add(
                        span,
                        new Insn.Store(
                                s.size(), base(s.base()), offset(function, s.base(), s.offset()), operand(s.src())));
            case MachineInsn.Atomic a ->
                add(
                        span,
                        new Insn.Atomic(
                                a.op(),
                                a.size(),
                                base(a.base()),
                                offset(function, a.base(), a.offset()),
                                Reg.of(a.src())));
            case MachineInsn.LoadImm l -> {
                if (l.kind() == Insn.ImmKind.FUNC) {
                    calls.add(new Pending(items.size(), indexOf(functions, l.symbol()), 0));
                    add(span, new Insn.LoadImm64(Reg.of(l.dst()), l.kind(), 0));
                } else {
                    add(span, new Insn.LoadImm64(Reg.of(l.dst()), l.kind(), l.imm()), l.symbol());
                }
            }
            case MachineInsn.FrameAddress f -> {
                add(span, new Insn.Alu(AluOp.MOV, Width.W64, Reg.of(f.dst()), Operand.of(Reg.R10)));
                int distance = function.slotOffset[f.slot()] + f.offset();
                if (distance != 0) {
                    add(span, new Insn.Alu(AluOp.ADD, Width.W64, Reg.of(f.dst()), Operand.of(distance)));
                }
            }
            case MachineInsn.Call c -> {
                if (c.kind() == Insn.CallKind.LOCAL) {
                    calls.add(new Pending(items.size(), indexOf(functions, c.symbol()), 0));
                }
                add(span, new Insn.Call(c.kind(), c.number(), (short) 0));
            }
            case MachineInsn.MoveUnless m -> {
                add(span, new Insn.Branch(m.op(), m.width(), Reg.of(m.a()), operand(m.b()), (short) 1));
                add(span, new Insn.Alu(AluOp.MOV, Width.W64, Reg.of(m.dst()), operand(m.src())));
            }
            case MachineInsn.Branch b -> branch(b, index, following);
            case MachineInsn.Jump j -> jump(span, j.target(), index, following);
            case MachineInsn.Exit e -> add(span, new Insn.Exit());
        }
    }

    private void branch(MachineInsn.Branch b, int index, int following) {
        var negated = Jumps.negated(b.op());
        boolean negate = b.then() == following && negated.isPresent();
        var op = negate ? negated.get() : b.op();
        jumps.add(new Pending(items.size(), index, negate ? b.otherwise() : b.then()));
        add(b.span(), new Insn.Branch(op, b.width(), Reg.of(b.a()), operand(b.b()), (short) 0));
        if (!negate) {
            jump(b.span(), b.otherwise(), index, following);
        }
    }

    private void jump(Span span, int target, int index, int following) {
        if (target != following) {
            jumps.add(new Pending(items.size(), index, target));
            add(span, new Insn.Jump(0, false));
        }
    }

    private static int indexOf(List<MachineFunction> functions, String name) {
        for (int i = 0; i < functions.size(); i++) {
            if (functions.get(i).name.equals(name)) {
                return i;
            }
        }
        throw new IllegalStateException("no function " + name);
    }

    private void add(Span span, Insn insn) {
        add(span, insn, "");
    }

    private void add(Span span, Insn insn, String symbol) {
        items.add(new Item(slots, insn, span, symbol));
        slots += insn.slots();
    }

    private static Operand operand(Source source) {
        return switch (source) {
            case Source.OfReg r -> Operand.of(Reg.of(r.reg()));
            case Source.OfImm i -> Operand.of(i.imm());
        };
    }

    private static Reg base(Base base) {
        return base instanceof Base.OfReg r ? Reg.of(r.reg()) : Reg.R10;
    }

    private static short offset(MachineFunction function, Base base, int offset) {
        int sum = base instanceof Base.OfSlot s ? function.slotOffset[s.slot()] + offset : offset;
        assert sum == (short) sum : "offset " + sum;
        return (short) sum;
    }

    private void resolve() {
        for (var jump : jumps) {
            var item = items.get(jump.item);
            int distance = blockStarts.get(jump.function)[jump.block] - item.slot - 1;
            if (distance != (short) distance) {
                throw new JumpTooFarException(item.span);
            }
            set(
                    jump.item,
                    switch (item.insn) {
                        case Insn.Branch b -> new Insn.Branch(b.op(), b.width(), b.dst(), b.src(), (short) distance);
                        default -> new Insn.Jump(distance, false);
                    });
        }
        for (var call : calls) {
            var item = items.get(call.item);
            int distance = blockStarts.get(call.function)[0] - item.slot - 1;
            set(
                    call.item,
                    item.insn instanceof Insn.LoadImm64 l
                            ? new Insn.LoadImm64(l.dst(), l.kind(), distance & 0xffff_ffffL)
                            : new Insn.Call(Insn.CallKind.LOCAL, distance, (short) 0));
        }
    }

    private void set(int index, Insn insn) {
        var item = items.get(index);
        items.set(index, new Item(item.slot, insn, item.span, item.symbol));
    }

    /** A program is so large that a jump inside it does not fit its offset. */
    static final class JumpTooFarException extends RuntimeException {
        private static final long serialVersionUID = 1;

        final transient Span span;

        JumpTooFarException(Span span) {
            super("jump too far");
            this.span = span;
        }
    }
}
