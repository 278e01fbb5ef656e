package skep.c.parse;

import java.util.List;
import java.util.Optional;
import skep.source.Span;

/** What a variable starts with. */
public sealed interface Initializer {
    Span span();

    record Value(Expr expr) implements Initializer {
        @Override
        public Span span() {
            return expr.span();
        }
    }

    record Braces(Span span, List<Item> items) implements Initializer {
        public Braces {
            items = List.copyOf(items);
        }
    }

    /** One element, with the designators in front of it. */
    record Item(List<Designator> designators, Initializer value) {
        public Item {
            designators = List.copyOf(designators);
        }
    }

    /** {@code .name}, {@code [index]} or GNU's {@code [first ... last]}. */
    sealed interface Designator {
        record OfMember(String name, Span span) implements Designator {}

        record OfIndex(Expr first, Optional<Expr> last) implements Designator {}
    }
}
