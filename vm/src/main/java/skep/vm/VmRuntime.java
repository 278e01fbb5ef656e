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

    /**
     * What the legacy packet loads call: {@code a} is r6 (the context), {@code b} the offset (negative ones are the kernel's
     * ancillary data), {@code c} the size in bytes (plus {@link PacketLoad#INDIRECT}), {@code d} and {@code e} are r0 and r7: A and
     * X of a translated classic filter. The result is in host order. It ends the program with 0 if the packet is too
     * short. Empty: such programs are refused.
     */
    default Optional<HelperFunction> packetLoad() {
        return Optional.empty();
    }

    /** A CPU that runs programs of this VM has come. */
    default void register(VmCpu cpu) {}

    /** It is gone. */
    default void unregister(VmCpu cpu) {}

    /** A runtime without maps, for programs that only compute. */
    static VmRuntime bare(Map<Integer, HelperFunction> helpers) {
        return new BareRuntime(new AddressSpace(), new FunctionTable(), Map.copyOf(helpers));
    }
}
