package skep.dsl.check;

import java.util.Optional;
import java.util.OptionalInt;
import skep.dsl.Type;
import skep.source.Span;

/** A map of a script. Its types grow while types are found; afterwards they are fixed. */
public final class MapSymbol {
    private final String name;
    private final Span span;
    private final TypeCell key = new TypeCell();
    private final TypeCell value = new TypeCell();
    private boolean cleared;
    private boolean keyed;
    private boolean keyednessKnown;
    private Optional<String> declaredKind = Optional.empty();
    private OptionalInt declaredEntries = OptionalInt.empty();

    MapSymbol(String name, Span span) {
        this.name = name;
        this.span = span;
    }

    /** As the script writes it, for example {@code @start}. */
    public String name() {
        return name;
    }

    /** Where the script first names it. */
    public Span span() {
        return span;
    }

    public Type value() {
        return value.type();
    }

    public Optional<Type> key() {
        return keyed ? Optional.of(key.type()) : Optional.empty();
    }

    public boolean keyed() {
        return keyed;
    }

    public Optional<String> declaredKind() {
        return declaredKind;
    }

    public OptionalInt declaredEntries() {
        return declaredEntries;
    }

    /** Whether the script clears it. */
    public boolean cleared() {
        return cleared;
    }

    void markCleared() {
        cleared = true;
    }

    void declare(String kind, int entries) {
        declaredKind = Optional.of(kind);
        declaredEntries = OptionalInt.of(entries);
    }

    boolean keyednessKnown() {
        return keyednessKnown;
    }

    void setKeyed(boolean keyed) {
        this.keyed = keyed;
        this.keyednessKnown = true;
    }

    TypeCell keyCell() {
        return key;
    }

    TypeCell valueCell() {
        return value;
    }
}
