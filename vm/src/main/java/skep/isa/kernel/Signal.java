package skep.isa.kernel;

import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/** The signals of Linux (include/uapi/asm-generic/signal.h), which x86-64 and arm64 share. */
public final class Signal {
    private static final List<String> NAMES = List.of(
            "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2", "PIPE", "ALRM",
            "TERM", "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG", "XCPU", "XFSZ", "VTALRM", "PROF",
            "WINCH", "IO", "PWR", "SYS");

    private static final int FIRST_REALTIME = 34;
    private static final int LAST = 64;

    private Signal() {}

    /** Names with {@code SIG}, from number 1. */
    public static List<String> names() {
        return NAMES.stream().map(name -> "SIG" + name).toList();
    }

    /** The number of a signal, with or without {@code SIG}. */
    public static OptionalInt number(String name) {
        int index = NAMES.indexOf(name.startsWith("SIG") ? name.substring(3) : name);
        return index < 0 ? OptionalInt.empty() : OptionalInt.of(index + 1);
    }

    /** For example {@code SIGKILL} or {@code SIGRTMIN+1}; empty if there is no such signal. */
    public static Optional<String> name(long number) {
        if (number >= 1 && number <= NAMES.size()) {
            return Optional.of("SIG" + NAMES.get((int) number - 1));
        }
        if (number < FIRST_REALTIME || number > LAST) {
            return Optional.empty();
        }
        return Optional.of("SIGRTMIN" + (number == FIRST_REALTIME ? "" : "+" + (number - FIRST_REALTIME)));
    }
}
