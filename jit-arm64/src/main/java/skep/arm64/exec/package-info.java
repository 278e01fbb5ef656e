/**
 * Running A64: native on aarch64, under an emulator elsewhere.
 */
@NullMarked
package skep.arm64.exec;

import org.jspecify.annotations.NullMarked;
