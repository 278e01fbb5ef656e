package skep.arm64.exec;

import static skep.arm64.a64.Assembler.SP;

import skep.arm64.a64.Assembler;
import skep.arm64.a64.Encoding;

/**
 * What emitted code needs around it when it runs in the JVM's own process: a way in, ways out, and the caches' maintenance. The JVM runs on
 * its thread's stack only, so the stack pointer changes with each crossing:
 *
 * <pre>
 *   enter      saves x19 to x30 and the thread's stack pointer, goes to the program's stack, calls the code
 *   call out   goes back to the thread's stack, calls the JVM, returns to the program's
 *   leave      what enter saved is restored, wherever the program was: when the JVM says so after a call out
 * </pre>
 */
final class NativeRoutines {
    /** What the JVM answers when the program must be left. */
    static final int LEAVES = 2;

    private static final int CONTEXT = 12;

    private final Assembler asm = new Assembler();
    private final int leave = asm.label();
    private final int upcall = asm.label();

    final int enterWord;
    final int maintainWord;
    final int callOutWord;
    final int callRegisterWord;
    final int loadKernelWord;
    final int returnWord;

    /**
     * @param upcallAddress a function of (kind, number, five arguments): what code calls of the JVM
     */
    NativeRoutines(long upcallAddress) {
        enterWord = asm.size();
        emitEnter();
        maintainWord = asm.size();
        emitMaintain();
        callOutWord = asm.size();
        emitCallOut(0);
        callRegisterWord = asm.size();
        emitCallOut(1);
        loadKernelWord = asm.size();
        emitLoadKernel();
        returnWord = asm.size();
        asm.emit(Encoding.BTI_C.word(""));
        asm.emit(Encoding.RET_LR.word(""));
        emitUpcall(upcallAddress);
        if (asm.tooFar().length > 0) {
            throw new AssertionError("routines");
        }
    }

    int[] words() {
        return asm.words();
    }

    /** {@code long enter(long entry, long arguments, long stack)} */
    private void emitEnter() {
        asm.emit(Encoding.BTI_C.word(""));
        push(29, 30);
        for (int register = 19; register < 29; register += 2) {
            push(register, register + 1);
        }
        context();
        load(Mailbox.NATIVE_STACK, CONTEXT, 9);
        push(9, Assembler.ZR);
        asm.emit(Encoding.MOV_SP, "sd", 1, 9);
        store(Mailbox.NATIVE_STACK, 9);
        asm.emit(Encoding.MOV_REG, "smd", 1, 0, 16);
        asm.emit(Encoding.MOV_REG, "smd", 1, 1, 10);
        asm.emit(Encoding.MOV_FROM_SP, "sn", 1, 2);
        for (int i = 0; i < 5; i++) {
            load(8 * i, 10, i);
        }
        asm.emit(Encoding.BLR, "n", 16);
        asm.bind(leave);
        context();
        load(Mailbox.NATIVE_STACK, CONTEXT, 9);
        asm.emit(Encoding.MOV_FROM_SP, "sn", 1, 9);
        pop(9, Assembler.ZR);
        store(Mailbox.NATIVE_STACK, 9);
        for (int register = 27; register > 18; register -= 2) {
            pop(register, register + 1);
        }
        pop(29, 30);
        asm.emit(Encoding.RET_LR.word(""));
    }

    /** {@code void maintain(long from, long to)} */
    private void emitMaintain() {
        asm.emit(Encoding.BTI_C.word(""));
        asm.emit(Encoding.MOV_REG, "smd", 1, 0, 9);
        asm.emit(Encoding.MOV_REG, "smd", 1, 1, 10);
        CacheMaintenance.emit(asm);
        asm.emit(Encoding.RET_LR.word(""));
    }

    /** Arguments in x0 to x4, what to call in x9: to x1 to x6, behind the kind of call. */
    private void emitCallOut(int kind) {
        asm.emit(Encoding.BTI_C.word(""));
        push(29, 30);
        for (int register = 4; register >= 0; register--) {
            asm.emit(Encoding.MOV_REG, "smd", 1, register, register + 2);
        }
        asm.emit(Encoding.MOV_REG, "smd", 1, 9, 1);
        asm.move(0, kind);
        asm.branch(Encoding.BL, upcall);
        load(Mailbox.TAIL_CONTEXT, CONTEXT, 2);
        pop(29, 30);
        asm.emit(Encoding.RET_LR.word(""));
    }

    private void emitLoadKernel() {
        asm.emit(Encoding.BTI_C.word(""));
        push(29, 30);
        for (int register = 0; register < 8; register += 2) {
            push(register, register + 1);
        }
        asm.emit(Encoding.MOV_REG, "smd", 1, 10, 2);
        asm.emit(Encoding.MOV_REG, "smd", 1, 9, 1);
        asm.move(0, 0);
        asm.branch(Encoding.BL, upcall);
        asm.emit(Encoding.MOV_REG, "smd", 1, 0, 10);
        for (int register = 6; register >= 0; register -= 2) {
            pop(register, register + 1);
        }
        pop(29, 30);
        asm.emit(Encoding.RET_LR.word(""));
    }

    /** Calls the JVM on the thread's stack; afterwards x12 is the mailbox and x1 how to go on. */
    private void emitUpcall(long address) {
        asm.bind(upcall);
        context();
        asm.emit(Encoding.MOV_SP, "sd", 1, 11);
        load(Mailbox.NATIVE_STACK, CONTEXT, 10);
        asm.emit(Encoding.MOV_FROM_SP, "sn", 1, 10);
        push(11, 30);
        asm.move(16, address);
        asm.emit(Encoding.BLR, "n", 16);
        pop(11, 30);
        asm.emit(Encoding.MOV_FROM_SP, "sn", 1, 11);
        context();
        load(Mailbox.ENDS, CONTEXT, 1);
        asm.emit(Encoding.CMP_IMM, "sin", 1, LEAVES, 1);
        asm.conditional(Encoding.B_COND.word("c", 0), leave);
        asm.emit(Encoding.RET_LR.word(""));
    }

    private void context() {
        asm.move(CONTEXT, SharedPool.BASE);
    }

    private void load(int offset, int base, int register) {
        asm.emit(Encoding.LDR_UIMM, "xind", 3, offset / 8, base, register);
    }

    private void store(int offset, int register) {
        asm.emit(Encoding.STR_UIMM, "xind", 3, offset / 8, CONTEXT, register);
    }

    private void push(int first, int second) {
        asm.emit(Encoding.STP_PRE, "siund", 1, -2, second, SP, first);
    }

    private void pop(int first, int second) {
        asm.emit(Encoding.LDP_POST, "siund", 1, 2, second, SP, first);
    }
}
