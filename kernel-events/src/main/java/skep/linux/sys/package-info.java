/**
 * System calls: the only package of this module that makes them through FFM.
 *
 * <p>Everything the {@code linux} target does with a kernel goes through one small interface,
 * {@link skep.linux.sys.Syscalls}: a system call with six words, memory in the process that makes the call
 * ({@link skep.linux.sys.Block}), and starting a gated child. {@link skep.linux.sys.LocalSyscalls} is this process,
 * with a single FFM handle on libc's {@code syscall}; another implementation may sit at the end of a byte stream.
 * Results are the kernel's own convention: a value, or minus an errno; {@link skep.linux.sys.Errno} has their names.
 *
 * <p>On top of it, each a thin and stateless view: {@link skep.linux.sys.Bpf} lays out {@code union bpf_attr},
 * {@link skep.linux.sys.Perf} lays out {@code perf_event_attr}, {@link skep.linux.sys.Files} reads files and
 * directories. They know layouts and numbers, never what a probe is; that is {@code skep.linux}.
 *
 * <p>Start reading at {@link skep.linux.sys.Syscalls}, then {@link skep.linux.sys.Bpf}.
 */
@NullMarked
package skep.linux.sys;

import org.jspecify.annotations.NullMarked;
