/**
 * ELF files as data: user programs and libraries, and eBPF objects in the form that clang writes and libbpf reads.
 *
 * <p>For programs and libraries the entry type is {@link skep.elf.ElfFile}, made from any
 * {@link skep.elf.ElfFile.Source} of bytes that can be read at an offset, so that a large library is never read whole.
 * {@link skep.elf.SymbolTable} finds symbols by address and by name; {@link skep.elf.UsdtNotes} reads the static probes
 * that a program carries. In: foreign bytes. Out: values, or {@link skep.elf.MalformedElfException}.
 *
 * <p>For eBPF objects it is {@link skep.elf.ElfObject#parse}, on top of the container {@link skep.elf.RelocatableFile}:
 * maps from {@code .maps} (by BTF) or {@code maps} (old style), global data as maps, functions linked into the programs
 * that call them, the program type by the section's name ({@link skep.elf.SectionName}).
 * {@link skep.elf.ElfObject#relocated} adapts the code to a kernel's types ({@link skep.elf.CoreRelocator}) and gives a
 * {@link skep.isa.object.BpfObject}. {@link skep.elf.ObjectWriter} goes the other way. Whatever cannot be done is an
 * {@link skep.elf.ElfException}.
 *
 * <p>Sources of the formats: System V ABI chapters 4 and 5, LLVM's BPF relocations
 * (Documentation/bpf/llvm_reloc.rst) and Documentation/bpf/libbpf/program_types.rst, Linux 6.18.
 */
@NullMarked
package skep.elf;

import org.jspecify.annotations.NullMarked;
