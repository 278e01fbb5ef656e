/**
 * The kernel's {@code bpf()} system call, in process: commands on descriptors, with the kernel's error numbers.
 *
 * <p>{@link skep.vm.syscall.BpfSystem} is what a kernel has once: the {@link skep.vm.Machine} with maps and programs,
 * loaded types, links, attach points, and the file system of pinned objects ({@link skep.vm.syscall.Bpffs}).
 * {@link skep.vm.syscall.BpfProcess} is what a process has: a table of descriptors, and one method for each row of
 * {@link skep.vm.syscall.BpfCommand}. Data in and out are records and byte arrays; a failed command is a
 * {@link skep.vm.syscall.BpfException} with its {@link skep.isa.kernel.Errno}. {@link skep.vm.syscall.RawBpf} puts {@code union bpf_attr}
 * in front of it: numbers, bytes and addresses in, minus an errno out.
 *
 * <p>Things live as long as something refers to them: descriptors, pins, links, programs that use a map, maps that hold
 * a map or program. Semantics are those of Linux 6.18, kernel/bpf/syscall.c. Start at
 * {@link skep.vm.syscall.BpfProcess}.
 */
@NullMarked
package skep.vm.syscall;

import org.jspecify.annotations.NullMarked;
