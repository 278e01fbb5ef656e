package skep.vm;

import java.util.Map;
import java.util.Optional;

/** A runtime with helpers and nothing else. */
record BareRuntime(AddressSpace addressSpace, FunctionTable functions, Map<Integer, HelperFunction> helpers)
        implements VmRuntime {
    @Override
    public Optional<HelperFunction> helper(int number) {
        return Optional.ofNullable(helpers.get(number));
    }

    @Override
    public Optional<HelperFunction> kfunc(int btfId, int module) {
        return Optional.empty();
    }

    @Override
    public Optional<VmMap> mapByFd(int fd) {
        return Optional.empty();
    }

    @Override
    public Optional<VmMap> mapByIndex(int index) {
        return Optional.empty();
    }

    @Override
    public Optional<VmMap> map(long handle) {
        return Optional.empty();
    }
}
