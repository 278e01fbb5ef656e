package skep.linux.sys;

import java.util.OptionalLong;

/**
 * {@code perf_event_open(2)}: the layout of {@code perf_event_attr} (Linux 6.18) and the three controls that a tracer
 * needs. Results are values or minus an errno.
 */
public final class Perf {
    public static final int TYPE_HARDWARE = 0;
    public static final int TYPE_SOFTWARE = 1;
    public static final int TYPE_TRACEPOINT = 2;
    public static final int TYPE_HW_CACHE = 3;
    public static final int TYPE_BREAKPOINT = 5;

    public static final int SW_CPU_CLOCK = 0;
    public static final int SW_DUMMY = 9;
    public static final int SW_BPF_OUTPUT = 10;

    private static final int ATTR_BYTES = 136;
    private static final long FREQUENCY = 1L << 10;
    private static final long WATERMARK = 1L << 14;
    private static final long CLOEXEC = 1L << 3;
    private static final int SAMPLE_RAW = 1 << 10;
    private static final long FORMAT_LOST = 1L << 4;
    private static final int COUNTS_BYTES = 16;

    private static final int IOC_ENABLE = 0x2400;
    private static final int IOC_DISABLE = 0x2401;
    private static final int IOC_SET_BPF = 0x4004_2408;

    private final Syscalls kernel;

    public Perf(Syscalls kernel) {
        this.kernel = kernel;
    }

    /**
     * An event to open.
     *
     * @param type a {@code TYPE_…} or a number from {@code /sys/bus/event_source/devices}
     * @param period events between samples, nanoseconds for clocks; samples a second if {@code frequency}
     * @param address {@code config1}: a path's address for uprobes, a place in memory for breakpoints
     * @param offset {@code config2}: an offset for probes, a length for breakpoints
     * @param breakpoint {@code bp_type}
     */
    public record Event(
            int type, long config, long period, boolean frequency, long address, long offset, int breakpoint) {
        public static Event of(int type, long config, long period) {
            return new Event(type, config, period, false, 0, 0, 0);
        }

        public static Event frequency(int type, long config, long hertz) {
            return new Event(type, config, hertz, true, 0, 0, 0);
        }
    }

    /** Flags of an event that records which files processes map as code, their names, forks and ends. */
    private static final long RECORD_MAPPINGS = 1L << 8 | 1L << 9 | 1L << 13 | 1L << 18 | 1L << 23 | 1L << 24;

    private static final long SAMPLE_TIME = 1L << 2;

    /** Opens an event on a CPU that counts nothing and whose ring tells of mappings of all processes; a descriptor. */
    public long openMappings(int cpu, int wakeupBytes) {
        try (var attr = kernel.allocate(ATTR_BYTES)) {
            attr.putInt(0, TYPE_SOFTWARE)
                    .putInt(4, ATTR_BYTES)
                    .putLong(8, SW_DUMMY)
                    .putLong(24, SAMPLE_TIME)
                    .putLong(40, RECORD_MAPPINGS | WATERMARK)
                    .putInt(48, wakeupBytes);
            return kernel.call(Sys.PERF_EVENT_OPEN, attr.pushed(ATTR_BYTES), -1, cpu, -1, CLOEXEC);
        }
    }

    /**
     * Opens an event on a CPU whose ring takes what programs write ({@code bpf_perf_event_output}); a descriptor. It counts
     * what did not fit where the kernel can (Linux 6.0): see {@link #dropped}.
     */
    public long openOutput(int cpu) {
        long event = openOutput(cpu, FORMAT_LOST);
        return event == -Errno.EINVAL ? openOutput(cpu, 0) : event;
    }

    private long openOutput(int cpu, long readFormat) {
        try (var attr = kernel.allocate(ATTR_BYTES)) {
            attr.putInt(0, TYPE_SOFTWARE)
                    .putInt(4, ATTR_BYTES)
                    .putLong(8, SW_BPF_OUTPUT)
                    .putLong(16, 1)
                    .putLong(24, SAMPLE_RAW)
                    .putLong(32, readFormat)
                    .putInt(48, 1);
            return kernel.call(Sys.PERF_EVENT_OPEN, attr.pushed(ATTR_BYTES), -1, cpu, -1, CLOEXEC);
        }
    }

    /**
     * How many records did not fit into the ring of an event of {@link #openOutput} since it was opened, whether or not the
     * ring has told; empty where the kernel does not count them. The kernel asks the event's CPU, which may have to wake.
     */
    public OptionalLong dropped(int event) {
        // read_format: the event's count, then PERF_FORMAT_LOST
        try (var counts = kernel.allocate(COUNTS_BYTES)) {
            long bytes = kernel.call(Sys.READ, event, counts.address(), COUNTS_BYTES);
            if (bytes != COUNTS_BYTES) {
                return OptionalLong.empty();
            }
            counts.pulled(0, COUNTS_BYTES);
            return OptionalLong.of(counts.getLong(8));
        }
    }

    /** Opens an event that only counts, on a CPU; a descriptor. */
    public long openCounter(int type, long config, int cpu) {
        try (var attr = kernel.allocate(ATTR_BYTES)) {
            attr.putInt(0, type).putInt(4, ATTR_BYTES).putLong(8, config);
            return kernel.call(Sys.PERF_EVENT_OPEN, attr.pushed(ATTR_BYTES), -1, cpu, -1, CLOEXEC);
        }
    }

    /** Opens an event; a descriptor. {@code pid} -1 for all processes, {@code cpu} -1 for all CPUs of one process. */
    public long open(Event event, int pid, int cpu) {
        try (var attr = kernel.allocate(ATTR_BYTES)) {
            attr.putInt(0, event.type())
                    .putInt(4, ATTR_BYTES)
                    .putLong(8, event.config())
                    .putLong(16, event.period())
                    .putLong(24, event.config() == SW_BPF_OUTPUT && event.type() == TYPE_SOFTWARE ? SAMPLE_RAW : 0)
                    .putLong(40, event.frequency() ? FREQUENCY : 0)
                    .putInt(48, 1)
                    .putInt(52, event.breakpoint())
                    .putLong(56, event.address())
                    .putLong(64, event.offset());
            return kernel.call(Sys.PERF_EVENT_OPEN, attr.pushed(ATTR_BYTES), pid, cpu, -1, CLOEXEC);
        }
    }

    public long enable(int event) {
        return kernel.call(Sys.IOCTL, event, IOC_ENABLE, 0);
    }

    public long disable(int event) {
        return kernel.call(Sys.IOCTL, event, IOC_DISABLE, 0);
    }

    /** Binds a program to an event; it stays bound until the event closes. */
    public long setProgram(int event, int program) {
        return kernel.call(Sys.IOCTL, event, IOC_SET_BPF, program);
    }
}
