package skep.c.parse;

import java.util.List;
import java.util.Optional;
import skep.source.Span;

/**
 * A type as the source writes it; names are not looked up yet. The qualifiers {@code const}, {@code volatile} and
 * {@code restrict} are not kept: they change nothing that a BPF program can observe.
 */
public sealed interface CType {
    /** A type of the language by its canonical name: {@code void}, {@code unsigned long}, {@code _Bool}, {@code __int128}. */
    record Basic(String name) implements CType {}

    /** A name that a {@code typedef} gave. */
    record Named(String name, Span span) implements CType {}

    /** A structure or union; with members where it is defined. */
    record Composite(boolean union, String tag, Optional<List<Field>> fields, List<Attribute> attributes, Span span)
            implements CType {
        public Composite {
            fields = fields.map(List::copyOf);
            attributes = List.copyOf(attributes);
        }
    }

    /** An enumeration; with constants where it is defined. */
    record Enumeration(String tag, Optional<List<Constant>> constants, Span span) implements CType {
        public Enumeration {
            constants = constants.map(List::copyOf);
        }
    }

    record Pointer(CType to) implements CType {}

    /** Empty size: taken from the initialiser, or a flexible array. */
    record Array(CType element, Optional<Expr> size) implements CType {}

    record Function(CType result, List<Parameter> parameters, boolean variadic) implements CType {
        public Function {
            parameters = List.copyOf(parameters);
        }
    }

    /** {@code typeof(expression)}; {@code typeof(type)} is that type. */
    record TypeOf(Expr expr) implements CType {}

    /**
     * A member.
     *
     * @param name empty for an anonymous structure, union or padding bit-field
     * @param bits width of a bit-field
     */
    record Field(String name, CType type, Optional<Expr> bits, List<Attribute> attributes, Span span) {
        public Field {
            attributes = List.copyOf(attributes);
        }
    }

    record Constant(String name, Optional<Expr> value, Span span) {}

    /** A parameter; the name may be empty. */
    record Parameter(String name, CType type, Span span) {}

    /** {@code __attribute__((name(args)))}; the arguments as tokens. */
    record Attribute(String name, List<String> args) {
        public Attribute {
            args = List.copyOf(args);
        }
    }
}
