package skep.arm64.lower;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.IntFunction;
import java.util.function.Supplier;
import skep.arm64.a64.Assembler;
import skep.arm64.a64.Assembler.Reach;
import skep.arm64.lower.Calls.CallTarget;
import skep.isa.DecodedProgram;
import skep.isa.Insn;
import skep.isa.Xlated.Internal;
import skep.isa.kernel.Helper;
import skep.vm.jit.Blocks;
import skep.vm.jit.SwitchTree;

/**
 * From bytecode to A64. A program is lowered in one pass over its slots; when a branch turns out not to reach its target ({@code tbz}
 * ±32 KiB, other conditional ones ±1 MiB, jumps ±128 MiB) the pass is repeated with that instruction's branches made longer, until all
 * reach.
 */
public final class Lowering {
    /** How much of the stack a function uses of which nothing is known. */
    public static final int FULL_STACK_BYTES = 512;

    /** Added to the size of an indirect packet load, as {@link skep.vm.PacketLoad} reads it. */
    private static final int INDIRECT = skep.vm.PacketLoad.INDIRECT;

    private final DecodedProgram program;
    private final IntFunction<Insn> insnAt;
    private final LoweringOptions options;
    private final Calls calls;
    private final Supplier<Assembler> assemblers;

    private Lowering(
            DecodedProgram program,
            IntFunction<Insn> insnAt,
            LoweringOptions options,
            Calls calls,
            Supplier<Assembler> assemblers) {
        this.program = program;
        this.insnAt = insnAt;
        this.options = options;
        this.calls = calls;
        this.assemblers = assemblers;
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
        return switch (options.style()) {
            case SKEP -> new Lowering(program, insnAt, options, calls, Assembler::new).lower();
            case LINUX_6_1, LINUX_6_12 -> LinuxLowering.lower(program, insnAt, options, calls);
        };
    }

    /** The same for a processor whose branches reach less far: how long code is tested on short programs. */
    public static MachineCode lower(
            DecodedProgram program, LoweringOptions options, Calls calls, Supplier<Assembler> assemblers) {
        return new Lowering(program, program::at, options, calls, assemblers).lower();
    }

    private MachineCode lower() {
        Map<Integer, Reach> reaches = new HashMap<>();
        var uses = uses();
        while (true) {
            var pass = new ProgramPass(assemblers.get(), reaches, uses);
            pass.emit();
            int[] far = pass.asm.tooFar();
            var code = pass.machineCode();
            if (far.length == 0) {
                return code;
            }
            var slots = new HashSet<Integer>();
            for (int word : far) {
                slots.add(code.slotOfWord(word));
            }
            for (int slot : slots) {
                var reach = reaches.getOrDefault(slot, Reach.SHORT);
                if (slot < 0 || reach == Reach.FAR) {
                    throw new UnsupportedInsnException(slot, "its branch is farther than A64 can go");
                }
                reaches.put(slot, Reach.values()[reach.ordinal() + 1]);
            }
        }
    }

    /** How many places call each thing outside. */
    private Map<CallTarget, Integer> uses() {
        var uses = new HashMap<CallTarget, Integer>();
        for (int slot = 0; slot < program.size(); slot = program.next(slot)) {
            boolean out = switch (program.at(slot)) {
                case Insn.Call call -> call.kind() != Insn.CallKind.LOCAL;
                case Insn.LoadPacket _ -> true;
                default -> false;
            };
            if (out && calls.arrayLookup(slot).isEmpty()) {
                uses.merge(calls.target(slot), 1, Integer::sum);
            }
        }
        return uses;
    }

    /** Whether a call replaces the program. */
    static boolean isTailCall(Insn.Call call) {
        return call.kind() == Insn.CallKind.HELPER && call.imm() == Helper.TAIL_CALL.number();
    }

    /** One attempt: where everything lies is known afterwards. */
    private final class ProgramPass {
        private final Assembler asm;
        private final Map<Integer, Reach> reaches;
        private final int[] labelOfSlot = new int[program.size() + 1];
        private final int[] wordOfSlot = new int[program.size() + 1];
        private final int[] entryLabels = new int[program.functionCount()];
        private final List<MachineCode.Mark> marks = new ArrayList<>();
        private final CallStubs stubs;
        private final Blinder blinder;
        private final int check;

        ProgramPass(Assembler asm, Map<Integer, Reach> reaches, Map<CallTarget, Integer> uses) {
            this.asm = asm;
            this.reaches = reaches;
            this.stubs = new CallStubs(asm, uses);
            this.blinder = new Blinder(asm, options.blinding());
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
            if (!stubs.isEmpty()) {
                mark(MachineCode.NO_SLOT, "calls made from several places");
                stubs.emit();
            }
            asm.bind(check);
            if (options.checked()) {
                mark(MachineCode.NO_SLOT, "the test of an access");
                AccessCheck.emit(asm);
            }
        }

        private void mark(int slot, String what) {
            marks.add(new MachineCode.Mark(asm.size(), slot, what));
        }

        private void emitFunction(int function) {
            int start = program.functionStart(function);
            int end = program.functionEnd(function);
            var body = new ArrayList<Insn>();
            for (int slot = start; slot < end; slot = program.next(slot)) {
                body.add(insnAt.apply(slot));
            }
            var frame = Frame.of(body, options.checked() ? FULL_STACK_BYTES : calls.stackBytes(start), options);
            asm.bind(entryLabels[function]);
            mark(start, "prologue");
            frame.emitPrologue(asm);
            int epilogue = asm.label();
            var flow = new FlowLowering(asm, calls, stubs, frame, blinder, options, epilogue);
            emitBody(
                    start,
                    end,
                    flow,
                    new AluLowering(asm, frame, blinder),
                    new MemoryLowering(asm, options, frame, blinder, check));
            asm.bind(epilogue);
            mark(MachineCode.NO_SLOT, "epilogue");
            frame.emitEpilogue(asm);
            for (var path : flow.slowPaths()) {
                mark(path.slot(), "slow path of " + path.slot());
                asm.bind(path.entry());
                path.code().run();
            }
        }

        private void emitBody(int start, int end, FlowLowering flow, AluLowering alu, MemoryLowering memory) {
            var blocks = new Blocks(program, start, end);
            Set<Integer> absorbed = new HashSet<>();
            for (int slot = start; slot < end; slot = program.next(slot)) {
                int next = program.next(slot);
                wordOfSlot[slot] = asm.size();
                asm.bind(labelOfSlot[slot]);
                calls.at(slot, insnAt.apply(slot), asm.size());
                if (!absorbed.contains(slot) && !fused(slot, next, end, blocks, alu, memory)) {
                    var tree = table(slot, blocks);
                    if (tree.isPresent()) {
                        flow.table(tree.get(), target -> labelOfSlot[target], reach(slot));
                        absorbed.addAll(tree.get().absorbed());
                    } else {
                        lowerInsn(slot, insnAt.apply(slot), next == end, flow, alu, memory);
                    }
                } else if (!absorbed.contains(slot)) {
                    // The second one's code is in the first one's.
                    absorbed.add(next);
                }
                if (next == slot + 2) {
                    wordOfSlot[slot + 1] = asm.size();
                    asm.bind(labelOfSlot[slot + 1]);
                }
            }
        }

        private Optional<SwitchTree> table(int slot, Blocks blocks) {
            return program.reachable(slot) && !options.checked() && !blinder.active()
                    ? SwitchTree.at(program, blocks, slot).filter(tree -> tree.low() == (int) tree.low())
                    : Optional.empty();
        }

        /** Two instructions as one; nobody may jump between them. */
        private boolean fused(int slot, int next, int end, Blocks blocks, AluLowering alu, MemoryLowering memory) {
            boolean internal = calls.isInternal(slot, Internal.PER_CPU_ADDRESS)
                    || next < end && calls.isInternal(next, Internal.PER_CPU_ADDRESS);
            if (next >= end || blocks.begins(next) || options.checked() || internal) {
                return false;
            }
            var first = insnAt.apply(slot);
            var second = insnAt.apply(next);
            if (first instanceof Insn.Alu move && second instanceof Insn.Alu add) {
                return alu.moveAndOperate(move, add);
            }
            return !calls.isKernelLoad(slot) && !calls.isKernelLoad(next) && memory.pair(first, second);
        }

        private Reach reach(int slot) {
            return reaches.getOrDefault(slot, Reach.SHORT);
        }

        private void lowerInsn(
                int slot, Insn insn, boolean last, FlowLowering flow, AluLowering alu, MemoryLowering memory) {
            var reach = reach(slot);
            switch (insn) {
                case Insn.Alu it when calls.isInternal(slot, Internal.PER_CPU_ADDRESS) -> flow.perCpuAddress(it);
                case Insn.Alu it -> alu.lower(it);
                case Insn.Swap it -> alu.lower(it);
                case Insn.Load it when calls.isKernelLoad(slot) -> flow.loadKernel(slot, it, reach);
                case Insn.Load it -> memory.lower(it);
                case Insn.Store it -> memory.lower(it);
                case Insn.Atomic it -> memory.lower(it);
                case Insn.LoadImm64 it -> flow.loadImmediate(slot, it);
                case Insn.Jump _ when calls.isInternal(slot, Internal.NOSPEC) -> {}
                case Insn.Jump _ -> flow.jump(target(slot), reach);
                case Insn.Branch it -> flow.branch(it, target(slot), reach);
                case Insn.MayGoto _ -> flow.mayGoto(target(slot), reach);
                case Insn.Call it ->
                    flow.call(slot, it, it.kind() == Insn.CallKind.LOCAL ? calleeLabel(slot) : 0, reach);
                case Insn.CallX it -> flow.call(it);
                case Insn.Exit _ -> flow.exit(last, reach);
                case Insn.LoadPacket it ->
                    flow.loadPacket(slot, it, it.size().bytes() | (it.indirect() ? INDIRECT : 0), reach);
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
            return new MachineCode(asm.words(), wordOfSlot, starts, marks, asm.externals());
        }
    }
}
