/**
 * A64 encodings as one table; encoder and disassembler from it.
 */
@NullMarked
package skep.arm64.a64;

import org.jspecify.annotations.NullMarked;
