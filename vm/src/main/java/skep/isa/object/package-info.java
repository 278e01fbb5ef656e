/**
 * What compilers hand to targets: {@link skep.isa.object.BpfObject} with programs, map definitions, relocations and
 * line tables. Free of the environment; deterministic.
 */
@NullMarked
package skep.isa.object;

import org.jspecify.annotations.NullMarked;
