package skep.vm;

import java.nio.charset.StandardCharsets;

/** Answers of a VM that runs programs outside any kernel. */
final class DetachedServices implements KernelServices {
    private int randomState = 1;

    @Override
    public long ktimeNanos() {
        return System.nanoTime();
    }

    @Override
    public int cpu() {
        return 0;
    }

    @Override
    public long pidTgid() {
        return 1L << 32 | 1;
    }

    @Override
    public long uidGid() {
        return 0;
    }

    @Override
    public byte[] comm() {
        return "skep".getBytes(StandardCharsets.US_ASCII);
    }

    @Override
    public long currentTask() {
        return 0;
    }

    @Override
    public int random() {
        randomState ^= randomState << 13;
        randomState ^= randomState >>> 17;
        randomState ^= randomState << 5;
        return randomState;
    }

    @Override
    public boolean readKernel(long kernelAddress, byte[] into, int length) {
        return false;
    }

    @Override
    public boolean readUser(long userAddress, byte[] into, int length) {
        return false;
    }

    @Override
    public int stack(boolean user, int skip, long[] into) {
        return 0;
    }
}
