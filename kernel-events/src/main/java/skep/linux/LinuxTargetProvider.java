package skep.linux;

import skep.linux.sys.Errno;
import skep.linux.sys.LocalSyscalls;
import skep.linux.sys.Sys;
import skep.target.Target;
import skep.target.TargetException;
import skep.target.TargetProvider;

/** Opens the kernel that this process runs on: {@code linux}, {@code linux:debuginfo=FOLDER,functions=FILE}. */
public final class LinuxTargetProvider implements TargetProvider {
    private static final int CAPABILITY_VERSION_3 = 0x2008_0522;
    private static final int CAP_SYS_ADMIN = 21;
    private static final int CAP_PERFMON = 38;
    private static final int CAP_BPF = 39;

    @Override
    public String scheme() {
        return "linux";
    }

    @Override
    public String title() {
        return "the live kernel of this machine (needs root, or CAP_BPF and CAP_PERFMON)";
    }

    @Override
    public Target open(String options) {
        var settings = settings(options);
        if (!System.getProperty("os.name").equals("Linux")) {
            throw new TargetException("the live target needs Linux, and this is " + System.getProperty("os.name")
                    + "; use --target embedded");
        }
        var host = Host.of(LocalSyscalls.instance(), settings);
        long missing = missing(host);
        if (missing != 0) {
            throw new TargetException("this user may not trace the live kernel: " + names(missing)
                    + " missing; run as root, or try the script with --target embedded");
        }
        return new LinuxTarget("linux", host);
    }

    private static Host.Settings settings(String options) {
        var debugFolder = "";
        var functions = "";
        for (var option : options.isEmpty() ? new String[0] : options.split(",")) {
            int equals = option.indexOf('=');
            var value = option.substring(equals + 1);
            switch (equals < 0 ? option : option.substring(0, equals)) {
                case "debuginfo" -> debugFolder = value;
                case "functions" -> functions = value;
                default ->
                    throw new IllegalArgumentException("target linux has no option \"" + option
                            + "\"; it takes debuginfo=FOLDER and functions=FILE");
            }
        }
        return new Host.Settings(debugFolder, functions);
    }

    /** The capabilities that tracing needs and this process lacks, as bits. */
    static long missing(Host host) {
        try (var memory = host.syscalls().allocate(32)) {
            memory.putInt(0, CAPABILITY_VERSION_3);
            long result = host.syscalls().call(Sys.CAPGET, memory.pushed(8), memory.address() + 8);
            if (Errno.isError(result)) {
                return 0;
            }
            memory.pulled(0, 32);
            // struct __user_cap_data_struct[2]: effective, permitted, inheritable
            long effective = memory.getInt(8) & 0xffff_ffffL | (long) memory.getInt(20) << 32;
            long wanted = 1L << CAP_BPF | 1L << CAP_PERFMON;
            return (effective & 1L << CAP_SYS_ADMIN) != 0 ? 0 : wanted & ~effective;
        }
    }

    private static String names(long missing) {
        boolean bpf = (missing & 1L << CAP_BPF) != 0;
        boolean perfmon = (missing & 1L << CAP_PERFMON) != 0;
        return bpf && perfmon
                ? "the capabilities CAP_BPF and CAP_PERFMON are"
                : "the capability " + (bpf ? "CAP_BPF" : "CAP_PERFMON") + " is";
    }
}
