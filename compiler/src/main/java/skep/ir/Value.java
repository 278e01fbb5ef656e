package skep.ir;

/**
 * An SSA value: defined once, by an instruction or as a parameter of a block.
 *
 * @param id unique in its function
 */
public record Value(int id, Type type) {
    @Override
    public String toString() {
        return "%" + id;
    }

    @Override
    public int hashCode() {
        return id;
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Value that && id == that.id && type.equals(that.type);
    }
}
