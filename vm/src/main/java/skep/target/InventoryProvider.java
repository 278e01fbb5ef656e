package skep.target;

/** Opens inventories; found by {@link java.util.ServiceLoader}. */
public interface InventoryProvider {
    /** The word that selects it, for example {@code linux}. */
    String scheme();

    /**
     * Opens one.
     *
     * @param operand what the scheme needs, for example the name of an object file; possibly empty
     * @throws TargetException if it cannot be opened: the message says why and what to do
     */
    Inventory open(String operand);

    /** The same with programs compiled by a certain backend; empty for the default. Kernels ignore it. */
    default Inventory open(String operand, String backend) {
        return open(operand);
    }
}
