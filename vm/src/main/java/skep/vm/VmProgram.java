package skep.vm;

import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.LongAdder;
import skep.isa.object.ProgramSpec;
import skep.target.LoadedObject.LoadedProgram;
import skep.vm.verifier.Stats;
import skep.vm.verifier.VerifiedProgram;

/** A program in a machine: verified, compiled, counted. Safe to run from many threads, each with its own CPU. */
public final class VmProgram implements AutoCloseable {
    private static final Set<String> GPL_COMPATIBLE =
            Set.of("GPL", "GPL v2", "GPL and additional rights", "Dual BSD/GPL", "Dual MIT/GPL", "Dual MPL/GPL");

    private final Machine machine;
    private final int id;
    private final ProgramSpec spec;
    private final VerifiedProgram verified;
    private final Stats verification;
    private final Executable executable;
    private final List<Integer> mapIds;
    private final String tag;
    private final Instant loadedAt = Instant.now();
    private final LongAdder runs = new LongAdder();
    private final LongAdder runNanos = new LongAdder();

    VmProgram(
            Machine machine,
            int id,
            ProgramSpec spec,
            VerifiedProgram verified,
            Stats verification,
            Executable executable,
            List<Integer> mapIds) {
        this.machine = machine;
        this.id = id;
        this.spec = spec;
        this.verified = verified;
        this.verification = verification;
        this.executable = executable;
        this.mapIds = new CopyOnWriteArrayList<>(mapIds);
        this.tag = ProgramTag.of(spec.code(), machine.kernelVersion());
    }

    /** The machine-wide number, from 1. */
    public int id() {
        return id;
    }

    public String name() {
        return spec.name();
    }

    /** What was loaded: the code with map references not yet resolved. */
    public ProgramSpec spec() {
        return spec;
    }

    /** The code as it runs, with map ids in the place of descriptors, and what the verifier learnt. */
    public VerifiedProgram verified() {
        return verified;
    }

    /** What the verification cost. */
    public Stats verification() {
        return verification;
    }

    public Executable executable() {
        return executable;
    }

    /** Numbers of the maps that the code refers to, each once. */
    public List<Integer> mapIds() {
        return List.copyOf(mapIds);
    }

    /** Keeps a map that the code does not mention, for what user space finds by it. */
    public void bind(int mapId) {
        if (!mapIds.contains(mapId) && machine.retainMap(mapId).isPresent()) {
            mapIds.add(mapId);
        }
    }

    /** Whether the licence opens helpers that are for GPL-compatible programs only (license_is_gpl_compatible). */
    public boolean gplCompatible() {
        return GPL_COMPATIBLE.contains(spec.license());
    }

    /** The kernel's tag: sixteen hexadecimal digits. */
    public String tag() {
        return tag;
    }

    public Instant loadedAt() {
        return loadedAt;
    }

    /**
     * Runs it.
     *
     * @param context address of the context, which programs of this type find in r1
     * @return r0
     */
    public long run(VmCpu cpu, long context) {
        if (!machine.statsEnabled()) {
            return executable.run(cpu, context);
        }
        long start = System.nanoTime();
        try {
            return executable.run(cpu, context);
        } finally {
            runNanos.add(System.nanoTime() - start);
            runs.increment();
        }
    }

    /** Runs counted while statistics were on. */
    public long runCount() {
        return runs.sum();
    }

    /** Time spent in counted runs. */
    public long runNanos() {
        return runNanos.sum();
    }

    /** What user space is told of it. */
    public LoadedProgram summary() {
        boolean counted = machine.statsEnabled() || runCount() > 0;
        return new LoadedProgram(
                name(),
                id,
                tag,
                verified.code().size(),
                executable.codeSizeBytes(),
                counted ? Optional.of(runCount()) : Optional.empty(),
                counted ? Optional.of(runNanos()) : Optional.empty());
    }

    /** Frees it; called when the last reference is given back. */
    @Override
    public void close() {
        machine.retire(executable::close);
        mapIds.forEach(machine::releaseMap);
    }
}
