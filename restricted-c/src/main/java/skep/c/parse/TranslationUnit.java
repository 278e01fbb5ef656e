package skep.c.parse;

import java.util.List;
import java.util.Optional;
import java.util.Set;
import skep.c.lex.Token;
import skep.source.Span;

/** A whole source after preprocessing. */
public record TranslationUnit(List<External> externals) {
    public TranslationUnit {
        externals = List.copyOf(externals);
    }

    /** What stands outside of functions. */
    public sealed interface External {
        Span span();
    }

    public record Declared(Declaration declaration) implements External {
        @Override
        public Span span() {
            return declaration.span();
        }
    }

    /** A function with its body. */
    public record FunctionDefinition(
            Span span,
            String name,
            CType.Function type,
            Set<String> storage,
            List<CType.Attribute> attributes,
            Stmt.Block body)
            implements External {
        public FunctionDefinition {
            storage = Set.copyOf(storage);
            attributes = List.copyOf(attributes);
        }
    }

    /**
     * {@code NAME(…);} or {@code NAME(…) { … }} with a name that no declaration and no macro knows: a dialect gives it
     * its meaning. The arguments are token lists, split at the commas outside of parentheses.
     */
    public record Invocation(Span span, String name, List<List<Token>> args, Optional<Stmt.Block> body)
            implements External {
        public Invocation {
            args = args.stream().map(List::copyOf).toList();
        }
    }
}
