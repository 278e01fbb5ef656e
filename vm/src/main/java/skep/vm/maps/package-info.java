/**
 * The maps of the VM: the kernel's types with its semantics, flags and error numbers (Linux 6.18).
 *
 * <p>{@link skep.vm.maps.Maps#create} makes one from a {@link skep.isa.object.MapSpec}. What it makes is a
 * {@link skep.vm.maps.BpfMap}, which speaks in addresses, as programs and helpers do: keys and values are off-heap, a
 * value stays where it is until its element is deleted, and errors are negated numbers. {@link skep.vm.maps.UserMap}
 * gives the other face, bytes and exceptions, to user space.
 *
 * <p>Running programs on many CPUs and user space share a map without one lock: arrays have none, hash tables lock one
 * bucket to write and none to read ({@link skep.vm.maps.HashTable}), ring buffers lock for the moment of reserving.
 * Elements lie in {@link skep.vm.maps.Slab}s, whose values are regions of the {@link skep.vm.AddressSpace}; what the
 * map itself relies on (links, hashes) lies where no program can write. All memory is charged to the
 * {@link skep.vm.maps.MapContext} before it is allocated.
 */
@NullMarked
package skep.vm.maps;

import org.jspecify.annotations.NullMarked;
