/**
 * A64 as data: every instruction that Skep emits or reads is one row of {@link skep.arm64.a64.Encoding} with its bit picture,
 * its fields, the way assemblers write its operands, and the section of the Arm Architecture Reference Manual.
 *
 * <p>{@code Encoding.word} puts field values into a row and gives the 32-bit instruction; {@link
 * skep.arm64.a64.Disassembler} finds the row of a word and writes it as LLVM does, aliases included. {@link
 * skep.arm64.a64.LogicalImmediate} is the one operand whose encoding needs an algorithm. The tests hold each row, each field
 * at its limits, against llvm-mc.
 *
 * <p>Start at {@code Encoding}; a new instruction is one row there.
 */
@NullMarked
package skep.arm64.a64;

import org.jspecify.annotations.NullMarked;
