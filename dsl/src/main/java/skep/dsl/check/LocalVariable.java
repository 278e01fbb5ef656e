package skep.dsl.check;

import skep.dsl.Type;
import skep.source.Span;

/** A variable of a script. Its type grows while types are found; afterwards it is fixed. */
public final class LocalVariable {
    private final String name;
    private final Span span;
    private final TypeCell cell = new TypeCell();
    private boolean hoisted;

    LocalVariable(String name, Span span) {
        this.name = name;
        this.span = span;
    }

    public String name() {
        return name;
    }

    public Span span() {
        return span;
    }

    /** {@link Type#VOID} while nothing is known of it. */
    public Type type() {
        return cell.type();
    }

    /** Whether it is used outside the block that assigns it: zero until then. */
    public boolean hoisted() {
        return hoisted;
    }

    void hoist() {
        hoisted = true;
    }

    TypeCell cell() {
        return cell;
    }

    @Override
    public String toString() {
        return name + " : " + type().display();
    }
}
