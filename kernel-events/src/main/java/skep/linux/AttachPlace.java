package skep.linux;

import java.util.ArrayList;
import java.util.Optional;
import java.util.OptionalInt;
import skep.btf.BtfKind;
import skep.isa.kernel.AttachType;
import skep.isa.object.ProgramSpec;
import skep.linux.sys.Bpf.ObjectKind;
import skep.linux.sys.Errno;
import skep.target.LoadException;

/**
 * What a typed program is loaded for: a function or tracepoint, by the id of its type in the kernel's types or a module's. The
 * latter are named by a descriptor, which this owns until the program is loaded.
 */
record AttachPlace(int typeId, Optional<ModuleTypes> module) implements AutoCloseable {
    static final AttachPlace NONE = new AttachPlace(0, Optional.empty());

    /** {@code struct bpf_btf_info}: types 8, size 4, id 4, name 8, its room 4, whether a kernel's 4. */
    private static final int INFO_BYTES = 32;

    private static final int MAX_NAME_BYTES = 64;

    /** The types of a module, by a descriptor. */
    record ModuleTypes(Host host, int fd) {}

    /**
     * Finds it; where the program does not say in which module, all that publish types are asked.
     *
     * @throws LoadException if there is no such function
     */
    static AttachPlace of(Host host, LinuxKernel kernel, ProgramSpec program) {
        if (kernel.types().isEmpty()) {
            throw failure(
                    program,
                    "program " + program.name() + " needs the kernel's types, and this kernel publishes no BTF");
        }
        int colon = program.attachTo().indexOf(':');
        var function = program.attachTo().substring(colon + 1);
        var modules = new ArrayList<String>();
        if (colon > 0) {
            modules.add(program.attachTo().substring(0, colon));
        } else {
            var own = id(kernel, "", program, function);
            if (own.isPresent()) {
                return new AttachPlace(own.getAsInt(), Optional.empty());
            }
            kernel.moduleOf(isTracepoint(program) ? "__traceiter_" + function : function)
                    .ifPresent(modules::add);
        }
        for (var module : modules) {
            var id = id(kernel, module, program, function);
            if (id.isPresent()) {
                return new AttachPlace(id.getAsInt(), Optional.of(open(host, module, program)));
            }
        }
        throw failure(
                program,
                "program " + program.name() + " is for " + program.attachTo()
                        + ", which this kernel's types do not have");
    }

    private static LoadException failure(ProgramSpec program, String message) {
        return new LoadException(message, program, -1, "");
    }

    private static boolean isTracepoint(ProgramSpec program) {
        return program.attachType().equals(Optional.of(AttachType.TRACE_RAW_TP));
    }

    private static OptionalInt id(LinuxKernel kernel, String module, ProgramSpec program, String function) {
        var name = switch (program.attachType().orElse(AttachType.TRACE_FENTRY)) {
            case TRACE_RAW_TP -> "btf_trace_" + function;
            case TRACE_ITER -> "bpf_iter_" + function;
            case LSM_MAC, LSM_CGROUP -> "bpf_lsm_" + function;
            default -> function;
        };
        return kernel.types(module)
                .map(types -> types.find(name, isTracepoint(program) ? BtfKind.TYPEDEF : BtfKind.FUNC))
                .orElse(OptionalInt.empty());
    }

    private static ModuleTypes open(Host host, String module, ProgramSpec program) {
        for (int id : host.bpf().ids(ObjectKind.BTF)) {
            long fd = host.bpf().open(ObjectKind.BTF, id);
            if (Errno.isError(fd)) {
                continue;
            }
            if (name(host, (int) fd).equals(module)) {
                return new ModuleTypes(host, (int) fd);
            }
            host.close((int) fd);
        }
        throw failure(program, "program " + program.name() + ": the types of module " + module + " are not loaded");
    }

    private static String name(Host host, int fd) {
        try (var info = host.syscalls().allocate(INFO_BYTES);
                var name = host.syscalls().allocate(MAX_NAME_BYTES)) {
            info.clear(INFO_BYTES).putLong(16, name.address()).putInt(24, MAX_NAME_BYTES);
            if (Errno.isError(host.bpf().info(fd, info))) {
                return "";
            }
            name.pulled(0, MAX_NAME_BYTES);
            return name.getString(0, MAX_NAME_BYTES);
        }
    }

    @Override
    public void close() {
        module.ifPresent(types -> types.host().close(types.fd()));
    }
}
