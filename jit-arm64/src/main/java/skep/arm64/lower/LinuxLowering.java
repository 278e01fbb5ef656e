package skep.arm64.lower;

import static skep.arm64.lower.RegisterMap.SCRATCH_1;

import java.util.ArrayList;
import java.util.List;
import java.util.function.IntFunction;
import skep.arm64.a64.Assembler;
import skep.arm64.a64.Encoding;
import skep.isa.DecodedProgram;
import skep.isa.Insn;
import skep.isa.Operand;
import skep.isa.Reg;
import skep.isa.Width;
import skep.isa.Xlated.Internal;
import skep.isa.kernel.Helper;

/**
 * Lowers as the arm64 JIT of Linux 6.1 or 6.12 does, so that its images and ours can be read side by side: no instruction of eBPF looks at
 * its neighbours, {@link LinuxFrame} says how frames and stacks look, addresses of functions take three words, and behind each function
 * lies a stub for trampolines.
 *
 * <p>What differs from a kernel's image is listed in {@code docs/arm64.md}.
 */
final class LinuxLowering {
    private static final int R0 = RegisterMap.of(Reg.R0);

    private final DecodedProgram program;
    private final IntFunction<Insn> insnAt;
    private final LoweringOptions options;
    private final Calls calls;
    private final boolean old;
    private final Assembler asm = new Assembler();
    private final int[] labelOfSlot;
    private final int[] wordOfSlot;
    private final List<MachineCode.FunctionStart> starts = new ArrayList<>();
    private final List<MachineCode.Mark> marks = new ArrayList<>();

    private LinuxLowering(DecodedProgram program, IntFunction<Insn> insnAt, LoweringOptions options, Calls calls) {
        this.program = program;
        this.insnAt = insnAt;
        this.options = options;
        this.calls = calls;
        this.old = options.style() == LoweringOptions.Style.LINUX_6_1;
        this.labelOfSlot = new int[program.size() + 1];
        this.wordOfSlot = new int[program.size() + 1];
    }

    static MachineCode lower(DecodedProgram program, IntFunction<Insn> insnAt, LoweringOptions options, Calls calls) {
        if (options.checked()) {
            throw new UnsupportedInsnException(-1, "Linux runs verified programs only");
        }
        return new LinuxLowering(program, insnAt, options, calls).lower();
    }

    private MachineCode lower() {
        for (int slot = 0; slot <= program.size(); slot++) {
            labelOfSlot[slot] = asm.label();
        }
        var entries = new int[program.functionCount()];
        for (int f = 0; f < entries.length; f++) {
            entries[f] = asm.label();
        }
        for (int f = 0; f < entries.length; f++) {
            starts.add(new MachineCode.FunctionStart(program.functionStart(f), asm.size()));
            asm.bind(entries[f]);
            function(f, entries);
        }
        wordOfSlot[program.size()] = asm.size();
        asm.bind(labelOfSlot[program.size()]);
        if (asm.tooFar().length > 0) {
            throw new UnsupportedInsnException(-1, "Linux refuses branches of more than 1 MiB");
        }
        return new MachineCode(asm.words(), wordOfSlot, starts, marks, asm.externals());
    }

    private void function(int function, int[] entries) {
        int start = program.functionStart(function);
        int end = program.functionEnd(function);
        int stackBytes = (calls.stackBytes(start) + 15) / 16 * 16;
        marks.add(new MachineCode.Mark(asm.size(), start, "prologue"));
        var frame = LinuxFrame.of(asm, options, program, start, end, stackBytes);
        frame.prologue();
        int epilogue = asm.label();
        var parts = new Parts(new LinuxMemory(asm, options, frame), new LinuxTailCall(asm, frame), entries, epilogue);
        for (int slot = start; slot < end; slot = program.next(slot)) {
            wordOfSlot[slot] = asm.size();
            asm.bind(labelOfSlot[slot]);
            var insn = insnAt.apply(slot);
            calls.at(slot, insn, asm.size());
            int next = program.next(slot);
            lowerInsn(slot, insn, next == end, parts);
            if (next == slot + 2) {
                wordOfSlot[slot + 1] = asm.size();
                asm.bind(labelOfSlot[slot + 1]);
            }
        }
        asm.bind(epilogue);
        marks.add(new MachineCode.Mark(asm.size(), MachineCode.NO_SLOT, "epilogue"));
        frame.epilogue();
        trampolineStub();
    }

    /** What the instructions of one function share. */
    private record Parts(LinuxMemory memory, LinuxTailCall tail, int[] entries, int epilogue) {}

    private void lowerInsn(int slot, Insn insn, boolean last, Parts parts) {
        if (old && isNew(insn)) {
            throw new UnsupportedInsnException(slot, "Linux 6.1 has no such instruction for arm64");
        }
        switch (insn) {
            case Insn.Alu it when calls.isInternal(slot, Internal.PER_CPU_ADDRESS) -> perCpuAddress(it);
            case Insn.Alu it -> LinuxAlu.lower(asm, it);
            case Insn.Swap it -> LinuxAlu.lower(asm, it);
            case Insn.Load it -> parts.memory.lower(it);
            case Insn.Store it -> parts.memory.lower(it);
            case Insn.Atomic it -> parts.memory.lower(it);
            case Insn.LoadImm64 it -> loadImmediate(slot, it, parts.entries);
            case Insn.Jump _ when calls.isInternal(slot, Internal.NOSPEC) -> {}
            case Insn.Jump _ -> asm.branch(Encoding.B, labelOfSlot[program.target(slot)]);
            case Insn.Branch it -> branch(it, labelOfSlot[program.target(slot)]);
            case Insn.Call it when Lowering.isTailCall(it) -> parts.tail.emit();
            case Insn.Call it -> call(slot, it, parts.entries);
            case Insn.Exit _ -> {
                // The last one falls through.
                if (!last) {
                    asm.branch(Encoding.B, parts.epilogue);
                }
            }
            case Insn.MayGoto _, Insn.CallX _, Insn.LoadPacket _, Insn.AddrSpaceCast _ ->
                throw new UnsupportedInsnException(slot, "Linux 6.1 and 6.12 have no such instruction for arm64");
        }
    }

    /** What leads to a trampoline once there is one: its address lies behind the image, aligned to eight bytes. */
    private void trampolineStub() {
        if (asm.size() % 2 == 1) {
            asm.emit(Encoding.NOP.word(""));
        }
        marks.add(new MachineCode.Mark(asm.size(), MachineCode.NO_SLOT, "trampoline stub"));
        asm.emit(Encoding.LDR_LITERAL_X, "id", 2, SCRATCH_1);
        asm.emit(Encoding.BR, "n", SCRATCH_1);
    }

    private void branch(Insn.Branch insn, int target) {
        int sf = insn.width() == Width.W64 ? 1 : 0;
        int dst = RegisterMap.of(insn.dst());
        boolean tests = insn.op() == skep.isa.JumpOp.JSET;
        switch (insn.src()) {
            case Operand.OfReg(Reg reg) ->
                asm.emit(tests ? Encoding.TST_REG : Encoding.CMP_REG, "smn", sf, RegisterMap.of(reg), dst);
            case Operand.OfImm(int imm) -> {
                if (tests) {
                    LinuxAlu.test(asm, sf, dst, imm);
                } else {
                    LinuxAlu.compare(asm, sf, dst, imm);
                }
            }
        }
        asm.conditional(Encoding.B_COND.word("c", Condition.of(insn.op()).bits()), target);
    }

    private void call(int slot, Insn.Call insn, int[] entries) {
        if (!old && insn.kind() == Insn.CallKind.HELPER && inlined(insn.imm())) {
            return;
        }
        long address = insn.kind() == Insn.CallKind.LOCAL
                ? calls.functionAddress(program.callee(slot))
                : calls.target(slot).address();
        if (insn.kind() == Insn.CallKind.LOCAL && address == 0) {
            // Where the image will lie is not known here: a call of the same length less two words.
            asm.branch(Encoding.BL, entries[program.functionAt(program.callee(slot))]);
        } else if (!old
                && (insn.kind() == Insn.CallKind.LOCAL || calls.target(slot).near())) {
            asm.external(Encoding.BL, address);
        } else {
            address(SCRATCH_1, address);
            asm.emit(Encoding.BLR, "n", SCRATCH_1);
        }
        LinuxAlu.move(asm, 1, R0, 0);
    }

    /** What the current task's structure answers needs no call. */
    private boolean inlined(int helper) {
        return TaskRegister.answer(asm, Helper.ofNumber(helper), R0);
    }

    /** This CPU's copy of what the register points to. */
    private void perCpuAddress(Insn.Alu insn) {
        int dst = RegisterMap.of(insn.dst());
        if (insn.src() instanceof Operand.OfReg(Reg src) && src != insn.dst()) {
            LinuxAlu.move(asm, 1, dst, RegisterMap.of(src));
        }
        asm.emit(calls.cpuBase(), "d", SCRATCH_1);
        asm.emit(Encoding.ADD_REG, "smnd", 1, SCRATCH_1, dst, dst);
    }

    /** What came to eBPF after 6.1 (cpu v4). */
    private static boolean isNew(Insn insn) {
        return switch (insn) {
            case Insn.Alu alu ->
                switch (alu.op()) {
                    case SDIV, SMOD, MOVSX8, MOVSX16, MOVSX32 -> true;
                    default -> false;
                };
            case Insn.Swap swap -> swap.order() == Insn.Swap.Order.BSWAP;
            case Insn.Jump jump -> jump.wide();
            default -> false;
        };
    }

    /** An address of 48 bits, always as three words. */
    private void address(int register, long value) {
        asm.emit(Encoding.MOVN, "shid", 1, 0, (int) ~value & 0xffff, register);
        asm.emit(Encoding.MOVK, "shid", 1, 1, (int) (value >>> 16) & 0xffff, register);
        asm.emit(Encoding.MOVK, "shid", 1, 2, (int) (value >>> 32) & 0xffff, register);
    }

    private void loadImmediate(int slot, Insn.LoadImm64 insn, int[] entries) {
        int dst = RegisterMap.of(insn.dst());
        if (insn.kind() == Insn.ImmKind.FUNC) {
            long address = calls.functionAddress(program.callee(slot));
            if (address == 0) {
                asm.address(dst, entries[program.functionAt(program.callee(slot))]);
            } else {
                address(dst, address);
            }
        } else {
            LinuxAlu.move64(asm, dst, calls.immediate(slot));
        }
    }
}
