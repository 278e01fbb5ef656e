package skep.linux;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import skep.elf.MalformedElfException;
import skep.elf.UnwindRow;
import skep.isa.kernel.Arch;

/**
 * Follows the calls of a process from its registers and a copy of its stack, by the unwinding tables of the files it has mapped:
 * works without frame pointers. Where no table covers a place, as in code made at run time, frame pointers are followed.
 */
final class StackUnwinder {
    /** Of the words of {@code struct pt_regs}, the one of each DWARF register, 0 to 16 (arch/x86/include/asm/ptrace.h). */
    private static final int[] X86_WORDS = {10, 12, 11, 5, 13, 14, 4, 19, 9, 8, 7, 6, 3, 2, 1, 0, 16};

    private static final int X86_FRAME_POINTER = 6;
    private static final int X86_STACK_POINTER = 7;
    private static final int X86_INSTRUCTION_POINTER = 16;

    /** {@code struct user_pt_regs}: 31 registers, sp, pc. */
    private static final int ARM64_REGISTERS = 32;

    private static final int ARM64_FRAME_POINTER = 29;
    private static final int ARM64_LINK = 30;
    private static final int ARM64_STACK_POINTER = 31;
    private static final int ARM64_PC_WORD = 32;

    /** User addresses have 48 bits; ARM64 signs return addresses in those above. */
    private static final long ADDRESS_BITS = (1L << 48) - 1;

    private final Arch arch;
    private final UserSymbols symbols;

    StackUnwinder(Arch arch, UserSymbols symbols) {
        this.arch = arch;
        this.symbols = symbols;
    }

    /**
     * The addresses of a stack, the innermost first.
     *
     * @param registers of the process, as the kernel lays them out ({@code struct pt_regs})
     * @param stack what lies from the stack pointer on
     */
    List<Long> unwind(int pid, MemorySegment registers, MemorySegment stack, int depth) {
        return new Walk(pid, registers, stack).run(depth);
    }

    private final class Walk {
        private final int pid;
        private final MemorySegment stack;
        private final long stackStart;
        private final int stackPointer;
        private final int framePointer;
        private long[] registers;
        private long place;

        Walk(int pid, MemorySegment context, MemorySegment stack) {
            this.pid = pid;
            this.stack = stack;
            if (arch == Arch.X86_64) {
                registers = new long[X86_WORDS.length];
                for (int i = 0; i < registers.length; i++) {
                    registers[i] = word(context, X86_WORDS[i]);
                }
                stackPointer = X86_STACK_POINTER;
                framePointer = X86_FRAME_POINTER;
                place = registers[X86_INSTRUCTION_POINTER];
            } else {
                registers = new long[ARM64_REGISTERS];
                for (int i = 0; i < registers.length; i++) {
                    registers[i] = word(context, i);
                }
                stackPointer = ARM64_STACK_POINTER;
                framePointer = ARM64_FRAME_POINTER;
                place = word(context, ARM64_PC_WORD);
            }
            stackStart = registers[stackPointer];
        }

        private static long word(MemorySegment from, int index) {
            return from.get(ValueLayout.JAVA_LONG_UNALIGNED, 8L * index);
        }

        private OptionalLong memory(long address) {
            long offset = address - stackStart;
            return offset >= 0 && offset + 8 <= stack.byteSize()
                    ? OptionalLong.of(stack.get(ValueLayout.JAVA_LONG_UNALIGNED, offset))
                    : OptionalLong.empty();
        }

        List<Long> run(int depth) {
            var frames = new ArrayList<Long>();
            boolean call = false;
            while (frames.size() < depth && place != 0) {
                frames.add(place);
                long sought = call ? place - 1 : place;
                long before = registers[stackPointer];
                var row = row(sought);
                var caller = row.isPresent()
                        ? row.get().caller(registers, stackPointer, this::memory)
                        : byFramePointer(frames.size() == 1);
                if (caller.isEmpty()) {
                    break;
                }
                long next = caller.get().address() & ADDRESS_BITS;
                registers = caller.get().registers();
                // A function without a frame of its own is at most the innermost one.
                if (next == place && registers[stackPointer] == before
                        || frames.size() > 1 && registers[stackPointer] <= before
                        || !symbols.isCode(pid, next)) {
                    break;
                }
                place = next;
                call = row.isEmpty() || !row.get().isSignalFrame();
            }
            return frames;
        }

        private Optional<UnwindRow> row(long address) {
            try {
                return symbols.locate(pid, address)
                        .flatMap(located -> located.binary().unwindRow(located.address()));
            } catch (MalformedElfException damaged) {
                return Optional.empty();
            }
        }

        /**
         * The saved frame pointer and behind it the return address, on both architectures. Where the innermost place has no
         * frame yet, the word on top of the stack, or the link register, is the return address.
         */
        private Optional<UnwindRow.Caller> byFramePointer(boolean innermost) {
            long link = arch == Arch.X86_64
                    ? memory(registers[stackPointer]).orElse(0)
                    : registers[ARM64_LINK] & ADDRESS_BITS;
            var next = registers.clone();
            if (innermost
                    && link != 0
                    && symbols.isCode(pid, link)
                    && symbols.locate(pid, link).isPresent()) {
                next[stackPointer] += arch == Arch.X86_64 ? 8 : 0;
                return Optional.of(new UnwindRow.Caller(link, next));
            }
            long frame = registers[framePointer];
            var saved = memory(frame);
            var back = memory(frame + 8);
            if (saved.isEmpty() || back.isEmpty()) {
                return Optional.empty();
            }
            next[framePointer] = saved.getAsLong();
            next[stackPointer] = frame + 16;
            return Optional.of(new UnwindRow.Caller(back.getAsLong(), next));
        }
    }
}
