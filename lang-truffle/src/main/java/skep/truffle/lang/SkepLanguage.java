package skep.truffle.lang;

import com.oracle.truffle.api.CallTarget;
import com.oracle.truffle.api.Option;
import com.oracle.truffle.api.TruffleLanguage;
import org.graalvm.options.OptionCategory;
import org.graalvm.options.OptionDescriptors;
import org.graalvm.options.OptionKey;
import org.graalvm.options.OptionStability;
import org.graalvm.polyglot.SandboxPolicy;
import skep.truffle.interop.ScopeObject;
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
        return ScopeObject.ofScripts(tracing);
    }

    @Override
    protected CallTarget parse(ParsingRequest request) {
        return new Evaluation<>(
                        this,
                        request.getSource(),
                        CURRENT,
                        (tracing, source) -> tracing.trace(source, TraceOptions.of(source.getName())),
                        trace -> trace)
                .getCallTarget();
    }
}
