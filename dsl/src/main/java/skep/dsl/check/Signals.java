package skep.dsl.check;

import java.util.OptionalInt;

/** Signal names and numbers (the same on x86-64 and arm64). */
final class Signals {
    private Signals() {}

    private static final String[] NAMES = {
        "", "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2", "PIPE", "ALRM",
        "TERM", "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG", "XCPU", "XFSZ", "VTALRM", "PROF",
        "WINCH", "IO", "PWR", "SYS"
    };

    /** Number of a signal, with or without {@code SIG}. */
    static OptionalInt number(String name) {
        var plain = name.startsWith("SIG") ? name.substring(3) : name;
        for (int i = 1; i < NAMES.length; i++) {
            if (NAMES[i].equals(plain)) {
                return OptionalInt.of(i);
            }
        }
        return OptionalInt.empty();
    }

    /** Whether a {@code self:signal:} probe may wait for it. */
    static boolean isSignal(String name) {
        return name.startsWith("SIG") && number(name).isPresent();
    }
}
