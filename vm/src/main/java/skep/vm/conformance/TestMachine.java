package skep.vm.conformance;

import java.util.Map;
import java.util.Optional;
import skep.vm.AddressSpace;
import skep.vm.AddressSpace.Access;
import skep.vm.FunctionTable;
import skep.vm.HelperFunction;
import skep.vm.KernelServices;
import skep.vm.Memory;
import skep.vm.PacketLoad;
import skep.vm.VmCpu;
import skep.vm.VmMap;
import skep.vm.VmRuntime;

/** A machine with one CPU, a few helpers and some memory: what programs of test suites run on. */
final class TestMachine implements AutoCloseable {
    private final TestRuntime runtime;
    private final VmCpu cpu;

    /**
     * @param deviceType link type of the device that packets come from
     */
    TestMachine(Map<Integer, HelperFunction> helpers, KernelServices services, int deviceType) {
        runtime = new TestRuntime(
                new AddressSpace(), new FunctionTable(), Map.copyOf(helpers), new PacketLoad(deviceType));
        cpu = new VmCpu(runtime, services);
    }

    VmRuntime runtime() {
        return runtime;
    }

    VmCpu cpu() {
        return cpu;
    }

    /** Memory that programs may read and write; closing takes it away again. */
    Lent lend(byte[] contents) {
        var block = Memory.allocate(contents.length, 64);
        Memory.copy(contents, 0, block.address(), contents.length);
        var region = runtime.addressSpace.add(block, Access.READ_WRITE, "memory");
        return new Lent(block, region, runtime.addressSpace);
    }

    @Override
    public void close() {
        cpu.close();
    }

    /** A block and its region. */
    record Lent(Memory.Block block, AddressSpace.Region region, AddressSpace space) implements AutoCloseable {
        long address() {
            return block.address();
        }

        @Override
        public void close() {
            space.remove(region);
            block.close();
        }
    }

    private record TestRuntime(
            AddressSpace addressSpace,
            FunctionTable functions,
            Map<Integer, HelperFunction> helpers,
            PacketLoad packets)
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

        @Override
        public Optional<HelperFunction> packetLoad() {
            return Optional.of(packets);
        }
    }
}
