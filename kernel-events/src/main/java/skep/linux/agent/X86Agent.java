package skep.linux.agent;

/**
 * The agent for x86-64. rbx: the request, on the stack; r12, r13: where and how much {@code readn} and {@code writen} have
 * yet to move. System call numbers: {@code syscall_64.tbl}.
 */
final class X86Agent {
    private static final int RAX = 0;
    private static final int RDX = 2;
    private static final int RSI = 6;
    private static final int RDI = 7;

    private final AgentCode code = new AgentCode();

    static byte[] code() {
        var agent = new X86Agent();
        agent.start();
        agent.special();
        agent.child();
        agent.move("readn", 0, 0);
        agent.move("writen", 1, 1);
        return agent.code.finish();
    }

    private void start() {
        code.bytes(0x48, 0x81, 0xec).word(256); // sub rsp, 256
        code.bytes(0x48, 0x89, 0xe3); // mov rbx, rsp
        code.bytes(0xc7, 0x03).word(AgentImage.MAGIC); // mov dword [rbx], magic
        code.bytes(0xc7, 0x43, 0x04).word(AgentImage.X86_64); // mov dword [rbx+4], machine
        fromRequest(8);
        call("writen");
        code.label("loop");
        fromRequest(AgentImage.REQUEST_BYTES);
        call("readn");
        code.bytes(0x48, 0x8b, 0x03); // mov rax, [rbx]
        code.bytes(0x48, 0x85, 0xc0); // test rax, rax
        jump(0x88, "special"); // js
        code.bytes(0x48, 0x8b, 0x7b, 8, 0x48, 0x8b, 0x73, 16, 0x48, 0x8b, 0x53, 24); // mov rdi, rsi, rdx
        code.bytes(0x4c, 0x8b, 0x53, 32, 0x4c, 0x8b, 0x43, 40, 0x4c, 0x8b, 0x4b, 48); // mov r10, r8, r9
        syscall();
        code.label("reply");
        code.bytes(0x48, 0x89, 0x03); // mov [rbx], rax
        fromRequest(8);
        call("writen");
        go("loop");
    }

    private void special() {
        code.label("special");
        code.bytes(0x4c, 0x8b, 0x63, 8, 0x4c, 0x8b, 0x6b, 16); // mov r12, [rbx+8]; mov r13, [rbx+16]
        code.bytes(0x48, 0x83, 0xf8, 0xff); // cmp rax, -1
        jump(0x84, "read");
        code.bytes(0x48, 0x83, 0xf8, 0xfe); // cmp rax, -2
        jump(0x84, "write");
        set(RAX, 56); // clone(SIGCHLD)
        set(RDI, 17);
        code.bytes(0x31, 0xf6, 0x31, 0xd2, 0x4d, 0x31, 0xd2, 0x4d, 0x31, 0xc0); // xor esi, edx, r10, r8
        syscall();
        code.bytes(0x48, 0x85, 0xc0); // test rax, rax
        jump(0x85, "reply");
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
        call(157, 1, 9); // prctl(PR_SET_PDEATHSIG, SIGKILL)
        call(33, 2, 0); // dup2
        call(33, 2, 1);
        set(RAX, 0); // read(gate, rbx + 128, 1)
        code.bytes(0x48, 0x8b, 0x7b, 32); // mov rdi, [rbx+32]
        code.bytes(0x48, 0x8d, 0xb3).word(128); // lea rsi, [rbx+128]
        set(RDX, 1);
        syscall();
        code.bytes(0x48, 0x83, 0xf8, 1); // cmp rax, 1
        jump(0x85, "die");
        set(RAX, 59); // execve
        code.bytes(0x48, 0x8b, 0x7b, 8, 0x48, 0x8b, 0x73, 16, 0x48, 0x8b, 0x53, 24);
        syscall();
        code.label("die");
        call(231, 127, 0); // exit_group
    }

    /** Moves r13 bytes at r12 over a descriptor, or dies. */
    private void move(String label, int number, int fd) {
        code.label(label);
        code.bytes(0x4d, 0x85, 0xed); // test r13, r13
        jump(0x84, label + ".done");
        set(RAX, number);
        set(RDI, fd);
        code.bytes(0x4c, 0x89, 0xe6, 0x4c, 0x89, 0xea); // mov rsi, r12; mov rdx, r13
        syscall();
        code.bytes(0x48, 0x85, 0xc0); // test rax, rax
        jump(0x8e, "die"); // jle
        code.bytes(0x49, 0x01, 0xc4, 0x49, 0x29, 0xc5); // add r12, rax; sub r13, rax
        go(label);
        code.label(label + ".done");
        code.bytes(0xc3); // ret
    }

    private void fromRequest(int bytes) {
        code.bytes(0x49, 0x89, 0xdc); // mov r12, rbx
        code.bytes(0x41, 0xbd).word(bytes); // mov r13d, bytes
    }

    private void call(int number, int first, int second) {
        set(RAX, number);
        set(RDI, first);
        set(RSI, second);
        syscall();
    }

    /** mov r32, imm32. */
    private void set(int register, int value) {
        code.bytes(0xb8 + register).word(value);
    }

    private void syscall() {
        code.bytes(0x0f, 0x05);
    }

    private void call(String label) {
        code.bytes(0xe8).word(0).to(label, X86Agent::relative);
    }

    private void go(String label) {
        code.bytes(0xe9).word(0).to(label, X86Agent::relative);
    }

    private void jump(int condition, String label) {
        code.bytes(0x0f, condition).word(0).to(label, X86Agent::relative);
    }

    private static void relative(byte[] code, int place, int target) {
        AgentCode.put(code, place, target - (place + 4));
    }
}
