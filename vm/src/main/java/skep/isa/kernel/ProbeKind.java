package skep.isa.kernel;

import java.util.Locale;
import java.util.Optional;

/** What a probe can attach to: the provider names of the tracing language, with their short forms. */
public enum ProbeKind {
    BEGIN("begin", ""),
    END("end", ""),
    KPROBE("kprobe", "k"),
    KRETPROBE("kretprobe", "kr"),
    FENTRY("fentry", "f"),
    FEXIT("fexit", "fr"),
    TRACEPOINT("tracepoint", "t"),
    RAWTRACEPOINT("rawtracepoint", "rt"),
    UPROBE("uprobe", "u"),
    URETPROBE("uretprobe", "ur"),
    USDT("usdt", "U"),
    PROFILE("profile", "p"),
    INTERVAL("interval", "i"),
    SOFTWARE("software", "s"),
    HARDWARE("hardware", "h"),
    WATCHPOINT("watchpoint", "w"),
    ITER("iter", "it"),
    SELF("self", ""),
    TEST("test", ""),
    BENCH("bench", ""),
    // The rest are no providers of the tracing language: programs of BCC tools, of object files and of the API attach
    // there.
    /** The function's name; the program may replace its result. */
    FMOD_RET("fmod_ret", ""),
    /** The name of a hook. */
    LSM("lsm", ""),
    /** Packets of the interface named, or of all: a copy of each goes through the filter. */
    SOCKET("socket", ""),
    /** The interface named; the value is the mode's flags, 0 for the best that the driver has. */
    XDP("xdp", ""),
    /** The module is {@code ingress} or {@code egress}, the target an interface. */
    TC("tc", ""),
    /** The module is the folder of a cgroup, the target empty; the program's attach type says where in it. */
    CGROUP("cgroup", "");

    private final String longName;
    private final String shortName;

    ProbeKind(String longName, String shortName) {
        this.longName = longName;
        this.shortName = shortName;
    }

    /** The provider name as probes print it, for example {@code kretprobe}. */
    public String longName() {
        return longName;
    }

    /** Whether scripts name it: a provider of the tracing language. */
    public boolean inLanguage() {
        return ordinal() <= BENCH.ordinal();
    }

    /** The short form, or an empty string if there is none. */
    public String shortName() {
        return shortName;
    }

    /**
     * The kind of a provider name: long (any case), short (the case matters between {@code u} and {@code U}), or the
     * old {@code kfunc}/{@code kretfunc}.
     */
    public static Optional<ProbeKind> ofName(String name) {
        for (var kind : values()) {
            if (!kind.shortName.isEmpty() && kind.shortName.equals(name)) {
                return Optional.of(kind);
            }
        }
        var lower = name.toLowerCase(Locale.ROOT);
        for (var kind : values()) {
            if (kind.inLanguage() && kind.longName.equals(lower)) {
                return Optional.of(kind);
            }
        }
        return switch (lower) {
            case "kfunc" -> Optional.of(FENTRY);
            case "kretfunc" -> Optional.of(FEXIT);
            default -> Optional.empty();
        };
    }
}
