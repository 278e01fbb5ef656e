package skep.arm64.lower;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import skep.arm64.a64.Assembler;
import skep.isa.Bytecode;
import skep.isa.Insn;
import skep.isa.InsnCodec;

/**
 * From bytecode to A64. A program is lowered in one pass over its slots; when a conditional branch turns out not to reach its
 * target (±1 MiB) the pass is repeated with that branch made long, until all reach.
 */
public final class Lowering {
    /** The kernel's limit on a program's instructions. */
    private static final int MAX_SLOTS = 1_000_000;

    private final Bytecode code;
    private final List<Insn> insns;
    private final int[] slotOf;
    private final LoweringOptions options;
    private final Calls calls;
    private final List<Integer> functionSlots;

    private Lowering(Bytecode code, LoweringOptions options, Calls calls) {
        this.code = code;
        this.insns = InsnCodec.decode(code);
        this.slotOf = new int[insns.size()];
        this.options = options;
        this.calls = calls;
        int slot = 0;
        for (int i = 0; i < slotOf.length; i++) {
            slotOf[i] = slot;
            slot += insns.get(i).slots();
        }
        this.functionSlots = functionSlots();
    }

    /**
     * Lowers a program.
     *
     * @throws skep.isa.InvalidInsnException for what is no instruction
     * @throws UnsupportedInsnException for what this backend does not do; the message says why
     */
    public static MachineCode lower(Bytecode code, LoweringOptions options, Calls calls) {
        if (code.size() == 0 || code.size() > MAX_SLOTS) {
            throw new UnsupportedInsnException(-1, "a program of " + code.size() + " slots");
        }
        return new Lowering(code, options, calls).lower();
    }

    /** The first slots of all functions: the entry, what is called, and what is taken the address of. */
    private List<Integer> functionSlots() {
        var starts = new TreeSet<Integer>();
        starts.add(0);
        for (int i = 0; i < slotOf.length; i++) {
            if (insns.get(i) instanceof Insn.Call(Insn.CallKind kind, int imm, short off)
                    && kind == Insn.CallKind.LOCAL) {
                starts.add(checkedTarget(slotOf[i], slotOf[i] + 1L + imm));
            } else if (insns.get(i) instanceof Insn.LoadImm64(var dst, var kind, long imm)
                    && kind == Insn.ImmKind.FUNC) {
                starts.add(checkedTarget(slotOf[i], slotOf[i] + 1L + (int) imm));
            }
        }
        return new ArrayList<>(starts);
    }

    private int checkedTarget(int slot, long target) {
        if (target < 0 || target >= code.size()) {
            throw new UnsupportedInsnException(slot, "the jump leads out of the program, to " + target);
        }
        return (int) target;
    }

    private MachineCode lower() {
        Set<Integer> longBranches = new HashSet<>();
        while (true) {
            var pass = new ProgramPass(new Assembler(), longBranches);
            pass.emit();
            int[] far = pass.asm.tooFar();
            if (far.length == 0) {
                return pass.machineCode();
            }
            for (int word : far) {
                int slot = pass.slotAt(word);
                if (!longBranches.add(slot)) {
                    throw new IllegalStateException("slot " + slot + ": a long branch that does not reach");
                }
            }
        }
    }

    /** One attempt: where everything lies is known afterwards. */
    private final class ProgramPass {
        private final Assembler asm;
        private final Set<Integer> longBranches;
        private final int[] labelOfSlot = new int[code.size() + 1];
        private final int[] wordOfSlot = new int[code.size() + 1];
        private final int[] entryLabels = new int[functionSlots.size()];
        private final int check;

        ProgramPass(Assembler asm, Set<Integer> longBranches) {
            this.asm = asm;
            this.longBranches = longBranches;
            for (int slot = 0; slot <= code.size(); slot++) {
                labelOfSlot[slot] = asm.label();
            }
            for (int i = 0; i < entryLabels.length; i++) {
                entryLabels[i] = asm.label();
            }
            this.check = asm.label();
        }

        void emit() {
            int index = 0;
            for (int f = 0; f < functionSlots.size(); f++) {
                int end = f + 1 < functionSlots.size() ? functionSlots.get(f + 1) : code.size();
                int last = index;
                while (last < slotOf.length && slotOf[last] < end) {
                    last++;
                }
                emitFunction(f, index, last);
                index = last;
            }
            wordOfSlot[code.size()] = asm.size();
            asm.bind(labelOfSlot[code.size()]);
            asm.bind(check);
            if (options.checked()) {
                AccessCheck.emit(asm);
            } else {
                asm.emit(skep.arm64.a64.Encoding.BRK.word(""));
            }
        }

        private void emitFunction(int function, int from, int to) {
            var body = insns.subList(from, to);
            var frame = Frame.of(body, options);
            asm.bind(entryLabels[function]);
            int prologueAt = asm.size();
            frame.emitPrologue(asm);
            int epilogue = asm.label();
            var flow = new FlowLowering(asm, calls, frame, epilogue);
            var alu = new AluLowering(asm);
            var memory = new MemoryLowering(asm, options, check);
            for (int i = from; i < to; i++) {
                int slot = slotOf[i];
                wordOfSlot[slot] = i == from ? prologueAt : asm.size();
                asm.bind(labelOfSlot[slot]);
                lowerInsn(slot, insns.get(i), i + 1 == to, flow, alu, memory);
                if (insns.get(i).slots() == 2) {
                    wordOfSlot[slot + 1] = asm.size();
                    asm.bind(labelOfSlot[slot + 1]);
                }
            }
            asm.bind(epilogue);
            frame.emitEpilogue(asm);
        }

        private void lowerInsn(
                int slot, Insn insn, boolean last, FlowLowering flow, AluLowering alu, MemoryLowering memory) {
            switch (insn) {
                case Insn.Alu it -> alu.lower(it);
                case Insn.Swap it -> alu.lower(it);
                case Insn.Load it -> memory.lower(it);
                case Insn.Store it -> memory.lower(it);
                case Insn.Atomic it -> memory.lower(it);
                case Insn.LoadImm64 it -> flow.lower(slot, it);
                case Insn.Jump it -> flow.jump(target(slot, it.off()));
                case Insn.Branch it -> flow.branch(it, target(slot, it.off()), longBranches.contains(slot));
                case Insn.MayGoto it -> flow.mayGoto(target(slot, it.off()), longBranches.contains(slot));
                case Insn.Call it -> flow.call(slot, it, this::functionLabel);
                case Insn.Exit it -> flow.exit(last);
                case Insn.CallX it -> flow.call(slot, it);
                case Insn.AddrSpaceCast it ->
                    throw new UnsupportedInsnException(
                            slot, "address space casts need an arena, which the VM does not have");
                case Insn.LoadPacket it -> flow.loadPacket(slot, it);
            }
        }

        private int target(int slot, int off) {
            return labelOfSlot[checkedTarget(slot, slot + 1L + off)];
        }

        private int functionLabel(int slot) {
            return entryLabels[functionSlots.indexOf(slot)];
        }

        int slotAt(int word) {
            return machineCode().slotOfWord(word);
        }

        MachineCode machineCode() {
            var starts = new ArrayList<MachineCode.FunctionStart>();
            for (int f = 0; f < entryLabels.length; f++) {
                starts.add(new MachineCode.FunctionStart(functionSlots.get(f), asm.position(entryLabels[f])));
            }
            return new MachineCode(asm.words(), wordOfSlot, starts);
        }
    }
}
