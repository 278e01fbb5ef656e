package skep.events.embedded;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import skep.isa.kernel.UsdtProbe;
import skep.isa.kernel.UserBinary;

/** A program or library of the model: its functions, and its static probes. */
final class UserImage implements UserBinary {
    private final String path;
    private final long baseAddress;
    final Symbols symbols;
    private final RegisterLayout registers;
    private final List<StaticProbe> probes = new ArrayList<>();
    /** Libraries that it is linked with, for {@code /proc/PID/maps}. */
    final List<UserImage> libraries = new ArrayList<>();

    UserImage(String path, long baseAddress, RegisterLayout registers) {
        this.path = path;
        this.baseAddress = baseAddress;
        this.registers = registers;
        symbols = new Symbols(baseAddress + 0x1000);
    }

    Routine function(String declaration, Body body) {
        return symbols.add(new Routine(Prototype.parse(declaration), path, Routine.Space.USER, body));
    }

    /** A function that takes time and returns a value. */
    Routine leaf(String declaration, long typicalNanos, long value) {
        return function(declaration, (task, frame) -> {
            if (frame.next() == 0) {
                task.spend(typicalNanos);
            } else {
                task.ret(value);
            }
        });
    }

    /**
     * Declares a static probe.
     *
     * @param sizesBytes of the arguments, negative for signed ones
     */
    StaticProbe probe(String provider, String name, int... sizesBytes) {
        // probes lie behind the functions, each at a place of its own
        long offset = 0x40_0000L + 16L * probes.size();
        var probe = new StaticProbe(this, provider, name, offset, sizesBytes, registers);
        probes.add(probe);
        return probe;
    }

    /** Where it is loaded. All processes map it at the same address. */
    long baseAddress() {
        return baseAddress;
    }

    /** Behind its last byte of code, rounded to pages. */
    long endAddress() {
        long end = probes.isEmpty() ? baseAddress + 0x1000 : baseAddress + 0x40_1000;
        for (var routine : symbols.all()) {
            end = Math.max(end, routine.address + routine.sizeBytes);
        }
        return end + 4095 & -4096;
    }

    boolean isLibrary() {
        return path.contains(".so");
    }

    List<StaticProbe> probes() {
        return probes;
    }

    @Override
    public String path() {
        return path;
    }

    @Override
    public List<String> functions() {
        return symbols.probeableNames();
    }

    @Override
    public boolean hasFunction(String name) {
        return symbols.find(name).filter(Routine::probeable).isPresent();
    }

    @Override
    public Optional<Symbol> symbol(String name) {
        return symbols.find(name).map(r -> new Symbol(r.address - baseAddress, r.sizeBytes));
    }

    @Override
    public List<UsdtProbe> staticProbes() {
        return probes.stream().map(StaticProbe::description).toList();
    }

    @Override
    public String toString() {
        return path;
    }
}
