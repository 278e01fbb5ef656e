/**
 * A backend of the VM as a Truffle root node.
 */
@NullMarked
package skep.truffle.backend;

import org.jspecify.annotations.NullMarked;
