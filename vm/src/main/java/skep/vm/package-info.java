/**
 * The virtual machine: backends ("how"), memory, and what running programs can reach.
 *
 * <p>A {@link skep.vm.Backend} turns a program into an {@link skep.vm.Executable}; numbers in its instructions (helpers, maps, kernel
 * functions) are looked up in the {@link skep.vm.VmRuntime} at that moment. A {@link skep.vm.VmCpu} is where it runs: stack, budget,
 * and the {@link skep.vm.KernelServices} that helpers ask.
 *
 * <p>Registers hold real addresses of off-heap memory. {@link skep.vm.Memory} is the only class that dereferences one;
 * {@link skep.vm.AddressSpace} says which ones a program may touch. A verified program is compiled without those tests where the
 * verifier proved them needless; an {@link skep.vm.UnverifiedProgram} is tested at every access.
 *
 * <p>Maps are {@link skep.vm.VmMap}s, named in registers by handles; functions by addresses of the {@link skep.vm.FunctionTable}.
 * Start reading at {@link skep.vm.Backend}.
 */
@NullMarked
package skep.vm;

import org.jspecify.annotations.NullMarked;
