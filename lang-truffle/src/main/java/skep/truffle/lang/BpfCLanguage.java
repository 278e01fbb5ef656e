package skep.truffle.lang;

import com.oracle.truffle.api.CallTarget;
import com.oracle.truffle.api.Option;
import com.oracle.truffle.api.TruffleLanguage;
import org.graalvm.options.OptionCategory;
import org.graalvm.options.OptionDescriptors;
import org.graalvm.options.OptionKey;
import org.graalvm.options.OptionStability;
import org.graalvm.polyglot.SandboxPolicy;
import skep.truffle.interop.ProgramObject;
import skep.truffle.interop.ScopeObject;

/**
 * BCC's C for every Truffle program: evaluating a text compiles it, makes its tables, attaches the functions whose names say
 * where, and returns the program. Another context than {@code skep}'s, with a target of its own.
 */
@TruffleLanguage.Registration(
        id = BpfCLanguage.ID,
        name = "BPF C",
        implementationName = "Skep",
        defaultMimeType = BpfCLanguage.MIME_TYPE,
        characterMimeTypes = BpfCLanguage.MIME_TYPE,
        contextPolicy = TruffleLanguage.ContextPolicy.SHARED,
        dependentLanguages = SkepLanguage.ID,
        sandbox = SandboxPolicy.TRUSTED)
public final class BpfCLanguage extends TruffleLanguage<Tracing> {
    public static final String ID = "bpf-c";

    static final String MIME_TYPE = "text/x-bpf-c";

    @Option(
            name = "Target",
            help = "What is traced, as --target takes it.",
            category = OptionCategory.USER,
            stability = OptionStability.STABLE)
    static final OptionKey<String> TARGET = new OptionKey<>("embedded");

    private static final ContextReference<Tracing> CURRENT = ContextReference.create(BpfCLanguage.class);

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
        return new BpfCLanguageOptionDescriptors();
    }

    @Override
    protected Object getScope(Tracing tracing) {
        return ScopeObject.ofPrograms(tracing);
    }

    @Override
    protected CallTarget parse(ParsingRequest request) {
        return new Evaluation<ProgramObject>(
                        this, request.getSource(), CURRENT, ProgramObject::compile, ProgramObject::attached)
                .getCallTarget();
    }
}
