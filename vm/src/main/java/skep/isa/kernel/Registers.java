package skep.isa.kernel;

import java.util.OptionalInt;

/** Where registers lie in {@code struct pt_regs} (arch/*&#47;include/asm/ptrace.h), in bytes. */
public final class Registers {
    private Registers() {}

    private static final String[] X86 = {
        "r15", "r14", "r13", "r12", "bp", "bx", "r11", "r10", "r9", "r8", "ax", "cx", "dx", "si", "di", "orig_ax", "ip",
        "cs", "flags", "sp", "ss"
    };

    private static final int[] X86_ARGUMENTS = {112, 104, 96, 88, 72, 64};
    private static final int X86_RESULT = 80;
    private static final int ARM_ORIGINAL_X0 = 272;

    /** Byte offset of an argument of a function call, counted from 0, if it comes in a register. */
    public static OptionalInt argument(Arch arch, int index) {
        return switch (arch) {
            case X86_64 -> index < X86_ARGUMENTS.length ? OptionalInt.of(X86_ARGUMENTS[index]) : OptionalInt.empty();
            case ARM64 -> index < 8 ? OptionalInt.of(8 * index) : OptionalInt.empty();
        };
    }

    /** Byte offset of an argument of a system call, counted from 0; empty for a seventh, which there is not. */
    public static OptionalInt systemCallArgument(Arch arch, int index) {
        if (index < 0 || index > 5) {
            return OptionalInt.empty();
        }
        return switch (arch) {
            // The fourth is in r10: the syscall instruction overwrites rcx.
            case X86_64 -> OptionalInt.of(index == 3 ? 56 : X86_ARGUMENTS[index]);
            // The first is in orig_x0, as x0 becomes the result.
            case ARM64 -> OptionalInt.of(index == 0 ? ARM_ORIGINAL_X0 : 8 * index);
        };
    }

    /** Byte offset of the number of the system call. */
    public static int systemCallNumber(Arch arch) {
        return switch (arch) {
            case X86_64 -> 120;
            case ARM64 -> ARM_ORIGINAL_X0 + 8;
        };
    }

    public static int result(Arch arch) {
        return switch (arch) {
            case X86_64 -> X86_RESULT;
            case ARM64 -> 0;
        };
    }

    /** The registers of a process: all of {@code pt_regs} on x86-64, {@code user_pt_regs} on ARM64. */
    public static int userRegistersBytes(Arch arch) {
        return switch (arch) {
            case X86_64 -> 8 * X86.length;
            case ARM64 -> ARM_ORIGINAL_X0;
        };
    }

    /** Byte offset of a register by name. */
    public static OptionalInt named(Arch arch, String name) {
        return switch (arch) {
            case X86_64 -> {
                var wanted = name.equals("pc") ? "ip" : name;
                for (int i = 0; i < X86.length; i++) {
                    if (X86[i].equals(wanted)) {
                        yield OptionalInt.of(8 * i);
                    }
                }
                yield OptionalInt.empty();
            }
            case ARM64 -> arm64(name);
        };
    }

    private static OptionalInt arm64(String name) {
        switch (name) {
            case "sp" -> {
                return OptionalInt.of(248);
            }
            case "pc", "ip" -> {
                return OptionalInt.of(256);
            }
            case "pstate" -> {
                return OptionalInt.of(264);
            }
            case "fp" -> {
                return OptionalInt.of(8 * 29);
            }
            case "lr" -> {
                return OptionalInt.of(8 * 30);
            }
            default -> {
                if (name.length() < 2 || name.charAt(0) != 'r' && name.charAt(0) != 'x') {
                    return OptionalInt.empty();
                }
                try {
                    int number = Integer.parseInt(name.substring(1));
                    return number >= 0 && number <= 30 ? OptionalInt.of(8 * number) : OptionalInt.empty();
                } catch (NumberFormatException notANumber) {
                    return OptionalInt.empty();
                }
            }
        }
    }

    /** Stack pointer: arguments beyond the registers lie behind it. */
    public static int stackPointer(Arch arch) {
        return switch (arch) {
            case X86_64 -> 152;
            case ARM64 -> 248;
        };
    }

    public static int instructionPointer(Arch arch) {
        return switch (arch) {
            case X86_64 -> 128;
            case ARM64 -> 256;
        };
    }
}
