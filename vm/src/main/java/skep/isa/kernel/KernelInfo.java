package skep.isa.kernel;

import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.stream.Stream;
import skep.btf.Btf;

/**
 * What a compiler may know of a kernel: types, symbols, probes, features. A value: two calls give the same answer.
 * Implementations load lazily, since most scripts need little of it.
 */
public interface KernelInfo {
    /** One line for people, for example {@code Linux 6.18.4 x86_64} or {@code embedded kernel, seed 1, arm64}. */
    String description();

    Arch arch();

    KernelVersion version();

    /** The number of possible CPUs: how many values a per-CPU map entry has. */
    int possibleCpus();

    /** The machine's memory; empty if it is not known. */
    default OptionalLong memoryBytes() {
        return OptionalLong.empty();
    }

    /** The types of the kernel; empty if it publishes none. */
    Optional<Btf> types();

    /**
     * The types of a module, which continue the kernel's own; those for {@code vmlinux} and the empty name. Empty if the module is not
     * loaded, or publishes none.
     */
    default Optional<Btf> types(String module) {
        return module.isEmpty() || module.equals("vmlinux") ? types() : Optional.empty();
    }

    /** The module that a function belongs to; empty for one of the kernel proper, or none that is known. */
    default Optional<String> moduleOf(String function) {
        return Optional.empty();
    }

    Optional<TracepointFormat> tracepoint(String category, String event);

    /** All attach points of a kind as {@code module:target} or {@code target}, without the provider name, sorted. */
    Stream<String> probes(ProbeKind kind);

    /** Whether a function of this name can be probed at all (kprobe, fentry); the module is empty for any. */
    boolean hasFunction(String module, String function);

    /** The address of a kernel symbol, if it is known. */
    Optional<Long> symbolAddress(String name);

    /** The symbol that covers an address, as {@code name+0x10} pieces. */
    Optional<Symbol> symbolAt(long address);

    /**
     * A program or library by path, by command name ({@code bash}) or by library name ({@code libc}); empty if there is
     * none of that name, or none can be read.
     */
    default Optional<UserBinary> binary(String nameOrPath) {
        return Optional.empty();
    }

    /** The same as a process sees files: one in a container has its own. */
    default Optional<UserBinary> binary(String nameOrPath, OptionalInt pid) {
        return binaries(nameOrPath, pid).stream().findFirst();
    }

    /** Whether {@link #binary} knows all files: whether what it does not find is not there. */
    default boolean knowsFiles() {
        return false;
    }

    /**
     * All programs and libraries that a name stands for: one, several with a wildcard in a path, and for {@code *} or
     * nothing what the process has mapped as code, or what all processes have.
     */
    default List<UserBinary> binaries(String nameOrPattern, OptionalInt pid) {
        return binary(nameOrPattern).stream().toList();
    }

    /** The id of the control group at a path, as {@code cgroup} tells it; empty if there is none. */
    default OptionalLong cgroupId(String path) {
        return OptionalLong.empty();
    }

    /** The process-id namespace of the tracer; empty if it is the machine's own, or not known. */
    default Optional<Namespace> pidNamespace() {
        return Optional.empty();
    }

    /**
     * A setting of the kernel's build by its name, for example {@code CONFIG_HZ}, as its configuration file writes it; empty if it is not set or
     * nobody can tell.
     */
    default Optional<String> configuration(String name) {
        return Optional.empty();
    }

    /** Why programs cannot call a kernel function that {@link #types} does not have, as the end of a sentence about it. */
    default String missingFunction(String name) {
        return "which this kernel does not show";
    }

    /** Why this kernel refuses a feature, or empty if it allows it. */
    Optional<Unsupported> unsupported(Feature feature);

    /** A namespace, by the file that stands for it. */
    record Namespace(long device, long inode) {}

    /** A symbol and how far behind its start an address lies, in bytes. */
    record Symbol(String name, String module, long offset) {}
}
