package skep.arm64.exec;

import static skep.arm64.a64.Assembler.SP;
import static skep.arm64.a64.Assembler.ZR;

import skep.arm64.a64.Assembler;
import skep.arm64.a64.Encoding;

/**
 * The program that runs emitted code on an aarch64 processor or an emulated one: a static executable, assembled here.
 *
 * <p>It maps the shared memory and then serves one-letter commands from its standard input:
 *
 * <pre>
 *   E   call the code at ENTRY with five ARGUMENTS on STACK; the answer is R, with RESULT
 *   C   go on behind the helper call that was last announced; its result is in RESULT
 *   U   drop the innermost E; the answer is D
 *   I   the code from ENTRY up to the first of ARGUMENTS is new: instruction caches forget what was there; the answer is I
 * </pre>
 *
 * A helper call in the code stores its number and arguments, announces itself with H and serves commands until C. So
 * callbacks nest. A signal stores where it happened, announces F and ends the process.
 */
final class RunnerImage {
    /** Where code calls out, the number of the call site in x9. */
    static final int CALL_OUT_WORD = 1;

    /** Where code calls through a register, its value in x9. */
    static final int CALL_REGISTER_WORD = 2;

    /** Returns its argument. */
    static final int RETURN_WORD = 4;

    /** Where code reads kernel memory: address in x10, the value comes back there, all other registers stay. */
    static final int LOAD_KERNEL_WORD = 3;

    private static final int SYS_MPROTECT = 226;
    private static final int PROT_NONE = 0;
    private static final int SYS_OPENAT = 56;
    private static final int SYS_READ = 63;
    private static final int SYS_WRITE = 64;
    private static final int SYS_EXIT = 93;
    private static final int SYS_SIGALTSTACK = 132;
    private static final int SYS_RT_SIGACTION = 134;
    private static final int SYS_MMAP = 222;
    private static final int AT_FDCWD = -100;
    private static final int O_RDWR = 2;
    private static final int PROT_READ_WRITE = 3;
    private static final int PROT_READ_EXEC = 5;
    private static final int MAP_SHARED_FIXED = 0x11;
    private static final int[] SIGNALS = {4, 5, 7, 8, 11};
    /** Offsets in {@code struct ucontext} of arm64: fault address, x30, pc. */
    private static final int UC_FAULT_ADDRESS = 176;

    private static final int UC_LINK = 184 + 8 * 30;
    private static final int UC_PC = 184 + 8 * 32;

    private static final int MAILBOX = 27;
    private static final int FD = 19;

    /** Emitted code has no use for it. */
    private static final int FD_KEPT = 24;

    private final Assembler asm = new Assembler();
    private final int serve = asm.label();
    private final int helper = asm.label();
    private final int throughRegister = asm.label();
    private final int loadKernel = asm.label();

    private RunnerImage() {}

    /** The file. */
    static byte[] elf() {
        var image = new RunnerImage();
        int entry = image.emit();
        return StaticElf.write(image.asm.words(), entry, new byte[8], 4096);
    }

    private int emit() {
        asm.emit(Encoding.UDF.word(""));
        asm.branch(Encoding.B, helper);
        asm.branch(Encoding.B, throughRegister);
        asm.branch(Encoding.B, loadKernel);
        asm.emit(Encoding.RET_LR.word(""));
        int handler = emitSignalHandler();
        int entry = asm.size();
        emitStart(handler);
        emitHelperStub();
        emitServe();
        if (asm.tooFar().length > 0) {
            throw new AssertionError("runner");
        }
        return entry;
    }

    private int emitSignalHandler() {
        int at = asm.size();
        asm.move(MAILBOX, SharedPool.BASE);
        store(Mailbox.SIGNAL, 0);
        load(UC_PC, 2, 3);
        store(Mailbox.FAULT_PC, 3);
        load(UC_LINK, 2, 3);
        store(Mailbox.FAULT_LINK, 3);
        load(UC_FAULT_ADDRESS, 2, 3);
        store(Mailbox.FAULT_ADDRESS, 3);
        say('F');
        asm.move(0, 1);
        call(SYS_EXIT);
        return at;
    }

    private void emitStart(int handlerWord) {
        load(16, SP, 1);
        asm.move(0, AT_FDCWD);
        asm.move(2, O_RDWR);
        call(SYS_OPENAT);
        asm.emit(Encoding.MOV_REG, "smd", 1, 0, FD);
        map(SharedPool.BASE, SharedPool.SIZE_BYTES, PROT_READ_WRITE, 0, FD);
        map(SharedPool.CODE, SharedPool.CODE_BYTES, PROT_READ_EXEC, SharedPool.CODE - SharedPool.BASE, FD);
        asm.emit(Encoding.MOV_REG, "smd", 1, FD, FD_KEPT);
        guardStacks();
        asm.move(MAILBOX, SharedPool.BASE);
        asm.addImmediate(true, 0, MAILBOX, Mailbox.SIGNAL_STACK, 9);
        asm.move(1, 0);
        call(SYS_SIGALTSTACK);
        asm.move(1, StaticElf.addressOfWord(handlerWord));
        store(Mailbox.SIGNAL_ACTION, 1);
        for (int signal : SIGNALS) {
            asm.move(0, signal);
            asm.addImmediate(true, 1, MAILBOX, Mailbox.SIGNAL_ACTION, 9);
            asm.move(2, 0);
            asm.move(3, 8);
            call(SYS_RT_SIGACTION);
        }
        asm.branch(Encoding.BL, serve);
        asm.move(0, 0);
        call(SYS_EXIT);
    }

    /** Of the area of stacks only the stacks can be touched. */
    private void guardStacks() {
        int next = asm.label();
        asm.move(0, SharedPool.STACKS);
        asm.move(1, SharedPool.STACKS_BYTES);
        asm.move(2, PROT_NONE);
        call(SYS_MPROTECT);
        asm.move(20, SharedPool.STACKS + SharedPool.GUARD_BYTES);
        asm.move(21, SharedPool.MAX_STACKS);
        asm.bind(next);
        asm.emit(Encoding.MOV_REG, "smd", 1, 20, 0);
        asm.move(1, SharedPool.STACK_BYTES);
        asm.move(2, PROT_READ_WRITE);
        call(SYS_MPROTECT);
        asm.addImmediate(true, 20, 20, (int) (SharedPool.STACK_BYTES + SharedPool.GUARD_BYTES), 9);
        asm.emit(Encoding.SUB_IMM, "sind", 1, 1, 21, 21);
        asm.conditional(Encoding.CBNZ.word("sd", 1, 21), next);
    }

    private void map(long address, long sizeBytes, int protection, long offset, int fd) {
        asm.move(0, address);
        asm.move(1, sizeBytes);
        asm.move(2, protection);
        asm.move(3, MAP_SHARED_FIXED);
        asm.emit(Encoding.MOV_REG, "smd", 1, fd, 4);
        asm.move(5, offset);
        call(SYS_MMAP);
    }

    private void emitHelperStub() {
        int announce = asm.label();
        asm.bind(throughRegister);
        push(29, 30);
        asm.move(10, 1);
        asm.branch(Encoding.B, announce);
        asm.bind(helper);
        push(29, 30);
        asm.move(10, 0);
        asm.bind(announce);
        store(Mailbox.THROUGH_REGISTER, 10);
        store(Mailbox.HELPER, 9);
        for (int i = 0; i < 5; i++) {
            store(Mailbox.HELPER_ARGUMENTS + 8 * i, i);
        }
        say('H');
        asm.branch(Encoding.BL, serve);
        load(Mailbox.RESULT, MAILBOX, 0);
        load(Mailbox.ENDS, MAILBOX, 1);
        load(Mailbox.TAIL_CONTEXT, MAILBOX, 2);
        pop(29, 30);
        asm.emit(Encoding.RET_LR.word(""));

        asm.bind(loadKernel);
        push(29, 30);
        for (int register = 0; register < 8; register += 2) {
            push(register, register + 1);
        }
        asm.move(0, 0);
        store(Mailbox.THROUGH_REGISTER, 0);
        store(Mailbox.HELPER, 9);
        store(Mailbox.HELPER_ARGUMENTS, 10);
        say('H');
        asm.branch(Encoding.BL, serve);
        load(Mailbox.RESULT, MAILBOX, 10);
        for (int register = 6; register >= 0; register -= 2) {
            pop(register, register + 1);
        }
        pop(29, 30);
        asm.emit(Encoding.RET_LR.word(""));
    }

    /**
     * The code is mapped anew before the caches' maintenance, since an emulator that looks for changed code in its own process only would not
     * see what another process wrote.
     */
    private void emitMaintenance() {
        map(SharedPool.CODE, SharedPool.CODE_BYTES, PROT_READ_EXEC, SharedPool.CODE - SharedPool.BASE, FD_KEPT);
        load(Mailbox.ENTRY, MAILBOX, 9);
        load(Mailbox.ARGUMENTS, MAILBOX, 10);
        CacheMaintenance.emit(asm);
    }

    private void emitServe() {
        int loop = asm.label();
        int execute = asm.label();
        int drop = asm.label();
        int leave = asm.label();
        int quit = asm.label();
        int maintain = asm.label();
        asm.bind(serve);
        push(29, 30);
        asm.bind(loop);
        asm.move(0, 0);
        asm.emit(Encoding.MOV_REG, "smd", 1, MAILBOX, 1);
        asm.move(2, 1);
        call(SYS_READ);
        asm.emit(Encoding.CMP_IMM, "sin", 1, 1, 0);
        unless(quit);
        load(Mailbox.COMMAND, MAILBOX, 9);
        asm.emit(Encoding.AND_IMM, "sbrqnd", 1, 1, 0, 7, 9, 9);
        on('C', leave);
        on('E', execute);
        on('U', drop);
        on('I', maintain);
        asm.bind(quit);
        asm.move(0, 0);
        call(SYS_EXIT);

        asm.bind(execute);
        for (int register = 19; register < 29; register += 2) {
            push(register, register + 1);
        }
        load(Mailbox.OUTER_FRAME, MAILBOX, 9);
        push(9, ZR);
        asm.emit(Encoding.MOV_SP, "sd", 1, 9);
        store(Mailbox.OUTER_FRAME, 9);
        load(Mailbox.ENTRY, MAILBOX, 10);
        for (int i = 0; i < 5; i++) {
            load(Mailbox.ARGUMENTS + 8 * i, MAILBOX, i);
        }
        load(Mailbox.REGIONS, MAILBOX, 28);
        load(Mailbox.STACK, MAILBOX, 11);
        asm.emit(Encoding.MOV_FROM_SP, "sn", 1, 11);
        asm.emit(Encoding.BLR, "n", 10);
        store(Mailbox.RESULT, 0);
        restoreOuter();
        say('R');
        asm.branch(Encoding.B, loop);

        // The helper that asked is abandoned: the stack goes back to where the dropped call began, and that call's
        // server goes on.
        asm.bind(drop);
        restoreOuter();
        say('D');
        asm.branch(Encoding.B, loop);

        asm.bind(maintain);
        emitMaintenance();
        say('I');
        asm.branch(Encoding.B, loop);

        asm.bind(leave);
        pop(29, 30);
        asm.emit(Encoding.RET_LR.word(""));
    }

    private void restoreOuter() {
        load(Mailbox.OUTER_FRAME, MAILBOX, 9);
        asm.emit(Encoding.MOV_FROM_SP, "sn", 1, 9);
        pop(9, ZR);
        store(Mailbox.OUTER_FRAME, 9);
        for (int register = 27; register > 18; register -= 2) {
            pop(register, register + 1);
        }
    }

    private void unless(int label) {
        asm.conditional(Encoding.B_COND.word("c", 1), label);
    }

    private void on(char command, int label) {
        asm.emit(Encoding.CMP_IMM, "sin", 1, (int) command, 9);
        asm.conditional(Encoding.B_COND.word("c", 0), label);
    }

    /** One letter to the JVM. */
    private void say(char letter) {
        asm.move(9, letter);
        store(Mailbox.COMMAND, 9);
        asm.move(0, 1);
        asm.emit(Encoding.MOV_REG, "smd", 1, MAILBOX, 1);
        asm.move(2, 1);
        call(SYS_WRITE);
    }

    private void call(int number) {
        asm.move(8, number);
        asm.emit(Encoding.SVC.word(""));
    }

    private void load(int offset, int base, int register) {
        asm.emit(Encoding.LDR_UIMM, "xind", 3, offset / 8, base, register);
    }

    private void store(int offset, int register) {
        asm.emit(Encoding.STR_UIMM, "xind", 3, offset / 8, MAILBOX, register);
    }

    private void push(int first, int second) {
        asm.emit(Encoding.STP_PRE, "siund", 1, -2, second, SP, first);
    }

    private void pop(int first, int second) {
        asm.emit(Encoding.LDP_POST, "siund", 1, 2, second, SP, first);
    }
}
