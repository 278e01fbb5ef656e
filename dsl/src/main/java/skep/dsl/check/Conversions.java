package skep.dsl.check;

import java.util.ArrayList;
import java.util.Optional;
import skep.dsl.Type;

/** Which types go together. */
final class Conversions {
    private Conversions() {}

    /** The smallest type that holds values of both, if there is one. {@link Type#VOID} stands for any. */
    static Optional<Type> join(Type a, Type b) {
        if (a instanceof Type.Void) {
            return Optional.of(b);
        }
        if (b instanceof Type.Void || a.equals(b)) {
            return Optional.of(a);
        }
        return switch (a) {
            case Type.Int x when b instanceof Type.Int y -> Optional.of(integers(x, y));
            case Type.Int x when b instanceof Type.Enum y -> Optional.of(integers(x, asInt(y)));
            case Type.Enum x when b instanceof Type.Int y -> Optional.of(integers(asInt(x), y));
            case Type.Enum x when b instanceof Type.Enum y -> Optional.of(integers(asInt(x), asInt(y)));
            case Type.Str x when b instanceof Type.Str y -> Optional.of(x.sizeBytes() >= y.sizeBytes() ? x : y);
            case Type.Buffer x
            when b instanceof Type.Buffer y -> Optional.of(x.capacityBytes() >= y.capacityBytes() ? x : y);
            case Type.Tuple x when b instanceof Type.Tuple y -> tuples(x, y);
            case Type.Rec x when b instanceof Type.Rec y -> records(x, y);
            case Type.Pointer x when b instanceof Type.Pointer y -> pointers(x, y);
            case Type.Sum _ when b instanceof Type.Sum -> Optional.of(new Type.Sum(true));
            case Type.Min _ when b instanceof Type.Min -> Optional.of(new Type.Min(true));
            case Type.Max _ when b instanceof Type.Max -> Optional.of(new Type.Max(true));
            case Type.Avg _ when b instanceof Type.Avg -> Optional.of(new Type.Avg(true));
            case Type.Stats _ when b instanceof Type.Stats -> Optional.of(new Type.Stats(true));
            case Type.TimeSeries x
            when b instanceof Type.TimeSeries y
                    && x.intervalNanos() == y.intervalNanos()
                    && x.intervals() == y.intervals()
                    && x.kind() == y.kind() ->
                Optional.of(new Type.TimeSeries(x.intervalNanos(), x.intervals(), x.kind(), true, x.clockMap()));
            case Type.CgroupPath _ when b instanceof Type.CgroupPath -> Optional.of(a);
            case Type.Timestamp _ when b instanceof Type.Timestamp -> Optional.of(a);
            default -> Optional.empty();
        };
    }

    static Type.Int asInt(Type.Enum type) {
        return new Type.Int(type.sizeBytes(), type.signed());
    }

    private static Type.Int integers(Type.Int a, Type.Int b) {
        if (a.signed() == b.signed()) {
            return a.sizeBytes() >= b.sizeBytes() ? a : b;
        }
        int unsignedBytes = a.signed() ? b.sizeBytes() : a.sizeBytes();
        int signedBytes = a.signed() ? a.sizeBytes() : b.sizeBytes();
        return new Type.Int(Math.max(signedBytes, Math.min(8, unsignedBytes * 2)), true);
    }

    private static Optional<Type> tuples(Type.Tuple a, Type.Tuple b) {
        if (a.elements().size() != b.elements().size()) {
            return Optional.empty();
        }
        var parts = new ArrayList<Type>();
        for (int i = 0; i < a.elements().size(); i++) {
            var part = join(a.elements().get(i), b.elements().get(i));
            if (part.isEmpty()) {
                return Optional.empty();
            }
            parts.add(part.get());
        }
        return Optional.of(new Type.Tuple(parts));
    }

    private static Optional<Type> records(Type.Rec a, Type.Rec b) {
        if (a.members().size() != b.members().size()) {
            return Optional.empty();
        }
        var parts = new ArrayList<Type.Member>();
        for (var member : a.members()) {
            var other = b.members().stream()
                    .filter(m -> m.name().equals(member.name()))
                    .findFirst();
            var part = other.flatMap(o -> join(member.type(), o.type()));
            if (part.isEmpty()) {
                return Optional.empty();
            }
            parts.add(new Type.Member(member.name(), part.get()));
        }
        return Optional.of(new Type.Rec(parts));
    }

    private static Optional<Type> pointers(Type.Pointer a, Type.Pointer b) {
        var space = a.space() == b.space() ? a.space() : Type.AddressSpace.ANY;
        if (a.target().equals(b.target()) || b.target() instanceof Type.Void) {
            return Optional.of(new Type.Pointer(a.target(), space));
        }
        if (a.target() instanceof Type.Void) {
            return Optional.of(new Type.Pointer(b.target(), space));
        }
        return Optional.empty();
    }

    /** Whether a value may be assigned to something declared with a type. */
    static boolean fits(Type value, Type declared, boolean literal) {
        if (value instanceof Type.Int from && declared instanceof Type.Int to) {
            if (literal && !to.signed()) {
                return from.sizeBytes() <= to.sizeBytes();
            }
            return from.signed() == to.signed()
                    ? from.sizeBytes() <= to.sizeBytes()
                    : to.signed() && from.sizeBytes() < to.sizeBytes();
        }
        return join(declared, value).filter(declared::equals).isPresent();
    }

    /** Whether zero padding makes bytes of equal values equal: then they can be compared byte by byte. */
    static boolean isScalar(Type type) {
        return type.isInteger()
                || type instanceof Type.Pointer
                || type instanceof Type.Symbolic
                || type instanceof Type.CgroupPath
                || type instanceof Type.Timestamp
                || type instanceof Type.KernelStack;
    }
}
