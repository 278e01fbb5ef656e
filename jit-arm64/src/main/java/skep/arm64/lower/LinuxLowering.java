package skep.arm64.lower;

import static skep.arm64.a64.Assembler.SP;
import static skep.arm64.lower.RegisterMap.FP;
import static skep.arm64.lower.RegisterMap.FRAME;
import static skep.arm64.lower.RegisterMap.LR;
import static skep.arm64.lower.RegisterMap.SCRATCH_1;
import static skep.arm64.lower.RegisterMap.TAIL_CALLS;

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

/**
 * Lowers as the arm64 JIT of Linux 6.1 does, so that its images and ours can be read side by side: no instruction of eBPF looks at its
 * neighbours, every frame saves all registers, stores below r10 go through a second base in x27, addresses of functions take three words,
 * and behind each function lies a stub for trampolines.
 *
 * <p>What differs from a kernel's image is listed in {@code docs/arm64.md}.
 */
final class LinuxLowering {
    /** Base of the stack below r10. */
    static final int STACK_BASE = 27;

    private static final int LAST_SAVED = 28;
    private static final int ENTRY_SAVE = 9;
    private static final int R0 = RegisterMap.of(Reg.R0);

    private final DecodedProgram program;
    private final IntFunction<Insn> insnAt;
    private final LoweringOptions options;
    private final Calls calls;
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
            throw new UnsupportedInsnException(-1, "Linux 6.1 refuses branches of more than 1 MiB");
        }
        return new MachineCode(asm.words(), wordOfSlot, starts, marks);
    }

    private void function(int function, int[] entries) {
        int start = program.functionStart(function);
        int end = program.functionEnd(function);
        int below = LinuxMemory.belowFrame(program, start, end);
        int stackBytes = (calls.stackBytes(start) + 15) / 16 * 16;
        marks.add(new MachineCode.Mark(asm.size(), start, "prologue"));
        prologue(below, stackBytes, function == 0);
        int epilogue = asm.label();
        var memory = new LinuxMemory(asm, options, below);
        var tail = new LinuxTailCall(asm, stackBytes, options);
        for (int slot = start; slot < end; slot = program.next(slot)) {
            wordOfSlot[slot] = asm.size();
            asm.bind(labelOfSlot[slot]);
            var insn = insnAt.apply(slot);
            calls.at(slot, insn, asm.size());
            int next = program.next(slot);
            switch (insn) {
                case Insn.Alu it -> LinuxAlu.lower(asm, it);
                case Insn.Swap it -> LinuxAlu.lower(asm, it);
                case Insn.Load it -> memory.lower(it);
                case Insn.Store it -> memory.lower(it);
                case Insn.Atomic it -> memory.lower(it);
                case Insn.LoadImm64 it -> loadImmediate(slot, it, entries);
                case Insn.Jump _ -> asm.branch(Encoding.B, labelOfSlot[program.target(slot)]);
                case Insn.Branch it -> branch(it, labelOfSlot[program.target(slot)]);
                case Insn.Call it when Lowering.isTailCall(it) -> tail.emit();
                case Insn.Call it -> call(slot, it, entries);
                case Insn.Exit _ -> {
                    // The last one falls through.
                    if (next != end) {
                        asm.branch(Encoding.B, epilogue);
                    }
                }
                case Insn.MayGoto _, Insn.CallX _, Insn.LoadPacket _, Insn.AddrSpaceCast _ ->
                    throw new UnsupportedInsnException(slot, "Linux 6.1 has no such instruction for arm64");
            }
            if (next == slot + 2) {
                wordOfSlot[slot + 1] = asm.size();
                asm.bind(labelOfSlot[slot + 1]);
            }
        }
        asm.bind(epilogue);
        marks.add(new MachineCode.Mark(asm.size(), MachineCode.NO_SLOT, "epilogue"));
        epilogue(stackBytes);
        trampolineStub();
    }

    private void prologue(int below, int stackBytes, boolean main) {
        if (options.hints().bti()) {
            asm.emit(Encoding.BTI_C.word(""));
        }
        move(true, ENTRY_SAVE, LR);
        asm.emit(Encoding.NOP.word(""));
        if (options.hints().pac()) {
            asm.emit(Encoding.PACIASP.word(""));
        }
        push(FP, LR);
        move(true, FP, SP);
        push(RegisterMap.of(Reg.R6), RegisterMap.of(Reg.R7));
        push(RegisterMap.of(Reg.R8), RegisterMap.of(Reg.R9));
        push(FRAME, TAIL_CALLS);
        push(STACK_BASE, LAST_SAVED);
        move(true, FRAME, SP);
        if (main) {
            asm.emit(Encoding.MOVZ, "shid", 1, 0, 0, TAIL_CALLS);
            if (options.hints().bti()) {
                asm.emit(Encoding.BTI_J.word(""));
            }
        }
        asm.emit(Encoding.SUB_IMM, "sind", 1, below, FRAME, STACK_BASE);
        asm.emit(Encoding.SUB_IMM, "sind", 1, stackBytes, SP, SP);
    }

    private void epilogue(int stackBytes) {
        asm.emit(Encoding.ADD_IMM, "sind", 1, stackBytes, SP, SP);
        pop(STACK_BASE, LAST_SAVED);
        pop(FRAME, TAIL_CALLS);
        pop(RegisterMap.of(Reg.R8), RegisterMap.of(Reg.R9));
        pop(RegisterMap.of(Reg.R6), RegisterMap.of(Reg.R7));
        pop(FP, LR);
        move(true, 0, R0);
        if (options.hints().pac()) {
            asm.emit(Encoding.AUTIASP.word(""));
        }
        asm.emit(Encoding.RET_LR.word(""));
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

    private void push(int first, int second) {
        asm.emit(Encoding.STP_PRE, "siund", 1, -2, second, SP, first);
    }

    private void pop(int first, int second) {
        asm.emit(Encoding.LDP_POST, "siund", 1, 2, second, SP, first);
    }

    private void move(boolean wide, int d, int n) {
        LinuxAlu.move(asm, wide ? 1 : 0, d, n);
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
        long address = insn.kind() == Insn.CallKind.LOCAL
                ? calls.functionAddress(program.callee(slot))
                : calls.target(slot).address();
        if (insn.kind() == Insn.CallKind.LOCAL && address == 0) {
            // Where the image will lie is not known here: a call of the same length less two words.
            asm.branch(Encoding.BL, entries[program.functionAt(program.callee(slot))]);
        } else {
            address(SCRATCH_1, address);
            asm.emit(Encoding.BLR, "n", SCRATCH_1);
        }
        move(true, R0, 0);
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
