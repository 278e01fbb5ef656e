package skep.target;

/** Makes targets; found by {@link java.util.ServiceLoader}. */
public interface TargetProvider {
    /** The word before the colon of a spec, for example {@code embedded}. */
    String scheme();

    /** What it is, one line for {@code --help}. */
    String title();

    /**
     * Opens a target.
     *
     * @param options what follows the colon of the spec, possibly empty
     * @throws TargetException if it cannot be opened: the message says why and what to do
     * @throws IllegalArgumentException if the options are malformed: the message names the option and the permitted ones
     */
    Target open(String options);

    /**
     * Opens a target whose programs will be run by a certain backend of the VM, which may need the target's memory in a certain place.
     *
     * @param backend its name, or empty for the default; a live kernel has none and ignores it
     * @throws TargetException also if there is no such backend, or it cannot be used here
     */
    default Target open(String options, String backend) {
        return open(options);
    }
}
