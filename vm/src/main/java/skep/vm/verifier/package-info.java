/**
 * Decides whether a program is safe, by the rules of Linux 6.18. Only it makes a verified program.
 */
@NullMarked
package skep.vm.verifier;

import org.jspecify.annotations.NullMarked;
