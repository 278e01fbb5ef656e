package skep.c.parse;

import java.util.List;
import java.util.Optional;
import java.util.Set;
import skep.source.Span;

/**
 * Declares variables, functions or type names; with no declarators, a structure, union or enumeration.
 *
 * @param storage the words among {@code typedef extern static inline register _Thread_local}
 * @param type what the specifiers say
 */
public record Declaration(
        Span span, Set<String> storage, CType type, List<Declarator> declarators, List<CType.Attribute> attributes) {
    public Declaration {
        storage = Set.copyOf(storage);
        declarators = List.copyOf(declarators);
        attributes = List.copyOf(attributes);
    }

    public boolean isTypedef() {
        return storage.contains("typedef");
    }

    /** One declared name with its whole type. */
    public record Declarator(
            String name, CType type, Optional<Initializer> initializer, List<CType.Attribute> attributes, Span span) {
        public Declarator {
            attributes = List.copyOf(attributes);
        }
    }
}
