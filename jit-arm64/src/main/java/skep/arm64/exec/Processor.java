package skep.arm64.exec;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;

/** What the processor that runs emitted code can do. */
final class Processor {
    /** Keys of ELF's auxiliary vector, and a bit of {@code AT_HWCAP} (Linux, {@code arch/arm64/include/uapi/asm/hwcap.h}). */
    private static final long AT_HWCAP = 16;

    private static final long HWCAP_ATOMICS = 1 << 8;

    private Processor() {}

    /** Whether this process runs on an aarch64 processor, real or emulated. */
    static boolean isHere() {
        return System.getProperty("os.arch").equals("aarch64");
    }

    /** Whether it has atomics in one instruction (FEAT_LSE). The emulator's processor has all that there is. */
    static boolean hasLse() {
        if (!isHere()) {
            return true;
        }
        try {
            return hasLse(Files.readAllBytes(Path.of("/proc/self/auxv")));
        } catch (IOException unknown) {
            return false;
        }
    }

    /**
     * @param auxiliaryVector pairs of words, key and value
     */
    static boolean hasLse(byte[] auxiliaryVector) {
        var words = ByteBuffer.wrap(auxiliaryVector).order(ByteOrder.LITTLE_ENDIAN);
        while (words.remaining() >= 16) {
            long key = words.getLong();
            long value = words.getLong();
            if (key == AT_HWCAP) {
                return (value & HWCAP_ATOMICS) != 0;
            }
        }
        return false;
    }
}
