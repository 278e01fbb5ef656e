/**
 * Instructions as data: {@link skep.isa.Bytecode} is a program as slots, {@link skep.isa.Insn} the decoded family.
 * Opcodes, sizes and conditions are rows of small enums; codec, assembler and disassembler read those rows.
 * Depends on nothing else of ours.
 */
@NullMarked
package skep.isa;

import org.jspecify.annotations.NullMarked;
