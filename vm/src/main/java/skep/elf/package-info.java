/**
 * ELF files as data: sections, segments, symbols and notes of 64-bit little-endian programs, libraries and objects.
 *
 * <p>Entry type: {@link skep.elf.ElfFile}, made from any {@link skep.elf.ElfFile.Source} of bytes that can be read at an
 * offset, so that a large library is never read whole. In: foreign bytes. Out: values, or
 * {@link skep.elf.MalformedElfException}; nothing else is thrown, whatever the bytes are.
 *
 * <p>{@link skep.elf.SymbolTable} finds symbols by address and by name; {@link skep.elf.UsdtNotes} reads the static
 * probes that a program carries.
 */
@NullMarked
package skep.elf;

import org.jspecify.annotations.NullMarked;
