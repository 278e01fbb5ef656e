/**
 * Instructions as data.
 *
 * <p>{@link skep.isa.Bytecode} is a program as 8-byte slots, {@link skep.isa.Insn} the decoded family; opcodes, sizes, operations and
 * conditions are rows of small enums. {@link skep.isa.InsnCodec} goes between slots and instructions and refuses whatever
 * RFC 9669 and the kernel's extensions do not define. {@link skep.isa.Disassembler} writes the notation of the kernel's verifier
 * log, {@link skep.isa.Assembler} reads it.
 *
 * <p>{@link skep.isa.DecodedProgram} is a program that can be run at all: every jump and call leads to an instruction.
 * Depends on nothing else of ours but the tables in {@code skep.isa.kernel}. Start reading at {@link skep.isa.Insn}.
 */
@NullMarked
package skep.isa;

import org.jspecify.annotations.NullMarked;
