package skep.arm64.lower;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.Set;
import java.util.function.IntFunction;
import skep.arm64.a64.Assembler;
import skep.isa.DecodedProgram;
import skep.isa.Insn;

/**
 * From bytecode to A64. A program is lowered in one pass over its slots; when a conditional branch turns out not to reach its
 * target (±1 MiB) the pass is repeated with that branch made long, until all reach.
 */
public final class Lowering {
    /** Added to the size of an indirect packet load, as {@link skep.vm.PacketLoad} reads it. */
    private static final int INDIRECT = skep.vm.PacketLoad.INDIRECT;

    private final DecodedProgram program;
    private final IntFunction<Insn> insnAt;
    private final LoweringOptions options;
    private final Calls calls;

    private Lowering(DecodedProgram program, IntFunction<Insn> insnAt, LoweringOptions options, Calls calls) {
        this.program = program;
        this.insnAt = insnAt;
        this.options = options;
        this.calls = calls;
    }

    /** Lowers a program as it is. */
    public static MachineCode lower(DecodedProgram program, LoweringOptions options, Calls calls) {
        return lower(program, program::at, options, calls);
    }

    /**
     * Lowers a program.
     *
     * @param insnAt the instruction to execute at a slot, where that differs from the program's
     * @throws UnsupportedInsnException for what this backend does not do; the message says why
     */
    public static MachineCode lower(
            DecodedProgram program, IntFunction<Insn> insnAt, LoweringOptions options, Calls calls) {
        return new Lowering(program, insnAt, options, calls).lower();
    }

    private MachineCode lower() {
        Set<Integer> longBranches = new HashSet<>();
        while (true) {
            var pass = new ProgramPass(new Assembler(), longBranches);
            pass.emit();
            int[] far = pass.asm.tooFar();
            var code = pass.machineCode();
            if (far.length == 0) {
                return code;
            }
            for (int word : far) {
                int slot = code.slotOfWord(word);
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
        private final int[] labelOfSlot = new int[program.size() + 1];
        private final int[] wordOfSlot = new int[program.size() + 1];
        private final int[] entryLabels = new int[program.functionCount()];
        private final int check;

        ProgramPass(Assembler asm, Set<Integer> longBranches) {
            this.asm = asm;
            this.longBranches = longBranches;
            for (int slot = 0; slot <= program.size(); slot++) {
                labelOfSlot[slot] = asm.label();
            }
            for (int i = 0; i < entryLabels.length; i++) {
                entryLabels[i] = asm.label();
            }
            this.check = asm.label();
        }

        void emit() {
            for (int function = 0; function < entryLabels.length; function++) {
                emitFunction(function);
            }
            wordOfSlot[program.size()] = asm.size();
            asm.bind(labelOfSlot[program.size()]);
            asm.bind(check);
            if (options.checked()) {
                AccessCheck.emit(asm);
            }
        }

        private void emitFunction(int function) {
            int start = program.functionStart(function);
            int end = program.functionEnd(function);
            var body = new ArrayList<Insn>();
            for (int slot = start; slot < end; slot = program.next(slot)) {
                body.add(insnAt.apply(slot));
            }
            var frame = Frame.of(body, options);
            asm.bind(entryLabels[function]);
            int prologueAt = asm.size();
            frame.emitPrologue(asm);
            int epilogue = asm.label();
            var flow = new FlowLowering(asm, calls, frame, epilogue);
            var alu = new AluLowering(asm);
            var memory = new MemoryLowering(asm, options, check);
            for (int slot = start; slot < end; slot = program.next(slot)) {
                wordOfSlot[slot] = slot == start ? prologueAt : asm.size();
                asm.bind(labelOfSlot[slot]);
                int next = program.next(slot);
                lowerInsn(slot, insnAt.apply(slot), next == end, flow, alu, memory);
                if (next == slot + 2) {
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
                case Insn.LoadImm64 it -> flow.loadImmediate(slot, it);
                case Insn.Jump _ -> flow.jump(target(slot));
                case Insn.Branch it -> flow.branch(it, target(slot), longBranches.contains(slot));
                case Insn.MayGoto _ -> flow.mayGoto(target(slot), longBranches.contains(slot));
                case Insn.Call it -> flow.call(slot, it, it.kind() == Insn.CallKind.LOCAL ? calleeLabel(slot) : 0);
                case Insn.CallX it -> flow.call(it);
                case Insn.Exit _ -> flow.exit(last);
                case Insn.LoadPacket it ->
                    flow.loadPacket(slot, it, it.size().bytes() | (it.indirect() ? INDIRECT : 0));
                case Insn.AddrSpaceCast _ ->
                    throw new UnsupportedInsnException(
                            slot, "address space casts need an arena, which the VM does not have");
            }
        }

        private int target(int slot) {
            return labelOfSlot[program.target(slot)];
        }

        private int calleeLabel(int slot) {
            return entryLabels[program.functionAt(program.callee(slot))];
        }

        MachineCode machineCode() {
            var starts = new ArrayList<MachineCode.FunctionStart>();
            for (int f = 0; f < entryLabels.length; f++) {
                starts.add(new MachineCode.FunctionStart(program.functionStart(f), asm.position(entryLabels[f])));
            }
            return new MachineCode(asm.words(), wordOfSlot, starts);
        }
    }
}
