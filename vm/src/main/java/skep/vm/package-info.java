/**
 * The virtual machine: backends ("how"), memory, loading of objects. Data in: a BpfObject; out: executables.
 */
@NullMarked
package skep.vm;

import org.jspecify.annotations.NullMarked;
