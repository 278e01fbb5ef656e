package skep.truffle.lang;

import com.oracle.truffle.api.CompilerDirectives.TruffleBoundary;
import com.oracle.truffle.api.TruffleLanguage;
import com.oracle.truffle.api.frame.VirtualFrame;
import com.oracle.truffle.api.nodes.RootNode;
import com.oracle.truffle.api.source.Source;
import com.oracle.truffle.api.source.SourceSection;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * A text of one of our languages as Truffle runs it: makes a thing each time. The first is made when the text is parsed, for
 * what is wrong with it to be said then.
 *
 * @param <T> what is made: a trace, a program
 */
final class Evaluation<T extends AutoCloseable> extends RootNode {
    private final Source source;
    private final TruffleLanguage.ContextReference<Tracing> current;
    private final Maker<T> maker;
    private final Function<T, Object> result;
    private String parsedFor;
    private @Nullable T parsed;

    /** Compiles a text for what a context traces. */
    @FunctionalInterface
    interface Maker<T> {
        T make(Tracing tracing, Source source);
    }

    /** @param result what the thing that was made evaluates to, when it is its turn */
    Evaluation(
            TruffleLanguage<Tracing> language,
            Source source,
            TruffleLanguage.ContextReference<Tracing> current,
            Maker<T> maker,
            Function<T, Object> result) {
        super(language);
        this.source = source;
        this.current = current;
        this.maker = maker;
        this.result = result;
        var tracing = current.get(null);
        this.parsedFor = tracing.spec();
        this.parsed = maker.make(tracing, source);
    }

    @Override
    public Object execute(VirtualFrame frame) {
        return evaluate();
    }

    @TruffleBoundary
    private synchronized Object evaluate() {
        var tracing = current.get(this);
        var first = parsed;
        parsed = null;
        if (first != null && tracing.owns(first) && parsedFor.equals(tracing.spec())) {
            return result.apply(first);
        }
        if (first != null) {
            Tracing.close(first);
        }
        return result.apply(maker.make(tracing, source));
    }

    @Override
    public SourceSection getSourceSection() {
        return source.createSection(0, source.getLength());
    }

    @Override
    public String getName() {
        return source.getName();
    }
}
