package skep.dsl.check;

import java.util.Optional;
import skep.dsl.Type;

/** A type that grows with what is assigned to it. */
final class TypeCell {
    private Type type = Type.VOID;
    /** Whether only non-negative literals were seen: they fit signed and unsigned types alike. */
    private boolean literalsOnly = true;

    private boolean fixed;
    private boolean locked;
    private int changes;

    Type type() {
        return type;
    }

    /** How often the type has grown; when no cell grows any more, all types are found. */
    int changes() {
        return changes;
    }

    boolean isFixed() {
        return fixed;
    }

    /** Since a decision of the compiler rests on it, the type may not grow any more. */
    void lock() {
        locked |= !(type instanceof Type.Void);
    }

    boolean isLocked() {
        return locked;
    }

    /** Gives it a declared type, which stays. */
    void fix(Type declared) {
        set(declared);
        literalsOnly = false;
        fixed = true;
    }

    /** Makes room for a value of a type; empty if they do not go together, then nothing changes. */
    Optional<Type> join(Type added, boolean literal) {
        if (added instanceof Type.Void) {
            return Optional.of(type);
        }
        if (locked) {
            var trial = new TypeCell();
            trial.type = type;
            trial.literalsOnly = literalsOnly;
            trial.fixed = fixed;
            return trial.join(added, literal).filter(type::equals);
        }
        if (fixed) {
            return Conversions.fits(added, type, literal) ? Optional.of(type) : Optional.empty();
        }
        if (type instanceof Type.Int mine && added instanceof Type.Int other && mine.signed() != other.signed()) {
            if (literal && !mine.signed()) {
                set(new Type.Int(Math.max(mine.sizeBytes(), other.sizeBytes()), false));
                return Optional.of(type);
            }
            if (literalsOnly && !other.signed()) {
                set(new Type.Int(Math.max(mine.sizeBytes(), other.sizeBytes()), false));
                literalsOnly = false;
                return Optional.of(type);
            }
        }
        var joined = Conversions.join(type, added);
        joined.ifPresent(t -> {
            set(t);
            literalsOnly &= literal;
        });
        return joined;
    }

    private void set(Type newType) {
        if (!type.equals(newType)) {
            type = newType;
            changes++;
        }
    }
}
