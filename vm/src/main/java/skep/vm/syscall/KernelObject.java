package skep.vm.syscall;

import skep.vm.Iteration;
import skep.vm.VmProgram;
import skep.vm.maps.BpfMap;

/** What a descriptor or a pinned file refers to. Each holds one reference to what it names. */
sealed interface KernelObject {
    /** A map, and whether this descriptor may read and write it. */
    record OfMap(BpfMap map, boolean readable, boolean writable) implements KernelObject {}

    record OfProgram(VmProgram program) implements KernelObject {}

    record OfLink(BpfLink link) implements KernelObject {}

    record OfBtf(LoadedBtf btf) implements KernelObject {}

    /** A walk of an iterator: a file that is read. */
    record OfIteration(BpfLink link, VmProgram program, Iteration walk) implements KernelObject {}

    /** Statistics are on while a descriptor like this is open. */
    record OfStats() implements KernelObject {}
}
