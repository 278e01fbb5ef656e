package skep.isa.kernel;

/** A kernel version such as 6.18.4, ordered. */
public record KernelVersion(int major, int minor, int patch) implements Comparable<KernelVersion> {
    @Override
    public int compareTo(KernelVersion other) {
        return Long.compare(key(), other.key());
    }

    private long key() {
        return (long) major << 40 | (long) minor << 20 | patch;
    }

    public boolean isAtLeast(int major, int minor) {
        return compareTo(new KernelVersion(major, minor, 0)) >= 0;
    }

    @Override
    public String toString() {
        return major + "." + minor + "." + patch;
    }
}
