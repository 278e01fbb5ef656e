package skep.events.embedded;

import java.util.ArrayList;
import org.jspecify.annotations.Nullable;
import skep.isa.kernel.UsdtArgument;
import skep.isa.kernel.UsdtProbe;

/**
 * A static probe (USDT) of a program: one place in its code with arguments in registers. The first six are where a
 * function's would be.
 */
final class StaticProbe {
    private static final String[] X86_NAMES = {
        "rdi", "rsi", "rdx", "rcx", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15"
    };
    /** Of the registers above, in {@code struct pt_regs}. */
    private static final int[] X86_OFFSETS = {112, 104, 96, 88, 72, 64, 56, 48, 24, 16, 8, 0};

    private final UserImage image;
    private final String provider;
    private final String name;
    private final long offset;
    private final int[] sizesBytes;
    private final int[] registerOffsets;
    private final UsdtProbe description;
    Attachment @Nullable [] attached;

    StaticProbe(
            UserImage image, String provider, String name, long offset, int[] sizesBytes, RegisterLayout registers) {
        this.image = image;
        this.provider = provider;
        this.name = name;
        this.offset = offset;
        this.sizesBytes = sizesBytes;
        boolean arm = registers.link() >= 0;
        registerOffsets = new int[sizesBytes.length];
        var arguments = new ArrayList<UsdtArgument>();
        for (int i = 0; i < sizesBytes.length; i++) {
            registerOffsets[i] = arm ? 8 * i : X86_OFFSETS[i];
            arguments.add(new UsdtArgument(
                    Math.abs(sizesBytes[i]),
                    sizesBytes[i] < 0,
                    new UsdtArgument.Place.Register(arm ? "x" + i : X86_NAMES[i])));
        }
        description = new UsdtProbe(provider, name, offset, 0, arguments);
    }

    UsdtProbe description() {
        return description;
    }

    String provider() {
        return provider;
    }

    String name() {
        return name;
    }

    /** Where in the file it is. */
    long offset() {
        return offset;
    }

    long address() {
        return image.baseAddress() + offset;
    }

    int registerOffset(int argument) {
        return registerOffsets[argument];
    }

    int arguments() {
        return sizesBytes.length;
    }

    /** The program of this task is at the probe. */
    void fire(Task task, long... arguments) {
        if (attached != null) {
            task.kernel.firing.atStaticProbe(task, this, arguments);
        }
    }

    @Override
    public String toString() {
        return provider + ":" + name;
    }
}
