package skep.linux.agent;

/**
 * The agent for ARM64. x19: the request, on the stack; x20, x21: where and how much {@code readn} and {@code writen} have
 * yet to move. System call numbers: {@code asm-generic/unistd.h}.
 */
final class Arm64Agent {
    private static final int REQUEST = 19;
    private static final int PLACE = 20;
    private static final int REST = 21;
    private static final int NUMBER = 8;

    private static final int EQ = 0;
    private static final int NE = 1;
    private static final int LE = 13;

    private final AgentCode code = new AgentCode();

    static byte[] code() {
        var agent = new Arm64Agent();
        agent.start();
        agent.special();
        agent.child();
        agent.move("readn", 63, 0);
        agent.move("writen", 64, 1);
        return agent.code.finish();
    }

    private void start() {
        code.word(0xd10403ff); // sub sp, sp, #256
        code.word(0x910003f3); // mov x19, sp
        set(0, AgentImage.MAGIC & 0xffff);
        code.word(0x72a00000 | AgentImage.MAGIC >>> 16 << 5); // movk w0, #high, lsl #16
        code.word(0xb9000000 | REQUEST << 5); // str w0, [x19]
        set(0, AgentImage.ARM64);
        code.word(0xb9000400 | REQUEST << 5); // str w0, [x19, #4]
        fromRequest(8);
        call("writen");
        code.label("loop");
        fromRequest(AgentImage.REQUEST_BYTES);
        call("readn");
        load(NUMBER, 0);
        code.word(0xb7f80000 | NUMBER).to("special", (c, p, t) -> field(c, p, t, 0x3fff, 5)); // tbnz x8, #63
        for (int i = 0; i < 6; i++) {
            load(i, 8 + 8 * i);
        }
        syscall();
        code.label("reply");
        code.word(0xf9000000 | REQUEST << 5); // str x0, [x19]
        fromRequest(8);
        call("writen");
        go("loop");
    }

    private void special() {
        code.label("special");
        load(PLACE, 8);
        load(REST, 16);
        code.word(0xb100001f | 1 << 10 | NUMBER << 5); // cmn x8, #1
        when(EQ, "read");
        code.word(0xb100001f | 2 << 10 | NUMBER << 5); // cmn x8, #2
        when(EQ, "write");
        set(0, 17); // clone(SIGCHLD)
        for (int i = 1; i < 5; i++) {
            set(i, 0);
        }
        set(NUMBER, 220);
        syscall();
        compare(0, 0);
        when(NE, "reply");
        go("child");
        code.label("read");
        call("writen");
        go("loop");
        code.label("write");
        call("readn");
        go("loop");
    }

    /** Dies with the agent, writes to its standard error, waits at the gate, becomes the command. */
    private void child() {
        code.label("child");
        call(167, 1, 9, 0); // prctl(PR_SET_PDEATHSIG, SIGKILL)
        call(24, 2, 0, 0); // dup3
        call(24, 2, 1, 0);
        load(0, 32); // read(gate, x19 + 128, 1)
        code.word(0x91020000 | REQUEST << 5 | 1); // add x1, x19, #128
        set(2, 1);
        set(NUMBER, 63);
        syscall();
        compare(0, 1);
        when(NE, "die");
        load(0, 8);
        load(1, 16);
        load(2, 24);
        set(NUMBER, 221); // execve
        syscall();
        code.label("die");
        call(94, 127, 0, 0); // exit_group
    }

    private void move(String label, int number, int fd) {
        code.label(label);
        compare(REST, 0);
        when(EQ, label + ".done");
        set(0, fd);
        code.word(0xaa0003e0 | PLACE << 16 | 1); // mov x1, x20
        code.word(0xaa0003e0 | REST << 16 | 2); // mov x2, x21
        set(NUMBER, number);
        syscall();
        compare(0, 0);
        when(LE, "die");
        code.word(0x8b000000 | PLACE << 5 | PLACE); // add x20, x20, x0
        code.word(0xcb000000 | REST << 5 | REST); // sub x21, x21, x0
        go(label);
        code.label(label + ".done");
        code.word(0xd65f03c0); // ret
    }

    private void fromRequest(int bytes) {
        code.word(0xaa0003e0 | REQUEST << 16 | PLACE); // mov x20, x19
        set(REST, bytes);
    }

    private void call(int number, int first, int second, int third) {
        set(0, first);
        set(1, second);
        set(2, third);
        set(NUMBER, number);
        syscall();
    }

    /** movz w, #value: sixteen bits. */
    private void set(int register, int value) {
        code.word(0x52800000 | value << 5 | register);
    }

    /** ldr x, [x19, #offset]. */
    private void load(int register, int offset) {
        code.word(0xf9400000 | offset / 8 << 10 | REQUEST << 5 | register);
    }

    /** cmp x, #value. */
    private void compare(int register, int value) {
        code.word(0xf100001f | value << 10 | register << 5);
    }

    private void syscall() {
        code.word(0xd4000001);
    }

    private void when(int condition, String label) {
        code.word(0x54000000 | condition).to(label, (c, p, t) -> field(c, p, t, 0x7ffff, 5));
    }

    private void go(String label) {
        code.word(0x14000000).to(label, (c, p, t) -> field(c, p, t, 0x3ffffff, 0));
    }

    private void call(String label) {
        code.word(0x94000000).to(label, (c, p, t) -> field(c, p, t, 0x3ffffff, 0));
    }

    /** Distances count instructions. */
    private static void field(byte[] code, int place, int target, int mask, int shift) {
        AgentCode.put(code, place, AgentCode.word(code, place) | ((target - place) / 4 & mask) << shift);
    }
}
