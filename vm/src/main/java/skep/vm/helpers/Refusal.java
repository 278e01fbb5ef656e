package skep.vm.helpers;

import skep.isa.kernel.Errno;
import skep.vm.HelperFunction;
import skep.vm.VmCpu;

/** A helper that the VM cannot mean: always the same error. */
record Refusal(Errno errno, String reason) implements HelperFunction {
    @Override
    public long call(VmCpu cpu, long a, long b, long c, long d, long e) {
        return errno.negated();
    }
}
