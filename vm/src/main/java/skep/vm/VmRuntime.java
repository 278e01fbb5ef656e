package skep.vm;

import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;

/** What programs of one VM share and what their instructions refer to by number. Safe from any thread. */
public interface VmRuntime {
    AddressSpace addressSpace();

    FunctionTable functions();

    /** The helper with this number ({@link skep.isa.kernel.Helper#number}); asked when a program is compiled. */
    Optional<HelperFunction> helper(int number);

    /** A kernel function by BTF id; {@code module} is the call's offset field: 0 for vmlinux. */
    Optional<HelperFunction> kfunc(int btfId, int module);

    /** The map behind a descriptor. */
    Optional<VmMap> mapByFd(int fd);

    /** The map behind an index into the load's array of descriptors. */
    Optional<VmMap> mapByIndex(int index);

    /** The map behind a handle, while it lives: what helpers use at run time. */
    Optional<VmMap> map(long handle);

    /** Address of a kernel variable by BTF id. */
    default OptionalLong variableAddress(int btfId, int moduleBtfFd) {
        return OptionalLong.empty();
    }

    /** A runtime without maps, for programs that only compute. */
    static VmRuntime bare(Map<Integer, HelperFunction> helpers) {
        return new BareRuntime(new AddressSpace(), new FunctionTable(), Map.copyOf(helpers));
    }
}
