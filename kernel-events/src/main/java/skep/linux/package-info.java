/**
 * The live kernel as a target: programs are loaded, probes attached and maps read through {@code bpf(2)} and
 * {@code perf_event_open(2)}, with nothing but the JDK.
 *
 * <p>{@link skep.linux.LinuxTarget} is found under the scheme {@code linux}. In: a
 * {@link skep.isa.object.BpfObject} and {@link skep.isa.kernel.ProbeSpec}s. Out: maps, records of rings, and what a
 * compiler may know of the kernel ({@link skep.linux.LinuxKernel}), each piece read when it is first asked for, since a
 * short script needs almost nothing of it.
 *
 * <p>Nothing is pinned: all that a target holds are descriptors, so the kernel itself takes everything back when the
 * process ends, however it ends. What a kernel refuses is a value ({@link skep.isa.kernel.Unsupported}) with the reason
 * that the kernel gives: its configuration, a missing capability, a lockdown. Nothing is done to get around it.
 *
 * <p>Start reading at {@link skep.linux.LinuxTarget}, then {@code LinuxObject}: loading, and {@code Attacher}: one case a
 * probe kind. All calls go through {@link skep.linux.Host}, so that the same code serves another machine's kernel.
 */
@NullMarked
package skep.linux;

import org.jspecify.annotations.NullMarked;
