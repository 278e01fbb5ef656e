package skep.session;

import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.stream.Stream;
import skep.btf.Btf;
import skep.isa.kernel.Arch;
import skep.isa.kernel.Feature;
import skep.isa.kernel.KernelInfo;
import skep.isa.kernel.KernelVersion;
import skep.isa.kernel.ProbeKind;
import skep.isa.kernel.ProbeSpec;
import skep.isa.kernel.TracepointFormat;
import skep.isa.kernel.Unsupported;
import skep.isa.object.BpfObject;
import skep.isa.object.MapSpec;
import skep.target.AttachException;
import skep.target.Link;
import skep.target.LoadOptions;
import skep.target.LoadedMap;
import skep.target.LoadedObject;
import skep.target.OutputReader;
import skep.target.Target;
import skep.target.TracedProcess;

/** A target whose programs are lambdas: they write records and maps as compiled programs would. */
final class FakeTarget implements Target {
    /** What happened, in order. */
    final List<String> journal = new ArrayList<>();

    /** What each program does when it runs once, by name. */
    final Map<String, Runnable> programs = new HashMap<>();

    /** What happens once the target is started. */
    Runnable events = () -> {};

    /** Probe that cannot be attached, by name. */
    String refused = "";

    boolean endless;
    int childEndsAfterPolls = -1;

    private final Deque<byte[]> records = new ArrayDeque<>();
    private final Map<String, FakeMap> maps = new LinkedHashMap<>();
    private volatile boolean started;
    private int polls;

    void submit(byte[] record) {
        synchronized (records) {
            records.add(record);
            records.notifyAll();
        }
    }

    FakeMap map(String name) {
        return maps.get(name);
    }

    @Override
    public String spec() {
        return "fake";
    }

    @Override
    public KernelInfo kernel() {
        return new FakeKernel();
    }

    @Override
    public LoadedObject load(BpfObject object, LoadOptions options) {
        journal.add("load");
        object.maps().forEach(spec -> maps.put(spec.name(), new FakeMap(spec)));
        return new FakeObject();
    }

    @Override
    public TracedProcess spawn(String command) {
        journal.add("spawn " + command);
        return new TracedProcess() {
            @Override
            public int pid() {
                return 77;
            }

            @Override
            public void start() {
                journal.add("child starts");
            }

            @Override
            public OptionalInt exitStatus() {
                return childEndsAfterPolls >= 0 && polls > childEndsAfterPolls
                        ? OptionalInt.of(0)
                        : OptionalInt.empty();
            }

            @Override
            public void close() {
                journal.add("child closed");
            }
        };
    }

    @Override
    public void start(Optional<Duration> duration) {
        journal.add("start");
        started = true;
        events.run();
    }

    @Override
    public long monotonicNanos() {
        return 0;
    }

    @Override
    public long wallClockOffsetNanos() {
        return 0;
    }

    @Override
    public boolean ended() {
        return started && !endless;
    }

    @Override
    public void close() {
        journal.add("close target");
    }

    private final class FakeObject implements LoadedObject {
        @Override
        public LoadedMap map(String name) {
            return maps.get(name);
        }

        @Override
        public List<LoadedProgram> programs() {
            return List.of();
        }

        @Override
        public Link attach(String program, ProbeSpec probe) {
            if (probe.displayName().equals(refused)) {
                throw new AttachException(probe, "this kernel is built without kprobes", "use a tracepoint");
            }
            journal.add("attach " + probe.displayName());
            return new Link() {
                private boolean open = true;

                @Override
                public ProbeSpec probe() {
                    return probe;
                }

                @Override
                public String mechanism() {
                    return "a fake";
                }

                @Override
                public void close() {
                    if (open) {
                        open = false;
                        journal.add("detach " + probe.displayName());
                    }
                }
            };
        }

        @Override
        public long runOnce(String program, byte[] context) {
            journal.add("run " + program);
            programs.getOrDefault(program, () -> {}).run();
            return 0;
        }

        @Override
        public OutputReader openRingBuffer(String map) {
            return new OutputReader() {
                @Override
                public int poll(int timeoutMillis, Consumer consumer) {
                    polls++;
                    int count = 0;
                    while (true) {
                        byte[] record;
                        synchronized (records) {
                            if (records.isEmpty() && count == 0 && timeoutMillis > 0) {
                                try {
                                    records.wait(timeoutMillis);
                                } catch (InterruptedException e) {
                                    Thread.currentThread().interrupt();
                                }
                            }
                            record = records.poll();
                        }
                        if (record == null) {
                            return count;
                        }
                        count++;
                        if (!consumer.accept(MemorySegment.ofArray(record))) {
                            return count;
                        }
                    }
                }

                @Override
                public void wakeUp() {
                    synchronized (records) {
                        records.notifyAll();
                    }
                }

                @Override
                public void close() {
                    journal.add("close ring buffer");
                }
            };
        }

        @Override
        public void close() {
            journal.add("close object");
        }
    }

    /** A map of byte strings. */
    static final class FakeMap implements LoadedMap {
        private final MapSpec spec;
        final Map<String, Entry> entries = new LinkedHashMap<>();

        FakeMap(MapSpec spec) {
            this.spec = spec;
        }

        @Override
        public MapSpec spec() {
            return spec;
        }

        @Override
        public Optional<byte[]> lookup(byte[] key) {
            return Optional.ofNullable(entries.get(Arrays.toString(key))).map(Entry::value);
        }

        @Override
        public void update(byte[] key, byte[] value, long flags) {
            entries.put(Arrays.toString(key), new Entry(key, value));
        }

        @Override
        public boolean delete(byte[] key) {
            return entries.remove(Arrays.toString(key)) != null;
        }

        @Override
        public List<Entry> entries() {
            return List.copyOf(entries.values());
        }

        @Override
        public void clear() {
            entries.clear();
        }
    }

    private record FakeKernel() implements KernelInfo {
        @Override
        public String description() {
            return "a fake kernel";
        }

        @Override
        public Arch arch() {
            return Arch.X86_64;
        }

        @Override
        public KernelVersion version() {
            return new KernelVersion(6, 12, 0);
        }

        @Override
        public int possibleCpus() {
            return 2;
        }

        @Override
        public Optional<Btf> types() {
            return Optional.empty();
        }

        @Override
        public Optional<TracepointFormat> tracepoint(String category, String event) {
            return Optional.empty();
        }

        @Override
        public Stream<String> probes(ProbeKind kind) {
            return Stream.empty();
        }

        @Override
        public boolean hasFunction(String module, String function) {
            return true;
        }

        @Override
        public Optional<Long> symbolAddress(String name) {
            return Optional.empty();
        }

        @Override
        public Optional<Symbol> symbolAt(long address) {
            return address == 0x1010 ? Optional.of(new Symbol("vfs_read", "", 16)) : Optional.empty();
        }

        @Override
        public Optional<Unsupported> unsupported(Feature feature) {
            return Optional.empty();
        }
    }
}
