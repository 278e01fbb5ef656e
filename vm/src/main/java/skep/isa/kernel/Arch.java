package skep.isa.kernel;

/** Processor architectures that Skep traces. */
public enum Arch {
    X86_64("x86_64"),
    ARM64("aarch64");

    private final String machine;

    Arch(String machine) {
        this.machine = machine;
    }

    /** The name as {@code uname -m} prints it. */
    public String machine() {
        return machine;
    }
}
