/**
 * Classic BPF, the filter machine of 1993 that {@code tcpdump -d} prints: {@link skep.isa.classic.ClassicProgram} is checked code,
 * {@link skep.isa.classic.ClassicText} writes and reads tcpdump's notations, {@link skep.isa.classic.ClassicTranslator} makes eBPF.
 *
 * <p>The rules are those of the kernel (net/core/filter.c). Data in: instructions of eight bytes, or text; out: {@code Bytecode} that
 * runs as a socket filter. Depends on {@code skep.isa} only. Start reading at {@link skep.isa.classic.ClassicProgram}.
 *
 * <p>The machine has an accumulator A, an index X and sixteen words of scratch memory M; it reads the packet and
 * returns how many bytes of it to keep. Jumps only go forward, so every program ends.
 */
@NullMarked
package skep.isa.classic;

import org.jspecify.annotations.NullMarked;
