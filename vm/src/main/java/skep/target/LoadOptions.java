package skep.target;

/**
 * How to load.
 *
 * @param verifierLogLevel 0 for none, 1 or 2 as the kernel counts; a rejection always carries a log
 * @param backend name of the VM's backend, or empty for the default; ignored by a live kernel
 */
public record LoadOptions(int verifierLogLevel, String backend) {
    public static final LoadOptions DEFAULT = new LoadOptions(0, "");
}
