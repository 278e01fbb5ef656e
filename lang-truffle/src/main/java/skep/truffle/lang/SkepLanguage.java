package skep.truffle.lang;

import com.oracle.truffle.api.CallTarget;
import com.oracle.truffle.api.CompilerDirectives.TruffleBoundary;
import com.oracle.truffle.api.Option;
import com.oracle.truffle.api.TruffleLanguage;
import com.oracle.truffle.api.frame.VirtualFrame;
import com.oracle.truffle.api.nodes.RootNode;
import com.oracle.truffle.api.source.Source;
import com.oracle.truffle.api.source.SourceSection;
import org.graalvm.options.OptionCategory;
import org.graalvm.options.OptionDescriptors;
import org.graalvm.options.OptionKey;
import org.graalvm.options.OptionStability;
import org.graalvm.polyglot.SandboxPolicy;
import skep.truffle.interop.ScopeObject;
import skep.truffle.interop.TraceObject;
import skep.truffle.interop.TraceOptions;

/**
 * The tracing language for every Truffle program: evaluating a script compiles and verifies it and returns a trace that is
 * ready to run.
 */
@TruffleLanguage.Registration(
        id = SkepLanguage.ID,
        name = "Skep",
        implementationName = "Skep",
        defaultMimeType = SkepLanguage.MIME_TYPE,
        characterMimeTypes = SkepLanguage.MIME_TYPE,
        contextPolicy = TruffleLanguage.ContextPolicy.SHARED,
        sandbox = SandboxPolicy.TRUSTED,
        fileTypeDetectors = ScriptFiles.class)
public final class SkepLanguage extends TruffleLanguage<Tracing> {
    public static final String ID = "skep";

    static final String MIME_TYPE = "text/x-skep";

    /** What is traced unless a trace says otherwise; without it the embedded kernel, which asks for no privilege. */
    public static final String DEFAULT_TARGET = "embedded:speed=max";

    @Option(
            name = "Target",
            help = "What is traced, as --target takes it.",
            category = OptionCategory.USER,
            stability = OptionStability.STABLE)
    static final OptionKey<String> TARGET = new OptionKey<>(DEFAULT_TARGET);

    private static final ContextReference<Tracing> CURRENT = ContextReference.create(SkepLanguage.class);

    /** What the context that is entered holds. */
    public static Tracing current() {
        return CURRENT.get(null);
    }

    @Override
    protected Tracing createContext(Env env) {
        return new Tracing(env, env.getOptions().get(TARGET));
    }

    @Override
    protected void disposeContext(Tracing tracing) {
        tracing.close();
    }

    @Override
    protected boolean isThreadAccessAllowed(Thread thread, boolean singleThreaded) {
        return true;
    }

    @Override
    protected OptionDescriptors getOptionDescriptors() {
        return new SkepLanguageOptionDescriptors();
    }

    @Override
    protected Object getScope(Tracing tracing) {
        return new ScopeObject(tracing);
    }

    @Override
    protected CallTarget parse(ParsingRequest request) {
        return new Script(this, request.getSource(), CURRENT.get(null)).getCallTarget();
    }

    /** Makes a trace each time it runs; the first is made when it is parsed, for what is wrong with it to be said then. */
    private static final class Script extends RootNode {
        private final Source source;
        private final String name;
        private String parsedFor;
        private @org.jspecify.annotations.Nullable TraceObject parsed;

        Script(SkepLanguage language, Source source, Tracing tracing) {
            super(language);
            this.source = source;
            this.name = source.getName();
            this.parsedFor = tracing.spec();
            this.parsed = tracing.trace(source, TraceOptions.of(name));
        }

        @Override
        public Object execute(VirtualFrame frame) {
            return trace();
        }

        @TruffleBoundary
        private synchronized Object trace() {
            var tracing = CURRENT.get(this);
            var first = parsed;
            parsed = null;
            if (first != null && tracing.owns(first) && parsedFor.equals(tracing.spec())) {
                return first;
            }
            if (first != null) {
                first.close();
            }
            return tracing.trace(source, TraceOptions.of(name));
        }

        @Override
        public SourceSection getSourceSection() {
            return source.createSection(0, source.getLength());
        }

        @Override
        public String getName() {
            return name;
        }
    }
}
