/**
 * ELF files: objects of libbpf's form read and written, symbols of user programs.
 */
@NullMarked
package skep.elf;

import org.jspecify.annotations.NullMarked;
