/**
 * The backend {@code truffle} of the VM: verified bytecode as a Truffle root node.
 */
@NullMarked
package skep.truffle.backend;

import org.jspecify.annotations.NullMarked;
