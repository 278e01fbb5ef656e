package skep.c.lower;

import java.util.List;
import java.util.Optional;
import skep.btf.BtfType;
import skep.c.check.Types;
import skep.c.lower.Operand.Place;
import skep.c.parse.Expr;
import skep.c.parse.Initializer;
import skep.ir.FunctionBuilder;
import skep.ir.Type;

/** What variables start with (C11 6.7.9): braces, designators, omitted braces, text. */
final class Initializers {
    private final Lowering lowering;
    private final FunctionBuilder b;
    private final Types types;

    Initializers(Lowering lowering) {
        this.lowering = lowering;
        this.b = lowering.b;
        this.types = lowering.types;
    }

    /** The type, with the number of elements that the initialiser gives an array without one. */
    int completed(int type, Initializer initializer) {
        if (!(types.of(type) instanceof BtfType.Array a) || a.count() != 0) {
            return type;
        }
        long count = 0;
        switch (initializer) {
            case Initializer.Value v when v.expr() instanceof Expr.StringLiteral s -> count = s.bytes().length + 1L;
            case Initializer.Value v -> {}
            case Initializer.Braces braces -> {
                if (isText(type, braces)) {
                    var text = (Expr.StringLiteral)
                            ((Initializer.Value) braces.items().getFirst().value()).expr();
                    count = text.bytes().length + 1L;
                    break;
                }
                long at = 0;
                for (var item : braces.items()) {
                    if (!item.designators().isEmpty()
                            && item.designators().getFirst() instanceof Initializer.Designator.OfIndex i) {
                        at = lowering.constantOf(i.last().orElse(i.first())).orElse(at);
                    }
                    count = Math.max(count, ++at);
                }
            }
        }
        return types.layout.share(new BtfType.Array(a.elementId(), a.indexId(), (int) count));
    }

    private boolean isText(int type, Initializer.Braces braces) {
        return types.isCharacter(types.pointee(type))
                && braces.items().size() == 1
                && braces.items().getFirst().value() instanceof Initializer.Value v
                && v.expr() instanceof Expr.StringLiteral;
    }

    void initialize(Place place, Initializer initializer) {
        lowering.at(initializer.span());
        switch (initializer) {
            case Initializer.Value v -> value(place, v.expr());
            case Initializer.Braces braces -> {
                if (types.isScalar(place.type())) {
                    if (braces.items().isEmpty()) {
                        lowering.store(place, lowering.number(place.type(), 0));
                    } else {
                        initialize(place, braces.items().getFirst().value());
                    }
                } else {
                    zero(place);
                    fill(place, braces);
                }
            }
        }
    }

    void zero(Place place) {
        b.zero(
                place.base(),
                (int) place.offset(),
                (int) types.size(place.type()),
                lowering.expressions.alignment(place));
    }

    private void value(Place place, Expr expr) {
        if (types.isArray(place.type())
                && types.isCharacter(types.pointee(place.type()))
                && expr instanceof Expr.StringLiteral s) {
            text(place, s.bytes());
            return;
        }
        if (types.isArray(place.type())) {
            lowering.error(expr.span(), "array initializer must be an initializer list or string literal");
            return;
        }
        lowering.store(place, lowering.expressions.converted(expr, place.type(), "initializing", ""));
    }

    /** Writes text and zeros behind it. */
    void text(Place place, byte[] bytes) {
        int size = (int) types.size(place.type());
        int at = 0;
        while (at < size) {
            int left = size - at;
            int chunk = left >= 8 ? 8 : left >= 4 ? 4 : left >= 2 ? 2 : 1;
            while (chunk > 1 && (place.offset() + at) % chunk != 0) {
                chunk /= 2;
            }
            long number = 0;
            for (int i = chunk - 1; i >= 0; i--) {
                number = number << 8 | (at + i < bytes.length ? bytes[at + i] & 0xff : 0);
            }
            b.store(place.base(), (int) place.offset() + at, b.constant(Type.ofBytes(chunk), number));
            at += chunk;
        }
    }

    // Braces

    private void fill(Place place, Initializer.Braces braces) {
        if (isText(place.type(), braces)) {
            value(place, ((Initializer.Value) braces.items().getFirst().value()).expr());
            return;
        }
        int left = aggregate(place, braces.items(), 0, true);
        if (left < braces.items().size()) {
            var kind = types.isArray(place.type())
                    ? "array"
                    : types.of(place.type()).kind().name().toLowerCase(java.util.Locale.ROOT);
            lowering.warning(braces.items().get(left).value().span(), "excess elements in " + kind + " initializer");
        }
    }

    /**
     * Fills an array or structure from the items at {@code at}; returns the first that is not its own.
     *
     * @param braced whether the braces are those of this type: designators name its parts
     */
    private int aggregate(Place place, List<Initializer.Item> items, int at, boolean braced) {
        int next = 0;
        int item = at;
        while (item < items.size()) {
            var current = items.get(item);
            if (!current.designators().isEmpty()) {
                if (!braced) {
                    return item;
                }
                next = designated(place, current, 0);
                item++;
                continue;
            }
            var part = part(place, next);
            if (part.isEmpty()) {
                return item;
            }
            next++;
            item = element(part.get(), items, item);
        }
        return item;
    }

    /** One part: with braces or a fitting value one item, otherwise as many as it has parts. */
    private int element(Place part, List<Initializer.Item> items, int at) {
        var value = items.get(at).value();
        boolean simple =
                value instanceof Initializer.Braces || types.isScalar(part.type()) || types.isWide(part.type());
        if (simple || fits(part, value)) {
            part(part, value);
            return at + 1;
        }
        return Math.max(at + 1, aggregate(part, items, at, false));
    }

    private boolean fits(Place part, Initializer value) {
        if (!(value instanceof Initializer.Value v)) {
            return false;
        }
        if (types.isArray(part.type())) {
            return v.expr() instanceof Expr.StringLiteral;
        }
        int type = lowering.silentlyTyped(v.expr());
        return types.same(type, part.type());
    }

    /** A part of something that is zero already. */
    private void part(Place part, Initializer value) {
        if (value instanceof Initializer.Braces inner && !types.isScalar(part.type())) {
            fill(part, inner);
        } else {
            initialize(part, value);
        }
    }

    /** The part with this index, without padding bit-fields; of a union only the first. */
    private Optional<Place> part(Place place, int index) {
        return switch (types.of(place.type())) {
            case BtfType.Array a
            when index < a.count() ->
                Optional.of(new Place(a.elementId(), place.base(), place.offset() + index * types.size(a.elementId())));
            case BtfType.Union u
            when index == 0 && !u.members().isEmpty() ->
                Optional.of(member(place, u.members().getFirst()));
            case BtfType.Struct s
            when index < s.members().size() ->
                Optional.of(member(place, s.members().get(index)));
            default -> Optional.empty();
        };
    }

    private Place member(Place place, BtfType.Member m) {
        if (m.bitFieldBits() > 0 && !m.name().isEmpty()) {
            return (Place) lowering.expressions.select(place, m.name(), b.span());
        }
        return new Place(m.typeId(), place.base(), place.offset() + m.offsetBits() / 8);
    }

    /** Fills what the designators name; returns the index of the part behind it. */
    private int designated(Place place, Initializer.Item item, int depth) {
        int next = 0;
        var at = place;
        long last = -1;
        for (int i = depth; i < item.designators().size(); i++) {
            switch (item.designators().get(i)) {
                case Initializer.Designator.OfMember m -> {
                    if (!types.isComposite(at.type())) {
                        lowering.error(
                                m.span(),
                                "field designator cannot initialize a non-struct, non-union type '"
                                        + types.name(at.type()) + "'");
                        return next;
                    }
                    if (types.field(at.type(), m.name()).isEmpty()) {
                        lowering.error(
                                m.span(),
                                "field designator '" + m.name() + "' does not refer to any field in type '"
                                        + types.name(at.type()) + "'");
                        return next;
                    }
                    next = i == depth ? indexOf(at.type(), m.name()) + 1 : next;
                    at = (Place) lowering.expressions.select(at, m.name(), m.span());
                }
                case Initializer.Designator.OfIndex x -> {
                    long first = index(x.first());
                    last = x.last().map(this::index).orElse(first);
                    if (!(types.of(at.type()) instanceof BtfType.Array a) || first < 0 || last >= a.count()) {
                        lowering.error(x.first().span(), "array designator index (" + last + ") exceeds array bounds");
                        return next;
                    }
                    next = i == depth ? (int) last + 1 : next;
                    for (long k = first; k < last; k++) {
                        part(
                                new Place(a.elementId(), at.base(), at.offset() + k * types.size(a.elementId())),
                                item.value());
                    }
                    at = new Place(a.elementId(), at.base(), at.offset() + last * types.size(a.elementId()));
                }
            }
        }
        part(at, item.value());
        return next;
    }

    private long index(Expr expr) {
        return lowering.constantOf(expr).orElse(-1L);
    }

    private int indexOf(int type, String name) {
        var members = ((BtfType.Composite) types.of(type)).members();
        for (int i = 0; i < members.size(); i++) {
            var m = members.get(i);
            if (m.name().equals(name)
                    || m.name().isEmpty() && types.field(m.typeId(), name).isPresent()) {
                return i;
            }
        }
        return members.size();
    }
}
