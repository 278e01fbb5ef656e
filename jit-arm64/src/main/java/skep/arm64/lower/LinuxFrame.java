package skep.arm64.lower;

import static skep.arm64.a64.Assembler.SP;
import static skep.arm64.lower.RegisterMap.FP;
import static skep.arm64.lower.RegisterMap.FRAME;
import static skep.arm64.lower.RegisterMap.LR;
import static skep.arm64.lower.RegisterMap.TAIL_CALLS;

import java.util.ArrayList;
import java.util.List;
import skep.arm64.a64.Assembler;
import skep.arm64.a64.Encoding;
import skep.isa.DecodedProgram;
import skep.isa.Reg;

/** What a function saves, how it reaches its stack and how it counts tail calls, in a style of Linux. */
sealed interface LinuxFrame {
    /** Where the return address is kept for a tracer's trampoline. */
    int ENTRY_SAVE = 9;

    int R0 = RegisterMap.of(Reg.R0);

    /**
     * The frame of a function.
     *
     * @param stackBytes how much of the stack it uses, rounded up to 16
     */
    static LinuxFrame of(
            Assembler asm, LoweringOptions options, DecodedProgram program, int start, int end, int stackBytes) {
        return options.style() == LoweringOptions.Style.LINUX_6_1
                ? new Linux61(asm, options, start == 0, stackBytes, LinuxMemory.belowFrame(program, start, end))
                : new Linux612(asm, options, start == 0, stackBytes, Linux612.used(program, start, end));
    }

    void prologue();

    void epilogue();

    /** The register that stands for r10 in accesses of the stack; r10's own if there is no such. */
    int stackBase();

    /** How far that register lies below r10, in bytes. */
    int stackBaseBelow();

    /** Puts the count of tail calls into a register, if it is in memory; the register that has it. */
    int tailCallCount();

    /** Keeps the count after the program of a tail call was found, if it is in memory. */
    void storeTailCallCount();

    /** Before a tail call: the frame goes as far as the other program's prologue is skipped. */
    void leaveForTailCall();

    /** How many words of its prologue a tail call skips. */
    int skippedWords();

    /** Nothing is looked at: all registers are saved, and what lies below r10 has a base of its own in x27. */
    record Linux61(Assembler asm, LoweringOptions options, boolean main, int stackBytes, int stackBaseBelow)
            implements LinuxFrame {
        private static final int STACK_BASE = 27;
        private static final int LAST_SAVED = 28;
        private static final int SKIPPED_WORDS = 10;

        @Override
        public void prologue() {
            LinuxFrame.entry(asm, options, Encoding.BTI_C);
            push(asm, RegisterMap.of(Reg.R6), RegisterMap.of(Reg.R7));
            push(asm, RegisterMap.of(Reg.R8), RegisterMap.of(Reg.R9));
            push(asm, FRAME, TAIL_CALLS);
            push(asm, STACK_BASE, LAST_SAVED);
            LinuxAlu.move(asm, 1, FRAME, SP);
            if (main) {
                asm.emit(Encoding.MOVZ, "shid", 1, 0, 0, TAIL_CALLS);
                if (options.hints().bti()) {
                    asm.emit(Encoding.BTI_J.word(""));
                }
            }
            asm.emit(Encoding.SUB_IMM, "sind", 1, stackBaseBelow, FRAME, STACK_BASE);
            asm.emit(Encoding.SUB_IMM, "sind", 1, stackBytes, SP, SP);
        }

        @Override
        public void epilogue() {
            leaveForTailCall();
            pop(asm, STACK_BASE, LAST_SAVED);
            pop(asm, FRAME, TAIL_CALLS);
            pop(asm, RegisterMap.of(Reg.R8), RegisterMap.of(Reg.R9));
            pop(asm, RegisterMap.of(Reg.R6), RegisterMap.of(Reg.R7));
            LinuxFrame.leave(asm, options);
        }

        @Override
        public int stackBase() {
            return stackBaseBelow > 0 ? STACK_BASE : FRAME;
        }

        @Override
        public int tailCallCount() {
            return TAIL_CALLS;
        }

        @Override
        public void storeTailCallCount() {
            // It is in its register.
        }

        /** The saved registers stay where they are: the other program goes on behind saving them. */
        @Override
        public void leaveForTailCall() {
            asm.emit(Encoding.ADD_IMM, "sind", 1, stackBytes, SP, SP);
        }

        @Override
        public int skippedWords() {
            return SKIPPED_WORDS + hintWords(options);
        }
    }

    /** What a function uses is saved, in pairs; the stack is addressed from {@code sp}; x26 points to the count of tail calls. */
    record Linux612(Assembler asm, LoweringOptions options, boolean main, int stackBytes, List<Integer> saved)
            implements LinuxFrame {
        private static final int SKIPPED_WORDS = 6;
        private static final int COUNT = RegisterMap.SCRATCH_3;

        public Linux612 {
            saved = List.copyOf(saved);
        }

        /** Of x19 to x22 and x25 those that stand for a register which the bytecode names anywhere. */
        static List<Integer> used(DecodedProgram program, int start, int end) {
            var code = program.code();
            var registers = new ArrayList<Integer>();
            for (var reg : List.of(Reg.R6, Reg.R7, Reg.R8, Reg.R9, Reg.R10)) {
                for (int slot = start; slot < end; slot++) {
                    if (code.dst(slot) == reg.number() || code.src(slot) == reg.number()) {
                        registers.add(RegisterMap.of(reg));
                        break;
                    }
                }
            }
            return registers;
        }

        @Override
        public void prologue() {
            LinuxFrame.entry(asm, options, Encoding.BTI_JC);
            push(asm, main ? Assembler.ZR : TAIL_CALLS, TAIL_CALLS);
            if (main) {
                LinuxAlu.move(asm, 1, TAIL_CALLS, SP);
                if (options.hints().bti()) {
                    asm.emit(Encoding.BTI_J.word(""));
                }
            }
            for (int i = 0; i < saved.size(); i += 2) {
                push(asm, saved.get(i), second(i));
            }
            if (saved.contains(FRAME)) {
                LinuxAlu.move(asm, 1, FRAME, SP);
            }
            if (stackBytes > 0) {
                asm.emit(Encoding.SUB_IMM, "sind", 1, stackBytes, SP, SP);
            }
        }

        /** What is saved beside a register: the next one, or nothing. */
        private int second(int i) {
            return i + 1 < saved.size() ? saved.get(i + 1) : Assembler.ZR;
        }

        @Override
        public void epilogue() {
            leaveForTailCall();
            pop(asm, Assembler.ZR, TAIL_CALLS);
            LinuxFrame.leave(asm, options);
        }

        @Override
        public int stackBase() {
            return SP;
        }

        @Override
        public int stackBaseBelow() {
            return stackBytes;
        }

        @Override
        public int tailCallCount() {
            asm.emit(Encoding.LDR_UIMM, "xind", 3, 0, TAIL_CALLS, COUNT);
            return COUNT;
        }

        @Override
        public void storeTailCallCount() {
            asm.emit(Encoding.STR_UIMM, "xind", 3, 0, TAIL_CALLS, COUNT);
        }

        /** The other program saves what it uses itself. */
        @Override
        public void leaveForTailCall() {
            if (stackBytes > 0) {
                asm.emit(Encoding.ADD_IMM, "sind", 1, stackBytes, SP, SP);
            }
            for (int i = (saved.size() - 1) / 2 * 2; i >= 0 && !saved.isEmpty(); i -= 2) {
                pop(asm, saved.get(i), second(i));
            }
        }

        @Override
        public int skippedWords() {
            return SKIPPED_WORDS + hintWords(options);
        }
    }

    private static int hintWords(LoweringOptions options) {
        return (options.hints().bti() ? 1 : 0) + (options.hints().pac() ? 1 : 0);
    }

    /** Landing pad, room for a trampoline, frame record. */
    private static void entry(Assembler asm, LoweringOptions options, Encoding landing) {
        if (options.hints().bti()) {
            asm.emit(landing.word(""));
        }
        LinuxAlu.move(asm, 1, ENTRY_SAVE, LR);
        asm.emit(Encoding.NOP.word(""));
        if (options.hints().pac()) {
            asm.emit(Encoding.PACIASP.word(""));
        }
        push(asm, FP, LR);
        LinuxAlu.move(asm, 1, FP, SP);
    }

    private static void leave(Assembler asm, LoweringOptions options) {
        pop(asm, FP, LR);
        LinuxAlu.move(asm, 1, 0, R0);
        if (options.hints().pac()) {
            asm.emit(Encoding.AUTIASP.word(""));
        }
        asm.emit(Encoding.RET_LR.word(""));
    }

    private static void push(Assembler asm, int first, int second) {
        asm.emit(Encoding.STP_PRE, "siund", 1, -2, second, SP, first);
    }

    private static void pop(Assembler asm, int first, int second) {
        asm.emit(Encoding.LDP_POST, "siund", 1, 2, second, SP, first);
    }
}
