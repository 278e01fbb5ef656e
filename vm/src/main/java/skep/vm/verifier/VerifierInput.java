package skep.vm.verifier;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import skep.btf.Btf;
import skep.isa.Bytecode;
import skep.isa.kernel.Arch;
import skep.isa.kernel.AttachType;
import skep.isa.kernel.ProgramType;
import skep.isa.object.LineTable;

/**
 * A program and everything its verdict depends on. Build one with {@link #of}.
 *
 * @param code the raw slots; map references hold descriptors that {@code maps} resolves
 * @param attachTo the kernel function or tracepoint of a typed program, or empty
 * @param license GPL-compatible licences open the helpers that ask for one
 * @param maps resolves the descriptor in a 64-bit immediate load
 * @param kernelTypes types of the kernel, for typed context arguments and kernel pointers
 * @param functions one entry a function where BTF describes them, sorted by slot; empty without BTF
 * @param kfuncs names of the kernel functions that {@code call} instructions name by BTF id
 * @param kernelSymbols what {@code BPF_PSEUDO_BTF_ID} loads name by BTF id
 * @param cpus how many processors the kernel has
 * @param logLevel 0 none, 1 the failing path's steps, 2 every path's, plus 4 for the statistics
 * @param lines which source made which instruction
 */
public record VerifierInput(
        String name,
        Bytecode code,
        ProgramType type,
        Optional<AttachType> attachType,
        String attachTo,
        String license,
        MapResolver maps,
        Optional<Btf> kernelTypes,
        List<FunctionInfo> functions,
        Map<Integer, String> kfuncs,
        Map<Integer, String> kernelSymbols,
        Arch arch,
        Privilege privilege,
        boolean sleepable,
        boolean strictAlignment,
        boolean everyStateKept,
        boolean recordFacts,
        boolean recordPaths,
        int cpus,
        int logLevel,
        LineTable lines) {
    public VerifierInput {
        functions = List.copyOf(functions);
        kfuncs = Map.copyOf(kfuncs);
        kernelSymbols = Map.copyOf(kernelSymbols);
    }

    /** What the loading user may do. */
    public enum Privilege {
        /** All capabilities. */
        FULL,
        /** {@code CAP_BPF} and {@code CAP_NET_ADMIN} but not {@code CAP_PERFMON}: no leaks, no speculation. */
        BPF_ONLY,
        /** No capability. */
        NONE
    }

    /** Finds the map behind a descriptor. */
    @FunctionalInterface
    public interface MapResolver {
        Optional<MapDefinition> map(int fd);
    }

    /**
     * A function of the program as BTF describes it.
     *
     * @param insn its first slot
     * @param global verified once on its own, from its parameters' types
     * @param returnsInt whether the result is an integer (needed by {@code LD_ABS} and tail calls)
     */
    public record FunctionInfo(int insn, String name, boolean global, boolean returnsInt, List<Parameter> parameters) {
        public FunctionInfo {
            parameters = List.copyOf(parameters);
        }
    }

    /**
     * A parameter of a global function.
     *
     * @param sizeBytes of the memory behind a {@code MEMORY} pointer
     * @param struct name of the struct behind a {@code KERNEL} pointer
     */
    public record Parameter(Kind kind, int sizeBytes, boolean nonNull, String struct) {
        /** How the verifier treats the argument. */
        public enum Kind {
            SCALAR,
            CONTEXT,
            MEMORY,
            DYNPTR,
            ARENA,
            KERNEL_TRUSTED,
            KERNEL_UNTRUSTED
        }
    }

    public static Builder of(Bytecode code, ProgramType type) {
        return new Builder(code, type);
    }

    /** The same input with another log level. */
    public VerifierInput withLogLevel(int level) {
        return toBuilder().logLevel(level).build();
    }

    /** A builder that starts from this input. */
    public Builder toBuilder() {
        return toBuilder(code);
    }

    /** A builder for other code in the same surroundings. */
    public Builder toBuilder(Bytecode otherCode) {
        return of(otherCode, type)
                .name(name)
                .attachType(attachType)
                .attachTo(attachTo)
                .license(license)
                .maps(maps)
                .kernelTypes(kernelTypes)
                .functions(functions)
                .kfuncs(kfuncs)
                .kernelSymbols(kernelSymbols)
                .arch(arch)
                .privilege(privilege)
                .sleepable(sleepable)
                .strictAlignment(strictAlignment)
                .everyStateKept(everyStateKept)
                .recordFacts(recordFacts)
                .recordPaths(recordPaths)
                .cpus(cpus)
                .logLevel(logLevel)
                .lines(lines);
    }

    /** Collects what differs from a privileged program without maps. */
    public static final class Builder {
        private final Bytecode code;
        private final ProgramType type;
        private String name = "program";
        private Optional<AttachType> attachType = Optional.empty();
        private String attachTo = "";
        private String license = "GPL";
        private MapResolver maps = fd -> Optional.empty();
        private Optional<Btf> kernelTypes = Optional.empty();
        private List<FunctionInfo> functions = List.of();
        private Map<Integer, String> kfuncs = Map.of();
        private Map<Integer, String> kernelSymbols = Map.of();
        private Arch arch = Arch.X86_64;
        private Privilege privilege = Privilege.FULL;
        private boolean sleepable;
        private boolean strictAlignment;
        private boolean everyStateKept;
        private boolean recordFacts;
        private boolean recordPaths;
        private int cpus = 2;
        private int logLevel = 1;
        private LineTable lines = LineTable.EMPTY;

        private Builder(Bytecode code, ProgramType type) {
            this.code = code;
            this.type = type;
        }

        public Builder name(String value) {
            name = value;
            return this;
        }

        public Builder attachType(Optional<AttachType> value) {
            attachType = value;
            return this;
        }

        public Builder attachTo(String value) {
            attachTo = value;
            return this;
        }

        public Builder license(String value) {
            license = value;
            return this;
        }

        public Builder maps(MapResolver value) {
            maps = value;
            return this;
        }

        public Builder kernelTypes(Btf value) {
            return kernelTypes(Optional.of(value));
        }

        public Builder kernelTypes(Optional<Btf> value) {
            kernelTypes = value;
            return this;
        }

        public Builder functions(List<FunctionInfo> value) {
            functions = value;
            return this;
        }

        public Builder kfuncs(Map<Integer, String> value) {
            kfuncs = value;
            return this;
        }

        public Builder kernelSymbols(Map<Integer, String> value) {
            kernelSymbols = value;
            return this;
        }

        public Builder arch(Arch value) {
            arch = value;
            return this;
        }

        public Builder privilege(Privilege value) {
            privilege = value;
            return this;
        }

        public Builder sleepable(boolean value) {
            sleepable = value;
            return this;
        }

        /** Refuses unaligned packet and value accesses even where the machine allows them. */
        public Builder strictAlignment(boolean value) {
            strictAlignment = value;
            return this;
        }

        /** Keeps a state at every possible place: slower, a test of pruning. */
        public Builder everyStateKept(boolean value) {
            everyStateKept = value;
            return this;
        }

        /** Keeps, per instruction, the union of what was believed of each register, for the checked interpreter. */
        public Builder recordFacts(boolean value) {
            recordFacts = value;
            return this;
        }

        /** Keeps the tree of the paths that are walked ({@link Stats#paths}), to show what makes a program complex. */
        public Builder recordPaths(boolean value) {
            recordPaths = value;
            return this;
        }

        public Builder cpus(int value) {
            cpus = value;
            return this;
        }

        public Builder logLevel(int value) {
            logLevel = value;
            return this;
        }

        public Builder lines(LineTable value) {
            lines = value;
            return this;
        }

        public VerifierInput build() {
            return new VerifierInput(
                    name,
                    code,
                    type,
                    attachType,
                    attachTo,
                    license,
                    maps,
                    kernelTypes,
                    functions,
                    kfuncs,
                    kernelSymbols,
                    arch,
                    privilege,
                    sleepable,
                    strictAlignment,
                    everyStateKept,
                    recordFacts,
                    recordPaths,
                    cpus,
                    logLevel,
                    lines);
        }
    }
}
