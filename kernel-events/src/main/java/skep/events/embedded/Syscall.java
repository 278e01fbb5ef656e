package skep.events.embedded;

/**
 * A system call.
 *
 * @param number in the architecture of this kernel
 * @param wrapper the entry function, {@code __arm64_sys_read} or {@code __x64_sys_read}: its only argument is the address
 *     of the user's registers
 */
record Syscall(Prototype prototype, int number, Routine wrapper, Tracepoint enter, Tracepoint exit) {
    String name() {
        return prototype.name();
    }
}
